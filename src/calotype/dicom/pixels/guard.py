"""Stands before every decoder: what a codestream says of itself must be what the object says of its pixels.

Codecs allocate by the header of the stream they are given, and a few flipped bytes make that gigabytes and minutes.
Held against the description and a limit, no stream costs more than the frame that it is. Streams that are cut off
are refused here, too: some decoders fill in grey and say nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.codestreams.jpeg import (
    END_OF_IMAGE,
    SOF_LOSSLESS,
    SOF_LS,
    jpeg_ends,
    jpeg_scans,
    read_jpeg,
)
from calotype.dicom.pixels.codestreams.jpeg_2000 import jpeg_2000_codestream, read_jpeg_2000
from calotype.dicom.pixels.codestreams.jpeg_xl import read_jpeg_xl
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.uids import RLE_LOSSLESS, transfer_syntax
from calotype.errors import DamagedPixels


@dataclass(frozen=True, slots=True)
class Limits:
    """What one frame may come to; more is refused before anything is allocated."""

    max_frame_bytes: int = 1024 * 1024 * 1024
    """Uncompressed. The largest detectors make 100 MiB; what is larger is stored in tiles."""


DEFAULT_LIMITS: Final = Limits()

_SEQUENTIAL: Final = frozenset({0xC0, 0xC1, SOF_LOSSLESS})
_PROGRESSIVE: Final = 0xC2
"""Of no syntax in use, and written by web tools all the same."""
_MAX_PROGRESSIVE_SCANS: Final = 64
_MAX_TILES: Final = 65_535
_MIN_TILE_SIDE: Final = 64
_MAX_OFFSET: Final = 65_535
_FEW_PRECINCTS: Final = 10_000
_MIN_PRECINCT_SAMPLES: Final = 256
"""OpenJPEG spends 1.6 KiB on each precinct: on the average they must be worth it."""
_MAX_LAYERS: Final = 1_000
_MAX_PACKETS: Final = 4_000_000
_RLE_HEADER: Final = struct.Struct("<16L")


def check(stream: bytes, description: PixelDescription, syntax: UID, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the stream of one frame as a decoder may be given it.

    That is the stream as it is, but of JPEG-LS with its end where that was missing (CharLS spins for seconds
    otherwise), and of JPEG 2000 without the JP2 file around it. Raises DamagedPixels: the stream is cut off, is none
    of its syntax, contradicts its description, or is above the limits.
    """
    check_size(description, limits)
    for keyword, guarding in _GUARDS.items():
        if transfer_syntax(syntax).keyword.startswith(keyword):
            return guarding(stream, description)
    return _check_rle(stream, description) if syntax == RLE_LOSSLESS else stream


def as_it_is(stream: bytes, description: PixelDescription, syntax: UID) -> bytes:
    """Return a stream that was refused as a decoder may be tried with it, which may cost it all it has.

    JPEG 2000 comes without the JP2 file around it, and what was cut off gets an end: without one most decoders give
    up, with it they show what is there. Raises DamagedPixels for a frame above the limits.
    """
    check_size(description)
    keyword = transfer_syntax(syntax).keyword
    if keyword.startswith(("JPEG2000", "HTJ2K")):
        stream = jpeg_2000_codestream(stream)
    if keyword.startswith(("JPEG", "HTJ2K")) and not keyword.startswith("JPEGXL") and END_OF_IMAGE not in stream[-3:]:
        return stream + END_OF_IMAGE
    return stream


