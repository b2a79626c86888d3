"""An object as what can be looked at: what is said of its pixels, where its frames are, and each frame decoded.

A :class:`Subject` holds no pixels and reads no file: it may be kept while nobody looks, and is given the bytes anew
(``read_at``) each time. Values are read leniently: what is damaged beside the pixels is left out of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from calotype.dicom.datasets import Element, Items, Limits, decode, swap
from calotype.dicom.hierarchy import UID
from calotype.dicom.layout import SEQUENCES
from calotype.dicom.pixels import codecs
from calotype.dicom.pixels.anatomy import Anatomy, dissect
from calotype.dicom.pixels.attributes import Attributes, FrameAttributes
from calotype.dicom.pixels.description import PixelDescription, described
from calotype.dicom.pixels.fragments import NO_TABLE, ExtendedOffsetTable
from calotype.dicom.pixels.frames import (
    EncapsulatedFrames,
    FrameIndex,
    Place,
    ReadAt,
    frame_index,
    native_index,
    read_frame,
)
from calotype.dicom.sources import source_of
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN, transfer_syntax
from calotype.dicom.walk import FRAGMENTS, Token
from calotype.errors import InvalidRequest, Unsupported

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array
    from calotype.dicom.pixels.render import Frame

SOP_CLASS, SOP_INSTANCE, MODALITY, VALUE_TYPE = 0x00080016, 0x00080018, 0x00080060, 0x0040A040
SHARED_GROUPS, PER_FRAME_GROUPS = 0x52009229, 0x52009230
DOCUMENT, DOCUMENT_MEDIA_TYPE, _DOCUMENT_LENGTH = 0x00420011, 0x00420012, 0x00420015

_OPTICAL_PATHS, _ICC_PROFILE = 0x00480105, 0x00282000
_EXTENDED_OFFSETS, _EXTENDED_LENGTHS = 0x7FE00001, 0x7FE00002
_FRAME_TIME, _FRAME_TIMES, _CINE_RATE, _DISPLAY_RATE = 0x00181063, 0x00181065, 0x00180040, 0x00082144
_DEFAULT_FRAME_MS: Final = 100.0
_MAX_FRAME_MS: Final = 10_000.0

_GROUPS: Final = frozenset({0x0028, 0x0070, 0x2050})
_TAGS: Final = frozenset(
    {
        0x00080005, SOP_CLASS, SOP_INSTANCE, MODALITY, 0x00080020, 0x00080021, 0x00080022, 0x00080030, 0x00081115,
        0x0008103E, _DISPLAY_RATE, 0x00089205, 0x00100010, 0x00100020, 0x00100030, 0x00100040, _CINE_RATE,
        0x00180050, 0x00180060, _FRAME_TIME, _FRAME_TIMES, 0x00181164, 0x00182010, 0x00200010, 0x00200011, 0x00200013,
        DOCUMENT_MEDIA_TYPE, _DOCUMENT_LENGTH, _OPTICAL_PATHS, SHARED_GROUPS, _EXTENDED_OFFSETS, _EXTENDED_LENGTHS,
        VALUE_TYPE, *range(0x00181600, 0x00181625),
    }
)  # fmt: skip
"""What is read beside whole groups: identity, text for a corner, spacing, time, shutters, frame groups, reports."""
_MAX_VALUE_BYTES: Final = 32 * 1024 * 1024
_LIMITS: Final = Limits(max_bytes=64 * 1024 * 1024, max_elements=1_000_000)
_ELEMENT_BYTES: Final = 300
"""What an element costs beside its value, roughly."""
"""Syntaxes that can be decoded at less than their size for less than their price."""

_UNDEFINED: Final = b"\xff\xff\xff\xff"
_ITEM: Final = b"\xfe\xff\x00\xe0"
_SEQUENCE_END: Final = b"\xfe\xff\xdd\xe0"


class Decode(Protocol):
    """Decodes one frame, at a size halved up to ``levels`` times where that is cheap; may do it elsewhere."""

    def __call__(self, data: bytes, description: PixelDescription, uid: UID, /, *, levels: int = 0) -> Array:
        """Return the stored values; raises what ``codecs.decode`` does."""
        ...


def decode_here(data: bytes, description: PixelDescription, uid: UID, /, *, levels: int = 0) -> Array:
    """Decode in this process."""
    if levels:
        return codecs.decode_reduced(data, description, uid, levels)
    return codecs.decode(data, description, uid)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What can be looked at. ``description`` and ``frames`` are ``None`` for an object without pixels.

    ``group_places``: where the frames' own functional groups are in the data set; what is in them instead
    (``group_items``) where their lengths are not told. ``document``: where an encapsulated document is.
    ``cost_bytes``: about what keeping this takes.
    """

    attributes: Attributes
    layout: UID
    codec: UID
    description: PixelDescription | None
    frames: FrameIndex | None
    group_places: Sequence[Place]
    group_items: Items
    document: Place | None
    cost_bytes: int

    @property
    def sop_class(self) -> UID:
        """The SOP Class UID that the data set claims."""
        return UID(self.attributes.text(SOP_CLASS))

    @property
    def number_of_frames(self) -> int:
        """How many frames there are, 0 for an object without pixels."""
        return self.frames.number_of_frames if self.frames is not None else 0

    @property
    def steps(self) -> int:
        """How many places had to be visited to find out where things are."""
        fragments = len(self.frames.offsets) if isinstance(self.frames, EncapsulatedFrames) else 0
        return fragments + len(self.group_places) + len(self.group_items)

    @property
    def icc_profile(self) -> bytes:
        """The colour profile that comes with it, empty without one."""
        of_path = self.attributes.first_item(_OPTICAL_PATHS).raw(_ICC_PROFILE)
        return self.attributes.raw(_ICC_PROFILE) or of_path

    def checked(self) -> tuple[PixelDescription, FrameIndex]:
        """Return description and frames. Unsupported when there are no pixels."""
        if self.description is None or self.frames is None:
            raise Unsupported("the object has no pixels to show")
        return self.description, self.frames

    def frame_attributes(self, number: int, read_at: ReadAt) -> FrameAttributes:
        """Return what is said of frame ``number`` (from 1)."""
        groups = self.attributes.items(SHARED_GROUPS)[:1]
        if 0 < number <= len(self.group_items):
            groups.insert(0, Attributes(self.group_items[number - 1]))
        elif 0 < number <= len(self.group_places):
            groups.insert(0, Attributes(_decoded(read_at(*self.group_places[number - 1]), self.layout)))
        return FrameAttributes(self.attributes, groups)

    def frame(self, number: int, read_at: ReadAt, *, levels: int = 0, decode: Decode = decode_here) -> Frame:
        """Decode a frame by ``decode``, at a size halved up to ``levels`` times where that is cheap.

        NotFound when there is no such frame, DamagedPixels and Unsupported when it cannot be decoded.
        """
        from calotype.dicom.pixels.render import Frame  # numpy, see the package

        description, index = self.checked()
        raw = read_frame(index, number, read_at)
        values = decode(raw, description, self.codec, levels=levels)
        reduced = 0
        while reduced < levels and values.shape[0] < _halved(description.rows, reduced):
            reduced += 1
        return Frame(
            values,
            codecs.decoded_description(description, self.codec),
            self.frame_attributes(number, read_at),
            number,
            None if isinstance(index, EncapsulatedFrames) else raw,
            reduced,
        )

    def read_document(self, read_at: ReadAt) -> bytes:
        """Return an encapsulated document without the byte that made its length even. Unsupported without one."""
        if self.document is None:
            raise Unsupported("the object has no document in it")
        document = read_at(*self.document)
        told = self.attributes.whole(_DOCUMENT_LENGTH)
        return document[:told] if told == len(document) - 1 else document

    def durations_ms(self) -> list[float]:
        """Return for how long each frame is to be shown (PS3.3 C.7.6.5)."""
        count, attributes = self.number_of_frames, self.attributes
        times = attributes.numbers(_FRAME_TIMES)
        if len(times) == count > 1:
            # The vector holds the time since the frame before; what follows the last one is not told.
            durations = [*times[1:], times[-1]]
        else:
            rate = attributes.number(_DISPLAY_RATE) or attributes.number(_CINE_RATE)
            each = attributes.number(_FRAME_TIME) or (1000 / rate if rate and rate > 0 else _DEFAULT_FRAME_MS)
            durations = [each] * count
        return [min(_MAX_FRAME_MS, each) if each > 0 else _DEFAULT_FRAME_MS for each in durations]


