"""The address book over HTTP, and letting in who was refused."""

import json

import pytest

from calotype.errors import Refused
from calotype.services.access.access import Access, AccessSettings
from calotype.services.access.permissions import EVERY_RIGHT, Permissions, Right
from calotype.services.routing.diagnosis import Diagnosis, Verdict
from calotype.services.routing.live import Nodes
from calotype.services.routing.nodes import Node
from calotype.stores.index.memory_nodes import MemoryNodes
from calotype.web.app import create_app
from calotype.web.rooms import Neighbours, Rooms

ARCHIVE = Node("ARCHIVE", "pacs.example", 104, note="of the settings")
PLAIN = {"ae_title": "VIEWER", "host": "10.0.0.7", "port": 11112}
FULL = {
    **PLAIN,
    "tls": {"verify": True, "check_hostname": False, "ca": "/etc/ca.pem", "certificate": "", "key": ""},
    "roles": ["query", "store"],
    "transfer_syntaxes": ["1.2.840.10008.1.2.4.80"],
    "incoming_transfer_syntaxes": ["1.2.840.10008.1.2.4.90"],
    "character_set": "GB18030",
    "timeouts": {"connect_s": 3.0, "dimse_s": None, "network_s": None},
    "note": "放射科",
    "anonymise": False,
    "permissions": {"rights": ["find", "move"], "destinations": ["ARCHIVE"], "bound_to_host": True},
}


class FakeProber:
    """Finds every node as it was told to."""

    def __init__(self):
        self.asked = []

    def diagnose(self, node):
        self.asked.append(node)
        return Diagnosis(Verdict.TIMEOUT, f"{node} does not answer", 1000.5)


@pytest.fixture
def book():
    return Nodes(MemoryNodes(), [ARCHIVE])


@pytest.fixture
def access(book):
    return Access(AccessSettings(), book)


@pytest.fixture
def prober():
    return FakeProber()


@pytest.fixture
def neighbours(book, prober, access):
    return Neighbours(book, prober, access)


@pytest.fixture
def app(archive, settings, rejections, neighbours):
    return create_app(Rooms(archive, rejections, neighbours=neighbours), settings)


def test_a_node_is_added_and_shown_with_every_field(client):
    added = client.post("/api/nodes", json=FULL)
    assert (added.status_code, added.json()) == (201, {**FULL, "read_only": False})
    assert client.get("/api/nodes/VIEWER").json() == {**FULL, "read_only": False}
    listed = client.get("/api/nodes").json()
    assert [(node["ae_title"], node["read_only"]) for node in listed] == [("ARCHIVE", True), ("VIEWER", False)]


def test_what_is_not_said_has_its_default(client, book):
    client.post("/api/nodes", json=PLAIN)
    assert book.find("VIEWER") == Node("VIEWER", "10.0.0.7", 11112)


def test_a_node_is_replaced_and_deleted(client, book):
    client.post("/api/nodes", json=FULL)
    replaced = client.request("PUT", "/api/nodes/VIEWER", json={**PLAIN, "port": 104})
    assert (replaced.status_code, book.find("VIEWER")) == (200, Node("VIEWER", "10.0.0.7", 104))
    assert client.request("DELETE", "/api/nodes/VIEWER").status_code == 204
    assert client.get("/api/nodes/VIEWER").status_code == 404


def test_a_node_is_put_back_as_it_was_got(client, book):
    client.post("/api/nodes", json=FULL)
    got = client.get("/api/nodes/VIEWER").json()
    changed = client.request("PUT", "/api/nodes/VIEWER", json={**got, "note": "moved to room 7"})
    assert (changed.status_code, changed.json()) == (200, {**got, "note": "moved to room 7"})
    assert client.request("PUT", "/api/nodes/VIEWER", json={**got, "prot": 1}).status_code == 400


def test_an_ae_title_with_a_slash_is_a_title_like_others(client, prober):
    client.post("/api/nodes", json={**PLAIN, "ae_title": "CT/2"})
    assert client.get("/api/nodes/CT%2F2").json()["ae_title"] == "CT/2"
    assert client.post("/api/nodes/CT%2F2/echo").json()["verdict"] == "timeout"
    assert client.request("DELETE", "/api/nodes/CT%2F2").status_code == 204


