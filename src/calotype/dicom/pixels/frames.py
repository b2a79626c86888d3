"""Where each frame of an object lies, by offset and length, found without reading the pixels (PS3.5 8.1, A.4).

Uncompressed frames are arithmetic. Which fragments make an encapsulated one is worked out in ``fragments``. Number of
Frames is a claim that the fragments or bytes may deny.

Frames are numbered from 1, as everywhere in the Standard.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from calotype.dicom.datasets import WORD_BYTES, swap_words
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.fragments import MAX_FRAGMENTS, NO_TABLE, ExtendedOffsetTable, Fragments
from calotype.dicom.sources import Source
from calotype.errors import DamagedPixels, InvalidRequest, NotFound

Place: TypeAlias = tuple[int, int]
"""Offset in the data set (the inflated one of a deflated data set) and length, in bytes."""

_WORD_SIZES: Final = frozenset({1, 2, 4, 8})

ReadAt: TypeAlias = Callable[[int, int], bytes]
"""Returns so many bytes at an offset; fewer where the object ends."""

_VERSION: Final = 1
_NATIVE, _ENCAPSULATED = 0, 1
_STORED_HEAD: Final = struct.Struct("<BB")
_STORED_NATIVE: Final = struct.Struct("<QQQB")
_STORED_COUNTS: Final = struct.Struct("<LL")


@dataclass(frozen=True, slots=True)
class NativeFrames:
    """Frames of an uncompressed object, one after the other; of single bits, even without a gap to a whole byte.

    ``swapped_bytes`` is the size of the words whose bytes stand in the other order, 1 in little endian. Places are
    whole words then.
    """

    start: int
    frame_bits: int
    number_of_frames: int
    swapped_bytes: int = 1

    def frame(self, number: int) -> list[Place]:
        """Return the one place of a frame, whole bytes. NotFound when there is no such frame."""
        first, offset = self._first(number)
        end = (first + self.frame_bits + 7) // 8
        return [(self.start + offset, -(-end // self.swapped_bytes) * self.swapped_bytes - offset)]

    def cut(self, number: int, value: bytes) -> bytes:
        """Return a frame out of the bytes at its place: in little endian, from the first byte's lowest bit on."""
        first, offset = self._first(number)
        value = swap_words(value, self.swapped_bytes)
        skipped_bits = first - 8 * offset
        if not skipped_bits % 8 and not self.frame_bits % 8:
            start, size = skipped_bits // 8, self.frame_bits // 8
            return value if len(value) == size else value[start : start + size]
        bits = (int.from_bytes(value, "little") >> skipped_bits) & ((1 << self.frame_bits) - 1)
        return bits.to_bytes((self.frame_bits + 7) // 8, "little")

    def to_bytes(self) -> bytes:
        """Return what :func:`frame_index_from_bytes` reads."""
        numbers = _STORED_NATIVE.pack(self.start, self.frame_bits, self.number_of_frames, self.swapped_bytes)
        return _STORED_HEAD.pack(_VERSION, _NATIVE) + numbers

    def _first(self, number: int) -> tuple[int, int]:
        """Return a frame's first bit and the byte where the word begins that it stands in."""
        _check_number(number, self.number_of_frames)
        first = (number - 1) * self.frame_bits
        return first, first // 8 // self.swapped_bytes * self.swapped_bytes


@dataclass(frozen=True, slots=True)
class EncapsulatedFrames:
    """Frames in fragments. The arrays are never changed.

    Frame ``n`` is made of the fragments ``firsts[n - 1]`` up to, not including, ``firsts[n]``.
    """

    offsets: array[int]
    lengths: array[int]
    firsts: array[int]

    @property
    def number_of_frames(self) -> int:
        """How many frames there are."""
        return len(self.firsts) - 1

    def frame(self, number: int) -> list[Place]:
        """Return the places of a frame's fragments, in order. NotFound when there is no such frame."""
        _check_number(number, self.number_of_frames)
        these = slice(self.firsts[number - 1], self.firsts[number])
        return list(zip(self.offsets[these], self.lengths[these], strict=True))

    def to_bytes(self) -> bytes:
        """Return what :func:`frame_index_from_bytes` reads, some four bytes a frame."""
        columns = b"".join(_little(_gaps(column)) for column in (self.offsets, self.lengths, self.firsts))
        counts = _STORED_COUNTS.pack(len(self.offsets), len(self.firsts))
        return _STORED_HEAD.pack(_VERSION, _ENCAPSULATED) + counts + zlib.compress(columns, 1)


FrameIndex: TypeAlias = NativeFrames | EncapsulatedFrames


def native_index(
    start: int, value_bytes: int, description: PixelDescription, *, big_endian_vr: str = ""
) -> NativeFrames:
    """Return where the frames of an uncompressed value of ``value_bytes`` at ``start`` are.

    ``big_endian_vr`` is the value's VR in a big endian data set: it says of which size the words are (PS3.5 7.3).
    Only whole frames count; bytes after the last one are padding. Raises DamagedPixels when there is not even one.
    """
    bits = description.frame_bits
    full = description.samples * description.bits_allocated
    if description.is_subsampled and value_bytes * 8 >= full * description.number_of_frames:
        # Some devices say YBR_FULL_422 and write every sample; the length tells.
        bits = full
    count = min(description.number_of_frames, value_bytes * 8 // bits)
    if not count:
        raise DamagedPixels(f"a frame takes {(bits + 7) // 8} bytes; Pixel Data has {value_bytes}")
    return NativeFrames(start, bits, count, WORD_BYTES.get(big_endian_vr, 1))


def frame_index(
    source: Source, description: PixelDescription, syntax: UID, table: ExtendedOffsetTable = NO_TABLE
) -> EncapsulatedFrames:
    """Return where the frames of an encapsulated value are; ``source`` stands at its first item.

    What is read is the headers of items and a few bytes of each fragment. Of a video, whose frames no index can tell,
    the only "frame" is the stream. Raises DamagedPixels: a fragment is cut off, something else stands where it should
    be, there are none or too many, or it cannot be told which of them make which frame.
    """
    fragments = Fragments(source, syntax)
    firsts = fragments.firsts(description.number_of_frames, table)
    return EncapsulatedFrames(fragments.offsets, fragments.lengths, firsts)


def read_frame(index: FrameIndex, number: int, read_at: ReadAt) -> bytes:
    """Return the bytes of one frame, as ``codecs`` takes them: fragments joined, in little endian, at a whole byte.

    Raises NotFound when there is no such frame, DamagedPixels when the object ends before the frame does.
    """
    places = index.frame(number)
    pieces = [read_at(offset, length) for offset, length in places]
    for piece, (offset, length) in zip(pieces, places, strict=True):
        if len(piece) != length:
            raise DamagedPixels(f"frame {number} needs {length} bytes at {offset}; there are {len(piece)}")
    frame = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return index.cut(number, frame) if isinstance(index, NativeFrames) else frame


def frame_index_from_bytes(stored: bytes) -> FrameIndex:
    """Read what ``to_bytes`` of either index wrote. Raises InvalidRequest for anything else: compute it anew then."""
    try:
        version, kind = _STORED_HEAD.unpack_from(stored)
        rest = stored[_STORED_HEAD.size :]
        if version == _VERSION and kind == _NATIVE:
            index = NativeFrames(*_STORED_NATIVE.unpack(rest))
            if index.frame_bits and index.number_of_frames and index.swapped_bytes in _WORD_SIZES:
                return index
        elif version == _VERSION and kind == _ENCAPSULATED:
            return _encapsulated_from(rest)
    except (struct.error, zlib.error, ValueError, OverflowError):
        raise InvalidRequest("the frame index kept is damaged") from None
    raise InvalidRequest("the frame index kept is damaged, or of another version")


def _encapsulated_from(rest: bytes) -> EncapsulatedFrames:
    fragments, firsts = _STORED_COUNTS.unpack_from(rest)
    if not 2 <= firsts <= fragments + 1 <= MAX_FRAGMENTS + 1:
        raise ValueError
    wanted = 8 * (2 * fragments + firsts)
    unpacker = zlib.decompressobj()
    columns = memoryview(unpacker.decompress(rest[_STORED_COUNTS.size :], wanted + 1))
    if len(columns) != wanted or not unpacker.eof:
        raise ValueError
    numbers = array("Q")
    numbers.frombytes(columns)
    if sys.byteorder == "big":
        numbers.byteswap()
    offsets, lengths, starts = numbers[:fragments], numbers[fragments : 2 * fragments], numbers[2 * fragments :]
    index = EncapsulatedFrames(_sums(offsets), _sums(lengths), _sums(starts))
    if any(b <= a for a, b in pairwise(index.firsts)) or index.firsts[-1] > fragments:
        raise ValueError
    return index


def _gaps(numbers: array[int]) -> array[int]:
    """Return differences, modulo 2**64: they are small and alike, so they pack well."""
    previous = array("Q", [0]) + numbers[:-1]
    return array("Q", [(b - a) % 2**64 for a, b in zip(previous, numbers, strict=True)]) if numbers else numbers


def _sums(gaps: array[int]) -> array[int]:
    total, sums = 0, array("Q")
    for gap in gaps:
        total = (total + gap) % 2**64
        sums.append(total)
    return sums


def _little(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _check_number(number: int, count: int) -> None:
    if not 1 <= number <= count:
        raise NotFound(f"there is no frame {number}; the object has {count}, numbered from 1")
