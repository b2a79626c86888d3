"""Command sets from captioned bytes, in both directions (PS3.7 6.3.1, Annex E)."""

from __future__ import annotations

from io import BytesIO

import pytest
from pynetdicom import dimse_messages
from pynetdicom.dsutils import decode as pynetdicom_decode

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire import command_sets
from calotype.dicom.wire.command_sets import decode_message, encode_message
from calotype.dicom.wire.messages import (
    CCancelRQ,
    CEchoRQ,
    CEchoRSP,
    CFindRQ,
    CFindRSP,
    CGetRQ,
    CGetRSP,
    CMoveRQ,
    CMoveRSP,
    CStoreRQ,
    CStoreRSP,
    InvalidMessage,
    NActionRQ,
    NActionRSP,
    NCreateRQ,
    NCreateRSP,
    NDeleteRQ,
    NDeleteRSP,
    NEventReportRQ,
    NEventReportRSP,
    NGetRQ,
    NGetRSP,
    NSetRQ,
    NSetRSP,
    Priority,
    Request,
)
from calotype.errors import InvalidRequest


def captioned(text):
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))


CLASS, INSTANCE = UID("1.2"), UID("1.2.34")

C_STORE_RQ = captioned("""
    0000 0000 04000000 5A000000           # command group length 90
    0000 0200 04000000 312E3200           # affected SOP class 1.2
    0000 0001 02000000 0100               # command field: C-STORE-RQ
    0000 1001 02000000 0700               # message ID 7
    0000 0007 02000000 0200               # priority: low
    0000 0008 02000000 0000               # command data set type: there is one
    0000 0010 06000000 312E322E3334       # affected SOP instance 1.2.34
    0000 3010 06000000 4D4F56455220       # move originator "MOVER"
    0000 3110 02000000 0300               # move originator message ID 3
""")

COMMAND_SETS = {
    "C-STORE-RQ": (
        C_STORE_RQ,
        CStoreRQ(
            message_id=7,
            affected_sop_class_uid=CLASS,
            affected_sop_instance_uid=INSTANCE,
            priority=Priority.LOW,
            move_originator_ae_title="MOVER",
            move_originator_message_id=3,
        ),
    ),
    "C-STORE-RSP": (
        captioned("""
            0000 0000 04000000 42000000      # command group length 66
            0000 0200 04000000 312E3200      # affected SOP class 1.2
            0000 0001 02000000 0180          # command field: C-STORE-RSP
            0000 2001 02000000 0700          # message ID being responded to 7
            0000 0008 02000000 0101          # command data set type: none
            0000 0009 02000000 0000          # status: success
            0000 0010 06000000 312E322E3334  # affected SOP instance 1.2.34
        """),
        CStoreRSP(
            message_id_being_responded_to=7,
            status=0,
            affected_sop_class_uid=CLASS,
            affected_sop_instance_uid=INSTANCE,
        ),
    ),
    "C-STORE-RSP that failed": (
        captioned("""
            0000 0000 04000000 4A000000      # command group length 74
            0000 0001 02000000 0180          # command field: C-STORE-RSP
            0000 2001 02000000 0700          # message ID being responded to 7
            0000 0008 02000000 0101          # command data set type: none
            0000 0009 02000000 00A9          # status: A900
            0000 0109 08000000 08001800 10001000      # offending elements (0008,0018), (0010,0010)
            0000 0209 0A000000 6E6F 7420 6F75 7273 2E20  # error comment "not ours."
        """),
        CStoreRSP(
            message_id_being_responded_to=7,
            status=0xA900,
            offending_elements=(0x00080018, 0x00100010),
            error_comment="not ours.",
        ),
    ),
    "C-ECHO-RQ": (
        captioned("""
            0000 0000 04000000 38000000                                # command group length 56
            0000 0200 12000000 312E322E3834302E31303030382E312E3100    # affected SOP class: Verification
            0000 0001 02000000 3000                                    # command field: C-ECHO-RQ
            0000 1001 02000000 0100                                    # message ID 1
            0000 0008 02000000 0101                                    # command data set type: none
        """),
        CEchoRQ(message_id=1),
    ),
    "C-MOVE-RSP": (
        captioned("""
            0000 0000 04000000 5C000000      # command group length 92
            0000 0200 04000000 312E3200      # affected SOP class 1.2
            0000 0001 02000000 2180          # command field: C-MOVE-RSP
            0000 2001 02000000 0200          # message ID being responded to 2
            0000 0008 02000000 0101          # command data set type: none
            0000 0009 02000000 00FF          # status: pending
            0000 2010 02000000 FFFF          # remaining: 65535 or more
            0000 2110 02000000 0300          # completed 3
            0000 2210 02000000 0000          # failed 0
            0000 2310 02000000 0100          # warning 1
        """),
        CMoveRSP(
            message_id_being_responded_to=2,
            status=0xFF00,
            affected_sop_class_uid=CLASS,
            number_of_remaining_suboperations=65535,
            number_of_completed_suboperations=3,
            number_of_failed_suboperations=0,
            number_of_warning_suboperations=1,
        ),
    ),
    "C-CANCEL-RQ": (
        captioned("""
            0000 0000 04000000 1E000000      # command group length 30
            0000 0001 02000000 FF0F          # command field: C-CANCEL-RQ
            0000 2001 02000000 0900          # message ID being responded to 9
            0000 0008 02000000 0101          # command data set type: none
        """),
        CCancelRQ(message_id_being_responded_to=9),
    ),
    "N-GET-RQ": (
        captioned("""
            0000 0000 04000000 44000000      # command group length 68
            0000 0300 04000000 312E3200      # requested SOP class 1.2
            0000 0001 02000000 1001          # command field: N-GET-RQ
            0000 1001 02000000 0500          # message ID 5
            0000 0008 02000000 0101          # command data set type: none
            0000 0110 06000000 312E322E3334  # requested SOP instance 1.2.34
            0000 0510 04000000 10214003      # attribute identifiers (2110,0340)
        """),
        NGetRQ(
            message_id=5,
            requested_sop_class_uid=CLASS,
            requested_sop_instance_uid=INSTANCE,
            attribute_identifiers=(0x21100340,),
        ),
    ),
}


