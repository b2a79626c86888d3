"""OHIF as it is served: its page below any path, its settings, its policy; and what is said where it is missing."""

import gzip
import json

import pytest
from fastapi import FastAPI

from calotype.web import problems
from calotype.web.viewers import ohif

PAGE = '<script src="__BASE__app-config.js"></script><link href="__BASE__app.css">'
HASHED = "app.bundle.0f6159c501addfe9.js"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "ohif"
    made.mkdir()
    (made / "index.html").write_text(PAGE)
    (made / HASHED).write_text("go()")
    (made / f"{HASHED}.gz").write_bytes(gzip.compress(b"go()"))
    (made / "app.css").write_text("a{}")
    (made / "codec.wasm").write_bytes(b"\0asm")
    (made / ".made-of").write_text("secret")
    return made


@pytest.fixture
def serve(portal_client):
    def served(folder, root_path=""):
        app = FastAPI()
        problems.install(app)
        ohif.install(app, folder)

        async def rooted(scope, receive, send):
            await app({**scope, "root_path": root_path}, receive, send)

        return portal_client(rooted)

    return served


@pytest.mark.parametrize("path", ["", "viewer?StudyInstanceUIDs=1.2.3", "localbasic", "viewer/dicomweb"])
@pytest.mark.parametrize("root", ["", "/pacs/x"])
def test_every_address_is_the_page(serve, folder, path, root):
    answer = serve(folder, root).get(f"/ohif/{path}")
    assert answer.status_code == 200
    assert answer.text == PAGE.replace("__BASE__", f"{root}/ohif/")


def test_the_policy_lets_functions_be_made_of_text_and_no_script_stand_in_the_page(serve, folder):
    http = serve(folder)
    for path in ("", HASHED):
        scripts = next(
            each
            for each in http.get(f"/ohif/{path}").headers["content-security-policy"].split("; ")
            if each.startswith("script-src")
        )
        assert scripts == "script-src 'self' 'unsafe-eval'"


def test_the_settings_lead_to_our_dicomweb_below_the_path(serve, folder):
    answer = serve(folder, "/pacs").get("/ohif/app-config.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    public, _, config = answer.text.splitlines()
    assert public == 'window.PUBLIC_URL="/pacs/ohif/";'
    told = json.loads(config.removeprefix("window.config=").removesuffix(";"))
    assert told["routerBasename"] == "/pacs/ohif"
    [source] = told["dataSources"]
    assert source["sourceName"] == told["defaultDataSourceName"]
    asked = source["configuration"]
    assert [asked[name] for name in ("qidoRoot", "wadoRoot", "wadoUriRoot")] == [
        "/pacs/dicomweb",
        "/pacs/dicomweb",
        "/pacs/wado",
    ]


def test_files_are_sent_packed_and_kept_by_their_names(serve, folder):
    http = serve(folder)
    script = http.get(f"/ohif/{HASHED}")
    assert script.text == "go()"
    assert script.headers["content-encoding"] == "gzip"
    assert "immutable" in script.headers["cache-control"]
    assert "immutable" not in http.get("/ohif/app.css").headers["cache-control"]
    assert http.get("/ohif/codec.wasm").headers["content-type"] == "application/wasm"


@pytest.mark.parametrize("path", ["other.bundle.js", "assets/none.css", "..%2f..%2fsetup.json", "x.wasm"])
def test_a_file_that_is_not_there_is_no_page(serve, folder, path):
    assert serve(folder).get(f"/ohif/{path}").status_code == 404


def test_hidden_files_are_not_sent(serve, folder):
    assert "secret" not in serve(folder).get("/ohif/.made-of").text


def test_without_a_slash_it_leads_there(serve, folder):
    answer = serve(folder, "/pacs").get("/ohif")
    assert answer.headers["location"] == "/pacs/ohif/"


@pytest.mark.parametrize("path", ["", "app-config.js", HASHED])
def test_where_it_is_not_built_in_the_server_says_how_to(serve, tmp_path, path):
    answer = serve(tmp_path / "none").get(f"/ohif/{path}")
    assert answer.status_code == 503
    assert "tools/ohif.py" in answer.text
