"""DELETE, the recycle bin, the feed of changes and capabilities, over an archive in memory."""

import json
from xml.etree import ElementTree as ET

import pytest
from starlette.routing import Route

from calotype.network.rejections import Rejections
from calotype.services.archive.archive import Bin
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.app import create_app
from calotype.web.dicomweb import capabilities
from calotype.web.rooms import Rooms
from support import samples
from support.archives import House

STUDY = samples.uid(700)
SERIES = samples.uid(3, 1)
URL = f"/dicomweb/studies/{STUDY}"
WADL = "{http://wadl.dev.java.net/2009/02}"


@pytest.fixture
def promised():
    """To whom what was promised."""
    return {}


@pytest.fixture
def house(promised):
    made = House(MemoryObjectStore(), MemoryIndex(), bin=Bin(promised=lambda _: promised))
    for number in range(3):
        made.store(samples.ct(16, 16, seed=number, study_uid=STUDY, sop_uid=f"{STUDY}.{number}"))
    return made


@pytest.fixture
def app(house, settings):
    archive = house.archive
    rooms = Rooms(archive, Rejections(), recycling=archive.recycling, changes=archive.changes)
    return create_app(rooms, settings)


@pytest.fixture
def series(client):
    return client.get(f"{URL}/series").json()[0]["0020000E"]["Value"][0]


def delete(client, url=URL, **how):
    return client.request("DELETE", url, **how)


class TestDelete:
    def test_a_deleted_study_is_gone_and_204_says_so(self, client):
        answer = delete(client)
        assert (answer.status_code, answer.content) == (204, b"")
        assert client.get("/dicomweb/studies").json() == []
        for path in ("", "/metadata", f"/series/{SERIES}/instances/{STUDY}.0"):
            assert client.get(URL + path).status_code == 404

    def test_again_is_404(self, client):
        delete(client)
        answer = delete(client)
        assert answer.status_code == 404
        assert STUDY in answer.json()["detail"]

    def test_by_its_other_name(self, client):
        assert delete(client, f"/dicom-web/studies/{STUDY}").status_code == 204

    def test_an_instance_and_a_series(self, client, series):
        assert delete(client, f"{URL}/series/{series}/instances/{STUDY}.1").status_code == 204
        assert len(client.get(f"{URL}/instances").json()) == 2
        assert delete(client, f"{URL}/series/{series}").status_code == 204
        assert client.get("/dicomweb/studies").json() == []

    def test_an_instance_of_another_series_is_not_found(self, client):
        assert delete(client, f"{URL}/series/9.9/instances/{STUDY}.1").status_code == 404
        assert len(client.get(f"{URL}/instances").json()) == 3

    @pytest.mark.parametrize("path", ["/studies/1%2A", "/studies/1%5C2", "/studies/" + "1" * 300])
    def test_what_no_uid_can_be_is_refused(self, client, path):
        assert delete(client, f"/dicomweb{path}").status_code == 400

    def test_nothing_else_can_be_deleted(self, client):
        for path in ("", "/studies", "/series", f"/studies/{STUDY}/metadata", f"/studies/{STUDY}/series"):
            assert delete(client, f"/dicomweb{path}").status_code == 405


