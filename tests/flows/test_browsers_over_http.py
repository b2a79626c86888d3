"""Browsers over real HTTP: led to login and back; what they change by themselves; programs that they launch."""

from __future__ import annotations

import re
import socket
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Http, HttpAccess, Settings, Storage
from calotype.web import guard
from support import samples
from support.houses import house_with

PASSWORD = "salted paper in the dark"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
VISITS = {
    "told by Fetch Metadata": {"User-Agent": FIREFOX, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    "told by what it takes": {"User-Agent": FIREFOX, "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
}
CLOSED = (
    "/ohif/",
    "/ohif/viewer?StudyInstanceUIDs=1.2.3&hangingProtocolId=mpr",
    "/weasis?studyUID=1.2.3",
    "/IHEInvokeImageDisplay?requestType=STUDY&studyUID=1.2.3",
    "/wado?requestType=WADO&studyUID=1.2&seriesUID=1.3&objectUID=1.4",
    "/dicomweb/studies",
    "/nothing",
)
MINE, OTHER = samples.uid(1), samples.uid(2)


def served(folder, **http):
    return Settings(
        storage=Storage(path=folder, durable=False, min_free_mib=1), listeners=(), http=Http(port=0, **http)
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    chosen = served(
        tmp_path_factory.mktemp("archive"),
        trusted_proxies=("127.0.0.1",),
        access=HttpAccess(admin_password=PASSWORD),
    )
    with house_with(chosen, MINE, OTHER) as house:
        yield house


@pytest.fixture
def http(house):
    with httpx.Client(base_url=house.web.url, timeout=60) as client:
        yield client


def log_in(client, password=PASSWORD, **how):
    answer = client.post("/api/session", json={"user": "admin", "password": password}, **how)
    assert answer.status_code == 200, answer.text
    return answer


def routes(app):
    """Return every route there is as (method, pattern)."""
    for route in app.routes:
        inner = route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]
        for each in inner:
            for method in each.methods - {"HEAD"}:
                yield method, each.path


@pytest.mark.parametrize("headers", VISITS.values(), ids=VISITS)
@pytest.mark.parametrize("path", CLOSED)
def test_who_opens_what_is_closed_is_led_to_login_with_the_way_back(http, path, headers):
    answer = http.get(path, headers=headers)
    where = urlsplit(answer.headers["location"])
    assert (answer.status_code, where.netloc, where.path) == (303, "", "/ui/login")
    assert parse_qs(where.query) == {"next": [path]}
    assert answer.headers["cache-control"] == "no-store"
    assert "www-authenticate" not in answer.headers
    assert http.get(where.path, headers=headers).status_code in {200, 503}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        ("GET", {"Accept": "application/dicom+json"}),
        ("GET", {"User-Agent": "Java/21.0.2", "Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}),
        ("GET", {"User-Agent": FIREFOX, "Sec-Fetch-Mode": "cors", "Accept": "text/html"}),
        ("GET", {"User-Agent": FIREFOX, "Sec-Fetch-Mode": "no-cors"}),
        ("GET", {"User-Agent": FIREFOX, "Accept": "*/*"}),
        ("GET", VISITS["told by Fetch Metadata"] | {"Authorization": "Bearer nonsense"}),
        ("HEAD", VISITS["told by Fetch Metadata"]),
        ("POST", VISITS["told by Fetch Metadata"]),
    ],
)
def test_what_is_no_visit_is_told_to_log_in(http, method, headers):
    answer = http.request(method, "/dicomweb/studies", headers=headers)
    assert answer.status_code == 401
    is_page = "Mozilla" in headers.get("User-Agent", "")
    assert answer.headers.get("www-authenticate") == (None if is_page else guard.CHALLENGE)


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/ohif/",
        "///evil.example",
        "/\\evil.example",
        "/%5C%5Cevil.example",
        "/%2F%2Fevil.example",
        "/%0d%0aLocation:%20https://evil.example/",
        "/ohif/?next=//evil.example&x=%0d%0aSet-Cookie:%20a=b",
        "/ohif/?" + "x" * 5000,
        "/ui/../ohif/",
    ],
)
def test_no_address_leads_out_of_the_way(house, target):
    host, port = house.web.url.removeprefix("http://").split(":")
    headers = "".join(f"{name}: {value}\r\n" for name, value in VISITS["told by Fetch Metadata"].items())
    # By hand: clients put such paths in order.
    with socket.create_connection((host, int(port)), 30) as line:
        line.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode())
        head = b"".join(iter(lambda: line.recv(65536), b"")).partition(b"\r\n\r\n")[0].decode("latin-1")
    status, *told = head.split("\r\n")
    fields = [each.partition(":")[0].lower() for each in told]
    assert "set-cookie" not in fields
    if " 200 " in status or " 503 " in status:
        # What begins with /ui/ is the page, whatever follows.
        assert target.startswith("/ui/")
        return
    [where] = [each.partition(": ")[2] for each in told if each.lower().startswith("location:")]
    assert re.fullmatch(r"/ui/login(\?next=[A-Za-z0-9%._~-]+)?", where), where
    assert not parse_qs(urlsplit(where).query).get("next", ["/"])[0].startswith(("//", "/\\"))


