"""Each PDU from captioned bytes, in both directions, and what cannot be read (PS3.8 9.3)."""

from __future__ import annotations

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.pdu import (
    REJECT_CALLED_AE_TITLE,
    REJECT_TEMPORARY_CONGESTION,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    PDataTF,
    PresentationDataValue,
    ReleaseRP,
    ReleaseRQ,
    decode_pdu,
    pdv_prefix,
)
from calotype.dicom.wire.pdu_items import (
    AbortReason,
    InvalidPdu,
    PresentationContextProposed,
    PresentationContextResult,
    UserInformation,
)
from calotype.errors import InvalidRequest


def captioned(text):
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))


VERIFICATION = UID("1.2.840.10008.1.1")
IMPLICIT = UID("1.2.840.10008.1.2")

ASSOCIATE_RQ = captioned("""
    01 00 000000CE                                     # A-ASSOCIATE-RQ, 206 bytes
    0001 0000                                          # protocol version 1
    43 41 4C 4F 54 59 50 45 20 20 20 20 20 20 20 20    # called AE title "CALOTYPE"
    45 43 48 4F 53 43 55 20 20 20 20 20 20 20 20 20    # calling AE title "ECHOSCU"
    00000000 00000000 00000000 00000000
    00000000 00000000 00000000 00000000                # reserved
    10 00 0015                                         # application context
      312E322E3834302E31303030382E332E312E312E31       #   1.2.840.10008.3.1.1.1
    20 00 002E                                         # presentation context
      03 00 00 00                                      #   ID 3
      30 00 0011                                       #   abstract syntax
        312E322E3834302E31303030382E312E31             #     1.2.840.10008.1.1
      40 00 0011                                       #   transfer syntax
        312E322E3834302E31303030382E312E32             #     1.2.840.10008.1.2
    50 00 003B                                         # user information
      51 00 0004 00004000                              #   maximum length 16384
      52 00 0018                                       #   implementation class UID
        312E322E3832362E302E312E333638303034332E382E3439   #  1.2.826.0.1.3680043.8.49
      55 00 0013                                       #   implementation version name
        43414C4F545950455F544553545F5631302E30         #     "CALOTYPE_TEST_V10.0"
""")

ASSOCIATE_AC = captioned("""
    02 00 00000092                                     # A-ASSOCIATE-AC, 146 bytes
    0001 0000                                          # protocol version 1
    43 41 4C 4F 54 59 50 45 20 20 20 20 20 20 20 20    # called AE title, as it came
    45 43 48 4F 53 43 55 20 20 20 20 20 20 20 20 20    # calling AE title, as it came
    00000000 00000000 00000000 00000000
    00000000 00000000 00000000 00000000                # reserved
    10 00 0015                                         # application context
      312E322E3834302E31303030382E332E312E312E31       #   1.2.840.10008.3.1.1.1
    21 00 0019                                         # presentation context
      03 00 00 00                                      #   ID 3, result 0: acceptance
      40 00 0011                                       #   transfer syntax
        312E322E3834302E31303030382E312E32             #     1.2.840.10008.1.2
    21 00 0008                                         # presentation context
      05 00 03 00                                      #   ID 5, result 3: abstract syntax not supported
      40 00 0000                                       #   transfer syntax: means nothing
    50 00 0008                                         # user information
      51 00 0004 00040000                              #   maximum length 262144
""")

