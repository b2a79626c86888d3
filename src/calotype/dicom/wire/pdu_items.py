"""The items inside A-ASSOCIATE PDUs as frozen dataclasses <-> bytes (PS3.8 9.3.2, 9.3.3, Annex D; PS3.7 Annex D).

Every item is ``type, reserved, length (2 bytes, big endian), value``; ``encode`` returns the whole item, ``decode``
takes its value. Unknown items are skipped, reserved bytes ignored. What the items mean is decided in
``negotiation``; nothing here accepts or refuses anything but bytes that cannot be read: :class:`InvalidPdu`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Self

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.values import NO_UID, decode_text, decode_uid, encode_text
from calotype.errors import InvalidRequest

DICOM_APPLICATION_CONTEXT = UID("1.2.840.10008.3.1.1.1")
DEFAULT_MAX_PDU_BYTES = 16384
"""What a peer is taken to hold when it does not say (the item is mandatory, PS3.8 D.1)."""

_ITEM = struct.Struct(">BxH")
_LENGTH = struct.Struct(">H")


class AbortReason(IntEnum):
    """Reason/Diag. of an A-ABORT from the service-provider (PS3.8 Table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PDU_PARAMETER = 4
    UNEXPECTED_PDU_PARAMETER = 5
    INVALID_PDU_PARAMETER_VALUE = 6


class InvalidPdu(InvalidRequest):
    """The peer's bytes are not a PDU that we can read; ``abort_reason`` is what it is told."""

    def __init__(self, message: str, abort_reason: AbortReason = AbortReason.INVALID_PDU_PARAMETER_VALUE) -> None:
        super().__init__(message)
        self.abort_reason = abort_reason


class ItemType(IntEnum):
    """The items and sub-items that we know."""

    APPLICATION_CONTEXT = 0x10
    PRESENTATION_CONTEXT_PROPOSED = 0x20
    PRESENTATION_CONTEXT_RESULT = 0x21
    ABSTRACT_SYNTAX = 0x30
    TRANSFER_SYNTAX = 0x40
    USER_INFORMATION = 0x50
    MAXIMUM_LENGTH = 0x51
    IMPLEMENTATION_CLASS_UID = 0x52
    ASYNC_OPERATIONS_WINDOW = 0x53
    ROLE_SELECTION = 0x54
    IMPLEMENTATION_VERSION_NAME = 0x55
    SOP_CLASS_EXTENDED = 0x56
    SOP_CLASS_COMMON_EXTENDED = 0x57
    USER_IDENTITY = 0x58
    USER_IDENTITY_RESPONSE = 0x59


class ContextResult(IntEnum):
    """Result/Reason of a presentation context (PS3.8 Table 9-18)."""

    ACCEPTANCE = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


class UserIdentityType(IntEnum):
    """What a user identity is proven with (PS3.7 Table D.3-14)."""

    USERNAME = 1
    USERNAME_AND_PASSCODE = 2
    KERBEROS = 3
    SAML = 4
    JWT = 5


@dataclass(frozen=True, slots=True)
class PresentationContextProposed:
    """One line of what a requestor would like to talk about (PS3.8 9.3.2.2); ``context_id`` is odd, 1-255."""

    context_id: int
    abstract_syntax: UID
    transfer_syntaxes: tuple[UID, ...]

    def encode(self) -> bytes:
        """Return the item."""
        syntaxes = (encode_item(ItemType.TRANSFER_SYNTAX, encode_text(uid)) for uid in self.transfer_syntaxes)
        abstract = encode_item(ItemType.ABSTRACT_SYNTAX, encode_text(self.abstract_syntax))
        head = bytes((_valid_context_id(self.context_id), 0, 0, 0))
        return encode_item(ItemType.PRESENTATION_CONTEXT_PROPOSED, head + abstract + b"".join(syntaxes))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the item's value; an absent abstract syntax becomes an empty one, which nobody supports."""
        abstract, syntaxes = UID(""), []
        for kind, sub in iterate_items(value, 4):
            if kind == ItemType.ABSTRACT_SYNTAX:
                abstract = decode_uid(sub)
            elif kind == ItemType.TRANSFER_SYNTAX:
                syntaxes.append(decode_uid(sub))
        return cls(_valid_context_id(value[0]), abstract, tuple(syntaxes))


@dataclass(frozen=True, slots=True)
class PresentationContextResult:
    """The acceptor's answer to one proposal (PS3.8 9.3.3.2); the syntax means nothing unless accepted."""

    context_id: int
    result: int
    transfer_syntax: UID

    @property
    def is_accepted(self) -> bool:
        """Whether data may flow on this context."""
        return self.result == ContextResult.ACCEPTANCE

    def encode(self) -> bytes:
        """Return the item."""
        head = bytes((_valid_context_id(self.context_id), 0, self.result, 0))
        syntax = encode_item(ItemType.TRANSFER_SYNTAX, encode_text(self.transfer_syntax))
        return encode_item(ItemType.PRESENTATION_CONTEXT_RESULT, head + syntax)

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the item's value; rejected contexts often come without the transfer syntax."""
        syntax = UID("")
        for kind, sub in iterate_items(value, 4):
            if kind == ItemType.TRANSFER_SYNTAX:
                syntax = decode_uid(sub)
        return cls(_valid_context_id(value[0]), value[2], syntax)


@dataclass(frozen=True, slots=True)
class AsyncOpsWindow:
    """Asynchronous operations (PS3.7 D.3.3.3): how many may be outstanding at once; 0 is unlimited."""

    max_invoked: int
    max_performed: int

    def encode(self) -> bytes:
        """Return the item."""
        return encode_item(ItemType.ASYNC_OPERATIONS_WINDOW, struct.pack(">HH", self.max_invoked, self.max_performed))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the item's value."""
        return cls(*_unpack(">HH", value, "asynchronous operations window"))


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """SCP/SCU role selection (PS3.7 D.3.3.4): the roles of the association *requestor* for one SOP class."""

    sop_class: UID
    scu: bool
    scp: bool

    def encode(self) -> bytes:
        """Return the item."""
        roles = bytes((self.scu, self.scp))
        return encode_item(ItemType.ROLE_SELECTION, _prefixed(encode_text(self.sop_class)) + roles)

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the item's value."""
        uid, at = _take(value, 0)
        scu, scp = _unpack(">BB", value[at:], "role selection")
        return cls(decode_uid(uid), bool(scu), bool(scp))


@dataclass(frozen=True, slots=True)
class SopClassExtended:
    """SOP class extended negotiation (PS3.7 D.3.3.5); PS3.4 gives the bytes a meaning per service class."""

    sop_class: UID
    service_class_application_information: bytes

    def encode(self) -> bytes:
        """Return the item."""
        uid = _prefixed(encode_text(self.sop_class))
        return encode_item(ItemType.SOP_CLASS_EXTENDED, uid + self.service_class_application_information)

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the item's value."""
        uid, at = _take(value, 0)
        return cls(decode_uid(uid), value[at:])


@dataclass(frozen=True, slots=True)
class SopClassCommonExtended:
    """SOP class common extended negotiation (PS3.7 D.3.3.6): which service a SOP class belongs to."""

    sop_class: UID
    service_class: UID
    related_general_sop_classes: tuple[UID, ...] = ()

    def encode(self) -> bytes:
        """Return the item."""
        related = b"".join(_prefixed(encode_text(uid)) for uid in self.related_general_sop_classes)
        uids = _prefixed(encode_text(self.sop_class)) + _prefixed(encode_text(self.service_class))
        return encode_item(ItemType.SOP_CLASS_COMMON_EXTENDED, uids + _prefixed(related))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the item's value; what follows the related classes is reserved."""
        sop_class, at = _take(value, 0)
        service_class, at = _take(value, at)
        related, _ = _take(value, at)
        uids, at = [], 0
        while at < len(related):
            uid, at = _take(related, at)
            uids.append(decode_uid(uid))
        return cls(decode_uid(sop_class), decode_uid(service_class), tuple(uids))


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """Who asks (PS3.7 D.3.3.7.1). The fields hold secrets and never show in ``repr``.

    ``primary`` is the user name, Kerberos ticket, SAML assertion or JSON web token; ``secondary`` the passcode.
    """

    kind: int
    positive_response_requested: bool
    primary: bytes = field(repr=False)
    secondary: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """Return the item."""
        head = bytes((self.kind, self.positive_response_requested))
        return encode_item(ItemType.USER_IDENTITY, head + _prefixed(self.primary) + _prefixed(self.secondary))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the item's value."""
        kind, wants_response = _unpack(">BB", value[:2], "user identity")
        primary, at = _take(value, 2)
        secondary, _ = _take(value, at)
        return cls(kind, bool(wants_response), primary, secondary)


@dataclass(frozen=True, slots=True)
class UserIdentityResponse:
    """The acceptor's positive answer (PS3.7 D.3.3.7.2): a Kerberos or SAML response, else empty."""

    server_response: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """Return the item."""
        return encode_item(ItemType.USER_IDENTITY_RESPONSE, _prefixed(self.server_response))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the item's value."""
        return cls(_take(value, 0)[0])


@dataclass(frozen=True, slots=True)
class UserInformation:
    """The user information item (PS3.8 9.3.2.3), the same in both directions.

    ``max_pdu_bytes`` is the longest P-DATA-TF variable field its sender can take, 0 for any. Empty values are
    left out when encoding.
    """

    max_pdu_bytes: int = DEFAULT_MAX_PDU_BYTES
    implementation_class_uid: UID = NO_UID
    implementation_version_name: str = ""
    async_ops_window: AsyncOpsWindow | None = None
    roles: tuple[RoleSelection, ...] = ()
    sop_class_extended: tuple[SopClassExtended, ...] = ()
    sop_class_common_extended: tuple[SopClassCommonExtended, ...] = ()
    user_identity: UserIdentity | UserIdentityResponse | None = None

    def encode(self) -> bytes:
        """Return the item, its sub-items in the order of their types, as PS3.7 D.3.3 lists them."""
        parts = [encode_item(ItemType.MAXIMUM_LENGTH, struct.pack(">I", self.max_pdu_bytes))]
        if self.implementation_class_uid:
            uid = encode_text(self.implementation_class_uid)
            parts.append(encode_item(ItemType.IMPLEMENTATION_CLASS_UID, uid))
        if self.async_ops_window is not None:
            parts.append(self.async_ops_window.encode())
        parts.extend(role.encode() for role in self.roles)
        if self.implementation_version_name:
            name = encode_text(self.implementation_version_name)
            parts.append(encode_item(ItemType.IMPLEMENTATION_VERSION_NAME, name))
        parts.extend(extended.encode() for extended in self.sop_class_extended)
        parts.extend(extended.encode() for extended in self.sop_class_common_extended)
        if self.user_identity is not None:
            parts.append(self.user_identity.encode())
        return encode_item(ItemType.USER_INFORMATION, b"".join(parts))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the item's value; of a sub-item that may come once, the last one counts."""
        fields: dict[str, Any] = {}
        repeated: dict[str, list[Any]] = {}
        for kind, sub in iterate_items(value, 0):
            if row := _SINGLE_ITEMS.get(kind):
                name, decode = row
                fields[name] = decode(sub)
            elif row := _REPEATED_ITEMS.get(kind):
                name, decode = row
                repeated.setdefault(name, []).append(decode(sub))
        fields.update((name, tuple(items)) for name, items in repeated.items())
        return cls(**fields)


def iterate_items(value: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Walk over items from offset ``at``, giving (type, value). InvalidPdu when one reaches past the end."""
    end = len(value)
    if at > end:
        raise InvalidPdu(f"an item of {end} bytes is too short for its {at} bytes of fixed fields")
    while at < end:
        if end - at < _ITEM.size:
            raise InvalidPdu(f"{end - at} bytes are left over after the last item")
        kind, length = _ITEM.unpack_from(value, at)
        at += _ITEM.size
        if length > end - at:
            raise InvalidPdu(f"item {kind:02X}H claims {length} bytes, {end - at} are left")
        yield kind, value[at : at + length]
        at += length


def encode_item(kind: int, value: bytes) -> bytes:
    """Return one item. InvalidPdu when the value is longer than the 65535 bytes that an item can hold."""
    if len(value) > 0xFFFF:
        raise InvalidPdu(f"item {kind:02X}H would need {len(value)} bytes; an item holds at most 65535")
    return _ITEM.pack(kind, len(value)) + value


def _prefixed(value: bytes) -> bytes:
    if len(value) > 0xFFFF:
        raise InvalidPdu(f"a field of {len(value)} bytes does not fit: an item holds at most 65535")
    return _LENGTH.pack(len(value)) + value


def _take(value: bytes, at: int) -> tuple[bytes, int]:
    """Read a field with its own length before it; return it and where the next one starts."""
    start = at + _LENGTH.size
    if start > len(value):
        raise InvalidPdu(f"an item ends after {len(value)} bytes, before the length of its next field")
    end = start + _LENGTH.unpack_from(value, at)[0]
    if end > len(value):
        raise InvalidPdu(f"a field claims {end - start} bytes, its item has {len(value) - start} left")
    return value[start:end], end


def _unpack(layout: str, value: bytes, name: str) -> tuple[int, ...]:
    if len(value) != struct.calcsize(layout):
        raise InvalidPdu(f"the {name} item has {len(value)} bytes where {struct.calcsize(layout)} belong")
    return struct.unpack(layout, value)


def _valid_context_id(context_id: int) -> int:
    # PS3.8 9.3.2.2: "Presentation-context-ID values shall be odd integers between 1 and 255, encoded as an
    # unsigned binary number."
    if not 1 <= context_id <= 255 or context_id % 2 == 0:
        raise InvalidPdu(f"presentation context ID {context_id} is not an odd number between 1 and 255")
    return context_id


def _decode_maximum_length(value: bytes) -> int:
    return _unpack(">I", value, "maximum length")[0]


_Decoder = Callable[[bytes], Any]
_SINGLE_ITEMS: dict[int, tuple[str, _Decoder]] = {
    ItemType.MAXIMUM_LENGTH: ("max_pdu_bytes", _decode_maximum_length),
    ItemType.IMPLEMENTATION_CLASS_UID: ("implementation_class_uid", decode_uid),
    ItemType.ASYNC_OPERATIONS_WINDOW: ("async_ops_window", AsyncOpsWindow.decode),
    ItemType.IMPLEMENTATION_VERSION_NAME: ("implementation_version_name", decode_text),
    ItemType.USER_IDENTITY: ("user_identity", UserIdentity.decode),
    ItemType.USER_IDENTITY_RESPONSE: ("user_identity", UserIdentityResponse.decode),
}
_REPEATED_ITEMS: dict[int, tuple[str, _Decoder]] = {
    ItemType.ROLE_SELECTION: ("roles", RoleSelection.decode),
    ItemType.SOP_CLASS_EXTENDED: ("sop_class_extended", SopClassExtended.decode),
    ItemType.SOP_CLASS_COMMON_EXTENDED: ("sop_class_common_extended", SopClassCommonExtended.decode),
}
