"""Move and get with foreign peers: DCMTK and pynetdicom ask us."""

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    MRImageStorage,
    PatientRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from support import dcmtk
from support.bundled import archive_of, data_set, named
from support.calling import associated

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


@pytest.fixture(scope="module")
def studies():
    """Study Instance UID -> the data sets of its objects, as they are sent."""
    found = {}
    for each in map(named, BUNDLED):
        found.setdefault(each.study, []).append(each.as_sent)
    return {study: sorted(objects) for study, objects in found.items()}


@pytest.fixture(scope="module")
def viewer_port():
    return dcmtk.free_port()


@pytest.fixture(scope="module")
def archive(tmp_path_factory, viewer_port):
    """Our archive with these objects in it."""
    files = [named(name).path for name in BUNDLED]
    with archive_of(tmp_path_factory.mktemp("archive"), files, viewer_port=viewer_port) as node:
        yield node


def received(folder):
    return sorted(data_set(path) for path in folder.iterdir() if path.suffix != ".log")


CT_STUDY = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
CT_SERIES = "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322"
RT_STUDY = named("rtplan.dcm").study


# DCMTK asks us


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
    wanted = named(name)
    keys = ("-k", "QueryRetrieveLevel=IMAGE", "-k", f"StudyInstanceUID={wanted.study}")
    keys += ("-k", f"SeriesInstanceUID={wanted.series}", "-k", f"SOPInstanceUID={wanted.sop_instance}")
    done = dcmtk.run(
        "getscu", "-S", "+B", option, *keys, "-aec", archive.ae_title, archive.host, archive.port, folder=tmp_path
    )
    assert done.returncode == 0, done.stdout
    assert received(tmp_path) == [wanted.as_sent]


def test_getscu_is_told_what_it_cannot_have(archive, tmp_path):
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={CT_STUDY}")
    done = dcmtk.run(
        "getscu", "-v", "-S", "+xy", *keys, "-aec", archive.ae_title, archive.host, archive.port, folder=tmp_path
    )
    # JPEG Baseline only: nothing is compressed with loss because a peer takes nothing else.
    assert list(tmp_path.iterdir()) == []
    assert "Number of Failed Suboperations    : 1" in done.stdout


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("-P QueryRetrieveLevel=PATIENT PatientID=1CT1", ["CT_small.dcm"]),
        (f"-P QueryRetrieveLevel=STUDY PatientID=1CT1 StudyInstanceUID={CT_STUDY}", ["CT_small.dcm"]),
        (f"-S QueryRetrieveLevel=STUDY StudyInstanceUID={CT_STUDY}\\{RT_STUDY}", ["CT_small.dcm", "rtplan.dcm"]),
        (
            f"-S QueryRetrieveLevel=SERIES StudyInstanceUID={CT_STUDY} SeriesInstanceUID={CT_SERIES}\\1.2.3",
            ["CT_small.dcm"],
        ),
        ("-S QueryRetrieveLevel=STUDY StudyInstanceUID=1.2.3", []),
    ],
)
def test_getscu_gets_at_every_level_and_by_lists(archive, tmp_path, question, names):
    model, *keys = question.split()
    options = [option for key in keys for option in ("-k", key)]
    where = ("-aec", archive.ae_title, archive.host, archive.port)
    done = dcmtk.run("getscu", model, "-v", "+B", *options, *where, folder=tmp_path)
    assert "Received C-GET Response (Success)" in done.stdout
    sent = [named(name) for name in names]
    assert len(received(tmp_path)) == len(sent)
    assert f"Number of Completed Suboperations : {len(sent)}" in done.stdout


def movescu(archive, folder, destination, study, *options):
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}")
    titles = ("-aec", archive.ae_title, "-aem", destination)
    return dcmtk.run("movescu", "-v", "-S", *titles, *keys, *options, archive.host, archive.port, folder=folder)


def test_movescu_sends_every_study_to_storescp_bit_exact(archive, studies, viewer_port, tmp_path):
    options = ("-aet", "VIEWER", "+B", "+xa", "-od", tmp_path, viewer_port)
    with dcmtk.serving("storescp", viewer_port, *options, folder=tmp_path):
        for study in studies:
            done = movescu(archive, tmp_path, "VIEWER", study)
            assert done.returncode == 0, done.stdout
            assert "Received Final Move Response (Success)" in done.stdout
    assert received(tmp_path) == sorted(each for objects in studies.values() for each in objects)


