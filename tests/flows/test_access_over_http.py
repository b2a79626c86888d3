"""Nobody gets in who has not said who they are: every route, every role, over real HTTP."""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Http, HttpAccess, Settings, Storage
from calotype.services.access.model import Role, Scope
from calotype.services.archive.ports import Channel, Origin
from calotype.web import guard
from support import samples

PASSWORD = "salted paper in the dark"
OTHER_PASSWORD = "wet collodion on glass"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/143.0", "Sec-Fetch-Mode": "cors"}
ROLES = ("viewer", "operator", "admin")

OPEN = """
GET /
GET /api/health
GET /docs
GET /swagger
GET /ui
GET /ui/{path:path}
POST /api/session
"""
"""All that answers to whoever asks: the pages, their files and the ways to them, without data; login; health."""

SELF = """
DELETE /api/session
GET /api/session
GET /api/session/preferences
PATCH /api/session/preferences
PUT /api/session/password
"""
"""What is open to whoever has logged in, even if the password must be changed first."""

VIEWER = """
DELETE /api/sessions
DELETE /api/sessions/{number}
DELETE /api/tokens/{number}
GET /api/access
GET /api/access/refusals
GET /api/changes
GET /api/commitments
GET /api/commitments/{number}
GET /api/compression
GET /api/compression/left
GET /api/conflicts
GET /api/damaged
GET /api/dictionary
GET /api/events
GET /api/jobs
GET /api/jobs/events
GET /api/jobs/{job_id}
GET /api/jobs/{job_id}/events
GET /api/jobs/{job_id}/outcomes
GET /api/labels
GET /api/launch
GET /api/launch/weasis/{name}
GET /api/openapi.json
GET /api/rejections
GET /api/sessions
GET /api/statistics
GET /api/status
GET /api/status/traffic
GET /api/studies
GET /api/studies/count
GET /api/studies/{study}/annotations
GET /api/studies/{study}/text
GET /api/texts
GET /api/tokens
GET /api/worklist
GET /api/worklist/askers
GET /api/worklist/performed
GET /api/worklist/performed/{sop_instance}
GET /api/worklist/{item_id}
GET /IHEInvokeImageDisplay
GET /ohif
GET /ohif/{path:path}
GET /wado
GET /weasis
PATCH /api/studies/{study}/annotations
POST /api/launch
POST /api/tokens
"""

OPERATOR = """
DELETE /api/anonymised/{job_id}
DELETE /api/jobs
DELETE /api/jobs/{job_id}
DELETE /api/studies/{study}/text
DELETE /api/worklist/{item_id}
GET /api/anonymised/{job_id}
GET /api/nodes
GET /api/nodes/{ae_title:path}
GET /api/recycle-bin
GET /api/recycle-bin/{number}
PATCH /api/studies/{study}
POST /api/commitments
POST /api/commitments/{number}/retry
POST /api/jobs/{job_id}/cancel
POST /api/jobs/{job_id}/retry
POST /api/labels
POST /api/nodes/{ae_title:path}/echo
POST /api/nodes/{ae_title}/find
POST /api/nodes/{ae_title}/retrieve
POST /api/nodes/{ae_title}/send
POST /api/nodes/{ae_title}/worklist
POST /api/recycle-bin/{number}/restore
POST /api/sample
POST /api/studies/{study}/anonymise
POST /api/worklist
POST /api/worklist/import
POST /api/worklist/{item_id}/status
PUT /api/studies/{study}/text
PUT /api/worklist/{item_id}
"""

ADMIN = """
DELETE /api/nodes/{ae_title:path}
DELETE /api/recycle-bin
DELETE /api/users/{name}
GET /api/users
POST /api/access/refusals/{refusal_id}/admit
POST /api/nodes
POST /api/nodes/import
POST /api/recycle-bin/{number}/purge
POST /api/users
PUT /api/nodes/{ae_title:path}
PUT /api/users/{name}
"""

DICOMWEB = {"GET": "viewer", "OPTIONS": "viewer", "POST": "operator", "DELETE": "operator"}
"""Below ``/dicomweb`` and ``/dicom-web``, by method."""


def expected() -> dict[str, str]:
    """Return who may do what at least, by route."""
    table = {"open": OPEN, "self": SELF, "viewer": VIEWER, "operator": OPERATOR, "admin": ADMIN}
    return {line: who for who, lines in table.items() for line in lines.split("\n") if line}


