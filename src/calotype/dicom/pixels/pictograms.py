"""What is shown for an object without pixels: a sheet of paper with the name of its kind."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import SOP_CLASSES

Array: TypeAlias = NDArray[Any]

_BACKGROUND, _PAPER, _FOLD, _INK, _LINES = 24, 232, 176, 40, 196
_OVERSAMPLING: Final = 2
_KINDS: Final = (
    ("EncapsulatedPDF", "PDF"), ("EncapsulatedCDA", "CDA"), ("EncapsulatedSTL", "3D"), ("EncapsulatedOBJ", "3D"),
    ("EncapsulatedMTL", "3D"), ("KeyObjectSelection", "KEY"), ("SoftcopyPresentation", "PR"),
    ("StructuredReport", "SR"), ("TextSR", "SR"), ("3DSR", "SR"), ("SR", "SR"), ("Waveform", "ECG"),
    ("RTStructureSet", "RT\nSTRUCT"), ("RTPlan", "RT\nPLAN"), ("RTIonPlan", "RT\nPLAN"), ("RT", "RT"),
    ("SpatialRegistration", "REG"), ("DeformableSpatial", "REG"), ("SpatialFiducials", "FID"),
    ("Surface", "SURF"), ("Tractography", "TRACT"), ("RawData", "RAW"), ("HangingProtocol", "HP"),
    ("ColorPalette", "LUT"), ("RealWorldValue", "RWV"), ("Video", "VIDEO"), ("Plan", "PLAN"), ("Report", "SR"),
)  # fmt: skip
"""A part of a SOP class's keyword, and what is written on its sheet; the first that fits."""


def label_of(sop_class: UID, modality: str = "") -> str:
    """Return a few letters for a kind of object: by its SOP class, else by its modality."""
    known = SOP_CLASSES.get(sop_class)
    keyword = known.keyword if known is not None else ""
    for part, label in _KINDS:
        if part in keyword:
            return label
    short = "".join(char for char in modality[:8] if char.isalnum() and char.isascii())
    return short or "?"


def pictogram(label: str, width: int, height: int) -> Array:
    """Return a grey picture of ``width`` by ``height`` with a sheet of paper that says ``label``."""
    side = max(16, min(width, height) * _OVERSAMPLING)
    image = Image.new("L", (side, side), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = side * 0.2, side * 0.1, side * 0.8, side * 0.9
    fold = side * 0.16
    outline = [(left, top), (right - fold, top), (right, top + fold), (right, bottom), (left, bottom)]
    draw.polygon(outline, fill=_PAPER)
    draw.polygon([(right - fold, top), (right - fold, top + fold), (right, top + fold)], fill=_FOLD)
    for row in (0.66, 0.72, 0.78, 0.84):
        draw.line([(left + side * 0.08, side * row), (right - side * 0.08, side * row)], _LINES, max(1, side // 80))
    longest = max(map(len, label.split("\n")))
    font = ImageFont.load_default(max(6, side * 0.5 / max(2.2, longest * 0.72)))
    draw.multiline_text(
        (side * 0.5, side * 0.44), label, fill=_INK, font=font, anchor="mm", align="center", stroke_width=side // 128
    )
    sheet = np.asarray(image.resize((min(width, height),) * 2, Image.Resampling.BOX))
    picture = np.full((height, width), _BACKGROUND, np.uint8)
    top_px, left_px = (height - sheet.shape[0]) // 2, (width - sheet.shape[1]) // 2
    picture[top_px : top_px + sheet.shape[0], left_px : left_px + sheet.shape[1]] = sheet
    return picture
