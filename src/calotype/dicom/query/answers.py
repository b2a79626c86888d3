"""The attributes of a match on their way into a C-FIND response: DICOM text or DICOM JSON -> data elements.

Text is chosen a character set for only when all of it is known, hence the step in between: :class:`Answered`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from calotype.dicom.datasets import NUMBER_CODES, SHORT_FORM, Element
from calotype.dicom.query import header
from calotype.dicom.query.header import JsonAttribute, JsonDataSet
from calotype.dicom.query.values import integer_key
from calotype.dicom.replies import Reply

_MAX_SHORT_BYTES: Final = 0xFFFE
"""What the length field of most VRs can say (PS3.5 7.1.2)."""
_MAX_DEPTH: Final = 32


class Asked(Protocol):
    """What was asked for: an attribute and, inside a sequence, which of its attributes (none: all)."""

    @property
    def tag(self) -> int:
        """Its tag."""
        ...

    @property
    def vr(self) -> str:
        """Its VR, for the answer that has no value."""
        ...

    @property
    def inner(self) -> Sequence[Asked]:
        """What was asked for inside it."""
        ...


Items: TypeAlias = "tuple[tuple[Answered, ...], ...]"


@dataclass(frozen=True, slots=True)
class Answered:
    """One attribute: text, bytes that are no text, or the items of a sequence."""

    tag: int
    vr: str
    value: str | bytes | Items

    def texts(self) -> Iterator[str]:
        """Return all text in it."""
        match self.value:
            case str(text):
                yield text
            case bytes():
                pass
            case items:
                for item in items:
                    for each in item:
                        yield from each.texts()


def from_text(tag: int, vr: str, text: str) -> Answered:
    """Take an attribute that the index has as DICOM text."""
    if vr == "SQ":
        return Answered(tag, vr, ())
    if vr in NUMBER_CODES:
        return Answered(tag, vr, _packed(text.split("\\"), vr))
    if vr == "AT":
        return Answered(tag, vr, b"".join(map(_packed_tag, text.split("\\"))))
    return Answered(tag, vr, text)


def from_header(asked: Asked, json: str) -> Answered:
    """Take an attribute that stands in the stored header as DICOM JSON; empty text for what is not there."""
    found = header.read(json)
    return _from_json(asked.tag, asked.vr, found, asked.inner, 0)


def _from_json(tag: int, vr: str, found: JsonAttribute, inner: Sequence[Asked], depth: int) -> Answered:
    vr = str(found.get("vr", vr))
    if vr == "SQ":
        items = header.items_of(found) if depth < _MAX_DEPTH else ()
        return Answered(tag, vr, tuple(_item(item, inner, depth + 1) for item in items))
    if "InlineBinary" in found:
        return Answered(tag, vr, header.bytes_of(found))
    return from_text(tag, vr, header.text_of(found))


def _item(item: JsonDataSet, inner: Sequence[Asked], depth: int) -> tuple[Answered, ...]:
    """Return what was asked for of an item, all of it if nothing was."""
    if not inner:
        return tuple(_from_json(int(tag, 16), "UN", value, (), depth) for tag, value in item.items())
    return tuple(_from_json(each.tag, each.vr, item.get(f"{each.tag:08X}", {}), each.inner, depth) for each in inner)


def as_elements(found: Iterable[Answered], reply: Reply) -> Iterator[Element]:
    """Write attributes in the character sets of ``reply``."""
    for each in found:
        match each.value:
            case str(text):
                yield _fitting(each, reply.encode(text, each.vr))
            case bytes(raw):
                yield _fitting(each, raw)
            case items:
                yield Element(each.tag, "SQ", tuple(tuple(as_elements(item, reply)) for item in items))


def _fitting(answered: Answered, raw: bytes) -> Element:
    # What its VR has no length for came from a damaged file; the rest of the match is worth sending.
    too_long = answered.vr in SHORT_FORM and len(raw) > _MAX_SHORT_BYTES
    return Element(answered.tag, answered.vr, b"" if too_long else raw)


def _packed(parts: Iterable[str], vr: str) -> bytes:
    """Write binary numbers; one that its VR cannot hold came from a damaged file and makes the value empty."""
    code = NUMBER_CODES[vr]
    try:
        if code in "fd":
            return b"".join(struct.pack("<" + code, float(part)) for part in parts if part)
        numbers = (integer_key(part) for part in parts)
        return b"".join(struct.pack("<" + code, number) for number in numbers if number is not None)
    except (struct.error, ValueError, OverflowError):
        return b""


def _packed_tag(text: str) -> bytes:
    try:
        tag = int(text or "x", 16)
        return struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    except (ValueError, struct.error):
        return b""