@pytest.mark.parametrize(("raw", "message"), COMMAND_SETS.values(), ids=COMMAND_SETS)
def test_command_set_is_written_as_captioned(raw, message):
    assert encode_message(message) == raw


@pytest.mark.parametrize(("raw", "message"), COMMAND_SETS.values(), ids=COMMAND_SETS)
def test_command_set_is_read_as_captioned(raw, message):
    assert int.from_bytes(raw[8:12], "little") == len(raw) - 12
    assert decode_message(raw) == message


REQUEST = {"message_id": 1}
AFFECTED = {"affected_sop_class_uid": CLASS, "affected_sop_instance_uid": INSTANCE}
REQUESTED = {"requested_sop_class_uid": CLASS, "requested_sop_instance_uid": INSTANCE}
RESPONSE = {"message_id_being_responded_to": 1, "status": 0}
COUNTS = {
    "number_of_remaining_suboperations": 4,
    "number_of_completed_suboperations": 3,
    "number_of_failed_suboperations": 2,
    "number_of_warning_suboperations": 1,
}
TAGS = {"attribute_identifiers": (0x00100010, 0x00100020)}
ALL_COMMANDS = [
    (CStoreRQ(**REQUEST, **AFFECTED), "C_STORE_RQ"),
    (CStoreRSP(**RESPONSE, **AFFECTED), "C_STORE_RSP"),
    (CFindRQ(**REQUEST, affected_sop_class_uid=CLASS), "C_FIND_RQ"),
    (CFindRSP(**RESPONSE, has_data_set=True), "C_FIND_RSP"),
    (CGetRQ(**REQUEST, affected_sop_class_uid=CLASS), "C_GET_RQ"),
    (CGetRSP(**RESPONSE, **COUNTS), "C_GET_RSP"),
    (CMoveRQ(**REQUEST, affected_sop_class_uid=CLASS, move_destination="DEST"), "C_MOVE_RQ"),
    (CMoveRSP(**RESPONSE, **COUNTS), "C_MOVE_RSP"),
    (CEchoRQ(**REQUEST), "C_ECHO_RQ"),
    (CEchoRSP(**RESPONSE, affected_sop_class_uid=CLASS), "C_ECHO_RSP"),
    (CCancelRQ(message_id_being_responded_to=1), "C_CANCEL_RQ"),
    (NEventReportRQ(**REQUEST, **AFFECTED, event_type_id=1, has_data_set=True), "N_EVENT_REPORT_RQ"),
    (NEventReportRSP(**RESPONSE, **AFFECTED, event_type_id=1), "N_EVENT_REPORT_RSP"),
    (NGetRQ(**REQUEST, **REQUESTED, **TAGS), "N_GET_RQ"),
    (NGetRSP(**RESPONSE, **AFFECTED, has_data_set=True), "N_GET_RSP"),
    (NSetRQ(**REQUEST, **REQUESTED), "N_SET_RQ"),
    (NSetRSP(**RESPONSE, **AFFECTED, has_data_set=True), "N_SET_RSP"),
    (NActionRQ(**REQUEST, **REQUESTED, action_type_id=1, has_data_set=True), "N_ACTION_RQ"),
    (NActionRSP(**RESPONSE, **AFFECTED, action_type_id=1), "N_ACTION_RSP"),
    (NCreateRQ(**REQUEST, affected_sop_class_uid=CLASS), "N_CREATE_RQ"),
    (NCreateRSP(**RESPONSE, **AFFECTED), "N_CREATE_RSP"),
    (NDeleteRQ(**REQUEST, **REQUESTED), "N_DELETE_RQ"),
    (NDeleteRSP(**RESPONSE, **AFFECTED), "N_DELETE_RSP"),
]


