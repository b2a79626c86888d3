"""Presentation states: how somebody chose to show an image (PS3.3 A.33, C.10, C.11; PS3.4 Annex N).

Read to a :class:`Presentation`, which tells for a frame what stands in the place of what the image says itself.
Drawing is for ``annotations``, masks for ``shutters``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from calotype.dicom import text
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.attributes import Attributes
from calotype.dicom.pixels.geometry import NO_TURN, Region, Turn
from calotype.dicom.pixels.luts import Modality, Table, Voi, modality_in, table_of, voi_in
from calotype.dicom.pixels.overlays import GROUPS

_CHARSET, _SERIES_SEQUENCE, _SERIES_UID = 0x00080005, 0x00081115, 0x0020000E
_IMAGES, _IMAGE_UID, _IMAGE_FRAMES = 0x00081140, 0x00081155, 0x00081160
_SOFTCOPY_VOI, _SHAPE, _PRESENTATION_LUT = 0x00283110, 0x20500020, 0x20500010
_AREAS, _AREA_TOP_LEFT, _AREA_BOTTOM_RIGHT = 0x0070005A, 0x00700052, 0x00700053
_AREA_SPACING, _AREA_ASPECT, _SIZE_MODE, _MAGNIFICATION = 0x00700101, 0x00700102, 0x00700100, 0x00700103
_MAX_MAGNIFICATION: Final = 64.0
_ROTATION, _FLIP = 0x00700042, 0x00700041
_ANNOTATIONS, _LAYER, _LAYERS, _LAYER_ORDER = 0x00700001, 0x00700002, 0x00700060, 0x00700062
_LAYER_GREY, _LAYER_LAB = 0x00700066, 0x00700401
_TEXTS, _TEXT, _BOX_UNITS, _ANCHOR_UNITS = 0x00700008, 0x00700006, 0x00700003, 0x00700004
_BOX_TOP_LEFT, _BOX_BOTTOM_RIGHT, _ANCHOR, _ALIGNMENT = 0x00700010, 0x00700011, 0x00700014, 0x00700012
_ANCHOR_VISIBLE: Final = 0x00700015
_GRAPHICS, _UNITS, _DATA, _TYPE, _FILLED = 0x00700009, 0x00700005, 0x00700022, 0x00700023, 0x00700024
_OVERLAY_LAYER: Final = 0x1001
_WHITE: Final = 65_535

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layer:
    """A graphic layer: what is drawn later covers what was before; ``grey`` 0 to 65535, ``lab`` as PCS values."""

    order: int = 0
    grey: int = _WHITE
    lab: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Graphic:
    """A graphic object. ``is_relative``: points are shares of what is displayed, else image coordinates."""

    kind: str
    points: tuple[Point, ...]
    is_filled: bool
    is_relative: bool
    layer: Layer


@dataclass(frozen=True, slots=True)
class Label:
    """A text object, in a box, or at a point."""

    text: str
    top_left: Point | None
    bottom_right: Point | None
    is_relative: bool
    anchor: Point | None
    anchor_is_relative: bool
    anchor_is_visible: bool
    alignment: str
    layer: Layer


@dataclass(frozen=True, slots=True)
class Shown:
    """What a presentation state says of one frame."""

    modality: Modality
    voi: Voi | None
    is_inverted: bool
    presentation: Table | None
    area: Region | None
    aspect: float | None
    magnification: float | None
    """Pixels of the picture for each of the image, ``None`` where it may be of any size."""
    turn: Turn
    shutter: Attributes
    overlay_groups: frozenset[int]
    graphics: tuple[Graphic, ...]
    labels: tuple[Label, ...]

    @property
    def layers(self) -> list[Layer]:
        """The layer of everything that is drawn."""
        return [*(each.layer for each in self.graphics), *(each.layer for each in self.labels)]


@dataclass(frozen=True, slots=True)
class Reference:
    """An image that a presentation state is about; no ``frames``: all of them."""

    series: UID
    instance: UID
    frames: frozenset[int] = frozenset()


class Presentation:
    """A presentation state, by the elements of its data set."""

    def __init__(self, state: Attributes) -> None:
        self._state = state
        self._charsets = text.charsets_of(state.raw(_CHARSET))[0]
        self._layers = {
            item.text(_LAYER): Layer(item.whole(_LAYER_ORDER), item.whole(_LAYER_GREY, _WHITE), _lab(item))
            for item in state.items(_LAYERS)
        }

    @property
    def references(self) -> Sequence[Reference]:
        """Every image that it is about, in its order."""
        return [
            Reference(UID(series.text(_SERIES_UID)), UID(image.text(_IMAGE_UID)), _frames(image))
            for series in self._state.items(_SERIES_SEQUENCE)
            for image in series.items(_IMAGES)
        ]

    def shown(self, instance: UID, frame: int) -> Shown:
        """Return how it shows a frame (from 1) of an image."""
        state = self._state
        areas = [item for item in state.items(_AREAS) if _applies(item, instance, frame)]
        area = areas[0] if areas else Attributes()
        softcopy = [item for item in state.items(_SOFTCOPY_VOI) if _applies(item, instance, frame)]
        modality = modality_in(state)
        annotations = [item for item in state.items(_ANNOTATIONS) if _applies(item, instance, frame)]
        graphics = [self._graphic(each, item) for item in annotations for each in item.items(_GRAPHICS)]
        labels = [self._label(each, item) for item in annotations for each in item.items(_TEXTS)]
        return Shown(
            modality=modality,
            voi=voi_in(softcopy[0], is_signed=True) if softcopy else None,
            # PS3.3 C.11.6.1.1: what Photometric Interpretation says of an image does not count beside this.
            is_inverted=state.text(_SHAPE) == "INVERSE",
            presentation=table_of(state.first_item(_PRESENTATION_LUT), is_signed=False),
            area=_area(area),
            aspect=_aspect(area),
            magnification=_magnification(area),
            turn=_turn(state),
            shutter=state,
            overlay_groups=frozenset(group for group in GROUPS if (group << 16 | _OVERLAY_LAYER) in state),
            graphics=tuple(sorted((each for each in graphics if each), key=lambda each: each.layer.order)),
            labels=tuple(sorted((each for each in labels if each), key=lambda each: each.layer.order)),
        )

    def _layer(self, annotation: Attributes) -> Layer:
        return self._layers.get(annotation.text(_LAYER), Layer())

    def _graphic(self, item: Attributes, annotation: Attributes) -> Graphic | None:
        numbers = item.numbers(_DATA)
        points = tuple(zip(numbers[0::2], numbers[1::2], strict=False))
        if not points:
            return None
        relative = item.text(_UNITS) == "DISPLAY"
        filled = item.text(_FILLED) == "Y"
        return Graphic(item.text(_TYPE), points, filled, relative, self._layer(annotation))

    def _label(self, item: Attributes, annotation: Attributes) -> Label | None:
        words = text.decode(item.raw(_TEXT), self._charsets, "ST").strip(" \0")
        if not words:
            return None
        return Label(
            words,
            _point(item, _BOX_TOP_LEFT),
            _point(item, _BOX_BOTTOM_RIGHT),
            item.text(_BOX_UNITS) == "DISPLAY",
            _point(item, _ANCHOR),
            item.text(_ANCHOR_UNITS) == "DISPLAY",
            item.text(_ANCHOR_VISIBLE) == "Y",
            item.text(_ALIGNMENT),
            self._layer(annotation),
        )


def _applies(item: Attributes, instance: UID, frame: int) -> bool:
    """Tell whether an item is about a frame; without references it is about all that the state refers to."""
    images = item.items(_IMAGES)
    if not images:
        return True
    chosen = [_frames(image) for image in images if image.text(_IMAGE_UID) == instance]
    return any(not frames or frame in frames for frames in chosen)


def _frames(image: Attributes) -> frozenset[int]:
    return frozenset(int(each) for each in image.numbers(_IMAGE_FRAMES))


def _area(item: Attributes) -> Region | None:
    """Return the displayed area; its corners are pixels counted from 1, both shown (PS3.3 C.10.4)."""
    first, last = item.numbers(_AREA_TOP_LEFT), item.numbers(_AREA_BOTTOM_RIGHT)
    if len(first) != 2 or len(last) != 2:
        return None
    # PS3.3 C.10.4: the corners name what is top left and bottom right after rotation and flip.
    (left, right), (top, bottom) = (sorted(pair) for pair in zip(first, last, strict=True))
    return Region(left - 1, top - 1, right, bottom)


def _aspect(item: Attributes) -> float | None:
    pair = item.numbers(_AREA_SPACING) or item.numbers(_AREA_ASPECT)
    return pair[0] / pair[1] if len(pair) == 2 and min(pair) > 0 else None


def _magnification(item: Attributes) -> float | None:
    """PS3.3 C.10.4: of the size modes only this one asks for a size; nobody knows that of a true one on a screen."""
    ratio = item.number(_MAGNIFICATION) if item.text(_SIZE_MODE) == "MAGNIFY" else None
    return ratio if ratio is not None and 0 < ratio <= _MAX_MAGNIFICATION else None


def _turn(state: Attributes) -> Turn:
    degrees = state.whole(_ROTATION) % 360
    if degrees not in {0, 90, 180, 270}:
        return NO_TURN
    return Turn(degrees, flip_horizontal=state.text(_FLIP) == "Y")


def _lab(item: Attributes) -> tuple[int, int, int] | None:
    numbers = item.numbers(_LAYER_LAB)
    return (int(numbers[0]), int(numbers[1]), int(numbers[2])) if len(numbers) == 3 else None


def _point(item: Attributes, tag: int) -> Point | None:
    numbers = item.numbers(tag)
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None
