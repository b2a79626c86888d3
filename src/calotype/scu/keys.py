"""Identifiers as people write them: keyword -> text, both ways.

``{"PatientID": "4711", "StudyDate": ""}`` is what a caller asks with and is answered with. Knows nothing of
levels or models; those are ``query``'s.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Final

from calotype.dicom import dictionary, text
from calotype.dicom.datasets import Element, decode, encode
from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest

Keys = Mapping[str, str]
"""Attribute -> value as text, several values joined by a backslash; a key with an empty value asks for it."""

SPECIFIC_CHARACTER_SET: Final = 0x00080005
_TAG: Final = re.compile(r"\(?([0-9a-fA-F]{4}),?([0-9a-fA-F]{4})\)?")
_NUMBERS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_BYTES: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


def tag_of(key: str) -> int:
    """Return the tag of a keyword, or of ``gggg,eeee``. InvalidRequest when it is neither."""
    tag = dictionary.tag_of(key)
    if tag is not None:
        return tag
    if found := _TAG.fullmatch(key):
        return int(found[1] + found[2], 16)
    raise InvalidRequest(f"{key!r} is no attribute: give a DICOM keyword such as PatientID, or a tag as 0010,0020.")


def encode_keys(keys: Keys, transfer_syntax: UID) -> bytes:
    """Return the identifier; text beyond ASCII is sent as UTF-8 and says so in (0008,0005).

    InvalidRequest when a key is no attribute, or its value does not fit its VR.
    """
    charsets = () if all(value.isascii() for value in keys.values()) else ("ISO_IR 192",)
    elements = {tag: _element(tag, value, charsets) for tag, value in ((tag_of(k), v) for k, v in keys.items())}
    if charsets:
        elements[SPECIFIC_CHARACTER_SET] = Element(SPECIFIC_CHARACTER_SET, "CS", b"ISO_IR 192")
    return encode([elements[tag] for tag in sorted(elements)], transfer_syntax)


def decode_keys(identifier: bytes, transfer_syntax: UID) -> dict[str, str]:
    """Read an identifier; sequences and bulk are left out. InvalidRequest when it is no data set."""
    elements = decode(identifier, transfer_syntax)
    charsets: tuple[str, ...] = ()
    for element in elements:
        if element.tag == SPECIFIC_CHARACTER_SET:
            charsets, _ = text.charsets_of(element.raw)
    return {
        dictionary.keyword_of(element.tag) or f"{element.tag >> 16:04X},{element.tag & 0xFFFF:04X}": value
        for element in elements
        if (value := _text(element, charsets)) is not None
    }


def _element(tag: int, value: str, charsets: tuple[str, ...]) -> Element:
    vr = dictionary.vr_of(tag).split("/")[0]
    if vr == "SQ":
        if value:
            raise InvalidRequest(f"{dictionary.describe(tag)} is a sequence: ask for it with an empty value.")
        return Element(tag, vr, ())
    if not value:
        return Element(tag, vr, b"")
    try:
        if vr == "AT":
            return Element(tag, vr, b"".join(_attribute_tag(part) for part in value.split("\\")))
        if code := _NUMBERS.get(vr):
            number = float if code in "fd" else int
            return Element(tag, vr, b"".join(struct.pack("<" + code, number(part)) for part in value.split("\\")))
    except (ValueError, struct.error):
        raise InvalidRequest(f"{dictionary.describe(tag)}: {value!r} is no value of VR {vr}.") from None
    if vr in _BYTES:
        raise InvalidRequest(f"{dictionary.describe(tag)} has VR {vr}, which cannot be asked for by value.")
    return Element(tag, vr, text.encode(value, charsets, vr))


def _attribute_tag(part: str) -> bytes:
    tag = tag_of(part)
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF)


def _text(element: Element, charsets: tuple[str, ...]) -> str | None:
    """Return an element's value as text, or ``None`` when that makes no sense."""
    if isinstance(element.value, tuple) or element.vr in _BYTES:
        return None
    if element.vr == "AT":
        tags = struct.iter_unpack("<HH", element.raw[: len(element.raw) // 4 * 4])
        return "\\".join(f"{group:04X},{number:04X}" for group, number in tags)
    if code := _NUMBERS.get(element.vr):
        size = struct.calcsize(code)
        whole = element.raw[: len(element.raw) // size * size]
        return "\\".join(str(number) for (number,) in struct.iter_unpack("<" + code, whole))
    return text.decode(element.raw, charsets, element.vr).strip(" \0")
