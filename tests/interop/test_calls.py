"""We call foreign peers: DCMTK's image archive, and pynetdicom as every kind of provider."""

import zlib
from contextlib import closing, contextmanager

import pydicom
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    MRImageStorage,
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.part10 import write_file_meta
from calotype.errors import InvalidRequest, NotFound
from calotype.network.failures import AssociationRejected
from calotype.scu.echo import echo
from calotype.scu.files import gather, send_files
from calotype.scu.folder import FolderReceiver
from calotype.scu.get import get
from calotype.scu.query import Root, find, move
from calotype.scu.sender import DimseCourier
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Result
from support import dcmtk, samples
from support.bundled import CALLER, data_set, named

pytestmark = pytest.mark.interop

CT_STUDY = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
PIXEL_DATA = b"\xe0\x7f\x10\x00"


# DCMTK's archive


@pytest.fixture
def viewer_port():
    return dcmtk.free_port()


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
        files = gather([named("CT_small.dcm").path, named("MR_small.dcm").path])
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
    assert pydicom.dcmread(path).PixelData == pydicom.dcmread(named("CT_small.dcm").path).PixelData


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


def odd_deflated():
    """A deflated data set of odd length, as every second one is; and its SOP Instance UID."""
    for seed in range(1, 100):
        content = samples.ct(seed=seed)
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        deflated = packer.compress(content) + packer.flush()
        if len(deflated) % 2:
            return deflated, samples.value_of(content, 0x00080018)
    raise AssertionError("no odd length in 99 tries")


def odd_native():
    """A data set whose pixels were not padded: against PS3.5 7.1.1, yet met; and its SOP Instance UID."""
    content = samples.ct(seed=100)
    start = content.index(PIXEL_DATA)
    odd = content[:start] + PIXEL_DATA + b"OW\0\0" + (1025).to_bytes(4, "little") + bytes(1025)
    return odd, samples.value_of(content, 0x00080018)


@pytest.mark.parametrize("option", ["+xa", "+B"])
@pytest.mark.parametrize(("make", "syntax"), [(odd_deflated, DEFLATED), (odd_native, EXPLICIT)])
def test_storescp_takes_odd_objects_from_us_and_what_comes_after_them(tmp_path, viewer_port, option, make, syntax):
    # PS3.8 Annex E wants even fragments; +B aborts the association over an odd one.
    odd, sop_instance = make()
    (tmp_path / "odd").write_bytes(write_file_meta(UID(CTImageStorage), UID(sop_instance), UID(syntax)) + odd)
    files = gather([tmp_path / "odd", named("CT_small.dcm").path])
    folder = tmp_path / "kept"
    folder.mkdir()
    with dcmtk.serving("storescp", viewer_port, *{option, "+xa"}, "-od", folder, viewer_port, folder=tmp_path):
        sent = list(send_files(DimseCourier(CALLER), Node("ANY", "127.0.0.1", viewer_port), files))
    assert [each.answer.result for each in sent] == [Result.COMPLETED] * 2
    kept = [data_set(path) for path in folder.iterdir()]
    assert len(kept) == 2
    if option == "+B":
        assert odd + b"\0" in kept


# pynetdicom


@contextmanager
def provider(handlers):
    """Run pynetdicom with these handlers until the block ends."""
    ae = AE("PROVIDER")
    ae.require_called_aet = True
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    for model in (
        Verification,
        PatientRootQueryRetrieveInformationModelFind,
        StudyRootQueryRetrieveInformationModelFind,
        StudyRootQueryRetrieveInformationModelMove,
        StudyRootQueryRetrieveInformationModelGet,
    ):
        ae.add_supported_context(model)
    ae.add_supported_context(MRImageStorage, EXPLICIT)
    ae.add_supported_context(CTImageStorage, EXPLICIT, scu_role=True, scp_role=True)
    ae.add_requested_context(CTImageStorage, EXPLICIT)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        yield Node("PROVIDER", "127.0.0.1", server.server_address[1])
    finally:
        server.shutdown()


