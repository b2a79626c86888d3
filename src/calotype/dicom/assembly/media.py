"""What bulk data of a media type is, and in which transfer syntaxes it may be (PS3.18 8.7.3.3, Table 10.5.2-1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import STORABLE_TRANSFER_SYNTAXES, transfer_syntax
from calotype.errors import Unsupported

OCTETS: Final = "application/octet-stream"
PLAIN_TEXT: Final = "text/plain"


class Kind(Enum):
    """What becomes of bulk data."""

    OCTETS = auto()
    """The value as it is, in little endian; with a compressed transfer syntax, one frame."""
    CODESTREAM = auto()
    """One compressed frame, kept as it is in a fragment."""
    PICTURE = auto()
    """Pictures that no transfer syntax holds: decoded without loss."""
    VIDEO = auto()
    """All frames in one stream, kept as it is."""
    DOCUMENT = auto()
    """An encapsulated document."""


@dataclass(frozen=True, slots=True)
class Media:
    """One media type. ``syntaxes`` are those that its ``transfer-syntax`` parameter may name."""

    kind: Kind
    syntaxes: frozenset[UID] = frozenset()


@dataclass(frozen=True, slots=True)
class BulkPart:
    """One part of a request: its media type in lower case, the syntax it names, possibly empty, and what it holds."""

    media_type: str
    transfer_syntax: UID
    content: memoryview


_IMAGES: Final = (
    (("image/jpeg",), ("4.50", "4.51", "4.57", "4.70")),
    (("image/jls", "image/x-jls"), ("4.80", "4.81")),
    (("image/jp2", "image/j2k", "image/j2c", "image/jpx"), ("4.90", "4.91", "4.92", "4.93")),
    (("image/jph", "image/jphc"), ("4.201", "4.202", "4.203")),
    (("image/jxl",), ("4.110", "4.111", "4.112")),
    (("image/dicom-rle", "image/x-dicom-rle"), ("5",)),
)
_H264: Final = ("4.102", "4.102.1", "4.103", "4.103.1", "4.104", "4.104.1", "4.105", "4.105.1", "4.106", "4.106.1")
_HEVC: Final = ("4.107", "4.108")
_VIDEOS: Final = (
    (("video/mpeg", "video/mpeg2"), ("4.100", "4.100.1", "4.101", "4.101.1")),
    (("video/mp4",), (*_H264, *_HEVC)),
    (("video/h264",), _H264),
    (("video/h265", "video/hevc"), _HEVC),
)
_DOCUMENTS: Final = (
    "application/pdf", "text/xml", "application/xml", "model/stl", "model/obj", "model/mtl", "application/sla",
)  # fmt: skip


def _rows(kind: Kind, rows: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]) -> dict[str, Media]:
    return {
        name: Media(kind, frozenset(UID(f"1.2.840.10008.1.2.{last}") for last in ends))
        for names, ends in rows
        for name in names
    }


MEDIA: Final[Mapping[str, Media]] = {
    OCTETS: Media(Kind.OCTETS, frozenset(STORABLE_TRANSFER_SYNTAXES)),
    **_rows(Kind.CODESTREAM, _IMAGES),
    **dict.fromkeys(("image/png", "image/gif"), Media(Kind.PICTURE)),
    **_rows(Kind.VIDEO, _VIDEOS),
    **dict.fromkeys(_DOCUMENTS, Media(Kind.DOCUMENT)),
}
"""Every media type that bulk data may have."""


def media_of(part: BulkPart) -> Media:
    """Return what a part is. Unsupported when its media type is unknown, or cannot be in the syntax it names."""
    media = MEDIA.get(part.media_type)
    if media is None:
        raise Unsupported(f"bulk data of media type {part.media_type[:64]} are not taken")
    if part.transfer_syntax and media.syntaxes and part.transfer_syntax not in media.syntaxes:
        raise Unsupported(f"{part.media_type} is not in transfer syntax {part.transfer_syntax[:64]}")
    return media


def is_encapsulated(syntax: UID) -> bool:
    """Tell whether a part in ``syntax`` is a frame in a fragment."""
    return bool(syntax) and transfer_syntax(syntax).encapsulated
