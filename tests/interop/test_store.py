"""Echo and store with foreign peers: DCMTK and pynetdicom send, the archive keeps every byte."""

from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pynetdicom import AE, evt
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.sop_class import CTImageStorage, Verification

from calotype.dicom.part10 import read_file_meta
from calotype.dicom.uids import VERIFICATION
from calotype.dicom.wire.messages import CStoreRQ
from calotype.scp.storage import StorageScp
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from support import dcmtk, samples
from support.archives import House
from support.calling import associated
from support.peers import NATIVE, STORAGE, serving

pytestmark = pytest.mark.interop

BUNDLED = {
    "CT_small.dcm": "-xe",
    "MR_small_implicit.dcm": "-xi",
    "ExplVR_BigEnd.dcm": "-xb",
    "SC_rgb_jpeg_gdcm.dcm": "-xs",
    "SC_rgb_jpeg_dcmtk.dcm": "-xy",
    "JPEG2000.dcm": "-xw",
    "MR_small_RLE.dcm": "-xr",
    "reportsi.dcm": "-xe",
    "rtplan.dcm": "-xi",
}
"""pydicom's files, and the option that makes storescu propose their transfer syntax."""


@pytest.fixture
def house():
    return House(MemoryObjectStore(), MemoryIndex())


@pytest.fixture
def node(house):
    contexts = {VERIFICATION: NATIVE, **STORAGE}
    with serving({CStoreRQ: StorageScp(house.archive.ingest)}, contexts, ae_title="CALOTYPE") as node:
        yield node


def data_set(path):
    content = Path(path).read_bytes()
    return content[read_file_meta(content).data_offset :]


def kept(house):
    """Every data set in the archive."""
    for each, _origin, _received in house.index.records():
        with house.objects.open(each.location.key) as reader:
            yield reader.read_at(each.location.data_offset, each.location.data_bytes)


def to(node):
    return ("-aec", node.ae_title, node.host, node.port)


def test_echoscu_is_answered(node, tmp_path):
    done = dcmtk.run("echoscu", *to(node), folder=tmp_path)
    assert done.returncode == 0, done.stdout


def test_echoscu_is_told_of_a_wrong_ae_title(node, tmp_path):
    done = dcmtk.run("echoscu", "-aec", "WRONG", node.host, node.port, folder=tmp_path)
    assert done.returncode != 0
    assert "Called AE Title Not Recognized" in done.stdout


@pytest.mark.parametrize(("name", "syntax"), BUNDLED.items())
def test_storescu_stores_every_byte_of_every_syntax(node, house, tmp_path, name, syntax):
    """storescu writes data sets anew, so what was on the wire is what DCMTK's bit preserving receiver gets."""
    path = get_testdata_file(name)
    port = dcmtk.free_port()
    (tmp_path / "reference").mkdir()
    with dcmtk.serving("storescp", port, "+B", "+xa", "-od", tmp_path / "reference", port, folder=tmp_path):
        reference = dcmtk.run("storescu", syntax, node.host, port, path, folder=tmp_path)
    assert reference.returncode == 0, reference.stdout
    done = dcmtk.run("storescu", syntax, *to(node), path, folder=tmp_path)
    assert done.returncode == 0, done.stdout
    [file] = (tmp_path / "reference").iterdir()
    assert list(kept(house)) == [data_set(file)]


def test_dcmsend_sends_a_series_over_one_association(node, house, tmp_path):
    sent = {}
    for seed in range(1, 31):
        data = samples.ct(32, 32, seed=seed)
        path = tmp_path / f"{seed}.dcm"
        path.write_bytes(samples.part10(data))
        sent[path] = data
    done = dcmtk.run("dcmsend", *to(node), *sent, folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert sorted(kept(house)) == sorted(sent.values())


@pytest.mark.parametrize("max_pdu_bytes", ["4096", "131072"])
def test_storescu_stores_an_object_of_many_pdus(node, house, tmp_path, max_pdu_bytes):
    data = samples.ct(1024, 1024, seed=1)
    (tmp_path / "big.dcm").write_bytes(samples.part10(data))
    done = dcmtk.run("storescu", "--max-send-pdu", max_pdu_bytes, *to(node), tmp_path / "big.dcm", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert list(kept(house)) == [data]


def test_pynetdicom_echoes_and_stores(node, house):
    entity = AE("PYNETDICOM")
    entity.add_requested_context(Verification)
    entity.add_requested_context(CTImageStorage, "1.2.840.10008.1.2.1")
    with associated(entity, node) as association:
        assert association.send_c_echo().Status == 0
        assert association.send_c_store(get_testdata_file("CT_small.dcm")).Status == 0
        assert association.send_c_store(get_testdata_file("CT_small.dcm")).Status == 0
    [received] = kept(house)
    sent, read = pydicom.dcmread(get_testdata_file("CT_small.dcm")), pydicom.Dataset()
    read.update(pydicom.filereader.read_dataset(pydicom.filebase.DicomBytesIO(received), False, True))
    assert read == pydicom.Dataset(sent)


def test_pynetdicom_is_told_of_a_wrong_ae_title(node):
    entity = AE("PYNETDICOM")
    entity.add_requested_context(Verification)
    # What it received, not what it made of that: on a busy machine its threads may call a rejection an abort.
    received = []
    handlers = [(evt.EVT_PDU_RECV, lambda event: received.append(event.pdu))]
    association = entity.associate(node.host, node.port, ae_title="WRONG", evt_handlers=handlers)
    assert not association.is_established
    [pdu] = received
    assert isinstance(pdu, A_ASSOCIATE_RJ)
    assert (pdu.result, pdu.source, pdu.reason_diagnostic) == (1, 1, 7)
