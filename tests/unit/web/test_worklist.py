"""``/api/worklist``: what people and programs may do with the worklist."""

from __future__ import annotations

import json
from types import SimpleNamespace

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

from calotype.dicom import keywords
from calotype.dicom.datasets import encode
from calotype.dicom.hierarchy import UID
from calotype.dicom.query.worklist import STEPS
from calotype.dicom.text import encode as encode_text
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.services.worklist.performed import PerformedSteps
from calotype.services.worklist.worklist import Worklist
from calotype.stores.index.memory_worklist import MemoryWorklist
from calotype.web import problems
from calotype.web.api import worklist as resource
from calotype.web.offload import Offload
from support.archives import Clock
from support.worklists import given

JSON = {"Content-Type": "application/json"}


def written(keys):
    return list(keywords.to_elements(keys, lambda value, vr: encode_text(value, ("ISO_IR 192",), vr)))


@pytest.fixture
def performed():
    store = MemoryWorklist()
    return SimpleNamespace(store=store, steps=PerformedSteps(store, store, Clock()))


@pytest.fixture
def client(performed):
    app = FastAPI()
    problems.install(app)
    app.include_router(
        resource.router(Worklist(performed.store, clock=Clock()), performed.steps, Offload(4)), prefix="/api"
    )
    with start_blocking_portal() as portal:
        transport = httpx.ASGITransport(app)
        caller = httpx.AsyncClient(transport=transport, base_url="http://calotype.test")

        class Client:
            def __getattr__(self, verb):
                def call(path, **how):
                    return portal.call(lambda: getattr(caller, verb)(f"/api/worklist{path}", **how))

                return call

        yield Client()
        portal.call(caller.aclose)


def schedule(client, number=1, **changes):
    response = client.post("", json=given(number, **changes))
    assert response.status_code == 201, response.text
    return response.json()


def steps(client, **filters):
    response = client.get("", params=filters)
    assert response.status_code == 200, response.text
    return [entry["step"] for entry in response.json()["entries"]]


def test_an_item_is_scheduled_shown_replaced_and_removed(client):
    response = client.post("", json=given(1, PatientName="Zhang^San=张^三"))
    made = response.json()
    assert (response.status_code, response.headers["location"]) == (201, f"/api/worklist/{made['id']}")
    assert made["item"]["PatientName"] == "Zhang^San=张^三"
    assert made["item"][STEPS][0]["ScheduledProcedureStepStatus"] == "scheduled"

    assert client.get(f"/{made['id']}").json() == made
    changed = {**made["item"], "PatientSex": "F"}
    replaced = client.put(f"/{made['id']}", json=changed).json()
    assert (replaced["item"], replaced["created_us"]) == (changed, made["created_us"])
    assert replaced["updated_us"] > made["updated_us"]

    assert client.delete(f"/{made['id']}").status_code == 204
    assert client.get(f"/{made['id']}").status_code == 404
    assert client.delete(f"/{made['id']}").status_code == 404


def test_the_list_has_pages_and_a_total(client):
    for number in range(5):
        schedule(client, number, ScheduledProcedureStepStartTime=f"090{number}")
    page = client.get("", params={"limit": 2, "offset": 1}).json()
    assert [entry["step"] for entry in page["entries"]] == ["S1", "S2"]
    assert (page["total"], page["total_is_at_least"]) == (5, False)
    assert page["entries"][0]["item"]["PatientID"] == "P1"
    assert page["entries"][0]["item"][STEPS][0]["ScheduledProcedureStepStatus"] == "scheduled"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["S1", "S2", "S3"]),
        ({"status": "arrived"}, ["S2"]),
        ({"status": ["arrived", "completed"]}, ["S2", "S3"]),
        ({"station": "MR1"}, ["S2"]),
        ({"modality": "mr"}, ["S2"]),
        ({"date": "20240201-"}, ["S3"]),
        ({"date": "20240131", "time": "0800-1000"}, ["S1"]),
        ({"date": "20240131-20240201", "time": "1000-0900"}, ["S2", "S3"]),
        ({"patient_name": "zh?ng*"}, ["S1"]),
        ({"patient_name": "*三"}, ["S1"]),
        ({"patient_id": "P3"}, ["S3"]),
        ({"physician": "house*", "accession": "A2"}, ["S2"]),
        ({"referring": "grey^meredith", "order": "-PatientID"}, ["S3", "S2", "S1"]),
        ({"order": "PatientName"}, ["S2", "S3", "S1"]),
        ({"study": given(2)["StudyInstanceUID"]}, ["S2"]),
        ({"admission": "ADM1", "procedure": "R1", "step": "S1"}, ["S1"]),
    ],
)
def test_filters_are_matching_keys(client, filters, found):
    schedule(client, 1, PatientName="Zhang^San=张^三")
    schedule(
        client, 2, ScheduledStationAETitle="MR1", Modality="MR", ScheduledProcedureStepStatus="arrived",
        ScheduledProcedureStepStartTime="1130", PatientName="Alpha",
    )  # fmt: skip
    schedule(
        client, 3, ScheduledProcedureStepStartDate="20240201", ScheduledProcedureStepStatus="completed",
        PatientName="Beta",
    )  # fmt: skip
    assert steps(client, **filters) == found


