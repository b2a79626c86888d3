"""The pages: base and nonce set per answer, files with their caches, nothing outside of the folder."""

import gzip
import re

import pytest
from fastapi import FastAPI

from calotype.web import pages, problems

PAGE = '<base href="/" data-base /><meta name="style-nonce" content="" data-nonce />'


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "ui"
    (made / "assets").mkdir(parents=True)
    (made / "index.html").write_text(PAGE)
    (made / "viewer.html").write_text(PAGE + "<!-- viewer -->")
    (made / "assets/index-1.js").write_text("go()")
    (made / "assets/index-1.js.gz").write_bytes(gzip.compress(b"go()"))
    (made / ".made-of").write_text("secret")
    (tmp_path / "outside.txt").write_text("secret")
    return made


@pytest.fixture
def open_pages(portal_client):
    def opened(folder, root_path=""):
        app = FastAPI(docs_url=None)
        problems.install(app)
        pages.install(app, folder)

        async def rooted(scope, receive, send):
            await app({**scope, "root_path": root_path}, receive, send)

        return portal_client(rooted)

    return opened


@pytest.mark.parametrize("path", ["", "studies", "studies/1.2.3", "viewer/1.2"])
def test_every_address_is_the_page(open_pages, folder, path):
    http = open_pages(folder)
    answer = http.get(f"/ui/{path}")
    assert answer.status_code == 200
    assert '<base href="/ui/" />' in answer.text
    [nonce] = re.findall(r'content="([^"]+)" data-nonce', answer.text)
    assert f"'nonce-{nonce}'" in answer.headers["content-security-policy"]


def test_the_viewer_has_a_page_of_its_own(open_pages, folder):
    http = open_pages(folder)
    told = [
        path
        for path in ("", "studies/viewer", "viewer", "viewer/1.2", "viewers")
        if "viewer -->" in http.get(f"/ui/{path}").text
    ]
    assert told == ["viewer", "viewer/1.2"]


def test_each_answer_has_a_nonce_of_its_own(open_pages, folder):
    http = open_pages(folder)
    policies = {http.get("/ui/").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3
    assert not any("unsafe-inline" in policy for policy in policies)


@pytest.mark.parametrize(
    ("short", "where"),
    [("", "/ui/"), ("/", "/ui/"), ("/ui", "/ui/"), ("/docs", "/ui/docs"), ("/swagger", "/ui/docs")],
)
def test_short_ways_lead_to_the_pages(open_pages, folder, short, where):
    answer = open_pages(folder).get(short)
    assert (answer.status_code, answer.headers["location"]) == (307, where)


def test_below_a_path(open_pages, folder):
    http = open_pages(folder, "/pacs")
    assert http.get("/").headers["location"] == "/pacs/ui/"
    assert http.get("/pacs/swagger").headers["location"] == "/pacs/ui/docs"
    assert '<base href="/pacs/ui/" />' in http.get("/ui/").text


def test_files_are_kept_for_ever_and_packed(open_pages, folder):
    http = open_pages(folder)
    packed = http.get("/ui/assets/index-1.js")
    plain = http.get("/ui/assets/index-1.js", headers={"Accept-Encoding": "identity"})
    assert packed.text == plain.text == "go()"
    assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert "immutable" in packed.headers["cache-control"]
    assert packed.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "br"),
        ("br;q=1.0, gzip;q=0.5", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.000, GZIP", "gzip"),
        ("x-br, gzipped", None),
        ("identity", None),
    ],
)
def test_a_file_is_packed_as_its_client_unpacks(open_pages, folder, accepted, coding):
    sizes = {None: 4, "gzip": (folder / "assets/index-1.js.gz").stat().st_size}
    # An empty stream (RFC 7932 9.1): whoever unpacks it gets nothing.
    sizes["br"] = (folder / "assets/index-1.js.br").write_bytes(b"\x06")
    answer = open_pages(folder).get("/ui/assets/index-1.js", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers["content-length"]) == sizes[coding]


@pytest.mark.parametrize(
    "path", ["assets/none.js", "assets/../../outside.txt", "assets/%2e%2e/%2e%2e/outside.txt", "assets/index-1.js.gz"]
)
def test_what_is_not_among_the_files_is_not_found(open_pages, folder, path):
    http = open_pages(folder)
    answer = http.get(f"/ui/{path}")
    assert "secret" not in answer.text
    assert answer.status_code == 404 or PAGE[:5] in answer.text


def test_hidden_files_stay_hidden(open_pages, folder):
    http = open_pages(folder)
    assert "secret" not in http.get("/ui/.made-of").text


def test_without_built_files_it_says_how_to_build_them(open_pages, tmp_path):
    http = open_pages(tmp_path / "nothing")
    answer = http.get("/ui/")
    assert (answer.status_code, "make serve" in answer.text, "构建" in answer.text) == (503, True, True)


def test_a_file_that_an_upgrade_took_away_is_not_found(open_pages, folder):
    http = open_pages(folder)
    assert http.get("/ui/assets/index-1.js").status_code == 200
    for path in (folder / "assets").iterdir():
        path.unlink()
    assert http.get("/ui/assets/index-1.js").status_code == 404
