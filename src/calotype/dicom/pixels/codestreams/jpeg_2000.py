"""The main header of JPEG 2000 (ISO 15444-1) and HTJ2K (ISO 15444-15), and how its tiles are coded."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from calotype.dicom.pixels.codestreams.boxes import boxes
from calotype.dicom.pixels.codestreams.jpeg import END_OF_IMAGE
from calotype.errors import DamagedPixels


@dataclass(frozen=True, slots=True)
class Jpeg2000Component:
    """One component of SIZ (ISO 15444-1 A.5.1)."""

    precision: int
    is_signed: bool
    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class Jpeg2000Header:
    """The main header of a JPEG 2000 or HTJ2K codestream, as far as it bounds the work of a decoder."""

    rows: int
    columns: int
    offset_rows: int
    offset_columns: int
    tile_rows: int
    tile_columns: int
    tiles: int
    components: tuple[Jpeg2000Component, ...]
    is_high_throughput: bool
    uses_component_transform: bool
    is_reversible: bool
    layers: int
    levels: int
    precincts: int
    """How many there are in all, of all components and resolutions."""
    ends: bool


_SOC_SIZ: Final = b"\xff\x4f\xff\x51"
_CAP, _SIZ_MARKER, _COD, _COC, _SOT, _SOD = 0xFF50, 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93
_SOT_BYTES: Final = b"\xff\x90"
_SOT_SEGMENT: Final = struct.Struct(">HHHLBB")
_CODING_BYTES: Final = 5
"""Levels, both sides of a code-block, its style, and the transform."""
_WHOLE: Final = 15
"""The exponent of precincts as large as can be: what no encoder divides."""
_SIZ: Final = struct.Struct(">HHLLLLLLLLH")
_JP2_SIGNATURE: Final = b"\0\0\0\x0cjP  "
MAX_LEVELS: Final = 32


def jpeg_2000_codestream(stream: bytes) -> bytes:
    """Return the codestream of one that some devices wrap as a JP2 file; others as they are.

    What the file says of colour does not count: PS3.5 8.2.4 leaves that to Photometric Interpretation.
    """
    if not stream.startswith(_JP2_SIGNATURE):
        return stream
    for kind, start, end in boxes(stream):
        if kind == b"jp2c":
            return stream[start:end]
    raise DamagedPixels("the JP2 file has no codestream")


def read_jpeg_2000(stream: bytes) -> Jpeg2000Header:
    """Read the main header of a codestream. Raises DamagedPixels when it does not come to its first tile."""
    if not stream.startswith(_SOC_SIZ):
        raise DamagedPixels(f"no JPEG 2000: it starts with {stream[:4].hex()}, not with ff4fff51")
    segments, at = _jpeg_2000_segments(stream, 2, _SOT)
    markers = [marker for marker, _ in segments]
    if not (markers.count(_SIZ_MARKER) == markers.count(_COD) == 1):
        raise DamagedPixels("the JPEG 2000 main header needs one SIZ and one COD")
    segments += _tile_codings(stream, at)
    return _jpeg_2000_header(segments, ends=stream.find(END_OF_IMAGE, max(at, len(stream) - 64)) >= 0)


def _jpeg_2000_segments(stream: bytes, at: int, last: int) -> tuple[list[tuple[int, bytes]], int]:
    """Return marker segments from ``at`` up to the marker ``last``, and where that stands."""
    segments: list[tuple[int, bytes]] = []
    while True:
        if at + 4 > len(stream):
            raise DamagedPixels("the JPEG 2000 header breaks off")
        marker, length = struct.unpack_from(">HH", stream, at)
        if marker == last:
            return segments, at
        segment = stream[at + 2 : at + 2 + length]
        if marker < 0xFF00 or marker in {_SOT, _SOD} or length < 2 or len(segment) != length:
            raise DamagedPixels(f"the JPEG 2000 header makes no sense at byte {at}")
        segments.append((marker, segment))
        at += 2 + length


def _tile_codings(stream: bytes, at: int) -> list[tuple[int, bytes]]:
    """Return the COD and COC segments of tile-parts from ``at`` on: a tile may be coded in a way of its own.

    Raises DamagedPixels unless tile-parts follow each other up to the end, as a decoder would look for the next.
    """
    found: dict[tuple[int, bytes], None] = {}
    while stream[at : at + 2] == _SOT_BYTES:
        if at + _SOT_SEGMENT.size > len(stream):
            raise DamagedPixels("a tile-part of the JPEG 2000 image breaks off")
        _, _, _, length, _, _ = _SOT_SEGMENT.unpack_from(stream, at)
        segments, end = _jpeg_2000_segments(stream, at + _SOT_SEGMENT.size, _SOD)
        found |= dict.fromkeys(each for each in segments if each[0] in {_COD, _COC})
        if not length:
            # ISO 15444-1 A.4.2: the last tile-part may reach to the end of the codestream.
            return [*found]
        if at + length < end + 2:
            raise DamagedPixels("a tile-part of the JPEG 2000 image is shorter than its header")
        at += length
    if stream[at : at + 2] != END_OF_IMAGE and at < len(stream):
        raise DamagedPixels(f"neither a tile-part nor the end of the JPEG 2000 image stands at byte {at}")
    return [*found]


def _jpeg_2000_header(segments: list[tuple[int, bytes]], *, ends: bool) -> Jpeg2000Header:
    first = dict(reversed(segments))
    siz, cod = first[_SIZ_MARKER], first[_COD]
    if len(siz) < _SIZ.size:
        raise DamagedPixels("the JPEG 2000 main header has a SIZ that is cut off")
    _, _, right, bottom, left, top, tile_columns, tile_rows, tile_left, tile_top, count = _SIZ.unpack_from(siz)
    if len(siz) < _SIZ.size + 3 * count:
        raise DamagedPixels("the JPEG 2000 main header lists fewer components than it counts")
    # ISO 15444-1 B.3: the first tile has to touch the image.
    if not (tile_columns and tile_rows and tile_left <= left < right and tile_top <= top < bottom):
        raise DamagedPixels("the JPEG 2000 image is empty, or its tiles do not cover it")
    if tile_left + tile_columns <= left or tile_top + tile_rows <= top:
        raise DamagedPixels("the first tile of the JPEG 2000 image is empty")
    components = tuple(
        Jpeg2000Component((size & 0x7F) + 1, bool(size & 0x80), dx, dy)
        for size, dx, dy in struct.iter_unpack(">BBB", siz[_SIZ.size : _SIZ.size + 3 * count])
    )
    across, down = -(-(right - tile_left) // tile_columns), -(-(bottom - tile_top) // tile_rows)
    sides = (min(tile_columns, right - left), min(tile_rows, bottom - top))
    codings = [coding for marker, segment in segments if (coding := _coding(marker, segment, count)) is not None]
    layers = max(int.from_bytes(segment[4:6], "big") for marker, segment in segments if marker == _COD)
    levels = max(parameters[0] for _, parameters in codings)
    precincts = across * down * count * max(_precincts(each, parameters, sides) for each, parameters in codings)
    return Jpeg2000Header(
        rows=bottom - top,
        columns=right - left,
        offset_rows=top,
        offset_columns=left,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
        tiles=across * down,
        components=components,
        is_high_throughput=any(marker == _CAP for marker, _ in segments),
        uses_component_transform=cod[6] != 0,
        is_reversible=all(parameters[4] == 1 for _, parameters in codings),
        layers=layers,
        levels=levels,
        precincts=precincts,
        ends=ends,
    )


def _coding(marker: int, segment: bytes, components: int) -> tuple[int, bytes] | None:
    """Return style and parameters of COD (A.6.1) or COC (A.6.2), nothing of other markers.

    The index of a component, which COC starts with, takes two bytes where there are more than 256.
    """
    if marker not in {_COD, _COC}:
        return None
    style_at = 2 if marker == _COD else 3 if components <= 256 else 4
    parameters = segment[7 if marker == _COD else style_at + 1 :]
    if len(parameters) < _CODING_BYTES:
        raise DamagedPixels("the JPEG 2000 header has a coding style that is cut off")
    return segment[style_at], parameters


def _precincts(style: int, parameters: bytes, sides: tuple[int, int]) -> int:
    """Return into how many precincts (at most) a component of a tile falls at all its resolutions (B.6)."""
    levels = parameters[0]
    sizes = parameters[_CODING_BYTES:] if style & 1 else b"\xff" * (levels + 1)
    if levels > MAX_LEVELS or len(sizes) < levels + 1:
        raise DamagedPixels(f"the JPEG 2000 main header says {levels} levels and lists {len(sizes)} precincts")
    return sum(
        _tiled(sides[0], levels - at, sizes[at] & 15) * _tiled(sides[1], levels - at, sizes[at] >> 4)
        for at in range(levels + 1)
    )


def _tiled(side: int, reduction: int, exponent: int) -> int:
    """Return into how many pieces of ``2 ** exponent`` a side falls at a resolution; by its place, one less."""
    return (((side - 1) >> reduction) >> exponent) + (1 if exponent == _WHOLE else 2)
