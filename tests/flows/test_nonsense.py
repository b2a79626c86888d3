"""Nonsense to every resource below /api that takes a body or a parameter: told what is wrong, never a 500.

The resources are those of our own OpenAPI document, so that a new one is asked too.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from support.running import Running

SHAPES: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5, "", "x" * 5000, "\0", "\ud800", "a\nb", "日本", "../..", [], [None], [[]], [{}],
    {}, {"a": {}}, {"\ud800": 1}, [1], ["\ud800"], ["x"] * 300,
)  # fmt: skip
BODIES = (
    b"", b"{", b"null", b"true", b"1", b'"x"', b"[]", b"{}", b"[1, 2]", b"\xff\xfe", b'{"a": NaN}', b"9" * 5000,
    b"[" * 100_000, b'{"a":' * 50_000, b"[" * 900 + b"]" * 900, b'{"x": "\\ud800"}', b'{"\\ud800": 1}',
)  # fmt: skip
TEXTS = ("", "0", "-1", "1.5", "99999999999999999999", "NaN", "x", "\0", "%", "..", "x" * 3000, "\u0661", "*", "a\\b")
FIELDS: dict[str, Any] = {
    "/api/nodes/import": {"DicomModalities": {"a": ["A", "h", 104]}, "RemoteNodes": []},
    "/api/worklist": {
        "PatientName": "A", "PatientID": "1", "PatientBirthDate": "", "RequestedProcedureCodeSequence": [],
        "ScheduledProcedureStepSequence": [{"Modality": "CT"}],
    },
}  # fmt: skip
"""What the document does not say of bodies that are read by hand."""
NODE = {"ae_title": "GONE", "host": "127.0.0.1", "port": 1, "timeouts": {"connect_s": 1}}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with Running(tmp_path_factory.mktemp("nonsense")) as server:
        url = f"http://127.0.0.1:{server.http_port}"
        with httpx.Client(base_url=url, timeout=60, transport=httpx.HTTPTransport(retries=2)) as client:
            assert client.post("/api/nodes", json=NODE).status_code == 201
            yield client
        assert "Traceback" not in server.log()


@pytest.fixture(scope="module")
def document(client):
    return client.get("/api/openapi.json").json()


def judged(answer, *, asked):
    """Return an answer's status, having made sure that it is no accident.

    An upload of which nothing was stored says so in DICOM's own words, object by object (PS3.18 10.5.3.2).
    """
    told = f"{asked}: {answer.status_code} {answer.text[:300]}"
    # 503: a node that is asked does not answer.
    assert answer.status_code < 500 or answer.status_code == 503, told
    if answer.status_code == 409 and answer.headers["content-type"] == "application/dicom+json":
        assert answer.json().keys() & {"00081198", "0008119A"}, told
    elif answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", told
        assert answer.json()["title"], told
    return answer.status_code


def fields_of(document, path, operation):
    """Return an example of a body, by its schema."""
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return FIELDS.get(path) or {name: each.get("default") for name, each in schema.get("properties", {}).items()}


def test_bodies(client, document):
    tally: dict[str, int] = {}
    for path, operations in document["paths"].items():
        address = re.sub(r"\{(\w+)\}", lambda name: "GONE" if name[1] == "ae_title" else "1", path)
        for verb, operation in operations.items():
            if "requestBody" not in operation:
                continue
            fields = fields_of(document, path, operation)
            # httpx would not write half of a surrogate pair; json does, as clients without scruples do.
            texts = [json.dumps({**fields, name: shape}).encode() for name in fields for shape in SHAPES]
            given = [{"content": text, "headers": {"Content-Type": "application/json"}} for text in (*texts, *BODIES)]
            given += [{"content": b'{"a": 1}', "headers": {"Content-Type": kind}} for kind in ("text/plain", "", "x")]
            for body in given:
                status = judged(client.request(verb, address, **body), asked=(verb, path, str(body)[:200]))
                tally[path] = tally.get(path, 0) + (status >= 400)
    # A test that asks nothing finds nothing.
    assert sum(tally.values()) > 1000
    assert len(tally) >= 10


def test_parameters(client, document):
    asked = 0
    for path, operations in document["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", []):
            if path.endswith("/events"):
                continue
            for text in TEXTS:
                address = re.sub(r"\{(\w+)\}", "1", path)
                if parameter["in"] == "path":
                    address = path.replace(f"{{{parameter['name']}}}", quote(text, safe=""))
                query = {parameter["name"]: text} if parameter["in"] == "query" else {}
                judged(client.get(address, params=query), asked=(path, parameter["name"], text[:40]))
                asked += 1
    assert asked > 200
