"""One object from its metadata and the bulk data that they refer to (PS3.18 10.5.1.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

from calotype.dicom import dictionary
from calotype.dicom.assembly import documents, images, pictures, video
from calotype.dicom.assembly.documents import ENCAPSULATED_DOCUMENT, SOP_CLASS_UID
from calotype.dicom.assembly.filling import Nodes, describe
from calotype.dicom.assembly.json_reader import (
    TRANSFER_SYNTAX_UID,
    JsonDataSet,
    declare_utf_8,
    is_text,
    nodes_of,
    text,
)
from calotype.dicom.assembly.media import OCTETS, PLAIN_TEXT, BulkPart, Kind, is_encapsulated, media_of
from calotype.dicom.assembly.nodes import Buffer, Items, Node, Reference, Written, written
from calotype.dicom.assembly.nodes import Sequence as SequenceOfItems
from calotype.dicom.datasets import WORD_BYTES
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.description import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, PIXEL_DATA, described
from calotype.dicom.pixels.pixel_data import (
    EXTENDED_OFFSET_TABLE,
    EXTENDED_OFFSET_TABLE_LENGTHS,
    EncapsulatedPixelData,
    FrameStream,
    Offsets,
)
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import InvalidRequest

Find = Callable[[str], Sequence[BulkPart]]
"""Returns the parts that a ``BulkDataURI`` names, in their order: several are frames. InvalidRequest for none."""

SOP_INSTANCE_UID: Final = 0x00080018
_PIXELS: Final = frozenset({PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA})
_MAX_TEXT_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Assembled:
    """A built object. Its UIDs are what the metadata say, possibly nothing; ``pieces`` are made as they are taken."""

    sop_class: UID
    sop_instance: UID
    transfer_syntax: UID
    pieces: Iterator[Buffer]


def uid_in(data_set: JsonDataSet, tag: int) -> UID:
    """Return a UID that metadata say, empty when they do not: names an instance even where building it fails."""
    attribute = data_set.get(f"{tag:08X}")
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    first = values[0] if isinstance(values, list) and values else ""
    return UID(first) if isinstance(first, str) else UID("")


def assemble(data_set: JsonDataSet, find: Find) -> Assembled:
    """Return the object that metadata describe, in explicit VR little endian or the syntax of its compressed frames.

    Raises InvalidRequest: the metadata make no sense, refer to what is not there, or contradict a stream; Unsupported
    for a stream that no transfer syntax holds.
    """
    nodes = nodes_of(data_set)
    nodes.pop(TRANSFER_SYNTAX_UID, None)
    syntax = EXPLICIT_VR_LITTLE_ENDIAN
    for tag, node in [*nodes.items()]:
        if tag == PIXEL_DATA and isinstance(node.value, Reference):
            syntax = _pixels(nodes, find(node.value.uri))
        elif tag == ENCAPSULATED_DOCUMENT:
            documents.encapsulate(nodes, _document(node, find))
        else:
            nodes[tag] = _resolved(node, find)
    declare_utf_8(nodes)
    _check_native(nodes)
    return Assembled(_uid(nodes, SOP_CLASS_UID), _uid(nodes, SOP_INSTANCE_UID), syntax, written(nodes.values()))


def _uid(nodes: Nodes, tag: int) -> UID:
    return UID(nodes[tag].raw.decode("latin-1").strip(" \0")) if tag in nodes else UID("")


def _resolved(node: Node, find: Find) -> Node:
    """Return an element with its bulk data in place, and with that of its items."""
    if isinstance(node.value, SequenceOfItems):
        items: Items = tuple(tuple(_resolved(each, find) for each in item) for item in node.value.items)
        return Node(node.tag, node.vr, SequenceOfItems(items))
    if not isinstance(node.value, Reference):
        return node
    parts = find(node.value.uri)
    _check_octets(node, parts)
    contents = tuple(part.content for part in parts)
    size_bytes = sum(map(len, contents))
    where = dictionary.describe(node.tag)
    if size_bytes % WORD_BYTES.get(node.vr, 1):
        raise InvalidRequest(f"{where} has {size_bytes} bytes of bulk data, not whole values of VR {node.vr}")
    if is_text(node.vr):
        if size_bytes > _MAX_TEXT_BYTES:
            raise InvalidRequest(f"{where} has {size_bytes} bytes of text")
        return Node(node.tag, node.vr, text(b"".join(contents).rstrip(b" \0"), node.vr, where))
    return Node(node.tag, node.vr, contents)


def _check_octets(node: Node, parts: Sequence[BulkPart]) -> None:
    for part in parts:
        if part.media_type != OCTETS and not (part.media_type == PLAIN_TEXT and is_text(node.vr)):
            raise InvalidRequest(
                f"{dictionary.describe(node.tag)}: is sent as {OCTETS}, not as {part.media_type[:64]}"
            )


def _document(node: Node, find: Find) -> BulkPart:
    if not isinstance(node.value, Reference):
        return BulkPart("", UID(""), memoryview(node.raw))
    parts = find(node.value.uri)
    if len(parts) > 1:
        raise InvalidRequest("an encapsulated document comes in one part")
    return parts[0]


def _pixels(nodes: Nodes, parts: Sequence[BulkPart]) -> UID:
    """Put pixels in their place; return the transfer syntax that they make of the object."""
    kinds = {media_of(part).kind for part in parts}
    if len(kinds) > 1:
        raise InvalidRequest("the frames of one object are of one kind")
    kind = kinds.pop()
    if kind is Kind.OCTETS and any(is_encapsulated(part.transfer_syntax) for part in parts):
        kind = Kind.CODESTREAM
    match kind:
        case Kind.OCTETS:
            node = nodes[PIXEL_DATA]
            nodes[PIXEL_DATA] = Node(PIXEL_DATA, node.vr, tuple(part.content for part in parts))
        case Kind.PICTURE:
            if len(parts) > 1:
                raise InvalidRequest("a PNG or GIF comes in one part")
            pixels = pictures.native(nodes, parts[0])
            bits = describe(nodes).bits_allocated
            nodes[PIXEL_DATA] = Node(PIXEL_DATA, "OB" if bits <= 8 else "OW", pixels)
        case Kind.CODESTREAM:
            syntax, frames = images.encapsulated(nodes, parts)
            _encapsulate(nodes, frames, Offsets.BASIC)
            return syntax
        case Kind.VIDEO:
            if len(parts) > 1:
                raise InvalidRequest("a video comes in one part")
            syntax, frames = video.encapsulated(nodes, parts[0])
            _encapsulate(nodes, frames, Offsets.NONE)
            return syntax
        case Kind.DOCUMENT:
            raise InvalidRequest("a document is sent as Encapsulated Document (0042,0011), not as Pixel Data")
    return EXPLICIT_VR_LITTLE_ENDIAN


def _encapsulate(nodes: Nodes, frames: Sequence[memoryview], offsets: Offsets) -> None:
    # Offsets of where the frames lay before mean nothing here.
    for tag in (EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS):
        nodes.pop(tag, None)
    stream = FrameStream(lambda start: iter(cast("Sequence[bytes]", frames[start:])), len(frames))
    nodes[PIXEL_DATA] = Node(PIXEL_DATA, "OB", Written(EncapsulatedPixelData(stream, offsets).written()))


def _check_native(nodes: Nodes) -> None:
    """Hold the size of uncompressed pixels against their description. InvalidRequest when they do not fit."""
    tag = next((tag for tag in _PIXELS if tag in nodes), None)
    if tag is None or isinstance(nodes[tag].value, Written):
        return
    value = nodes[tag].value
    contents = value if isinstance(value, tuple) else (cast("Buffer", value),)
    size_bytes = sum(map(len, contents))
    description = described({each: node.raw for each, node in nodes.items() if isinstance(node.value, bytes)}, tag)
    needed = (description.number_of_frames * description.frame_bits + 7) // 8
    if size_bytes not in {needed, needed + needed % 2}:
        raise InvalidRequest(
            f"{dictionary.keyword_of(tag)} has {size_bytes} bytes; {description.number_of_frames} frames of "
            f"{description.rows} rows and {description.columns} columns take {needed}"
        )