def _halved(side: int, levels: int) -> int:
    return (side + (1 << levels) - 1) >> levels


def read_subject(data: memoryview, stored: UID) -> tuple[Subject, ReadAt]:
    """Read an object's data set; return what can be looked at in it, and how its bytes are read while ``data`` lives.

    Raises InvalidRequest when the data set is truncated or no data set, DamagedPixels when its pixels make no sense.
    """
    anatomy = dissect(data, stored)
    read_at = anatomy.text.read_at
    elements = {
        element.tag: element
        for token in anatomy.tokens
        if (token[0] >> 16 in _GROUPS or token[0] in _TAGS or 0x6000 <= token[0] >> 16 <= 0x601E)
        and (element := _element(anatomy, token)) is not None
    }
    attributes = Attributes(elements.values())
    by_tag = {token[0]: token for token in anatomy.tokens}
    places, items = _groups(anatomy, by_tag[PER_FRAME_GROUPS]) if PER_FRAME_GROUPS in by_tag else ([], ())
    description, index, codec = None, None, stored
    if anatomy.pixels is not None:
        values = {tag: each.raw for tag, each in elements.items()}
        description = described(values, anatomy.pixels[0])
        index, codec = _frames(anatomy, data, stored, description, attributes)
    document = by_tag.get(DOCUMENT)
    cost = sum(_cost(each) for each in elements.values()) + 24 * (index.number_of_frames if index else 0)
    cost += 100 * len(places) + sum(_cost(each) for item in items for each in item)
    place = None if document is None else (document[3], document[4] - document[3])
    return Subject(attributes, anatomy.syntax, codec, description, index, places, items, place, cost), read_at


