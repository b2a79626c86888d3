"""A data set as what stands before its pixels, the pixels, and what stands after; and how the first and last change.

Elements that nobody changes keep their bytes: they are ranges of the source that flow by. What is read whole is what
describes the pixels and what is changed. How pixels themselves change is for ``transcode``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from calotype.dicom.datasets import Element, encode, swap
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.description import KINDS
from calotype.dicom.sources import cut, source_of
from calotype.dicom.uids import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TransferSyntax,
)
from calotype.dicom.uids import transfer_syntax as syntax_of
from calotype.dicom.walk import NeedMore, Token, Walk
from calotype.errors import InvalidRequest, Unsupported

MAX_HELD_BYTES: Final = 256 * 1024 * 1024
"""What may be held of a header that must be rewritten, or inflated: far above any real one."""

_COPIED_BYTES: Final = 512 * 1024
"""A slice in fragments, too: where the last of them ends is not known before."""
_INFLATED_PREFIXES_BYTES: Final = (4 * 1024 * 1024, 64 * 1024 * 1024, MAX_HELD_BYTES)
_MAX_VALUE_BYTES: Final = 64 * 1024
"""Longer values describe no pixels."""
_KEPT_BACK_BYTES: Final = 64
"""How much of what was read of a deflated data set can be read again: neighbours share a byte at most."""


class Text(Protocol):
    """The bytes of a data set by offset, inflated if it is deflated. Used by one thread."""

    size_bytes: int

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return so many bytes, fewer where the data set ends."""
        ...


class _Plain:
    """A data set that lies as it is."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        return bytes(self._data[offset : offset + size_bytes])


class _Inflated:
    """A deflated data set, read from front to back; going back means to begin anew."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._source = source_of(data, deflated=True)
        self._behind = b""
        self.size_bytes = _inflated_bytes(data)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        if offset < self._source.position - len(self._behind):
            self._source, self._behind = source_of(self._data, deflated=True), b""
        again = self._behind[len(self._behind) - max(0, self._source.position - offset) :][:size_bytes]
        if self._source.position < offset:
            self._source.skip(min(offset, self.size_bytes) - self._source.position)
            self._behind = b""
        rest = self._source.take(min(size_bytes - len(again), self.size_bytes - self._source.position))
        self._behind = (self._behind + rest)[-_KEPT_BACK_BYTES:]
        return again + rest


