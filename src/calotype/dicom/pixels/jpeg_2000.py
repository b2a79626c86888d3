"""JPEG 2000 and High-Throughput JPEG 2000 in DICOM (PS3.5 8.2.4, 8.2.14), by OpenJPEG and OpenJPH.

OpenJPEG decodes whatever OpenJPH wraps around: coding with loss overshoots, and OpenJPH makes 0 of 256.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from calotype.dicom.pixels.codestreams.jpeg_2000 import Jpeg2000Header, read_jpeg_2000
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.stored import signed_samples, stored_values
from calotype.dicom.pixels.versions import has_current_codecs
from calotype.errors import Unsupported

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array

MAX_OPENJPEG_BITS: Final = 24
"""Above 26 bits the wrapper clips and says nothing; a margin is left."""
MAX_OPENJPH_BITS: Final = 32

_STEP_OF_PSNR: Final = 2.0
"""OpenJPH is told a quantisation step, of full scale; so many times the noise that may remain."""


def decode(data: bytes, description: PixelDescription) -> Array:
    """Decode one frame; a component transform is undone, colour is as it was coded otherwise."""
    return decode_reduced(data, description, 0)


def decode_reduced(data: bytes, description: PixelDescription, levels: int) -> Array:
    """Decode one frame at a lower resolution, halved ``levels`` times (or as often as it was coded to be).

    Costs a fraction of decoding all: for thumbnails. The shape is halved with every level, rounded up.
    """
    import imagecodecs  # loaded by the first frame, see the package

    header = read_jpeg_2000(data)
    precision, is_signed = header.components[0].precision, header.components[0].is_signed
    skipped: dict[str, Any] = {}
    if levels := min(levels, header.levels) if has_current_codecs() or _is_openjph(header) else 0:
        skipped["skipres"] = levels
    if _is_openjph(header):
        decoded = imagecodecs.htj2k_decode(data, planar=False, **skipped)
    elif precision > MAX_OPENJPEG_BITS:
        raise Unsupported(f"JPEG 2000 of {precision} bits is not decoded here; up to {MAX_OPENJPEG_BITS} are")
    else:
        decoded = imagecodecs.jpeg2k_decode(data, planar=False, numthreads=1, **skipped)
    return stored_values(
        decoded,
        _reduced(description, levels),
        precision=precision,
        is_signed=is_signed,
        is_lossy=not header.is_reversible,
    )


def _is_openjph(header: Jpeg2000Header) -> bool:
    return header.is_high_throughput and header.is_reversible and has_current_codecs()


def _reduced(description: PixelDescription, levels: int) -> PixelDescription:
    half = (1 << levels) - 1
    return replace(
        description, rows=(description.rows + half) >> levels, columns=(description.columns + half) >> levels
    )


def encode_lossless(array: Array, description: PixelDescription, _options: EncodeOptions) -> bytes:
    """Encode one frame exactly; RGB by the reversible component transform."""
    return _encode_openjpeg(array, description, 0, is_reversible=True)


def encode_lossy(array: Array, description: PixelDescription, options: EncodeOptions) -> bytes:
    """Encode one frame so that ``options.psnr_db`` is kept; RGB by the irreversible component transform."""
    return _encode_openjpeg(array, description, options.psnr_db, is_reversible=False)


def _encode_openjpeg(array: Array, description: PixelDescription, level: float, *, is_reversible: bool) -> bytes:
    import imagecodecs  # loaded by the first frame, see the package

    how: dict[str, Any] = {"level": level, "reversible": is_reversible}
    return bytes(
        imagecodecs.jpeg2k_encode(
            signed_samples(array, description),
            codecformat="J2K",
            bitspersample=description.bits_stored,
            mct=description.photometric_interpretation == "RGB",
            numthreads=1,
            **how,
        )
    )


def encode_ht_lossless(array: Array, description: PixelDescription, _options: EncodeOptions) -> bytes:
    """Encode one frame exactly, high-throughput."""
    return _encode_openjph(array, description, reversible=True)


def encode_ht_lossless_rpcl(array: Array, description: PixelDescription, _options: EncodeOptions) -> bytes:
    """Encode one frame exactly, high-throughput, by resolution, with the lengths of tile-parts (PS3.5 10.18)."""
    return _encode_openjph(array, description, reversible=True, prog_order="RPCL", tlm=True)


def encode_ht_lossy(array: Array, description: PixelDescription, options: EncodeOptions) -> bytes:
    """Encode one frame so that about ``options.psnr_db`` is kept, high-throughput."""
    step = _STEP_OF_PSNR * 10 ** (-options.psnr_db / 20)
    return _encode_openjph(array, description, reversible=False, level=step)


def _encode_openjph(array: Array, description: PixelDescription, **how: Any) -> bytes:
    import imagecodecs  # loaded by the first frame, see the package

    if has_current_codecs():
        # Before that, precision is that of the type; the table offers those alone.
        how["bitspersample"] = description.bits_stored
    if description.samples_per_pixel == 3:
        how["rgb"] = description.photometric_interpretation == "RGB"
    return bytes(imagecodecs.htj2k_encode(signed_samples(array, description), **how))
