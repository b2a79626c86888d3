"""What the headers of codestreams say: JPEG, JPEG-LS, JPEG 2000, HTJ2K, JPEG XL. Read strictly; nothing is decoded.

``guard`` holds it against the object's description, decoders take their colour rules from it. Where a decoder would
search on for something that it knows, this refuses: both must have seen the same header.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from calotype.errors import DamagedPixels

END_OF_IMAGE: Final = b"\xff\xd9"

_SOI, _SOS, _APP0, _APP14 = 0xD8, 0xDA, 0xE0, 0xEE
_STANDING_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
SOF_LOSSLESS: Final = 0xC3
SOF_LS: Final = 0xF7
"""The frame header of JPEG-LS (ISO 14495-1 C.2.2)."""
_FRAME_HEADERS: Final = frozenset({*range(0xC0, 0xD0), SOF_LS}) - {0xC4, 0xC8, 0xCC}
_ADOBE_BYTES: Final = 12
"""From the name to the transform flag."""


@dataclass(frozen=True, slots=True)
class JpegComponent:
    """One component of a frame header (ISO 10918-1 B.2.2): its identifier and sampling factors."""

    identifier: int
    horizontal: int
    vertical: int


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """A JPEG or JPEG-LS frame header, and what markers before it say of colour."""

    process: int
    """The second byte of the SOF marker: C0 baseline, C1 extended, C3 lossless, F7 JPEG-LS."""
    precision: int
    rows: int
    columns: int
    components: tuple[JpegComponent, ...]
    adobe_transform: int | None
    """Of a valid Adobe APP14 marker: 0 RGB, 1 YCbCr."""
    is_jfif: bool
    near: int
    """NEAR of JPEG-LS, how far off samples may be; the predictor of lossless JPEG. Of the first scan."""
    coded_data_at: int
    """Where the entropy-coded data of the first scan start."""

    @property
    def is_subsampled(self) -> bool:
        """Whether components differ in size."""
        return len({(each.horizontal, each.vertical) for each in self.components}) > 1


def read_jpeg(stream: bytes) -> JpegHeader:
    """Read a stream up to its first scan. Raises DamagedPixels when it does not come to that."""
    if stream[:2] != b"\xff\xd8":
        raise DamagedPixels(f"no JPEG: it starts with {stream[:2].hex()}, not with ffd8")
    at, frame = 2, None
    adobe: int | None = None
    is_jfif = False
    marker = 0
    while marker != _SOS:
        marker, at = _next_marker(stream, at)
        if marker in _STANDING_ALONE:
            continue
        segment = _segment(stream, at, marker)
        at += 2 + len(segment)
        if marker == _APP14 and segment.startswith(b"Adobe") and len(segment) >= _ADOBE_BYTES:
            adobe = segment[11]
        elif marker == _APP0:
            is_jfif = is_jfif or segment.startswith(b"JFIF\0")
        elif marker in _FRAME_HEADERS:
            if frame is not None:
                raise DamagedPixels("the JPEG has two frame headers")
            frame = (marker, *_frame_header(segment))
    if frame is None:
        raise DamagedPixels("the JPEG has a scan before its frame header")
    # ISO 10918-1 B.2.3: the number of components and two bytes of each, then what the process needs.
    parameter = 1 + 2 * (segment[0] if segment else 0)
    return JpegHeader(
        *frame,
        adobe_transform=adobe,
        is_jfif=is_jfif,
        near=segment[parameter] if len(segment) > parameter else 0,
        coded_data_at=at,
    )


def jpeg_ends(stream: bytes, header: JpegHeader) -> bool:
    """Tell whether the end of image is there: coded data cannot contain its marker (ISO 10918-1 F.1.2.3)."""
    return stream.rfind(END_OF_IMAGE, header.coded_data_at) >= 0


def jpeg_scans(stream: bytes, header: JpegHeader) -> int:
    """Return how many scans a JPEG has. It looks at every byte, so once is enough."""
    import numpy as np  # loaded by the first frame, see the package; a tenth of what ``bytes.count`` takes

    left = len(stream) - header.coded_data_at
    pairs = (
        np.frombuffer(stream, ">u2", max(0, left - odd) // 2, min(header.coded_data_at + odd, len(stream)))
        for odd in (0, 1)
    )
    return 1 + sum(int(np.count_nonzero(each == 0xFF00 | _SOS)) for each in pairs)


def _segment(stream: bytes, at: int, marker: int) -> bytes:
    """Return what a marker at ``at`` carries, its length left out."""
    length = int.from_bytes(stream[at : at + 2], "big")
    segment = stream[at + 2 : at + length]
    if length < 2 or len(segment) != length - 2:
        raise DamagedPixels(f"the JPEG header breaks off in marker ff{marker:02x}")
    return segment


def _next_marker(stream: bytes, at: int) -> tuple[int, int]:
    """Return the marker at ``at``, after any fill bytes (ISO 10918-1 B.1.1.2), and where its segment starts."""
    if stream[at : at + 1] != b"\xff":
        raise DamagedPixels(f"the JPEG header has no marker at byte {at}")
    while stream[at : at + 1] == b"\xff":
        at += 1
    if at >= len(stream) or stream[at] in {0, _SOI, END_OF_IMAGE[1]}:
        raise DamagedPixels(f"the JPEG header ends at byte {at}, before any scan")
    return stream[at], at + 1


def _frame_header(segment: bytes) -> tuple[int, int, int, tuple[JpegComponent, ...]]:
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        raise DamagedPixels("the JPEG frame header is cut off")
    precision, rows, columns, count = struct.unpack_from(">BHHB", segment)
    components = tuple(
        JpegComponent(segment[at], segment[at + 1] >> 4, segment[at + 1] & 15) for at in range(6, 6 + 3 * count, 3)
    )
    return precision, rows, columns, components


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
_BOX: Final = struct.Struct(">L4s")
_JP2_SIGNATURE: Final = b"\0\0\0\x0cjP  "
MAX_LEVELS: Final = 32


def jpeg_2000_codestream(stream: bytes) -> bytes:
    """Return the codestream of one that some devices wrap as a JP2 file; others as they are.

    What the file says of colour does not count: PS3.5 8.2.4 leaves that to Photometric Interpretation.
    """
    if not stream.startswith(_JP2_SIGNATURE):
        return stream
    at = 0
    while at + 8 <= len(stream):
        length, kind = _BOX.unpack_from(stream, at)
        head = 8
        if length == 1 and at + 16 <= len(stream):
            (length,) = struct.unpack_from(">Q", stream, at + 8)
            head = 16
        end = len(stream) if length == 0 else at + length
        if kind == b"jp2c":
            return stream[at + head : end]
        if length < head and length:
            break
        at = end
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


@dataclass(frozen=True, slots=True)
class JpegXlHeader:
    """The image header of a JPEG XL codestream (ISO 18181-1 Annex D), as far as its bounds."""

    rows: int
    columns: int
    precision: int
    is_float: bool
    is_plain: bool
    """Whether there is just one image: no animation, no preview, no further channels."""


_XL_SIGNATURE: Final = b"\0\0\0\x0cJXL \r\n\x87\n"
_XL_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_XL_SIDES: Final = ((9, 1), (13, 1), (18, 1), (30, 1))


def read_jpeg_xl(stream: bytes) -> JpegXlHeader:
    """Read the image header of a codestream, bare or in its container. Raises DamagedPixels when it is cut off."""
    bits = _Bits(_jpeg_xl_head(stream))
    rows, columns = _jpeg_xl_size(bits)
    if bits.take(1):
        return JpegXlHeader(rows, columns, 8, is_float=False, is_plain=True)
    is_plain = True
    if bits.take(1):
        # Orientation would turn the image.
        is_plain = bits.take(3) == 0
        if bits.take(1):
            _jpeg_xl_size(bits)
        if bits.take(2):
            return JpegXlHeader(rows, columns, 0, is_float=False, is_plain=False)
    is_float = bool(bits.take(1))
    precision = bits.choose(((0, 32), (0, 16), (0, 24), (6, 1)) if is_float else ((0, 8), (0, 10), (0, 12), (6, 1)))
    if is_float:
        bits.take(4)
    bits.take(1)
    is_plain = is_plain and bits.choose(((0, 0), (0, 1), (4, 2), (12, 1))) == 0
    return JpegXlHeader(rows, columns, precision, is_float=is_float, is_plain=is_plain)


def _jpeg_xl_size(bits: _Bits) -> tuple[int, int]:
    """Return rows and columns."""
    is_small = bits.take(1)
    rows = 8 * (bits.take(5) + 1) if is_small else bits.choose(_XL_SIDES)
    ratio = bits.take(3)
    if ratio:
        wide, high = _XL_RATIOS[ratio - 1]
        return rows, rows * wide // high
    return rows, 8 * (bits.take(5) + 1) if is_small else bits.choose(_XL_SIDES)


def _jpeg_xl_head(stream: bytes) -> bytes:
    """Return the first bytes of the codestream, after its own signature."""
    if stream.startswith(b"\xff\x0a"):
        return stream[2:66]
    if stream.startswith(_XL_SIGNATURE):
        at = 0
        while at + 8 <= len(stream):
            length, kind = _BOX.unpack_from(stream, at)
            head = 8 if length != 1 else 16
            if length == 1 and at + 16 <= len(stream):
                (length,) = struct.unpack_from(">Q", stream, at + 8)
            if kind in {b"jxlc", b"jxlp"}:
                start = at + head + (4 if kind == b"jxlp" else 0)
                if stream[start : start + 2] == b"\xff\x0a":
                    return stream[start + 2 : start + 66]
                break
            if length < head:
                break
            at += length
    raise DamagedPixels(f"no JPEG XL: it starts with {stream[:4].hex()}")


class _Bits:
    """Reads bits, the lowest first (ISO 18181-1 B.2)."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise DamagedPixels("the JPEG XL header is cut off")
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self._left -= count
        return value

    def choose(self, choices: tuple[tuple[int, int], ...]) -> int:
        """Read a number that is written in one of four ways: so many bits, plus a constant."""
        count, constant = choices[self.take(2)]
        return self.take(count) + constant
