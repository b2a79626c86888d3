"""Every complete object of pydicom's wheel through every sender and receiver, bit by bit."""

from contextlib import ExitStack

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, _config, build_role, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet

from calotype.dicom.hierarchy import Level
from calotype.scu.files import gather, send_files
from calotype.scu.folder import FolderReceiver
from calotype.scu.get import get
from calotype.scu.query import move
from calotype.scu.sender import DimseCourier
from calotype.services.routing.nodes import Node
from support import bundled, dcmtk
from support.bundled import CALLER
from support.calling import associated

pytestmark = pytest.mark.interop

DCMSEND_CANNOT = {"SC_rgb_jpeg.dcm"}
"""Its meta names a syntax with explicit VRs, and the data set has implicit ones: DCMTK reads it as cut short."""


def paths(objects):
    return [each.path for each in objects]


def sent_of(objects):
    return sorted(each.as_sent for each in objects)


def by_kind(objects):
    """SOP class -> the transfer syntaxes that its objects are in."""
    kinds = {}
    for each in objects:
        kinds.setdefault(each.sop_class, set()).add(each.transfer_syntax)
    return kinds


@pytest.fixture(scope="module")
def viewer_port():
    return dcmtk.free_port()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("archive")


@pytest.fixture(scope="module")
def archive(folder, viewer_port):
    """Our archive with all of them in it; of those that share a SOP Instance UID it serves the first."""
    with bundled.archive_of(folder, paths(bundled.objects()), viewer_port=viewer_port) as node:
        yield node


@pytest.fixture
def empty(tmp_path, viewer_port):
    """Our archive with nothing in it yet, below ``tmp_path / "empty"``."""
    with bundled.archive_of(tmp_path / "empty", (), viewer_port=viewer_port) as node:
        yield node


@pytest.fixture
def peer():
    ae = AE("PYNETDICOM")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    return ae


def test_our_sender_stores_every_byte_of_all(archive, folder):
    """Further versions are kept as well; only what is identical is kept once."""
    assert len(bundled.objects()) > 100
    assert set(bundled.kept_in(folder)) == {each.as_sent for each in bundled.objects()}


def test_we_get_all_that_is_served(archive, tmp_path):
    served = bundled.first_of_each()
    for study in dict.fromkeys(each.study for each in served):
        *_, last = get(CALLER, archive, Level.STUDY, {"StudyInstanceUID": study}, FolderReceiver(tmp_path))
        assert (last.failed, last.status) == (0, 0x0000)
    assert sorted(map(bundled.data_set, tmp_path.iterdir())) == sent_of(served)


def test_storescp_receives_all_that_is_moved(archive, viewer_port, tmp_path):
    served = bundled.first_of_each()
    options = ("-aet", "VIEWER", "+B", "+xa", "-od", tmp_path, viewer_port)
    with dcmtk.serving("storescp", viewer_port, *options, folder=tmp_path):
        for study in dict.fromkeys(each.study for each in served):
            *_, last = move(CALLER, archive, "VIEWER", Level.STUDY, {"StudyInstanceUID": study})
            assert (last.failed, last.status) == (0, 0x0000)
    assert sorted(bundled.data_set(path) for path in tmp_path.iterdir() if path.suffix != ".log") == sent_of(served)


def test_dcmsend_stores_what_storescp_receives_from_it(empty, tmp_path):
    """dcmsend may write data sets anew, so what was on the wire is what DCMTK's bit preserving receiver gets."""
    objects = [each.path for each in bundled.first_of_each() if each.path.name not in DCMSEND_CANNOT]
    reference, port = tmp_path / "reference", dcmtk.free_port()
    reference.mkdir()
    with dcmtk.serving("storescp", port, "+B", "+xa", "-od", reference, port, folder=tmp_path):
        sent = dcmtk.run("dcmsend", "-dn", "-nuc", "127.0.0.1", port, *objects, folder=tmp_path)
    assert sent.returncode == 0, sent.stdout
    sent = dcmtk.run(
        "dcmsend", "-dn", "-nuc", "-aec", empty.ae_title, empty.host, empty.port, *objects, folder=tmp_path
    )
    assert sent.returncode == 0, sent.stdout
    expected = sorted(map(bundled.data_set, reference.iterdir()))
    assert len(expected) == len(objects)
    assert sorted(bundled.kept_in(tmp_path / "empty")) == expected


def test_pynetdicom_stores_every_byte_of_all(empty, peer, tmp_path, monkeypatch):
    """It announces what the file meta information says; where the data set says otherwise, it is refused."""
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)
    for sop_class, syntaxes in by_kind(bundled.objects()).items():
        for syntax in syntaxes:
            peer.add_requested_context(sop_class, syntax)
    with associated(peer, empty) as association:
        statuses = {each: association.send_c_store(each.path).Status for each in bundled.objects()}
    assert statuses == {each: 0x0000 if each.meta_agrees else 0xA900 for each in bundled.objects()}
    stored = {each.data_set for each in bundled.objects() if each.meta_agrees}
    assert set(bundled.kept_in(tmp_path / "empty")) == stored


def test_pynetdicom_receives_every_byte_of_all_that_we_send():
    got = []

    def keep(event):
        got.append(event.request.DataSet.getvalue())
        return 0x0000

    viewer = AE("VIEWER")
    for sop_class, syntaxes in by_kind(bundled.objects()).items():
        viewer.add_supported_context(sop_class, sorted(syntaxes))
    with ExitStack() as stack:
        server = viewer.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])
        stack.callback(server.shutdown)
        node = Node("VIEWER", "127.0.0.1", server.server_address[1])
        sent = list(send_files(DimseCourier(CALLER), node, gather(paths(bundled.objects()))))
    assert {each.answer.status for each in sent} == {0x0000}
    assert sorted(got) == sent_of(bundled.objects())


def test_pynetdicom_gets_every_byte_of_all_that_is_served(archive, peer):
    served, got = bundled.first_of_each(), []

    def keep(event):
        got.append(event.request.DataSet.getvalue())
        return 0x0000

    peer.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    kinds = by_kind(served)
    for sop_class, syntaxes in kinds.items():
        for syntax in syntaxes:
            peer.add_requested_context(sop_class, syntax)
    roles = [build_role(sop_class, scp_role=True) for sop_class in kinds]
    with associated(peer, archive, ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, keep)]) as association:
        for study in dict.fromkeys(each.study for each in served):
            keys = Dataset()
            keys.QueryRetrieveLevel = "STUDY"
            keys.StudyInstanceUID = study
            *_, (status, _) = association.send_c_get(keys, StudyRootQueryRetrieveInformationModelGet)
            assert status.Status == 0x0000
    assert sorted(got) == sent_of(served)
