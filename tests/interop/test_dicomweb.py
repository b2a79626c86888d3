"""dicomweb-client and plain HTTP against a running server over a real archive."""

from __future__ import annotations

import io
import socket
import threading
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from pydicom.data import get_testdata_file

from calotype.network.rejections import Rejections
from calotype.services.archive.archive import Archive
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.server import WebServer
from calotype.web.settings import WebSettings
from support import bundled, samples

pytestmark = pytest.mark.interop

BUNDLED = (
    "CT_small.dcm",
    "MR_small.dcm",
    "JPEG2000.dcm",
    "SC_rgb_rle.dcm",
    "ExplVR_BigEnd.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "reportsi.dcm",
    "image_dfl.dcm",
)
STUDY, SERIES = samples.uid(1), samples.uid(1, 1)


@pytest.fixture
def archive(tmp_path):
    objects = FileObjectStore(FileStoreSettings(tmp_path / "objects", durable=False))
    index = SqliteIndex(SqliteSettings(tmp_path / "index.sqlite", durable=False))
    yield Archive.over(objects, index)
    index.close()
    objects.close()


@pytest.fixture
def server(archive):
    settings = WebSettings(port=0, idle_s=10)
    server = WebServer(create_app(Rooms(archive, Rejections()), settings), settings)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def service(server):
    return f"{server.url}/dicomweb"


@pytest.fixture
def client(service):
    return DICOMwebClient(service)


@pytest.fixture
def http(service):
    with httpx.Client(base_url=service, timeout=60) as client:
        yield client


def slice_of(number, **how):
    return samples.ct(
        study_uid=STUDY,
        series_uid=SERIES,
        sop_uid=samples.uid(1, 1, number),
        seed=number,
        instance_number=number,
        **how,
    )


def message(*files, boundary="frontier"):
    head = f"\r\n--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return b"".join(head + file for file in files) + f"\r\n--{boundary}--\r\n".encode()


def store(http, *files, path="/studies"):
    return http.post(
        path,
        content=message(*files),
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=frontier'},
    )


def data_set_of(file):
    """The bytes behind the file meta information."""
    with pydicom.dcmread(io.BytesIO(file), stop_before_pixels=True, specific_tags=[]) as meta:
        return file[132 + 12 + meta.file_meta.FileMetaInformationGroupLength :]


def content_of(name):
    return Path(get_testdata_file(name, download=False)).read_bytes()


def test_a_file_whose_meta_names_another_object_is_refused(http):
    response = store(http, content_of("rtplan.dcm"))

    assert response.status_code == 409
    assert response.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]


@pytest.mark.parametrize("name", BUNDLED)
def test_what_pydicom_ships_goes_in_and_comes_back_bit_by_bit(http, name):
    content = content_of(name)
    assert store(http, content).status_code == 200

    (match,) = http.get("/instances").json()
    (url,) = match["00081190"]["Value"]
    back = http.get(url, headers={"Accept": "application/dicom"}).content

    assert data_set_of(back) == data_set_of(content)


def test_every_object_that_pydicom_ships_is_stored_as_it_is(http, tmp_path):
    """One whose file meta information names another object than its data set is refused."""
    statuses = {each: store(http, each.path.read_bytes()).status_code for each in bundled.objects()}

    stored = {each for each, status in statuses.items() if status in {200, 202}}
    assert stored == {each for each in bundled.objects() if each.meta_agrees}
    assert {statuses[each] for each in bundled.objects() if not each.meta_agrees} == {409}
    assert set(bundled.kept_in(tmp_path / "objects")) == {each.data_set for each in stored}


def test_a_clients_whole_round(client):
    datasets = [pydicom.dcmread(io.BytesIO(samples.part10(slice_of(number)))) for number in (1, 2, 3)]

    answer = client.store_instances(datasets)
    assert len(answer.ReferencedSOPSequence) == 3
    assert "FailedSOPSequence" not in answer

    (study,) = client.search_for_studies(search_filters={"PatientID": datasets[0].PatientID})
    assert study["0020000D"]["Value"] == [STUDY]
    assert study["00201208"]["Value"] == [3]
    (series,) = client.search_for_series(STUDY)
    assert series["0020000E"]["Value"] == [SERIES]
    instances = client.search_for_instances(STUDY, SERIES, limit=2)
    assert len(instances) == 2
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []

    assert [d.InstanceNumber for d in client.retrieve_series(STUDY, SERIES)] == [1, 2, 3]
    assert sorted(d.SOPInstanceUID for d in client.retrieve_study(STUDY)) == [d.SOPInstanceUID for d in datasets]
    one = client.retrieve_instance(STUDY, SERIES, datasets[1].SOPInstanceUID)
    assert one.PixelData == datasets[1].PixelData
    assert one == datasets[1]


def test_a_clients_streams(client):
    client.store_instances([pydicom.dcmread(io.BytesIO(samples.part10(slice_of(number)))) for number in (1, 2)])

    assert sum(1 for _ in client.iter_series(STUDY, SERIES)) == 2


