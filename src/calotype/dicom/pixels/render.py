"""How a frame looks: stored values in, a picture of 8 bits out. The one function behind every picture that is made.

WADO, thumbnails, cine, print and the command line all call :func:`render`; turning a picture into JPEG and its kin is
for ``images``. This module loads numpy: import it when the first picture is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import colour, palette
from calotype.dicom.pixels.attributes import Attributes, FrameAttributes
from calotype.dicom.pixels.description import PixelDescription, PixelKind
from calotype.dicom.pixels.geometry import (
    NO_TURN,
    Region,
    Turn,
    View,
    aspect_of,
    magnified,
    region_as_shown,
    view_of,
)
from calotype.dicom.pixels.luts import WHITE, Grey, Window, modality_of, padding_of, to_grey, voi_of
from calotype.dicom.pixels.overlays import GROUPS, overlay_mask
from calotype.dicom.pixels.presentation import Presentation, Shown
from calotype.dicom.pixels.shutters import shutter_grey, shutter_mask

Array: TypeAlias = NDArray[Any]

_SOP_INSTANCE, _FRAME_SHUTTER = 0x00080018, 0x00189472


@dataclass(frozen=True, slots=True)
class RenderParameters:
    """What a caller wants to see; by default everything, as the object itself says."""

    window: Window | None = None
    """In the place of what the object says; colour images have none."""
    region: Region | None = None
    fit: tuple[int, int] | None = None
    """Width and height that the picture fills as far as its shape lets it; ``None``: pixel for pixel."""
    turn: Turn = NO_TURN
    """After what a presentation state turns."""
    has_overlays: bool = True
    presentation: Presentation | None = None
    lines: tuple[str, ...] = ()
    """Text for the upper left corner."""
    keeps_aspect: bool = True
    """Whether pixels that are not square are shown as what they are."""


AS_IT_IS: Final = RenderParameters()


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A decoded frame and what is said of it. ``description`` is that of the decoded values.

    ``cells`` are the frame's bytes as they are stored when it is not compressed. ``reduced`` says that it was decoded
    at less than its size: each side divided by 2 so many times.
    """

    values: Array
    description: PixelDescription
    attributes: FrameAttributes
    number: int = 1
    cells: bytes | None = None
    reduced: int = 0


def view_for(
    description: PixelDescription, attributes: FrameAttributes, number: int, parameters: RenderParameters
) -> View:
    """Return which part of a frame :func:`render` shows, and how large: before it is decoded.

    InvalidRequest for a region outside of the frame and for absurd sizes.
    """
    return _view(description, attributes, _shown(attributes.whole, number, parameters), parameters)


def render(frame: Frame, parameters: RenderParameters = AS_IT_IS) -> Array:
    """Return a frame as it is to be seen, ``uint8`` of (rows, columns) or (rows, columns, RGB).

    Raises InvalidRequest as :func:`view_for` does; Unsupported for pixels that cannot be shown; DamagedPixels where
    tables are shorter than they say.
    """
    whole = frame.attributes.whole
    shown = _shown(whole, frame.number, parameters)
    view = _view(frame.description, frame.attributes, shown, parameters)
    masks = _masks(frame, shown, parameters)
    cut = _Cut(frame, view)
    picture = _levels(frame, cut.of(frame.values), shown, parameters)
    for mask, grey in masks:
        picture = picture.copy() if not picture.flags.writeable else picture
        picture[cut.of_mask(mask)] = grey
    picture = _resized(cut.placed(picture), view)
    picture = _turned(picture, view.turn)
    if parameters.lines or (shown is not None and (shown.graphics or shown.labels)):
        from calotype.dicom.pixels.annotations import draw  # Pillow's fonts: few pictures are written on

        picture = draw(picture, view, shown, parameters.lines)
    return np.ascontiguousarray(picture)


def _shown(whole: Attributes, number: int, parameters: RenderParameters) -> Shown | None:
    if parameters.presentation is None:
        return None
    return parameters.presentation.shown(UID(whole.text(_SOP_INSTANCE)), number)


def _view(
    description: PixelDescription, attributes: FrameAttributes, shown: Shown | None, parameters: RenderParameters
) -> View:
    area = _bounded(shown.area, description) if shown is not None else None
    fit, region = parameters.fit, parameters.region
    turn = _combined(shown.turn if shown is not None else NO_TURN, parameters.turn)
    whole = area or Region(0, 0, description.columns, description.rows)
    if region is not None and region.is_relative and shown is not None:
        # PS3.18 9.5.2.4: chosen in what the presentation state shows.
        area = region_as_shown(region, whole, turn)
    elif region is not None:
        area = region.within(description.rows, description.columns)
    if shown is not None and shown.magnification:
        area, fit = magnified(area or whole, shown.magnification, fit, turn)
    aspect = (shown.aspect if shown is not None else None) or aspect_of(attributes)
    return view_of(
        description.rows,
        description.columns,
        aspect=aspect if parameters.keeps_aspect else 1.0,
        area=area,
        fit=fit,
        turn=turn,
    )


def _bounded(area: Region | None, description: PixelDescription) -> Region | None:
    """Keep a displayed area within twice the image each way: what lies around it is empty."""
    if area is None:
        return None
    wide, high = description.columns, description.rows
    return Region(
        min(max(area.left, -wide), wide - 1), min(max(area.top, -high), high - 1),
        max(min(area.right, 2 * wide), 1), max(min(area.bottom, 2 * high), 1),
    )  # fmt: skip


