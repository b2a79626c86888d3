"""Messages <-> command sets, their bytes (PS3.7 6.3.1, Annex E): Implicit VR Little Endian without exception.

One table says which element carries which field; everything else is made from it once, at import. This runs twice
for every image, so both directions walk prepared rows.

Reading is lenient where an image would be lost otherwise: a missing UID reads as empty, a missing priority as
medium, so that one bad request is refused with a status rather than by aborting all that would follow it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from operator import attrgetter
from typing import Any

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire import messages
from calotype.dicom.wire.messages import InvalidMessage, Message
from calotype.dicom.wire.values import AE_TITLE_BYTES, NO_UID, decode_text, decode_uid, encode_text

_ELEMENT_HEADER = struct.Struct("<HHI")
_GROUP_LENGTH = struct.Struct("<HHII")
_COMMAND_FIELD = 0x0100
_NO_DATA_SET = 0x0101
"""Command Data Set Type (0000,0800) of a message without data set; every other value announces one."""
_DATA_SET = 0x0000
_US_MAX = 0xFFFF
_LO_MAX = 64

_MESSAGE_ID_HEADER = _ELEMENT_HEADER.pack(0, 0x0110, 2)
_ANY_INSTANCE = UID("2.25.0")
_ANY_INSTANCE_ELEMENT = _ELEMENT_HEADER.pack(0, 0x1000, 6) + b"2.25.0"

_Encode = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a value looks in bytes, without the element's header."""

    encode: _Encode
    decode: Callable[[bytes], Any]


def _decode_us(raw: bytes) -> int:
    if len(raw) != 2:
        raise InvalidMessage(f"a US element has {len(raw)} bytes where 2 belong")
    return raw[0] | raw[1] << 8


def _encode_us(value: int) -> bytes:
    return value.to_bytes(2, "little")


def _encode_count(value: int) -> bytes:
    # The counters are US, and a C-MOVE of a big archive has more sub-operations than they can say.
    return min(value, _US_MAX).to_bytes(2, "little")


def _decode_data_set_type(raw: bytes) -> bool:
    return _decode_us(raw) != _NO_DATA_SET


def _encode_data_set_type(has_data_set: bool) -> bytes:  # noqa: FBT001 - a value in a table of encoders
    return _encode_us(_DATA_SET if has_data_set else _NO_DATA_SET)


def _decode_tags(raw: bytes) -> tuple[int, ...]:
    if len(raw) % 4:
        raise InvalidMessage(f"an AT element has {len(raw)} bytes, no multiple of 4")
    words = struct.unpack(f"<{len(raw) // 2}H", raw)
    return tuple(group << 16 | element for group, element in zip(words[::2], words[1::2], strict=True))


def _encode_tags(tags: tuple[int, ...]) -> bytes:
    return b"".join(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in tags)


def _encode_uid(uid: str) -> bytes:
    raw = encode_text(uid)
    return raw + b"\0" if len(raw) % 2 else raw


def _encode_ae_title(title: str) -> bytes:
    raw = encode_text(title)
    if len(raw) > AE_TITLE_BYTES:
        raise InvalidMessage(f"AE title {title!r} has {len(raw)} characters; at most {AE_TITLE_BYTES} are allowed")
    return raw + b" " if len(raw) % 2 else raw


def _encode_comment(text: str) -> bytes:
    # An answer that tells of an error must not fail itself: what LO cannot hold is cut or becomes "?".
    raw = text[:_LO_MAX].replace("\\", "/").encode("ascii", "replace")
    return raw + b" " if len(raw) % 2 else raw


_US = _Kind(_encode_us, _decode_us)
_COUNT = _Kind(_encode_count, _decode_us)
_UI = _Kind(_encode_uid, decode_uid)
_AE = _Kind(_encode_ae_title, decode_text)
_LO = _Kind(_encode_comment, decode_text)
_AT = _Kind(_encode_tags, _decode_tags)
_TYPE = _Kind(_encode_data_set_type, _decode_data_set_type)

