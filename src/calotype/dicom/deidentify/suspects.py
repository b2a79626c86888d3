"""Which objects may show or tell an identity where no table of attributes reaches: in pixels, documents, reports.

A suspect is refused unless something is done about it: regions declared for its kind are masked, documents and
reports are emptied where that is wished. Nothing here decodes or changes anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.embedded import OVERLAY_GROUPS
from calotype.dicom.uids import SOP_CLASSES
from calotype.errors import InvalidRequest

IMAGE_TYPE, MODALITY, CONVERSION_TYPE, MANUFACTURER = 0x00080008, 0x00080060, 0x00080064, 0x00080070
MODEL, BURNED_IN, VISUAL_FEATURES = 0x00081090, 0x00280301, 0x00280302
ROWS, COLUMNS, DOCUMENT_TYPE = 0x00280010, 0x00280011, 0x00420012
GRAPHICS, CONTENT = 0x00700001, 0x0040A730


class Suspicion(Enum):
    """Where an identity may stand."""

    PIXELS = auto()
    DOCUMENT = auto()
    REPORT = auto()
    GRAPHICS = auto()
    SOUND = auto()
    """Speech, and shapes that can be recognised: nothing can be masked in them."""


_SHOWING: Final = (
    "SecondaryCapture", "Ultrasound", "VL", "Video", "Ophthalmic", "Hardcopy", "IntravascularOpticalCoherence",
    "DermoscopicPhotography", "StandaloneOverlay", "StandaloneCurve",
)  # fmt: skip
"""Beginnings and parts of the keywords of SOP classes whose pictures often bear text."""
_SHOWING_MODALITIES: Final = frozenset(
    {"SC", "US", "IVUS", "XC", "ES", "GM", "SM", "OT", "DOC", "HC", "OP", "FS", "BDUS"}
)
_SCREENS: Final = frozenset({"SCREEN", "SCREENSAVE", "SCREENSHOT", "DOSE", "CAPTURE", "REPORT", "PROT", "PROTOCOL"})
"""Words of Image Type that tell of a picture of a screen."""
_WORD: Final = re.compile("[A-Z]+")
KEY_OBJECTS: Final = "1.2.840.10008.5.1.4.1.1.88.59"
_DOCUMENTS: Final = "1.2.840.10008.5.1.4.1.1.104."
_SOUNDS: Final = ("VoiceAudio", "GeneralAudio")
_SHAPES: Final = ("SurfaceScan", "EncapsulatedSTL", "EncapsulatedOBJ", "EncapsulatedMTL")


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A part of a frame, in pixels from the upper left corner."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    @classmethod
    def parsed(cls, written: str) -> Rectangle:
        """Read ``left,top,width,height``. InvalidRequest when it is no rectangle."""
        try:
            left, top, width, height = (int(part) for part in written.split(","))
        except ValueError:
            raise InvalidRequest(f"{written[:64]!r} is no rectangle: write left,top,width,height in pixels") from None
        if min(left, top) < 0 or min(width, height) < 1:
            raise InvalidRequest(f"{written[:64]!r} is no rectangle inside of a picture")
        return cls(left, top, width, height)


@dataclass(frozen=True, slots=True)
class Regions:
    """What is known of the pictures of one kind of device: where text is burned in; nowhere, if there are no areas.

    What is empty or 0 matches any; text is compared without case.
    """

    areas: tuple[Rectangle, ...]
    sop_class: str = ""
    modality: str = ""
    manufacturer: str = ""
    model: str = ""
    rows: int = 0
    columns: int = 0

    def matches(self, facts: Facts) -> bool:
        """Tell whether an object is of this kind."""
        texts = (
            (self.sop_class, facts.sop_class),
            (self.modality, facts.text(MODALITY)),
            (self.manufacturer, facts.text(MANUFACTURER)),
            (self.model, facts.text(MODEL)),
        )
        sizes = ((self.rows, facts.number(ROWS)), (self.columns, facts.number(COLUMNS)))
        return all(not wanted or wanted.casefold() == found.casefold() for wanted, found in texts) and all(
            not wanted or wanted == found for wanted, found in sizes
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision is made on: the SOP class, which elements there are, and the values of some, little endian."""

    sop_class: UID
    tags: frozenset[int]
    values: Mapping[int, bytes]
    has_pixels: bool

    def text(self, tag: int) -> str:
        """Return a value as text, empty when it is not there."""
        return self.values.get(tag, b"").decode("latin-1").strip(" \0")

    def number(self, tag: int) -> int:
        """Return a US value, 0 when it is not there."""
        return int.from_bytes(self.values.get(tag, b"")[:2], "little")


def regions_for(facts: Facts, declared: Sequence[Regions]) -> Regions | None:
    """Return what is declared of an object's kind, the first that matches."""
    return next((each for each in declared if each.matches(facts)), None)


def suspicions(facts: Facts) -> frozenset[Suspicion]:
    """Return where an identity may stand in an object that the table of attributes does not reach."""
    keyword = SOP_CLASSES[facts.sop_class].keyword if facts.sop_class in SOP_CLASSES else ""
    found = set()
    if facts.has_pixels and _shows(facts, keyword):
        found.add(Suspicion.PIXELS)
    if any(part in keyword for part in (*_SOUNDS, *_SHAPES)):
        found.add(Suspicion.SOUND)
    if facts.sop_class.startswith(_DOCUMENTS) or DOCUMENT_TYPE in facts.tags:
        found.add(Suspicion.DOCUMENT)
    if CONTENT in facts.tags and facts.sop_class != KEY_OBJECTS:
        found.add(Suspicion.REPORT)
    if GRAPHICS in facts.tags:
        found.add(Suspicion.GRAPHICS)
    return frozenset(found)


def has_embedded_overlay(facts: Facts) -> bool:
    """Tell whether an overlay stands in unused bits of the pixels, where its attributes' removal does not reach."""
    for group in OVERLAY_GROUPS:
        base = group << 16
        position = int.from_bytes(facts.values.get(base | 0x0102, b"")[:2], "little")
        if position and base | 0x3000 not in facts.tags:
            return True
    return False


def _shows(facts: Facts, keyword: str) -> bool:
    declared = facts.text(BURNED_IN).upper()
    if declared in {"YES", "NO"}:
        return declared == "YES"
    if any(part in keyword for part in _SHOWING) or facts.text(MODALITY).upper() in _SHOWING_MODALITIES:
        return True
    if not keyword or CONVERSION_TYPE in facts.tags:
        # Nobody knows what a private class holds; a conversion type tells of film, paper or screen.
        return True
    return not _SCREENS.isdisjoint(_WORD.findall(facts.text(IMAGE_TYPE).upper()))
