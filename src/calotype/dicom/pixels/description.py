"""What the pixels of an object are: size, samples, bits, colour (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25).

Read from the header, checked so that nothing after it divides by zero or shifts by minus one, and never believed
beyond that: ``frames`` counts frames itself, ``guard`` holds a codestream against its description. No numpy here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from calotype.errors import DamagedPixels, Unsupported

FLOAT_PIXEL_DATA: Final = 0x7FE00008
DOUBLE_FLOAT_PIXEL_DATA: Final = 0x7FE00009
PIXEL_DATA: Final = 0x7FE00010

SAMPLES_PER_PIXEL: Final = 0x00280002
PHOTOMETRIC_INTERPRETATION: Final = 0x00280004
PLANAR_CONFIGURATION: Final = 0x00280006
NUMBER_OF_FRAMES: Final = 0x00280008
ROWS: Final = 0x00280010
COLUMNS: Final = 0x00280011
BITS_ALLOCATED: Final = 0x00280100
BITS_STORED: Final = 0x00280101
HIGH_BIT: Final = 0x00280102
PIXEL_REPRESENTATION: Final = 0x00280103
LOSSY_IMAGE_COMPRESSION: Final = 0x00282110

DESCRIBING: Final = frozenset(
    {
        SAMPLES_PER_PIXEL, PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION, NUMBER_OF_FRAMES, ROWS, COLUMNS,
        BITS_ALLOCATED, BITS_STORED, HIGH_BIT, PIXEL_REPRESENTATION, LOSSY_IMAGE_COMPRESSION,
    }
)  # fmt: skip
"""The elements that :func:`described` reads."""

MAX_FRAMES: Final = 2**31 - 1
"""What an IS can say (PS3.5 6.2)."""

_ALLOCATED: Final = frozenset({1, 8, 16, 32, 64})


class PixelKind(StrEnum):
    """Which of the three elements holds the pixels."""

    INTEGER = "integer"
    """Pixel Data (7FE0,0010)."""
    FLOAT = "float"
    """Float Pixel Data (7FE0,0008): 32 bits."""
    DOUBLE = "double"
    """Double Float Pixel Data (7FE0,0009): 64 bits."""


KINDS: Final = {
    PIXEL_DATA: PixelKind.INTEGER,
    FLOAT_PIXEL_DATA: PixelKind.FLOAT,
    DOUBLE_FLOAT_PIXEL_DATA: PixelKind.DOUBLE,
}
_FLOAT_BITS: Final = {PixelKind.FLOAT: 32, PixelKind.DOUBLE: 64}


@dataclass(frozen=True, slots=True)
class PixelDescription:
    """One object's pixels, as its header says. ``bits_stored`` of float pixels are all that are allocated.

    ``number_of_frames`` is a claim; a ``FrameIndex`` knows how many there are.
    """

    rows: int
    columns: int
    samples_per_pixel: int = 1
    bits_allocated: int = 16
    bits_stored: int = 16
    high_bit: int = 15
    is_signed: bool = False
    photometric_interpretation: str = "MONOCHROME2"
    planar_configuration: int = 0
    number_of_frames: int = 1
    kind: PixelKind = PixelKind.INTEGER
    is_lossy: bool = False
    """Lossy Image Compression (0028,2110) says that these pixels were once compressed with loss."""

    @property
    def samples(self) -> int:
        """How many samples a frame has, those of a subsampled colour counted as if it were not."""
        return self.rows * self.columns * self.samples_per_pixel

    @property
    def is_subsampled(self) -> bool:
        """Whether uncompressed pixels come with half as many colour samples in a row (PS3.3 C.7.6.3.1.2)."""
        return self.samples_per_pixel == 3 and self.photometric_interpretation in {
            "YBR_FULL_422", "YBR_PARTIAL_422",
        }  # fmt: skip

    @property
    def frame_bits(self) -> int:
        """How many bits a frame takes uncompressed. Frames of single bits follow each other without padding."""
        bits = self.samples * self.bits_allocated
        return bits * 2 // 3 if self.is_subsampled else bits

    @property
    def frame_bytes(self) -> int:
        """How many bytes a frame takes uncompressed when it stands alone."""
        return (self.frame_bits + 7) // 8

    @property
    def dtype(self) -> str:
        """The numpy name of the type that holds one stored value; single bits come as ``uint8``."""
        if self.kind is not PixelKind.INTEGER:
            return "float32" if self.kind is PixelKind.FLOAT else "float64"
        return f"{'int' if self.is_signed else 'uint'}{max(8, self.bits_allocated)}"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one decoded frame: rows, columns, and samples where there are several."""
        return (self.rows, self.columns, self.samples_per_pixel)[: 2 if self.samples_per_pixel == 1 else 3]


