"""The OpenAPI document tells of every route that there is."""

from __future__ import annotations

import pytest
from starlette.routing import Route


@pytest.fixture
def document(client):
    return client.get("/api/openapi.json").json()


def test_every_route_is_in_the_document(app, document):
    routes = {
        route.path.replace(":path}", "}")
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith(("/dicomweb/", "/wado", "/api/"))
    } - {"/dicomweb/wado", "/dicomweb/", "/api/openapi.json"}

    assert routes - set(document["paths"]) == set()


def test_a_plain_route_says_what_it_is_and_takes(document):
    wado = document["paths"]["/wado"]["get"]
    found = {parameter["name"]: parameter["required"] for parameter in wado["parameters"]}

    assert wado["summary"] == "The one resource of WADO-URI"
    assert [name for name, required in found.items() if required] == [
        "requestType",
        "studyUID",
        "seriesUID",
        "objectUID",
    ]
    search = document["paths"]["/dicomweb/studies/{study}/series"]["get"]
    assert [(each["name"], each["in"]) for each in search["parameters"]][:2] == [
        ("study", "path"),
        ("PatientID", "query"),
    ]
    assert "requestBody" in document["paths"]["/dicomweb/studies"]["post"]


def test_operations_have_names_of_their_own(document):
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]

    assert len(names) == len(set(names))


def test_the_document_is_made_once(client, document):
    assert client.get("/api/openapi.json").json() == document