def _combined(first: Turn, then: Turn) -> Turn:
    return replace(
        first,
        flip_horizontal=first.flip_horizontal != then.flip_horizontal,
        flip_vertical=first.flip_vertical != then.flip_vertical,
    )


class _Cut:
    """What of a frame is looked at: the part that is shown, thinned out to about twice what is shown."""

    def __init__(self, frame: Frame, view: View) -> None:
        self._view = view
        description = frame.description
        self._inside = (
            max(0, view.left), max(0, view.top),
            min(description.columns, view.right), min(description.rows, view.bottom),
        )  # fmt: skip
        self._step = 1 << frame.reduced
        # A stride that the decoder has taken already is not taken again.
        self._stride = max(1, view.stride >> frame.reduced)

    def of(self, values: Array) -> Array:
        left, top, right, bottom = (edge // self._step for edge in self._inside)
        bottom, right = max(bottom, top + 1), max(right, left + 1)
        return values[top : bottom : self._stride, left : right : self._stride]

    def of_mask(self, mask: Array) -> Array:
        """Cut a mask of the whole frame as :meth:`of` cuts its values."""
        return self.of(mask[:: self._step, :: self._step] if self._step > 1 else mask)

    def placed(self, picture: Array) -> Array:
        """Return the picture with black around it where the view reaches out of the frame."""
        view, (left, top, right, bottom) = self._view, self._inside
        if (left, top, right, bottom) == (view.left, view.top, view.right, view.bottom):
            return picture
        share_y, share_x = picture.shape[0] / (bottom - top), picture.shape[1] / (right - left)
        margins = (
            (round((top - view.top) * share_y), round((view.bottom - bottom) * share_y)),
            (round((left - view.left) * share_x), round((view.right - right) * share_x)),
        )
        return np.pad(picture, margins if picture.ndim == 2 else (*margins, (0, 0)))


def _levels(frame: Frame, values: Array, shown: Shown | None, parameters: RenderParameters) -> Array:
    """Return stored values as grey or RGB."""
    description, attributes = frame.description, frame.attributes
    if description.samples_per_pixel > 1:
        return colour.to_rgb(values, description)
    if description.photometric_interpretation == "PALETTE COLOR":
        return palette.palette_of(attributes.whole, is_signed=description.is_signed).apply(values)
    grey = grey_of(description, attributes, shown)
    if parameters.window is not None:
        grey = replace(grey, voi=parameters.window)
    levels = to_grey(values, grey, description, extent=_thinned(frame.values))
    if palette.is_supplemental(attributes.whole):
        colours = palette.palette_of(attributes.whole, is_signed=description.is_signed)
        return colours.supplement(values, levels)
    return levels


_EXTENT_PX: Final = 1 << 20


def _thinned(values: Array) -> Array:
    """Return enough of a frame to know its darkest and brightest by."""
    stride = max(1, int((values.size / _EXTENT_PX) ** 0.5))
    return values[::stride, ::stride]


def grey_of(description: PixelDescription, attributes: FrameAttributes, shown: Shown | None = None) -> Grey:
    """Return the grey levels of a frame, by what it says itself or by a presentation state."""
    padding = padding_of(attributes.whole, description)
    if shown is not None:
        return Grey(shown.modality, shown.voi, shown.is_inverted, padding, shown.presentation)
    modality = modality_of(attributes)
    inverted = description.photometric_interpretation == "MONOCHROME1"
    is_float = description.kind is not PixelKind.INTEGER
    return Grey(modality, voi_of(attributes, modality, is_float=is_float), inverted, padding)


def _masks(frame: Frame, shown: Shown | None, parameters: RenderParameters) -> list[tuple[Array, int]]:
    """Return what is painted over, with its grey, in this order."""
    attributes, description = frame.attributes, frame.description
    found = []
    if parameters.has_overlays:
        groups = GROUPS if shown is None else shown.overlay_groups
        mask = overlay_mask(attributes.whole, description, frame.number, frame.cells, groups)
        if mask is not None and mask.any():
            found.append((mask, WHITE))
    if shown is not None:
        shutter = shown.shutter
    else:
        shutter = attributes.group(_FRAME_SHUTTER)
        shutter = shutter if list(shutter.elements()) else attributes.whole
    hidden = shutter_mask(shutter, description)
    if hidden is not None:
        found.append((hidden, shutter_grey(shutter)))
    return found


def _resized(picture: Array, view: View) -> Array:
    if picture.shape[:2] == (view.height, view.width):
        return picture
    from PIL import Image  # not needed for pictures that are shown pixel for pixel

    is_smaller = picture.shape[0] > view.height or picture.shape[1] > view.width
    how = Image.Resampling.BOX if is_smaller else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((view.width, view.height), how))


_QUARTERS: Final[dict[int, Callable[[Array], Array]]] = {
    0: lambda picture: picture,
    90: lambda picture: np.rot90(picture, -1),
    180: lambda picture: np.rot90(picture, 2),
    270: lambda picture: np.rot90(picture, 1),
}


def _turned(picture: Array, turn: Turn) -> Array:
    picture = _QUARTERS[turn.degrees](picture)
    if turn.flip_horizontal:
        picture = picture[:, ::-1]
    return picture[::-1] if turn.flip_vertical else picture