def routes(app):
    """Return every route there is as "METHOD pattern"."""
    found = set()
    for route in app.routes:
        # FastAPI keeps those of a router together.
        inner = route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]
        for each in inner:
            found |= {f"{method} {each.path}" for method in each.methods - {"HEAD"}}
    return found


@dataclass
class Site:
    house: House
    url: str
    studies: tuple[str, str]

    @property
    def logins(self):
        return self.house.logins

    def client(self, **how):
        return httpx.Client(base_url=self.url, timeout=60, **how)

    def as_role(self, role):
        return self.client(auth=(role, PASSWORD))

    @contextmanager
    def logged_in(self, user, password=PASSWORD):
        """Yield a browser in which a user has logged in."""
        with self.client(headers=BROWSER) as browser:
            answer = browser.post("/api/session", json={"user": user, "password": password})
            assert answer.status_code == 200, answer.text
            browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
            yield browser


def settings(folder, **access):
    return Settings(
        storage=Storage(path=folder, durable=False, min_free_mib=1),
        listeners=(),
        http=Http(port=0, access=HttpAccess(**access)),
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    chosen = settings(tmp_path_factory.mktemp("archive"), admin_password=PASSWORD)
    with open_stores(chosen) as stores:
        studies = samples.uid(1), samples.uid(2)
        for number, study in enumerate(studies, 1):
            file = samples.part10(
                samples.ct(study_uid=study, series_uid=samples.uid(number, 1), sop_uid=samples.uid(number, 1, 1))
            )
            with stores.archive.ingest.begin_part10(Origin(Channel.STOW)) as incoming:
                incoming.write((file,))
                incoming.commit()
        with House(chosen, stores) as house:
            for role in ROLES[:2]:
                house.logins.users.add(role, PASSWORD, Role(role), must_change_password=False)
            yield Site(house, house.web.url, studies)


@pytest.fixture
def fresh(tmp_path):
    """An archive that nobody has logged in to yet."""
    chosen = settings(tmp_path)
    with open_stores(chosen) as stores, House(chosen, stores) as house:
        yield Site(house, house.web.url, ("", ""))


def asked(client, route):
    """Ask for a route about something that is not there; return the answer's status and words."""
    method, pattern = route.split(" ", 1)
    path = re.sub(r"\{[a-z_]+(:[a-z]+)?\}", "1", pattern)
    with client.stream(method, path) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return answer.status_code, ""
        return answer.status_code, answer.read().decode("utf-8", "replace")


def is_let_in(status, words):
    """Tell whether the guard let a request through; routes refuse some things by themselves."""
    by_guard = (*guard.MISSING.values(), guard.CHOOSE_PASSWORD, guard.LOG_IN)
    return status != 401 and not any(told in words for told in by_guard)


def test_the_table_knows_every_route_and_no_other(site):
    known = expected()
    found = routes(site.house.web.app)
    dicomweb = {route for route in found if re.match(r"\w+ /(dicomweb|dicom-web)(/|$)", route)}
    assert {route.split(" ")[0] for route in dicomweb} <= DICOMWEB.keys()
    assert found - dicomweb - known.keys() == set()
    assert known.keys() - found == set()


@pytest.mark.parametrize("who", ["nobody", *ROLES])
def test_each_route_lets_in_whom_it_is_for_and_nobody_else(site, who):
    rank = ("open", "self", *ROLES)
    may = "open" if who == "nobody" else who
    client = site.client() if who == "nobody" else site.as_role(who)
    let_in, kept_out = [], []
    known = expected()
    with client:
        for route in sorted(routes(site.house.web.app)):
            needed = known.get(route) or DICOMWEB[route.split(" ")[0]]
            is_for = rank.index(may) >= rank.index(needed)
            answer = asked(client, route)
            if is_for and not is_let_in(*answer):
                kept_out.append((route, answer))
            if not is_for and is_let_in(*answer):
                let_in.append((route, answer))
            if not is_for:
                assert answer[0] == (401 if who == "nobody" else 403), route
    assert (let_in, kept_out) == ([], [])


@pytest.mark.parametrize("path", ["/nothing", "/api/nothing", "/api", "/api/", "/redoc", "/ohif/", "/UI/"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "PROPFIND"])
def test_what_is_no_route_is_closed_too(site, method, path):
    with site.client() as client:
        assert client.request(method, path).status_code == 401


def test_a_path_that_is_written_otherwise_opens_nothing(site):
    study = site.studies[0]
    paths = (
        f"/ui/../dicomweb/studies/{study}", f"/ui/%2e%2e/dicomweb/studies/{study}", f"/%64icomweb/studies/{study}",
        "/dicomweb/studies?x=/ui/", "/api/health/../studies", "/api/health/", "/api/session/../users", "/api%2fusers",
        "/dicomweb;/ui/", "/./api/users", "/ui/..%2fapi/users", "/DICOMWEB/studies",
        "//api/users", "//ui/", "///",
    )  # fmt: skip
    host, port = site.url.removeprefix("http://").split(":")
    for path in paths:
        # By hand: clients put such paths in order.
        with socket.create_connection((host, int(port)), 30) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head, _, body = b"".join(iter(lambda line=line: line.recv(65536), b"")).partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        # What begins with /ui/ is the page, whatever follows.
        is_page = status in {200, 503} and b"<html" in body and path.startswith("/ui/")
        assert status == 401 or is_page, (path, head)
        assert study.encode() not in body


def test_a_browser_gets_no_challenge_and_a_program_does(site):
    with site.client() as client:
        assert client.get("/dicomweb/studies").headers["www-authenticate"] == guard.CHALLENGE
        for headers in ({"User-Agent": BROWSER["User-Agent"]}, {"Sec-Fetch-Mode": "cors"}):
            answer = client.get("/dicomweb/studies", headers=headers)
            assert (answer.status_code, answer.headers.get("www-authenticate")) == (401, None)
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_session_is_told_begun_and_ended(site):
    with site.logged_in("viewer") as browser:
        told = browser.get("/api/session").json()
        assert told == {
            "user": "viewer",
            "role": "viewer",
            "csrf_token": browser.headers["X-CSRF-Token"],
            "must_change_password": False,
        }
        assert browser.get("/api/studies").status_code == 200
        assert browser.request("DELETE", "/api/session").status_code == 204
        assert (dict(browser.cookies), browser.get("/api/session").status_code) == ({}, 401)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site):
    with site.client() as browser:
        answer = browser.post("/api/session", json={"user": "viewer", "password": PASSWORD})
    told = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(told.split("; "))
    assert "expires" not in told
    assert "max-age" not in told


