"""Pictures that no transfer syntax holds (PNG, GIF), decoded without loss (PS3.18 Table 10.5.2-1, "Transform").

Palettes become true colour and transparency is dropped, as Notes 1, 4 and 5 there have it.
"""

from __future__ import annotations

import io
import struct
import warnings
from typing import TYPE_CHECKING, Any, Final

from calotype.dicom.assembly.filling import Nodes, Stated, fill
from calotype.dicom.assembly.media import BulkPart
from calotype.errors import InvalidRequest, Unsupported

if TYPE_CHECKING:
    import numpy as np

MAX_PIXEL_BYTES: Final = 256 * 1024 * 1024
"""Of all frames: a picture of a few bytes can be of any size, and this one is held in memory."""
MAX_STREAM_BYTES: Final = 256 * 1024 * 1024

_PNG: Final = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_GIFS: Final = (b"GIF87a", b"GIF89a")


def native(nodes: Nodes, part: BulkPart) -> bytes:
    """Complete the metadata of an image, and return its pixels, uncompressed, little endian.

    InvalidRequest for a picture that is damaged, too large, or contradicts the metadata.
    """
    if len(part.content) > MAX_STREAM_BYTES:
        raise Unsupported(f"a picture has {len(part.content)} bytes; {MAX_STREAM_BYTES} are taken")
    stream = bytes(part.content)
    if stream.startswith(_PNG):
        frames = _png(stream)
    elif stream.startswith(_GIFS):
        frames = _gif(stream)
    else:
        raise InvalidRequest(f"{part.media_type}: the stream starts like neither PNG nor GIF")
    rows, columns = frames[0].shape[:2]
    samples = 1 if frames[0].ndim == 2 else frames[0].shape[2]
    colours = ("MONOCHROME2", "MONOCHROME1") if samples == 1 else ("RGB",)
    stated = Stated(rows, columns, samples, 8 * frames[0].itemsize, colours=colours)
    description = fill(nodes, stated, len(frames))
    if description.bits_allocated != stated.bits or description.planar_configuration or description.is_signed:
        raise InvalidRequest(
            f"the picture has {stated.bits} bits, unsigned, by pixel; leave that out to have it filled in"
        )
    return b"".join(frame.astype(frame.dtype.newbyteorder("<")).tobytes() for frame in frames)


def _check_size(rows: int, columns: int, pixel_bytes: int) -> None:
    if rows * columns * pixel_bytes > MAX_PIXEL_BYTES:
        raise InvalidRequest(f"a picture of {rows} rows and {columns} columns is larger than is taken")


def _png(stream: bytes) -> list[np.ndarray[Any, Any]]:
    import imagecodecs  # loaded by the first picture, as all codecs are

    if len(stream) < 33:
        raise InvalidRequest("the PNG is cut off")
    columns, rows = struct.unpack_from(">LL", stream, 16)
    _check_size(rows, columns, 8)
    try:
        pixels = imagecodecs.png_decode(stream)
    except Exception as error:  # the library raises its own errors, and others for damage it does not expect
        raise InvalidRequest(f"the PNG is damaged: {str(error)[:100]}") from error
    if pixels.ndim == 3 and pixels.shape[2] in {2, 4}:
        pixels = pixels[:, :, :-1]
    return [pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels]


def _gif(stream: bytes) -> list[np.ndarray[Any, Any]]:
    import numpy as np  # loaded by the first picture
    from PIL import Image, ImageSequence  # the same

    try:
        # Its own guard against large pictures warns; ours is below, before anything is decoded.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(stream), formats=["GIF"]) as picture:
            _check_size(picture.height, picture.width, 3)
            frames = []
            for number, frame in enumerate(ImageSequence.Iterator(picture), 1):
                _check_size(picture.height, picture.width, 3 * number)
                frames.append(np.asarray(frame.convert("RGB")))
    except InvalidRequest:
        raise
    except Exception as error:  # as above
        raise InvalidRequest(f"the GIF is damaged: {str(error)[:100]}") from error
    return frames
