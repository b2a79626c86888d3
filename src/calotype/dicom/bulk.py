"""Bulk data of an object: by the paths that ``json_model`` writes as ``BulkDataURI``, where the bytes lie.

A path is a tag, or tags with item numbers between them (``00081115/1/00091001``). Values are told by their places, so
that nobody has to read them to hand them out; those of a deflated object lie in what it inflates to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from calotype.dicom.datasets import WORD_BYTES
from calotype.dicom.hierarchy import UID
from calotype.dicom.layout import SEQUENCES
from calotype.dicom.pixels.fragments import Fragments
from calotype.dicom.pixels.frames import Place
from calotype.dicom.sources import source_of
from calotype.dicom.uids import transfer_syntax
from calotype.dicom.walk import FRAGMENTS, MAX_DEPTH, Token, Walk
from calotype.errors import InvalidRequest, NotFound, OutOfResources

MAX_HELD_BYTES: Final = 64 * 1024 * 1024
"""What may be held of an object that is deflated, while a value is looked for in it; each request holds its own."""

_TAG: Final = re.compile("[0-9A-Fa-f]{8}", re.ASCII)
_ITEM: Final = re.compile("[1-9][0-9]{0,8}", re.ASCII)
_IN_JSON: Final = re.compile(rb'"BulkDataURI":"([0-9A-F/]+)"')
"""A key of this name cannot hide in a value: quotes inside JSON strings are escaped."""

Path = tuple[int, ...]
"""Tags and item numbers in turn; the first and the last are tags."""


@dataclass(frozen=True, slots=True)
class BulkValue:
    """One value. ``places`` are in ``inflated``, which holds it alone, or where that is ``None`` in the data set.

    ``word_bytes`` is the size of the words whose bytes stand in the other order, 1 in little endian. A value in
    fragments is all of them, one after the other, without the table of offsets.
    """

    places: tuple[Place, ...]
    word_bytes: int = 1
    in_fragments: bool = False
    inflated: bytes | None = None

    @property
    def size_bytes(self) -> int:
        """How long the value is."""
        return sum(length for _, length in self.places)


def parse_path(text: str) -> Path:
    """Read a path. InvalidRequest for what is none."""
    steps = text.split("/", 2 * MAX_DEPTH + 2)
    if len(steps) % 2 and len(steps) <= 2 * MAX_DEPTH + 1:
        tags, items = steps[::2], steps[1::2]
        if all(map(_TAG.fullmatch, tags)) and all(map(_ITEM.fullmatch, items)):
            return tuple(int(step, 10 if number % 2 else 16) for number, step in enumerate(steps))
    raise InvalidRequest(
        "bulkdata: a reference is a tag, or tags with numbers of items between them, like 00880200/1/7FE00010"
    )


def paths_in(header: bytes) -> list[str]:
    """Return the paths of all bulk data that a header in DICOM JSON refers to, in its order."""
    return [found.decode("ascii") for found in _IN_JSON.findall(header)]


def find(data: memoryview, stored: UID, path: Path) -> BulkValue:
    """Return where the value at ``path`` is.

    NotFound when there is no such element, or it is a sequence; InvalidRequest when the data set is damaged;
    OutOfResources when it inflates to more than is held.
    """
    how = transfer_syntax(stored)
    inflated: bytearray | None = None
    if how.deflated and not (bytes(data[:2]) == b"\x08\0" and bytes(data[4:6]).isalpha()):
        inflated = _inflate(data)
        view = memoryview(inflated)
        walk = Walk(view, len(view), explicit=True, little=True)
    else:
        view = data
        walk = Walk(view, len(view), explicit=how.explicit_vr, little=how.little_endian)
    tag, vr, _, start, end = _descend(walk, path)
    if vr in SEQUENCES:
        raise NotFound(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is a sequence: its items have values, it has none")
    if vr != FRAGMENTS:
        word_bytes = 1 if walk.little else WORD_BYTES.get(vr.split("/")[-1], 1)
        return _alone(BulkValue(((start, end - start),), word_bytes), inflated)
    source = source_of(view, deflated=False)
    source.skip(start)
    found = Fragments(source, stored)
    places = tuple(zip(found.offsets, found.lengths, strict=True))
    return _alone(BulkValue(places, in_fragments=True), inflated)


def _alone(value: BulkValue, inflated: bytearray | None) -> BulkValue:
    """Return a value with its own bytes of what its object inflates to: the answer may take its time."""
    if inflated is None:
        return value
    own = b"".join(inflated[offset : offset + length] for offset, length in value.places)
    return replace(value, places=((0, len(own)),), inflated=own)


def _descend(walk: Walk, path: Path) -> Token:
    tokens: Iterable[Token] = walk.top()
    for tag, number in zip(path[:-1:2], path[1::2], strict=True):
        sequence = _element(tokens, tag)
        if sequence[1] not in SEQUENCES:
            raise NotFound(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) has no items")
        item = next(islice(walk.items(sequence), number - 1, number), None)
        if item is None:
            raise NotFound(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) has no item {number}")
        tokens = item
    return _element(tokens, path[-1])


def _element(tokens: Iterable[Token], tag: int) -> Token:
    found = next((token for token in tokens if token[0] == tag), None)
    if found is None:
        raise NotFound(f"the object has no ({tag >> 16:04X},{tag & 0xFFFF:04X}) there")
    return found


def _inflate(data: memoryview) -> bytearray:
    source = source_of(data, deflated=True)
    inflated = bytearray()
    while len(inflated) <= MAX_HELD_BYTES:
        piece = source.take_some()
        if not piece:
            return inflated
        inflated += piece
    raise OutOfResources(f"the object inflates to more than {MAX_HELD_BYTES} bytes; ask for it whole")
