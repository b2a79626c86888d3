"""A subject as bytes: what was found out about an object, so that nobody has to walk through it again.

Read back it is the subject that was written, or nothing: whoever keeps these bytes may lose or damage them. They say
where things are in the data set they were read from, so they are good for exactly that one.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Iterable
from dataclasses import fields
from itertools import chain
from typing import Final

import orjson

from calotype.dicom.datasets import Element, Items
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.attributes import Attributes
from calotype.dicom.pixels.description import PixelDescription, PixelKind
from calotype.dicom.pixels.frames import frame_index_from_bytes
from calotype.dicom.pixels.subject import Subject
from calotype.errors import InvalidRequest

_VERSION: Final = 1
"""Change it when a subject has other things in it, or the same mean something else."""

_HEAD: Final = struct.Struct("<BL")
_PART: Final = struct.Struct("<L")
_ELEMENT: Final = struct.Struct("<LB5sL")
"""Tag, whether it is a sequence, VR, and how many bytes or items follow."""
_MAX_BYTES: Final = 256 * 1024 * 1024
_MAX_DEPTH: Final = 32
_SEQUENCE: Final = 1


def subject_to_bytes(subject: Subject) -> bytes:
    """Return what :func:`subject_from_bytes` reads."""
    told = {
        "layout": subject.layout,
        "codec": subject.codec,
        "document": subject.document,
        "cost_bytes": subject.cost_bytes,
        "description": None if subject.description is None else _told(subject.description),
    }
    parts = (
        orjson.dumps(told),
        b"" if subject.frames is None else subject.frames.to_bytes(),
        _numbers(list(chain.from_iterable(subject.group_places))),
        b"".join(_item(subject.attributes.elements())),
        b"".join(_items(subject.group_items)),
    )
    joined = b"".join(_PART.pack(len(part)) + part for part in parts)
    return _HEAD.pack(_VERSION, len(joined)) + zlib.compress(joined, 1)


def subject_from_bytes(kept: bytes) -> Subject:
    """Read what :func:`subject_to_bytes` wrote. Raises InvalidRequest for anything else: look again then."""
    try:
        told, frames, places, elements, groups = _parts(kept)
        known = orjson.loads(told)
        numbers = _listed(places)
        document = known["document"]
        return Subject(
            attributes=Attributes(_Reader(elements).item(0)),
            layout=UID(known["layout"]),
            codec=UID(known["codec"]),
            description=None if known["description"] is None else _description(known["description"]),
            frames=frame_index_from_bytes(frames) if frames else None,
            group_places=list(zip(numbers[::2], numbers[1::2], strict=True)),
            group_items=_Reader(groups).items(0),
            document=None if document is None else (int(document[0]), int(document[1])),
            cost_bytes=int(known["cost_bytes"]),
        )
    except (struct.error, zlib.error, KeyError, ValueError, TypeError, IndexError):
        raise InvalidRequest("what was kept of the object is damaged, or of another version") from None


def _told(description: PixelDescription) -> dict[str, object]:
    return {each.name: getattr(description, each.name) for each in fields(description)}


def _description(told: dict[str, object]) -> PixelDescription:
    description = PixelDescription(**{**told, "kind": PixelKind(told["kind"])})  # type: ignore[arg-type]
    if any(type(getattr(description, each.name)) is not type(each.default) for each in fields(description)[2:]):
        raise ValueError
    return description


def _parts(kept: bytes) -> list[bytes]:
    version, size_bytes = _HEAD.unpack_from(kept)
    if version != _VERSION or size_bytes > _MAX_BYTES:
        raise ValueError
    unpacker = zlib.decompressobj()
    joined = unpacker.decompress(kept[_HEAD.size :], size_bytes + 1)
    if len(joined) != size_bytes or not unpacker.eof:
        raise ValueError
    parts, at = [], 0
    while at < size_bytes:
        (length,) = _PART.unpack_from(joined, at)
        at += _PART.size + length
        parts.append(joined[at - length : at])
    if at != size_bytes:
        raise ValueError
    return parts


def _numbers(values: list[int]) -> bytes:
    numbers = array("Q", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _listed(kept: bytes) -> list[int]:
    numbers = array("Q")
    numbers.frombytes(kept)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def _items(items: Items) -> Iterable[bytes]:
    yield _PART.pack(len(items))
    for item in items:
        yield from _item(item)


def _item(elements: Iterable[Element]) -> Iterable[bytes]:
    found = list(elements)
    yield _PART.pack(len(found))
    for each in found:
        is_sequence = isinstance(each.value, tuple)
        yield _ELEMENT.pack(each.tag, is_sequence, each.vr.encode("latin-1")[:5], 0 if is_sequence else len(each.raw))
        if is_sequence:
            yield from _items(each.items)
        else:
            yield each.raw


class _Reader:
    """Reads elements from the start of what was written of them."""

    def __init__(self, kept: bytes) -> None:
        self._kept = kept
        self._at = 0

    def items(self, depth: int) -> Items:
        """Return the items that stand here."""
        return tuple(self.item(depth) for _ in range(self._count()))

    def item(self, depth: int) -> tuple[Element, ...]:
        """Return the elements of the item that stands here."""
        if depth > _MAX_DEPTH:
            raise ValueError
        return tuple(self._element(depth) for _ in range(self._count()))

    def _element(self, depth: int) -> Element:
        tag, kind, vr, size_bytes = _ELEMENT.unpack_from(self._kept, self._at)
        self._at += _ELEMENT.size
        name = vr.rstrip(b"\0").decode("latin-1")
        if kind == _SEQUENCE:
            return Element(tag, name, self.items(depth + 1))
        value = self._kept[self._at : self._at + size_bytes]
        self._at += size_bytes
        if len(value) != size_bytes:
            raise ValueError
        return Element(tag, name, value)

    def _count(self) -> int:
        (count,) = _PART.unpack_from(self._kept, self._at)
        self._at += _PART.size
        if count > len(self._kept):
            raise ValueError
        return int(count)
