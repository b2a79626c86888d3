"""From what a codec returns to stored values, and back to what one takes: types, signs, overshoot, stray bits.

Most codecs know unsigned samples only: signed values go masked to Bits Stored and come back with their sign extended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from calotype.dicom.pixels.description import PixelDescription
from calotype.errors import DamagedPixels

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array


def stored_values(
    decoded: Any, description: PixelDescription, *, precision: int, is_signed: bool = False, is_lossy: bool = False
) -> Array:
    """Return what a codec decoded, of shape ``description.shape`` and type ``description.dtype``.

    ``precision`` and ``is_signed`` are the codestream's. Values beyond Bits Stored are clamped where coding with loss
    overshoots and the sign is not in doubt, and masked otherwise, as by every decoder. Raises DamagedPixels when the
    shape or type is not what the object says.
    """
    import numpy as np  # loaded by the first frame, see the package

    values = np.asarray(decoded)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.shape != description.shape or values.dtype.kind not in "ui":
        raise DamagedPixels(f"an image of {values.shape} {values.dtype} was decoded, not of {description.shape}")
    bits, cell = description.bits_stored, max(8, description.bits_allocated)
    if precision == description.high_bit + 1 > bits:
        # The whole cell was coded, and the stored bits do not start with its lowest one.
        values = values >> (precision - bits)
    if is_lossy and is_signed == description.is_signed and precision > bits:
        lowest = -(1 << (bits - 1)) if is_signed else 0
        values = np.clip(values, lowest, lowest + (1 << bits) - 1)
    values = values.astype(description.dtype, copy=False)
    if bits == cell or (precision <= bits and is_signed == description.is_signed):
        return values
    return (values << (cell - bits)) >> (cell - bits)


def unsigned_samples(array: Array, description: PixelDescription) -> Array:
    """Return stored values as a codec of unsigned samples takes them: masked, in one byte where that is enough."""
    import numpy as np  # loaded by the first frame, see the package

    bits = description.bits_stored
    if description.is_signed:
        array = array.view(np.dtype(f"uint{8 * array.itemsize}")) & ((1 << bits) - 1)
    return np.ascontiguousarray(array, np.uint8 if bits <= 8 else np.uint16)


def signed_samples(array: Array, description: PixelDescription) -> Array:
    """Return stored values as a codec takes them that knows signs, in the smallest type that holds Bits Stored."""
    import numpy as np  # loaded by the first frame, see the package

    size = next(size for size in (8, 16, 32) if size >= description.bits_stored)
    return np.ascontiguousarray(array, np.dtype(f"{'int' if description.is_signed else 'uint'}{size}"))
