"""Find, move and get with foreign peers: DCMTK and pynetdicom ask us, and we ask DCMTK's archive."""

from contextlib import closing
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    MRImageStorage,
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from calotype.app.compose import House, open_archive
from calotype.app.settings import Http, Listener, Settings, Storage
from calotype.app.settings import Node as NodeSection
from calotype.dicom.hierarchy import Level
from calotype.dicom.part10 import read_file_meta
from calotype.errors import NotFound
from calotype.network.failures import AssociationRejected
from calotype.scu.calling import Caller
from calotype.scu.echo import echo
from calotype.scu.files import gather, send_files
from calotype.scu.folder import FolderReceiver
from calotype.scu.get import get
from calotype.scu.query import Root, find, move
from calotype.scu.sender import DimseCourier
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Result
from support import dcmtk

pytestmark = pytest.mark.interop

BUNDLED = (
    "CT_small.dcm",  # explicit VR little endian
    "MR_small_implicit.dcm",
    "ExplVR_BigEnd.dcm",
    "image_dfl.dcm",  # deflated
    "JPEG2000.dcm",
    "GDCMJ2K_TextGBR.dcm",  # JPEG 2000 lossless
    "SC_rgb_jpeg_dcmtk.dcm",  # JPEG baseline
    "SC_rgb_jpeg_gdcm.dcm",  # JPEG lossless
    "rtdose_rle_1frame.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
)
CALLER = Caller("TESTER")


def data_set(path):
    """The bytes of a file behind its meta information, from our reader."""
    content = Path(path).read_bytes()
    return content[read_file_meta(content).data_offset :]


@pytest.fixture(scope="module")
def bundled():
    """Study Instance UID -> the data sets of its objects."""
    studies = {}
    for name in BUNDLED:
        path = get_testdata_file(name)
        study = pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID
        studies.setdefault(study, []).append(data_set(path))
    return {study: sorted(objects) for study, objects in studies.items()}


@pytest.fixture(scope="module")
def viewer_port():
    return dcmtk.free_port()


@pytest.fixture(scope="module")
def archive(tmp_path_factory, viewer_port):
    """Our archive with pydicom's files in it, sent by our own sender; VIEWER is a node it knows."""
    settings = Settings(
        storage=Storage(path=tmp_path_factory.mktemp("archive"), durable=False, min_free_mib=1),
        listeners=(Listener(name="test", bind="127.0.0.1", port=0),),
        http=Http(enabled=False),
        nodes=(NodeSection("VIEWER", "127.0.0.1", viewer_port), NodeSection("NOWHERE", "127.0.0.1", 1)),
    )
    with open_archive(settings) as opened, House(settings, opened) as house:
        node = Node("CALOTYPE", "127.0.0.1", house.listeners[0].port)
        files = gather([Path(get_testdata_file(name)) for name in BUNDLED])
        sent = list(send_files(DimseCourier(CALLER), node, files))
        assert [each.answer for each in sent if each.answer.result is not Result.COMPLETED] == []
        assert len(sent) == len(BUNDLED)
        yield node


def received(folder):
    return sorted(data_set(path) for path in folder.iterdir() if path.suffix != ".log")


CT_STUDY = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
DEFLATED_STUDY = "1.3.6.1.4.1.5962.1.2.0.977067310.6001.0"
"""Its one object has an odd number of bytes (PS3.5 A.5 pads it, whoever made it did not): storescp aborts on it."""
CT_SERIES = "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322"


# DCMTK asks us


def findscu(archive, folder, *keys, model="-S"):
    options = [option for key in keys for option in ("-k", key)]
    peer = ("-aec", archive.ae_title, archive.host, archive.port)
    done = dcmtk.run("findscu", model, "-X", *options, *peer, folder=folder)
    assert done.returncode == 0, done.stdout
    return [pydicom.dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]


def test_findscu_finds_every_study(archive, bundled, tmp_path):
    found = findscu(archive, tmp_path, "QueryRetrieveLevel=STUDY", "StudyInstanceUID")
    assert sorted(each.StudyInstanceUID for each in found) == sorted(bundled)


