"""Video: what the boxes of an MP4 file (ISO 14496-12) and the header of an MPEG-2 stream say of it.

The stream is kept as it is. Only a few boxes are read, each within the bounds of the one around it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from calotype.dicom.assembly.filling import Nodes, Stated, default, describe, fill, mark_lossy
from calotype.dicom.assembly.json_reader import decimal_string
from calotype.dicom.assembly.media import BulkPart
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.description import NUMBER_OF_FRAMES, PixelDescription
from calotype.dicom.uids import transfer_syntax
from calotype.errors import InvalidRequest, Unsupported

_BASE: Final = "1.2.840.10008.1.2.4."
_FRAME_INCREMENT_POINTER, _FRAME_TIME, _CINE_RATE = 0x00280009, 0x00181063, 0x00180040
_MAX_BOXES: Final = 10_000

# PS3.5 8.2.7: profile_idc, the highest level_idc, and the transfer syntax; the lower profiles are parts of High.
_AVC: Final = (
    ((66, 77, 100), 41, "102"),
    ((66, 77, 100), 42, "104"),
    ((128,), 42, "106"),
)
_HEVC: Final = {1: ("107", 8), 2: ("108", 10)}
_HEVC_LEVEL: Final = 153
"""30 times level 5.1."""
_METHODS: Final = (("MPEG2", "ISO_13818_2"), ("MPEG4", "ISO_14496_10"), ("HEVC", "ISO_23008_2"))
_COLOURS: Final = ("YBR_PARTIAL_420",)
"""PS3.5 8.2.5 to 8.2.8."""
_MPEG_2_SEQUENCE: Final = b"\0\0\1\xb3"
_STANDARD_ROWS, _STANDARD_COLUMNS = 576, 720


@dataclass(frozen=True, slots=True)
class _Track:
    """A video track."""

    syntax: UID
    rows: int
    columns: int
    bits: int
    frames: int
    frame_time_ms: float


def encapsulated(nodes: Nodes, part: BulkPart) -> tuple[UID, list[memoryview]]:
    """Complete the metadata of a video; return its transfer syntax and the one stream.

    Raises InvalidRequest for a file that is damaged or contradicts the metadata, Unsupported for a codec, profile or
    level that no transfer syntax holds. Streams that are in no MP4 file must come with complete metadata.
    """
    if bytes(part.content[4:8]) == b"ftyp":
        syntax, description = _filled(nodes, _track(part.content), part.transfer_syntax)
    elif bytes(part.content[:4]) == _MPEG_2_SEQUENCE:
        syntax, description = _mpeg_2(nodes, part)
    else:
        syntax, description = part.transfer_syntax, describe(nodes)
        if not syntax:
            raise InvalidRequest(f"{part.media_type}: a stream that is no MP4 file needs a transfer-syntax parameter")
    keyword = transfer_syntax(syntax).keyword
    method = next(method for start, method in _METHODS if keyword.startswith(start))
    mark_lossy(nodes, method, description, len(part.content))
    return syntax, [part.content]


def _filled(nodes: Nodes, track: _Track, named: UID) -> tuple[UID, PixelDescription]:
    syntax = named or track.syntax
    family = transfer_syntax(track.syntax).keyword[:4]
    if not transfer_syntax(syntax).keyword.startswith(family):
        raise InvalidRequest(f"the video is in {transfer_syntax(track.syntax).name}, the parameter says {syntax}")
    description = fill(nodes, Stated(track.rows, track.columns, 3, track.bits, colours=_COLOURS), track.frames)
    if track.frame_time_ms and track.frames > 1 and _FRAME_INCREMENT_POINTER not in nodes:
        # PS3.3 C.7.6.5: what tells frames apart in time.
        default(nodes, _FRAME_TIME, decimal_string(round(track.frame_time_ms, 6)).encode("ascii"))
        default(nodes, _CINE_RATE, str(max(1, round(1000 / track.frame_time_ms))).encode("ascii"))
        default(nodes, _FRAME_INCREMENT_POINTER, struct.pack("<HH", 0x0018, 0x1063))
    return syntax, description


def _mpeg_2(nodes: Nodes, part: BulkPart) -> tuple[UID, PixelDescription]:
    head = bytes(part.content[4:8])
    if len(head) < 4:
        raise InvalidRequest("the MPEG-2 stream is cut off")
    columns, rows = head[0] << 4 | head[1] >> 4, (head[1] & 15) << 8 | head[2]
    is_standard = rows <= _STANDARD_ROWS and columns <= _STANDARD_COLUMNS
    description = fill(nodes, Stated(rows, columns, 3, 8, colours=_COLOURS), _stated_frames(nodes))
    return part.transfer_syntax or UID(_BASE + ("100" if is_standard else "101")), description


def _stated_frames(nodes: Nodes) -> int:
    """Return Number of Frames, which no elementary stream says. InvalidRequest when the metadata do not either."""
    text = nodes[NUMBER_OF_FRAMES].raw.strip(b" \0") if NUMBER_OF_FRAMES in nodes else b""
    if not text.isdigit() or len(text) > 10:
        raise InvalidRequest("NumberOfFrames is missing, and the stream does not say it")
    return int(text)


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the type and content of each box. InvalidRequest for one that reaches beyond its end."""
    at = 0
    for _ in range(_MAX_BOXES):
        if at + 8 > len(data):
            return
        size, kind = struct.unpack_from(">L4s", data, at)
        head = 8
        if size == 1 and at + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = len(data) - at
        if size < head or size > len(data) - at:
            raise InvalidRequest("the MP4 file is cut off or damaged")
        yield kind, data[at + head : at + size]
        at += size
    raise InvalidRequest("the MP4 file has too many boxes")


