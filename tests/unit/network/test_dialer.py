"""Reaching out: what comes back, and what is said when it does not."""

import socket
import threading
from contextlib import contextmanager

import pytest

from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLEMENTATION_CLASS_UID, VERIFICATION
from calotype.dicom.wire.messages import CEchoRQ, CEchoRSP
from calotype.dicom.wire.negotiation import AcceptancePolicy, negotiate
from calotype.dicom.wire.pdu import REJECT_LOCAL_LIMIT_EXCEEDED, Abort, AssociateRQ, ReleaseRP, ReleaseRQ
from calotype.dicom.wire.pdu_items import RoleSelection
from calotype.errors import InvalidRequest, Unavailable
from calotype.network.dialer import dial
from calotype.network.failures import AssociationEnded, AssociationRejected
from calotype.network.settings import DialSettings
from support.raw_peers import CONTEXTS, CT, PATIENCE_S, RawPeer, closed_port, command

SYNTAXES = {VERIFICATION: (EXPLICIT_VR_LITTLE_ENDIAN,)}
POLICY = AcceptancePolicy(
    called_ae_titles=None, abstract_syntaxes=SYNTAXES, scp_abstract_syntaxes={CT: (EXPLICIT_VR_LITTLE_ENDIAN,)}
)


def reach(port, settings, **more):
    return dial(
        "127.0.0.1",
        port,
        calling_ae_title="US",
        called_ae_title="THEM",
        contexts=CONTEXTS,
        settings=settings,
        **more,
    )


@pytest.fixture
def settings(patient, capabilities):
    return DialSettings(timeouts=patient, capabilities=capabilities)


@contextmanager
def peer_that(behaves):
    """Listen, and let ``behaves(peer, request)`` answer the first association request in a thread; yield the port."""

    def serve(listening):
        connection, _ = listening.accept()
        connection.settimeout(PATIENCE_S)
        with RawPeer(connection) as peer:
            behaves(peer, peer.receive())

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        yield listening.getsockname()[1]
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_an_association_is_asked_for_used_and_released(settings):
    asked = []

    def behave(peer, request):
        asked.append(request)
        peer.send(negotiate(request, POLICY))
        echo = peer.receive_message()
        peer.send(command(CEchoRSP(message_id_being_responded_to=echo.message_id, status=0)))
        assert peer.receive() == ReleaseRQ()
        peer.send(ReleaseRP())
        assert peer.receive() is None

    roles = (RoleSelection(CT, scu=False, scp=True),)
    with peer_that(behave) as port, reach(port, settings, roles=roles) as association:
        assert association.is_requestor
        assert set(association.contexts) == {1, 3}
        assert association.find_context(CT, as_scp=True) is association.contexts[3]
        assert association.find_context(CT) is None
        association.send(1, CEchoRQ(message_id=4))
        assert association.receive().message == CEchoRSP(message_id_being_responded_to=4, status=0)
    [request] = asked
    assert isinstance(request, AssociateRQ)
    assert (request.calling_ae_title, request.called_ae_title) == ("US", "THEM")
    assert (request.user_information.max_pdu_bytes, request.user_information.roles) == (262_144, roles)
    assert request.user_information.implementation_class_uid == IMPLEMENTATION_CLASS_UID


def test_a_message_right_behind_the_acceptance_is_not_lost(settings):
    def behave(peer, request):
        peer.send(negotiate(request, POLICY), command(CEchoRQ(message_id=1)))
        assert peer.receive() == Abort()

    with peer_that(behave) as port:
        association = reach(port, settings)
        assert association.receive().message == CEchoRQ(message_id=1)
        association.abort()


def test_an_error_inside_the_block_aborts(settings):
    def behave(peer, request):
        peer.send(negotiate(request, POLICY))
        assert peer.receive() == Abort()

    with peer_that(behave) as port, pytest.raises(KeyError), reach(port, settings):
        raise KeyError


def test_a_release_that_both_ask_for_ends_well(settings):
    def behave(peer, request):
        peer.send(negotiate(request, POLICY))
        assert peer.receive() == ReleaseRQ()
        peer.send(ReleaseRQ())
        assert peer.receive() == ReleaseRP()
        peer.send(ReleaseRP())
        assert peer.receive() is None

    with peer_that(behave) as port:
        association = reach(port, settings)
        association.release()
        assert association.released


def test_a_release_that_the_peer_asked_for_first_is_answered(settings):
    def behave(peer, request):
        peer.send(negotiate(request, POLICY), command(CEchoRQ(message_id=1)), ReleaseRQ())
        assert peer.receive() == ReleaseRP()

    with peer_that(behave) as port:
        association = reach(port, settings)
        association.receive()
        assert association.hears(PATIENCE_S)
        assert not association.cancel_requested(1)
        association.release()
        assert association.released


def test_a_rejection_is_told_in_words(settings):
    with (
        peer_that(lambda peer, _: (peer.send(REJECT_LOCAL_LIMIT_EXCEEDED), peer.receive())) as port,
        pytest.raises(AssociationRejected) as caught,
    ):
        reach(port, settings)
    assert str(caught.value) == (
        f"THEM (127.0.0.1:{port}) rejected the association: local limit exceeded (result 2, source 3, reason 2), "
        "try again later"
    )
    assert (caught.value.result, caught.value.source, caught.value.code) == (2, 3, 2)


@pytest.mark.parametrize("answer", [Abort(), b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_peer_that_does_not_answer_properly_is_unavailable(settings, answer):
    with peer_that(lambda peer, _: peer.send(answer)) as port, pytest.raises(Unavailable, match="THEM"):
        reach(port, settings)


def test_a_peer_that_takes_absurdly_short_pdus_is_not_used(settings):
    def behave(peer, request):
        policy = AcceptancePolicy(called_ae_titles=None, abstract_syntaxes=SYNTAXES, max_pdu_bytes=8)
        peer.send(negotiate(request, policy))
        assert peer.receive() == Abort()

    with peer_that(behave) as port, pytest.raises(Unavailable, match="PDUs of 8 bytes: too short"):
        reach(port, settings)


def test_nobody_there_is_one_clear_line(settings):
    with (
        closed_port() as port,
        pytest.raises(Unavailable, match=rf"nobody listens at THEM \(127.0.0.1:{port}\): check the port"),
    ):
        reach(port, settings)


def test_a_port_that_does_not_exist_is_one_clear_line(settings):
    with pytest.raises(InvalidRequest, match="choose one from 1 to 65535"):
        reach(70_000, settings)


def test_an_unknown_host_is_one_clear_line(settings):
    with pytest.raises(Unavailable, match=r"host name of THEM \(no such host:104\) is not known"):
        dial(
            "no such host",
            104,
            calling_ae_title="US",
            called_ae_title="THEM",
            contexts=CONTEXTS,
            settings=settings,
        )


def test_a_peer_that_vanishes_during_release_is_an_error(settings):
    def behave(peer, request):
        peer.send(negotiate(request, POLICY))
        peer.receive()

    with peer_that(behave) as port:
        association = reach(port, settings)
        with pytest.raises(AssociationEnded, match="without releasing"):
            association.release()