@pytest.mark.parametrize(
    ("question", "keyword", "expected"),
    [
        ("-P QueryRetrieveLevel=PATIENT PatientID=1C* PatientName", "PatientName", "CompressedSamples^CT1"),
        ("-S QueryRetrieveLevel=STUDY PatientName=compressedsamples^ct1 StudyID", "StudyID", "1CT1"),
        (f"-S QueryRetrieveLevel=SERIES StudyInstanceUID={CT_STUDY} Modality", "Modality", "CT"),
        (
            f"-S QueryRetrieveLevel=IMAGE StudyInstanceUID={CT_STUDY} SeriesInstanceUID={CT_SERIES} InstanceNumber",
            "InstanceNumber",
            1,
        ),
    ],
)
def test_findscu_asks_at_each_level(archive, tmp_path, question, keyword, expected):
    model, *keys = question.split()
    [found] = findscu(archive, tmp_path, *keys, model=model)
    assert found[keyword].value == expected


def test_findscu_cancels(archive, tmp_path):
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "--cancel", 1)
    done = dcmtk.run("findscu", "-S", *keys, "-aec", archive.ae_title, archive.host, archive.port, folder=tmp_path)
    assert done.returncode == 0, done.stdout


# getscu proposes one context per class: the syntax it prefers is then the only one that can be sent. Two that it
# cannot take are tested with other peers: it proposes explicit VR for +xi, and refuses deflated data sets (C000).
GETSCU_OPTIONS = {
    "CT_small.dcm": "+xe",
    "ExplVR_BigEnd.dcm": "+xb",
    "JPEG2000.dcm": "+xw",
    "GDCMJ2K_TextGBR.dcm": "+xv",
    "SC_rgb_jpeg_dcmtk.dcm": "+xy",
    "SC_rgb_jpeg_gdcm.dcm": "+xs",
    "rtdose_rle_1frame.dcm": "+xr",
}


@pytest.mark.parametrize(("name", "option"), GETSCU_OPTIONS.items())
def test_getscu_gets_objects_bit_exact(archive, tmp_path, name, option):
    original = pydicom.dcmread(get_testdata_file(name), stop_before_pixels=True)
    keys = ("-k", "QueryRetrieveLevel=IMAGE")
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        keys += ("-k", f"{keyword}={original[keyword].value}")
    done = dcmtk.run(
        "getscu", "-S", "+B", option, *keys, "-aec", archive.ae_title, archive.host, archive.port, folder=tmp_path
    )
    assert done.returncode == 0, done.stdout
    assert received(tmp_path) == [data_set(get_testdata_file(name))]


def test_getscu_is_told_what_it_cannot_have(archive, tmp_path):
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={CT_STUDY}")
    done = dcmtk.run(
        "getscu", "-v", "-S", "+xs", *keys, "-aec", archive.ae_title, archive.host, archive.port, folder=tmp_path
    )
    assert list(tmp_path.iterdir()) == []
    assert "Number of Failed Suboperations    : 1" in done.stdout


def movescu(archive, folder, destination, study, *options):
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}")
    titles = ("-aec", archive.ae_title, "-aem", destination)
    return dcmtk.run("movescu", "-v", "-S", *titles, *keys, *options, archive.host, archive.port, folder=folder)


def test_movescu_sends_every_study_to_storescp_bit_exact(archive, bundled, viewer_port, tmp_path):
    options = ("-aet", "VIEWER", "+B", "+xa", "-od", tmp_path, viewer_port)
    with dcmtk.serving("storescp", viewer_port, *options, folder=tmp_path):
        for study in bundled.keys() - {DEFLATED_STUDY}:
            done = movescu(archive, tmp_path, "VIEWER", study)
            assert done.returncode == 0, done.stdout
            assert "Received Final Move Response (Success)" in done.stdout
    expected = [each for study, objects in bundled.items() if study != DEFLATED_STUDY for each in objects]
    assert received(tmp_path) == sorted(expected)


