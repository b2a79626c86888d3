"""dicomweb-client, DCMTK and pydicom take what WADO-RS hands out: bulk data, frames, zip files."""

from __future__ import annotations

import io
import re
import zipfile

import httpx
import pydicom
import pytest
from dicomweb_client import DICOMwebClient

from calotype.network.rejections import Rejections
from calotype.services.archive.archive import Archive
from calotype.services.archive.pictures import Pictures
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.server import WebServer
from calotype.web.settings import WebSettings
from support import bundled, dcmtk, samples
from support.archives import House

pytestmark = pytest.mark.interop

STUDY, SERIES = samples.uid(1), samples.uid(1, 1)
BULK = bytes(range(256)) * 8
J2K_FILE, RLE_FILE = "JPEG2000.dcm", "SC_rgb_rle_2frame.dcm"


@pytest.fixture
def house(tmp_path):
    objects = FileObjectStore(FileStoreSettings(tmp_path / "objects", durable=False))
    index = SqliteIndex(SqliteSettings(tmp_path / "index.sqlite", durable=False))
    yield House(objects, index)
    index.close()
    objects.close()


@pytest.fixture
def service(house):
    archive: Archive = house.archive
    pictures = Pictures(archive.retrieve, house.index)
    settings = WebSettings(port=0, idle_s=10)
    server = WebServer(create_app(Rooms(archive, Rejections(), pictures=pictures), settings), settings)
    server.start()
    yield f"{server.url}/dicomweb"
    server.stop()


@pytest.fixture
def client(service):
    return DICOMwebClient(service)


def sop(number):
    return samples.uid(1, 1, number)


@pytest.fixture
def study(house):
    for number in (1, 2, 3):
        house.store(
            samples.multi_frame(
                frames=3, seed=number, instance_number=number,
                study_uid=STUDY, series_uid=SERIES, sop_uid=sop(number),
                changes={
                    0x00090010: ("LO", "OURS"), 0x00091001: ("OB", BULK),
                    0x00081115: ("SQ", [[(0x00090010, "LO", "OURS"), (0x00091002, "OB", BULK[::-1])]]),
                },
            )
        )  # fmt: skip


def addresses(item):
    for attribute in item.values():
        if "BulkDataURI" in attribute:
            yield attribute["BulkDataURI"]
        for inner in attribute.get("Value", ()) if attribute["vr"] == "SQ" else ():
            yield from addresses(inner)


def test_a_client_follows_every_address_of_bulk_data(client, study):
    [metadata] = client.retrieve_study_metadata(STUDY)[:1]
    values = {uri.rpartition("/")[2]: client.retrieve_bulkdata(uri) for uri in addresses(metadata)}
    assert values == {
        "00091001": [BULK], "00091002": [BULK[::-1]], "7FE00010": [samples.pixels(16 * 16 * 3, 1)],
    }  # fmt: skip


def test_a_client_takes_bulk_data_by_ranges(client, study):
    uri = next(uri for uri in addresses(client.retrieve_instance_metadata(STUDY, SERIES, sop(1))) if "7FE0" in uri)
    pixels = samples.pixels(16 * 16 * 3, 1)
    assert client.retrieve_bulkdata(uri, byte_range=(256, 511)) in ([pixels[256:512]], [pixels])
    answer = httpx.get(uri, headers={"Range": "bytes=256-511", "Accept": "application/octet-stream"}, timeout=60)
    assert (answer.status_code, answer.content) == (206, pixels[256:512])


def test_a_client_takes_frames(client, study):
    pixels = samples.pixels(16 * 16 * 3, 2)
    assert client.retrieve_instance_frames(STUDY, SERIES, sop(2), frame_numbers=[3, 1]) == [
        pixels[512:],
        pixels[:256],
    ]
    for number, frame in enumerate(client.iter_instance_frames(STUDY, SERIES, sop(2), frame_numbers=[1, 2])):
        assert frame == pixels[256 * number :][:256]


@pytest.mark.parametrize("name", [J2K_FILE, RLE_FILE])
def test_frames_are_the_fragments_of_the_file(house, service, client, name):
    [each] = [each for each in bundled.objects() if each.path.name == name]
    data = pydicom.dcmread(each.path)
    house.store_file(each.path.read_bytes())
    names = (data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID)
    frames = list(pydicom.encaps.generate_frames(data.PixelData, number_of_frames=data.get("NumberOfFrames", 1)))
    syntax = data.file_meta.TransferSyntaxUID
    media_type = {J2K_FILE: "image/jp2", RLE_FILE: "image/x-dicom-rle"}[name]
    got = client.retrieve_instance_frames(
        *names, frame_numbers=list(range(1, len(frames) + 1)), media_types=((media_type, str(syntax)),)
    )
    assert got == frames
    plain = client.retrieve_instance_frames(*names, frame_numbers=[1])
    pixels = data.pixel_array if len(frames) == 1 else data.pixel_array[0]
    assert len(plain[0]) == pixels.nbytes


def test_dcmtk_reads_the_dicomdir_and_finds_its_files(service, study, tmp_path):
    answer = httpx.get(f"{service}/studies/{STUDY}?accept=application/zip&dicomdir=yes", timeout=60)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        file.extractall(tmp_path / "medium")
    told = dcmtk.run("dcmdump", "DICOMDIR", folder=tmp_path / "medium")
    assert told.returncode == 0
    assert told.stdout.count('refFileID="DICOM') == 3
    assert not re.search("^[EW]: ", told.stdout, re.MULTILINE)
    for number in (1, 2, 3):
        name = tmp_path / "medium" / "DICOM" / "ST000001" / "SE000001" / f"IM{number:06d}"
        assert pydicom.dcmread(name).SOPInstanceUID == sop(number)
