"""RLE Lossless (PS3.5 Annex G): bytes of a kind in segments, each packed. Written by pylibjpeg-rle."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from calotype.dicom.pixels import native
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.options import EncodeOptions
from calotype.errors import DamagedPixels

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array

_HEADER_BYTES: Final = 64


def decode(data: bytes, description: PixelDescription) -> Array:
    """Decode one frame that ``guard`` has seen. Raises DamagedPixels when a segment holds less than it should."""
    import numpy as np  # loaded by the first frame, see the package

    if description.bits_allocated == 1:
        size = (description.samples + 7) // 8
        return native.decode(_segment(data, 0, _HEADER_BYTES, len(data), size).tobytes(), description)
    pixels, width = description.rows * description.columns, description.bits_allocated // 8
    count = description.samples_per_pixel * width
    starts = [int.from_bytes(data[at : at + 4], "little") for at in range(4, 4 + 4 * count, 4)]
    places = list(pairwise([*starts, len(data)]))
    samples = []
    for first in range(0, count, width):
        # PS3.5 G.2: the most significant byte of a sample is the first segment of it.
        sample = _segment(data, first, *places[first], pixels).astype(f"u{width}", copy=False)
        for number in range(first + 1, first + width):
            sample <<= 8
            sample |= _segment(data, number, *places[number], pixels)
        samples.append(sample)
    cells = samples[0] if len(samples) == 1 else np.stack(samples, axis=1)
    return native.from_cells(cells.reshape(description.shape), description)


def _segment(data: bytes, number: int, start: int, end: int, size: int) -> Array:
    """Unpack one segment into exactly ``size`` bytes; padding after it unpacks to a byte for every two."""
    import imagecodecs  # loaded by the first frame, see the package
    import numpy as np

    room = bytearray(size + (end - start) // 2 + 1)
    unpacked = np.frombuffer(imagecodecs.packbits_decode(data[start:end], out=room), np.uint8)
    if len(unpacked) < size:
        raise DamagedPixels(f"segment {number + 1} of the RLE frame has {len(unpacked)} of {size} bytes")
    return unpacked[:size]


def encode(array: Array, description: PixelDescription, _options: EncodeOptions) -> bytes:
    """Encode one frame exactly, whatever its bits."""
    from rle.rle import encode_frame, encode_segment  # loaded by the first frame, see the package

    plain = native.encode(array, description)
    if description.bits_allocated == 1:
        header = (1).to_bytes(4, "little") + _HEADER_BYTES.to_bytes(4, "little")
        return header.ljust(_HEADER_BYTES, b"\0") + bytes(encode_segment(plain, len(plain)))
    return bytes(
        encode_frame(
            plain,
            description.rows,
            description.columns,
            description.samples_per_pixel,
            description.bits_allocated,
            "<",
        )
    )