def test_movescu_receives_what_it_asked_for_itself(archive, bundled, viewer_port, tmp_path):
    done = movescu(archive, tmp_path, "VIEWER", CT_STUDY, "-aet", "VIEWER", "+P", viewer_port, "+B", "-od", tmp_path)
    assert done.returncode == 0, done.stdout
    assert received(tmp_path) == bundled[CT_STUDY]


def test_movescu_is_told_that_the_destination_is_unknown(archive, tmp_path):
    done = movescu(archive, tmp_path, "NOBODY", CT_STUDY)
    assert done.returncode != 0
    assert "Received Final Move Response (Refused: MoveDestinationUnknown)" in done.stdout


def test_movescu_is_told_that_the_destination_does_not_answer(archive, tmp_path):
    done = movescu(archive, tmp_path, "NOWHERE", CT_STUDY)
    assert done.returncode != 0
    assert "Received Final Move Response (Refused: OutOfResourcesSubOperations)" in done.stdout


# pynetdicom asks us


@pytest.fixture
def peer():
    ae = AE("PYNETDICOM")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    return ae


def study_keys(study=CT_STUDY):
    keys = Dataset()
    keys.QueryRetrieveLevel = "STUDY"
    keys.StudyInstanceUID = study
    return keys


def test_pynetdicom_finds_by_both_roots(archive, peer):
    peer.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    peer.add_requested_context(PatientRootQueryRetrieveInformationModelFind)
    association = peer.associate(archive.host, archive.port, ae_title=archive.ae_title)
    try:
        keys = study_keys()
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
    finally:
        association.release()


def test_pynetdicom_gets_objects_bit_exact(archive, peer, bundled):
    got = []

    def keep(event):
        got.append(event.request.DataSet.getvalue())
        return 0x0000

    peer.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    peer.add_requested_context(CTImageStorage, "1.2.840.10008.1.2.1")
    role = build_role(CTImageStorage, scp_role=True)
    association = peer.associate(
        archive.host, archive.port, ae_title=archive.ae_title, ext_neg=[role], evt_handlers=[(evt.EVT_C_STORE, keep)]
    )
    try:
        statuses = [s for s, _ in association.send_c_get(study_keys(), StudyRootQueryRetrieveInformationModelGet)]
    finally:
        association.release()
    assert [status.Status for status in statuses] == [0xFF00, 0x0000]
    assert statuses[-1].NumberOfCompletedSuboperations == 1
    assert got == bundled[CT_STUDY]


def test_pynetdicom_is_told_which_objects_failed(archive, peer):
    peer.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    peer.add_requested_context(MRImageStorage)
    role = build_role(MRImageStorage, scp_role=True)
    association = peer.associate(archive.host, archive.port, ae_title=archive.ae_title, ext_neg=[role])
    try:
        *_, (status, identifier) = association.send_c_get(study_keys(), StudyRootQueryRetrieveInformationModelGet)
    finally:
        association.release()
    assert status.Status == 0xA702
    assert status.NumberOfFailedSuboperations == 1
    assert identifier.FailedSOPInstanceUIDList == "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"


def test_pynetdicom_moves_to_pynetdicom(archive, peer, viewer_port, bundled):
    got, originators = [], set()

    def keep(event):
        got.append(event.request.DataSet.getvalue())
        originators.add((event.request.MoveOriginatorApplicationEntityTitle, event.request.MoveOriginatorMessageID))
        return 0x0000

    viewer = AE("VIEWER")
    viewer.add_supported_context(CTImageStorage)
    server = viewer.start_server(("127.0.0.1", viewer_port), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])
    try:
        peer.add_requested_context(StudyRootQueryRetrieveInformationModelMove)
        association = peer.associate(archive.host, archive.port, ae_title=archive.ae_title)
        model = StudyRootQueryRetrieveInformationModelMove
        statuses = [s for s, _ in association.send_c_move(study_keys(), "VIEWER", model, msg_id=77)]
        association.release()
    finally:
        server.shutdown()
    assert [status.Status for status in statuses] == [0xFF00, 0x0000]
    assert "NumberOfRemainingSuboperations" not in statuses[-1]
    assert got == bundled[CT_STUDY]
    assert originators == {("PYNETDICOM", 77)}