def _box(data: memoryview, *path: bytes) -> memoryview:
    """Return the content of the first box on a path. InvalidRequest when there is none."""
    for step in path:
        found = next((content for kind, content in _boxes(data) if kind == step), None)
        if found is None:
            raise InvalidRequest(f"the MP4 file has no box {step.decode('ascii')}")
        data = found
    return data


def _track(file: memoryview) -> _Track:
    for kind, track in _boxes(_box(file, b"moov")):
        if kind == b"trak" and bytes(_box(track, b"mdia", b"hdlr")[8:12]) == b"vide":
            try:
                return _video_track(_box(track, b"mdia"))
            except (struct.error, IndexError):
                raise InvalidRequest("the MP4 file has boxes that are cut off") from None
    raise InvalidRequest("the MP4 file has no video track")


def _video_track(media: memoryview) -> _Track:
    table = _box(media, b"minf", b"stbl")
    entries = _box(table, b"stsd")[8:]
    kind, entry = next(_boxes(entries), (b"", memoryview(b"")))
    columns, rows = struct.unpack_from(">HH", entry, 24)
    inner = entry[78:]
    if kind in {b"avc1", b"avc3"}:
        syntax, bits = _avc(_box(inner, b"avcC"))
    elif kind in {b"hvc1", b"hev1"}:
        syntax, bits = _hevc(_box(inner, b"hvcC"))
    else:
        raise Unsupported(
            f"the MP4 file holds {bytes(kind).decode('latin-1')!a}; H.264 and HEVC have a transfer syntax"
        )
    (frames,) = struct.unpack_from(">L", _box(table, b"stsz"), 8)
    header = _box(media, b"mdhd")
    timescale, duration = (
        struct.unpack_from(">LQ", header, 20) if header[0] else struct.unpack_from(">LL", header, 12)
    )
    if not frames:
        raise Unsupported("the MP4 file is fragmented, or its video has no frame; send it with one moov for all")
    time_ms = 1000 * duration / timescale / frames if timescale else 0.0
    return _Track(syntax, rows, columns, bits, frames, time_ms)


def _avc(configuration: memoryview) -> tuple[UID, int]:
    profile, level = configuration[1], configuration[3]
    for profiles, highest, last in _AVC:
        if profile in profiles and level <= highest:
            return UID(_BASE + last), 8
    raise Unsupported(f"H.264 of profile {profile} and level {level / 10} has no transfer syntax (PS3.5 8.2.7)")


def _hevc(configuration: memoryview) -> tuple[UID, int]:
    profile, level = configuration[1] & 31, configuration[12]
    if profile not in _HEVC or level > _HEVC_LEVEL:
        raise Unsupported(
            f"HEVC of profile {profile} and level {level / 30:.1f} has no transfer syntax (PS3.5 8.2.8)"
        )
    last, bits = _HEVC[profile]
    return UID(_BASE + last), bits
