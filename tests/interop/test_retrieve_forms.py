"""What peers get that do not take objects as they are stored, and what they are told: DCMTK and pynetdicom."""

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pydicom
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, StoragePresentationContexts, evt
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelMove,
)

from calotype.dicom.part10 import read_file_meta, write_file_meta
from calotype.dicom.reencode import UNCOMPRESSED, reencode
from calotype.dicom.uids import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN as DEFLATED
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN as BIG_ENDIAN
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN as IMPLICIT
from support import dcmtk
from support.bundled import archive_of, data_set, named, objects
from support.calling import associated
from support.pixels import frames_of

pytestmark = pytest.mark.interop

JPEG_LOSSLESS, JPEG_BASELINE = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.50"
UNCOMPRESSED_NAMES = ("CT_small.dcm", "MR_small_implicit.dcm", "ExplVR_BigEnd.dcm", "image_dfl.dcm", "reportsi.dcm")
NAMES = (*UNCOMPRESSED_NAMES, "SC_rgb_jpeg_dcmtk.dcm")
MOVE = StudyRootQueryRetrieveInformationModelMove


@pytest.fixture(scope="module")
def viewer_port():
    return dcmtk.free_port()


@pytest.fixture(scope="module")
def archive(tmp_path_factory, viewer_port):
    files = [named(name).path for name in NAMES]
    with archive_of(tmp_path_factory.mktemp("archive"), files, viewer_port=viewer_port) as node:
        yield node


def as_read(file):
    """What pydicom reads, for comparison: one plain structure, group lengths and padding aside."""
    return _plain(pydicom.dcmread(file if isinstance(file, io.BytesIO) else str(file), force=True))


def _plain(data):
    found = {}
    for element in data:
        if element.tag.element == 0 or element.tag == 0xFFFCFFFC:
            continue
        if element.VR == "SQ":
            found[element.tag] = [_plain(item) for item in element.value]
        elif element.tag.is_private or element.VR in {"OB", "OW", "UN"}:
            found[element.tag] = len(element.value or b"") if isinstance(element.value, bytes | None) else None
        else:
            found[element.tag] = str(element.value)
    return found


# The converter against DCMTK's

DCMCONV = {IMPLICIT: "+ti", EXPLICIT: "+te", BIG_ENDIAN: "+tb", DEFLATED: "+td"}


@pytest.mark.parametrize("target", UNCOMPRESSED)
@pytest.mark.parametrize("name", UNCOMPRESSED_NAMES)
def test_another_form_says_what_dcmconv_makes_of_it(name, target, tmp_path):
    path = named(name).path
    done = dcmtk.run("dcmconv", DCMCONV[target], path, tmp_path / "theirs", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    meta = read_file_meta(path.read_bytes())
    new = reencode(data_set(path), meta.transfer_syntax, target)
    ours = write_file_meta(meta.sop_class, meta.sop_instance, target) + b"".join(new.chunks())
    assert as_read(io.BytesIO(ours)) == as_read(tmp_path / "theirs")


@pytest.mark.parametrize("target", UNCOMPRESSED)
def test_every_bundled_object_leads_back_to_what_it_was(target):
    # Through the other form and back, in explicit VR: nothing is lost on the way there.
    seen = 0
    for each in objects():
        if each.transfer_syntax not in UNCOMPRESSED or len(each.as_sent) > 1_000_000:
            continue
        there = b"".join(reencode(each.as_sent, each.transfer_syntax, target).chunks())
        back = b"".join(reencode(there, target, IMPLICIT).chunks())
        straight = b"".join(reencode(each.as_sent, each.transfer_syntax, IMPLICIT).chunks())
        assert back == straight, each.path.name
        seen += 1
    assert seen > 20


# What arrives


@contextmanager
def storescp(viewer_port, folder, *options):
    with dcmtk.serving(
        "storescp", viewer_port, "-aet", "VIEWER", "+B", *options, "-od", folder, viewer_port, folder=folder
    ):
        yield


def received(folder):
    files = [path for path in folder.iterdir() if path.suffix != ".log"]
    return {path: read_file_meta(path.read_bytes()).transfer_syntax for path in files}


def movescu(archive, folder, study):
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}")
    titles = ("-aec", archive.ae_title, "-aem", "VIEWER")
    return dcmtk.run("movescu", "-v", "-S", *titles, *keys, archive.host, archive.port, folder=folder)


@pytest.mark.parametrize("name", UNCOMPRESSED_NAMES)
def test_storescp_gets_the_one_syntax_that_it_takes(archive, viewer_port, tmp_path, name):
    wanted = named(name)
    with storescp(viewer_port, tmp_path, "+xi"):
        done = movescu(archive, tmp_path, wanted.study)
    assert "Received Final Move Response (Success)" in done.stdout
    for path, arrived in received(tmp_path).items():
        assert arrived == IMPLICIT
        if read_file_meta(path.read_bytes()).sop_instance == wanted.sop_instance:
            assert as_read(path).keys() == as_read(wanted.path).keys()