def test_an_ended_session_does_not_come_back(site):
    with site.logged_in("viewer") as browser, site.client(headers=BROWSER) as thief:
        thief.cookies = httpx.Cookies(browser.cookies)
        assert thief.get("/api/studies").status_code == 200
        browser.request("DELETE", "/api/session")
        assert thief.get("/api/studies").status_code == 401


def test_no_session_is_slipped_in(site):
    """Session fixation: a secret that somebody else knows is none after a login, whether it was one or not."""
    with site.logged_in("viewer") as other:
        ((name, secret),) = other.cookies.items()
        known = {secret, "made-up-by-a-thief"}
        for slipped in known:
            with site.client(headers=BROWSER) as victim:
                login = {"user": "operator", "password": PASSWORD}
                victim.post("/api/session", json=login, headers={"Cookie": f"{name}={slipped}"})
                assert victim.cookies[name] not in known
                assert victim.get("/api/session").json()["user"] == "operator"
        assert other.get("/api/session").status_code == 401


def test_changes_need_the_sessions_own_token(site):
    with site.logged_in("operator") as browser, site.logged_in("operator") as other:
        good = browser.headers["X-CSRF-Token"]
        for token in ("", "x", good[:-1], good + "0", other.headers["X-CSRF-Token"]):
            answer = browser.post("/api/labels", json={}, headers={"X-CSRF-Token": token})
            assert (answer.status_code, answer.json()["detail"]) == (403, guard.CSRF_MISSING)
        assert browser.post("/api/labels", json={}).status_code == 400
        assert browser.get("/api/studies", headers={"X-CSRF-Token": ""}).status_code == 200


def test_no_other_site_logs_anybody_in(site):
    with site.client(headers=BROWSER) as browser:
        login = {"user": "viewer", "password": PASSWORD}
        foreign = browser.post("/api/session", json=login, headers={"Origin": "https://evil.example"})
        assert (foreign.status_code, foreign.json()["detail"]) == (403, guard.FOREIGN)
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            body = json.dumps(login)
            assert browser.post("/api/session", content=body, headers={"Content-Type": kind}).status_code in {
                400,
                415,
            }
        assert dict(browser.cookies) == {}
        assert browser.post("/api/session", json=login, headers={"Origin": site.url}).status_code == 200


