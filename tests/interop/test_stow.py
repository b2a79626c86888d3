"""Store requests as real clients form them: dicomweb-client, OHIF with dcmjs, Weasis, browsers with many files."""

from __future__ import annotations

import io
import json

import httpx
import imagecodecs
import numpy as np
import psutil
import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from pydicom.data import get_testdata_file
from pydicom.pixels import pixel_array

from calotype.network.rejections import Rejections
from calotype.services.archive.archive import Archive
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.server import WebServer
from calotype.web.settings import WebSettings
from support import samples

pytestmark = pytest.mark.interop


@pytest.fixture
def service(tmp_path):
    objects = FileObjectStore(FileStoreSettings(tmp_path / "objects", durable=False))
    index = SqliteIndex(SqliteSettings(tmp_path / "index.sqlite", durable=False))
    settings = WebSettings(port=0, idle_s=10)
    server = WebServer(create_app(Rooms(Archive.over(objects, index), Rejections()), settings), settings)
    server.start()
    yield f"{server.url}/dicomweb"
    server.stop()
    index.close()
    objects.close()


@pytest.fixture
def http(service):
    with httpx.Client(base_url=service, timeout=60) as client:
        yield client


def retrieved(http):
    """The one object that is there, read by pydicom."""
    (match,) = http.get("/instances").json()
    (url,) = match["00081190"]["Value"]
    content = http.get(url, headers={"Accept": "application/dicom; transfer-syntax=*"}).content
    return pydicom.dcmread(io.BytesIO(content))


def metadata_of(dataset, uri):
    """What pydicom makes of a data set in JSON, its pixels apart."""
    pixels = {}

    def apart(element):
        pixels["7FE00010"] = element.value
        return uri

    document = dataset.to_json_dict(bulk_data_threshold=1024, bulk_data_element_handler=apart)
    return document, pixels["7FE00010"]


def post(http, kind, *parts):
    body = b"".join(b"\r\n--frontier\r\n" + head.encode() + b"\r\n\r\n" + content for head, content in parts)
    content_type = f'multipart/related; type="{kind}"; boundary=frontier'
    return http.post("/studies", content=body + b"\r\n--frontier--\r\n", headers={"Content-Type": content_type})


def test_dicomweb_client_stores_by_study_and_reads_back(service):
    client = DICOMwebClient(service)
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))

    answer = client.store_instances([dataset], study_instance_uid=dataset.StudyInstanceUID)

    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [dataset.SOPInstanceUID]
    back = client.retrieve_instance(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    assert back.PixelData == dataset.PixelData


def test_what_pydicom_says_in_json_and_apart_is_the_same_object(http):
    dataset = pydicom.dcmread(get_testdata_file("MR_small.dcm", download=False))
    document, pixels = metadata_of(dataset, "bulk/pixels")

    response = post(
        http,
        "application/dicom+json",
        ("Content-Type: application/dicom+json", json.dumps([document]).encode()),
        ("Content-Type: application/octet-stream\r\nContent-Location: bulk/pixels", pixels),
    )

    assert response.status_code == 200
    back = retrieved(http)
    assert back.PixelData == dataset.PixelData
    assert {e.tag: e.value for e in back if e.tag != 0x00080005} == {
        e.tag: e.value for e in dataset if e.tag != 0x00080005
    }


@pytest.mark.parametrize(
    ("media_type", "encode", "exact"),
    [
        ("image/jpeg", lambda pixels: imagecodecs.jpeg8_encode(pixels, level=95), False),
        ("image/jp2", lambda p: imagecodecs.jpeg2k_encode(p, level=0, reversible=True, codecformat="j2k"), True),
        ("image/png", imagecodecs.png_encode, True),
    ],
)
def test_pydicom_decodes_what_was_built_of_a_picture(http, media_type, encode, exact):
    pixels = (np.add.outer(np.arange(64), np.arange(96)) % 256).astype(np.uint8)
    document = {
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
        "00080018": {"vr": "UI", "Value": [samples.uid(1, 1, 1)]},
        "0020000D": {"vr": "UI", "Value": [samples.uid(1)]},
        "0020000E": {"vr": "UI", "Value": [samples.uid(1, 1)]},
        "7FE00010": {"vr": "OB", "BulkDataURI": "picture"},
    }

    response = post(
        http,
        "application/dicom+json",
        ("Content-Type: application/dicom+json", json.dumps([document]).encode()),
        (f"Content-Type: {media_type}\r\nContent-Location: picture", encode(pixels)),
    )

    assert response.status_code == 200
    decoded = pixel_array(retrieved(http))
    assert np.abs(decoded.astype(int) - pixels).max() <= (0 if exact else 12)


def test_a_browsers_dcmjs_form_is_taken(http):
    """OHIF's upload and dicomweb-client.js: quoted type and boundary, no preamble, an ArrayBuffer of all files."""
    files = [samples.part10(samples.small(seed=seed)) for seed in (1, 2)]
    boundary = "5b8d8b9e-7c34-4c1f-9f0c-2f7d6f0e2a11"
    body = b"".join(f"\r\n--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + each for each in files)

    response = http.post(
        "/studies",
        content=body + f"\r\n--{boundary}--".encode(),
        headers={
            "Content-Type": f'multipart/related; type="application/dicom"; boundary="{boundary}"',
            "Accept": "application/dicom+json",
        },
    )

    assert response.status_code == 200
    assert len(response.json()["00081199"]["Value"]) == 2


def test_the_form_of_weasis_is_taken_and_answered_in_xml(http):
    """Weasis: boundary without quotes first, transfer syntax on each part, chunked, an answer in XML."""
    file = samples.part10(samples.small())

    def pieces():
        yield b"--mimeTypeBoundary\r\nContent-Type: application/dicom;transfer-syntax=1.2.840.10008.1.2.1\r\n\r\n"
        yield file
        yield b"\r\n--mimeTypeBoundary--"

    response = http.post(
        "/studies",
        content=pieces(),
        headers={
            "Content-Type": "multipart/related;type=application/dicom;boundary=mimeTypeBoundary",
            "Accept": "application/dicom+xml",
        },
    )

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/dicom+xml"
    assert b"ReferencedSOPSequence" in response.content


def test_ten_thousand_files_in_one_request_leave_memory_flat(http):
    count = 10_000
    template = samples.part10(samples.small(sop_uid="1.2.3.000000"))

    def pieces():
        for number in range(count):
            file = template.replace(b"1.2.3.000000", b"1.2.3.%06d" % number)
            yield b"--b\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n"
        yield b"--b--\r\n"

    before = psutil.Process().memory_info().rss
    response = http.post(
        "/studies",
        content=pieces(),
        headers={"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'},
    )

    assert response.status_code == 200
    assert len(response.json()["00081199"]["Value"]) == count
    # The answer alone is 4 MB, here twice; client and server are one process.
    assert psutil.Process().memory_info().rss - before < 150 << 20