@pytest.mark.parametrize(("message", "name"), ALL_COMMANDS, ids=[name for _, name in ALL_COMMANDS])
def test_every_command_reads_back_and_has_the_elements_that_pynetdicom_knows(message, name):
    raw = encode_message(message)
    theirs = getattr(dimse_messages, name)()
    elements = {element.tag: element.value for element in pynetdicom_decode(BytesIO(raw), True, True)}
    known_as, _ = dimse_messages._MESSAGE_TYPES[elements[0x00000100]]

    assert decode_message(raw) == message
    assert known_as == name.replace("_", "-")
    assert elements[0x00000000] == len(raw) - 12
    assert set(elements) - set(theirs.command_set.keys()) == set()


def test_every_command_is_in_the_list_above():
    assert {type(message) for message, _ in ALL_COMMANDS} == set(command_sets._MESSAGE_TYPES)


def test_requests_want_an_answer():
    answered = {name for message, name in ALL_COMMANDS if isinstance(message, Request)}

    assert answered == {name for _, name in ALL_COMMANDS if name.endswith("_RQ")} - {"C_CANCEL_RQ"}


def element(number, value):
    return bytes((0, 0)) + number.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value


ECHO = element(0x0100, b"\x30\0") + element(0x0110, b"\1\0") + element(0x0800, b"\1\1")


def test_unknown_retired_and_empty_elements_are_skipped():
    raw = ECHO + element(0x0001, b"RETIRED ") + element(0x0700, b"") + element(0x7777, b"x") + element(0x0002, b"")

    assert decode_message(raw) == CEchoRQ(message_id=1, affected_sop_class_uid=UID(""))


def test_order_and_group_length_are_not_relied_upon():
    raw = (
        element(0x0800, b"\1\1")
        + element(0x0110, b"\1\0")
        + element(0, b"\xff\xff\xff\xff")
        + element(0x0100, b"\x30\0")
    )

    assert decode_message(raw) == CEchoRQ(message_id=1, affected_sop_class_uid=UID(""))


def test_missing_uids_and_priority_read_as_empty_and_medium():
    raw = element(0x0100, b"\1\0") + element(0x0110, b"\1\0") + element(0x0800, b"\2\0")

    assert decode_message(raw) == CStoreRQ(
        message_id=1,
        affected_sop_class_uid=UID(""),
        affected_sop_instance_uid=UID(""),
        priority=Priority.MEDIUM,
        has_data_set=True,
    )


@pytest.mark.parametrize(("data_set_type", "expected"), [(b"\1\1", False), (b"\0\0", True), (b"\2\1", True)])
def test_any_data_set_type_but_one_announces_a_data_set(data_set_type, expected):
    raw = element(0x0100, b"\1\0") + element(0x0110, b"\1\0") + element(0x0800, data_set_type)

    assert decode_message(raw).has_data_set is expected


