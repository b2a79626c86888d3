"""Uncompressed frames: bytes to stored values and back, exactly (PS3.5 8.1, PS3.3 C.7.6.3.1).

Bytes are in little endian; ``frames.read_frame`` has turned others. Stored values are what Bits Stored and High Bit
leave of each cell, signed ones extended: what stands in the bits outside (overlays of old, noise of some devices) is
no part of them, see :func:`has_bits_outside`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from calotype.dicom.pixels.description import PixelDescription, PixelKind
from calotype.errors import DamagedPixels, Unsupported

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def decode(data: bytes | memoryview, description: PixelDescription) -> Array:
    """Return the stored values of one frame, of shape ``description.shape``: colour by pixel, subsampled made whole.

    A frame of single bits starts with the lowest bit of the first byte. Bytes after the frame do not matter. The
    array may be read-only. Raises DamagedPixels when there are fewer bytes than a frame takes.
    """
    import numpy as np  # loaded by the first frame, see the package

    if len(data) < description.frame_bytes:
        raise DamagedPixels(f"a frame takes {description.frame_bytes} bytes; {len(data)} are left")
    if description.bits_allocated == 1:
        bits = np.frombuffer(data, np.uint8, description.frame_bytes)
        return np.unpackbits(bits, count=description.samples, bitorder="little").reshape(description.shape)
    if description.is_subsampled and len(data) * 8 < description.samples * description.bits_allocated:
        return from_cells(
            _whole_colour(_cells(data, description, description.samples * 2 // 3), description), description
        )
    cells = _cells(data, description, description.samples)
    if description.samples_per_pixel > 1 and description.planar_configuration == 1:
        planes = cells.reshape(description.samples_per_pixel, description.rows, description.columns)
        return from_cells(np.ascontiguousarray(planes.transpose(1, 2, 0)), description)
    return from_cells(cells.reshape(description.shape), description)


def encode(array: Array, description: PixelDescription) -> bytes:
    """Return one frame's bytes, by ``description``; the inverse of :func:`decode`. Signed values fill their cells.

    Single bits are packed, the last byte filled up with zeros (:class:`BitPacker` joins frames of them). Raises
    Unsupported for subsampled colour, which :func:`decode` has made whole.
    """
    import numpy as np  # loaded by the first frame, see the package

    if description.is_subsampled:
        raise Unsupported(f"{description.photometric_interpretation} is not written uncompressed; YBR_FULL is")
    if description.bits_allocated == 1:
        return np.packbits(array.reshape(-1).astype(bool), bitorder="little").tobytes()
    values = array.astype(np.dtype(description.dtype).newbyteorder("<"), copy=False)
    unused = description.high_bit + 1 - description.bits_stored
    if unused and description.kind is PixelKind.INTEGER:
        values = values << unused
    if description.samples_per_pixel > 1 and description.planar_configuration == 1:
        values = values.transpose(2, 0, 1)
    return values.tobytes()


def has_bits_outside(data: bytes | memoryview, description: PixelDescription) -> bool:
    """Tell whether anything but an extended sign stands outside the stored bits, which a decoder would lose.

    Before PS3.3 retired it, overlays were kept there; a frame of which this is true cannot be compressed exactly.
    """
    import numpy as np  # loaded by the first frame, see the package

    bits = description.bits_allocated
    if description.kind is not PixelKind.INTEGER or bits in {1, description.bits_stored}:
        return False
    cells = _cells(data, description, description.frame_bytes * 8 // bits)
    unused = description.high_bit + 1 - description.bits_stored
    unsigned = np.dtype(f"uint{bits}")
    around = unsigned.type(((1 << bits) - 1) ^ (((1 << description.bits_stored) - 1) << unused))
    outside = cells.astype(description.dtype, copy=False).view(unsigned) & around
    if not description.is_signed:
        return bool(outside.any())
    extended = (from_cells(cells, description) << unused).view(unsigned) & around
    return bool(((outside != 0) & (outside != extended)).any())


class BitPacker:
    """Joins frames of single bits, which follow each other without padding (PS3.5 8.1.1, Annex D)."""

    def __init__(self) -> None:
        self._kept = 0
        self._kept_bits = 0

    def add(self, frame: bytes, frame_bits: int) -> bytes:
        """Return the whole bytes that are known once ``frame``, from its first byte's lowest bit on, is added."""
        bits = int.from_bytes(frame, "little") & ((1 << frame_bits) - 1)
        joined, total = bits << self._kept_bits | self._kept, self._kept_bits + frame_bits
        whole = total // 8
        self._kept, self._kept_bits = joined >> (8 * whole), total % 8
        return (joined & ((1 << 8 * whole) - 1)).to_bytes(whole, "little")

    def rest(self) -> bytes:
        """Return the last byte, filled up with zeros, if one is open."""
        return bytes((self._kept,)) if self._kept_bits else b""


def _cells(data: bytes | memoryview, description: PixelDescription, count: int) -> Array:
    import numpy as np  # loaded by the first frame, see the package

    return np.frombuffer(data, np.dtype(description.dtype).newbyteorder("<"), count)


def from_cells(cells: Array, description: PixelDescription) -> Array:
    """Return what the stored bits of each cell say, in the machine's byte order."""
    values = cells.astype(description.dtype, copy=False)
    if description.kind is not PixelKind.INTEGER or description.bits_stored == description.bits_allocated:
        return values
    above = description.bits_allocated - 1 - description.high_bit
    if above:
        values = values << above
    return values >> (description.bits_allocated - description.bits_stored)


def _whole_colour(cells: Array, description: PixelDescription) -> Array:
    """Return every colour sample of Y1 Y2 Cb Cr ... (PS3.3 C.7.6.3.1.2), each repeated for its two pixels."""
    import numpy as np  # loaded by the first frame, see the package

    if description.columns % 2:
        raise DamagedPixels(
            f"{description.photometric_interpretation} has pairs of pixels, not {description.columns}"
        )
    pairs = cells.reshape(description.rows, description.columns // 2, 4)
    whole = np.empty((description.rows, description.columns, 3), cells.dtype)
    whole[:, 0::2, 0], whole[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
    whole[..., 1:] = np.repeat(pairs[..., 2:], 2, axis=1)
    return whole
