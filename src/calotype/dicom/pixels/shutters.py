"""Display shutters: what of a frame is hidden (PS3.3 C.7.6.11, C.7.6.15)."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calotype.dicom.pixels.attributes import Attributes
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.overlays import bitmap

Array: TypeAlias = NDArray[Any]

_SHAPE, _PRESENTATION_VALUE, _OVERLAY_GROUP = 0x00181600, 0x00181622, 0x00181623
_EDGES: Final = (0x00181602, 0x00181604, 0x00181606, 0x00181608)
_CENTER, _RADIUS, _VERTICES = 0x00181610, 0x00181612, 0x00181620
_MAX_VERTICES: Final = 1000
_MAX_WORK: Final = 2_000_000_000


def shutter_mask(item: Attributes, description: PixelDescription) -> Array | None:
    """Return which pixels of a frame are hidden, by all shapes that ``item`` names; ``None`` when none are.

    Rows and columns count from 1; a shape that is not told completely hides nothing,
    nor does a polygon of absurdly many corners.
    """
    shape = (description.rows, description.columns)
    y, x = np.ogrid[1 : shape[0] + 1, 1 : shape[1] + 1]
    hidden = None
    for name in item.texts(_SHAPE):
        mask = None
        if name == "RECTANGULAR":
            mask = _outside_rectangle(item, x, y)
        elif name == "CIRCULAR":
            mask = _outside_circle(item, x, y)
        elif name == "POLYGONAL":
            mask = _outside_polygon(item, x, y)
        elif name == "BITMAP":
            mask = bitmap(item, item.whole(_OVERLAY_GROUP), description)
        if mask is not None:
            hidden = mask if hidden is None else hidden | mask
    return hidden


def shutter_grey(item: Attributes) -> int:
    """Return how hidden pixels look, 0 (black, also where nothing is said) to 255."""
    return min(255, item.whole(_PRESENTATION_VALUE) >> 8)


def _outside_rectangle(item: Attributes, x: Array, y: Array) -> Array | None:
    edges = [item.number(tag) for tag in _EDGES]
    left, right, top, bottom = edges
    if left is None or right is None or top is None or bottom is None:
        return None
    return np.asarray((x < left) | (x > right) | (y < top) | (y > bottom))


def _outside_circle(item: Attributes, x: Array, y: Array) -> Array | None:
    center, radius = item.numbers(_CENTER), item.number(_RADIUS)
    if len(center) != 2 or radius is None:
        return None
    return np.asarray((y - center[0]) ** 2 + (x - center[1]) ** 2 > radius * radius)


def _outside_polygon(item: Attributes, x: Array, y: Array) -> Array | None:
    """Count for each pixel how many edges lie to its right: an odd number is inside."""
    numbers = item.numbers(_VERTICES)[: 2 * _MAX_VERTICES]
    points = list(zip(numbers[0::2], numbers[1::2], strict=False))
    if len(points) < 3:
        return None
    inside = np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
    if len(points) * inside.size > _MAX_WORK:
        return None  # no shutter of a real device has so many corners over so large an image
    for (y0, x0), (y1, x1) in zip(points, [*points[1:], points[0]], strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return ~inside
