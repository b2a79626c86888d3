"""/api/studies/{uid}/anonymise and /api/anonymised/{job}, over a real archive and real jobs; the send form, too."""

import io
import zipfile

import pydicom
import pytest

from calotype.network.rejections import Rejections
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.jobs.jobs import Jobs
from calotype.services.jobs.settings import JobSettings
from calotype.services.routing.anonymising import Anonymising
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_jobs import MemoryJobs
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings
from support.archives import House
from support.identities import KEY, ct, data_set

STUDY = "1.2.826.0.1.3680043.9.1.1"
PATH = f"/api/studies/{STUDY}/anonymise"


@pytest.fixture
def jobs():
    made = Jobs(MemoryJobs(), JobSettings())
    yield made
    made.stop(10)


@pytest.fixture
def app(tmp_path, jobs):
    house = House(MemoryObjectStore(), MemoryIndex())
    house.store(data_set(ct()))
    archive = house.archive
    anonymising = Anonymising(jobs, archive.retrieve, archive.ingest, Anonymiser(lambda: KEY), tmp_path)
    return create_app(Rooms(archive, Rejections(), jobs=jobs, anonymising=anonymising), WebSettings())


def ended(jobs, answer):
    jobs.start()
    *_, last = jobs.watch(answer.json()["id"])
    return last


def test_study_is_made_anew_in_the_archive(client, jobs):
    answer = client.post(PATH, json={})
    assert (answer.status_code, answer.json()["kind"]) == (202, "anonymise")
    assert answer.headers["Location"] == f"/api/jobs/{answer.json()['id']}"
    assert ended(jobs, answer).progress.done == 1
    found = client.get("/dicomweb/studies", params={"includefield": "PatientID"}).json()
    assert sorted(each["00100020"]["Value"][0][:5] for each in found) == ["ANON-", "PID-4"]


def test_zip_is_fetched_and_removed(client, jobs):
    wish = {"to": "zip", "options": ["retain-uids"], "patient_id": "T-1", "series": ["1.2.826.0.1.3680043.9.1.2"]}
    answer = client.post(PATH, json=wish)
    path = f"/api/anonymised/{answer.json()['id']}"
    assert client.get(path).status_code == 409
    ended(jobs, answer)
    file = client.get(path)
    assert (file.status_code, file.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(file.content)) as packed:
        (name,) = packed.namelist()
        found = pydicom.dcmread(packed.open(name))
    assert (found.PatientID, found.StudyInstanceUID) == ("T-1", STUDY)
    assert client.request("DELETE", path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"options": ["retain-everything"]}, 422),
        ({"options": ["retain-full-dates", "retain-modified-dates"]}, 400),
        ({"to": "/etc"}, 422),
        ({"series": ["1.2.3"]}, 404),
        ({"series": ["../../x"]}, 422),
        ({"patient_id": "A\\B"}, 422),
        ({"patient_name": "x" * 65}, 422),
        ({"more": 1}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(client, body, status):
    answer = client.post(PATH, json=body)
    assert answer.status_code in {status, 400 if status == 422 else status}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/anonymised/1", "/api/anonymised/0", "/api/anonymised/..%2f1"])
def test_zip_of_no_job_is_not_there(client, path):
    assert client.get(path).status_code in {404, 422, 400}


def test_unknown_study_is_not_there(client):
    assert client.post("/api/studies/1.2.3/anonymise", json={}).status_code == 404
