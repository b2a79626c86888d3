"""Blackens the declared parts of pictures: frames are decoded, covered, and encoded again, one by one.

Exactly where their syntax allows; what was compressed with loss leaves uncompressed, as another loss would change
what nobody wanted changed. Loads numpy with the first frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from calotype.dicom.deidentify.suspects import Rectangle
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import codecs
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.transcode import Decode, Each, Transcoded, transcode
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import Unsupported

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array

_CHROMA_OF_GREY: Final = 128


def masked(
    data: memoryview, stored: UID, areas: Sequence[Rectangle], each: Each, decode: Decode
) -> tuple[Transcoded, UID]:
    """Return an object with ``areas`` of every frame covered, and the syntax that it is in.

    Nothing but the stored bits of its pixels is left, whatever lay in the others. Raises Unsupported when its pixels
    cannot be decoded, InvalidRequest when they are damaged.
    """

    def decode_covered(frame: bytes, description: PixelDescription, uid: UID, /) -> Array:
        values = decode(frame, description, uid)
        return covered(values, codecs.decoded_description(description, uid), areas)

    try:
        return transcode(data, stored, stored, each=each, decode=decode_covered), stored
    except Unsupported:
        # Lossy syntaxes, and those that are only read here.
        return transcode(
            data, stored, EXPLICIT_VR_LITTLE_ENDIAN, each=each, decode=decode_covered
        ), EXPLICIT_VR_LITTLE_ENDIAN


def covered(values: Array, description: PixelDescription, areas: Sequence[Rectangle]) -> Array:
    """Return stored values with ``areas`` black; what of them lies outside of the frame does not matter."""
    if not areas:
        return values
    values = values.copy()
    for area in areas:
        rows = slice(area.top_px, area.top_px + area.height_px)
        columns = slice(area.left_px, area.left_px + area.width_px)
        values[rows, columns] = _black(description)
    return values


def _black(description: PixelDescription) -> int | tuple[int, ...]:
    photometric = description.photometric_interpretation
    lowest = -(1 << (description.bits_stored - 1)) if description.is_signed else 0
    if photometric == "MONOCHROME1":
        return lowest + (1 << description.bits_stored) - 1
    if description.samples_per_pixel == 3 and photometric.startswith("YBR"):
        return (0, _CHROMA_OF_GREY, _CHROMA_OF_GREY)
    return lowest
