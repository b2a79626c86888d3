"""Attributes that a stream of pixels says of itself (PS3.18 10.5.2).

They are filled in where the metadata leave them out, and held against them where they do not. What contradicts is
refused: nothing is corrected behind a sender's back.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from calotype.dicom import dictionary
from calotype.dicom.assembly.json_reader import decimal_string
from calotype.dicom.assembly.nodes import Node
from calotype.dicom.pixels.description import (
    BITS_ALLOCATED,
    BITS_STORED,
    COLUMNS,
    HIGH_BIT,
    LOSSY_IMAGE_COMPRESSION,
    NUMBER_OF_FRAMES,
    PHOTOMETRIC_INTERPRETATION,
    PIXEL_REPRESENTATION,
    PLANAR_CONFIGURATION,
    ROWS,
    SAMPLES_PER_PIXEL,
    PixelDescription,
    described,
)
from calotype.errors import InvalidRequest

Nodes: TypeAlias = dict[int, Node]

LOSSY_RATIO: Final = 0x00282112
LOSSY_METHOD: Final = 0x00282114

_ALLOCATIONS: Final = (8, 16, 32)
_GREYS: Final = ("MONOCHROME2", "MONOCHROME1", "PALETTE COLOR")


@dataclass(frozen=True, slots=True)
class Stated:
    """What a stream says of its pixels. The first of ``colours`` is filled in, the others are as good."""

    rows: int
    columns: int
    samples: int
    bits: int
    is_signed: bool = False
    colours: tuple[str, ...] = _GREYS


def fill(nodes: Nodes, stated: Stated, frames: int) -> PixelDescription:
    """Complete the Image Pixel Description Macro, and return what it says. InvalidRequest where it contradicts."""
    allocated = next((bits for bits in _ALLOCATIONS if stated.bits <= bits), 64)
    for tag, number in (
        (ROWS, stated.rows),
        (COLUMNS, stated.columns),
        (SAMPLES_PER_PIXEL, stated.samples),
        (BITS_ALLOCATED, allocated),
        (BITS_STORED, stated.bits),
        (PIXEL_REPRESENTATION, int(stated.is_signed)),
        *([(PLANAR_CONFIGURATION, 0)] if stated.samples > 1 else []),
    ):
        default(nodes, tag, struct.pack("<H", number))
    default(nodes, HIGH_BIT, struct.pack("<H", int.from_bytes(nodes[BITS_STORED].raw, "little") - 1 & 0xFFFF))
    if frames > 1:
        default(nodes, NUMBER_OF_FRAMES, str(frames).encode("ascii"))
    default(nodes, PHOTOMETRIC_INTERPRETATION, stated.colours[0].encode("ascii"))
    description = describe(nodes)
    for tag, said, found in (
        (ROWS, description.rows, stated.rows),
        (COLUMNS, description.columns, stated.columns),
        (SAMPLES_PER_PIXEL, description.samples_per_pixel, stated.samples),
        (NUMBER_OF_FRAMES, description.number_of_frames, frames),
    ):
        if said != found:
            raise InvalidRequest(f"{dictionary.keyword_of(tag)} is {said}, and {found} in the stream")
    if description.photometric_interpretation not in stated.colours:
        raise InvalidRequest(
            f"PhotometricInterpretation {description.photometric_interpretation[:16]}: the stream is "
            f"{' or '.join(stated.colours)}"
        )
    return description


def describe(nodes: Mapping[int, Node]) -> PixelDescription:
    """Return what the metadata say of the pixels. InvalidRequest, Unsupported when that makes no sense."""
    return described({tag: node.raw for tag, node in nodes.items() if isinstance(node.value, bytes)})


def default(nodes: Nodes, tag: int, raw: bytes) -> None:
    """Give an element a value unless it has one."""
    node = nodes.get(tag)
    if node is None or node.value == b"":
        nodes[tag] = Node(tag, dictionary.vr_of(tag).split("/")[0], raw)


def mark_lossy(nodes: Nodes, method: str, description: PixelDescription, compressed_bytes: int) -> None:
    """Say that the pixels were compressed with loss (PS3.3 C.7.6.1.1.5). InvalidRequest when the metadata deny it."""
    default(nodes, LOSSY_IMAGE_COMPRESSION, b"01")
    if nodes[LOSSY_IMAGE_COMPRESSION].raw.strip(b" \0") != b"01":
        raise InvalidRequest("LossyImageCompression is 00, and the stream is compressed with loss")
    if LOSSY_METHOD not in nodes and LOSSY_RATIO not in nodes:
        ratio = description.frame_bytes * description.number_of_frames / max(1, compressed_bytes)
        default(nodes, LOSSY_RATIO, decimal_string(round(ratio, 2)).encode("ascii"))
        default(nodes, LOSSY_METHOD, method.encode("ascii"))
