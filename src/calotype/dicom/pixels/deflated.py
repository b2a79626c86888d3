"""Deflated Image Frame Compression (PS3.5 8.2.16): each frame is a deflate stream of its uncompressed form."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from calotype.dicom.pixels import native
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.options import EncodeOptions
from calotype.errors import DamagedPixels

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array

_LEVEL: Final = 6


def decode(data: bytes, description: PixelDescription) -> Array:
    """Decode one frame, inflating no more than it takes."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        frame = inflater.decompress(data, description.samples * max(8, description.bits_allocated) // 8)
    except zlib.error as error:
        raise DamagedPixels(f"the frame is not deflated as its transfer syntax says: {error}") from None
    return native.decode(frame, description)


def encode(array: Array, description: PixelDescription, _options: EncodeOptions) -> bytes:
    """Encode one frame exactly, whatever its bits."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(native.encode(array, description)) + packer.flush()