def test_below_a_path_the_way_leads_there_and_back(http):
    proxy = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Prefix": "/pacs"}
    answer = http.get("/pacs/ohif/", headers=VISITS["told by what it takes"] | proxy)
    assert answer.headers["location"] == "/pacs/ui/login?next=%2Fpacs%2Fohif%2F"


def test_whoever_is_logged_in_is_led_nowhere(http):
    log_in(http)
    for path in ("/ohif/", "/dicomweb/studies"):
        assert http.get(path, headers=VISITS["told by Fetch Metadata"]).status_code in {200, 503}


def test_whoever_must_choose_a_password_is_led_to_do_so(tmp_path):
    chosen = served(tmp_path)
    with (
        open_stores(chosen) as stores,
        House(chosen, stores) as house,
        httpx.Client(base_url=house.web.url, timeout=60) as http,
    ):
        log_in(http, "admin")
        answer = http.get("/ohif/", headers=VISITS["told by Fetch Metadata"])
        assert (answer.status_code, answer.headers["location"]) == (303, "/ui/login?next=%2Fohif%2F")
        assert http.get("/ohif/").status_code == 403


def test_no_change_is_made_by_a_cookie_alone(house, http):
    log_in(http)
    changing = [
        (method, path)
        for method, path in sorted(routes(house.web.app))
        if method not in {"GET", "OPTIONS"} and (method, path) != ("POST", "/api/session")
    ]
    assert len(changing) > 40
    for method, pattern in changing:
        path = re.sub(r"\{[a-z_]+(:[a-z]+)?\}", "1", pattern)
        answer = http.request(method, path)
        assert (answer.status_code, answer.json()["detail"]) == (403, guard.CSRF_MISSING), (method, pattern)
    assert http.get("/api/session").status_code == 200


@pytest.mark.parametrize(
    ("headers", "is_secure"),
    [
        ({"Forwarded": "for=203.0.113.9;proto=https;host=pacs.example"}, True),
        ({"Forwarded": "for=203.0.113.9;proto=http;host=pacs.example"}, False),
        ({"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}, True),
        ({}, False),
    ],
)
def test_the_cookie_is_secure_where_the_browser_sees_tls(http, headers, is_secure):
    told = log_in(http, headers=headers).headers["set-cookie"].lower()
    assert ("secure" in told.split("; "), told.startswith("__host-")) == (is_secure, is_secure)
    assert {"httponly", "samesite=strict"} <= set(told.split("; "))


def test_nobody_but_a_trusted_proxy_says_that_there_is_tls(tmp_path):
    chosen = served(tmp_path, access=HttpAccess(admin_password=PASSWORD))
    with (
        open_stores(chosen) as stores,
        House(chosen, stores) as house,
        httpx.Client(base_url=house.web.url, timeout=60) as http,
    ):
        told = log_in(http, headers={"Forwarded": "for=203.0.113.9;proto=https"}).headers["set-cookie"]
        assert "secure" not in told.lower().split("; ")


def test_a_launched_program_opens_its_study_on_every_route_and_no_other(house, http):
    secret, _ = house.logins.tokens.launch("admin", [MINE])
    http.headers["Authorization"] = f"Bearer {secret}"
    values = {"series": samples.uid(2, 1), "instance": samples.uid(2, 1, 1), "frames": "1", "frame": "1"}

    def asked(pattern, study):
        named = values | {"study": study}
        return re.sub(r"\{([a-z_]+)(:[a-z]+)?\}", lambda found: named.get(found[1], "7FE00010"), pattern)

    of_studies = [
        path for method, path in sorted(routes(house.web.app)) if method == "GET" and "/studies/{study}" in path
    ]
    names = " ".join(of_studies)
    assert all(step in names for step in ("/rendered", "/frames/", "/bulkdata", "/metadata", "/thumbnail"))
    for pattern in of_studies:
        for how in ({}, {"Accept": "application/zip"}):
            answer = http.get(asked(pattern, OTHER), headers=how)
            assert (answer.status_code, answer.json()["detail"]) == (403, guard.CONFINED), pattern
            if "{series}" in pattern or "{instance}" in pattern:
                # What lies in the other study is not found in this one; a search finds nothing.
                inside = http.get(asked(pattern, MINE), headers=how)
                is_nothing = inside.status_code in {400, 404, 406} or inside.json() == []
                assert is_nothing or pattern.startswith("/api/"), (pattern, inside.status_code)