def test_a_password_sent_by_the_browser_itself_changes_nothing_for_another_site(site):
    with site.as_role("operator") as client:
        foreign = client.post("/api/labels", json={}, headers={"Origin": "https://evil.example"})
        assert (foreign.status_code, foreign.json()["detail"]) == (403, guard.FOREIGN)
        assert client.post("/api/labels", json={}, headers={"Origin": site.url}).status_code == 400


def test_the_first_password_opens_nothing_but_its_change(fresh):
    with fresh.logged_in("admin", "admin") as browser:
        assert browser.get("/api/session").json()["must_change_password"] is True
        for path in ("/api/studies", "/dicomweb/studies", "/api/users", "/api/tokens", "/api/sessions"):
            answer = browser.get(path)
            assert (answer.status_code, answer.json()["detail"]) == (403, guard.CHOOSE_PASSWORD), path
        before = dict(browser.cookies)
        wrong = browser.put("/api/session/password", json={"current": "nimda", "new": PASSWORD})
        assert (wrong.status_code, wrong.json()["detail"]) == (403, "The current password is wrong.")
        for weak in ("admin", "short", "admin admin admin", "1111111111"):
            assert browser.put("/api/session/password", json={"current": "admin", "new": weak}).status_code == 400
        assert browser.put("/api/session/password", json={"current": "admin", "new": PASSWORD}).status_code == 204
        assert dict(browser.cookies) != before
        told = browser.get("/api/session").json()
        assert (told["user"], told["must_change_password"]) == ("admin", False)
        assert browser.get("/api/users").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "pacs.example"},
        {"X-Forwarded-For": "192.0.2.7"},
        {"Forwarded": "for=192.0.2.7"},
        {"Via": "1.1 proxy"},
        {"X-Forwarded-Proto": "https"},
    ],
    ids=["another name", "a proxy", "a proxy that follows RFC 7239", "a gateway", "an end of TLS"],
)
def test_the_first_password_counts_at_the_machine_only(fresh, headers):
    with fresh.client(headers=BROWSER | headers) as browser:
        answer = browser.post("/api/session", json={"user": "admin", "password": "admin"})
        assert (answer.status_code, "own machine only" in answer.json()["detail"]) == (403, True)
        assert dict(browser.cookies) == {}
        assert browser.get("/dicomweb/studies", auth=("admin", "admin")).status_code == 403


def test_the_first_password_does_not_count_through_a_proxy_that_says_nothing_of_itself(fresh):
    """Many send HTTP/1.0 and the name of whom they ask, unless told otherwise."""
    host, port = fresh.url.removeprefix("http://").split(":")
    body = json.dumps({"user": "admin", "password": "admin"})
    for version, status in (("1.0", b"403"), ("1.1", b"200")):
        with socket.create_connection((host, int(port)), 60) as line:
            head = f"POST /api/session HTTP/{version}\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            told = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            line.sendall((head + told).encode())
            assert b"".join(iter(lambda line=line: line.recv(65536), b"")).split(b" ")[1] == status


def test_a_password_from_the_settings_needs_no_change(site):
    with site.logged_in("admin") as browser:
        assert browser.get("/api/session").json()["must_change_password"] is False


def test_a_new_password_ends_all_other_sessions(fresh):
    with fresh.logged_in("admin", "admin") as first, fresh.logged_in("admin", "admin") as second:
        first.put("/api/session/password", json={"current": "admin", "new": PASSWORD})
        assert (first.get("/api/session").status_code, second.get("/api/session").status_code) == (200, 401)


def test_guesses_are_slowed_down_alike_for_those_who_are_there_and_who_are_not(fresh):
    answers = {}
    with fresh.client() as client:
        for name in ("nobody", "admin"):
            tries = [client.post("/api/session", json={"user": name, "password": "guess"}) for _ in range(6)]
            # At once: a machine that is busy needs longer for hashes than the first wait lasts.
            right = client.post("/api/session", json={"user": name, "password": "admin"})
            by_basic = client.get("/dicomweb/studies", auth=(name, "admin"))
            assert (right.status_code, by_basic.status_code) == (429, 429)
            assert int(tries[-1].headers["retry-after"]) >= 1
            answers[name] = [(each.status_code, each.json()["detail"][:30]) for each in tries]
    assert answers["admin"] == answers["nobody"]
    assert [status for status, _ in answers["admin"]] == [401] * 5 + [429]


