"""Colour: every photometric interpretation of several samples to RGB of 8 bits (PS3.3 C.7.6.3.1.2).

Planes and subsampling are gone before: ``codecs.decode`` gives colour by pixel.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.luts import by_blocks
from calotype.errors import Unsupported

Array: TypeAlias = NDArray[Any]

_RGB: Final = frozenset({"RGB", "YBR_RCT", "YBR_ICT"})
"""What decoders give as RGB: the transforms of JPEG 2000 are part of its codestream."""
_FULL: Final = frozenset({"YBR_FULL", "YBR_FULL_422"})
_PARTIAL: Final = frozenset({"YBR_PARTIAL", "YBR_PARTIAL_422", "YBR_PARTIAL_420"})

_FROM_FULL: Final = ((1.0, 0.0, 1.402), (1.0, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587), (1.0, 1.772, 0.0))
"""Rec. ITU-R BT.601 backwards: rows are R, G, B; columns Y, Cb, Cr; chroma about its middle."""
_STUDIO_LUMA: Final = 255 / 219
_STUDIO_CHROMA: Final = 255 / 224
_STUDIO_BLACK: Final = 16
_MIDDLE: Final = 128


def to_rgb(values: Array, description: PixelDescription) -> Array:
    """Return ``values`` (..., 3 or 4 samples) as RGB (..., 3) of type ``uint8``.

    Unsupported for a photometric interpretation that is none of colour samples.
    """
    name = description.photometric_interpretation
    samples = _eight_bits(values, description)
    if name in _RGB:
        return samples[..., :3]
    if name in _FULL:
        return by_blocks(samples, lambda block: _from_ybr(block, black=0, luma=1.0, chroma=1.0), 3)
    if name in _PARTIAL:
        studio = {"black": _STUDIO_BLACK, "luma": _STUDIO_LUMA, "chroma": _STUDIO_CHROMA}
        return by_blocks(samples, lambda block: _from_ybr(block, **studio), 3)
    if name == "ARGB" and samples.shape[-1] == 4:
        return samples[..., 1:]
    if name == "CMYK" and samples.shape[-1] == 4:
        ink = samples.astype(np.uint16)
        return ((255 - ink[..., :3]) * (255 - ink[..., 3:]) // 255).astype(np.uint8)
    if name in {"MONOCHROME1", "MONOCHROME2"}:
        # Some converters keep the name of grey images when they write three equal samples.
        return samples[..., :3]
    raise Unsupported(f"pixels of {values.shape[-1]} samples in {name} cannot be shown")


def _eight_bits(values: Array, description: PixelDescription) -> Array:
    """Return the highest 8 of the stored bits; fewer are spread over all 8."""
    bits = description.bits_stored
    if values.dtype.kind == "f" or description.is_signed:
        raise Unsupported("colour samples that are signed or floating point cannot be shown")
    if bits > 8:
        return (values >> (bits - 8)).astype(np.uint8)
    if bits < 8:
        return (values.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8)
    return values.astype(np.uint8, copy=False)


def _from_ybr(samples: Array, *, black: float, luma: float, chroma: float) -> Array:
    bright = (samples[..., 0].astype(np.float32) - black) * luma
    blue, red = ((samples[..., each].astype(np.float32) - _MIDDLE) * chroma for each in (1, 2))
    rgb = np.empty((*samples.shape[:-1], 3), np.uint8)
    for channel, (of_luma, of_blue, of_red) in enumerate(_FROM_FULL):
        rgb[..., channel] = np.clip(of_luma * bright + of_blue * blue + of_red * red + 0.5, 0, 255)
    return rgb
