"""Deleting with dicomweb-client on a running server, as seen by DCMTK and by who listens to events."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import httpx
import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from requests import HTTPError

from support import samples
from support.dcmtk import run
from support.running import Running

pytestmark = pytest.mark.interop

STUDY, SERIES = samples.uid(1), samples.uid(1, 1)
WAIT_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Running(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def client(server):
    """A client of a server that holds one study of two series, three objects."""
    client = DICOMwebClient(server.url)
    for series in (1, 2):
        for number in range(3 - series, 0, -1):
            uid = samples.uid(1, series, number)
            data = samples.ct(16, 16, seed=number, study_uid=STUDY, series_uid=samples.uid(1, series), sop_uid=uid)
            client.store_instances([pydicom.dcmread(io.BytesIO(samples.part10(data, sop_uid=uid)))])
    yield client
    with httpx.Client(base_url=server.url, timeout=60) as http:
        http.delete(f"/studies/{STUDY}")


@pytest.fixture
def api(server):
    with httpx.Client(base_url=server.url.removesuffix("/dicomweb"), timeout=WAIT_S) as http:
        yield http


def found(server, folder: Path) -> int:
    """Return how many studies C-FIND finds."""
    done: subprocess.CompletedProcess[str] = run(
        "findscu", "-S", "-aec", "CALOTYPE", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={STUDY}",
        "127.0.0.1", server.port, folder=folder,
    )  # fmt: skip
    return done.stdout.count(STUDY)


def test_a_deleted_study_is_seen_by_nobody_and_comes_back_as_it_was(server, client, api, tmp_path):
    metadata = client.retrieve_study_metadata(STUDY)
    before = found(server, tmp_path)
    client.delete_study(STUDY)
    assert client.search_for_studies(search_filters={"StudyInstanceUID": STUDY}) == []
    assert found(server, tmp_path) < before
    moved = run(
        "getscu", "-S", "-aec", "CALOTYPE", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={STUDY}",
        "-od", tmp_path, "127.0.0.1", server.port, folder=tmp_path,
    )  # fmt: skip
    assert moved.returncode == 0
    assert [path for path in tmp_path.iterdir() if path.name.startswith("CT")] == []
    with pytest.raises(HTTPError, match="404"):
        client.delete_study(STUDY)
    number = api.get("/api/recycle-bin").json()[0]["id"]
    assert api.post(f"/api/recycle-bin/{number}/restore").json()["served"] == 3
    assert client.retrieve_study_metadata(STUDY) == metadata
    assert found(server, tmp_path) == before


def test_series_and_instances_are_deleted_alone(client):
    client.delete_instance(STUDY, SERIES, samples.uid(1, 1, 1))
    assert len(client.search_for_instances(STUDY)) == 2
    client.delete_series(STUDY, SERIES)
    (left,) = client.search_for_series(STUDY)
    assert left["0020000E"]["Value"] == [samples.uid(1, 2)]


def test_what_was_deleted_is_taken_anew(client):
    client.delete_study(STUDY)
    uid = samples.uid(1, 1, 1)
    data = samples.ct(16, 16, seed=1, study_uid=STUDY, series_uid=SERIES, sop_uid=uid)
    client.store_instances([pydicom.dcmread(io.BytesIO(samples.part10(data, sop_uid=uid)))])
    assert client.retrieve_instance(STUDY, SERIES, uid).SOPInstanceUID == uid


def test_who_listens_hears_of_it_and_goes_on_where_he_was(client, api):
    since = api.get("/api/changes?limit=1000").json()["newest"]
    with api.stream("GET", f"/api/events?since={since}") as stream:
        lines = stream.iter_lines()
        client.delete_study(STUDY)
        last, change = _next_change(lines)
    assert (change["action"], change["study"], change["sequence"]) == ("deleted", STUDY, since + 1)
    number = api.get("/api/recycle-bin").json()[0]["id"]
    api.post(f"/api/recycle-bin/{number}/restore")
    with api.stream("GET", "/api/events", headers={"Last-Event-ID": last}) as stream:
        _, change = _next_change(stream.iter_lines())
    assert (change["action"], change["sequence"]) == ("restored", since + 2)


def _next_change(lines) -> tuple[str, dict]:
    name = number = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "id":
            number = value
        elif field == "data" and name == "change":
            return number, json.loads(value)
    raise AssertionError("the stream ended")