def test_an_address_that_guesses_names_is_slowed_down_as_a_whole(fresh):
    with fresh.client() as client:
        statuses = [
            client.post("/api/session", json={"user": f"user{number}", "password": "guess"}).status_code
            for number in range(21)
        ]
    assert statuses == [401] * 20 + [429]


def test_sessions_are_listed_and_ended_by_their_owner_and_by_administrators(site):
    with site.logged_in("viewer") as own, site.logged_in("viewer") as other, site.logged_in("operator") as stranger:
        listed = own.get("/api/sessions").json()
        (current,) = (entry for entry in listed if entry["is_current"])
        assert {entry["user"] for entry in listed} == {"viewer"}
        assert (current["address"], current["client"]) == ("127.0.0.1", BROWSER["User-Agent"])
        assert own.get("/api/sessions?all=true").status_code == 403
        assert stranger.request("DELETE", f"/api/sessions/{current['id']}").status_code == 404
        assert own.request("DELETE", "/api/sessions").status_code == 204
        assert (own.get("/api/session").status_code, other.get("/api/session").status_code) == (200, 401)
        with site.logged_in("admin") as admin:
            assert current["id"] in {entry["id"] for entry in admin.get("/api/sessions?all=true").json()}
            assert admin.request("DELETE", f"/api/sessions/{current['id']}").status_code == 204
        assert own.get("/api/session").status_code == 401


def test_users_are_kept_by_administrators_and_each_change_counts_at_once(site):
    with site.logged_in("admin") as admin:
        new = {"name": "Li.Na", "password": PASSWORD, "role": "operator", "must_change_password": False}
        made = admin.post("/api/users", json=new)
        assert (made.status_code, made.json()["name"], made.json()["role"]) == (201, "li.na", "operator")
        assert admin.post("/api/users", json=new).status_code == 409
        assert "password" not in made.text.replace("must_change_password", "")
        with site.logged_in("LI.NA") as browser:
            assert browser.get("/api/recycle-bin").status_code == 200
            assert admin.put("/api/users/li.na", json={"role": "viewer"}).status_code == 200
            assert browser.get("/api/recycle-bin").status_code == 403
            assert admin.put("/api/users/li.na", json={"password": OTHER_PASSWORD}).json()["must_change_password"]
            assert browser.get("/api/session").status_code == 401
        with site.logged_in("li.na", OTHER_PASSWORD) as browser:
            assert browser.get("/api/studies").status_code == 403
            assert admin.request("DELETE", "/api/users/li.na").status_code == 204
            assert browser.get("/api/session").status_code == 401
        assert admin.put("/api/users/admin", json={"role": "viewer"}).status_code == 409
        assert admin.request("DELETE", "/api/users/admin").status_code == 409
        assert admin.put("/api/users/admin", json={}).status_code == 400
        for name in ("", "a b", "a:b", "x" * 65, "a\u0000"):
            assert admin.post("/api/users", json={**new, "name": name}).status_code == 400
        assert [user["name"] for user in admin.get("/api/users").json()] == ["admin", "operator", "viewer"]


def test_a_token_acts_within_its_scopes_until_it_is_removed(site):
    with site.logged_in("operator") as browser, site.client() as program:
        made = browser.post("/api/tokens", json={"label": "CT 2", "scopes": ["store"], "days": 1}).json()
        bearer = {"Authorization": f"Bearer {made['token']}"}
        assert program.post("/dicomweb/studies", headers=bearer).status_code == 415
        assert program.post("/dicomweb/studies", auth=("whoever", made["token"])).status_code == 415
        for path in ("/dicomweb/studies", "/api/studies", "/api/tokens"):
            assert program.get(path, headers=bearer).status_code == 403
        assert (
            program.post("/api/tokens", json={"label": "x", "scopes": ["store"]}, headers=bearer).status_code == 403
        )
        listed = browser.get("/api/tokens").json()
        assert [(each["label"], each["scopes"], "token" in each) for each in listed] == [("CT 2", ["store"], False)]
        assert listed[0]["used_us"] > 0
        assert browser.request("DELETE", f"/api/tokens/{made['id']}").status_code == 204
        assert program.post("/dicomweb/studies", headers=bearer).status_code == 401
        for scopes in (["admin"], []):
            assert browser.post("/api/tokens", json={"label": "x", "scopes": scopes}).status_code == 400