def pixels_of(file):
    return [frame.tolist() for frame in frames_of(file)]


def test_storescp_without_compression_gets_the_pixels_decoded(archive, viewer_port, tmp_path):
    jpeg = named("SC_rgb_jpeg_dcmtk.dcm")
    with storescp(viewer_port, tmp_path):
        done = movescu(archive, tmp_path, jpeg.study)
    assert "Received Final Move Response (Success)" in done.stdout
    [(path, syntax)] = received(tmp_path).items()
    assert syntax == EXPLICIT
    assert pixels_of(path) == pixels_of(jpeg.path)
    stored, got = pydicom.dcmread(jpeg.path), pydicom.dcmread(path)
    assert (got.PhotometricInterpretation, got.LossyImageCompression) == ("RGB", "01")
    changed = {"PhotometricInterpretation", "LossyImageCompression", "PixelData", "PlanarConfiguration"}
    assert [each for each in stored if each.keyword not in changed] == [
        each for each in got if each.keyword not in changed
    ]


TAKES = {"+xs": JPEG_LOSSLESS, "+xt": "1.2.840.10008.1.2.4.80", "+xr": "1.2.840.10008.1.2.5"}


@pytest.mark.parametrize(("option", "syntax"), TAKES.items())
@pytest.mark.parametrize("name", ["CT_small.dcm", "SC_rgb_jpeg_dcmtk.dcm", "ExplVR_BigEnd.dcm"])
def test_getscu_gets_the_compression_that_it_takes(archive, tmp_path, name, option, syntax):
    wanted = named(name)
    keys = ("-k", "QueryRetrieveLevel=IMAGE", "-k", f"StudyInstanceUID={wanted.study}")
    keys += ("-k", f"SeriesInstanceUID={wanted.series}", "-k", f"SOPInstanceUID={wanted.sop_instance}")
    where = ("-aec", archive.ae_title, archive.host, archive.port)
    done = dcmtk.run("getscu", "-v", "-S", "+B", option, *keys, *where, folder=tmp_path)
    assert "Number of Completed Suboperations : 1" in done.stdout
    [(path, arrived)] = received(tmp_path).items()
    assert arrived == syntax
    assert pixels_of(path) == pixels_of(wanted.path)


@pytest.mark.parametrize(("option", "syntax"), [("+xb", BIG_ENDIAN), ("+xe", EXPLICIT)])
def test_getscu_gets_the_one_syntax_that_it_takes(archive, tmp_path, option, syntax):
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={named('MR_small_implicit.dcm').study}")
    where = ("-aec", archive.ae_title, archive.host, archive.port)
    done = dcmtk.run("getscu", "-S", "+B", option, *keys, *where, folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert set(received(tmp_path).values()) == {syntax}


# pynetdicom asks, and receives


@contextmanager
def pynetdicom_viewer(viewer_port, syntaxes, judge=lambda _event: 0x0000):
    """A viewer of pynetdicom's; yields a list of (instance, transfer syntax, data set) that grows."""
    got = []

    def keep(event):
        request = event.request
        got.append((request.AffectedSOPInstanceUID, event.context.transfer_syntax, request.DataSet.getvalue()))
        return judge(event)

    viewer = AE("VIEWER")
    viewer.maximum_associations = 20
    for context in StoragePresentationContexts:
        viewer.add_supported_context(context.abstract_syntax, list(syntaxes))
    server = viewer.start_server(("127.0.0.1", viewer_port), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])
    try:
        yield got
    finally:
        server.shutdown()


def keys_of(level="STUDY", **keys):
    asked = Dataset()
    asked.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(asked, keyword, value)
    return asked


def moved(archive, keys, model=MOVE, syntaxes=None, *, cancel_after=None):
    """Send a C-MOVE; return the final status, its identifier, and the pending statuses."""
    peer = AE("PYNETDICOM")
    peer.acse_timeout = peer.dimse_timeout = peer.network_timeout = 30
    peer.add_requested_context(model, syntaxes)
    with associated(peer, archive) as association:
        answers = []
        for answer in association.send_c_move(keys, "VIEWER", model, msg_id=9):
            answers.append(answer)
            if len(answers) == cancel_after:
                association.send_c_cancel(9, query_model=model)
    *pending, (status, identifier) = answers
    return status, identifier, [each for each, _ in pending]


def test_a_wish_that_can_be_met_is_met(archive, viewer_port):
    ct = named("CT_small.dcm")
    with pynetdicom_viewer(viewer_port, [JPEG_LOSSLESS, EXPLICIT]) as got:
        status, _, _ = moved(archive, keys_of(StudyInstanceUID=ct.study), syntaxes=[JPEG_LOSSLESS])
    assert status.Status == 0x0000
    [(instance, syntax, data)] = got
    assert (instance, syntax) == (ct.sop_instance, JPEG_LOSSLESS)
    file = io.BytesIO(write_file_meta(ct.sop_class, ct.sop_instance, JPEG_LOSSLESS) + data)
    assert pixels_of(file) == pixels_of(ct.path)


