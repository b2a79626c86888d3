"""A data set on its way to bytes: elements whose long values stay where they are until they are written.

Written is explicit VR little endian, the one encoding of all that is built here (PS3.5 A.4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from calotype.dicom import dictionary
from calotype.dicom.datasets import SHORT_FORM, padding_of
from calotype.errors import InvalidRequest

Buffer: TypeAlias = bytes | memoryview

_HEAD: Final = struct.Struct("<HH2s")
_ITEM: Final = struct.Struct("<HHL")
_MAX_SHORT_BYTES: Final = 0xFFFE
_MAX_LONG_BYTES: Final = 0xFFFFFFFE


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that comes as bulk data, by the ``BulkDataURI`` that names it."""

    uri: str


@dataclass(frozen=True, slots=True)
class Written:
    """An element that is written already, header and all, in pieces made as they are needed."""

    pieces: Iterable[Buffer]


Items: TypeAlias = "tuple[tuple[Node, ...], ...]"
Value: TypeAlias = "Buffer | tuple[Buffer, ...] | Reference | Written | Sequence"


@dataclass(frozen=True, slots=True)
class Sequence:
    """The items of a sequence."""

    items: Items


@dataclass(frozen=True, slots=True)
class Node:
    """One data element. A value is bytes in little endian, or several that follow each other; padding is added."""

    tag: int
    vr: str
    value: Value

    @property
    def raw(self) -> bytes:
        """The value where it is at hand as bytes, else nothing."""
        return self.value if isinstance(self.value, bytes) else b""


def written(nodes: Iterable[Node]) -> Iterator[Buffer]:
    """Yield a data set, its elements in the order of their tags.

    Raises InvalidRequest when a value is too long for the length field of its VR (PS3.5 7.1.2). References MUST have
    been resolved.
    """
    for node in sorted(nodes, key=lambda each: each.tag):
        yield from _element(node)


def _element(node: Node) -> Iterator[Buffer]:
    value = node.value
    if isinstance(value, Written):
        yield from value.pieces
        return
    if isinstance(value, Sequence):
        pieces = tuple(_items(value.items))
        vr = "SQ"
    else:
        assert not isinstance(value, Reference)  # noqa: S101 - see the contract
        pieces = value if isinstance(value, tuple) else (value,)
        vr = node.vr
    size_bytes = sum(map(len, pieces))
    padding = padding_of(vr) if size_bytes % 2 else b""
    yield _head(node.tag, vr, size_bytes + len(padding))
    yield from pieces
    if padding:
        yield padding


def _items(items: Items) -> Iterator[Buffer]:
    for item in items:
        pieces = tuple(written(item))
        yield _ITEM.pack(0xFFFE, 0xE000, _checked(sum(map(len, pieces)), "an item"))
        yield from pieces


def _head(tag: int, vr: str, size_bytes: int) -> bytes:
    head = _HEAD.pack(tag >> 16, tag & 0xFFFF, vr.encode("ascii"))
    if vr not in SHORT_FORM:
        return head + struct.pack("<HL", 0, _checked(size_bytes, dictionary.describe(tag)))
    if size_bytes > _MAX_SHORT_BYTES:
        raise InvalidRequest(f"{dictionary.describe(tag)} has {size_bytes} bytes; VR {vr} carries at most 65534")
    return head + struct.pack("<H", size_bytes)


def _checked(size_bytes: int, what: str) -> int:
    if size_bytes > _MAX_LONG_BYTES:
        raise InvalidRequest(f"{what} has {size_bytes} bytes; 4 GiB is what an element can hold")
    return size_bytes
