"""Which fragments of an encapsulated value make which frame (PS3.5 A.4).

The first of these that holds, as tables in files are wrong often enough: the Extended Offset Table, the Basic Offset
Table (each only if it is strictly increasing, starts at 0, lands on items and has an entry for every frame); one
fragment for each frame; one frame in all fragments; the marks by which codestreams start, then those by which they
end. Else the object is refused: a frame that may be another one is never handed out.

Headers of items and a few bytes of each fragment are read, nothing else. Lengths may be odd, fragments may be empty,
and the Basic Offset Table may be missing altogether.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.sources import Source
from calotype.dicom.uids import RLE_LOSSLESS, transfer_syntax
from calotype.errors import DamagedPixels, InvalidRequest

MAX_FRAGMENTS: Final = 4_000_000
"""Above any real object: a whole slide image has some 100,000."""

_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_HEAD_BYTES: Final = 8
_TAIL_BYTES: Final = 3


@dataclass(frozen=True, slots=True)
class ExtendedOffsetTable:
    """(7FE0,0001) *Extended Offset Table* and (7FE0,0002) *Extended Offset Table Lengths*, in bytes.

    PS3.3 C.7.6.3.1.8: offsets count from the first item after the Basic Offset Table, which is empty then; each frame
    is one fragment, and its length is without padding.
    """

    offsets: Sequence[int] = ()
    lengths: Sequence[int] = ()


NO_TABLE: Final = ExtendedOffsetTable()


@dataclass(frozen=True, slots=True)
class _Marks:
    """By which bytes a codestream starts and ends; none where that cannot be told."""

    starts: tuple[bytes, ...] = ()
    end: bytes = b""


_JPEG: Final = _Marks((b"\xff\xd8\xff",), b"\xff\xd9")
_JPEG_2000: Final = _Marks((b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "), b"\xff\xd9")
_JPEG_XL: Final = _Marks((b"\xff\x0a", b"\0\0\0\x0cJXL "))
# PS3.5 G.5: the number of segments, then the first offset, which is always 64.
_RLE: Final = _Marks(tuple(bytes((count, 0, 0, 0, 64, 0, 0, 0)) for count in range(1, 16)))
_NO_MARKS: Final = _Marks()

_MARKS_BY_KEYWORD: Final = (("JPEGXL", _JPEG_XL), ("JPEG2000", _JPEG_2000), ("HTJ2K", _JPEG_2000), ("JPEG", _JPEG))


def _marks_of(syntax: UID) -> _Marks:
    if syntax == RLE_LOSSLESS:
        return _RLE
    keyword = transfer_syntax(syntax).keyword
    return next((marks for start, marks in _MARKS_BY_KEYWORD if keyword.startswith(start)), _NO_MARKS)


def is_video(syntax: UID) -> bool:
    """Tell whether fragments are pieces of one stream, whose frames cannot be told apart (PS3.5 8.2.5 ff.)."""
    return transfer_syntax(syntax).keyword.startswith(("MPEG", "HEVC"))


class Fragments:
    """The fragments of one value, empty ones left out, with what tells which make a frame.

    ``source`` stands at the first item and afterwards behind the value. Raises DamagedPixels: a fragment is cut off,
    something else stands where one should, there are none or more than :data:`MAX_FRAGMENTS`.
    """

    def __init__(self, source: Source, syntax: UID) -> None:
        self.offsets: array[int] = array("Q")
        self.lengths: array[int] = array("Q")
        self._syntax = syntax
        self._marks = _marks_of(syntax)
        self._starting: array[int] = array("Q")
        self._ending: array[int] = array("Q")
        self._basic: tuple[int, ...] = ()
        # Where items are, by which tables find them, and the fragment that each is; empty ones stand for the next.
        self._items: array[int] = array("Q")
        self._fragment_of: array[int] = array("Q")
        try:
            self._read(source)
        except DamagedPixels:
            raise
        except InvalidRequest as error:
            raise DamagedPixels(f"the fragments of Pixel Data break off: {error}") from None
        if not self.offsets:
            raise DamagedPixels("Pixel Data has no fragment with anything in it")

    def firsts(self, claimed: int, table: ExtendedOffsetTable = NO_TABLE) -> array[int]:
        """Return the first fragment of each frame and, last, the number of fragments.

        ``claimed`` is Number of Frames. Raises DamagedPixels when no rule tells them apart.
        """
        count = len(self.offsets)
        if is_video(self._syntax):
            return array("Q", (0, count))
        frames = min(claimed, count)
        for offsets in (table.offsets, self._basic):
            if len(offsets) == claimed and (found := self._by_table(offsets)) is not None:
                self._cut(table, offsets)
                return found
        if frames == count:
            return array("Q", range(count + 1))
        if frames == 1:
            return array("Q", (0, count))
        for found in (self._starting, array("Q", (0, *(last + 1 for last in self._ending[:-1])))):
            if len(found) == frames and found[0] == 0:
                return found + array("Q", (count,))
        raise DamagedPixels(
            f"it cannot be told which of the {count} fragments make which of the {frames} frames: there is no offset "
            f"table that fits, and {len(self._starting)} fragments start an image"
        )

    def _by_table(self, offsets: Sequence[int]) -> array[int] | None:
        """Return the first fragments that a table tells, nothing when it cannot be right."""
        if not offsets or offsets[0] != 0:
            return None
        found: array[int] = array("Q")
        for offset in offsets:
            at = bisect_left(self._items, offset)
            if at == len(self._items) or self._items[at] != offset:
                return None
            found.append(self._fragment_of[at])
        found.append(len(self.offsets))
        # Strictly increasing, and no frame of empty fragments alone.
        rises = all(b > a for a, b in pairwise(found))
        return found if rises and found[0] == 0 else None

    def _cut(self, table: ExtendedOffsetTable, used: Sequence[int]) -> None:
        """Take the padding off fragments whose length the Extended Offset Table tells."""
        if used is not table.offsets or not len(table.lengths) == len(used) == len(self.lengths):
            return
        for at, length in enumerate(table.lengths):
            if self.lengths[at] - 1 <= length <= self.lengths[at]:
                self.lengths[at] = length

    def _read(self, source: Source) -> None:
        base: int | None = None
        count = 0
        while source.more():
            at = source.position
            group, number, length = struct.unpack("<HHL", source.take(8))
            tag = group << 16 | number
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM:
                raise DamagedPixels(f"({group:04X},{number:04X}) at byte {at} stands where a fragment should")
            count += 1
            if count > MAX_FRAGMENTS:
                raise DamagedPixels(f"Pixel Data has more than {MAX_FRAGMENTS} fragments")
            head = source.take(min(length, _HEAD_BYTES))
            if base is None and not head.startswith(self._marks.starts):
                self._read_basic_table(source, head, length)
                base = source.position
                continue
            # Some writers leave the Basic Offset Table out.
            base = at if base is None else base
            self._items.append(at - base)
            self._fragment_of.append(len(self.offsets))
            if length:
                self._read_fragment(source, head, length)

    def _read_basic_table(self, source: Source, head: bytes, length: int) -> None:
        if length > 4 * MAX_FRAGMENTS or length % 4:
            source.skip(length - len(head))
            return
        value = head + source.take(length - len(head))
        self._basic = struct.unpack(f"<{length // 4}L", value)

    def _read_fragment(self, source: Source, head: bytes, length: int) -> None:
        self.offsets.append(source.position - len(head))
        self.lengths.append(length)
        left = length - len(head)
        source.skip(max(0, left - _TAIL_BYTES))
        tail = head[-_TAIL_BYTES:] + source.take(min(left, _TAIL_BYTES))
        if head.startswith(self._marks.starts):
            self._starting.append(len(self.offsets) - 1)
        # PS3.5 A.4: a codestream is padded to even length with a byte after its end.
        if self._marks.end and self._marks.end in tail[-_TAIL_BYTES:]:
            self._ending.append(len(self.offsets) - 1)