def described(values: Mapping[int, bytes], pixels: int = PIXEL_DATA) -> PixelDescription:
    """Return what ``values``, by tag, in little endian, say of the pixels in the element ``pixels``.

    What devices leave out is filled in where only one thing can be meant. Raises DamagedPixels when rows, columns or
    bits are missing or make no sense, Unsupported for 12 bits allocated and other forms that no reader knows.
    """
    kind = KINDS[pixels]
    samples = _number(values, SAMPLES_PER_PIXEL, 1)
    rows, columns = _number(values, ROWS, 0), _number(values, COLUMNS, 0)
    if not rows or not columns:
        raise DamagedPixels(f"an image of {rows} rows and {columns} columns has no pixels")
    if not 1 <= samples <= 4:
        raise DamagedPixels(f"Samples per Pixel is {samples}; 1, 3 and (retired) 4 are known")
    allocated = _number(values, BITS_ALLOCATED, _FLOAT_BITS.get(kind, 0))
    if kind is not PixelKind.INTEGER:
        if allocated != _FLOAT_BITS[kind]:
            raise DamagedPixels(f"Bits Allocated is {allocated}; {kind} pixels have {_FLOAT_BITS[kind]}")
        stored, high_bit, signed = allocated, allocated - 1, True
    else:
        stored, high_bit = _bits(values, allocated)
        signed = _number(values, PIXEL_REPRESENTATION, 0) == 1
    text = _text(values, PHOTOMETRIC_INTERPRETATION)
    return PixelDescription(
        rows=rows,
        columns=columns,
        samples_per_pixel=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high_bit,
        is_signed=signed,
        photometric_interpretation=text or ("MONOCHROME2" if samples == 1 else "RGB"),
        planar_configuration=_number(values, PLANAR_CONFIGURATION, 0) if samples > 1 else 0,
        number_of_frames=_frames(values),
        kind=kind,
        is_lossy=_text(values, LOSSY_IMAGE_COMPRESSION) == "01",
    )


def _bits(values: Mapping[int, bytes], allocated: int) -> tuple[int, int]:
    """Return Bits Stored and High Bit."""
    if allocated not in _ALLOCATED:
        raise Unsupported(f"Bits Allocated is {allocated}; 1, 8, 16, 32 and 64 can be read (PS3.5 8.1.1)")
    stored = _number(values, BITS_STORED, allocated) or allocated
    high_bit = _number(values, HIGH_BIT, stored - 1)
    if stored > allocated:
        raise DamagedPixels(f"Bits Stored is {stored}, more than the {allocated} allocated")
    if not stored - 1 <= high_bit < allocated:
        raise DamagedPixels(f"High Bit is {high_bit}: no place for {stored} bits stored of {allocated} allocated")
    return stored, high_bit


def _number(values: Mapping[int, bytes], tag: int, default: int) -> int:
    """Return a US; of several values the first."""
    value = values.get(tag, b"")[:2]
    return int.from_bytes(value, "little") if len(value) == 2 else default


def _text(values: Mapping[int, bytes], tag: int) -> str:
    return values.get(tag, b"").decode("latin-1").split("\\")[0].strip(" \0").upper()


def _frames(values: Mapping[int, bytes]) -> int:
    text = _text(values, NUMBER_OF_FRAMES)[:16].removeprefix("+")
    return min(max(1, int(text)), MAX_FRAMES) if text.isdecimal() and text.isascii() else 1
