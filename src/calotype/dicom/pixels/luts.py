"""From stored values to grey levels: Modality LUT, VOI LUT, presentation (PS3.3 C.11.1, C.11.2, C.11.6; PS3.4 N.2).

Arrays in, arrays out; where the numbers come from is told by :func:`modality_of`, :func:`voi_of` and
:func:`padding_of`. This module, like all that make pictures, loads numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calotype.dicom.pixels.attributes import Attributes, FrameAttributes
from calotype.dicom.pixels.description import PixelDescription, PixelKind
from calotype.errors import DamagedPixels, InvalidRequest

Array: TypeAlias = NDArray[Any]

_MODALITY_LUT, _RESCALE_INTERCEPT, _RESCALE_SLOPE = 0x00283000, 0x00281052, 0x00281053
_PIXEL_VALUE_TRANSFORMATION, _FRAME_VOI_LUT = 0x00289145, 0x00289132
_WINDOW_CENTER, _WINDOW_WIDTH, _VOI_FUNCTION, _VOI_LUT = 0x00281050, 0x00281051, 0x00281056, 0x00283010
_LUT_DESCRIPTOR, _LUT_DATA = 0x00283002, 0x00283006
_PADDING_VALUE, _PADDING_LIMIT = 0x00280120, 0x00280121
_SOP_CLASS: Final = 0x00080016

_UNAPPLIED_MODALITY_LUT: Final = frozenset(
    {"1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2", "1.2.840.10008.5.1.4.1.1.12.3"}
)
"""XA, XRF, bi-plane XA: the Modality LUT makes them linear to X-ray intensity, for subtraction, not for display
(PS3.3 C.8.7.1.1.2; PS3.4 N.2.5: in the image it shall be ignored)."""

_MAX_TABLE: Final = 65_536
_BLOCK_SIZE: Final = 1 << 18
WHITE: Final = 255


class VoiFunction(StrEnum):
    """How a window maps (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True)
class Window:
    """A window in units of the Modality LUT's output. Raises InvalidRequest for a width that makes no sense."""

    center: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR

    def __post_init__(self) -> None:
        least = 1 if self.function is VoiFunction.LINEAR else 0
        # PS3.3 C.11.2.1.2: Window Width shall be >= 1 for LINEAR, > 0 for the others.
        if not (self.width >= least and self.width > 0):
            raise InvalidRequest(f"a {self.function} window cannot be {self.width:g} wide")

    def apply(self, values: Array) -> Array:
        """Return values from 0 to 1."""
        if self.function is VoiFunction.SIGMOID:
            with np.errstate(over="ignore"):
                sigmoid: Array = 1 / (1 + np.exp(-4 * (values - self.center) / self.width))
            return sigmoid
        if self.function is VoiFunction.LINEAR_EXACT:
            return np.clip((values - self.center) / self.width + 0.5, 0, 1)
        center, width = self.center - 0.5, self.width - 1
        if not width:
            return (values > center).astype(np.float64)
        return np.clip((values - center) / width + 0.5, 0, 1)