def check_size(description: PixelDescription, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise DamagedPixels when a decoded frame would be above the limits."""
    size_bytes = description.samples * max(8, description.bits_allocated) // 8
    if size_bytes > limits.max_frame_bytes:
        raise DamagedPixels(f"a frame of {size_bytes} bytes is above the limit of {limits.max_frame_bytes}")


def _check_shape(what: str, shape: tuple[int, int, int], description: PixelDescription) -> None:
    expected = (description.rows, description.columns, description.samples_per_pixel)
    if shape != expected:
        rows, columns, samples = shape
        raise DamagedPixels(
            f"the {what} has {rows} rows, {columns} columns and {samples} samples per pixel; the object says "
            f"{expected[0]}, {expected[1]} and {expected[2]}"
        )


def _check_precision(what: str, precision: int, lowest: int, description: PixelDescription) -> None:
    if not lowest <= precision <= max(8, description.bits_allocated):
        raise DamagedPixels(f"the {what} has {precision} bits; the object has {description.bits_allocated} allocated")


def _check_jpeg(stream: bytes, description: PixelDescription) -> bytes:
    header = read_jpeg(stream)
    if header.process not in _SEQUENTIAL | {_PROGRESSIVE}:
        raise DamagedPixels(f"the JPEG is coded by process ff{header.process:02x}, which no DICOM syntax in use has")
    _check_shape("JPEG", (header.rows, header.columns, len(header.components)), description)
    _check_precision("JPEG", header.precision, 2, description)
    scans = jpeg_scans(stream, header)
    if scans > (_MAX_PROGRESSIVE_SCANS if header.process == _PROGRESSIVE else len(header.components)):
        raise DamagedPixels(f"the JPEG has {scans} scans for {len(header.components)} components")
    if not jpeg_ends(stream, header):
        raise DamagedPixels("the JPEG is cut off: it has no end of image")
    return stream


def _check_jpeg_ls(stream: bytes, description: PixelDescription) -> bytes:
    header = read_jpeg(stream)
    if header.process != SOF_LS:
        raise DamagedPixels(f"the stream is coded by process ff{header.process:02x}, not by JPEG-LS")
    _check_shape("JPEG-LS image", (header.rows, header.columns, len(header.components)), description)
    _check_precision("JPEG-LS image", header.precision, 2, description)
    if header.is_subsampled:
        raise DamagedPixels("the JPEG-LS image has components of different sizes")
    scans = jpeg_scans(stream, header)
    if scans > len(header.components):
        raise DamagedPixels(f"the JPEG-LS image has {scans} scans for {len(header.components)} components")
    return stream if END_OF_IMAGE in stream[-3:] else stream + END_OF_IMAGE


def _check_jpeg_2000(stream: bytes, description: PixelDescription) -> bytes:
    stream = jpeg_2000_codestream(stream)
    header = read_jpeg_2000(stream)
    _check_shape("JPEG 2000 image", (header.rows, header.columns, len(header.components)), description)
    for component in header.components:
        _check_precision("JPEG 2000 image", component.precision, 1, description)
        if (component.dx, component.dy) != (1, 1):
            raise DamagedPixels("the JPEG 2000 image has components of different sizes")
    if len({(each.precision, each.is_signed) for each in header.components}) > 1:
        raise DamagedPixels("the JPEG 2000 image has components of different types")
    if max(header.offset_rows, header.offset_columns) > _MAX_OFFSET:
        raise DamagedPixels("the JPEG 2000 image lies too far from the origin of its grid")
    if header.tiles > _MAX_TILES or (
        header.tiles > 1 and min(header.tile_rows, header.tile_columns) < _MIN_TILE_SIDE
    ):
        raise DamagedPixels(f"the JPEG 2000 image has {header.tiles} tiles, too many or too small")
    most = max(_FEW_PRECINCTS, description.samples // _MIN_PRECINCT_SAMPLES)
    if (
        not 1 <= header.layers <= _MAX_LAYERS
        or header.precincts > most
        or header.layers * header.precincts > max(_MAX_PACKETS, description.samples)
    ):
        raise DamagedPixels(f"the JPEG 2000 image has {header.layers} layers and {header.precincts} precincts")
    if not header.ends:
        raise DamagedPixels("the JPEG 2000 image is cut off: it has no end of codestream")
    return stream


def _check_jpeg_xl(stream: bytes, description: PixelDescription) -> bytes:
    header = read_jpeg_xl(stream)
    # The header tells grey from colour only deep inside; the shape of what was decoded will.
    _check_shape("JPEG XL image", (header.rows, header.columns, description.samples_per_pixel), description)
    if not header.is_plain or header.is_float:
        raise DamagedPixels("the JPEG XL image is animated, turned, of floats, or has further channels")
    _check_precision("JPEG XL image", header.precision, 1, description)
    return stream


def _check_rle(stream: bytes, description: PixelDescription) -> bytes:
    """Check the header of PS3.5 G.5: as many segments as bytes in a pixel, one after the other within the stream."""
    if len(stream) < _RLE_HEADER.size:
        raise DamagedPixels(f"the RLE header takes {_RLE_HEADER.size} bytes; there are {len(stream)}")
    count, *offsets = _RLE_HEADER.unpack_from(stream)
    expected = description.samples_per_pixel * ((description.bits_allocated + 7) // 8)
    if count != expected:
        raise DamagedPixels(f"the RLE frame has {count} segments; the pixels have {expected} bytes each")
    bounds = [*offsets[:count], len(stream)]
    if bounds[0] != _RLE_HEADER.size or any(end < start for start, end in pairwise(bounds)):
        raise DamagedPixels("the segments of the RLE frame do not follow each other")
    return stream


# By how keywords start, the longer first.
_GUARDS: Final[Mapping[str, Callable[[bytes, PixelDescription], bytes]]] = {
    "JPEGXL": _check_jpeg_xl,
    "JPEGLS": _check_jpeg_ls,
    "JPEG2000": _check_jpeg_2000,
    "HTJ2K": _check_jpeg_2000,
    "JPEG": _check_jpeg,
}
