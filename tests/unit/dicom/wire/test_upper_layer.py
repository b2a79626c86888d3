"""The protocol machine in dialogues: what comes in, what goes out, in order (PS3.8 9.2)."""

from __future__ import annotations

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.pdu import (
    REJECT_CALLED_AE_TITLE,
    REJECT_PROTOCOL_VERSION,
    Abort,
    AssociateAC,
    AssociateRQ,
    PDataTF,
    PresentationDataValue,
    ReleaseRP,
    ReleaseRQ,
)
from calotype.dicom.wire.pdu_items import PresentationContextProposed, PresentationContextResult, UserInformation
from calotype.dicom.wire.states import State
from calotype.dicom.wire.upper_layer import (
    MAX_ASSOCIATE_BYTES,
    Aborted,
    AssociationAccepted,
    AssociationRejected,
    AssociationRequested,
    CloseConnection,
    ConnectionLost,
    DataFragment,
    ReleaseConfirmed,
    ReleaseRequested,
    Role,
    SendBytes,
    StartArtim,
    StopArtim,
    UpperLayer,
    WrongState,
)

IMPLICIT = UID("1.2.840.10008.1.2")
RQ = AssociateRQ("US", "THEM", (PresentationContextProposed(1, UID("1.2"), (IMPLICIT,)),), UserInformation())
AC = AssociateAC("US", "THEM", (PresentationContextResult(1, 0, IMPLICIT),), UserInformation())
DATA = PDataTF((PresentationDataValue(1, is_command=False, is_last=True, data=b"12345678"),))


def receive(layer, *pdus):
    raw = b"".join(pdu if isinstance(pdu, bytes) else pdu.encode() for pdu in pdus)
    return layer.receive(memoryview(raw))


def acceptor(state=State.STA6, **options):
    layer = UpperLayer(Role.ACCEPTOR, **options)
    layer.connected()
    if state is not State.STA2:
        receive(layer, RQ)
        layer.send(AC)
    if state is State.STA7:
        layer.send(ReleaseRQ())
    if state is State.STA8:
        receive(layer, ReleaseRQ())
    if state is State.STA13:
        layer.send(Abort())
    assert layer.state is state
    return layer


def requestor(state=State.STA6):
    layer = UpperLayer(Role.REQUESTOR)
    layer.connected()
    layer.send(RQ)
    if state is not State.STA5:
        receive(layer, AC)
    if state is State.STA7:
        layer.send(ReleaseRQ())
    assert layer.state is state
    return layer


def fragment(data, *, is_command=False, is_last=True, ends_pdv=True):
    return DataFragment(1, is_command, is_last, memoryview(data), ends_pdv)


def test_association_is_accepted_used_and_released_by_the_peer():
    layer = UpperLayer(Role.ACCEPTOR)

    assert layer.connected() == [StartArtim()]
    assert receive(layer, RQ) == [StopArtim(), AssociationRequested(RQ)]
    assert layer.send(AC) == [SendBytes(AC.encode())]
    assert receive(layer, DATA) == [fragment(b"12345678")]
    assert layer.send(DATA) == [SendBytes(DATA.encode())]
    assert receive(layer, ReleaseRQ()) == [ReleaseRequested()]
    assert layer.send(ReleaseRP()) == [SendBytes(ReleaseRP().encode()), StartArtim()]
    assert layer.connection_closed() == [StopArtim()]
    assert layer.state is State.STA1


def test_association_is_requested_used_and_released_by_us():
    layer = UpperLayer(Role.REQUESTOR)

    assert layer.connected() == []
    assert layer.send(RQ) == [SendBytes(RQ.encode())]
    assert receive(layer, AC) == [AssociationAccepted(AC)]
    assert layer.send(DATA) == [SendBytes(DATA.encode())]
    assert layer.send(ReleaseRQ()) == [SendBytes(ReleaseRQ().encode())]
    assert receive(layer, DATA, ReleaseRP()) == [fragment(b"12345678"), ReleaseConfirmed(), CloseConnection()]
    assert layer.state is State.STA1


def test_request_waits_for_a_connection_that_is_not_open_yet():
    layer = UpperLayer(Role.REQUESTOR)

    assert layer.send(RQ) == []
    assert layer.connected() == [SendBytes(RQ.encode())]


