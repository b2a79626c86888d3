"""Which part of a frame is shown, how large, and which way round (PS3.18 8.3.5.1.3, PS3.3 C.10.4, C.10.6).

Coordinates are image coordinates: x to the right, y down, in pixels, 0.0 being the outer edge of the first pixel.
Arithmetic only, no numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from calotype.dicom.pixels.attributes import FrameAttributes
from calotype.errors import InvalidRequest

MAX_SIDE_PX: Final = 16_384
"""The largest side of a picture that is made; what is asked for above is refused, what results from shapes is cut."""

_ASPECT_RATIO: Final = 0x00280034
_PIXEL_MEASURES: Final = 0x00289110
_SPACINGS: Final = (0x00280030, 0x00181164, 0x00182010)
"""Pixel Spacing, Imager Pixel Spacing, Nominal Scanned Pixel Spacing: row distance, then column distance."""
_MAX_ASPECT: Final = 16.0
_SQUARE: Final = 0.002
"""Pixels that are this near to a square are squares: rounded spacings must not blur a picture."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of a frame; ``is_relative``: in shares of its width and height instead of pixels."""

    left: float
    top: float
    right: float
    bottom: float
    is_relative: bool = False

    def __post_init__(self) -> None:
        if not (self.left < self.right and self.top < self.bottom):
            raise InvalidRequest(
                f"a region of {self.right - self.left:g} by {self.bottom - self.top:g} shows nothing"
            )

    def within(self, rows: int, columns: int) -> Region:
        """Return the region in pixels, cut at the frame's edges. InvalidRequest when none of it is in the frame."""
        x, y = (columns, rows) if self.is_relative else (1, 1)
        edges = (
            max(0.0, self.left * x), max(0.0, self.top * y),
            min(columns, self.right * x), min(rows, self.bottom * y),
        )  # fmt: skip
        if not (edges[0] < edges[2] and edges[1] < edges[3]):
            raise InvalidRequest(f"the region lies outside of the {columns} by {rows} pixels of the image")
        return Region(*edges)


@dataclass(frozen=True, slots=True)
class Turn:
    """A spatial transformation: turned clockwise by 0, 90, 180 or 270 degrees, then flipped (PS3.3 C.10.6)."""

    degrees: int = 0
    flip_horizontal: bool = False
    flip_vertical: bool = False

    @property
    def swaps_sides(self) -> bool:
        """Whether what was wide is high afterwards."""
        return self.degrees in {90, 270}


NO_TURN: Final = Turn()