class TestRecycleBin:
    def test_it_says_who_deleted_what_and_why(self, client):
        delete(client, f"{URL}?reason=not%20this%20patient")
        (told,) = client.get("/api/recycle-bin").json()
        assert (told["study"], told["level"], told["instances"], told["state"]) == (STUDY, "STUDY", 3, "kept")
        assert (told["deleted_by"], told["reason"]) == ("192.0.2.1 (HTTP)", "not this patient")
        assert client.get(f"/api/recycle-bin/{told['id']}").json() == {**told, "promised": {}}

    def test_restoring_puts_it_back(self, client):
        before = client.get(f"{URL}/metadata").json()
        delete(client)
        (told,) = client.get("/api/recycle-bin").json()
        answer = client.post(f"/api/recycle-bin/{told['id']}/restore")
        assert (answer.status_code, answer.json()["served"]) == (200, 3)
        assert answer.json()["deletion"]["state"] == "restored"
        assert client.get(f"{URL}/metadata").json() == before
        assert client.get("/api/recycle-bin").json() == []
        assert len(client.get("/api/recycle-bin?state=restored").json()) == 1

    def test_restoring_twice_is_409(self, client):
        delete(client)
        client.post("/api/recycle-bin/1/restore")
        assert client.post("/api/recycle-bin/1/restore").status_code == 409
        assert client.post("/api/recycle-bin/1/purge").status_code == 409

    def test_purging_is_taken_and_done_later(self, client, house):
        delete(client)
        answer = client.post("/api/recycle-bin/1/purge")
        assert (answer.status_code, answer.json()["state"]) == (202, "purging")
        house.archive.recycling.work()
        assert client.get("/api/recycle-bin/1").json()["state"] == "purged"
        assert list(house.objects.keys()) == []

    def test_what_was_promised_is_purged_by_force_only(self, client, promised):
        promised["MODALITY"] = 3
        delete(client)
        assert client.get("/api/recycle-bin/1").json()["promised"] == {"MODALITY": 3}
        answer = client.post("/api/recycle-bin/1/purge")
        assert answer.status_code == 409
        assert "MODALITY (3 objects)" in answer.json()["detail"]
        assert client.request("DELETE", "/api/recycle-bin").json() == {"purging": 0, "held_back": [1]}
        assert client.post("/api/recycle-bin/1/purge?force=true").status_code == 202

    def test_emptying_purges_everything(self, client):
        delete(client)
        answer = client.request("DELETE", "/api/recycle-bin")
        assert (answer.status_code, answer.json()) == (202, {"purging": 1, "held_back": []})

    def test_it_is_listed_by_pages(self, client, series):
        for number in range(3):
            delete(client, f"{URL}/series/{series}/instances/{STUDY}.{number}")
        assert [each["id"] for each in client.get("/api/recycle-bin?limit=2").json()] == [3, 2]
        assert [each["id"] for each in client.get("/api/recycle-bin?limit=2&before=2").json()] == [1]

    @pytest.mark.parametrize("path", ["/api/recycle-bin/7", "/api/recycle-bin/0", "/api/recycle-bin/x"])
    def test_an_unknown_number_is_an_error_of_the_client(self, client, path):
        assert client.get(path).status_code in (400, 404)


class TestChanges:
    @pytest.mark.parametrize("path", ["/api/changes", "/dicomweb/changes", "/dicom-web/changes"])
    def test_they_are_told_in_order_and_can_be_gone_on_with(self, client, path):
        first = client.get(path).json()
        (created,) = first["changes"]
        assert (created["action"], created["level"], created["study"]) == ("created", "SERIES", STUDY)
        assert (created["instances"], created["sequence"], first["last"]) == (3, 1, 1)
        assert (first["is_complete"], first["is_cut"]) == (True, False)
        delete(client)
        second = client.get(f"{path}?since={first['last']}").json()
        assert [(each["action"], each["level"], each["sequence"]) for each in second["changes"]] == [
            ("deleted", "STUDY", 2)
        ]
        assert second["feed"] == first["feed"]

    def test_a_list_says_where_to_go_on(self, client, house):
        listed = client.get("/api/studies").json()
        house.store(samples.ct(16, 16, seed=9, study_uid="1.9", sop_uid="1.9.1"))
        later = client.get(f"/api/changes?since={listed['change']}").json()
        assert {each["study"] for each in later["changes"]} >= {"1.9"}
        again = client.get("/api/studies").json()["change"]
        assert client.get(f"/api/changes?since={again}").json()["changes"] == []

    def test_a_page_has_its_limit(self, client):
        delete(client)
        page = client.get("/api/changes?limit=1").json()
        assert (len(page["changes"]), page["last"], page["newest"], page["is_complete"]) == (1, 1, 2, False)

    def test_what_is_not_kept_any_more_is_said_to_be_missing(self, client, house):
        delete(client)
        client.post("/api/recycle-bin/1/restore")
        house.index.feed.trim(1)
        assert client.get("/api/changes?since=1").json()["is_cut"] is True
        assert client.get("/api/changes?since=2").json()["is_cut"] is False

    def test_a_number_of_another_feed_is_said_to_be_one(self, client):
        page = client.get("/api/changes?since=99").json()
        assert (page["changes"], page["is_cut"], page["last"]) == ([], True, 1)

    @pytest.mark.parametrize("query", ["since=-1", "since=x", "limit=0", "limit=100000", "since=9" * 30])
    def test_nonsense_is_refused(self, client, query):
        assert client.get(f"/api/changes?{query}").status_code == 400


