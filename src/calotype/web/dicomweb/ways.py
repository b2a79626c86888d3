"""In which forms the pixels of an object can leave (PS3.18 8.7.3.3), which one a client wants, and frames in it.

As they are stored, uncompressed, or in another transfer syntax that loses nothing. A frame is read by offset and
length, never the object; one at a time is in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Self

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import codecs
from calotype.dicom.pixels.description import PixelDescription
from calotype.dicom.pixels.frames import EncapsulatedFrames, Place, read_frame
from calotype.dicom.pixels.plans import can_become, why_not
from calotype.dicom.sources import cut
from calotype.dicom.uids import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    TRANSFER_SYNTAXES,
    transfer_syntax,
)
from calotype.errors import CalotypeError, DamagedPixels, Unsupported
from calotype.services.archive.looking import Opened
from calotype.services.archive.pictures import Pictures
from calotype.web.accept import Form, MediaRange, quality_in
from calotype.web.lines import Piece, Stretch
from calotype.web.multipart import PartsWriter

OCTETS: Final = "application/octet-stream"
_LONG_BYTES: Final = 256 * 1024
"""From which on a stretch of a file is sent by the system, past our memory."""
RELATED: Final = "multipart/related"
_TYPES: Final = (
    ("image/jpeg", ("70", "50", "51", "57")),
    ("image/jls", ("80", "81")),
    ("image/jp2", ("90", "91")),
    ("image/jpx", ("92", "93")),
    ("image/jxl", ("110", "111", "112")),
    ("image/jphc", ("201", "202", "203")),
    ("video/mpeg", ("100", "100.1", "101", "101.1")),
    ("video/mp4", ("102", "102.1", "103", "103.1", "104", "104.1", "105", "105.1", "106", "106.1", "107", "108")),
)
"""PS3.18 Table 8.7.3-5: media types by the last part of 1.2.840.10008.1.2.4.x, the default syntax of each first."""
MEDIA_TYPES: Final = {
    **{UID("1.2.840.10008.1.2.4." + last): media for media, ends in _TYPES for last in ends},
    UID("1.2.840.10008.1.2.5"): "image/x-dicom-rle",
}
"""The media type of a frame by its transfer syntax; of all others it is octets."""
_DEFAULTS: Final = {media: next(uid for uid, each in MEDIA_TYPES.items() if each == media)
                    for media in MEDIA_TYPES.values()}  # fmt: skip


class Making(Enum):
    """What is done to a frame."""

    NOTHING = auto()
    DECODE = auto()
    ENCODE = auto()


@dataclass(frozen=True, slots=True)
class Way:
    """One form: ``form`` is what was agreed on, ``syntax`` what frames are in."""

    form: Form
    media_type: str
    syntax: UID
    making: Making
    answers: frozenset[str]

    @property
    def part_type(self) -> str:
        """The Content-Type of a frame."""
        return f"{self.media_type}; transfer-syntax={self.syntax}"

    @property
    def is_related(self) -> bool:
        """Whether frames come as parts."""
        return self.form.essence == RELATED


@dataclass(frozen=True, slots=True)
class Pixels:
    """What decides in which forms pixels can leave."""

    codec: UID
    is_encapsulated: bool
    description: PixelDescription

    @classmethod
    def of(cls, opened: Opened) -> Self:
        """Return what is known of an open object. Unsupported when it has no pixels."""
        description, index = opened.subject.checked()
        return cls(opened.subject.codec, isinstance(index, EncapsulatedFrames), description)

    @property
    def is_decodable(self) -> bool:
        """Whether compressed frames can be had uncompressed."""
        return self.is_encapsulated and codecs.can_decode(self.codec, self.description)

    def can_become(self, uid: UID) -> bool:
        """Tell whether frames can be had in another compressed syntax without loss."""
        if not transfer_syntax(uid).encapsulated or not can_become(self.codec, uid):
            return False
        try:
            return not why_not(self.codec, uid, self.description)
        except CalotypeError:
            return False


def choose_way(pixels: Pixels, ranges: Sequence[MediaRange], *, alone: bool, alone_first: bool = False) -> Way:
    """Return the form that the client wants most of those that an object's frames can have.

    ``alone``: it may be something else than ``multipart/related``; ``alone_first``: rather, where the client takes
    both. Unsupported when there is none.
    """
    as_parts = (False, True) if alone_first else (True, False)
    best, best_quality = None, 0.0
    for way in _ways(pixels, ranges, as_parts if alone else (True,)):
        quality = quality_in(ranges, way.form, way.syntax, way.answers)
        if quality > best_quality:
            best, best_quality = way, quality
    if best is None:
        raise Unsupported(_what_there_is(pixels))
    return best


def _ways(pixels: Pixels, ranges: Sequence[MediaRange], as_parts: Sequence[bool]) -> Iterator[Way]:
    """Yield what frames can be, as parts or alone in this order, the default first.

    Octets are uncompressed unless another transfer syntax is asked for; a media type without one means as it is
    stored where that fits, else the type's own default.
    """
    codec, is_encapsulated = pixels.codec, pixels.is_encapsulated
    explicit = EXPLICIT_VR_LITTLE_ENDIAN
    stored_type = MEDIA_TYPES.get(codec) if is_encapsulated else None
    others = [uid for uid in _asked(ranges) if uid != codec and pixels.can_become(uid)]
    for related in as_parts:

        def way(media_type: str, syntax: UID, making: Making, *answers: str, related: bool = related) -> Way:
            form = Form(RELATED, media_type) if related else Form(media_type)
            return Way(form, media_type, syntax, making, frozenset((*answers, syntax)))

        if not is_encapsulated:
            yield way(OCTETS, explicit, Making.NOTHING, "", "*")
        else:
            yield way(OCTETS, codec, Making.NOTHING, "*")
            if pixels.is_decodable:
                yield way(OCTETS, explicit, Making.DECODE, "")
            if stored_type is not None:
                yield way(stored_type, codec, Making.NOTHING, "", "*")
        for uid in others:
            if MEDIA_TYPES.get(uid) != stored_type:
                answers = ("", "*") if _DEFAULTS.get(MEDIA_TYPES.get(uid, "")) == uid else ()
                if uid in MEDIA_TYPES:
                    yield way(MEDIA_TYPES[uid], uid, Making.ENCODE, *answers)
            elif uid in MEDIA_TYPES:
                yield way(MEDIA_TYPES[uid], uid, Making.ENCODE)
            yield way(OCTETS, uid, Making.ENCODE)


def _asked(ranges: Sequence[MediaRange]) -> list[UID]:
    """Return the transfer syntaxes that a client names, and the defaults of the media types that it names."""
    found: dict[UID, None] = {}
    for each in ranges:
        named = each.media.parameter("transfer-syntax")
        if named in TRANSFER_SYNTAXES:
            found[UID(named)] = None
        media = (each.media.parameter("type") or "").lower() or each.media.essence
        if media in _DEFAULTS:
            found[_DEFAULTS[media]] = None
    return list(found)


def _what_there_is(pixels: Pixels) -> str:
    codec = pixels.codec
    told = codec if codec in TRANSFER_SYNTAXES else "an unknown transfer syntax"
    media = MEDIA_TYPES.get(codec, OCTETS) if pixels.is_encapsulated else OCTETS
    return (
        f'Accept: frames stored in {told} come as they are, by {RELATED}; type="{media}" or by {OCTETS} with '
        "transfer-syntax=*" + (f"; and as {OCTETS} uncompressed" if pixels.is_decodable else "")
    )


def frame_parts(
    pictures: Pictures,
    opened: Opened,
    numbers: Iterable[int],
    way: Way,
    writer: PartsWriter | None,
    *,
    location: str = "",
) -> Iterator[Piece]:
    """Yield frames of an open object as parts; without a ``writer`` the bytes alone. Raises as :func:`frame_in` does.

    ``location`` is the URL of all of them, from which each has its own.
    """
    for number in numbers:
        size_bytes, pieces = frame_in(pictures, opened, number, way)
        if writer is not None:
            yield writer.prefix(way.part_type, size_bytes, location and f"{location}?frame={number}")
        yield from pieces


def frame_in(pictures: Pictures, opened: Opened, number: int, way: Way) -> tuple[int, Iterator[Piece]]:
    """Return the length of a frame in its new form, and its bytes.

    NotFound when there is no such frame; DamagedPixels, Unsupported when it cannot be made.
    """
    _, index = opened.subject.checked()
    if way.making is Making.DECODE:
        frame = pictures.decoded_frame(opened, number)
        return len(frame), iter((frame,))
    if way.making is Making.ENCODE:
        frame = pictures.encoded_frame(opened, number, way.syntax)
        return len(frame), iter((frame,))
    whole_bytes = isinstance(index, EncapsulatedFrames) or index.frame_bits % 8 == 0
    if not whole_bytes or opened.subject.codec == EXPLICIT_VR_BIG_ENDIAN:
        frame = read_frame(index, number, opened.read_at)
        return len(frame), iter((frame,))
    places = index.frame(number)
    return sum(length for _, length in places), blocks(opened, places)


def blocks(opened: Opened, places: Sequence[Place]) -> Iterator[Piece]:
    """Return places of an object, one after the other: long ones to be sent out of its file, others read.

    DamagedPixels when it ends before.
    """
    reader = opened.reader
    for start, length in places:
        at = opened.data_offset + start
        if reader is not None and length >= _LONG_BYTES and at + length <= reader.size_bytes:
            yield Stretch(reader, at, length)
            continue
        for place in cut(range(start, start + length)):
            piece = opened.read_at(place.start, len(place))
            if len(piece) != len(place):
                raise DamagedPixels(f"a frame needs {len(place)} bytes at {place.start}; {len(piece)} are left")
            yield piece