# We ask DCMTK's archive


@pytest.fixture
def dcmqrscp(tmp_path, viewer_port):
    """DCMTK's image archive with two of pydicom's files in it."""
    port, storage = dcmtk.free_port(), tmp_path / "DCMQR"
    storage.mkdir()
    (tmp_path / "dcmqrscp.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 16\n"
        f"HostTable BEGIN\nviewer = (VIEWER, 127.0.0.1, {viewer_port})\nHostTable END\n"
        "VendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nDCMQR {storage} RW (100, 1024mb) ANY\nAETable END\n"
    )
    with dcmtk.serving("dcmqrscp", port, "-c", "dcmqrscp.cfg", folder=tmp_path):
        node = Node("DCMQR", "127.0.0.1", port)
        files = gather([Path(get_testdata_file(name)) for name in ("CT_small.dcm", "MR_small.dcm")])
        assert [s.answer.result for s in send_files(DimseCourier(CALLER), node, files)] == [Result.COMPLETED] * 2
        yield node


def test_we_echo_dcmqrscp(dcmqrscp):
    assert echo(CALLER, dcmqrscp).max_pdu_bytes > 0
    with pytest.raises(AssociationRejected, match="called AE title not recognized"):
        echo(CALLER, Node("WRONG", dcmqrscp.host, dcmqrscp.port))


def test_we_find_in_dcmqrscp(dcmqrscp):
    answers = list(find(CALLER, dcmqrscp, Level.STUDY, {"PatientName": "Compressed*", "PatientID": ""}))
    assert sorted(answer["PatientID"] for answer in answers) == ["1CT1", "4MR1"]
    answers = list(find(CALLER, dcmqrscp, Level.PATIENT, {"PatientID": "4MR1"}, root=Root.PATIENT))
    assert [answer["PatientName"] for answer in answers] == ["CompressedSamples^MR1"]
    with closing(find(CALLER, dcmqrscp, Level.STUDY, {"PatientID": ""})) as some:
        assert next(some)["PatientID"] in {"1CT1", "4MR1"}


def test_we_get_from_dcmqrscp(dcmqrscp, tmp_path):
    folder = tmp_path / "got"
    reports = list(get(CALLER, dcmqrscp, Level.STUDY, {"StudyInstanceUID": CT_STUDY}, FolderReceiver(folder)))
    assert (reports[-1].completed, reports[-1].failed) == (1, 0)
    [path] = folder.iterdir()
    assert path.name == "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322.dcm"
    # DCMTK decodes what it serves and writes it anew, without the trailing padding of this file.
    assert pydicom.dcmread(path).PixelData == pydicom.dcmread(get_testdata_file("CT_small.dcm")).PixelData


def test_we_move_from_dcmqrscp(dcmqrscp, viewer_port, tmp_path):
    folder = tmp_path / "moved"
    folder.mkdir()
    options = ("-aet", "VIEWER", "-od", folder, viewer_port)
    with dcmtk.serving("storescp", viewer_port, *options, folder=tmp_path):
        reports = list(move(CALLER, dcmqrscp, "VIEWER", Level.STUDY, {"StudyInstanceUID": CT_STUDY}))
        assert (reports[-1].status, reports[-1].completed) == (0x0000, 1)
        with pytest.raises(NotFound, match="A801 Move destination unknown"):
            list(move(CALLER, dcmqrscp, "NOBODY", Level.STUDY, {"StudyInstanceUID": CT_STUDY}))
    assert len(list(folder.iterdir())) == 1


def test_we_get_from_ourselves_whatever_the_syntax(archive, bundled, tmp_path):
    for number, study in enumerate(bundled):
        folder = tmp_path / str(number)
        *_, last = get(CALLER, archive, Level.STUDY, {"StudyInstanceUID": study}, FolderReceiver(folder))
        assert (last.completed, last.failed) == (len(bundled[study]), 0)
        assert received(folder) == bundled[study]
