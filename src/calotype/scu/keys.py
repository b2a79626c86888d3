"""Identifiers as people write them: keyword -> text, both ways.

``{"PatientID": "4711", "StudyDate": ""}`` is what a caller asks with and is answered with. Knows nothing of
levels or models; those are ``query``'s.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from calotype.dicom import dictionary, text
from calotype.dicom.datasets import NUMBER_CODES, Element, Items, decode, encode
from calotype.dicom.hierarchy import UID
from calotype.dicom.replies import Reply
from calotype.errors import InvalidRequest

Keys = Mapping[str, str]
"""Attribute -> value as text, several values joined by a backslash; a key with an empty value asks for it."""

MAX_DEPTH: Final = 8
"""Sequences within sequences in a question; the worklist's has three."""

SPECIFIC_CHARACTER_SET: Final = 0x00080005
_TAG: Final = re.compile(r"\(?([0-9a-fA-F]{4}),?([0-9a-fA-F]{4})\)?")
_BYTES: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


def tag_of(key: str) -> int:
    """Return the tag of a keyword, or of ``gggg,eeee``. InvalidRequest when it is neither."""
    tag = dictionary.tag_of(key)
    if tag is not None:
        return tag
    if found := _TAG.fullmatch(key):
        return int(found[1] + found[2], 16)
    raise InvalidRequest(f"{key!r} is no attribute: give a DICOM keyword such as PatientID, or a tag as 0010,0020.")


def encode_nested(keys: Mapping[str, Any], transfer_syntax: UID, character_set: str = "") -> bytes:
    """Return the identifier of keys whose sequences are lists of such keys; see :func:`encode_keys`.

    A sequence that is given as an empty list or text is asked for as a whole (PS3.4 C.2.2.2.6).
    """
    _elements(keys, text.UTF_8_CHARSETS, 0)
    # Looked at when it is known to be of bounded depth.
    reply = _writing(character_set, _texts(keys))
    return encode(_stating(reply, _elements(keys, reply.charsets, 0)), transfer_syntax)


def decode_nested(identifier: bytes, transfer_syntax: UID) -> dict[str, Any]:
    """Read an identifier, its sequences as lists; bulk is left out. InvalidRequest when it is no data set."""
    return _decoded(decode(identifier, transfer_syntax), ())


def encode_keys(keys: Keys, transfer_syntax: UID, character_set: str = "") -> bytes:
    """Return the identifier, its text in ``character_set`` (terms of (0008,0005), joined by backslashes).

    Without one, and where it does not carry the text, text beyond ASCII is sent as UTF-8. A set that is used says so
    in (0008,0005); one that is given says so in any case, since it is what answers are to be written in.
    InvalidRequest when a key is no attribute, or its value does not fit its VR.
    """
    reply = _writing(character_set, keys.values())
    elements = {(tag := tag_of(key)): _element(tag, value, reply.charsets) for key, value in keys.items()}
    return encode(_stating(reply, elements.values()), transfer_syntax)


def decode_keys(identifier: bytes, transfer_syntax: UID) -> dict[str, str]:
    """Read an identifier; sequences and bulk are left out. InvalidRequest when it is no data set."""
    elements = decode(identifier, transfer_syntax)
    charsets = _charsets_of(elements, ())
    return {_key(element.tag): value for element in elements if (value := _text(element, charsets)) is not None}


def _writing(character_set: str, texts: Iterable[str]) -> Reply:
    """Return in which set to write: as an answer is written, see there."""
    charsets, _ = text.charsets_of(character_set.encode("ascii"))
    return Reply.to_query(charsets, texts)


def _stating(reply: Reply, elements: Iterable[Element]) -> list[Element]:
    """Return the elements in their order, with the set they are written in if that must be said."""
    found = {element.tag: element for element in elements}
    if reply.stated:
        found[SPECIFIC_CHARACTER_SET] = Element(SPECIFIC_CHARACTER_SET, "CS", reply.stated)
    return [found[tag] for tag in sorted(found)]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | Sequence):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _elements(keys: Mapping[str, Any], charsets: tuple[str, ...], depth: int) -> list[Element]:
    elements = {}
    for key, value in keys.items():
        tag = tag_of(key)
        if isinstance(value, str) and (value or not _is_sequence(tag)):
            elements[tag] = _element(tag, value, charsets)
        elif _is_sequence(tag):
            elements[tag] = Element(tag, "SQ", _items(tag, value, charsets, depth))
        else:
            raise InvalidRequest(f"{dictionary.describe(tag)}: its value must be text.")
    return [elements[tag] for tag in sorted(elements)]


def _items(tag: int, value: Any, charsets: tuple[str, ...], depth: int) -> Items:
    if depth == MAX_DEPTH:
        raise InvalidRequest(f"More than {MAX_DEPTH} sequences within one another in one question.")
    items = value or [{}]
    # PS3.4 C.2.2.2.6: a sequence to match on has a single item.
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], Mapping):
        raise InvalidRequest(f"{dictionary.describe(tag)} is a sequence: give a list of one object of keys.")
    return (tuple(_elements(items[0], charsets, depth + 1)),)


def _is_sequence(tag: int) -> bool:
    return dictionary.vr_of(tag) == "SQ"


def _decoded(elements: Sequence[Element], outer: tuple[str, ...]) -> dict[str, Any]:
    charsets = _charsets_of(elements, outer)
    found: dict[str, Any] = {}
    for element in elements:
        if isinstance(element.value, tuple):
            found[_key(element.tag)] = [_decoded(item, charsets) for item in element.value]
        elif (value := _text(element, charsets)) is not None:
            found[_key(element.tag)] = value
    return found


def _charsets_of(elements: Sequence[Element], otherwise: tuple[str, ...]) -> tuple[str, ...]:
    for element in elements:
        if element.tag == SPECIFIC_CHARACTER_SET:
            charsets, _ = text.charsets_of(element.raw)
            return charsets
    return otherwise


def _key(tag: int) -> str:
    return dictionary.keyword_of(tag) or f"{tag >> 16:04X},{tag & 0xFFFF:04X}"


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
        if code := NUMBER_CODES.get(vr):
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
    if code := NUMBER_CODES.get(element.vr):
        size = struct.calcsize(code)
        whole = element.raw[: len(element.raw) // size * size]
        return "\\".join(str(number) for (number,) in struct.iter_unpack("<" + code, whole))
    return text.decode(element.raw, charsets, element.vr).strip(" \0")
