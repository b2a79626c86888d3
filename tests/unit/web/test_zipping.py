"""Objects as a zip file with a DICOMDIR, judged by zipfile and pydicom; objects without their patient."""

from __future__ import annotations

import io
import zipfile

import pydicom
import pytest
from pydicom.fileset import FileSet

from calotype.network.rejections import Rejections
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.pictures import Pictures
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings
from support import samples
from support.archives import House

STUDY = samples.uid(1)
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
ZIP = {"Accept": "application/zip"}
NAME = "Wang^XiaoDong=王^小东"


@pytest.fixture
def house():
    return House(MemoryObjectStore(), MemoryIndex())


@pytest.fixture
def app(house):
    rooms = Rooms(
        house.archive,
        Rejections(),
        pictures=Pictures(house.archive.retrieve, house.index),
        anonymiser=Anonymiser(lambda: bytes(range(32))),
    )
    return create_app(rooms, WebSettings(chunk_bytes=1000))


@pytest.fixture
def study(house):
    """Two CT, a multi-frame, a report with a title, a document; in three series."""
    made = [
        (samples.ct, 1, 1), (samples.ct, 1, 2), (samples.multi_frame, 2, 1), (samples.structured_report, 3, 1),
        (samples.pdf, 3, 2),
    ]  # fmt: skip
    files = {}
    for make, series, number in made:
        uid = samples.uid(1, series, number)
        data = make(
            study_uid=STUDY, series_uid=samples.uid(1, series), sop_uid=uid, instance_number=number,
            patient_id="P1", patient_name=NAME,
        )  # fmt: skip
        house.store(data)
        files[uid] = data
    return files


def opened(response):
    assert response.status_code in {200, 206}, response.text
    assert response.headers["content-type"] == "application/zip"
    file = zipfile.ZipFile(io.BytesIO(response.content))
    assert file.testzip() is None
    return file


def test_a_study_comes_as_a_zip_file_of_what_is_stored(client, house, study):
    response = client.get(f"/dicomweb/studies/{STUDY}", headers=ZIP)
    assert response.headers["content-disposition"] == f'attachment; filename="{STUDY}.zip"'
    with opened(response) as file:
        assert sorted(file.namelist())[:3] == [
            "DICOM/ST000001/SE000001/IM000001",
            "DICOM/ST000001/SE000001/IM000002",
            "DICOM/ST000001/SE000002/IM000001",
        ]  # fmt: skip
        assert sorted(map(file.read, file.namelist())) == sorted(house.files().values())


@pytest.mark.parametrize("rest", ["/series/{series}", "/series/{series}/instances/{series}.2"])
def test_parts_of_a_study_come_as_zip_files_by_the_query_alone(client, study, rest):
    path = f"/dicomweb/studies/{STUDY}" + rest.format(series=samples.uid(1, 1))
    with opened(client.get(path, params={"accept": "application/zip"})) as file:
        assert len(file.namelist()) == (1 if "instances" in rest else 2)


def test_a_dicomdir_is_a_file_set_to_pydicom(client, study, tmp_path):
    with opened(client.get(f"/dicomweb/studies/{STUDY}", headers=ZIP, params={"dicomdir": "yes"})) as file:
        file.extractall(tmp_path)
    files = FileSet(tmp_path / "DICOMDIR")
    files._stage["t"].cleanup()  # else it goes when the collector finds it, with a warning
    assert {each.SOPInstanceUID for each in files} == set(study)
    for each in files:
        assert each.load().SOPInstanceUID == each.SOPInstanceUID
    assert files.find_values("PatientID") == ["P1"]
    assert [str(name) for name in files.find_values("PatientName")] == [NAME]
    assert len(files.find(SeriesInstanceUID=samples.uid(1, 3))) == 2
    records = pydicom.dcmread(tmp_path / "DICOMDIR").DirectoryRecordSequence
    assert [record.DirectoryRecordType for record in records] == [
        "PATIENT", "STUDY", "SERIES", "IMAGE", "IMAGE", "SERIES", "IMAGE", "SERIES", "SR DOCUMENT", "ENCAP DOC",
    ]  # fmt: skip
    [report] = [record for record in records if record.DirectoryRecordType == "SR DOCUMENT"]
    assert report.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurement Report"


def test_objects_in_another_syntax_are_streamed_members(client, study):
    answer = client.get(
        f"/dicomweb/studies/{STUDY}", params={"accept": f"application/zip; transfer-syntax={JPEG_LOSSLESS}"}
    )
    assert answer.status_code == 206
    with opened(answer) as file:
        read = [pydicom.dcmread(io.BytesIO(file.read(name))) for name in file.namelist()]
    assert len(read) == 3
    assert {each.file_meta.TransferSyntaxUID for each in read} == {JPEG_LOSSLESS}


