"""Draws what presentation states and callers write over a picture: graphics, text, lines in a corner (PS3.3 C.10.5).

On the finished picture, so that lines and letters are as fine as it is. Text is set in Pillow's own face, which has
Latin letters only: Chinese is written in pinyin, other scripts as boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from calotype.dicom import romanise
from calotype.dicom.pixels.geometry import View
from calotype.dicom.pixels.presentation import Graphic, Label, Layer, Point, Shown

Array: TypeAlias = NDArray[Any]
Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour: TypeAlias = tuple[int, int, int]

_FONT_SHARE: Final = 40
"""Letters are a fortieth of the picture's height."""
_FONT_PX: Final = (10, 48)
_MAX_CHARS: Final = 4000
_CURVE_STEPS: Final = 16
_BLACK: Final = (0, 0, 0)


def draw(picture: Array, view: View, shown: Shown | None, lines: Sequence[str]) -> Array:
    """Return ``picture`` with what ``shown`` draws on it and with ``lines`` in its upper left corner."""
    is_coloured = shown is not None and any(layer.lab is not None for layer in shown.layers)
    image = Image.fromarray(picture)
    if is_coloured and image.mode == "L":
        image = image.convert("RGB")
    canvas = _Canvas(image, view)
    if shown is not None:
        for graphic in shown.graphics:
            canvas.graphic(graphic)
        for label in shown.labels:
            canvas.label(label)
    canvas.corner(lines)
    return np.asarray(image)