def test_we_echo_pynetdicom():
    asked = []

    def answer(event):
        asked.append(event.assoc.requestor.ae_title)
        return 0x0000

    with provider([(evt.EVT_C_ECHO, answer)]) as node:
        assert echo(CALLER, node).max_pdu_bytes > 0
        with pytest.raises(AssociationRejected, match="called AE title not recognized"):
            echo(CALLER, Node("WRONG", node.host, node.port))
    assert asked == ["TESTER"]


@pytest.mark.parametrize(
    ("status", "result"),
    [(0x0000, Result.COMPLETED), (0xB000, Result.WARNING), (0xA700, Result.FAILED), (0xC123, Result.FAILED)],
)
def test_pynetdicom_says_what_came_of_what_we_send(status, result):
    with provider([(evt.EVT_C_STORE, lambda _event: status)]) as node:
        [sent] = send_files(DimseCourier(CALLER), node, gather([named("CT_small.dcm").path]))
    assert (sent.answer.result, sent.answer.status) == (result, status)


def test_we_find_in_pynetdicom():
    asked = []

    def answer(event):
        asked.append(event.identifier)
        if event.identifier.PatientName == "^":
            yield 0xA900, None
            return
        for number in (1, 2):
            found = Dataset()
            found.SpecificCharacterSet = "GB18030"
            found.QueryRetrieveLevel = "STUDY"
            found.PatientName = "Wang^XiaoDong=王^小东"
            found.PatientID = f"ID{number}"
            yield 0xFF00, found

    with provider([(evt.EVT_C_FIND, answer)]) as node:
        answers = list(find(CALLER, node, Level.STUDY, {"PatientName": "*小东*", "PatientID": ""}))
        assert [(each["PatientID"], each["PatientName"]) for each in answers] == [
            ("ID1", "Wang^XiaoDong=王^小东"),
            ("ID2", "Wang^XiaoDong=王^小东"),
        ]
        with pytest.raises(InvalidRequest, match="A900"):
            list(find(CALLER, node, Level.PATIENT, {"PatientName": "^"}, root=Root.PATIENT))
    assert (asked[0].QueryRetrieveLevel, asked[0].PatientName, asked[0].PatientID) == ("STUDY", "*小东*", "")


def test_we_get_from_pynetdicom(tmp_path):
    original = pydicom.dcmread(named("CT_small.dcm").path)

    def answer(_event):
        yield 1
        yield 0xFF00, original

    with provider([(evt.EVT_C_GET, answer)]) as node:
        receiver = FolderReceiver(tmp_path)
        keys = {"StudyInstanceUID": CT_STUDY}
        *_, last = get(CALLER, node, Level.STUDY, keys, receiver, sop_classes=[CTImageStorage])
    assert (last.status, last.completed, last.failed) == (0x0000, 1, 0)
    [path] = tmp_path.iterdir()
    assert pydicom.dcmread(path) == original


def test_we_move_from_pynetdicom():
    got = []

    def keep(event):
        got.append(event.request.DataSet.getvalue())
        return 0x0000

    viewer = AE("VIEWER")
    viewer.add_supported_context(CTImageStorage, EXPLICIT)
    server = viewer.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])

    def answer(event):
        if event.move_destination != "VIEWER":
            yield None, None
            return
        yield "127.0.0.1", server.server_address[1]
        yield 1
        yield 0xFF00, pydicom.dcmread(named("CT_small.dcm").path)

    try:
        with provider([(evt.EVT_C_MOVE, answer)]) as node:
            keys = {"StudyInstanceUID": CT_STUDY}
            *_, last = move(CALLER, node, "VIEWER", Level.STUDY, keys)
            assert (last.status, last.completed, last.failed) == (0x0000, 1, 0)
            with pytest.raises(NotFound, match="A801"):
                list(move(CALLER, node, "NOBODY", Level.STUDY, keys))
    finally:
        server.shutdown()
    assert got == [data_set(named("CT_small.dcm").path)]
