"""A server without built pages runs, and says to whoever opens it how to build them."""

import httpx
import pytest

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Http, HttpAccess, Settings, Storage
from calotype.cli.serving import welcome
from calotype.web import pages


@pytest.fixture
def started(tmp_path, monkeypatch):
    """A house without pages, and its settings."""
    monkeypatch.setattr(pages, "FOLDER", tmp_path / "never built")
    settings = Settings(
        storage=Storage(path=tmp_path / "data", durable=False, min_free_mib=1),
        listeners=(),
        http=Http(port=0, access=HttpAccess(login="off")),
    )
    with open_stores(settings) as stores, House(settings, stores) as house:
        yield house, settings


@pytest.fixture
def url(started):
    return started[0].web.url


def test_it_says_how_to_build_them_and_serves_all_else(url):
    with httpx.Client(base_url=url, follow_redirects=True, timeout=60) as http:
        for path in ("/", "/ui/studies", "/docs"):
            answer = http.get(path)
            assert (answer.status_code, "make serve" in answer.text) == (503, True), path
            assert answer.headers["content-type"].startswith("text/html")
        assert http.get("/ui/assets/index.js").status_code == 404
        assert http.get("/api/health").json()["status"] == "ok"
        assert http.get("/dicomweb/studies").json() == []


def test_the_start_says_so_until_they_are_built(started):
    house, settings = started
    told = welcome(house, settings, 0.1)
    assert "no pages: they have not been built" in told
    assert "make serve" in told
    assert "/ui/" not in told

    pages.FOLDER.mkdir()
    (pages.FOLDER / "index.html").write_text("<!doctype html>")
    told = welcome(house, settings, 0.1)
    assert f"pages at {house.web.url}/ui/" in told
    assert "make serve" not in told