@pytest.mark.parametrize(
    ("request_line", "body", "status", "detail"),
    [
        ("POST /api/nodes", {**PLAIN, "ae_title": "ARCHIVE"}, 409, "stands in the settings"),
        ("PUT /api/nodes/ARCHIVE", {**PLAIN, "ae_title": "ARCHIVE"}, 403, "change it there"),
        ("DELETE /api/nodes/ARCHIVE", None, 403, "change it there"),
        ("PUT /api/nodes/NOBODY", {**PLAIN, "ae_title": "NOBODY"}, 404, "not in the address book"),
        ("DELETE /api/nodes/NOBODY", None, 404, "not in the address book"),
        ("PUT /api/nodes/OTHER", PLAIN, 400, "keeps its AE title"),
        ("POST /api/nodes/NOBODY/echo", None, 404, "not in the address book"),
        ("POST /api/nodes", {**PLAIN, "prot": 104}, 400, "prot"),
        ("POST /api/nodes", {**PLAIN, "port": 0}, 400, "port"),
        ("POST /api/nodes", {**PLAIN, "ae_title": "SEVENTEEN_LETTERS"}, 400, "longer than 16"),
        ("POST /api/nodes", {**PLAIN, "roles": ["teleport"]}, 400, "roles"),
        ("POST /api/nodes", {**PLAIN, "tls": {"ca": "relative.pem"}}, 400, "whole path"),
        ("POST /api/nodes", [], 400, "body"),
    ],
)
def test_what_cannot_be_done_is_told(client, request_line, body, status, detail):
    method, path = request_line.split()
    response = client.request(method, path, json=body) if body is not None else client.request(method, path)
    assert response.status_code == status
    assert detail in response.json()["detail"]


def test_a_node_is_asked_whether_it_answers(client, prober):
    assert client.post("/api/nodes/ARCHIVE/echo").json() == {
        "verdict": "timeout",
        "detail": "ARCHIVE@pacs.example:104 does not answer",
        "total_ms": 1000.5,
        "associate_ms": None,
        "echo_ms": None,
        "max_pdu_bytes": None,
        "said": [{"text": "ARCHIVE@pacs.example:104 does not answer", "code": None, "values": {}, "cause": []}],
    }
    assert prober.asked == [ARCHIVE]


def import_(client, text, content_type="application/json"):
    return client.post("/api/nodes/import", content=text, headers={"Content-Type": content_type})


def test_another_servers_address_book_is_taken_over(client, book):
    text = '{"DicomModalities": {"v": ["VIEWER", "10.0.0.7", 11112], "a": ["ARCHIVE", "x", 1], "bad": []}} // Orthanc'
    told = import_(client, text).json()
    problems = told.pop("problems")
    assert [each["code"] for each in told.pop("problems_said")] == ["entry-shape"]
    assert told == {"added": 1, "replaced": 0, "unchanged": 0, "kept": 1}
    assert [problem[:5] for problem in problems] == ["bad: "]
    assert book.find("VIEWER").host == "10.0.0.7"
    assert import_(client, text).json()["unchanged"] == 1


@pytest.mark.parametrize(
    ("text", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b" " * 5_000_000, "application/json", 400),
    ],
)
def test_what_is_no_address_book_is_refused(client, text, content_type, status):
    assert import_(client, text, content_type).status_code == status


def refuse(access, right, title="VIEWER", destination=None):
    with pytest.raises(Refused):
        access.check(right, title, "10.0.0.7", destination)


def test_what_was_refused_is_listed_and_admitted_in_one_step(client, access, book):
    refuse(access, Right.FIND)
    (refusal,) = client.get("/api/access/refusals").json()
    assert (refusal["calling_ae_title"], refusal["address"], refusal["right"]) == ("VIEWER", "10.0.0.7", "find")

    admitted = client.post(f"/api/access/refusals/{refusal['id']}/admit", json={"port": 4006})

    assert (admitted.status_code, admitted.json()["port"]) == (200, 4006)
    assert admitted.json()["permissions"]["rights"] == ["find", "get", "move"]
    assert client.get("/api/access/refusals").json() == []
    access.check(Right.FIND, "VIEWER", "10.0.0.7")
    refuse(access, Right.PRINT)


def test_only_what_is_said_is_admitted(client, access):
    refuse(access, Right.FIND)
    client.post("/api/access/refusals/1/admit", json={"rights": ["find"]})
    access.check(Right.FIND, "VIEWER", "10.0.0.7")
    refuse(access, Right.GET)


def test_a_refused_destination_is_admitted(client, access, book):
    few = Permissions(EVERY_RIGHT, frozenset())
    book.add(Node("VIEWER", "10.0.0.7", 104, permissions=few))
    refuse(access, Right.MOVE, destination="ARCHIVE")
    client.post("/api/access/refusals/1/admit", json={})
    access.check(Right.MOVE, "VIEWER", "10.0.0.7", "ARCHIVE")


def test_nobody_is_admitted_by_mistake(client, access, book):
    refuse(access, Right.FIND)
    assert client.post("/api/access/refusals/99/admit", json={}).status_code == 404
    assert client.post("/api/access/refusals/1/admit").status_code == 400
    text = {"content": json.dumps({}), "headers": {"Content-Type": "text/plain"}}
    assert client.post("/api/access/refusals/1/admit", **text).status_code == 400
    assert [node.title for node in book.nodes()] == ["ARCHIVE"]


def test_what_is_open_to_all_is_told(client):
    assert client.get("/api/access").json() == {"open_to_all": ["store"]}