def test_a_token_may_no_more_than_its_user_may_now(site):
    with site.logged_in("admin") as admin, site.client() as program:
        admin.post(
            "/api/users",
            json={"name": "temp", "password": PASSWORD, "role": "operator", "must_change_password": False},
        )
        secret, _ = site.logins.tokens.make(site.logins.users.get("temp"), "all", {Scope.READ, Scope.STORE}, 1)
        bearer = {"Authorization": f"Bearer {secret}"}
        assert program.post("/dicomweb/studies", headers=bearer).status_code == 415
        admin.put("/api/users/temp", json={"role": "viewer"})
        assert program.post("/dicomweb/studies", headers=bearer).status_code == 403
        assert program.get("/dicomweb/studies", headers=bearer).status_code == 200
        admin.request("DELETE", "/api/users/temp")
        assert program.get("/dicomweb/studies", headers=bearer).status_code == 401


def test_a_launch_token_opens_its_studies_and_nothing_else(site):
    mine, other = site.studies
    secret, _ = site.logins.tokens.launch("viewer", [mine])
    assert len(secret) <= 40
    assert re.fullmatch(r"[A-Za-z0-9_-]+", secret)
    series, instance = samples.uid(1, 1), samples.uid(1, 1, 1)
    uri = "/wado?requestType=WADO&contentType=application/dicom"
    open_paths = (
        f"/dicomweb/studies/{mine}/metadata", f"/dicom-web/studies/{mine}/series",
        f"/dicomweb/studies?StudyInstanceUID={mine}", f"/dicomweb/studies?0020000D={mine}",
        f"{uri}&studyUID={mine}&seriesUID={series}&objectUID={instance}",
    )  # fmt: skip
    closed_paths = (
        f"/dicomweb/studies/{other}/metadata", f"/dicomweb/studies/{other}", "/api/studies", "/api/events",
        f"/dicomweb/studies?StudyInstanceUID={other}", f"/dicomweb/studies?StudyInstanceUID={mine},{other}",
        f"/dicomweb/studies?StudyInstanceUID={mine}&studyinstanceuid={other}", "/dicomweb/studies?StudyInstanceUID=*",
        f"/dicomweb/studies?(0020,000d)={other}", f"/dicomweb/studies?0020000d={other}", "/dicomweb/changes",
        f"/dicomweb/series/{samples.uid(2, 1)}/thumbnail", uri, f"{uri}&studyUID={other}&studyUID={mine}",
        f"{uri}&studyUID={other}&seriesUID={samples.uid(2, 1)}&objectUID={samples.uid(2, 1, 1)}",
        f"{uri}&studyUID={mine}&seriesUID={series}&objectUID={instance}&presentationUID=1.2&presentationSeriesUID=1.2",
    )  # fmt: skip
    elsewhere = (
        f"/dicomweb/studies/{mine}/series/{samples.uid(2, 1)}/metadata",
        f"/dicomweb/studies/{mine}/series/{samples.uid(2, 1)}/instances/{samples.uid(2, 1, 1)}",
        f"/dicomweb/studies/{mine}/series/{samples.uid(2, 1)}/instances/{samples.uid(2, 1, 1)}/bulkdata/7FE00010",
        f"/dicomweb/studies/{mine}/series/{samples.uid(2, 1)}/instances/{samples.uid(2, 1, 1)}/frames/1",
        f"{uri}&studyUID={mine}&seriesUID={samples.uid(2, 1)}&objectUID={samples.uid(2, 1, 1)}",
    )  # fmt: skip
    with site.client(headers={"Authorization": f"Bearer {secret}"}) as viewer:
        assert {path: viewer.get(path).status_code for path in open_paths} == dict.fromkeys(open_paths, 200)
        assert {path: viewer.get(path).status_code for path in closed_paths} == dict.fromkeys(closed_paths, 403)
        assert {path: viewer.get(path).status_code for path in elsewhere} == dict.fromkeys(elsewhere, 404)
        assert viewer.request("DELETE", f"/dicomweb/studies/{mine}").status_code == 403
        assert viewer.post("/dicomweb/studies").status_code == 403
        for path in (
            "/dicomweb/studies",
            "/dicomweb/studies?limit=5",
            "/dicomweb/series",
            "/dicomweb/instances?limit=9",
        ):
            found = viewer.get(path).json()
            assert [match["0020000D"]["Value"] for match in found] == [[mine]], path
    with site.client() as viewer:
        assert viewer.get(f"/dicomweb/studies?token={secret}&limit=1").json()[0]["0020000D"]["Value"] == [mine]
        assert viewer.get(f"/dicomweb/studies/{other}/metadata?token={secret}").status_code == 403
        assert viewer.get(f"/dicomweb/studies?token={secret}x").status_code == 401