PDUS = {
    "associate_rq": (
        ASSOCIATE_RQ,
        AssociateRQ(
            called_ae_title="CALOTYPE",
            calling_ae_title="ECHOSCU",
            presentation_contexts=(PresentationContextProposed(3, VERIFICATION, (IMPLICIT,)),),
            user_information=UserInformation(
                max_pdu_bytes=16384,
                implementation_class_uid=UID("1.2.826.0.1.3680043.8.49"),
                implementation_version_name="CALOTYPE_TEST_V10.0",
            ),
        ),
    ),
    "associate_ac": (
        ASSOCIATE_AC,
        AssociateAC(
            called_ae_title="CALOTYPE",
            calling_ae_title="ECHOSCU",
            presentation_contexts=(
                PresentationContextResult(3, 0, IMPLICIT),
                PresentationContextResult(5, 3, UID("")),
            ),
            user_information=UserInformation(max_pdu_bytes=262144),
        ),
    ),
    "associate_rj": (
        captioned("""
            03 00 00000004     # A-ASSOCIATE-RJ, 4 bytes
            00                 # reserved
            01                 # result: rejected-permanent
            01                 # source: service-user
            07                 # reason: called-AE-title-not-recognized
        """),
        REJECT_CALLED_AE_TITLE,
    ),
    "p_data_tf": (
        captioned("""
            04 00 00000016     # P-DATA-TF, 22 bytes
            00000004           # PDV, 4 bytes
              01               #   context 1
              03               #   command, last fragment
              CAFE
            00000004           # PDV, 4 bytes
              01               #   context 1
              00               #   data set, more follows
              0102
            00000002           # PDV, 2 bytes: legal, and empty
              01               #   context 1
              02               #   data set, last fragment
        """),
        PDataTF(
            (
                PresentationDataValue(1, is_command=True, is_last=True, data=b"\xca\xfe"),
                PresentationDataValue(1, is_command=False, is_last=False, data=b"\x01\x02"),
                PresentationDataValue(1, is_command=False, is_last=True, data=b""),
            )
        ),
    ),
    "release_rq": (captioned("05 00 00000004 00000000 # A-RELEASE-RQ, 4 reserved bytes"), ReleaseRQ()),
    "release_rp": (captioned("06 00 00000004 00000000 # A-RELEASE-RP, 4 reserved bytes"), ReleaseRP()),
    "abort": (
        captioned("""
            07 00 00000004     # A-ABORT, 4 bytes
            00 00              # reserved
            02                 # source: service-provider
            06                 # reason: invalid PDU parameter value
        """),
        Abort(2, 6),
    ),
}


@pytest.mark.parametrize(("raw", "pdu"), PDUS.values(), ids=PDUS)
def test_pdu_is_written_as_captioned(raw, pdu):
    assert pdu.encode() == raw


@pytest.mark.parametrize(("raw", "pdu"), PDUS.values(), ids=PDUS)
def test_pdu_is_read_as_captioned(raw, pdu):
    assert int.from_bytes(raw[2:6], "big") == len(raw) - 6
    assert decode_pdu(raw[0], raw[6:]) == pdu


def test_unknown_items_are_skipped_and_reserved_bytes_ignored():
    body = bytearray(ASSOCIATE_RQ[6:])
    body[2:4] = b"\xff\xff"
    body[36:68] = b"\xaa" * 32
    body += captioned("7F FF 0003 010203 # an item from the future")

    assert decode_pdu(1, bytes(body)) == PDUS["associate_rq"][1]


@pytest.mark.parametrize(
    ("field", "title"),
    [
        (b"CALOTYPE        ", "CALOTYPE"),
        (b"  CALOTYPE      ", "CALOTYPE"),
        (b"CALOTYPE\0\0\0\0\0\0\0\0", "CALOTYPE"),
        (b"CALOTYPE\0garbage", "CALOTYPE"),
        (b"TWO WORDS       ", "TWO WORDS"),
        (b"SIXTEEN_LETTERS_", "SIXTEEN_LETTERS_"),
        (b"LINE\nBREAK      ", "LINE?BREAK"),
        (b" " * 16, ""),
    ],
)
def test_ae_title_is_read_without_padding(field, title):
    raw = ASSOCIATE_RQ[6:10] + field + ASSOCIATE_RQ[26:]

    assert decode_pdu(1, raw).called_ae_title == title


