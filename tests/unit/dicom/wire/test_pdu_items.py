"""Each item of the A-ASSOCIATE PDUs from captioned bytes, in both directions (PS3.8 Annex D, PS3.7 Annex D)."""

from __future__ import annotations

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.pdu_items import (
    AsyncOpsWindow,
    InvalidPdu,
    PresentationContextProposed,
    PresentationContextResult,
    RoleSelection,
    SopClassCommonExtended,
    SopClassExtended,
    UserIdentity,
    UserIdentityResponse,
    UserIdentityType,
    UserInformation,
    encode_item,
)


def captioned(text):
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))


ITEMS = {
    "presentation context, proposed": (
        captioned("""
            20 00 0016           # presentation context, 22 bytes
            FF 00 00 00          #   ID 255
            30 00 0003 312E32    #   abstract syntax 1.2
            40 00 0003 312E33    #   transfer syntax 1.3
            40 00 0000           #   transfer syntax, empty
        """),
        PresentationContextProposed(255, UID("1.2"), (UID("1.3"), UID(""))),
    ),
    "presentation context, result": (
        captioned("""
            21 00 000B           # presentation context, 11 bytes
            01 00 04 00          #   ID 1, result 4: transfer syntaxes not supported
            40 00 0003 312E33    #   transfer syntax 1.3
        """),
        PresentationContextResult(1, 4, UID("1.3")),
    ),
    "asynchronous operations window": (
        captioned("""
            53 00 0004           # asynchronous operations window
            0005                 #   invoked 5
            0000                 #   performed: unlimited
        """),
        AsyncOpsWindow(5, 0),
    ),
    "role selection": (
        captioned("""
            54 00 0007           # SCP/SCU role selection
            0003 312E32          #   SOP class 1.2
            00 01                #   SCU no, SCP yes
        """),
        RoleSelection(UID("1.2"), scu=False, scp=True),
    ),
    "SOP class extended": (
        captioned("""
            56 00 0009           # SOP class extended negotiation
            0003 312E32          #   SOP class 1.2
            01 01 00 01          #   service class application information
        """),
        SopClassExtended(UID("1.2"), b"\1\1\0\1"),
    ),
    "SOP class common extended": (
        captioned("""
            57 00 0018           # SOP class common extended negotiation
            0003 312E32          #   SOP class 1.2
            0005 312E322E34      #   service class 1.2.4
            000A                 #   related general SOP classes, 10 bytes
              0003 312E35        #     1.5
              0003 312E36        #     1.6
        """),
        SopClassCommonExtended(UID("1.2"), UID("1.2.4"), (UID("1.5"), UID("1.6"))),
    ),
    "user identity, user name": (
        captioned("""
            58 00 0009           # user identity
            01 00                #   type 1: user name; no response wanted
            0003 626F62          #   primary field "bob"
            0000                 #   secondary field, empty
        """),
        UserIdentity(UserIdentityType.USERNAME, positive_response_requested=False, primary=b"bob"),
    ),
    "user identity, passcode": (
        captioned("""
            58 00 000B           # user identity
            02 01                #   type 2: user name and passcode; response wanted
            0003 626F62          #   primary field "bob"
            0002 7077            #   secondary field "pw"
        """),
        UserIdentity(UserIdentityType.USERNAME_AND_PASSCODE, True, b"bob", b"pw"),
    ),
    "user identity, Kerberos": (
        captioned("58 00 0008 03 01 0002 6B72 0000 # type 3, a service ticket"),
        UserIdentity(UserIdentityType.KERBEROS, positive_response_requested=True, primary=b"kr"),
    ),
    "user identity, SAML": (
        captioned("58 00 0008 04 01 0002 3C3E 0000 # type 4, an assertion"),
        UserIdentity(UserIdentityType.SAML, positive_response_requested=True, primary=b"<>"),
    ),
    "user identity, JWT": (
        captioned("58 00 0008 05 00 0002 652E 0000 # type 5, a JSON web token"),
        UserIdentity(UserIdentityType.JWT, positive_response_requested=False, primary=b"e."),
    ),
    "user identity response": (
        captioned("""
            59 00 0004           # user identity response
            0002 6F6B            #   server response "ok"
        """),
        UserIdentityResponse(b"ok"),
    ),
    "user identity response, empty": (captioned("59 00 0002 0000"), UserIdentityResponse()),
    "user information": (
        captioned("""
            50 00 0051           # user information, 81 bytes
            51 00 0004 00020000  #   maximum length 131072
            52 00 0003 312E39    #   implementation class UID 1.9
            53 00 0004 0001 0001 #   asynchronous operations window 1, 1
            54 00 0007 0003 312E32 01 00   #   role of 1.2: SCU
            54 00 0007 0003 312E33 01 01   #   role of 1.3: SCU and SCP
            55 00 0002 5631      #   implementation version name "V1"
            56 00 0006 0003 312E32 07      #   SOP class extended
            57 00 000A 0003 312E32 0001 31 0000  # SOP class common extended
            59 00 0002 0000      #   user identity response
        """),
        UserInformation(
            max_pdu_bytes=131072,
            implementation_class_uid=UID("1.9"),
            implementation_version_name="V1",
            async_ops_window=AsyncOpsWindow(1, 1),
            roles=(RoleSelection(UID("1.2"), scu=True, scp=False), RoleSelection(UID("1.3"), scu=True, scp=True)),
            sop_class_extended=(SopClassExtended(UID("1.2"), b"\7"),),
            sop_class_common_extended=(SopClassCommonExtended(UID("1.2"), UID("1")),),
            user_identity=UserIdentityResponse(),
        ),
    ),
}