def test_a_stream_ends_with_its_session(site, monkeypatch):
    monkeypatch.setattr(guard, "RECHECK_STREAM_S", 0.05)
    with site.logged_in("viewer") as browser, browser.stream("GET", "/api/events") as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        next(lines)
        ended = threading.Event()

        def read() -> None:
            for _ in lines:
                pass
            ended.set()

        reader = threading.Thread(target=read)
        reader.start()
        with site.logged_in("admin") as admin:
            for entry in admin.get("/api/sessions?all=true").json():
                if entry["user"] == "viewer":
                    admin.request("DELETE", f"/api/sessions/{entry['id']}")
        assert ended.wait(60)
        reader.join()


def test_two_passwords_or_none_that_can_be_read_are_nobodys(site):
    with site.client() as client:
        for value in ("Basic", "Basic !!!", "Bearer", "Negotiate abc", "Digest username=viewer", "Basic dmlld2Vy"):
            assert client.get("/dicomweb/studies", headers={"Authorization": value}).status_code == 401
        good = httpx.BasicAuth("viewer", PASSWORD)._auth_header
        twice = [("Authorization", good), ("Authorization", good)]
        assert client.get("/dicomweb/studies", headers=twice).status_code == 401
        assert client.get("/dicomweb/studies", headers=twice[:1]).status_code == 200


def test_a_preflight_is_answered_to_listed_origins_and_reveals_nothing(tmp_path):
    viewer = "https://viewer.example"
    chosen = Settings(
        storage=Storage(path=tmp_path, durable=False, min_free_mib=1),
        listeners=(),
        http=Http(port=0, cors_origins=(viewer,)),
    )
    ask = {
        "Origin": viewer,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    with (
        open_stores(chosen) as stores,
        House(chosen, stores) as house,
        httpx.Client(base_url=house.web.url, timeout=60) as client,
    ):
        preflight = client.options("/dicomweb/studies", headers=ask)
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, viewer)
        refused = client.get("/dicomweb/studies", headers={"Origin": viewer})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, viewer)
        assert (
            client.options("/dicomweb/studies", headers=ask | {"Origin": "https://evil.example"}).status_code == 400
        )


def test_over_tls_the_cookie_is_for_tls_and_this_host_alone(tmp_path):
    chosen = Settings(
        storage=Storage(path=tmp_path, durable=False, min_free_mib=1),
        listeners=(),
        http=Http(port=0, trusted_proxies=("127.0.0.1",), access=HttpAccess(admin_password=PASSWORD)),
    )
    proxy = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "pacs.example"}
    with (
        open_stores(chosen) as stores,
        House(chosen, stores) as house,
        httpx.Client(base_url=house.web.url, timeout=60) as client,
    ):
        login = {"user": "admin", "password": PASSWORD}
        told = client.post("/api/session", json=login, headers=proxy).headers["set-cookie"]
        assert (told.startswith("__Host-calotype-"), "secure" in told.lower()) == (True, True)
        below = client.post("/api/session", json=login, headers=proxy | {"X-Forwarded-Prefix": "/pacs"})
        told = below.headers["set-cookie"]
        assert (told.startswith("__Secure-calotype-"), "Path=/pacs" in told) == (True, True)


def test_without_login_only_this_machine_by_its_own_name_is_served(tmp_path):
    chosen = settings(tmp_path, login="off")
    with (
        open_stores(chosen) as stores,
        House(chosen, stores) as house,
        httpx.Client(base_url=house.web.url, timeout=60) as client,
    ):
        assert house.logins is None
        told = client.get("/api/session").json()
        assert (told["user"], told["role"], told["must_change_password"]) == ("local", "admin", False)
        assert client.get("/dicomweb/studies").status_code == 200
        for host in ("localhost:5000", "127.0.0.1", "[::1]:80"):
            assert client.get("/dicomweb/studies", headers={"Host": host}).status_code == 200
        rebound = client.get("/dicomweb/studies", headers={"Host": "evil.example"})
        assert (rebound.status_code, rebound.json()["detail"]) == (403, guard.NOT_LOCAL)
        foreign = client.request("DELETE", "/api/jobs", headers={"Origin": "https://evil.example"})
        assert (foreign.status_code, foreign.json()["detail"]) == (403, guard.FOREIGN)
        assert client.get("/api/users").status_code == 404


