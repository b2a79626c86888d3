"""Associations as dialogues with a raw peer: ``peer.send`` is what comes in, ``peer.receive`` what went out."""

import select
import threading
import time
from contextlib import suppress

import pytest

from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from calotype.dicom.wire.messages import (
    CCancelRQ,
    CEchoRQ,
    CEchoRSP,
    CFindRSP,
    CStoreRQ,
    CStoreRSP,
)
from calotype.dicom.wire.negotiation import AcceptancePolicy, accepted_contexts, negotiate
from calotype.dicom.wire.pdu import Abort, PDataTF, ReleaseRP, ReleaseRQ
from calotype.dicom.wire.upper_layer import Role, UpperLayer
from calotype.errors import InvalidRequest
from calotype.network.association import MIN_SEND_PDU_BYTES, Association, send_limit
from calotype.network.failures import AssociationAborted, AssociationEnded, AssociationTimedOut, ConnectionLost
from calotype.network.pump import Pump
from calotype.network.sockets import Stream
from support.raw_peers import CT, PATIENCE_S, RawPeer, command, data, request

STORE = CStoreRQ(message_id=7, affected_sop_class_uid=CT, affected_sop_instance_uid="1.2.3.4")
STORED = CStoreRSP(message_id_being_responded_to=7, status=0)
POLICY = AcceptancePolicy(
    called_ae_titles=None,
    abstract_syntaxes={VERIFICATION: (EXPLICIT_VR_LITTLE_ENDIAN,), CT: (EXPLICIT_VR_LITTLE_ENDIAN,)},
)


@pytest.fixture
def open_association(socket_pair, capabilities):
    """Return a function that accepts an association over a socket pair: ours, and the raw peer's end of it."""
    ours, theirs = socket_pair
    peer = RawPeer(theirs)

    def accept(timeouts, max_pdu_bytes=16384):
        pump = Pump(Stream(ours, capabilities), UpperLayer(Role.ACCEPTOR), timeouts)
        pump.connected()
        peer.send(request(max_pdu_bytes=max_pdu_bytes))
        asked = pump.next_event(5).pdu
        answer = negotiate(asked, POLICY)
        contexts = {context.context_id: context for context in accepted_contexts(asked, answer)}
        pump.context_ids.update(contexts)
        pump.transmit(answer)
        peer.receive()
        association = Association(
            pump,
            calling_ae_title=asked.calling_ae_title,
            called_ae_title=asked.called_ae_title,
            peer_address="127.0.0.1",
            contexts=contexts,
            max_send_pdu_bytes=send_limit(max_pdu_bytes),
            is_requestor=False,
        )
        return association, peer

    return accept


@pytest.fixture
def dialogue(open_association, patient):
    return open_association(patient)


@pytest.fixture
def arrived(socket_pair):
    """Return a function that waits until what the peer has sent can be read on our end."""
    ours, _ = socket_pair

    def wait():
        assert select.select([ours], [], [], 30)[0]

    return wait


class Collected(list):
    """A sink that keeps copies of what it is given."""

    def __call__(self, parts):
        self.append(b"".join(parts))


def test_messages_come_and_go_until_the_peer_releases(dialogue):
    association, peer = dialogue
    peer.send(command(CEchoRQ(message_id=1)))
    received = association.receive()
    assert (received.context.context_id, received.message) == (1, CEchoRQ(message_id=1))
    association.send(1, CEchoRSP(message_id_being_responded_to=1, status=0))
    assert peer.receive_message() == CEchoRSP(message_id_being_responded_to=1, status=0)
    peer.send(ReleaseRQ())
    assert association.receive() is None
    assert association.released
    assert peer.receive() == ReleaseRP()


def test_a_data_set_reaches_the_sink_whole_and_in_order(dialogue):
    association, peer = dialogue
    sink = Collected()
    whole = bytes(i % 251 for i in range(1_000_000))
    pieces = [whole[i : i + 10_000] for i in range(0, len(whole), 10_000)]

    def send():
        peer.send(command(STORE, 3))
        for piece in pieces[:-1]:
            peer.send(data(piece, is_last=False))
        peer.send(data(pieces[-1]))

    sender = threading.Thread(target=send)
    sender.start()
    assert association.receive().message == STORE
    assert association.read_data_set(sink) == len(whole)
    sender.join()
    assert b"".join(sink) == whole
    assert association.counts.data_set_bytes_received == len(whole)


def test_an_empty_data_set_never_calls_the_sink(dialogue):
    association, peer = dialogue
    sink = Collected()
    peer.send(command(STORE, 3), data(b""))
    association.receive()
    assert (association.read_data_set(sink), sink) == (0, [])


def test_a_data_set_that_nobody_reads_is_skipped(dialogue):
    association, peer = dialogue
    peer.send(command(STORE, 3), data(b"unread", is_last=False), data(b"unread"), command(CEchoRQ(message_id=9)))
    assert association.receive().message == STORE
    assert association.receive().message == CEchoRQ(message_id=9)