# PS3.7 Table E.1-1, in the order in which elements are sent.
_ELEMENTS: dict[int, tuple[str, _Kind]] = {
    0x0002: ("affected_sop_class_uid", _UI),
    0x0003: ("requested_sop_class_uid", _UI),
    _COMMAND_FIELD: ("command_field", _US),
    0x0110: ("message_id", _US),
    0x0120: ("message_id_being_responded_to", _US),
    0x0600: ("move_destination", _AE),
    0x0700: ("priority", _US),
    0x0800: ("has_data_set", _TYPE),
    0x0900: ("status", _US),
    0x0901: ("offending_elements", _AT),
    0x0902: ("error_comment", _LO),
    0x0903: ("error_id", _US),
    0x1000: ("affected_sop_instance_uid", _UI),
    0x1001: ("requested_sop_instance_uid", _UI),
    0x1002: ("event_type_id", _US),
    0x1005: ("attribute_identifiers", _AT),
    0x1008: ("action_type_id", _US),
    0x1020: ("number_of_remaining_suboperations", _COUNT),
    0x1021: ("number_of_completed_suboperations", _COUNT),
    0x1022: ("number_of_failed_suboperations", _COUNT),
    0x1023: ("number_of_warning_suboperations", _COUNT),
    0x1030: ("move_originator_ae_title", _AE),
    0x1031: ("move_originator_message_id", _US),
}

_READ_AS_EMPTY: dict[str, Any] = {
    "affected_sop_class_uid": NO_UID,
    "requested_sop_class_uid": NO_UID,
    "affected_sop_instance_uid": NO_UID,
    "requested_sop_instance_uid": NO_UID,
    "move_destination": "",
}
"""Fields that a sender of ours must give and a peer may have left out."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """One command's rows: for writing, the fields and what encodes each; for reading, the elements it knows."""

    message_type: type[Message]
    values: attrgetter[tuple[Any, ...]]
    encoders: tuple[_Encode, ...]
    decoders: dict[int, tuple[str, Callable[[bytes], Any]]]
    empty: dict[str, Any]
    needed: frozenset[str]


def _element_encoder(element: int, encode: _Encode) -> _Encode:
    pack = _ELEMENT_HEADER.pack

    def encode_element(value: Any) -> bytes:
        raw = encode(value)
        return pack(0, element, len(raw)) + raw

    return encode_element


def _fixed_size_encoder(element: int, encode: _Encode) -> _Encode:
    header = _ELEMENT_HEADER.pack(0, element, 2)
    return lambda value: header + encode(value)


def _layout(message_type: type[Message]) -> _Layout:
    own = {field.name: field.default is MISSING for field in fields(message_type)}
    rows = [(element, *row) for element, row in _ELEMENTS.items() if row[0] in own or element == _COMMAND_FIELD]
    return _Layout(
        message_type=message_type,
        values=attrgetter(*(name for _, name, _ in rows)),
        encoders=tuple(
            (_fixed_size_encoder if kind in {_US, _COUNT, _TYPE} else _element_encoder)(element, kind.encode)
            for element, _, kind in rows
        ),
        decoders={element: (name, kind.decode) for element, name, kind in rows if element != _COMMAND_FIELD},
        empty={name: value for name, value in _READ_AS_EMPTY.items() if name in own},
        needed=frozenset(name for name, is_needed in own.items() if is_needed) | {"has_data_set"},
    )


_MESSAGE_TYPES: tuple[type[Message], ...] = (
    messages.CStoreRQ,
    messages.CStoreRSP,
    messages.CGetRQ,
    messages.CGetRSP,
    messages.CFindRQ,
    messages.CFindRSP,
    messages.CMoveRQ,
    messages.CMoveRSP,
    messages.CEchoRQ,
    messages.CEchoRSP,
    messages.CCancelRQ,
    messages.NEventReportRQ,
    messages.NEventReportRSP,
    messages.NGetRQ,
    messages.NGetRSP,
    messages.NSetRQ,
    messages.NSetRSP,
    messages.NActionRQ,
    messages.NActionRSP,
    messages.NCreateRQ,
    messages.NCreateRSP,
    messages.NDeleteRQ,
    messages.NDeleteRSP,
)
_LAYOUTS: dict[type[Message], _Layout] = {kind: _layout(kind) for kind in _MESSAGE_TYPES}
_BY_COMMAND_FIELD: dict[int, _Layout] = {kind.command_field: layout for kind, layout in _LAYOUTS.items()}


def encode_message(message: Message) -> bytes:
    """Return the command set of a message, group length first. Fields that say nothing are left out.

    InvalidRequest when a text cannot be sent.
    """
    if type(message) is messages.CStoreRQ and message.affected_sop_instance_uid:
        return _encode_store(message)
    return _encode(message)


