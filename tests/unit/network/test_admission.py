"""Who is let in: addresses, AE titles and limits, without a socket."""

from ipaddress import ip_network

import pytest

from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from calotype.dicom.wire.negotiation import AcceptancePolicy
from calotype.dicom.wire.pdu import (
    REJECT_APPLICATION_CONTEXT,
    REJECT_CALLED_AE_TITLE,
    REJECT_CALLING_AE_TITLE,
    REJECT_LOCAL_LIMIT_EXCEEDED,
    REJECT_NO_REASON,
    REJECT_TEMPORARY_CONGESTION,
    AssociateAC,
    AssociateRQ,
)
from calotype.dicom.wire.pdu_items import PresentationContextProposed, UserInformation
from calotype.network.admission import Admission, Refusal, plain_address
from calotype.network.settings import ListenerSettings

CONTEXTS = (PresentationContextProposed(1, VERIFICATION, (IMPLICIT_VR_LITTLE_ENDIAN,)),)


def admission(**settings):
    policy = AcceptancePolicy(
        called_ae_titles=frozenset({"CALOTYPE"}),
        calling_ae_titles=frozenset({"CT1"}),
        abstract_syntaxes={VERIFICATION: (IMPLICIT_VR_LITTLE_ENDIAN,)},
    )
    return Admission(ListenerSettings(name="main", **settings), policy)


def request(called="CALOTYPE", calling="CT1", max_pdu_bytes=16384, **more):
    return AssociateRQ(called, calling, CONTEXTS, UserInformation(max_pdu_bytes=max_pdu_bytes), **more)


def test_a_known_peer_is_let_in():
    assert isinstance(admission().decide(request(), "192.0.2.1"), AssociateAC)


@pytest.mark.parametrize(
    ("asked", "pdu", "detail"),
    [
        (request(called="OTHER"), REJECT_CALLED_AE_TITLE, "the called AE title 'OTHER' is none of the listener's"),
        (request(calling="X"), REJECT_CALLING_AE_TITLE, "the calling AE title 'X' is not in the listener's list"),
        (
            request(application_context="1.2.3"),
            REJECT_APPLICATION_CONTEXT,
            "the application context '1.2.3' is not DICOM's",
        ),
        (request(max_pdu_bytes=8), REJECT_NO_REASON, "the peer takes PDUs of 8 bytes: too short to serve"),
        (
            AssociateRQ("CALOTYPE", "CT1", (), UserInformation()),
            REJECT_NO_REASON,
            "no presentation context is proposed",
        ),
    ],
)
def test_a_refusal_says_why(asked, pdu, detail):
    assert admission().decide(asked, "192.0.2.1") == Refusal(pdu, detail)


@pytest.mark.parametrize(
    ("address", "let_in"),
    [("10.1.2.3", True), ("10.2.0.1", False), ("2001:db8::7", True), ("2001:db9::7", False)],
)
def test_only_addresses_of_the_peer_networks_are_let_in(address, let_in):
    door = admission(peers=(ip_network("10.1.0.0/16"), ip_network("2001:db8::/32")))
    answer = door.decide(request(), address)
    assert isinstance(answer, AssociateAC) is let_in
    if not let_in:
        assert answer == Refusal(
            REJECT_NO_REASON, f"the address {address} is in none of the listener's peer networks"
        )


def test_an_ipv4_address_is_itself_on_an_ipv6_socket():
    assert plain_address("::ffff:10.1.2.3") == "10.1.2.3"
    assert plain_address("fe80::1%eth0") == "fe80::1"


def test_the_limit_of_a_listener_is_given_back_by_who_leaves():
    door = admission(max_associations=2)
    assert isinstance(door.decide(request(), "192.0.2.1"), AssociateAC)
    assert isinstance(door.decide(request(), "192.0.2.2"), AssociateAC)
    full = Refusal(REJECT_LOCAL_LIMIT_EXCEEDED, "all 2 associations of the listener are in use")
    assert door.decide(request(), "192.0.2.3") == full
    door.leave("192.0.2.1")
    assert isinstance(door.decide(request(), "192.0.2.3"), AssociateAC)


def test_the_limit_of_a_peer_leaves_room_for_others():
    door = admission(max_associations_per_peer=1)
    assert isinstance(door.decide(request(), "192.0.2.1"), AssociateAC)
    full = Refusal(REJECT_LOCAL_LIMIT_EXCEEDED, "192.0.2.1 has its 1 associations already")
    assert door.decide(request(), "192.0.2.1") == full
    assert isinstance(door.decide(request(), "192.0.2.2"), AssociateAC)


def test_a_rejected_request_takes_no_place():
    door = admission(max_associations=1)
    door.decide(request(called="OTHER"), "192.0.2.1")
    assert isinstance(door.decide(request(), "192.0.2.1"), AssociateAC)


def test_nobody_is_let_in_while_stopping():
    door = admission()
    door.stop()
    assert door.decide(request(), "192.0.2.1") == Refusal(REJECT_TEMPORARY_CONGESTION, "the server is stopping")


@pytest.mark.parametrize(
    ("wished", "settings_order", "chosen"),
    [
        ((), (), IMPLICIT_VR_LITTLE_ENDIAN),
        ((EXPLICIT_VR_LITTLE_ENDIAN,), (), EXPLICIT_VR_LITTLE_ENDIAN),
        ((), (EXPLICIT_VR_LITTLE_ENDIAN,), EXPLICIT_VR_LITTLE_ENDIAN),
        ((IMPLICIT_VR_LITTLE_ENDIAN,), (EXPLICIT_VR_LITTLE_ENDIAN,), IMPLICIT_VR_LITTLE_ENDIAN),
    ],
)
def test_what_we_wish_of_a_peer_comes_before_what_we_prefer_of_all(wished, settings_order, chosen):
    asked = []
    offered = (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN)
    policy = AcceptancePolicy(None, {VERIFICATION: offered}, transfer_syntax_order=settings_order)

    def wish(title, address):
        asked.append((title, address))
        return wished

    door = Admission(ListenerSettings(name="main"), policy, wish)
    proposal = AssociateRQ("ANY", "CT1", (PresentationContextProposed(1, VERIFICATION, offered),), UserInformation())
    answer = door.decide(proposal, "192.0.2.1")
    assert (answer.presentation_contexts[0].transfer_syntax, asked) == (chosen, [("CT1", "192.0.2.1")])