def test_association_is_rejected_by_us():
    layer = acceptor(State.STA2)
    receive(layer, RQ)

    assert layer.send(REJECT_CALLED_AE_TITLE) == [SendBytes(REJECT_CALLED_AE_TITLE.encode()), StartArtim()]
    assert layer.artim_expired() == [StopArtim(), CloseConnection()]


def test_association_is_rejected_by_the_peer():
    layer = requestor(State.STA5)

    assert receive(layer, REJECT_CALLED_AE_TITLE) == [AssociationRejected(REJECT_CALLED_AE_TITLE), CloseConnection()]


def test_protocol_version_that_we_do_not_speak_is_rejected_by_the_machine():
    layer = acceptor(State.STA2)
    version_2 = AssociateRQ("US", "THEM", RQ.presentation_contexts, UserInformation(), protocol_version=2)

    assert receive(layer, version_2) == [StopArtim(), SendBytes(REJECT_PROTOCOL_VERSION.encode()), StartArtim()]
    assert layer.state is State.STA13


def test_later_protocol_version_that_includes_ours_is_taken():
    both = AssociateRQ("US", "THEM", RQ.presentation_contexts, UserInformation(), protocol_version=3)

    assert receive(acceptor(State.STA2), both) == [StopArtim(), AssociationRequested(both)]


def test_silent_connection_is_closed_when_artim_expires():
    assert acceptor(State.STA2).artim_expired() == [StopArtim(), CloseConnection()]


@pytest.mark.parametrize("make", [acceptor, requestor])
def test_abort_from_the_peer_is_indicated_and_closes(make):
    layer = make()

    assert receive(layer, Abort(2, 6), DATA) == [Aborted(2, 6), CloseConnection()]
    assert layer.state is State.STA1


def test_abort_from_us_waits_for_the_peer_to_close():
    layer = acceptor()

    assert layer.send(Abort()) == [SendBytes(Abort().encode()), StartArtim()]
    assert receive(layer, DATA, ReleaseRQ(), DATA) == []
    assert receive(layer, Abort()) == [StopArtim(), CloseConnection()]


def test_abort_from_us_in_the_middle_of_a_pdu_drops_the_rest_of_it():
    layer = acceptor()
    two = PDataTF((DATA.pdvs[0], DATA.pdvs[0])).encode()
    receive(layer, two[:15])
    layer.send(Abort())

    assert receive(layer, two[15:], Abort()) == [StopArtim(), CloseConnection()]


def test_abort_from_us_in_the_middle_of_a_pdv_header_drops_the_rest_of_its_pdu():
    layer = acceptor()
    two = PDataTF((DATA.pdvs[0], DATA.pdvs[0])).encode()
    receive(layer, two[:23])
    layer.send(Abort())

    assert receive(layer, two[23:], Abort()) == [StopArtim(), CloseConnection()]


def test_lost_connection_is_indicated():
    assert acceptor().connection_closed() == [ConnectionLost()]
    assert requestor(State.STA5).connection_closed() == [ConnectionLost()]


def test_what_comes_after_the_end_means_nothing():
    layer = acceptor()
    layer.connection_closed()

    assert [layer.connection_closed(), layer.artim_expired(), receive(layer, RQ, DATA)] == [[], [], []]


def test_release_collision_for_the_requestor():
    layer = requestor(State.STA7)

    assert receive(layer, ReleaseRQ()) == [ReleaseRequested()]
    assert layer.send(ReleaseRP()) == [SendBytes(ReleaseRP().encode())]
    assert receive(layer, ReleaseRP()) == [ReleaseConfirmed(), CloseConnection()]


def test_release_collision_for_the_acceptor():
    layer = acceptor(State.STA7)

    assert receive(layer, ReleaseRQ(), ReleaseRP()) == [ReleaseRequested(), ReleaseConfirmed()]
    assert layer.send(ReleaseRP()) == [SendBytes(ReleaseRP().encode()), StartArtim()]


def test_data_may_be_sent_until_we_ask_for_release():
    answers = {state: acceptor(state).can_send_data for state in (State.STA2, State.STA6, State.STA7, State.STA8)}

    assert answers == {State.STA2: False, State.STA6: True, State.STA7: False, State.STA8: True}
    assert acceptor(State.STA8).send(DATA) == [SendBytes(DATA.encode())]