@pytest.mark.parametrize(
    ("filters", "detail"),
    [
        ({"date": "soon"}, "ScheduledProcedureStepStartDate: 'soon' is no date"),
        ({"colour": "red"}, "'colour' is no filter; there are status, station"),
        ({"order": "PatientSex"}, "order: 'PatientSex' cannot be sorted by"),
        ({"status": "lost"}, "scheduled"),
        ({"limit": 0}, "limit"),
    ],
)
def test_filters_that_are_wrong_are_told(client, filters, detail):
    response = client.get("", params=filters)
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    assert detail in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "the body is no JSON"),
        (b"[]", "the body is no object"),
        (b"{}", "PatientName is missing"),
        (json.dumps({**given(), "PatientBirthDate": "x"}).encode(), "PatientBirthDate: 'x' is no date"),
        (b'{"PatientID":"' + b"x" * (1 << 20) + b'"}', "longer than the 1048576 bytes"),
    ],
)
def test_an_item_that_is_wrong_is_told(client, body, detail):
    response = client.post("", content=body, headers=JSON)
    assert response.status_code == 400
    assert detail in response.json()["detail"]


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_form_of_another_site_changes_nothing(client, media_type):
    body = {"content": json.dumps(given()), "headers": {"Content-Type": media_type}}
    for refused in (client.post("", **body), client.post("/import", **body), client.put("/one", **body)):
        assert (refused.status_code, "application/json" in refused.json()["detail"]) == (415, True)
    assert client.get("").json()["entries"] == []


def test_a_procedure_is_scheduled_once(client):
    schedule(client)
    response = client.post("", json=given())
    assert response.status_code == 409
    assert "scheduled already" in response.json()["detail"]


def test_steps_are_moved_by_a_word(client):
    made = schedule(client)
    moved = client.post(f"/{made['id']}/status", json={"status": "arrived"}).json()
    assert moved["item"][STEPS][0]["ScheduledProcedureStepStatus"] == "arrived"
    assert client.post(f"/{made['id']}/status", json={"status": "started", "steps": ["other"]}).status_code == 400
    assert client.post(f"/{made['id']}/status", json={"status": "lost"}).status_code == 400
    assert client.post("/nobody/status", json={"status": "arrived"}).status_code == 404


def test_files_and_json_are_imported(client):
    [taken] = client.post(
        "/import",
        content=encode(written(given(1)), EXPLICIT_VR_LITTLE_ENDIAN),
        headers={"Content-Type": "application/dicom"},
    ).json()
    assert (taken["is_new"], taken["problem"]) == (True, "")
    again, wrong, other = client.post("/import", json=[given(1), {}, given(2)]).json()
    assert (again["id"], again["is_new"]) == (taken["id"], False)
    assert (wrong["id"], "PatientName is missing" in wrong["problem"]) == ("", True)
    assert other["is_new"]
    assert len(steps(client)) == 2


def test_performed_steps_are_shown(client, performed):
    begun = {
        "ScheduledStepAttributesSequence": [{"StudyInstanceUID": "1.2"}],
        "PerformedProcedureStepID": "1",
        "PerformedStationAETitle": "CT1",
        "PerformedProcedureStepStartDate": "20240131",
        "PerformedProcedureStepStartTime": "0905",
        "PerformedProcedureStepStatus": "IN PROGRESS",
        "Modality": "CT",
    }
    performed.steps.create(UID("1.2.3"), written(begun), "CT1")
    [shown] = client.get("/performed").json()
    assert (shown["sop_instance"], shown["state"], shown["calling_ae_title"]) == ("1.2.3", "IN PROGRESS", "CT1")
    assert shown["attributes"] == begun
    assert client.get("/performed/1.2.3").json() == shown
    assert client.get("/performed/9.9").status_code == 404


def test_numbers_are_made_where_they_are_asked_for(client):
    body = given(1, AccessionNumber="", PatientID="")
    assert client.post("", json=body).status_code == 400
    made = client.post("?number=AccessionNumber&number=PatientID", json=body)
    assert made.status_code == 201
    assert made.json()["item"]["PatientID"] == "T" + made.json()["item"]["AccessionNumber"]
    assert client.post("?number=PatientName", json=body).status_code == 400