def region_as_shown(region: Region, area: Region, turn: Turn) -> Region:
    """Return which part of ``area`` a relative region is, chosen in what ``area`` looks like once it is turned."""
    xs, ys = (region.left, region.right), (region.top, region.bottom)
    if turn.flip_horizontal:
        xs = (1 - xs[1], 1 - xs[0])
    if turn.flip_vertical:
        ys = (1 - ys[1], 1 - ys[0])
    for _ in range(turn.degrees // 90):
        # A quarter back: what is right of the picture was at the top.
        xs, ys = ys, (1 - xs[1], 1 - xs[0])
    wide, high = area.right - area.left, area.bottom - area.top
    return Region(
        area.left + xs[0] * wide, area.top + ys[0] * high, area.left + xs[1] * wide, area.top + ys[1] * high
    )


def magnified(area: Region, ratio: float, fit: tuple[int, int] | None, turn: Turn) -> tuple[Region, tuple[int, int]]:
    """Return what of ``area`` is seen, and how large, at ``ratio`` pixels for each of its own (PS3.18 9.5.2.3).

    What does not go into ``fit`` is cut off on all sides alike.
    """
    box = fit if fit is None or not turn.swaps_sides else fit[::-1]
    sides = [area.right - area.left, area.bottom - area.top]
    centers = (area.left + area.right) / 2, (area.top + area.bottom) / 2
    if box is not None:
        sides = [min(side, most / ratio) for side, most in zip(sides, box, strict=True)]
    (wide, high), (x, y) = sides, centers
    size = max(1, round(wide * ratio)), max(1, round(high * ratio))
    part = Region(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
    return part, size[::-1] if turn.swaps_sides else size


@dataclass(frozen=True, slots=True)
class View:
    """One way to see a frame: ``left`` to ``bottom`` (whole pixels) become ``width`` by ``height``, then are turned.

    The edges may lie outside the frame; there is nothing to see there.
    """

    left: int
    top: int
    right: int
    bottom: int
    width: int
    height: int
    turn: Turn = NO_TURN

    @property
    def spare(self) -> float:
        """How many pixels of the frame, in a row or column, make one of the picture."""
        return min((self.right - self.left) / self.width, (self.bottom - self.top) / self.height)

    @property
    def stride(self) -> int:
        """Every how many-th pixel is looked at: twice as many as are shown."""
        return max(1, int(self.spare // 2))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, turned."""
        return (self.height, self.width) if self.turn.swaps_sides else (self.width, self.height)

    @property
    def scale(self) -> float:
        """How many pixels of the picture a pixel of the frame takes, both ways averaged."""
        return math.sqrt(self.width * self.height / ((self.right - self.left) * (self.bottom - self.top)))

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the frame is in the picture."""
        return self.turned(
            (x - self.left) * self.width / (self.right - self.left),
            (y - self.top) * self.height / (self.bottom - self.top),
        )

    def turned(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the picture before it is turned comes to lie."""
        if self.turn.degrees == 90:
            x, y = self.height - y, x
        elif self.turn.degrees == 180:
            x, y = self.width - x, self.height - y
        elif self.turn.degrees == 270:
            x, y = y, self.width - x
        width, height = self.size
        return width - x if self.turn.flip_horizontal else x, height - y if self.turn.flip_vertical else y


def view_of(
    rows: int,
    columns: int,
    *,
    aspect: float = 1.0,
    area: Region | None = None,
    fit: tuple[int, int] | None = None,
    turn: Turn = NO_TURN,
) -> View:
    """Return how to show ``area`` (default: all) of a frame whose pixels are ``aspect`` times as high as wide.

    Without ``fit`` nothing is left out: one side of the pixels stays one, the other is stretched. With it the picture
    is as large as fits into that width and height. InvalidRequest when it would be of an absurd size.
    """
    area = area or Region(0, 0, columns, rows)
    left, top = math.floor(area.left), math.floor(area.top)
    right, bottom = max(left + 1, math.ceil(area.right)), max(top + 1, math.ceil(area.bottom))
    wide = (right - left) * max(1.0, 1 / aspect)
    high = (bottom - top) * max(1.0, aspect)
    if fit is not None:
        if not all(1 <= side <= MAX_SIDE_PX for side in fit):
            raise InvalidRequest(f"a viewport of {fit[0]} by {fit[1]}: sides from 1 to {MAX_SIDE_PX} can be shown")
        box = fit[::-1] if turn.swaps_sides else fit
        scale = min(box[0] / wide, box[1] / high)
    else:
        scale = min(1.0, MAX_SIDE_PX / max(wide, high))
    width, height = max(1, round(wide * scale)), max(1, round(high * scale))
    return View(left, top, right, bottom, width, height, turn)


def aspect_of(frame: FrameAttributes) -> float:
    """Return how many times as high as wide a pixel is; 1 where nobody says, or says something absurd."""
    measures = frame.group(_PIXEL_MEASURES)
    for place in (measures, frame.whole):
        for tag in _SPACINGS:
            if ratio := _ratio(place.numbers(tag)):
                return ratio
    return _ratio(frame.whole.numbers(_ASPECT_RATIO)) or 1.0


def _ratio(pair: list[float]) -> float:
    if len(pair) != 2 or min(pair) <= 0:
        return 0.0
    ratio = pair[0] / pair[1]
    if not 1 / _MAX_ASPECT <= ratio <= _MAX_ASPECT:
        return 0.0
    return 1.0 if abs(ratio - 1) < _SQUARE else ratio