@pytest.mark.parametrize("word", ["maybe", "2", "%00"])
def test_a_dicomdir_is_wanted_or_not(client, study, word):
    answer = client.get(f"/dicomweb/studies/{STUDY}?accept=application/zip&dicomdir={word}")
    assert (answer.status_code, answer.json()["detail"]) == (400, "dicomdir: yes or no")


def test_the_most_wanted_syntax_is_sent(client, study):
    place = f"/dicomweb/studies/{STUDY}/series/{samples.uid(1, 1)}/instances/{samples.uid(1, 1, 1)}"
    for better, worse in ((JPEG_LOSSLESS, samples.EXPLICIT), (samples.EXPLICIT, JPEG_LOSSLESS)):
        accept = (
            f"application/dicom; transfer-syntax={worse}; q=0.2, application/dicom; transfer-syntax={better}; q=0.9"
        )
        answer = client.get(place, headers={"Accept": accept})
        assert answer.headers["content-type"] == f"application/dicom; transfer-syntax={better}"
    for name in ("transfer-syntax", "transferSyntax"):
        answer = client.get(place, headers={"Accept": "application/dicom"}, params={name: JPEG_LOSSLESS})
        assert answer.headers["content-type"].endswith(JPEG_LOSSLESS)
    for bad in ("x", "1.2.3, 4", "1" * 65, "\r\n"):
        answer = client.get(place, params={"transfer-syntax": bad})
        assert answer.status_code == 400


def test_objects_leave_without_their_patient(client, study):
    path = f"/dicomweb/studies/{STUDY}/series/{samples.uid(1, 1)}"
    for answer in (
        client.get(path, headers={"Accept": "application/zip"}, params={"anonymize": "yes", "dicomdir": "yes"}),
        client.get(path, params={"anonymize": "retain-full-dates"}),
        client.get(f"{path}/metadata", params={"anonymize": "true"}, headers={"Accept-Encoding": "identity"}),
        client.get(
            f"{path}/metadata",
            params={"anonymize": ""},
            headers={"Accept-Encoding": "identity", "Accept": 'multipart/related; type="application/dicom+xml"'},
        ),
        client.get(f"{path}/instances/{samples.uid(1, 1, 1)}?anonymise=1", headers={"Accept": "application/dicom"}),
    ):
        assert answer.status_code == 200, answer.text
        told = answer.content + repr(answer.headers).encode()
        for secret in ("XiaoDong", "小东", samples.uid(1, 1)):
            assert secret.encode() not in told


def test_frames_leave_without_their_patient_and_single_values_do_not_leave(client, study):
    path = f"/dicomweb/studies/{STUDY}/series/{samples.uid(1, 1)}/instances/{samples.uid(1, 1, 1)}"
    assert client.get(f"{path}/frames/1?anonymize=yes").status_code == 200
    for rest in ("/bulkdata/7FE00010", "/bulkdata", "/pixeldata"):
        assert client.get(f"{path}{rest}?anonymize=yes").status_code == 406
    assert client.get(f"{path}?anonymize=everything").status_code == 400


def in_study(number):
    named = {"study_uid": STUDY, "series_uid": samples.uid(1, 1), "sop_uid": samples.uid(1, 1, number)}
    return {**named, "instance_number": number}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_cannot_leave_without_its_patient_stays_and_the_answer_says_so(client, house, number):
    for each in (1, 2, 3):
        changes = {0x00280301: ("CS", "YES")} if each == number else {}
        house.store(samples.ct(**in_study(each), changes=changes))
    path = f"/dicomweb/studies/{STUDY}"
    for rest, accept, parts in (
        ("", 'multipart/related; type="application/dicom"', b"Content-Type: application/dicom"),
        ("", "application/zip", b"PK\x01\x02"),
        ("/rendered", 'multipart/related; type="image/png"', b"Content-Type: image/png"),
        ("/metadata", "application/dicom+json", b'"00080018"'),
        ("/metadata", 'multipart/related; type="application/dicom+xml"', b"Content-Type: application/dicom+xml"),
    ):
        answer = client.get(f"{path}{rest}?anonymize=yes", headers={"Accept": accept, "Accept-Encoding": "identity"})
        assert (answer.status_code, answer.content.count(parts)) == (206, 2), (rest, accept)
        assert answer.headers["warning"].startswith('299 calotype "1 of 3 objects do not leave')
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("rest", ["", "/metadata", "/rendered", "/thumbnail"])
def test_where_nothing_can_leave_without_its_patient_the_reason_is_told(client, house, rest):
    for each in (1, 2):
        house.store(samples.ct(**in_study(each), changes={0x00280301: ("CS", "YES")}))
    answer = client.get(f"/dicomweb/studies/{STUDY}{rest}?anonymize=yes")
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert "burned" in answer.json()["detail"]