class _Canvas:
    """One picture being drawn on."""

    def __init__(self, image: Image.Image, view: View) -> None:
        self._draw = ImageDraw.Draw(image)
        self._is_grey = image.mode == "L"
        self._view = view
        self._font = _font(image.height)
        self._line_px = max(1, round(image.height / 500))

    def graphic(self, graphic: Graphic) -> None:
        """Draw one graphic object (PS3.3 C.10.5.1.2); a kind that is not known is left out."""
        points = [self._place(point, relative=graphic.is_relative) for point in graphic.points]
        ink = self._ink(graphic.layer)
        if graphic.kind == "POINT":
            x, y = points[0]
            r = 1.5 * self._line_px
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)
        elif graphic.kind in {"POLYLINE", "INTERPOLATED"}:
            path = points if graphic.kind == "POLYLINE" else _curve(points)
            if graphic.is_filled and len(path) > 2:
                self._draw.polygon(path, fill=ink)
            elif len(path) > 1:
                self._draw.line(path, fill=ink, width=self._line_px)
        elif graphic.kind == "CIRCLE" and len(points) >= 2:
            edge = np.hypot(points[1][0] - points[0][0], points[1][1] - points[0][1])
            self._round(points[0], (edge, 0.0), (0.0, edge), ink, filled=graphic.is_filled)
        elif graphic.kind == "ELLIPSE" and len(points) >= 4:
            (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points[:4]
            major, minor = ((x1 - x0) / 2, (y1 - y0) / 2), ((x3 - x2) / 2, (y3 - y2) / 2)
            self._round(((x0 + x1) / 2, (y0 + y1) / 2), major, minor, ink, filled=graphic.is_filled)

    def label(self, label: Label) -> None:
        """Write one text object into its box, or right of its anchor point."""
        ink, words = self._ink(label.layer), _latin(label.text)
        anchor = self._place(label.anchor, relative=label.anchor_is_relative) if label.anchor else None
        if label.top_left is not None:
            corners = [label.top_left, label.bottom_right or label.top_left]
            places = [self._place(corner, relative=label.is_relative) for corner in corners]
            (left, right), (top, bottom) = (sorted(pair) for pair in zip(*places, strict=True))
            width = self._draw.multiline_textbbox((0, 0), words, font=self._font)[2]
            spare = {"CENTER": (right - left - width) / 2, "RIGHT": right - left - width}.get(label.alignment, 0.0)
            self._write((left + spare, top), words, ink)
            if anchor is not None and label.anchor_is_visible:
                self._draw.line([((left + right) / 2, (top + bottom) / 2), anchor], fill=ink, width=self._line_px)
        elif anchor is not None:
            self._write(anchor, words, ink)

    def corner(self, lines: Sequence[str]) -> None:
        """Write lines into the upper left corner."""
        if lines:
            words = "\n".join(_latin(line) for line in lines)
            self._write((self._font_px / 2, self._font_px / 4), words, 255 if self._is_grey else (255, 255, 255))

    @property
    def _font_px(self) -> float:
        return float(getattr(self._font, "size", _FONT_PX[0]))

    def _write(self, at: Point, words: str, ink: int | Colour) -> None:
        black = 0 if self._is_grey else _BLACK
        self._draw.multiline_text(at, words, fill=ink, font=self._font, stroke_width=1, stroke_fill=black)

    def _round(self, center: Point, major: Point, minor: Point, ink: int | Colour, *, filled: bool) -> None:
        angles = np.linspace(0, 2 * np.pi, 90)
        x = center[0] + major[0] * np.cos(angles) + minor[0] * np.sin(angles)
        y = center[1] + major[1] * np.cos(angles) + minor[1] * np.sin(angles)
        path = [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
        if filled:
            self._draw.polygon(path, fill=ink)
        else:
            self._draw.line(path, fill=ink, width=self._line_px)

    def _place(self, point: Point, *, relative: bool) -> Point:
        view = self._view
        if relative:
            # PS3.3 C.10.5.1.1: shares of the displayed area as it is seen, turned and flipped already.
            return point[0] * view.size[0], point[1] * view.size[1]
        return view.to_picture(*point)

    def _ink(self, layer: Layer) -> int | Colour:
        grey = min(255, max(0, layer.grey >> 8))
        if self._is_grey:
            return grey
        return (grey, grey, grey) if layer.lab is None else rgb_of_lab(layer.lab)


def rgb_of_lab(lab: tuple[int, int, int]) -> Colour:
    """Return a PCS value (PS3.3 C.10.7.1.1: CIELab under D50, 16 bits a component) as sRGB."""
    lightness, a, b = lab[0] * 100 / 65_535, lab[1] * 255 / 65_535 - 128, lab[2] * 255 / 65_535 - 128
    fy = (lightness + 16) / 116
    fs = np.array([fy + a / 500, fy, fy - b / 200])
    linear = np.where(fs > 6 / 29, fs**3, 3 * (6 / 29) ** 2 * (fs - 4 / 29))
    xyz = linear * np.array([0.9642, 1.0, 0.8249])
    # The sRGB matrix adapted to D50 (Bradford), as ICC profiles of sRGB have it.
    matrix = np.array([[3.1339, -1.6169, -0.4906], [-0.9785, 1.9160, 0.0333], [0.0720, -0.2290, 1.4057]])
    rgb = np.clip(matrix @ xyz, 0, 1)
    coded = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    red, green, blue = (int(each) for each in np.round(coded * 255))
    return red, green, blue


def _curve(points: list[Point]) -> list[Point]:
    """Return a smooth line through all points (Catmull-Rom)."""
    if len(points) < 3:
        return points
    is_closed = points[0] == points[-1]
    ends = (points[-2], points[1]) if is_closed else (points[0], points[-1])
    padded = np.array([ends[0], *points, ends[1]])
    steps = np.linspace(0, 1, _CURVE_STEPS, endpoint=False)[:, None]
    path: list[Point] = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        curve = 0.5 * (
            2 * p1
            + (p2 - p0) * steps
            + (2 * p0 - 5 * p1 + 4 * p2 - p3) * steps**2
            + (3 * p1 - p0 - 3 * p2 + p3) * steps**3
        )
        path += [(float(x), float(y)) for x, y in curve]
    return [*path, points[-1]]


def _font(height_px: int) -> Font:
    return ImageFont.load_default(min(_FONT_PX[1], max(_FONT_PX[0], height_px / _FONT_SHARE)))


def _latin(words: str) -> str:
    """Return text in letters that the face has, lines as they are, control characters left out."""
    plain = "".join(char for char in words[:_MAX_CHARS].replace("\r\n", "\n") if char == "\n" or char.isprintable())
    return romanise.romanise_text(plain) if romanise.has_hanzi(plain) else plain
