"""Listeners on real ports: who gets in, what is told to who does not, and how it ends."""

import errno
import logging
import re
import select
import socket
import threading
import time
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import ip_network

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from calotype.dicom.wire.messages import CEchoRQ, CEchoRSP
from calotype.dicom.wire.negotiation import AcceptancePolicy
from calotype.dicom.wire.pdu import (
    REJECT_CALLED_AE_TITLE,
    REJECT_LOCAL_LIMIT_EXCEEDED,
    REJECT_NO_REASON,
    REJECT_PROTOCOL_VERSION,
    Abort,
    AssociateAC,
    ReleaseRP,
    ReleaseRQ,
)
from calotype.dicom.wire.pdu_items import PresentationContextProposed
from calotype.errors import InvalidRequest, Unavailable
from calotype.network.listener import Listener
from calotype.network.rejections import Rejections
from calotype.network.settings import ListenerSettings
from support.raw_peers import CT, PATIENCE_S, RawPeer, command, request

POLICY = AcceptancePolicy(
    called_ae_titles=frozenset({"NODE"}),
    abstract_syntaxes={VERIFICATION: (EXPLICIT_VR_LITTLE_ENDIAN,), CT: (EXPLICIT_VR_LITTLE_ENDIAN,)},
)


def answer(association):
    """Answer every message as if it were a C-ECHO."""
    while (received := association.receive()) is not None:
        response = CEchoRSP(message_id_being_responded_to=received.message.message_id, status=0)
        association.send(received.context.context_id, response)


@contextmanager
def listening(timeouts, handle=answer, **settings):
    rejections = Rejections()
    settings = {"host": "127.0.0.1", "port": 0, "timeouts": timeouts, **settings}
    listener = Listener(ListenerSettings(name="main", **settings), POLICY, handle, rejections)
    listener.start()
    try:
        yield listener, rejections
    finally:
        listener.stop(drain_s=0)


def ask(port, **how):
    """Connect and request an association; return the peer and the answer."""
    peer = RawPeer.connect(port)
    try:
        peer.send(request(**how))
        return peer, peer.receive()
    except ConnectionError:
        peer.close()
        raise


def has_ipv6_loopback():
    """Whether this machine has ``::1``; a system that knows IPv6 may have it switched off."""
    with socket.socket(socket.AF_INET6) as probe, suppress(OSError):
        probe.bind(("::1", 0))
        return True
    return False


def leave(peer):
    peer.send(ReleaseRQ())
    assert peer.receive() == ReleaseRP()
    peer.close()


def test_an_association_is_accepted_served_and_released(patient):
    with listening(patient) as (listener, rejections):
        peer, accepted = ask(listener.port)
        assert isinstance(accepted, AssociateAC)
        assert [context.is_accepted for context in accepted.presentation_contexts] == [True, True]
        peer.send(command(CEchoRQ(message_id=5)))
        assert peer.receive_message().message_id_being_responded_to == 5
        leave(peer)
    assert rejections.recent() == []


def test_a_wrong_called_ae_title_is_rejected_and_remembered(patient):
    with listening(patient) as (listener, rejections):
        peer, rejected = ask(listener.port, called="OTHER")
        assert rejected == REJECT_CALLED_AE_TITLE
        peer.close()
        [rejection] = rejections.recent()
    assert (rejection.listener, rejection.peer_address) == ("main", "127.0.0.1")
    assert (rejection.calling_ae_title, rejection.called_ae_title) == ("RAW", "OTHER")
    assert rejection.reason == "called AE title not recognized"
    assert rejections.counts() == {"called AE title not recognized": 1}


def test_an_address_outside_the_peer_networks_is_rejected(patient):
    with listening(patient, peers=(ip_network("10.0.0.0/8"),)) as (listener, rejections):
        peer, rejected = ask(listener.port)
        peer.close()
        assert rejected == REJECT_NO_REASON
        assert "127.0.0.1 is in none" in rejections.recent()[0].detail


def test_too_many_associations_are_rejected_until_one_leaves(patient):
    with listening(patient, max_associations=1) as (listener, _rejections):
        first, _accepted = ask(listener.port)
        second, rejected = ask(listener.port)
        assert rejected == REJECT_LOCAL_LIMIT_EXCEEDED
        second.close()
        leave(first)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            third, answered = ask(listener.port)
            if isinstance(answered, AssociateAC):
                leave(third)
                return
            third.close()
    pytest.fail("the place was never given back")


