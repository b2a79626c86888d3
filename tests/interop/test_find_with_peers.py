"""C-FIND with foreign peers: DCMTK and pynetdicom ask us for what pydicom's wheel holds."""

import pydicom
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)

from support import dcmtk
from support.bundled import archive_of, first_of_each
from support.calling import associated

pytestmark = pytest.mark.interop

CT_STUDY = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
CT_SERIES = "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322"
MR_STUDY = "1.3.6.1.4.1.5962.1.2.4.20040826185059.5457"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Our archive with all of them in it."""
    files = [each.path for each in first_of_each()]
    with archive_of(tmp_path_factory.mktemp("archive"), files, viewer_port=dcmtk.free_port()) as node:
        yield node


@pytest.fixture
def peer():
    ae = AE("PYNETDICOM")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    return ae


def findscu(archive, folder, *keys, model="-S"):
    options = [option for key in keys for option in ("-k", key)]
    peer = ("-aec", archive.ae_title, archive.host, archive.port)
    done = dcmtk.run("findscu", model, "-X", *options, *peer, folder=folder)
    assert done.returncode == 0, done.stdout
    return [pydicom.dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]


def test_findscu_finds_every_study(archive, tmp_path):
    found = findscu(archive, tmp_path, "QueryRetrieveLevel=STUDY", "StudyInstanceUID")
    assert sorted(each.StudyInstanceUID for each in found) == sorted({each.study for each in first_of_each()})


@pytest.mark.parametrize(
    ("question", "keyword", "expected"),
    [
        # each level of each model
        ("-P QueryRetrieveLevel=PATIENT PatientID=1C* PatientName", "PatientName", ["CompressedSamples^CT1"]),
        ("-P QueryRetrieveLevel=STUDY PatientID=1CT1 StudyID", "StudyID", ["1CT1"]),
        (f"-P QueryRetrieveLevel=SERIES PatientID=1CT1 StudyInstanceUID={CT_STUDY} Modality", "Modality", ["CT"]),
        ("-S QueryRetrieveLevel=STUDY PatientName=compressedsamples^ct1 StudyID", "StudyID", ["1CT1"]),
        (f"-S QueryRetrieveLevel=SERIES StudyInstanceUID={CT_STUDY} Modality", "Modality", ["CT"]),
        (
            f"-S QueryRetrieveLevel=IMAGE StudyInstanceUID={CT_STUDY} SeriesInstanceUID={CT_SERIES} InstanceNumber",
            "InstanceNumber",
            [1],
        ),
        # wildcards
        ("-S QueryRetrieveLevel=STUDY PatientName=Compressed*T? PatientID", "PatientID", ["1CT1"]),
        ("-S QueryRetrieveLevel=STUDY PatientID=?NM1 PatientName", "PatientName", ["CompressedSamples^NM1"]),
        ("-S QueryRetrieveLevel=STUDY PatientName=P?? PatientID", "PatientID", ["204"]),
        ("-S QueryRetrieveLevel=STUDY PatientName=Nobody* PatientID", "PatientID", []),
        ("-P QueryRetrieveLevel=PATIENT PatientID=SCS* PatientName=Buc*", "PatientID", ["SCSFREN"]),
        # ranges of dates and times, open at either end, and a single date
        ("-S QueryRetrieveLevel=STUDY StudyDate=20040101-20040131 PatientID", "PatientID", ["1CT1"]),
        ("-S QueryRetrieveLevel=STUDY StudyDate=20200101- PatientID", "PatientID", ["12345678"]),
        ("-S QueryRetrieveLevel=STUDY StudyDate=-19951231 PatientID", "PatientID", ["77654033"]),
        ("-S QueryRetrieveLevel=STUDY StudyDate=20040119 StudyTime=072700-072800 PatientID", "PatientID", ["1CT1"]),
        ("-S QueryRetrieveLevel=STUDY StudyDate=20040119 StudyTime=080000- PatientID", "PatientID", []),
        # a list of UIDs, a modality that only a series has, and counts
        (
            f"-S QueryRetrieveLevel=STUDY StudyInstanceUID={CT_STUDY}\\{MR_STUDY} PatientID",
            "PatientID",
            ["1CT1", "4MR1"],
        ),
        ("-S QueryRetrieveLevel=STUDY ModalitiesInStudy=ECG PatientID", "PatientID", ["642341"]),
        (
            "-S QueryRetrieveLevel=STUDY PatientID=12345678 NumberOfStudyRelatedInstances",
            "NumberOfStudyRelatedInstances",
            [50],
        ),
    ],
)
def test_findscu_asks_by_level_wildcard_range_and_list(archive, tmp_path, question, keyword, expected):
    model, *keys = question.split()
    found = findscu(archive, tmp_path, *keys, model=model)
    assert sorted(each[keyword].value for each in found) == expected


@pytest.mark.parametrize(
    ("patient_id", "name"),
    [
        ("X2EXAMPLE", "Wang^XiaoDong=王^小东"),
        ("X1EXAMPLE", "Wang^XiaoDong=王^小東"),
        ("H31EXAMPLE", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("I2EXAMPLE", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("SCSRUSS", "Люкceмбypг"),  # noqa: RUF001 - the file mixes both alphabets
        ("SCSGREEK", "Διονυσιος"),
    ],
)
def test_findscu_reads_names_of_every_script(archive, tmp_path, patient_id, name):
    [found] = findscu(archive, tmp_path, "QueryRetrieveLevel=STUDY", f"PatientID={patient_id}", "PatientName")
    assert found.PatientName == name


@pytest.mark.parametrize(
    ("charset", "name", "patient_id"),
    [
        ("ISO_IR 192", "*小东", "X2EXAMPLE"),
        ("GB18030", "*小东", "X2EXAMPLE"),
        ("\\ISO 2022 IR 87", "yamada*=山田*", "H31EXAMPLE"),
        ("\\ISO 2022 IR 149", "*洪^吉洞*", "I2EXAMPLE"),
        ("ISO_IR 144", "Люк*", "SCSRUSS"),
        ("ISO_IR 100", "*^jérôme", "SCSFREN"),
    ],
)
def test_pynetdicom_asks_for_names_in_its_own_character_set(archive, peer, charset, name, patient_id):
    peer.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    keys = Dataset()
    keys.SpecificCharacterSet = charset.split("\\")
    keys.QueryRetrieveLevel = "STUDY"
    keys.PatientName = name
    keys.PatientID = ""
    with associated(peer, archive) as association:
        answers = list(association.send_c_find(keys, StudyRootQueryRetrieveInformationModelFind))
    assert [found.PatientID for _, found in answers if found] == [patient_id]


def test_findscu_cancels(archive, tmp_path):
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "--cancel", 1)
    done = dcmtk.run("findscu", "-S", *keys, "-aec", archive.ae_title, archive.host, archive.port, folder=tmp_path)
    assert done.returncode == 0, done.stdout


def test_pynetdicom_finds_by_both_roots(archive, peer):
    peer.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    peer.add_requested_context(PatientRootQueryRetrieveInformationModelFind)
    with associated(peer, archive) as association:
        keys = Dataset()
        keys.QueryRetrieveLevel = "STUDY"
        keys.StudyInstanceUID = CT_STUDY
        keys.PatientName = ""
        answers = list(association.send_c_find(keys, StudyRootQueryRetrieveInformationModelFind))
        assert [status.Status for status, _ in answers] == [0xFF00, 0x0000]
        assert str(answers[0][1].PatientName) == "CompressedSamples^CT1"
        keys = Dataset()
        keys.QueryRetrieveLevel = "PATIENT"
        keys.PatientID = "*MR1"
        answers = list(association.send_c_find(keys, PatientRootQueryRetrieveInformationModelFind))
        assert [found.PatientID for _, found in answers if found] == ["4MR1"]
        keys.QueryRetrieveLevel = "NONSENSE"
        assert [s.Status for s, _ in association.send_c_find(keys, PatientRootQueryRetrieveInformationModelFind)] == [
            0xA900
        ]