def test_movescu_receives_what_it_asked_for_itself(archive, studies, viewer_port, tmp_path):
    done = movescu(archive, tmp_path, "VIEWER", CT_STUDY, "-aet", "VIEWER", "+P", viewer_port, "+B", "-od", tmp_path)
    assert done.returncode == 0, done.stdout
    assert received(tmp_path) == studies[CT_STUDY]


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


def test_pynetdicom_gets_objects_bit_exact(archive, peer, studies):
    got = []

    def keep(event):
        got.append(event.request.DataSet.getvalue())
        return 0x0000

    peer.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    peer.add_requested_context(CTImageStorage, "1.2.840.10008.1.2.1")
    role = build_role(CTImageStorage, scp_role=True)
    with associated(peer, archive, ext_neg=[role], evt_handlers=[(evt.EVT_C_STORE, keep)]) as association:
        statuses = [s for s, _ in association.send_c_get(study_keys(), StudyRootQueryRetrieveInformationModelGet)]
    assert [status.Status for status in statuses] == [0xFF00, 0x0000]
    assert statuses[-1].NumberOfCompletedSuboperations == 1
    assert got == studies[CT_STUDY]


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        # unique keys only, each with a value, and no wild cards (PS3.4 C.4.2.2.1)
        (StudyRootQueryRetrieveInformationModelGet, {"QueryRetrieveLevel": "STUDY"}),
        (StudyRootQueryRetrieveInformationModelGet, {"QueryRetrieveLevel": "SERIES", "SeriesInstanceUID": CT_SERIES}),
        (StudyRootQueryRetrieveInformationModelGet, {"QueryRetrieveLevel": "PATIENT", "PatientID": "1CT1"}),
        (PatientRootQueryRetrieveInformationModelGet, {"QueryRetrieveLevel": "PATIENT", "PatientID": "*"}),
        (PatientRootQueryRetrieveInformationModelGet, {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": CT_STUDY}),
        (StudyRootQueryRetrieveInformationModelMove, {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": ""}),
        (StudyRootQueryRetrieveInformationModelMove, {"StudyInstanceUID": CT_STUDY}),
    ],
)
def test_pynetdicom_is_told_that_it_must_name_what_it_wants(archive, peer, model, keys):
    asked = Dataset()
    for keyword, value in keys.items():
        setattr(asked, keyword, value)
    peer.add_requested_context(model)
    peer.add_requested_context(Verification)
    with associated(peer, archive) as association:
        if model is StudyRootQueryRetrieveInformationModelMove:
            answers = list(association.send_c_move(asked, "VIEWER", model))
        else:
            answers = list(association.send_c_get(asked, model))
        assert [status.Status for status, _ in answers] == [0xA900]
        assert answers[0][0].ErrorComment
        # and the association goes on
        assert association.send_c_echo().Status == 0x0000


def test_pynetdicom_is_told_which_objects_failed(archive, peer):
    peer.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    peer.add_requested_context(MRImageStorage)
    role = build_role(MRImageStorage, scp_role=True)
    with associated(peer, archive, ext_neg=[role]) as association:
        *_, (status, identifier) = association.send_c_get(study_keys(), StudyRootQueryRetrieveInformationModelGet)
    assert status.Status == 0xA702
    assert status.NumberOfFailedSuboperations == 1
    assert identifier.FailedSOPInstanceUIDList == "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"


def test_pynetdicom_moves_to_pynetdicom(archive, peer, viewer_port, studies):
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
        model = StudyRootQueryRetrieveInformationModelMove
        with associated(peer, archive) as association:
            statuses = [s for s, _ in association.send_c_move(study_keys(), "VIEWER", model, msg_id=77)]
    finally:
        server.shutdown()
    assert [status.Status for status in statuses] == [0xFF00, 0x0000]
    assert "NumberOfRemainingSuboperations" not in statuses[-1]
    assert got == studies[CT_STUDY]
    assert originators == {("PYNETDICOM", 77)}