def test_another_protocol_version_is_rejected_and_remembered(patient):
    with listening(patient) as (listener, rejections):
        peer, rejected = ask(listener.port, protocol_version=2)
        peer.close()
        assert rejected == REJECT_PROTOCOL_VERSION
        listener.stop()
        assert rejections.counts() == {"protocol version not supported": 1}


def test_what_is_not_dicom_is_closed_and_remembered(patient):
    with listening(patient) as (listener, rejections):
        with RawPeer.connect(listener.port) as peer:
            peer.send(b"GET / HTTP/1.1\r\n\r\n")
            assert isinstance(peer.receive(), Abort)
        listener.stop()
        [rejection] = rejections.recent()
    assert (rejection.result, rejection.reason) == ("closed", "no association request")
    assert "unknown type 47H" in rejection.detail


def test_a_connection_that_says_nothing_is_closed_after_artim(quick):
    with listening(quick) as (listener, rejections):
        with RawPeer.connect(listener.port) as peer:
            assert peer.receive() is None
        listener.stop()
        assert "silent for 0.3 s" in rejections.recent()[0].detail


def test_a_connection_that_leaves_at_once_is_nothing_to_remember(patient):
    with listening(patient) as (listener, rejections):
        RawPeer.connect(listener.port).close()
        peer, _accepted = ask(listener.port)
        leave(peer)
        listener.stop()
        assert rejections.recent() == []


@pytest.mark.parametrize("called", ["NODE", "OTHER"])
@pytest.mark.parametrize(
    "more",
    [
        command(CEchoRQ(message_id=1)),
        ReleaseRQ().encode(),
        Abort().encode(),
        b"GET / HTTP/1.1\r\n",
        request().encode(),
    ],
    ids=["data", "release", "abort", "noise", "request"],
)
def test_a_peer_that_does_not_wait_for_its_answer_is_no_mistake_of_ours(patient, caplog, called, more):
    """PS3.8 Table 9-10, Sta3: whatever comes before the answer ends everything."""
    with listening(patient) as (listener, _rejections):
        with RawPeer.connect(listener.port) as peer:
            peer.send(request(called=called).encode() + more)
            assert not isinstance(peer.receive(), AssociateAC)
        second, accepted = ask(listener.port)
        assert isinstance(accepted, AssociateAC)
        leave(second)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    "more",
    [command(CEchoRQ(message_id=1)), ReleaseRQ().encode(), Abort().encode(), b"noise " * 9],
    ids=["data", "release", "abort", "noise"],
)
def test_what_follows_a_release_in_the_same_breath_is_no_mistake_of_ours(patient, caplog, more):
    with listening(patient) as (listener, _rejections):
        peer, _accepted = ask(listener.port)
        peer.send(ReleaseRQ().encode() + more)
        assert not isinstance(peer.receive(), ReleaseRP)
        peer.close()
    assert "our own mistake" not in caplog.text


def test_a_bug_in_a_service_aborts_its_association_only(patient, caplog):
    def fail(_association):
        raise RuntimeError("a bug")

    with listening(patient, fail) as (listener, _rejections):
        for _ in range(2):
            peer, accepted = ask(listener.port)
            assert isinstance(accepted, AssociateAC)
            assert isinstance(peer.receive(), Abort)
            peer.close()
    assert "our own mistake" in caplog.text


def test_each_association_leaves_one_line_at_its_end_and_one_at_its_begin_for_who_debugs(patient, caplog):
    caplog.set_level(logging.DEBUG, logger="calotype.network.listener")
    with listening(patient) as (listener, _rejections):
        peer, _accepted = ask(listener.port)
        peer.send(command(CEchoRQ(message_id=1)))
        peer.receive()
        leave(peer)
    lines = [record.getMessage() for record in caplog.records if "'RAW'" in record.getMessage()]
    assert lines[0] == "listener main: accepted 'RAW' -> 'NODE' from 127.0.0.1, 2 contexts"
    assert re.fullmatch(
        r"listener main: 'RAW' -> 'NODE' from 127\.0\.0\.1 released after \d+\.\d s:"
        r" 1 messages and 0 data set bytes in, 1 and 0 out",
        lines[1],
    )
    assert len(lines) == 2
    levels = [record.levelname for record in caplog.records if "'RAW'" in record.getMessage()]
    assert levels == ["DEBUG", "INFO"]


