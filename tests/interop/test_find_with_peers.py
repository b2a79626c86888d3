"""C-FIND with foreign peers: DCMTK and pynetdicom ask us for what pydicom's wheel holds."""

import pydicom
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
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


# What no index keeps, and how a question is meant


@pytest.mark.parametrize(
    ("question", "keyword", "expected"),
    [
        ("-S QueryRetrieveLevel=STUDY PatientID=1CT1 SliceThickness", "SliceThickness", [5.0]),
        ("-S QueryRetrieveLevel=STUDY PatientID=1CT1 KVP=120.0", "KVP", [120]),
        ("-S QueryRetrieveLevel=STUDY PatientID=1CT1 KVP=121", "KVP", []),
        ("-P QueryRetrieveLevel=PATIENT PatientID=1CT1 SoftwareVersions=0*", "SoftwareVersions", ["05"]),
        (
            "-P QueryRetrieveLevel=PATIENT PatientID=1CT1 NumberOfPatientRelatedStudies",
            "NumberOfPatientRelatedStudies",
            [1],
        ),
        ("-S QueryRetrieveLevel=STUDY StudyDescription=e+1 PatientID", "PatientID", ["1CT1"]),
        # in sequences, of any item
        (
            "-S QueryRetrieveLevel=STUDY OtherPatientIDsSequence[0].PatientID=1234ABCD PatientID",
            "PatientID",
            ["1CT1"],
        ),
        ("-S QueryRetrieveLevel=STUDY OtherPatientIDsSequence[0].PatientID=1234* StudyID", "StudyID", ["1CT1"]),
        ("-S QueryRetrieveLevel=STUDY OtherPatientIDsSequence[0].PatientID=1CT1 StudyID", "StudyID", []),
        (
            "-S QueryRetrieveLevel=STUDY VerifyingObserverSequence[0].VerifyingObserverName=riesm* StudyInstanceUID",
            "StudyInstanceUID",
            ["1.2.276.0.7230010.3.1.4.2139363186.7819.982086466.2"],
        ),
        # IDs are compared whole and as they are written
        ("-S QueryRetrieveLevel=STUDY PatientID=1ct1", "PatientID", []),
        ("-S QueryRetrieveLevel=STUDY PatientID=1CT", "PatientID", []),
        # what is said of each match, and what nobody keeps
        ("-S QueryRetrieveLevel=STUDY PatientID=1CT1", "RetrieveAETitle", ["CALOTYPE"]),
        ("-S QueryRetrieveLevel=STUDY PatientID=1CT1", "InstanceAvailability", ["ONLINE"]),
        ("-S QueryRetrieveLevel=STUDY PatientID=1CT1", "QueryRetrieveLevel", ["STUDY"]),
        (
            "-S QueryRetrieveLevel=STUDY PatientID=1CT1 SOPClassesInStudy",
            "SOPClassesInStudy",
            ["1.2.840.10008.5.1.4.1.1.2"],
        ),
        ("-S QueryRetrieveLevel=STUDY PatientID=1CT1 ContainerIdentifier", "ContainerIdentifier", [""]),
        # the marks of SQL are characters like any other
        ("-S QueryRetrieveLevel=STUDY StudyDescription=e_1 PatientID", "PatientID", []),
        ("-S QueryRetrieveLevel=STUDY StudyDescription=e% PatientID", "PatientID", []),
    ],
)
def test_findscu_asks_for_any_attribute(archive, tmp_path, question, keyword, expected):
    model, *keys = question.split()
    found = findscu(archive, tmp_path, *keys, model=model)
    assert [each[keyword].value for each in found] == expected


def test_findscu_asks_for_empty_values(archive, tmp_path):
    keys = ("QueryRetrieveLevel=STUDY", "StudyInstanceUID")
    everything = findscu(archive, _folder(tmp_path, "all"), *keys, "AccessionNumber")
    without = findscu(archive, _folder(tmp_path, "none"), *keys, 'AccessionNumber=""')
    assert 0 < len(without) < len(everything)
    assert [each.AccessionNumber for each in without] == [""] * len(without)
    assert len(without) == sum(not each.AccessionNumber for each in everything)


def _folder(base, name):
    folder = base / name
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("keys", "comment", "offending"),
    [
        ({"QueryRetrieveLevel": "SERIES", "Modality": ""}, "(0020,000D) StudyInstanceUID is missing", 0x0020000D),
        ({"QueryRetrieveLevel": "STUDY", "SeriesInstanceUID": "1.2"}, "is a key of the SERIES", 0x0020000E),
        ({"QueryRetrieveLevel": "STUDY", "StudyDate": "20240201-20240101"}, "StudyDate: a range", 0x00080020),
        ({"QueryRetrieveLevel": "PATIENT", "PatientID": ""}, "QueryRetrieveLevel is 'PATIENT'", 0x00080052),
    ],
)
def test_pynetdicom_is_told_what_was_wrong(archive, peer, keys, comment, offending):
    peer.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    with associated(peer, archive) as association:
        answers = association.send_c_find(dataset_of(keys), StudyRootQueryRetrieveInformationModelFind)
        [status] = [status for status, _ in answers]
    assert status.Status == 0xA900
    assert comment in status.ErrorComment
    assert status.OffendingElement == offending


def dataset_of(keys):
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in keys.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("byte", "keys", "expected"),
    [
        # relational queries: a series without its study
        (0, {"QueryRetrieveLevel": "SERIES", "SeriesInstanceUID": CT_SERIES}, (0xA900, 1)),
        # a date and its time as one interval; each for itself this one would end before it begins
        (1, {"QueryRetrieveLevel": "STUDY", "StudyDate": "20040118-20040119", "StudyTime": "0800-0730"}, (0xA900, 1)),
        # words that parts of a name begin with
        (2, {"QueryRetrieveLevel": "STUDY", "PatientName": "ct1 compressed"}, (0, 1)),
        # all values of a key, not any
        (6, {"QueryRetrieveLevel": "STUDY", "PatientID": "1CT1", "ModalitiesInStudy": ["CT", "MR"]}, (1, 0)),
    ],
)
def test_pynetdicom_agrees_on_how_a_question_is_meant(archive, peer, byte, keys, expected):
    without, agreed = expected
    peer.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    assert _answer(archive, peer, keys, None) == without
    assert _answer(archive, peer, keys, byte) == agreed


def _answer(archive, peer, keys, byte):
    """Return how many matches there are, or the status of what failed."""
    find = StudyRootQueryRetrieveInformationModelFind
    negotiation = []
    if byte is not None:
        item = SOPClassExtendedNegotiation()
        item.sop_class_uid = find
        item.service_class_application_information = bytes(at == byte for at in range(7))
        negotiation.append(item)
    with associated(peer, archive, ext_neg=negotiation) as association:
        answers = [status.Status for status, _ in association.send_c_find(dataset_of(keys), find)]
    assert answers[:-1] == [0xFF00] * (len(answers) - 1)
    return answers[-1] or len(answers) - 1