def test_metadata_is_what_pydicom_reads(client):
    dataset = pydicom.dcmread(io.BytesIO(samples.part10(slice_of(1))))
    client.store_instances([dataset])

    (by_study,) = client.retrieve_study_metadata(STUDY)
    (by_series,) = client.retrieve_series_metadata(STUDY, SERIES)
    by_instance = client.retrieve_instance_metadata(STUDY, SERIES, dataset.SOPInstanceUID)

    assert by_study == by_series == by_instance
    read = pydicom.Dataset.from_json(by_instance, bulk_data_uri_handler=lambda _uri: b"")
    del dataset.PixelData
    del read.PixelData
    assert {e.tag: e.value for e in read if e.tag != 0x00080005} == {
        e.tag: e.value for e in dataset if e.tag != 0x00080005
    }


def test_names_in_chinese_are_found_and_come_back(client):
    client.store_instances(
        [pydicom.dcmread(io.BytesIO(samples.part10(slice_of(1, patient_name="Wang^XiaoDong=王^小东"))))]
    )

    (study,) = client.search_for_studies(search_filters={"PatientName": "*小东*"})

    assert study["00100010"]["Value"] == [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"}]


def test_an_object_of_another_study_is_refused_and_named(http):
    response = store(http, samples.part10(slice_of(1)), path="/studies/1.2.3")

    assert response.status_code == 409
    (item,) = response.json()["00081198"]["Value"]
    assert item["00081155"]["Value"] == [samples.uid(1, 1, 1)]
    assert item["00081197"]["Value"] == [0xA900]
    assert http.get("/studies").json() == []


def test_a_truncated_object_is_refused(http):
    response = store(http, samples.part10(slice_of(1))[:-1000])

    assert response.status_code == 409
    (item,) = response.json()["00081198"]["Value"]
    assert item["00000902"]["Value"][0].startswith("truncated")


def test_the_same_object_again_is_a_success(http):
    file = samples.part10(slice_of(1))

    assert [store(http, file).status_code for _ in range(2)] == [200, 200]
    assert len(http.get("/instances").json()) == 1


def test_large_objects_leave_memory_flat(http, archive):
    frame = bytes(range(256)) * 4096
    file = samples.part10(
        samples.ct(
            study_uid=STUDY, series_uid=SERIES, sop_uid=samples.uid(9), changes={0x7FE00010: ("OW", frame * 40)}
        )
    )
    tracemalloc.start()
    try:
        assert store(http, file).status_code == 200
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        with http.stream("GET", f"/studies/{STUDY}") as response:
            received = sum(len(chunk) for chunk in response.iter_raw(65536))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert received > len(frame) * 40
    assert peak - before < 8 * len(frame)


def test_a_client_that_leaves_half_way_leaves_nothing_open(http, server, tmp_path):
    frame = bytes(1 << 20)
    file = samples.part10(
        samples.ct(
            study_uid=STUDY, series_uid=SERIES, sop_uid=samples.uid(9), changes={0x7FE00010: ("OW", frame * 30)}
        )
    )
    assert store(http, file).status_code == 200
    with socket.create_connection(("127.0.0.1", server.port)) as rude:
        rude.sendall(f"GET /dicomweb/studies/{STUDY} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        rude.recv(1000)
    with socket.create_connection(("127.0.0.1", server.port)) as rude:
        rude.sendall(
            b"POST /dicomweb/studies HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n"
            b'Content-Type: multipart/related; type="application/dicom"; boundary=b\r\n\r\n'
            b"--b\r\n\r\n" + samples.part10(slice_of(2)) + frame * 3
        )
        assert eventually(lambda: incoming(tmp_path))

    assert eventually(lambda: not open_objects(tmp_path) and not incoming(tmp_path))
    assert len(http.get("/instances").json()) == 1


def incoming(tmp_path):
    """Files of objects that are on their way in, locks left out."""
    found = (tmp_path / "objects" / ".incoming").rglob("*")
    return [path for path in found if path.is_file() and path.suffix != ".lock"]


def open_objects(tmp_path):
    """Files of the object store that this process has open, its lock left out."""
    objects = str(tmp_path / "objects")
    opened = (file.path for file in psutil.Process().open_files())
    return [path for path in opened if path.startswith(objects) and not path.endswith(".lock")]


def eventually(condition, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_many_clients_are_served_side_by_side(http, service):
    store(http, *(samples.part10(slice_of(number)) for number in range(1, 21)))
    statuses = []

    def fetch():
        with httpx.Client(base_url=service, timeout=60) as own:
            paths = (f"/studies/{STUDY}", f"/studies/{STUDY}/metadata", "/instances")
            statuses.extend(own.get(path).status_code for path in paths)

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert statuses == [200] * 24


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /dicomweb/studies HTTP/9.9\r\n\r\n",
        b"GET " + b"/" * 200_000,
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000,
        b"POST /dicomweb/studies HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /dicomweb/studies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_no_request_stops_the_server(server, http, request_bytes):
    with socket.create_connection(("127.0.0.1", server.port)) as rude:
        rude.settimeout(5)
        with suppress(OSError):
            rude.sendall(request_bytes)
            rude.shutdown(socket.SHUT_WR)
            while rude.recv(65536):
                pass

    assert http.get("/studies").status_code == 200