@pytest.mark.parametrize(("accepted", "level"), [(True, "INFO"), (False, "WARNING")])
def test_contexts_that_are_not_accepted_are_told_with_their_reason(patient, caplog, accepted, level):
    """A device that finds no context for its images tells nobody: the log has to."""
    caplog.set_level(logging.INFO, logger="calotype.network.listener")
    proposals = [
        PresentationContextProposed(1, UID("1.2.840.10008.5.1.1.9"), (EXPLICIT_VR_LITTLE_ENDIAN,)),
        PresentationContextProposed(3, CT, (UID("1.2.3"),)),
        *([PresentationContextProposed(5, VERIFICATION, (EXPLICIT_VR_LITTLE_ENDIAN,))] if accepted else []),
    ]
    with listening(patient) as (listener, _rejections):
        peer, _answer = ask(listener.port, contexts=tuple(proposals))
        leave(peer)
    told = [record for record in caplog.records if "contexts not accepted" in record.getMessage()]
    assert [record.levelname for record in told] == [level]
    assert told[0].getMessage() == (
        "listener main: 'RAW' -> 'NODE' from 127.0.0.1: contexts not accepted: Basic Grayscale Print Management"
        " Meta SOP Class: not served on this port; CT Image Storage: in none of the transfer syntaxes that are"
        " known here"
    )


def test_a_taken_port_is_one_clear_line(patient):
    with listening(patient) as (listener, rejections):
        second = Listener(
            ListenerSettings(name="query", host="127.0.0.1", port=listener.port), POLICY, answer, rejections
        )
        with pytest.raises(Unavailable) as caught:
            second.start()
        second.stop()
    assert str(caught.value) == (
        f"listener query: port {listener.port} is taken by another program: stop that one, or set another port"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"host": "192.0.2.1"}, "'192.0.2.1' is no address of this machine"),
        ({"host": "no such host"}, "'no such host' is no address of this machine"),
        ({"port": 70_000}, "port 70000 does not exist: choose one from 1 to 65535"),
    ],
)
def test_an_impossible_address_is_one_clear_line(settings, message):
    listener = Listener(ListenerSettings(name="main", **{"port": 0, **settings}), POLICY, answer, Rejections())
    with pytest.raises(InvalidRequest, match=message):
        listener.start()


def test_a_port_that_needs_privileges_says_so(monkeypatch):
    def forbidden(*_args, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "create_server", forbidden)
    listener = Listener(ListenerSettings(name="main", port=104), POLICY, answer, Rejections())
    with pytest.raises(InvalidRequest, match="port 104 needs privileges: set a port above 1023"):
        listener.start()


def test_without_a_host_every_interface_is_listened_on(patient):
    with listening(patient, host="") as (listener, rejections):
        families = ["127.0.0.1", "::1"] if socket.has_dualstack_ipv6() and has_ipv6_loopback() else ["127.0.0.1"]
        for host in families:
            peer = RawPeer.connect(listener.port, host)
            peer.send(request(called="OTHER"))
            peer.receive()
            peer.close()
        assert [rejection.peer_address for rejection in rejections.recent()] == families[::-1]


def test_stopping_lets_a_running_association_finish(patient):
    begun, finish = threading.Event(), threading.Event()

    def handle(association):
        received = association.receive()
        begun.set()
        assert finish.wait(PATIENCE_S)
        association.send(1, CEchoRSP(message_id_being_responded_to=received.message.message_id, status=0))
        assert association.receive() is None

    with listening(patient, handle) as (listener, _rejections):
        peer, _accepted = ask(listener.port)
        peer.send(command(CEchoRQ(message_id=1)))
        assert begun.wait(PATIENCE_S)
        stopping = threading.Thread(target=listener.stop, args=(20,))
        stopping.start()
        deadline = time.monotonic() + PATIENCE_S
        while listener.standing().is_open and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(ConnectionRefusedError):
            RawPeer.connect(listener.port)
        finish.set()
        assert peer.receive_message().status == 0
        leave(peer)
        stopping.join(PATIENCE_S)
        assert not stopping.is_alive()


def test_stopping_aborts_what_asks_nothing_any_more(patient):
    with listening(patient) as (listener, _rejections):
        peer, _accepted = ask(listener.port)
        listener.stop(drain_s=30)
        assert peer.receive() == Abort()
        peer.close()