def _frames(
    anatomy: Anatomy, data: memoryview, stored: UID, description: PixelDescription, attributes: Attributes
) -> tuple[FrameIndex, UID]:
    """Return where the frames are, and the syntax that they really are in: some only claim to be compressed."""
    assert anatomy.pixels is not None  # noqa: S101 - the caller has seen them
    _, vr, _, start, end = anatomy.pixels
    if vr != FRAGMENTS:
        big_endian_vr = vr.split("/")[0] if anatomy.syntax == EXPLICIT_VR_BIG_ENDIAN else ""
        return native_index(start, end - start, description, big_endian_vr=big_endian_vr), anatomy.syntax
    source = source_of(data, deflated=transfer_syntax(stored).deflated)
    source.skip(start)
    offsets, lengths = (
        [int(each) for each in attributes.numbers(tag, "UV")] for tag in (_EXTENDED_OFFSETS, _EXTENDED_LENGTHS)
    )
    table = ExtendedOffsetTable(offsets, lengths) if offsets else NO_TABLE
    return frame_index(source, description, stored, table), stored


def _element(anatomy: Anatomy, token: Token) -> Element | None:
    tag, vr, start, value, end = token
    if end - value > _MAX_VALUE_BYTES:
        return None
    if vr in SEQUENCES:
        found = _decoded(anatomy.text.read_at(start, end - start), anatomy.syntax)
        return found[0] if found else None
    raw = anatomy.text.read_at(value, end - value)
    if anatomy.syntax == EXPLICIT_VR_BIG_ENDIAN:
        raw = swap(vr.split("/")[0], raw)
    return Element(tag, vr, raw)


def _groups(anatomy: Anatomy, token: Token) -> tuple[list[Place], Items]:
    """Return where each item of a sequence is; where their lengths are not told, what is in them instead."""
    _, _, start, pos, end = token
    places: list[Place] = []
    if anatomy.syntax != EXPLICIT_VR_BIG_ENDIAN:
        while pos + 8 <= end:
            head = anatomy.text.read_at(pos, 8)
            if head[:4] != _ITEM or head[4:] == _UNDEFINED:
                break
            length = int.from_bytes(head[4:], "little")
            places.append((pos + 8, length))
            pos += 8 + length
        else:
            return places, ()
        if head[:4] == _SEQUENCE_END:
            return places, ()
    found = _decoded(anatomy.text.read_at(start, end - start), anatomy.syntax)
    return [], found[0].items if found else ()


def _decoded(data: bytes, syntax: UID) -> tuple[Element, ...]:
    """Read elements, none where they are damaged."""
    try:
        return tuple(decode(data, syntax, _LIMITS))
    except InvalidRequest:
        return ()


def _cost(element: Element) -> int:
    inner = sum(_cost(each) for item in element.items for each in item)
    return _ELEMENT_BYTES + len(element.raw) + inner
