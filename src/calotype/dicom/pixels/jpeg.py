"""JPEG in DICOM (PS3.5 8.2.1): baseline, extended (12 bits too), and lossless, read by libjpeg-turbo.

Which colours a JPEG holds is decided here, by the rules of :func:`holds_ycbcr`, and said to the library outright: its
own guess is wrong on real files, and so is Photometric Interpretation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from calotype.dicom.pixels import lossless_jpeg
from calotype.dicom.pixels.codestreams.jpeg import SOF_LOSSLESS, JpegHeader, read_jpeg
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.stored import stored_values, unsigned_samples

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array

_RGB_IDENTIFIERS: Final = tuple(b"RGB")


def holds_ycbcr(header: JpegHeader, photometric_interpretation: str) -> bool:
    """Tell whether three components are YCbCr, or RGB: by the first rule that says.

    The Adobe marker, the JFIF marker, components called R, G and B, subsampling (nobody subsamples RGB), and only
    then Photometric Interpretation: converters are known that say RGB of 4:2:0 YCbCr.
    """
    if header.adobe_transform in {0, 1}:
        return header.adobe_transform == 1
    if header.is_jfif:
        return True
    if tuple(each.identifier for each in header.components) == _RGB_IDENTIFIERS:
        return False
    return header.is_subsampled or photometric_interpretation.startswith("YBR")


def decode_rgb(data: bytes, description: PixelDescription) -> Array:
    """Decode one frame; three components come as RGB. For syntaxes with loss."""
    header = read_jpeg(data)
    if description.samples_per_pixel != 3:
        return _decode(data, header, description, None, None)
    is_ycbcr = holds_ycbcr(header, description.photometric_interpretation)
    return _decode(data, header, description, "YCBCR" if is_ycbcr else "RGB", "RGB")


def decode_as_coded(data: bytes, description: PixelDescription) -> Array:
    """Decode one frame; components come as they were coded. For lossless syntaxes."""
    unknown = "UNKNOWN" if description.samples_per_pixel == 3 else None
    return _decode(data, read_jpeg(data), description, unknown, unknown)


def _decode(
    data: bytes, header: JpegHeader, description: PixelDescription, coded: str | None, wanted: str | None
) -> Array:
    import imagecodecs  # loaded by the first frame, see the package

    decoded = imagecodecs.jpeg8_decode(data, colorspace=coded, outcolorspace=wanted)
    is_lossy = header.process != SOF_LOSSLESS
    return stored_values(decoded, description, precision=header.precision, is_lossy=is_lossy)


def encode_lossy(array: Array, description: PixelDescription, options: EncodeOptions) -> bytes:
    """Encode one frame of 8 or, where 16 are allocated, 12 bits; colour as YCbCr 4:2:2."""
    import imagecodecs  # loaded by the first frame, see the package

    is_colour = description.samples_per_pixel == 3
    return bytes(
        imagecodecs.jpeg8_encode(
            array.astype("uint8" if description.bits_allocated == 8 else "uint16", copy=False),
            options.jpeg_quality,
            colorspace=("RGB" if description.photometric_interpretation == "RGB" else "YCBCR") if is_colour else None,
            outcolorspace="YCBCR" if is_colour else None,
            subsampling="422" if is_colour else None,
            bitspersample=8 if description.bits_allocated == 8 else 12,
        )
    )


def encode_lossless(array: Array, description: PixelDescription, _options: EncodeOptions) -> bytes:
    """Encode one frame of 2 to 16 bits by Process 14, selection value 1; components as they are."""
    return lossless_jpeg.encode(unsigned_samples(array, description), max(2, description.bits_stored))