def test_a_sink_that_fails_leaves_the_association_whole(dialogue):
    association, peer = dialogue

    def fail(_):
        raise InvalidRequest("no")

    peer.send(command(STORE, 3), data(b"part", is_last=False), data(b"rest"), command(CEchoRQ(message_id=9)))
    association.receive()
    with pytest.raises(InvalidRequest, match="no"):
        association.read_data_set(fail)
    assert association.receive().message == CEchoRQ(message_id=9)


def test_an_identifier_is_read_up_to_its_limit(dialogue):
    association, peer = dialogue
    peer.send(command(STORE, 3), data(b"12345", is_last=False), data(b"678"), command(STORE, 3), data(b"123456789"))
    association.receive()
    assert association.read_identifier(limit_bytes=8) == b"12345678"
    association.receive()
    with pytest.raises(InvalidRequest, match="longer than 8 bytes"):
        association.read_identifier(limit_bytes=8)


@pytest.mark.parametrize("max_pdu_bytes", [MIN_SEND_PDU_BYTES, 16_384, 0])
def test_data_sets_are_sent_in_pdus_of_the_peers_length(open_association, patient, max_pdu_bytes):
    association, peer = open_association(patient, max_pdu_bytes)
    association.send(3, CFindRSP(message_id_being_responded_to=1, status=0xFF00, has_data_set=True), bytes(1000))
    sizes, received = [], b""
    while len(received) < 1000:
        pdu = peer.receive()
        sizes.append(len(pdu.encode()) - 6)
        received += b"".join(pdv.data for pdv in pdu.pdvs if not pdv.is_command)
    assert received == bytes(1000)
    assert max(sizes) <= send_limit(max_pdu_bytes)


class BrokenSource:
    def read_at(self, offset, size_bytes):
        return bytes(max(size_bytes - 1, 0))


def test_an_object_shorter_than_announced_aborts(dialogue):
    association, peer = dialogue
    with pytest.raises(AssociationAborted, match="the object ends 1 bytes early"):
        association.send_object(3, STORE, BrokenSource(), 0, 100)
    assert peer.receive() is None
    with pytest.raises(ConnectionLost):
        association.receive()


def test_a_cancel_is_seen_between_responses_and_never_delivered(dialogue, arrived):
    association, peer = dialogue
    assert not association.cancel_requested(7)
    peer.send(command(CCancelRQ(message_id_being_responded_to=7)))
    arrived()
    assert association.cancel_requested(7)
    assert not association.cancel_requested(8)
    peer.send(command(CEchoRQ(message_id=1)))
    assert association.receive().message == CEchoRQ(message_id=1)


def test_a_cancel_that_came_too_late_does_not_stop_a_later_request(dialogue):
    association, peer = dialogue
    peer.send(command(CCancelRQ(message_id_being_responded_to=7)), command(STORE, 3), data(b"x"))
    assert association.receive().message == STORE
    association.skip_data_set()
    assert not association.cancel_requested(7)


def test_looking_for_a_cancel_loses_no_message(dialogue, arrived):
    association, peer = dialogue
    peer.send(command(STORE, 3), data(b"kept"))
    arrived()
    assert not association.cancel_requested(7)
    association.receive()
    assert association.read_identifier() == b"kept"


def test_looking_for_a_cancel_notices_an_abort(dialogue, arrived):
    association, peer = dialogue
    peer.send(Abort())
    arrived()
    with pytest.raises(AssociationAborted, match="aborted by the application"):
        association.cancel_requested(7)


def test_a_release_in_answer_to_responses_waits_for_receive(dialogue, arrived):
    association, peer = dialogue
    peer.send(ReleaseRQ())
    arrived()
    assert not association.cancel_requested(7)
    assert association.receive() is None


def test_the_peers_abort_is_an_error(dialogue):
    association, peer = dialogue
    peer.send(Abort())
    with pytest.raises(AssociationAborted, match="aborted by the application"):
        association.receive()


def test_a_connection_that_ends_in_a_data_set_is_an_error(dialogue):
    association, peer = dialogue
    sink = Collected()
    peer.send(command(STORE, 3), data(b"half of it", is_last=False))
    peer.close()
    association.receive()
    with pytest.raises(ConnectionLost, match="without releasing"):
        association.read_data_set(sink)
    assert b"".join(sink) == b"half of it"


@pytest.mark.parametrize(
    ("hostile", "why"),
    [
        (b"\x09\x00\x00\x00\x00\x04abcd", "unknown type 09H"),
        (b"\x04\x00\xff\xff\xff\xff", "4294967295 bytes"),
        (data(b"no command"), "without a command"),
        (command(CEchoRQ(message_id=1), context_id=99), "context 99, which was not accepted"),
        (PDataTF.decode(b"\0\0\0\x03\x01\x03x").encode(), "command"),
        (request().encode(), "A-ASSOCIATE-RQ|ASSOCIATE_RQ"),
    ],
)
def test_what_breaks_the_protocol_is_answered_with_abort(open_association, quick, hostile, why):
    association, peer = open_association(quick)
    peer.send(hostile)
    with pytest.raises(AssociationAborted, match=why):
        association.receive()
    assert isinstance(peer.receive(), Abort)
    association.close()
    assert peer.receive() is None


