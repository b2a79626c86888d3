"""The element that holds the pixels, written while its frames are made (PS3.5 8.1, A.4).

Frames come in as bytes, in order; out goes Pixel Data (7FE0,0010), uncompressed or in fragments, with the tables of
offsets that were asked for. What is in a frame is not known here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from enum import Enum, auto
from itertools import accumulate
from typing import Final, Protocol

from calotype.dicom.datasets import UNDEFINED_LENGTH, Element, encode, swap
from calotype.dicom.pixels.description import PIXEL_DATA, PixelDescription
from calotype.dicom.pixels.native import BitPacker
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, TransferSyntax
from calotype.errors import DamagedPixels, Unsupported

KEPT_BYTES: Final = 64 * 1024 * 1024
"""Frames up to this much are kept where their sizes must be known before the first is written; the rest are made
again."""

EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS = 0x7FE00001, 0x7FE00002

_ITEM_HEAD: Final = struct.Struct("<HHL")
_ITEM_HEAD_BYTES: Final = 8
_SEQUENCE_END: Final = _ITEM_HEAD.pack(0xFFFE, 0xE0DD, 0)
_MAX_OFFSET: Final = 0xFFFFFFFF
_MAX_VALUE_BYTES: Final = 0xFFFFFFFE


class Offsets(Enum):
    """Which table says where the fragments of a frame start (PS3.5 A.4, PS3.3 C.7.6.3.1.8).

    All but ``NONE`` need the size of every frame before the first is written.
    """

    NONE = auto()
    """An empty Basic Offset Table, which every reader must take; each frame is one fragment."""
    BASIC = auto()
    """The Basic Offset Table; the extended one where frames take more than 4 GiB."""
    EXTENDED = auto()
    """The Extended Offset Table."""


class FrameStream:
    """Frames as they are made, from any of them on; the first ones may be kept. Used by one thread.

    ``make(start)`` makes the frames from ``start``, counted from 0, the same ones each time.
    """

    def __init__(self, make: Callable[[int], Iterator[bytes]], count: int) -> None:
        self._make = make
        self._count = count
        self._kept: list[bytes] = []
        self._rest: Iterator[bytes] | None = None
        self.sizes: list[int] | None = None
        """How many bytes each frame takes, once that is known."""

    def start(self) -> None:
        """Have frames made ahead, if whoever makes them does."""
        self._rest = self._make(0)

    def begin(self) -> None:
        """Wait for the first frame; what goes wrong with it is raised."""
        if self._rest is None or self._kept:
            return
        self._kept = [next(self._rest)]
        if self._count == 1:
            self.sizes = [len(self._kept[0])]

    def measure(self) -> None:
        """Make every frame to learn its size, and keep what may be kept."""
        if self.sizes is not None:
            return
        sizes = [len(frame) for frame in self._kept]
        kept_bytes = sum(sizes)
        rest, self._rest = self._rest or self._make(len(self._kept)), None
        try:
            for frame in rest:
                if len(sizes) == len(self._kept) and kept_bytes + len(frame) <= KEPT_BYTES:
                    self._kept.append(frame)
                    kept_bytes += len(frame)
                sizes.append(len(frame))
        finally:
            _close(rest)
        self.sizes = sizes

    def __iter__(self) -> Iterator[bytes]:
        """Yield every frame. DamagedPixels when the object does not have as many as it did."""
        yield from self._kept
        made = len(self._kept)
        if made == self._count:
            return
        rest, self._rest = self._rest or self._make(made), None
        try:
            for frame in rest:
                if self.sizes is not None and len(frame) != self.sizes[made]:
                    raise DamagedPixels(f"frame {made + 1} did not come out the same twice")
                made += 1
                yield frame
        finally:
            _close(rest)
        if made != self._count:
            raise DamagedPixels(f"{self._count} frames are needed, {made} came")

    def close(self) -> None:
        """Stop what is being made ahead."""
        if self._rest is not None:
            _close(self._rest)
            self._rest = None


def _close(frames: Iterator[bytes]) -> None:
    close = getattr(frames, "close", None)
    if close is not None:
        close()


class PixelData(Protocol):
    """Pixel Data that can be written; ``size_bytes`` is ``None`` where only the end will tell."""

    frames: FrameStream
    size_bytes: int | None

    def written(self) -> Iterator[bytes]:
        """Yield the element, and the tables before it, none of the pieces empty."""
        ...


class NativePixelData:
    """Uncompressed frames, one after the other; single bits without a gap."""

    def __init__(self, frames: FrameStream, count: int, description: PixelDescription, to: TransferSyntax) -> None:
        self.frames = frames
        self._description = description
        self._to = to
        self._vr = "OB" if description.bits_allocated <= 8 else "OW"
        # Frames of single bits share bytes; the others are whole bytes each.
        self._value_bytes = (count * description.frame_bits + 7) // 8
        padded = self._value_bytes + self._value_bytes % 2
        if padded > _MAX_VALUE_BYTES:
            raise Unsupported(f"uncompressed, the pixels take {padded} bytes; 4 GiB is what an element can hold")
        self._head = _head(self._vr, padded, to)
        self.size_bytes: int | None = len(self._head) + padded

    def written(self) -> Iterator[bytes]:
        """Yield the element."""
        yield self._head
        packer = BitPacker() if self._description.frame_bits % 8 else None
        for frame in self.frames:
            if packer is None:
                yield frame if self._to.little_endian else swap(self._vr, frame)
            elif joined := packer.add(frame, self._description.frame_bits):
                yield joined
        if packer is not None and (rest := packer.rest()):
            yield rest
        if self._value_bytes % 2:
            yield b"\0"


class EncapsulatedPixelData:
    """Frames in fragments, one each."""

    def __init__(self, frames: FrameStream, offsets: Offsets) -> None:
        self.frames = frames
        self._before = b""
        self._table = b""
        if offsets is not Offsets.NONE:
            frames.measure()
        sizes = frames.sizes
        if sizes is None:
            self.size_bytes: int | None = None
            return
        starts = [0, *accumulate(_ITEM_HEAD_BYTES + size + size % 2 for size in sizes)]
        if offsets is Offsets.EXTENDED or (offsets is Offsets.BASIC and starts[-2] > _MAX_OFFSET):
            # PS3.3 C.7.6.3.1.8: the lengths are those of frames without padding.
            self._before = encode(
                [
                    Element(EXTENDED_OFFSET_TABLE, "OV", struct.pack(f"<{len(sizes)}Q", *starts[:-1])),
                    Element(EXTENDED_OFFSET_TABLE_LENGTHS, "OV", struct.pack(f"<{len(sizes)}Q", *sizes)),
                ],
                EXPLICIT_VR_LITTLE_ENDIAN,
            )
        elif offsets is Offsets.BASIC:
            self._table = struct.pack(f"<{len(sizes)}L", *starts[:-1])
        around = 12 + _ITEM_HEAD_BYTES + len(self._table) + _ITEM_HEAD_BYTES
        self.size_bytes = len(self._before) + around + starts[-1]

    def written(self) -> Iterator[bytes]:
        """Yield the tables of offsets, if any, and the element."""
        head = struct.pack("<HH2sHL", PIXEL_DATA >> 16, PIXEL_DATA & 0xFFFF, b"OB", 0, UNDEFINED_LENGTH)
        yield self._before + head + _ITEM_HEAD.pack(0xFFFE, 0xE000, len(self._table)) + self._table
        for frame in self.frames:
            if len(frame) >= _MAX_VALUE_BYTES:
                raise Unsupported("a frame takes more than 4 GiB, which no fragment can hold")
            yield _ITEM_HEAD.pack(0xFFFE, 0xE000, len(frame) + len(frame) % 2)
            yield frame
            if len(frame) % 2:
                yield b"\0"
        yield _SEQUENCE_END


def _head(vr: str, value_bytes: int, to: TransferSyntax) -> bytes:
    order = "<" if to.little_endian else ">"
    tag = struct.pack(order + "HH", PIXEL_DATA >> 16, PIXEL_DATA & 0xFFFF)
    if not to.explicit_vr:
        return tag + struct.pack("<L", value_bytes)
    return tag + vr.encode("ascii") + b"\0\0" + struct.pack(order + "L", value_bytes)