@pytest.mark.parametrize(
    ("layer", "pdu"),
    [
        (UpperLayer(Role.ACCEPTOR), RQ),
        (acceptor(), RQ),
        (requestor(), RQ),
        (acceptor(State.STA2), AC),
        (acceptor(State.STA2), Abort()),
        (acceptor(), ReleaseRP()),
        (acceptor(State.STA7), DATA),
        (acceptor(State.STA13), ReleaseRQ()),
    ],
)
def test_primitive_in_a_state_without_room_for_it_is_our_own_mistake(layer, pdu):
    before = layer.state
    with pytest.raises(WrongState):
        layer.send(pdu)
    assert layer.state is before


UNEXPECTED = Abort(2, 2).encode()


@pytest.mark.parametrize("pdu", [RQ, AC, REJECT_CALLED_AE_TITLE, ReleaseRP()], ids=lambda pdu: type(pdu).__name__)
def test_pdu_that_has_no_place_in_an_association_aborts_it(pdu):
    layer = acceptor()
    [send, indication, artim] = receive(layer, pdu)

    assert (send, artim) == (SendBytes(UNEXPECTED), StartArtim())
    assert isinstance(indication, Aborted)
    assert (indication.source, indication.reason) == (2, 2)
    assert indication.detail == layer.fault
    assert layer.fault.endswith(" in Sta6")


@pytest.mark.parametrize("pdu", [AC, DATA, ReleaseRQ(), ReleaseRP()], ids=lambda pdu: type(pdu).__name__)
def test_pdu_before_the_request_aborts_without_indication(pdu):
    assert receive(acceptor(State.STA2), pdu) == [SendBytes(Abort().encode()), StartArtim()]


def test_data_before_the_answer_aborts():
    layer = acceptor(State.STA2)

    assert receive(layer, RQ, DATA) == [
        StopArtim(),
        AssociationRequested(RQ),
        SendBytes(UNEXPECTED),
        Aborted(2, 2, "P-DATA-TF in Sta3"),
        StartArtim(),
    ]


def test_data_after_the_peer_asked_for_release_aborts():
    assert receive(acceptor(State.STA8), DATA) == [
        SendBytes(UNEXPECTED),
        Aborted(2, 2, "P-DATA-TF in Sta8"),
        StartArtim(),
    ]


def test_request_after_our_abort_is_answered_with_an_abort():
    layer = acceptor(State.STA13)

    assert receive(layer, RQ) == [SendBytes(Abort(2, 2).encode())]


UNREADABLE = {
    "a web browser": (b"GET / HTTP/1.1\r\n\r\n", 1, "PDU of unknown type 47H"),
    "a TLS client": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 1, "PDU of unknown type 16H"),
    "an endless request": (b"\x01\0\xff\xff\xff\xff", 6, "A-ASSOCIATE-RQ of 4294967295 bytes; at most 1048576"),
    "a request just too long": (b"\x01\0\0\x10\0\x01", 6, "A-ASSOCIATE-RQ of 1048577 bytes"),
    "an empty request": (b"\x01\0\0\0\0\0", 6, "A-ASSOCIATE-RQ of 0 bytes"),
    "a long abort": (b"\x07\0\0\0\0\x05", 6, "A-ABORT of 5 bytes where 4 belong"),
    "data longer than announced": (b"\x04\0\0\0\x10\x01", 6, "P-DATA-TF of 4097 bytes; at most 4096 were announced"),
    "data too short for a PDV": (b"\x04\0\0\0\0\x05", 6, "P-DATA-TF of 5 bytes: too short for a PDV"),
    "PDV past its PDU": (b"\x04\0\0\0\0\x08\0\0\0\x05\x01\x03", 6, "a PDV claims 5 bytes, its P-DATA-TF has 4 left"),
    "PDV past its PDU, data in sight": (b"\x04\0\0\0\0\x08\0\0\0\x05\x01\x03" + b"d" * 9, 6, "a PDV claims 5 bytes"),
    "PDV of length 1": (b"\x04\0\0\0\0\x08\0\0\0\x01\x01\x03", 6, "a PDV claims 1 bytes"),
    "PDV of endless length": (b"\x04\0\0\0\0\x08\xff\xff\xff\xff\x01\x03", 6, "a PDV claims 4294967295 bytes"),
    "bytes after the last PDV": (b"\x04\0\0\0\0\x0b\0\0\0\x04\x01\x03ddd", 6, "3 bytes are left over"),
}


