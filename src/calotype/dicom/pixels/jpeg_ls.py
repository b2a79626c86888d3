"""JPEG-LS in DICOM (PS3.5 8.2.3), by CharLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from calotype.dicom.pixels.codestreams.jpeg import read_jpeg
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.stored import stored_values, unsigned_samples
from calotype.dicom.pixels.versions import has_current_codecs

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array


def decode(data: bytes, description: PixelDescription) -> Array:
    """Decode one frame; colour as it was coded."""
    import imagecodecs  # loaded by the first frame, see the package

    header = read_jpeg(data)
    decoded = imagecodecs.jpegls_decode(data)
    return stored_values(decoded, description, precision=header.precision, is_lossy=header.near > 0)


def encode_lossless(array: Array, description: PixelDescription, _options: EncodeOptions) -> bytes:
    """Encode one frame of 2 to 16 bits exactly."""
    return _encode(array, description, 0)


def encode_near(array: Array, description: PixelDescription, options: EncodeOptions) -> bytes:
    """Encode one frame of 2 to 16 bits, no sample further off than ``options.near``."""
    return _encode(array, description, options.near)


def _encode(array: Array, description: PixelDescription, near: int) -> bytes:
    import imagecodecs  # loaded by the first frame, see the package

    samples = unsigned_samples(array, description)
    how: dict[str, Any] = {"bitspersample": max(2, description.bits_stored)}
    if not has_current_codecs():
        # The precision is that of the type then, and noise outgrows the library's own buffer.
        how = {"out": 2 * samples.nbytes + 1024}
    return bytes(imagecodecs.jpegls_encode(samples, near, **how))
