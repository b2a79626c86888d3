"""The header of JPEG (ISO 10918-1) and JPEG-LS (ISO 14495-1), whose markers are alike."""

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