def test_stopping_aborts_what_does_not_finish_in_time(patient):
    outcome, begun = [], threading.Event()

    def handle(association):
        association.receive()
        begun.set()
        try:
            association.read_data_set(lambda _: None)
            association.receive()
        except Unavailable as error:
            outcome.append(str(error))
            raise

    with listening(patient, handle) as (listener, _rejections):
        peer, _accepted = ask(listener.port)
        peer.send(command(CEchoRQ(message_id=1, has_data_set=True)))
        assert begun.wait(PATIENCE_S)
        listener.stop(drain_s=0.2)
        assert peer.receive() in {Abort(), None}
        peer.close()
    assert outcome == ["aborted: we are stopping"]


def test_stopping_twice_or_without_a_start_is_quiet(patient):
    with listening(patient) as (listener, _rejections):
        listener.stop()
        listener.stop()
    Listener(ListenerSettings(name="main"), POLICY, answer, Rejections()).stop()


def test_connections_beyond_all_room_are_closed_at_once(patient, monkeypatch):
    monkeypatch.setattr("calotype.network.listener._SPARE_CONNECTIONS", 0)
    with listening(patient, max_associations=1) as (listener, rejections):
        first, _accepted = ask(listener.port)
        with RawPeer.connect(listener.port) as second:
            assert second.receive() is None
        assert rejections.recent()[0].detail == "too many connections"
        leave(first)


def test_connections_of_one_address_that_say_nothing_leave_room_for_others(patient, monkeypatch):
    monkeypatch.setattr("calotype.network.listener._SPARE_CONNECTIONS_PER_PEER", 1)
    with listening(patient, max_associations=10, max_associations_per_peer=1) as (listener, rejections):
        first, _accepted = ask(listener.port)
        with ExitStack() as silent:
            second, third = (silent.enter_context(RawPeer.connect(listener.port)) for _ in range(2))
            # They are taken at once, by whoever waits: either may be the one that there is no room for.
            refused, _, _ = select.select([second.socket, third.socket], [], [], PATIENCE_S)
            assert [peer.recv(1) for peer in refused] == [b""]
            with RawPeer.connect(listener.port, source="127.0.0.2") as fourth:
                fourth.send(request())
                assert isinstance(fourth.receive(), AssociateAC)
        assert [r.detail for r in rejections.recent()] == ["too many connections from this address"]
        leave(first)


def test_the_rooms_of_an_address_are_given_back(patient, monkeypatch):
    monkeypatch.setattr("calotype.network.listener._SPARE_CONNECTIONS_PER_PEER", 0)
    with listening(patient, max_associations_per_peer=2) as (listener, _rejections):
        deadline = time.monotonic() + PATIENCE_S
        served = 0
        while served < 6 and time.monotonic() < deadline:
            # The threads of those before have said goodbye, yet may be about to end: then one is turned away.
            with suppress(ConnectionError):
                peer, answered = ask(listener.port)
                with peer:
                    if isinstance(answered, AssociateAC):
                        leave(peer)
                        served += 1
        assert served == 6


def test_an_association_that_has_ended_leaves_its_buffer_to_the_next(patient, monkeypatch):
    monkeypatch.setattr("calotype.network.pump._spare_buffers", deque())
    buffers = []

    def handle(association):
        buffers.append(association._pump._buffer.obj)
        answer(association)

    for _ in range(2):
        with listening(patient, handle) as (listener, _):
            peer, _ = ask(listener.port)
            with peer:
                leave(peer)
    assert buffers[0] is buffers[1]


def test_a_listener_tells_who_is_connected_and_what_has_passed(patient):
    with listening(patient) as (listener, _rejections):
        before_us = time.time_ns() // 1000
        peer, _accepted = ask(listener.port)
        peer.send(command(CEchoRQ(message_id=5)))
        peer.receive_message()
        standing = listener.standing()
        [live] = standing.associations
        assert (live.calling_ae_title, live.called_ae_title, live.peer_address) == ("RAW", "NODE", "127.0.0.1")
        assert before_us <= live.since_us <= time.time_ns() // 1000
        assert live.messages_received == 1
        assert (standing.is_open, standing.totals.associations) == (True, 1)
        leave(peer)
        stranger, _rejected = ask(listener.port, called="OTHER")
        stranger.close()
    standing = listener.standing()
    assert (standing.is_open, standing.associations) == (False, [])
    totals = standing.totals
    assert (totals.associations, totals.rejections) == (1, 1)
    assert (totals.messages_received, totals.messages_sent) == (1, 1)