@dataclass(frozen=True, slots=True)
class Rescale:
    """Rescale Slope and Intercept."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, values: Array) -> Array:
        """Return values in the units of the Modality LUT's output."""
        if self.slope == 1 and self.intercept == 0:
            return values.astype(np.float64, copy=False)
        rescaled: Array = values.astype(np.float64) * self.slope + self.intercept
        return rescaled


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A lookup table: ``values`` for inputs from ``first`` on, of ``bits`` bits each (PS3.3 C.11.1.1)."""

    first: int
    bits: int
    values: Array

    def apply(self, values: Array) -> Array:
        """Return the entries of ``values``; below and above the table its first and last one."""
        index = np.clip(values.astype(np.float64) - self.first, 0, len(self.values) - 1).astype(np.intp)
        found: Array = self.values[index]
        return found

    def share(self, values: Array) -> Array:
        """Return the entries of ``values`` as a share of the largest possible one, 0 to 1."""
        shares: Array = self.apply(values) / float((1 << self.bits) - 1)
        return shares


Modality: TypeAlias = Rescale | Table
Voi: TypeAlias = Window | Table
IDENTITY: Final = Rescale()


@dataclass(frozen=True, slots=True)
class Grey:
    """Everything between a stored value and the grey that is seen; without ``voi`` all that is there is shown."""

    modality: Modality = IDENTITY
    voi: Voi | None = None
    is_inverted: bool = False
    padding: tuple[float, float] | None = None
    """The first and the last stored value that stand for no pixel at all; they are shown black."""
    presentation: Table | None = None
    """A Presentation LUT; its input is what the VOI LUT puts out, over its whole range."""

    def shares(self, values: Array, window: Voi) -> Array:
        """Return what is seen of stored ``values``, 0 (black) to 1 (white)."""
        modal = self.modality.apply(values)
        seen = window.apply(modal) if isinstance(window, Window) else window.share(modal)
        if self.presentation is not None:
            entries = len(self.presentation.values)
            seen = self.presentation.share(np.round(seen * (entries - 1)) + self.presentation.first)
        if self.is_inverted:
            seen = 1 - seen
        if self.padding is not None:
            seen = np.where(self.is_padding(values), 0.0, seen)
        return seen

    def is_padding(self, values: Array) -> Array:
        """Tell which stored values are padding."""
        low, high = self.padding or (1, 0)
        return np.asarray((values >= low) & (values <= high))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # absurd numbers in a header are infinite, and clipped
def to_grey(values: Array, grey: Grey, description: PixelDescription, *, extent: Array | None = None) -> Array:
    """Return stored ``values`` as ``uint8``, as ``grey`` says.

    ``extent`` is what decides where black and white are when no window does: the whole frame where ``values`` are a
    part of it.
    """
    window = grey.voi or full_window(values if extent is None else extent, grey, description)
    bits = description.bits_stored
    if description.kind is not PixelKind.INTEGER or bits > 16 or values.size < 1 << bits:
        return by_blocks(values, lambda block: _to_bytes(grey.shares(block, window)))
    # Each stored value once, then a look-up for each pixel. Negative values come last, so that they find their entry
    # by Python's way of counting from the end.
    half = 1 << (bits - 1)
    domain = np.arange(1 << bits)
    if description.is_signed:
        domain[half:] -= 1 << bits
    table = _to_bytes(grey.shares(domain, window))
    return np.take(table, values, mode="wrap")


def by_blocks(values: Array, work: Callable[[Array], Array], *channels: int) -> Array:
    """Return ``work`` of some rows at a time, as ``uint8``: what it needs meanwhile stays small and near."""
    row_size = max(1, values[:1].size)
    if values.size <= _BLOCK_SIZE or len(values) < 2:
        return work(values)
    out = np.empty((*values.shape[:2], *channels), np.uint8)
    step = max(1, _BLOCK_SIZE // row_size)
    for start in range(0, len(values), step):
        out[start : start + step] = work(values[start : start + step])
    return out


def _to_bytes(shares: Array) -> Array:
    return (np.nan_to_num(shares, nan=0.0, posinf=1.0, neginf=0.0) * WHITE + 0.5).astype(np.uint8)


def full_window(values: Array, grey: Grey, description: PixelDescription) -> Window:
    """Return the window that shows everything there is in ``values``, padding left out.

    Of up to 8 bits without sign it is everything there can be: such pixels were made to be seen as they are.
    """
    if description.kind is PixelKind.INTEGER and description.bits_stored <= 8 and not description.is_signed:
        ends = grey.modality.apply(np.arange(1 << description.bits_stored))
        return _between(float(ends.min()), float(ends.max()))
    if grey.padding is not None:
        values = values[~grey.is_padding(values)]
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if not values.size:
        return _between(0, 1)
    if isinstance(grey.modality, Rescale):
        values = np.array([values.min(), values.max()])
    modal = grey.modality.apply(values)
    return _between(float(modal.min()), float(modal.max()))


def _between(low: float, high: float) -> Window:
    return Window((low + high) / 2, max(high - low, np.finfo(np.float64).tiny), VoiFunction.LINEAR_EXACT)


def modality_of(frame: FrameAttributes) -> Modality:
    """Return the Modality LUT of a frame; the identity where nothing is said (PS3.3 C.11.1)."""
    whole = frame.whole
    table = None
    if whole.text(_SOP_CLASS) not in _UNAPPLIED_MODALITY_LUT:
        table = table_of(whole.first_item(_MODALITY_LUT), is_signed=_is_signed(whole))
    place = frame.place_of(_PIXEL_VALUE_TRANSFORMATION, _RESCALE_SLOPE)
    if table is not None and place is whole:
        return table
    slope, intercept = place.number(_RESCALE_SLOPE), place.number(_RESCALE_INTERCEPT)
    # A slope of zero would make every pixel the same: devices write it when they mean nothing.
    return Rescale(slope or 1.0, intercept or 0.0)


def modality_in(state: Attributes) -> Modality:
    """Return the Modality LUT that a presentation state or another single item holds."""
    return modality_of(FrameAttributes(state))


def voi_of(frame: FrameAttributes, modality: Modality, *, is_float: bool = False) -> Voi | None:
    """Return the first VOI LUT or window of a frame, a table before a window; ``None`` where nothing is said."""
    place = frame.place_of(_FRAME_VOI_LUT, _WINDOW_CENTER)
    if place is frame.whole and _VOI_LUT in frame.group(_FRAME_VOI_LUT):
        place = frame.group(_FRAME_VOI_LUT)
    # PS3.3 C.11.2.1.1: the first input is signed where the Modality LUT puts out signed values.
    is_signed = _is_signed(frame.whole) or (isinstance(modality, Rescale) and modality.intercept < 0)
    return voi_in(place, is_signed=is_signed, is_float=is_float)


def voi_in(place: Attributes, *, is_signed: bool, is_float: bool = False) -> Voi | None:
    """Return the first VOI LUT or window that one item holds. What makes no sense there is passed over.

    A LINEAR window counts whole values, and makes of floating point from 0 to 1 black and white: for ``is_float`` it
    is taken for what was meant, LINEAR_EXACT.
    """
    table = table_of(place.first_item(_VOI_LUT), is_signed=is_signed)
    if table is not None:
        return table
    center, width = place.number(_WINDOW_CENTER), place.number(_WINDOW_WIDTH)
    if center is None or width is None:
        return None
    try:
        function = VoiFunction(place.text(_VOI_FUNCTION) or VoiFunction.LINEAR)
    except ValueError:
        function = VoiFunction.LINEAR
    if is_float and function is VoiFunction.LINEAR:
        function = VoiFunction.LINEAR_EXACT
    try:
        return Window(center, width, function)
    except InvalidRequest:
        return None


def padding_of(whole: Attributes, description: PixelDescription) -> tuple[float, float] | None:
    """Return the first and last stored value that are padding (PS3.3 C.7.5.1.1.2), ``None`` where none is."""
    vr = "SS" if description.is_signed else "US"
    value = whole.number(_PADDING_VALUE, vr)
    if value is None or description.kind is not PixelKind.INTEGER:
        return None
    limit = whole.number(_PADDING_LIMIT, vr)
    ends = (value, value if limit is None else limit)
    return min(ends), max(ends)


def table_of(item: Attributes, *, is_signed: bool) -> Table | None:
    """Return the LUT of a Modality, VOI or Presentation LUT item, ``None`` where there is none.

    DamagedPixels when its data are shorter than its descriptor says.
    """
    if _LUT_DATA not in item or _LUT_DESCRIPTOR not in item:
        return None
    return read_table(item.raw(_LUT_DESCRIPTOR), item.raw(_LUT_DATA), is_signed=is_signed)


def read_table(descriptor: bytes, data: bytes, *, is_signed: bool = False) -> Table:
    """Read LUT Descriptor and LUT Data (PS3.3 C.11.1.1): number of entries, first input, bits of an entry.

    Entries of 8 bits come one or two to a word; the length of the data tells. DamagedPixels when they are too short.
    """
    if len(descriptor) < 6:
        raise DamagedPixels(f"a LUT Descriptor has three values; this one has {len(descriptor)} bytes")
    entries, _, bits = (int(each) for each in np.frombuffer(descriptor, "<u2", 3))
    first = int.from_bytes(descriptor[2:4], "little", signed=is_signed)
    # PS3.3 C.11.1.1: the number of entries, 65536 being written as 0.
    entries = entries or _MAX_TABLE
    if len(data) >= 2 * entries:
        values = np.frombuffer(data, "<u2", entries)
    elif len(data) >= entries:
        values = np.frombuffer(data, "u1", entries)
    else:
        raise DamagedPixels(f"a LUT of {entries} entries has {len(data)} bytes of data")
    largest = int(values.max())
    bits = bits if 1 <= bits <= 16 else 16
    # Some devices claim fewer bits than they use; what is used must not wrap around.
    return Table(first, max(bits, largest.bit_length()), values)


def _is_signed(whole: Attributes) -> bool:
    return whole.whole(0x00280103) == 1
