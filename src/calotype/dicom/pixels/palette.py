"""Palette colour: indices to colours (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6), segmented and supplemental ones included.

Red, green and blue tables are read to one array of 8 bits an entry, which is what a picture shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calotype.dicom.pixels.attributes import Attributes
from calotype.dicom.pixels.luts import by_blocks, read_table
from calotype.errors import DamagedPixels

Array: TypeAlias = NDArray[Any]

_DESCRIPTORS: Final = (0x00281101, 0x00281102, 0x00281103)
_DATA: Final = (0x00281201, 0x00281202, 0x00281203)
_SEGMENTED: Final = (0x00281221, 0x00281222, 0x00281223)
_PIXEL_PRESENTATION: Final = 0x00089205
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_MAX_ENTRIES: Final = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """``colours`` (entries, 3) of 8 bits for stored values from ``first`` on."""

    first: int
    colours: Array

    def apply(self, values: Array) -> Array:
        """Return the colours of stored values, one axis more; below and above the palette its first and last one."""
        return by_blocks(values, self._colours_of, 3)

    def _colours_of(self, values: Array) -> Array:
        index = np.clip(values.astype(np.int64) - self.first, 0, len(self.colours) - 1)
        return np.take(self.colours, index, axis=0)

    def supplement(self, values: Array, grey: Array) -> Array:
        """Return ``grey`` as colours, with those of the palette where stored values are within it (C.7.6.19)."""
        coloured = values.astype(np.int64) >= self.first
        return np.where(coloured[..., None], self.apply(values), grey[..., None]).astype(np.uint8)


def has_palette(whole: Attributes) -> bool:
    """Tell whether an object brings its colours along."""
    return all(tag in whole for tag in _DESCRIPTORS)


def is_supplemental(whole: Attributes) -> bool:
    """Tell whether some values of a grey image are to be shown in colours of a palette (PS3.3 C.7.6.19)."""
    return has_palette(whole) and whole.text(_PIXEL_PRESENTATION) in {"COLOR", "MIXED"}


def palette_of(whole: Attributes, *, is_signed: bool) -> Palette:
    """Return the palette of an object. DamagedPixels when a table is missing or shorter than it says."""
    columns, first = [], 0
    for descriptor, data, segmented in zip(_DESCRIPTORS, _DATA, _SEGMENTED, strict=True):
        raw = whole.raw(data)
        if data not in whole and segmented in whole:
            raw = expand_segments(whole.raw(segmented), _entries(whole.raw(descriptor)), _bits(whole.raw(descriptor)))
        if not raw:
            raise DamagedPixels("PALETTE COLOR without the tables of its red, green and blue")
        table = read_table(whole.raw(descriptor), raw, is_signed=is_signed)
        columns.append(_eight_bits(table.values, _bits(whole.raw(descriptor))))
        first = table.first
    length = min(map(len, columns))
    return Palette(first, np.stack([column[:length] for column in columns], axis=-1))


def _eight_bits(values: Array, bits: int) -> Array:
    # PS3.3 C.7.6.3.1.5: entries of 16 bits span all of them. Some devices write 8 bit colours and say 16.
    if bits == 16 and values.max() > 0xFF:
        return (values >> 8).astype(np.uint8)
    return np.minimum(values, 0xFF).astype(np.uint8)


def _entries(descriptor: bytes) -> int:
    return int.from_bytes(descriptor[:2], "little") or _MAX_ENTRIES


def _bits(descriptor: bytes) -> int:
    return int.from_bytes(descriptor[4:6], "little")


def expand_segments(data: bytes, entries: int, bits: int) -> bytes:
    """Return the entries that segments stand for, 16 bits each (PS3.3 C.7.9.2).

    DamagedPixels when a segment is cut off, of an unknown kind, refers to what is none, or when there would be more
    entries than the descriptor says.
    """
    width = 2 if bits > 8 else 1
    words = [int(each) for each in np.frombuffer(data, f"<u{width}", len(data) // width)]
    expander = _Expander(words, entries, width)
    expander.run(0, len(words), None)
    return np.array(expander.found, "<u2").tobytes()


class _Expander:
    """Reads segments one after the other. Offsets of indirect ones count bytes of the segmented data."""

    def __init__(self, words: list[int], entries: int, width: int) -> None:
        self._words = words
        self._entries = entries
        self._width = width
        self._left = _MAX_ENTRIES
        self.found: list[int] = []

    def run(self, pos: int, end: int, segments: int | None, *, nested: bool = False) -> None:
        """Expand ``segments`` of them, or all up to ``end``."""
        while pos < end and segments != 0:
            if self._width == 1 and pos == end - 1 and len(self.found) == self._entries:
                return  # the pad byte of an odd table
            self._left -= 1
            if self._left < 0:
                raise DamagedPixels("a segmented palette repeats its segments without end")
            kind, count = self._take(pos, 2)
            if kind == _DISCRETE:
                self._add(self._take(pos + 2, count))
                pos += 2 + count
            elif kind == _LINEAR:
                (last,) = self._take(pos + 2, 1)
                self._line(last, count)
                pos += 3
            elif kind == _INDIRECT and not nested:
                self._repeat(count, pos + 2)
                pos += 2 + (2 if self._width == 2 else 4)
            else:
                raise DamagedPixels(f"a segmented palette has a segment of kind {kind} where none may be")
            segments = None if segments is None else segments - 1

    def _repeat(self, count: int, pos: int) -> None:
        """Expand ``count`` earlier segments again, by their offset in bytes of 32 bits (PS3.3 C.7.9.2.3)."""
        size = 2 if self._width == 2 else 4
        parts = self._take(pos, size)
        offset = sum(part << (8 * self._width * place) for place, part in enumerate(parts))
        self.run(offset // self._width, len(self._words), count, nested=True)

    def _line(self, last: int, count: int) -> None:
        if not self.found:
            raise DamagedPixels("a segmented palette starts with a line from nowhere")
        first = self.found[-1]
        self._add([int(each) for each in np.round(np.linspace(first, last, count + 1))[1:]])

    def _add(self, values: list[int]) -> None:
        if len(self.found) + len(values) > self._entries:
            raise DamagedPixels(f"a segmented palette has more than the {self._entries} entries it says")
        self.found += values

    def _take(self, pos: int, count: int) -> list[int]:
        if pos + count > len(self._words):
            raise DamagedPixels("a segmented palette ends within a segment")
        return self._words[pos : pos + count]
