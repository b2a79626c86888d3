"""Fragments to messages and back (PS3.7 6.3, PS3.8 Annex E)."""

from __future__ import annotations

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.command_sets import encode_message
from calotype.dicom.wire.dimse import (
    MAX_COMMAND_SET_BYTES,
    CommandReceived,
    DataSetEnd,
    DataSetFragment,
    MessageAssembler,
    command_pdus,
    data_set_pdus,
    fragment_bytes,
)
from calotype.dicom.wire.messages import CEchoRQ, CStoreRQ, InvalidMessage
from calotype.dicom.wire.pdu import PDataTF
from calotype.dicom.wire.primitives import DataFragment
from calotype.errors import InvalidRequest

ECHO = CEchoRQ(message_id=1)
STORE = CStoreRQ(message_id=2, affected_sop_class_uid=UID("1.2"), affected_sop_instance_uid=UID("1.2.3"))


def command(data, *, context_id=1, is_last=True, ends_pdv=True):
    return DataFragment(context_id, is_command=True, is_last=is_last, data=memoryview(data), ends_pdv=ends_pdv)


def data_set(data, *, context_id=1, is_last=True, ends_pdv=True):
    return DataFragment(context_id, is_command=False, is_last=is_last, data=memoryview(data), ends_pdv=ends_pdv)


def receive_all(assembler, *fragments):
    return [part for fragment in fragments for part in assembler.receive(fragment)]


def test_command_without_data_set_is_a_message():
    assembler = MessageAssembler({1})

    assert receive_all(assembler, command(encode_message(ECHO))) == [CommandReceived(1, ECHO)]
    assert assembler.is_between_messages


def test_data_set_follows_its_command_and_ends():
    assembler = MessageAssembler({1})

    assert receive_all(
        assembler,
        command(encode_message(STORE)),
        data_set(b"ab", is_last=False),
        data_set(b"c", ends_pdv=False),
        data_set(b"d"),
        command(encode_message(ECHO)),
    ) == [
        CommandReceived(1, STORE),
        DataSetFragment(1, memoryview(b"ab")),
        DataSetFragment(1, memoryview(b"c")),
        DataSetFragment(1, memoryview(b"d")),
        DataSetEnd(1),
        CommandReceived(1, ECHO),
    ]


def test_command_may_come_in_any_fragments():
    raw = encode_message(STORE)
    assembler = MessageAssembler({1})

    fragments = [
        command(raw[:1], is_last=False),
        command(raw[1:7], is_last=False, ends_pdv=False),
        command(raw[7:20], is_last=False),
        command(b"", is_last=False),
        command(raw[20:], ends_pdv=True, is_last=False),
        command(b""),
    ]
    assert receive_all(assembler, *fragments[:-1]) == []
    assert not assembler.is_between_messages
    assert receive_all(assembler, fragments[-1]) == [CommandReceived(1, STORE)]


def test_last_fragment_may_be_empty():
    parts = receive_all(
        MessageAssembler({1}), command(encode_message(STORE)), data_set(b"ab", is_last=False), data_set(b"")
    )

    assert parts[1:] == [DataSetFragment(1, memoryview(b"ab")), DataSetEnd(1)]


OUT_OF_ORDER = {
    "context not accepted": ([command(encode_message(ECHO), context_id=3)], "context 3, which was not accepted"),
    "data without a command": ([data_set(b"x")], "a data set came on context 1 without a command"),
    "data after a command that has none": (
        [command(encode_message(ECHO)), data_set(b"x")],
        "a data set came on context 1 without a command",
    ),
    "data inside a command": (
        [command(b"\0\0", is_last=False), data_set(b"x")],
        "a data set came on context 1 without a command",
    ),
    "command inside a data set": (
        [command(encode_message(STORE)), data_set(b"x", is_last=False), command(encode_message(ECHO))],
        "a command came inside the data set on context 1",
    ),
    "data on another context": (
        [command(encode_message(STORE)), data_set(b"x", context_id=5)],
        "data on context 5 came inside the data set on context 1",
    ),
    "command on another context": (
        [command(b"\0\0", is_last=False), command(b"\0\0", context_id=5)],
        "a command on context 5 came inside one on 1",
    ),
    "endless command": (
        [command(bytes(MAX_COMMAND_SET_BYTES), is_last=False), command(b"\0")],
        "a command set is longer than 65536 bytes",
    ),
    "command that is none": ([command(b"\xff" * 9)], r"\(FFFF,FFFF\) stands in a command set"),
}


@pytest.mark.parametrize(("fragments", "why"), OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
def test_fragments_that_no_message_has_are_refused(fragments, why):
    assembler = MessageAssembler({1, 5})

    receive_all(assembler, *fragments[:-1])
    with pytest.raises(InvalidMessage, match=why):
        assembler.receive(fragments[-1])


def test_command_of_any_length_in_one_fragment_is_bounded():
    huge = encode_message(ECHO) + b"\0\0\1\0" + (MAX_COMMAND_SET_BYTES).to_bytes(4, "little") + bytes(65536)

    with pytest.raises(InvalidMessage, match="a command set is longer than 65536 bytes"):
        MessageAssembler({1}).receive(command(huge))


@pytest.mark.parametrize(
    ("max_pdu_bytes", "expected"),
    [(16384, 16378), (16383, 16376), (8, 2), (0, 1048570), (0xFFFFFFFF, 1048570), (131072, 131066)],
)
def test_fragment_is_even_and_fits_the_peers_maximum(max_pdu_bytes, expected):
    assert fragment_bytes(max_pdu_bytes) == expected


def test_peer_that_takes_nothing_is_an_error():
    with pytest.raises(InvalidRequest, match="the peer takes PDUs of 7 bytes at most: no data fits into them"):
        fragment_bytes(7)


def pdvs(pdus):
    return [pdv for pdu in pdus for pdv in PDataTF.decode(pdu[6:]).pdvs]


def test_command_is_one_pdu():
    [pdv] = pdvs(command_pdus(7, STORE, 16384))

    assert (pdv.context_id, pdv.is_command, pdv.is_last) == (7, True, True)
    assert pdv.data == encode_message(STORE)


def test_command_is_cut_for_a_tiny_peer():
    parts = pdvs(command_pdus(7, STORE, 38))

    assert b"".join(pdv.data for pdv in parts) == encode_message(STORE)
    assert [len(pdv.data) for pdv in parts[:-1]] == [32] * (len(parts) - 1)
    assert [pdv.is_last for pdv in parts] == [False] * (len(parts) - 1) + [True]


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 64, 100])
def test_data_set_is_cut_into_pdus_in_parts(size):
    source = bytes(range(size))
    parts = list(data_set_pdus(3, source, 38))
    sent = pdvs(bytes(prefix) + bytes(piece) for prefix, piece in zip(parts[::2], parts[1::2], strict=True))

    assert b"".join(pdv.data for pdv in sent) == source
    assert [len(pdv.data) for pdv in sent[:-1]] == [32] * (len(sent) - 1)
    assert [pdv.is_last for pdv in sent] == [False] * (len(sent) - 1) + [True]
    assert {(pdv.context_id, pdv.is_command) for pdv in sent} == {(3, False)}
