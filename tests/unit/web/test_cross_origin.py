"""Which pages of other origins may read answers; and where a client is told that we are."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest

VIEWER = "https://viewer.example"
PREFLIGHT = {
    "Origin": VIEWER,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "accept,range",
}


@pytest.fixture
def changes():
    return {"cors_origins": (VIEWER,)}


@pytest.fixture
def settings(settings, changes):
    return replace(settings, **changes)


class TestOff:
    @pytest.fixture
    def changes(self):
        return {}

    def test_no_origin_is_told_anything(self, client, study):
        answer = client.get("/dicomweb/studies/1.1/metadata", headers={"Origin": VIEWER})

        assert answer.status_code == 200
        assert [name for name in answer.headers if name.startswith("access-control")] == []
        assert (
            "access-control-allow-origin"
            not in client.request("OPTIONS", "/dicomweb/studies", headers=PREFLIGHT).headers
        )


class TestListed:
    def test_a_listed_origin_may_read_that_we_have_a_bug(self, client, archive, study, monkeypatch):
        def stumble(*_):
            raise RuntimeError("a bug")

        monkeypatch.setattr(archive, "locate", stumble)
        answer = client.get("/dicomweb/studies/1.1", headers={"Origin": VIEWER})

        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
        assert answer.headers["access-control-allow-origin"] == VIEWER
        assert "a bug" not in answer.text

    def test_a_listed_origin_may_read_what_viewers_need(self, client, study):
        answer = client.get("/dicomweb/studies/1.1/metadata", headers={"Origin": VIEWER})

        assert answer.headers["access-control-allow-origin"] == VIEWER
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]
        exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert {"etag", "link", "x-total-count", "warning", "content-range", "content-length"} <= exposed

    def test_errors_may_be_read_as_well(self, client):
        answer = client.get("/dicomweb/studies/9.9/metadata", headers={"Origin": VIEWER})

        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (404, VIEWER)

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "https://viewer.example.evil", "http://viewer.example"]
    )
    def test_no_other_origin_is_echoed(self, client, study, origin):
        answer = client.get("/dicomweb/studies/1.1/metadata", headers={"Origin": origin})
        preflight = client.request("OPTIONS", "/dicomweb/studies", headers=PREFLIGHT | {"Origin": origin})

        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-origin" not in preflight.headers
        assert preflight.status_code == 400

    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "PATCH"])
    def test_a_preflight_is_answered(self, client, method):
        asked = PREFLIGHT | {
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization, content-type",
        }

        answer = client.request("OPTIONS", "/dicomweb/studies/1/series/2/instances/3", headers=asked)

        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, VIEWER)
        assert method in answer.headers["access-control-allow-methods"]

    def test_a_preflight_for_headers_that_nobody_needs_is_refused(self, client):
        asked = PREFLIGHT | {"Access-Control-Request-Headers": "x-forwarded-host"}

        assert client.request("OPTIONS", "/dicomweb/studies", headers=asked).status_code == 400


class TestCredentials:
    @pytest.fixture
    def changes(self):
        return {"cors_origins": (VIEWER,), "cors_credentials": True}

    def test_listed_origins_may_send_them(self, client, study):
        answer = client.get("/dicomweb/studies/1.1/metadata", headers={"Origin": VIEWER})

        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["access-control-allow-origin"] == VIEWER


class TestEverybody:
    @pytest.fixture
    def changes(self):
        return {"cors_origins": ("*",), "cors_credentials": True}

    def test_nobody_is_echoed_and_no_credentials_are_taken(self, client, study):
        answer = client.get(
            "/dicomweb/studies/1.1/metadata", headers={"Origin": "https://evil.example", "Cookie": "session=1"}
        )

        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


METADATA = b'{"7FE00010":{"vr":"OW","BulkDataURI":"7FE00010"}}'


class TestAddresses:
    @pytest.fixture
    def changes(self):
        # The client of these tests.
        return {"trusted_proxies": (ipaddress.ip_network("192.0.2.1"),), "root_path": "/pacs"}

    def told(self, client, archive, study, *, path="/dicomweb", **headers):
        archive.metadata[study.refs[0]] = METADATA
        answer = client.get(
            f"{path}/studies/1.1/series/1.1.1/instances/1.1.1.1/metadata",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        return answer.json()[0]["7FE00010"]["BulkDataURI"].partition("/studies/")[0]

    def test_urls_are_those_that_the_client_knows(self, client, archive, study):
        told = self.told(
            client, archive, study, x_forwarded_proto="https", x_forwarded_host="a.example", x_forwarded_prefix="/x/y"
        )

        assert told == "https://a.example/x/y/dicomweb"

    def test_the_setting_tells_the_path_where_no_proxy_does(self, client, archive, study):
        assert self.told(client, archive, study) == "http://pacs.example:5000/pacs/dicomweb"
        assert self.told(client, archive, study, path="/pacs/dicom-web") == "http://pacs.example:5000/pacs/dicom-web"


class TestPublicUrl:
    @pytest.fixture
    def changes(self):
        return {"public_url": "https://pacs.hospital/x", "root_path": "/x", "trusted_proxies": ()}

    def test_no_header_changes_what_is_set(self, client, archive, study):
        archive.metadata[study.refs[0]] = METADATA

        answer = client.get(
            "/dicomweb/studies/1.1/series/1.1.1/instances/1.1.1.1/metadata",
            headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
        )

        assert answer.json()[0]["7FE00010"]["BulkDataURI"].startswith("https://pacs.hospital/x/dicomweb/studies/")
        assert "evil" not in answer.text