def _inflated_bytes(data: memoryview) -> int:
    source = source_of(data, deflated=True)
    while source.take_some():
        pass
    return source.position


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A data set taken apart. Offsets are those of ``text``.

    ``syntax`` says how its elements are laid out, which its transfer syntax may hide (deflated, mislabelled).
    ``values`` are those of short elements, by tag, in little endian; ``pixels`` is the element that holds them.
    ``walk`` goes into sequences.
    """

    text: Text
    syntax: UID
    tokens: tuple[Token, ...]
    pixels: Token | None
    values: Mapping[int, bytes]
    walk: Walk

    @property
    def before(self) -> list[Token]:
        """The elements before the pixels, all where there are none."""
        return [each for each in self.tokens if self.pixels is None or each[0] < self.pixels[0]]

    @property
    def after(self) -> list[Token]:
        """The elements after the pixels."""
        return [each for each in self.tokens if self.pixels is not None and each[0] > self.pixels[0]]


def dissect(data: memoryview, stored: UID) -> Anatomy:
    """Take a data set in the transfer syntax ``stored`` apart.

    Raises InvalidRequest when it is truncated or no data set; Unsupported when a deflated one has a header above
    :data:`MAX_HELD_BYTES`.
    """
    how = syntax_of(stored)
    if how.deflated and not _starts_like_an_element(data):
        return _dissected_inflated(data)
    if len(data) > _COPIED_BYTES:
        try:
            # Bytes are cut much faster than a view; a header that ends early needs no more.
            return _dissected(_walk(bytes(data[:_COPIED_BYTES]), len(data), how), _Plain(data))
        except NeedMore:
            return _dissected(_walk(data, len(data), how), _Plain(data))
    return _dissected(_walk(bytes(data), len(data), how), _Plain(data))


def _walk(data: bytes | memoryview, total: int, how: TransferSyntax) -> Walk:
    return Walk(data, total, explicit=how.explicit_vr, little=how.little_endian)


def _starts_like_an_element(data: memoryview) -> bool:
    # Some senders only claim that they deflated, see part10.scan.
    return bytes(data[:2]) == b"\x08\0" and bytes(data[4:6]).isalpha()


def _dissected_inflated(data: memoryview) -> Anatomy:
    text = _Inflated(data)
    for prefix_bytes in _INFLATED_PREFIXES_BYTES:
        prefix = text.read_at(0, prefix_bytes)
        try:
            return _dissected(Walk(prefix, text.size_bytes, explicit=True, little=True), text)
        except NeedMore:
            continue
    raise Unsupported(f"a deflated data set whose elements take more than {MAX_HELD_BYTES} bytes")


def _dissected(walk: Walk, text: Text) -> Anatomy:
    tokens = walk.top()
    syntax = _LAYOUTS[walk.explicit, walk.little]
    values: dict[int, bytes] = {}
    for tag, vr, _, start, end in tokens:
        if (tag >> 16 == 0x0028 or tag in _TOLD or tag >> 24 == 0x60) and end - start <= _MAX_VALUE_BYTES:
            value = bytes(walk.data[start:end])
            values[tag] = value if walk.little else swap(vr.split("/")[0], value)
    pixels = next((each for each in tokens if each[0] in KINDS), None)
    return Anatomy(text, syntax, tuple(tokens), pixels, values, walk)


_LAYOUTS: Final = {
    (True, True): EXPLICIT_VR_LITTLE_ENDIAN,
    (False, True): IMPLICIT_VR_LITTLE_ENDIAN,
    (True, False): EXPLICIT_VR_BIG_ENDIAN,
    (False, False): IMPLICIT_VR_LITTLE_ENDIAN,
}
_TOLD: Final = frozenset({0x00080005, 0x00080008, 0x00080016, 0x00080018, 0x00082111, 0x7FE00001, 0x7FE00002})
"""What is read of other groups: what a derived object changes, and the Extended Offset Table."""

Edits = Mapping[int, Element | bytes | None]
"""By tag, what takes an element's place (or comes new): another, its bytes in the source's layout, or nothing."""


Pieces = Sequence[bytes | range]
"""New bytes, and as few ranges of the source as are not changed, in the order of tags."""


def written(anatomy: Anatomy, pieces: Pieces) -> Iterator[bytes]:
    """Yield what :func:`edited` returned; what is not edited keeps its bytes."""
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        for place in cut(range(piece.start, piece.stop)):
            chunk = anatomy.text.read_at(place.start, len(place))
            if len(chunk) != len(place):
                raise InvalidRequest(f"truncated: {len(place)} bytes are needed, {len(chunk)} are left")
            yield chunk


def edited(anatomy: Anatomy, tokens: Sequence[Token], edits: Edits) -> Pieces:
    """Return elements with ``edits`` made, laid out as they were."""
    return list(_pieces(anatomy, tokens, edits))


def _pieces(anatomy: Anatomy, tokens: Sequence[Token], edits: Edits) -> Iterator[bytes | range]:
    places: dict[int, tuple[int, int]] = {tag: (start, end) for tag, _, start, _, end in tokens}
    edited_groups = {tag >> 16 for tag in edits}
    pending: range | None = None
    for tag in sorted(places.keys() | edits.keys()):
        # PS3.5 7.2: group lengths are retired; one of a group that changes would be wrong.
        if tag in edits or (tag & 0xFFFF == 0 and tag >> 16 in edited_groups):
            new = edits.get(tag)
            if new is None:
                continue
            if pending:
                yield pending
                pending = None
            yield encode([new], anatomy.syntax) if isinstance(new, Element) else new
            continue
        start, end = places[tag]
        if pending is not None and pending.stop == start:
            pending = range(pending.start, end)
        else:
            if pending:
                yield pending
            pending = range(start, end)
    if pending:
        yield pending