PREFERENCES = "/api/session/preferences"


def test_what_a_user_prefers_follows_them_into_another_browser(site):
    with site.logged_in("viewer") as one, site.logged_in("viewer") as other, site.logged_in("operator") as third:
        assert one.get(PREFERENCES).json() == {
            "is_kept": True, "language": None, "scheme": None, "study_columns": None, "first_steps_done": None,
        }  # fmt: skip
        assert one.patch(PREFERENCES, json={"language": "zh-CN", "study_columns": ["labels"]}).status_code == 200
        chosen = other.patch(PREFERENCES, json={"scheme": "dark", "study_columns": None})
        assert one.get(PREFERENCES).json() == chosen.json() == {
            "is_kept": True, "language": "zh-CN", "scheme": "dark", "study_columns": None, "first_steps_done": None,
        }  # fmt: skip
        assert third.get(PREFERENCES).json()["language"] is None
        other.patch(PREFERENCES, json={"language": None, "scheme": None})


@pytest.mark.parametrize(
    "change",
    [
        {"language": "tlh"},
        {"study_columns": ["a b"]},
        {"study_columns": ["x"] * 65},
        {"first_steps_done": "yes"},
        {"font": "large"},
        [],
        "x" * 100_000,
    ],
)
def test_what_is_no_preference_is_refused(site, change):
    with site.logged_in("viewer") as browser:
        before = browser.get(PREFERENCES).json()
        assert browser.patch(PREFERENCES, json=change).status_code == 400
        assert browser.get(PREFERENCES).json() == before


def test_a_token_prefers_nothing_and_a_foreign_page_neither(site):
    with site.logged_in("operator") as browser:
        made = browser.post("/api/tokens", json={"label": "t", "scopes": ["operate"], "days": 1})
        token = made.json()["token"]
        forged = browser.patch(PREFERENCES, json={"scheme": "dark"}, headers={"X-CSRF-Token": "no"})
        assert forged.status_code == 403
    with site.client(headers={"Authorization": f"Bearer {token}"}) as program:
        assert program.patch(PREFERENCES, json={"scheme": "dark"}).status_code == 403
        assert program.get(PREFERENCES).json()["scheme"] is None


def test_without_login_nothing_is_kept_here(tmp_path):
    chosen = settings(tmp_path, login="off")
    with (
        open_stores(chosen) as stores,
        House(chosen, stores) as house,
        httpx.Client(base_url=house.web.url, timeout=60) as local,
    ):
        assert local.get(PREFERENCES).json()["is_kept"] is False
        refused = local.patch(PREFERENCES, json={"scheme": "dark"})
        assert (refused.status_code, "Login is off" in refused.text) == (403, True)


def test_annotations_are_ones_own_in_every_browser(site):
    study = site.studies[0]
    path = f"/api/studies/{study}/annotations"
    with site.logged_in("viewer") as one, site.logged_in("viewer") as other, site.logged_in("admin") as admin:
        kept = one.patch(path, json={"annotations": {"a": {"length": 3.5, "text": "<script>"}, "b": {}}})
        assert (kept.status_code, kept.content) == (204, b"")
        other.patch(path, json={"annotations": {"b": None}})
        assert one.get(path).json() == {"annotations": {"a": {"length": 3.5, "text": "<script>"}}}
        assert admin.get(path).json() == {"annotations": {}}
        assert one.patch("/api/studies/1.2.3/annotations", json={"annotations": {"a": {}}}).status_code == 404
        for bad in (
            {},
            [],
            {"annotations": {"a b": {}}},
            {"annotations": {"a": []}},
            {"annotations": {"a": {}}, "b": 1},
        ):
            assert one.patch(path, json=bad).status_code == 400, bad
        many = {"annotations": {f"a{number}": {} for number in range(501)}}
        assert one.patch(path, json=many).status_code == 400
        assert one.patch(path, json={"annotations": {"a": {"x": "y" * 20_000}}}).status_code == 400
        deep = '{"annotations": {"a": {"x": ' + "[" * 5000 + "]" * 5000 + "}}}"
        typed = {"Content-Type": "application/json"}
        assert one.patch(path, content=deep, headers=typed).status_code == 400
        assert one.patch(path, json={"annotations": {}}, headers={"X-CSRF-Token": "no"}).status_code == 403
        one.patch(path, json={"annotations": {"a": None}})