@pytest.mark.parametrize(("raw", "item"), ITEMS.values(), ids=ITEMS)
def test_item_is_written_as_captioned(raw, item):
    assert item.encode() == raw


@pytest.mark.parametrize(("raw", "item"), ITEMS.values(), ids=ITEMS)
def test_item_is_read_as_captioned(raw, item):
    assert int.from_bytes(raw[2:4], "big") == len(raw) - 4
    assert type(item).decode(raw[4:]) == item


def test_uid_is_read_without_padding():
    padded = captioned("FF 00 00 00 30 00 0006 312E32 202000 40 00 0004 312E33 00")

    assert PresentationContextProposed.decode(padded) == PresentationContextProposed(255, UID("1.2"), (UID("1.3"),))


def test_unknown_sub_items_of_user_information_are_skipped():
    value = captioned("5F 00 0002 FFFF  51 00 0004 00001000  99 00 0000")

    assert UserInformation.decode(value) == UserInformation(max_pdu_bytes=4096)


def test_rejected_context_may_lack_its_transfer_syntax():
    assert PresentationContextResult.decode(bytes((3, 0, 1, 0))) == PresentationContextResult(3, 1, UID(""))


def test_common_extended_item_may_have_reserved_bytes_at_its_end():
    value = captioned("0003 312E32 0001 31 0000 FFFFFFFF")

    assert SopClassCommonExtended.decode(value) == SopClassCommonExtended(UID("1.2"), UID("1"))


UNREADABLE = {
    "context shorter than its fixed fields": (PresentationContextProposed, "0100 00", "too short for its 4 bytes"),
    "context ID even": (PresentationContextProposed, "02 00 00 00", "context ID 2 is not an odd number"),
    "context ID zero": (PresentationContextResult, "00 00 00 00", "context ID 0 is not an odd number"),
    "window of 3 bytes": (AsyncOpsWindow, "0001 00", "window item has 3 bytes where 4 belong"),
    "role without roles": (RoleSelection, "0003 312E32", "role selection item has 0 bytes where 2 belong"),
    "UID longer than the item": (RoleSelection, "0009 312E32 0001", "a field claims 9 bytes, its item has 5 left"),
    "extended item empty": (SopClassExtended, "", "an item ends after 0 bytes"),
    "related classes cut": (SopClassCommonExtended, "0001 31 0001 31 0003 0002 31", "a field claims 2 bytes"),
    "identity without passcode field": (UserIdentity, "02 01 0003 626F62", "an item ends after 7 bytes"),
    "identity empty": (UserIdentity, "", "user identity item has 0 bytes where 2 belong"),
    "maximum length of 2 bytes": (UserInformation, "51 00 0002 4000", "maximum length item has 2 bytes where 4"),
    "sub-item longer than the item": (UserInformation, "52 00 FFFF 31", "item 52H claims 65535 bytes, 1 are left"),
}


@pytest.mark.parametrize(("item_type", "value", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_item_says_what_is_wrong(item_type, value, why):
    with pytest.raises(InvalidPdu, match=why):
        item_type.decode(bytes.fromhex(value))


def test_item_longer_than_its_length_field_is_not_sent():
    with pytest.raises(InvalidPdu, match="item 40H would need 65536 bytes; an item holds at most 65535"):
        encode_item(0x40, bytes(65536))
    with pytest.raises(InvalidPdu, match="a field of 65536 bytes does not fit"):
        UserIdentityResponse(bytes(65536)).encode()


def test_secrets_never_show():
    identity = UserIdentity(UserIdentityType.USERNAME_AND_PASSCODE, False, b"bob", b"pw")

    assert repr(UserInformation(user_identity=identity)).count("pw") == 0
    assert (
        repr(identity)
        == "UserIdentity(kind=<UserIdentityType.USERNAME_AND_PASSCODE: 2>, positive_response_requested=False)"
    )