def test_ae_title_too_long_is_not_sent():
    with pytest.raises(
        InvalidRequest, match="AE title 'SEVENTEEN_LETTERS' has 17 characters; at most 16 are allowed"
    ):
        AssociateRQ("SEVENTEEN_LETTERS", "A", (), UserInformation()).encode()


def test_associate_without_user_information_reads_as_the_smallest_peer():
    body = ASSOCIATE_RQ[6 : -4 - 0x3B]

    assert decode_pdu(1, body).user_information == UserInformation(max_pdu_bytes=16384)


UNREADABLE = {
    "unknown type": (0x08, b"\0" * 4, "no PDU of type 08H"),
    "type zero": (0x00, b"", "no PDU of type 00H"),
    "associate cut in its fixed fields": (0x01, ASSOCIATE_RQ[6:70], "64 bytes lacks its 68 fixed ones"),
    "associate cut in an item": (0x01, ASSOCIATE_RQ[6:-1], "item 50H claims 59 bytes, 58 are left"),
    "associate cut in an item's header": (0x01, ASSOCIATE_RQ[6:77], "3 bytes are left over after the last item"),
    "reject too short": (0x03, b"\0\1\1", "A-ASSOCIATE-RJ: the body has 3 bytes where 4 belong"),
    "release too long": (0x05, b"\0" * 5, "A-RELEASE-RQ: the body has 5 bytes where 4 belong"),
    "release response empty": (0x06, b"", "A-RELEASE-RP: the body has 0 bytes where 4 belong"),
    "abort too short": (0x07, b"\0" * 2, "A-ABORT: the body has 2 bytes where 4 belong"),
    "data without a PDV": (0x04, b"", "no PDV in it"),
    "PDV longer than its PDU": (0x04, bytes.fromhex("00000009 01 03 CAFE"), "a PDV claims 9 bytes, 4 are left"),
    "PDV shorter than its header": (0x04, bytes.fromhex("00000001 01 03"), "a PDV claims 1 bytes, 2 are left"),
    "PDV header cut": (0x04, bytes.fromhex("00000002 01"), "5 bytes are left over after the last PDV"),
}


@pytest.mark.parametrize(("pdu_type", "body", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_pdu_says_what_is_wrong(pdu_type, body, why):
    with pytest.raises(InvalidPdu, match=why):
        decode_pdu(pdu_type, body)


def test_unknown_type_is_told_to_the_peer_as_unrecognized():
    with pytest.raises(InvalidPdu) as raised:
        decode_pdu(0x99, b"")

    assert raised.value.abort_reason is AbortReason.UNRECOGNIZED_PDU


def test_context_id_that_stands_for_two_contexts_is_unreadable():
    context = PresentationContextProposed(1, VERIFICATION, (IMPLICIT,))
    raw = AssociateRQ("A", "B", (context, context), UserInformation()).encode()

    with pytest.raises(InvalidPdu, match="presentation context ID 1 stands for two contexts"):
        decode_pdu(1, raw[6:])


def test_pdv_prefix_and_fragment_are_a_pdu():
    raw = pdv_prefix(5, 4, is_command=False, is_last=True) + b"data"

    assert raw == PDataTF((PresentationDataValue(5, is_command=False, is_last=True, data=b"data"),)).encode()


def test_reject_reads_in_words():
    assert REJECT_CALLED_AE_TITLE.in_words == "called AE title not recognized (result 1, source 1, reason 7)"
    assert AssociateRJ(1, 1, 5).in_words == "reserved reason (result 1, source 1, reason 5)"
    assert [REJECT_CALLED_AE_TITLE.is_transient, REJECT_TEMPORARY_CONGESTION.is_transient] == [False, True]


def test_abort_reads_in_words():
    assert Abort().in_words == "aborted by the application"
    assert Abort(2, 1).in_words == "aborted by the protocol layer: unrecognized pdu"
    assert Abort(2, 77).in_words == "aborted by the protocol layer: reserved 77"
