"""Overlays of groups 60xx as masks over a frame (PS3.3 C.9.2): in Overlay Data, or in spare bits of the pixels.

Moving the latter out when an object changes its transfer syntax is for ``embedded``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calotype.dicom.pixels.attributes import Attributes
from calotype.dicom.pixels.description import PixelDescription

Array: TypeAlias = NDArray[Any]

GROUPS: Final = range(0x6000, 0x6020, 2)
_ROWS, _COLUMNS, _ORIGIN, _FRAMES, _FRAME_ORIGIN = 0x0010, 0x0011, 0x0050, 0x0015, 0x0051
_BITS_ALLOCATED, _BIT_POSITION, _DATA = 0x0100, 0x0102, 0x3000


def overlay_mask(
    whole: Attributes,
    description: PixelDescription,
    number: int,
    cells: bytes | None,
    groups: Collection[int] = GROUPS,
) -> Array | None:
    """Return where overlays cover frame ``number`` (from 1), of its rows and columns; ``None`` where none does.

    ``cells`` is the frame as it is stored when it is not compressed: older devices keep overlays in its spare bits.
    What is cut off or lies outside the frame covers nothing.
    """
    shape = (description.rows, description.columns)
    found = None
    for group in groups:
        for plane, top, left in _planes(whole, group << 16, description, number, cells):
            if found is None:
                found = np.zeros(shape, bool)
            rows, columns = _shared(top, plane.shape[0], shape[0]), _shared(left, plane.shape[1], shape[1])
            found[rows[0], columns[0]] |= plane[rows[1], columns[1]]
    return found


def bitmap(whole: Attributes, group: int, description: PixelDescription) -> Array | None:
    """Return one overlay of a presentation state, which shutters a frame as a bitmap (PS3.3 C.7.6.15)."""
    return overlay_mask(whole, description, 1, None, (group,))


def _planes(
    whole: Attributes, base: int, description: PixelDescription, number: int, cells: bytes | None
) -> Iterator[tuple[Array, int, int]]:
    """Yield the plane of one group that belongs to a frame, with the row and column where it starts (from 0)."""
    position = whole.whole(base | _BIT_POSITION)
    if base | _DATA in whole:
        rows, columns = whole.whole(base | _ROWS), whole.whole(base | _COLUMNS)
        frames = max(1, whole.whole(base | _FRAMES, 1))
        index = number - max(1, whole.whole(base | _FRAME_ORIGIN, 1))
        if frames == 1 and base | _FRAMES not in whole:
            index = 0  # an overlay that knows nothing of frames lies over all of them
        plane = _unpacked(whole.raw(base | _DATA), rows, columns, index) if 0 <= index < frames else None
    elif position and cells is not None:
        plane = _embedded(cells, position, description)
    else:
        plane = None
    if plane is not None:
        origin = whole.numbers(base | _ORIGIN, "SS")
        top, left = (int(origin[0]), int(origin[1])) if len(origin) >= 2 else (1, 1)
        yield plane, top - 1, left - 1


def _unpacked(data: bytes, rows: int, columns: int, index: int) -> Array | None:
    """Return one frame of packed bits, the lowest first; frames follow each other without padding."""
    size = rows * columns
    if not size or len(data) * 8 < size * (index + 1):
        return None
    first = index * size
    part = np.frombuffer(data, np.uint8)[first // 8 : (first + size + 7) // 8]
    bits = np.unpackbits(part, bitorder="little")[first % 8 : first % 8 + size]
    return bits.reshape(rows, columns).astype(bool)


def _embedded(cells: bytes, position: int, description: PixelDescription) -> Array | None:
    lowest = description.high_bit + 1 - description.bits_stored
    is_spare = position < lowest or description.high_bit < position < description.bits_allocated
    if description.samples_per_pixel != 1 or description.bits_allocated not in {8, 16} or not is_spare:
        return None
    count = description.rows * description.columns
    words = np.frombuffer(cells, f"<u{description.bits_allocated // 8}", count)
    return (words >> position & 1).astype(bool).reshape(description.rows, description.columns)


def _shared(start: int, length: int, limit: int) -> tuple[slice, slice]:
    """Return the stretch that a plane and a frame share: in the frame, and in the plane."""
    first, end = min(max(0, start), limit), max(0, min(limit, start + length))
    end = max(first, end)
    offset = max(0, first - start)
    return slice(first, end), slice(offset, offset + end - first)
