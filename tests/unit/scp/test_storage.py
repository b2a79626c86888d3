"""C-STORE as a dialogue, over a real archive in memory."""

import time

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from calotype.dicom.wire.messages import CEchoRQ, CStoreRQ, CStoreRSP
from calotype.dicom.wire.pdu import Abort
from calotype.dicom.wire.pdu_items import RoleSelection
from calotype.errors import OutOfResources
from calotype.scp.storage import StorageScp
from calotype.services.archive.ports import Channel
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from support import samples
from support.archives import House
from support.peers import serving
from support.raw_peers import CT, RawPeer, command, data, request

DATA = samples.ct(32, 32, seed=1)
SOP_UID = samples.value_of(DATA, 0x00080018)


class FullStore(MemoryObjectStore):
    """An object store without space."""

    def spool(self):
        raise OutOfResources("the disk is full: free some space")


@pytest.fixture
def house():
    return House(MemoryObjectStore(), MemoryIndex())


@pytest.fixture
def connect():
    """Return a function that connects a raw peer to a storage SCP over an archive."""
    opened = []

    def to(house):
        context = serving({CStoreRQ: StorageScp(house.archive.ingest)}, {CT: (EXPLICIT_VR_LITTLE_ENDIAN,)})
        node = context.__enter__()
        peer = RawPeer.connect(node.port)
        opened.append((context, peer))
        peer.send(request())
        peer.receive()
        return peer

    yield to
    for context, peer in opened:
        peer.close()
        context.__exit__(None, None, None)


def store_rq(sop_uid=SOP_UID, sop_class=CT, **more):
    return CStoreRQ(message_id=7, affected_sop_class_uid=sop_class, affected_sop_instance_uid=sop_uid, **more)


def store(peer, data_set=DATA, **named):
    peer.send(command(store_rq(**named), 3), *in_fragments(data_set))
    return peer.receive_message()


def in_fragments(data_set, step=1000):
    pieces = [data_set[at : at + step] for at in range(0, len(data_set), step)]
    return [data(piece, is_last=number == len(pieces) - 1) for number, piece in enumerate(pieces)]


def stored(house):
    """The data sets kept, as bytes."""
    kept = []
    for each, _origin, _received in house.index.records():
        with house.objects.open(each.location.key) as reader:
            kept.append(reader.read_at(each.location.data_offset, each.location.data_bytes))
    return kept


def test_success_means_kept_as_it_came(connect, house):
    answer = store(connect(house))
    assert answer == CStoreRSP(
        message_id_being_responded_to=7, affected_sop_class_uid=CT, affected_sop_instance_uid=SOP_UID, status=0
    )
    assert stored(house) == [DATA]


def test_the_origin_is_who_sent_it(connect, house):
    store(connect(house))
    [(_stored, origin, _received)] = house.index.records()
    assert (origin.channel, origin.calling_ae_title, origin.called_ae_title) == (Channel.DIMSE, "RAW", "NODE")
    assert origin.address == "127.0.0.1"


@pytest.mark.parametrize(
    ("data_set", "named", "status"),
    [
        (DATA, {"sop_uid": UID("1.2.3")}, 0xA900),
        (DATA, {"sop_class": UID("1.2.840.10008.5.1.4.1.1.4")}, 0xA900),
        (DATA[: len(DATA) // 2], {}, 0xC000),
        (b"", {}, 0xC000),
        (b"no data set at all, but text", {}, 0xC000),
    ],
)
def test_what_cannot_be_kept_is_refused_and_leaves_nothing(connect, house, data_set, named, status):
    peer = connect(house)
    peer.send(command(store_rq(**named), 3), *(in_fragments(data_set) or [data(b"")]))
    answer = peer.receive_message()
    assert answer.status == status
    assert answer.error_comment
    assert (stored(house), list(house.objects.keys())) == ([], [])
    assert store(peer).status == 0


def test_a_request_without_a_data_set_is_refused(connect, house):
    peer = connect(house)
    peer.send(command(store_rq(has_data_set=False), 3))
    assert peer.receive_message().status == 0xC000
    assert store(peer).status == 0


VERIFICATION_ID, CT_ID = 1, 3


@pytest.mark.parametrize(
    ("context_id", "roles", "why"),
    [
        (VERIFICATION_ID, (), "no context for storage"),
        (CT_ID, (RoleSelection(CT, scu=False, scp=True),), "the sender is not SCU"),
    ],
)
def test_objects_come_only_in_storage_contexts_in_which_the_peer_is_scu(house, context_id, roles, why):
    served = {VERIFICATION: (EXPLICIT_VR_LITTLE_ENDIAN,), CT: (EXPLICIT_VR_LITTLE_ENDIAN,)}
    with (
        serving({CStoreRQ: StorageScp(house.archive.ingest)}, served, scp_contexts=served) as node,
        RawPeer.connect(node.port) as peer,
    ):
        peer.send(request(roles=roles))
        peer.receive()
        peer.send(command(store_rq(), context_id), data(DATA, context_id))
        answer = peer.receive_message()
        assert answer.status == 0x0122
        assert why in answer.error_comment
        peer.send(command(CEchoRQ(message_id=1), VERIFICATION_ID))
        assert peer.receive_message().status == 0
    assert stored(house) == []


def test_without_space_the_rest_is_read_and_the_peer_may_go_on():
    full = House(FullStore(), MemoryIndex())
    with serving({CStoreRQ: StorageScp(full.archive.ingest)}, {CT: (EXPLICIT_VR_LITTLE_ENDIAN,)}) as node:
        peer = RawPeer.connect(node.port)
        peer.send(request())
        peer.receive()
        for _ in range(2):
            answer = store(peer, samples.ct(256, 256, seed=1))
            assert (answer.status, answer.error_comment) == (0xA700, "the disk is full: free some space")
        peer.send(command(CEchoRQ(message_id=1), 3))
        assert peer.receive_message().status == 0
        peer.close()


@pytest.mark.parametrize("leave", [RawPeer.close, lambda peer: peer.send(Abort())])
def test_a_peer_that_leaves_in_the_middle_leaves_nothing_behind(connect, house, leave):
    spools = []

    class Watched(MemoryObjectStore):
        def spool(self):
            spool = super().spool()
            spools.append(spool)
            discard = spool.discard
            spool.discard = lambda: (spools.remove(spool), discard())
            return spool

    house = House(Watched(), MemoryIndex())
    peer = connect(house)
    peer.send(command(store_rq(), 3), data(DATA[:1000], is_last=False))
    while not spools:
        time.sleep(0.001)
    leave(peer)
    while spools:
        time.sleep(0.001)
    assert (stored(house), list(house.objects.keys())) == ([], [])


def test_one_association_stores_many_objects(connect, house):
    peer = connect(house)
    many = [samples.ct(16, 16, seed=seed) for seed in range(1, 21)]
    for data_set in many:
        assert store(peer, data_set, sop_uid=samples.value_of(data_set, 0x00080018)).status == 0
    assert sorted(stored(house)) == sorted(many)