def _encode_store(message: messages.CStoreRQ) -> bytes:
    """Return a C-STORE-RQ: of one association, only Message ID and instance differ, so the rest is kept."""
    begin, middle, end = _store_template(
        message.affected_sop_class_uid,
        message.priority,
        message.has_data_set,
        message.move_originator_ae_title,
        message.move_originator_message_id,
    )
    uid = _encode_uid(message.affected_sop_instance_uid)
    size = len(begin) + len(middle) + len(uid) + len(end) + 6
    return b"".join(
        (
            _GROUP_LENGTH.pack(0, 0, 4, size),
            begin,
            _encode_us(message.message_id),
            middle,
            len(uid).to_bytes(4, "little"),
            uid,
            end,
        )
    )


@lru_cache(256)
def _store_template(
    sop_class: UID,
    priority: int,
    has_data_set: bool,  # noqa: FBT001 - a field's value, as the others are
    originator: str,
    originator_message_id: int | None,
) -> tuple[bytes, bytes, bytes]:
    """Return what of a C-STORE-RQ stands before its Message ID, from there to the instance's length, and after it."""
    whole = _encode(
        messages.CStoreRQ(
            message_id=0,
            has_data_set=has_data_set,
            affected_sop_class_uid=sop_class,
            affected_sop_instance_uid=_ANY_INSTANCE,
            priority=priority,
            move_originator_ae_title=originator,
            move_originator_message_id=originator_message_id,
        )
    )
    message_id = whole.index(_MESSAGE_ID_HEADER) + len(_MESSAGE_ID_HEADER)
    instance = whole.index(_ANY_INSTANCE_ELEMENT, message_id)
    return (
        whole[_GROUP_LENGTH.size : message_id],
        whole[message_id + 2 : instance + 4],
        whole[instance + len(_ANY_INSTANCE_ELEMENT) :],
    )


def _encode(message: Message) -> bytes:
    layout = _LAYOUTS[type(message)]
    body = b"".join(
        # None, "" and () say nothing; 0 and False do.
        [
            encode(value)
            for encode, value in zip(layout.encoders, layout.values(message), strict=True)
            if value or value == 0
        ]
    )
    return _GROUP_LENGTH.pack(0, 0, 4, len(body)) + body


def decode_message(command_set: bytes) -> Message:
    """Return the message of a command set. InvalidMessage when it is none.

    Elements that we do not know (retired, or newer than we are) are skipped; the group length is not relied upon.
    What follows in another group where the group length says that the command ends is left aside: Orthanc's C-GET
    puts its list of failed instances there.
    """
    elements: dict[int, bytes] = {}
    at, size = 0, len(command_set)
    unpack = _ELEMENT_HEADER.unpack_from
    while at + 8 <= size:
        group, element, length = unpack(command_set, at)
        start = at + 8
        at = start + length
        if group or at > size:
            told = int.from_bytes(elements.get(0, b""), "little")
            if group and told and told == start - 8 - _GROUP_LENGTH.size:
                at = size
                break
            raise _bad_element(group, element, length, size - start)
        elements[element] = command_set[start:at]
    if at != size:
        raise InvalidMessage(f"{size - at} bytes are left over after the last element of a command set")
    command_field = _decode_us(elements.pop(_COMMAND_FIELD, b""))
    layout = _BY_COMMAND_FIELD.get(command_field)
    if layout is None:
        raise InvalidMessage(f"there is no command {command_field:04X}H")
    values = layout.empty.copy()
    decoders = layout.decoders
    for element, raw in elements.items():
        if raw and element in decoders:
            name, decode = decoders[element]
            values[name] = decode(raw)
    if not layout.needed <= values.keys():
        missing = ", ".join(sorted(layout.needed - values.keys()))
        raise InvalidMessage(f"{layout.message_type.__name__} lacks {missing}")
    return layout.message_type(**values)


def _bad_element(group: int, element: int, length: int, left: int) -> InvalidMessage:
    if group:
        return InvalidMessage(f"({group:04X},{element:04X}) stands in a command set, which has group 0000 only")
    return InvalidMessage(f"command element (0000,{element:04X}) claims {length} bytes, {left} are left")