class TestCapabilities:
    def test_the_service_describes_itself_as_wadl(self, client):
        for method in ("GET", "OPTIONS"):
            answer = client.request(method, "/dicomweb")
            assert answer.headers["content-type"] == "application/vnd.sun.wadl+xml"
            root = ET.fromstring(answer.content)
            resources = root.find(f"{WADL}resources")
            assert resources.get("base") == "http://pacs.example:5000/dicomweb/"
            studies = resources.find(f"{WADL}resource[@path='studies']")
            assert {method.get("name") for method in studies.findall(f"{WADL}method")} == {"GET", "POST"}
            one = studies.find(f"{WADL}resource[@path='{{study}}']")
            assert {method.get("name") for method in one.findall(f"{WADL}method")} == {"GET", "POST", "DELETE"}
            assert one.find(f"{WADL}param").attrib == {"name": "study", "style": "template"}
            names = [param.get("name") for param in studies.iter(f"{WADL}param")]
            assert {"limit", "offset", "includefield"} <= set(names)

    def test_or_as_json(self, client):
        told = client.get("/dicomweb/", headers={"Accept": "application/json"}).json()
        by_path = {each["path"]: each["methods"] for each in told["resources"]}
        assert [method["name"] for method in by_path["/studies/{study}"]] == ["DELETE", "GET", "POST"]
        assert by_path["/studies/{study}/metadata"][0]["service"] == "Retrieve metadata"
        assert told["base"] == "http://pacs.example:5000/dicomweb"

    def test_every_resource_says_what_is_allowed(self, client, app):
        paths = {
            route.path
            for route in app.routes
            if isinstance(route, Route) and route.path.startswith(("/dicomweb/", "/dicom-web/"))
        }
        assert len(paths) > 20
        for path in paths:
            answer = client.request("OPTIONS", path.replace("{", "").replace("}", "").replace(":path", ""))
            assert answer.status_code == 200, path
            assert "OPTIONS" in answer.headers["allow"]
            assert ET.fromstring(answer.content).tag == f"{WADL}application"

    def test_one_resource_tells_of_itself_and_of_what_is_below(self, client):
        answer = client.request("OPTIONS", URL, headers={"Accept": "application/json"})
        assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, POST"
        paths = {each["path"] for each in answer.json()["resources"]}
        assert "/studies/{study}" in paths
        assert "/studies/{study}/series" in paths
        assert "/studies" not in paths

    def test_what_is_said_is_what_is_there(self, app):
        told = capabilities.services(app)
        there = {}
        for route in app.routes:
            if isinstance(route, Route) and route.path.startswith("/dicomweb/"):
                path = route.path.removeprefix("/dicomweb").replace(":path", "")
                there.setdefault(path, set()).update(route.methods - {"HEAD", "OPTIONS"})
        del there["/"]
        there["/changes"] = {"GET"}
        said = {path: {method.name for method in methods} for path, methods in told.items() if path}
        assert said == there

    def test_no_other_form_is_made(self, client):
        assert client.get("/dicomweb", headers={"Accept": "text/html"}).status_code == 406

    def test_names_from_a_request_do_not_come_back_unescaped(self, client):
        answer = client.request("OPTIONS", "/dicomweb/studies/%3Cscript%3E", headers={"Host": "a.example"})
        assert b"<script" not in answer.content
        assert json.dumps(answer.headers["allow"])