@pytest.mark.parametrize(("name", "wish"), [("CT_small.dcm", JPEG_BASELINE), ("reportsi.dcm", JPEG_LOSSLESS)])
def test_a_wish_that_cannot_be_met_changes_nothing(archive, viewer_port, name, wish):
    ct = named(name)
    with pynetdicom_viewer(viewer_port, [wish, EXPLICIT]) as got:
        status, _, _ = moved(archive, keys_of(StudyInstanceUID=ct.study), syntaxes=[wish])
    assert status.Status == 0x0000
    assert got == [(ct.sop_instance, EXPLICIT, ct.as_sent)]


def test_a_wish_that_is_met_already_is_what_is_sent(archive, viewer_port):
    jpeg = named("SC_rgb_jpeg_dcmtk.dcm")
    with pynetdicom_viewer(viewer_port, [JPEG_BASELINE, EXPLICIT]) as got:
        status, _, _ = moved(archive, keys_of(StudyInstanceUID=jpeg.study), syntaxes=[JPEG_BASELINE])
    assert status.Status == 0x0000
    assert got == [(jpeg.sop_instance, JPEG_BASELINE, jpeg.as_sent)]


def test_a_move_context_with_something_uncompressed_states_no_wish(archive):
    peer = AE("PYNETDICOM")
    peer.add_requested_context(MOVE, [JPEG_LOSSLESS, IMPLICIT])
    with associated(peer, archive) as association:
        [context] = association.accepted_contexts
    assert context.transfer_syntax == [IMPLICIT]


def test_the_identifier_of_a_wish_context_is_explicit_in_answers_too(archive, viewer_port):
    ct = named("CT_small.dcm")
    with pynetdicom_viewer(viewer_port, [EXPLICIT], judge=lambda _event: 0xA700):
        status, identifier, _ = moved(archive, keys_of(StudyInstanceUID=ct.study), syntaxes=[JPEG_LOSSLESS])
    assert status.Status == 0xA702
    assert identifier.FailedSOPInstanceUIDList == ct.sop_instance


def test_a_patient_and_a_list_of_studies_are_moved_whole(archive, viewer_port):
    ct, mr = named("CT_small.dcm"), named("MR_small_implicit.dcm")
    with pynetdicom_viewer(viewer_port, [EXPLICIT, IMPLICIT]) as got:
        patient = pydicom.dcmread(ct.path).PatientID
        status, _, _ = moved(
            archive, keys_of("PATIENT", PatientID=patient), PatientRootQueryRetrieveInformationModelMove
        )
        assert (status.Status, [uid for uid, _, _ in got]) == (0x0000, [ct.sop_instance])
        got.clear()
        status, _, _ = moved(archive, keys_of(StudyInstanceUID=[ct.study, mr.study]))
        assert status.NumberOfCompletedSuboperations == len(got) == 2
        assert {uid for uid, _, _ in got} == {ct.sop_instance, mr.sop_instance}


@pytest.mark.parametrize(
    ("answer", "final", "counts"),
    [
        (0x0000, 0x0000, (1, 0, 0)),
        (0xB000, 0xB000, (0, 0, 1)),
        (0xB007, 0xB000, (0, 0, 1)),
        (0xC001, 0xA702, (0, 1, 0)),
    ],
)
def test_answers_of_the_viewer_are_counted_for_what_they_are(archive, viewer_port, answer, final, counts):
    ct = named("CT_small.dcm")
    with pynetdicom_viewer(viewer_port, [EXPLICIT], judge=lambda _event: answer):
        status, identifier, pending = moved(archive, keys_of(StudyInstanceUID=ct.study))
    assert status.Status == final
    assert "NumberOfRemainingSuboperations" not in status
    assert pending[0].NumberOfRemainingSuboperations == 1
    assert counts == (
        status.NumberOfCompletedSuboperations,
        status.NumberOfFailedSuboperations,
        status.NumberOfWarningSuboperations,
    )
    if final == 0xA702:
        assert identifier.FailedSOPInstanceUIDList == ct.sop_instance


def test_several_moves_to_one_viewer_at_once_all_arrive(archive, viewer_port):
    studies = [named(name) for name in UNCOMPRESSED_NAMES]
    with pynetdicom_viewer(viewer_port, [EXPLICIT, IMPLICIT]) as got, ThreadPoolExecutor(len(studies)) as pool:
        done = list(pool.map(lambda each: moved(archive, keys_of(StudyInstanceUID=each.study)), studies))
    assert {status.Status for status, _, _ in done} == {0x0000}
    assert {each.sop_instance for each in studies} <= {uid for uid, _, _ in got}
