"""Icon images inside a data set whose own pixels change their syntax (PS3.3 F.7, PS3.5 A.4).

An icon that is uncompressed stays as it is, whatever stands around it. One in fragments is in the data set's
transfer syntax, so it cannot stay when that goes: it is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from calotype.dicom.datasets import Element, encode
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import codecs
from calotype.dicom.pixels.anatomy import Anatomy
from calotype.dicom.pixels.description import (
    BITS_ALLOCATED,
    BITS_STORED,
    HIGH_BIT,
    PHOTOMETRIC_INTERPRETATION,
    PIXEL_DATA,
    PLANAR_CONFIGURATION,
    PixelDescription,
    described,
)
from calotype.dicom.pixels.frames import frame_index, read_frame
from calotype.dicom.sources import CHUNK_BYTES, source_of
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.dicom.walk import FRAGMENTS, Token, Walk
from calotype.errors import Unsupported

ICON_IMAGE_SEQUENCE: Final = 0x00880200
_MAX_ICON_BYTES: Final = 16 * 1024 * 1024
_IN_FRAGMENTS: Final = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"


def decoded_icons(anatomy: Anatomy, stored: UID) -> dict[int, bytes]:
    """Return the Icon Image Sequence with icons in fragments decoded, by its tag; nothing when there are none.

    Raises Unsupported when pixels in fragments stand in any other sequence, as they could not be read any more.
    """
    found: dict[int, bytes] = {}
    for token in anatomy.tokens:
        tag, vr, start, value_start, end = token
        if vr != "SQ" or not _holds_fragments(anatomy, value_start, end):
            continue
        if tag != ICON_IMAGE_SEQUENCE or end - start > _MAX_ICON_BYTES:
            raise Unsupported("pixels in fragments stand in a sequence that is not its icon")
        found[tag] = _decoded(anatomy.text.read_at(start, end - start), stored)
    return found


def _holds_fragments(anatomy: Anatomy, start: int, end: int) -> bool:
    behind = b""
    for at in range(start, end, CHUNK_BYTES):
        chunk = behind + anatomy.text.read_at(at, min(CHUNK_BYTES, end - at))
        if _IN_FRAGMENTS in chunk:
            return True
        behind = chunk[-len(_IN_FRAGMENTS) :]
    return False


def _decoded(sequence: bytes, stored: UID) -> bytes:
    """Return the sequence, explicit VR little endian, with native pixels in each item."""
    walk = Walk(sequence, len(sequence), explicit=True, little=True)
    (token,) = walk.top()
    items = b"".join(_item(sequence, tokens, stored) for tokens in walk.items(token))
    return struct.pack("<HH2sHL", 0x0088, 0x0200, b"SQ", 0, len(items)) + items


def _item(data: bytes, tokens: list[Token], stored: UID) -> bytes:
    pixels = next((each for each in tokens if each[0] == PIXEL_DATA and each[1] == FRAGMENTS), None)
    edits = {} if pixels is None else {each.tag: each for each in _native(data, tokens, pixels, stored)}
    pieces = {tag: data[start:end] for tag, _, start, _, end in tokens}
    pieces |= {tag: encode([each], EXPLICIT_VR_LITTLE_ENDIAN) for tag, each in edits.items()}
    content = b"".join(piece for _, piece in sorted(pieces.items()))
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content


def _native(data: bytes, tokens: list[Token], pixels: Token, stored: UID) -> list[Element]:
    values = {tag: data[start:end] for tag, _, _, start, end in tokens if tag >> 16 == 0x0028}
    description = described(values)
    source = source_of(memoryview(data), deflated=False)
    source.skip(pixels[3])
    index = frame_index(source, description, stored)
    frame = read_frame(index, 1, lambda offset, size_bytes: data[offset : offset + size_bytes])
    new = codecs.decoded_description(description, stored)
    value = codecs.encode(codecs.decode(frame, description, stored), new, EXPLICIT_VR_LITTLE_ENDIAN).data
    vr = "OB" if new.bits_allocated <= 8 else "OW"
    return [*changes(description, new, values.keys()), Element(PIXEL_DATA, vr, value + bytes(len(value) % 2))]


def changes(old: PixelDescription, new: PixelDescription, present: Iterable[int]) -> list[Element]:
    """Return the elements of (0028,xxxx) that make the description ``new`` of ``old``; ``present`` tags are there."""
    there = frozenset(present)
    found = [
        Element(tag, "US", after.to_bytes(2, "little"))
        for tag, before, after in (
            (BITS_ALLOCATED, old.bits_allocated, new.bits_allocated),
            (BITS_STORED, old.bits_stored, new.bits_stored),
            (HIGH_BIT, old.high_bit, new.high_bit),
        )
        if before != after
    ]
    if old.photometric_interpretation != new.photometric_interpretation:
        text = new.photometric_interpretation.encode("ascii")
        found.append(Element(PHOTOMETRIC_INTERPRETATION, "CS", text + b" " * (len(text) % 2)))
    if new.samples_per_pixel > 1 and (
        old.planar_configuration != new.planar_configuration or PLANAR_CONFIGURATION not in there
    ):
        found.append(Element(PLANAR_CONFIGURATION, "US", new.planar_configuration.to_bytes(2, "little")))
    return found
