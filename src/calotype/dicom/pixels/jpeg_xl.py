"""JPEG XL in DICOM (PS3.5 8.2.15), by libjxl. JPEG streams can be packed into it and come out again byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from calotype.dicom.pixels import guard, jpeg
from calotype.dicom.pixels.codestreams.jpeg_xl import read_jpeg_xl
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.stored import stored_values, unsigned_samples
from calotype.dicom.uids import JPEG_BASELINE
from calotype.errors import DamagedPixels

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array

_FAST: Final = 1
"""Effort: twenty times as fast as 3, which packs 10 % better."""
_THREADS: Final = 1


def decode(data: bytes, description: PixelDescription) -> Array:
    """Decode one frame; colour as RGB."""
    import imagecodecs  # loaded by the first frame, see the package

    decoded = imagecodecs.jpegxl_decode(data, keeporientation=True, numthreads=_THREADS)
    return stored_values(decoded, description, precision=read_jpeg_xl(data).precision, is_lossy=True)


def decode_recompressed(data: bytes, description: PixelDescription) -> Array:
    """Decode one frame by way of the JPEG it was made of; if it was made of none, as any JPEG XL."""
    try:
        restored = restore_jpeg(data)
    except DamagedPixels:
        return decode(data, description)
    return jpeg.decode_rgb(guard.check(restored, description, JPEG_BASELINE), description)


def recompress_jpeg(data: bytes) -> bytes:
    """Return a JPEG packed as JPEG XL (.111). Raises DamagedPixels when the library cannot."""
    import imagecodecs  # loaded by the first frame, see the package

    try:
        return bytes(imagecodecs.jpegxl_encode_jpeg(data, usecontainer=True, numthreads=_THREADS))
    except (imagecodecs.JpegxlError, ValueError) as error:
        raise DamagedPixels(f"the JPEG cannot be packed as JPEG XL: {error}") from None


def restore_jpeg(data: bytes) -> bytes:
    """Return the very JPEG that :func:`recompress_jpeg` was given. Raises DamagedPixels when there is none inside."""
    import imagecodecs  # loaded by the first frame, see the package

    try:
        return bytes(imagecodecs.jpegxl_decode_jpeg(data, numthreads=_THREADS))
    except (imagecodecs.JpegxlError, ValueError) as error:
        raise DamagedPixels(f"the JPEG XL image was not made of a JPEG: {error}") from None


def encode_lossless(array: Array, description: PixelDescription, _options: EncodeOptions) -> bytes:
    """Encode one frame of 1 to 16 bits exactly."""
    import imagecodecs  # loaded by the first frame, see the package

    samples = unsigned_samples(array, description)
    return bytes(
        imagecodecs.jpegxl_encode(
            samples, lossless=True, effort=_FAST, bitspersample=description.bits_stored, numthreads=_THREADS
        )
    )


def encode_lossy(array: Array, description: PixelDescription, options: EncodeOptions) -> bytes:
    """Encode one frame of 1 to 16 bits; colour as XYB."""
    import imagecodecs  # loaded by the first frame, see the package

    samples = unsigned_samples(array, description)
    return bytes(
        imagecodecs.jpegxl_encode(
            samples, distance=options.distance, bitspersample=description.bits_stored, numthreads=_THREADS
        )
    )


def encode_recompressed(array: Array, description: PixelDescription, options: EncodeOptions) -> bytes:
    """Encode one frame as JPEG, then pack that."""
    return recompress_jpeg(jpeg.encode_lossy(array, description, options))