UNREADABLE = {
    "nothing": (b"", "a US element has 0 bytes"),
    "no command field": (element(0x0110, b"\1\0"), "a US element has 0 bytes where 2 belong"),
    "unknown command": (element(0x0100, b"\x99\x99"), "there is no command 9999H"),
    "no message ID": (element(0x0100, b"\1\0") + element(0x0800, b"\0\0"), "CStoreRQ lacks message_id"),
    "no data set type": (element(0x0100, b"\x30\0") + element(0x0110, b"\1\0"), "CEchoRQ lacks has_data_set"),
    "no status": (
        element(0x0100, b"\1\x80") + element(0x0120, b"\1\0") + element(0x0800, b"\1\1"),
        "CStoreRSP lacks status",
    ),
    "message ID of 4 bytes": (
        element(0x0100, b"\x30\0") + element(0x0110, b"\1\0\0\0"),
        "a US element has 4 bytes where 2 belong",
    ),
    "tags cut": (
        element(0x0100, b"\1\x80") + element(0x0901, b"\1\0\0"),
        "an AT element has 3 bytes, no multiple of 4",
    ),
    "element past the end": (
        ECHO + b"\0\0\2\0\xff\xff\xff\xff1",
        r"\(0000,0002\) claims 4294967295 bytes, 1 are left",
    ),
    "half an element": (ECHO + b"\0\0\2\0", "4 bytes are left over after the last element"),
    "a data set": (b"\x08\0\5\0\0\0\0\0", r"\(0008,0005\) stands in a command set"),
}


@pytest.mark.parametrize(("raw", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_command_set_says_what_is_wrong(raw, why):
    with pytest.raises(InvalidMessage, match=why):
        decode_message(raw)


def test_what_follows_where_the_group_length_ends_the_command_is_left_aside():
    # As Orthanc's C-GET answers when something failed: its list of instances stands behind the command, in one piece.
    failed_list = b"\x08\0\0\0\x04\0\0\0\x0c\0\0\0" + b"\x08\0\x58\0\x04\0\0\0" + b"1.2\0"
    message = CGetRSP(message_id_being_responded_to=1, status=0xC000, number_of_failed_suboperations=1)

    assert decode_message(encode_message(message) + failed_list) == message


def test_counters_say_at_most_what_us_can():
    message = CMoveRSP(message_id_being_responded_to=1, status=0xFF00, number_of_remaining_suboperations=1_000_000)

    assert decode_message(encode_message(message)).number_of_remaining_suboperations == 65535


def test_error_comment_is_cut_to_what_lo_can_hold():
    message = CEchoRSP(message_id_being_responded_to=1, status=0x0110, error_comment="\u5317\\" + "x" * 100)

    assert decode_message(encode_message(message)).error_comment == "?/" + "x" * 62


def test_move_destination_too_long_is_not_sent():
    move = CMoveRQ(message_id=1, affected_sop_class_uid=CLASS, move_destination="SEVENTEEN_LETTERS")

    with pytest.raises(InvalidRequest, match="'SEVENTEEN_LETTERS' has 17 characters"):
        encode_message(move)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"message_id": 0x1000},
        {"message_id": 0xFFFF, "priority": Priority.LOW},
        {"move_originator_ae_title": "ASKER", "move_originator_message_id": 0x0110},
        {"has_data_set": False},
        {"affected_sop_class_uid": UID("2.25.0"), "affected_sop_instance_uid": UID("2.25.0")},
        {"affected_sop_instance_uid": UID("1.2.840.10008.5.1.4.1.1.2.123456789012345678901234567890.123")},
        {"affected_sop_instance_uid": UID("")},
        {"affected_sop_class_uid": UID("")},
    ],
)
def test_a_store_request_from_prepared_bytes_is_the_one_that_is_put_together(fields):
    usual = {"message_id": 7, "affected_sop_class_uid": UID("1.2.3"), "affected_sop_instance_uid": UID("1.2.3.4")}
    request = CStoreRQ(**usual | fields)
    # Twice: the second finds what the first prepared.
    assert [encode_message(request) for _ in range(2)] == [command_sets._encode(request)] * 2
    other = CStoreRQ(**usual | fields | {"message_id": 8, "move_originator_message_id": 9})
    assert encode_message(other) == command_sets._encode(other)
    assert decode_message(encode_message(request)) == request


def test_a_store_request_that_cannot_be_sent_is_refused_as_others_are():
    with pytest.raises(InvalidRequest, match="Latin-1"):
        encode_message(
            CStoreRQ(message_id=1, affected_sop_class_uid=UID("\u4e00"), affected_sop_instance_uid=UID("1"))
        )
    with pytest.raises(InvalidRequest, match="Latin-1"):
        encode_message(
            CStoreRQ(message_id=1, affected_sop_class_uid=UID("1"), affected_sop_instance_uid=UID("\u4e00"))
        )