def test_a_silent_peer_is_aborted_after_the_idle_time(open_association, quick):
    association, peer = open_association(quick)
    with pytest.raises(AssociationTimedOut, match=r"for 0\.3 s"):
        association.receive()
    assert peer.receive() == Abort(2, 0)


def test_a_peer_that_stops_in_a_data_set_is_aborted_after_the_network_time(open_association, quick):
    association, peer = open_association(quick)
    peer.send(command(STORE, 3), data(b"and then", is_last=False))
    association.receive()
    with pytest.raises(AssociationTimedOut):
        association.read_data_set(Collected())
    assert peer.receive() == Abort(2, 0)


def test_a_command_that_drips_is_aborted_after_the_network_time(open_association, quick):
    association, peer = open_association(quick)
    stop = threading.Event()

    def drip():
        for byte in b"\x04\x00\x00\x00\x10\x00" + bytes(1000):
            if stop.wait(0.02):
                return
            # It may be aborted before we are told to stop.
            with suppress(ConnectionError):
                peer.send(bytes([byte]))

    dripping = threading.Thread(target=drip)
    dripping.start()
    with pytest.raises((AssociationTimedOut, AssociationAborted)):
        association.receive()
    stop.set()
    dripping.join()


def test_a_peer_that_takes_nothing_is_given_up_after_the_network_time(open_association, quick):
    association, _peer = open_association(quick)

    class Endless:
        def read_at(self, _offset, size_bytes):
            return bytes(size_bytes)

    with pytest.raises(AssociationTimedOut, match=r"took no data for 0\.3 s"):
        association.send_object(3, STORE, Endless(), 0, 1 << 30)
    with pytest.raises(AssociationEnded):
        association.receive()


def test_a_peer_that_aborts_while_we_send_is_an_error(open_association, patient):
    association, peer = open_association(patient)

    class Zeros:
        def read_at(self, _offset, size_bytes):
            return bytes(size_bytes)

    def read_some_and_abort():
        for _ in range(100):
            peer.receive()
        peer.send(Abort())
        peer.close()

    leaving = threading.Thread(target=read_some_and_abort)
    leaving.start()
    with pytest.raises(AssociationEnded):
        association.send_object(3, STORE, Zeros(), 0, 1 << 30)
    leaving.join()


def test_killing_wakes_a_waiting_association_and_tells_the_peer(dialogue):
    association, peer = dialogue
    threading.Timer(0.05, association.kill).start()
    with pytest.raises(AssociationAborted, match="we are stopping"):
        association.receive()
    assert peer.receive() == Abort()


def test_idle_time_counts_only_while_waiting_for_a_request(dialogue):
    association, peer = dialogue
    assert association.idle_s() == 0
    seen = []

    def look():
        deadline = time.monotonic() + PATIENCE_S
        while not (idle_s := association.idle_s()) and time.monotonic() < deadline:
            time.sleep(0.01)
        seen.append(idle_s)
        peer.send(command(CEchoRQ(message_id=1)))

    looking = threading.Thread(target=look)
    looking.start()
    association.receive()
    looking.join()
    assert seen[0] > 0
    assert association.idle_s() == 0


def test_after_the_end_nothing_can_be_sent(dialogue):
    association, peer = dialogue
    peer.close()
    association.abort()
    with pytest.raises(ConnectionLost):
        association.send(3, STORED)
    association.abort()
    association.close()


def test_message_ids_go_round(dialogue):
    association, _peer = dialogue
    association._message_id = 65534
    assert [association.next_message_id() for _ in range(3)] == [65535, 1, 2]


def test_a_context_is_found_by_what_we_may_do_in_it(dialogue):
    association, _peer = dialogue
    assert association.find_context(CT, as_scp=True) is association.contexts[3]
    assert association.find_context(CT, EXPLICIT_VR_LITTLE_ENDIAN, as_scp=True) is association.contexts[3]
    assert association.find_context(CT) is None
    assert association.find_context(CT, "1.2.840.10008.1.2", as_scp=True) is None


def test_send_limits():
    assert [send_limit(size) for size in (0, 16_384, 1 << 30)] == [1 << 20, 16_384, 1 << 20]


def test_an_acceptor_may_ask_for_release_too(dialogue):
    association, peer = dialogue
    releasing = threading.Thread(target=association.release)
    releasing.start()
    assert peer.receive() == ReleaseRQ()
    peer.send(ReleaseRP())
    assert peer.receive() is None
    releasing.join()
    assert association.released


def test_an_acceptor_answers_last_when_both_ask_for_release(dialogue):
    association, peer = dialogue
    releasing = threading.Thread(target=association.release)
    releasing.start()
    assert peer.receive() == ReleaseRQ()
    peer.send(ReleaseRQ(), ReleaseRP())
    assert peer.receive() == ReleaseRP()
    peer.close()
    releasing.join()
    assert association.released