@pytest.mark.parametrize(("raw", "reason", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_bytes_abort_and_nothing_more_is_read(raw, reason, why):
    layer = acceptor(max_pdu_bytes=4096)

    [send, indication, artim] = receive(layer, raw)
    assert (send, artim) == (SendBytes(Abort(2, reason).encode()), StartArtim())
    assert isinstance(indication, Aborted)
    assert why in indication.detail
    assert receive(layer, RQ, Abort()) == []
    assert layer.artim_expired() == [StopArtim(), CloseConnection()]


def test_unreadable_bytes_before_the_request_abort_without_indication():
    layer = acceptor(State.STA2)

    assert receive(layer, b"GET / HTTP/1.1\r\n\r\n") == [SendBytes(Abort().encode()), StartArtim()]
    assert layer.fault == "PDU of unknown type 47H, as an HTTP request begins"


def test_unreadable_items_abort():
    layer = acceptor(State.STA2)
    raw = bytearray(RQ.encode())
    raw[76] = 0xFF

    assert receive(layer, bytes(raw)) == [SendBytes(Abort().encode()), StartArtim()]
    assert layer.fault.startswith("item 10H claims ")


def test_longest_pdu_that_was_announced_is_taken():
    layer = acceptor(max_pdu_bytes=4096)
    longest = PDataTF((PresentationDataValue(1, is_command=False, is_last=True, data=bytes(4090)),)).encode()

    assert len(longest) == 4096 + 6
    assert receive(layer, longest) == [fragment(bytes(4090))]


def test_no_announced_maximum_takes_any_length():
    layer = acceptor(max_pdu_bytes=0)

    assert receive(layer, b"\x04\0\xff\xff\xff\xff\xff\xff\xff\xfb\x01\x00abc") == [
        fragment(b"abc", is_last=False, ends_pdv=False)
    ]


def test_request_in_single_bytes_is_collected():
    layer = acceptor(State.STA2)
    events = [event for byte in RQ.encode() for event in receive(layer, bytes((byte,)))]

    assert events == [StopArtim(), AssociationRequested(RQ)]


def test_slices_are_views_into_the_chunk():
    layer = acceptor()
    chunk = bytearray(DATA.encode())

    [only] = layer.receive(memoryview(chunk))
    chunk[-1:] = b"!"
    assert bytes(only.data) == b"1234567!"
    only.data.release()


def test_pdv_goes_on_slice_by_slice_as_it_arrives():
    layer = acceptor()
    raw = DATA.encode()

    assert receive(layer, raw[:15]) == [fragment(b"123", ends_pdv=False)]
    assert receive(layer, raw[15:17]) == [fragment(b"45", ends_pdv=False)]
    assert receive(layer, raw[17:], raw[:5]) == [fragment(b"678")]
    assert receive(layer, raw[5:]) == [fragment(b"12345678")]


def test_pdu_may_hold_many_pdvs_and_empty_ones():
    layer = acceptor()
    pdvs = (
        PresentationDataValue(1, is_command=True, is_last=False, data=b"ab"),
        PresentationDataValue(1, is_command=True, is_last=True, data=b""),
        PresentationDataValue(1, is_command=False, is_last=True, data=b"c"),
    )

    assert receive(layer, PDataTF(pdvs), DATA) == [
        fragment(b"ab", is_command=True, is_last=False),
        fragment(b"", is_command=True),
        fragment(b"c"),
        fragment(b"12345678"),
    ]


def test_reserved_bits_of_the_control_header_are_ignored():
    assert receive(acceptor(), b"\x04\0\0\0\0\x07\0\0\0\x03\x01\xffd") == [fragment(b"d", is_command=True)]


def test_associate_body_is_the_only_thing_kept():
    layer = acceptor(State.STA2)
    receive(layer, b"\x01\0" + MAX_ASSOCIATE_BYTES.to_bytes(4, "big"), b"\xff" * (MAX_ASSOCIATE_BYTES - 1))

    assert len(layer._body) == MAX_ASSOCIATE_BYTES - 1
    assert receive(layer, b"\xff") == [SendBytes(Abort().encode()), StartArtim()]
    assert len(layer._body) == 0
