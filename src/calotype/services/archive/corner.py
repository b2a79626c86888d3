"""The lines that WADO's ``annotation`` parameter writes into a corner of a picture (PS3.18 8.3.5.1.1)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from calotype.dicom import text
from calotype.dicom.pixels.attributes import Attributes

_CHARSET: Final = 0x00080005
_PATIENT: Final = ((("PN", 0x00100010),), (("LO", 0x00100020), ("DA", 0x00100030), ("CS", 0x00100040)))
_TECHNIQUE: Final = (
    (("CS", 0x00080060), ("DA", 0x00080020), ("TM", 0x00080030)),
    (("LO", 0x0008103E),),
    (("IS", 0x00200011), ("IS", 0x00200013)),
)
_LINES: Final = {"patient": _PATIENT, "technique": _TECHNIQUE}
"""Line by line, the elements whose values stand in it."""
_MAX_CHARS: Final = 64


def corner_lines(attributes: Attributes, wanted: Collection[str]) -> tuple[str, ...]:
    """Return the lines for ``patient``, ``technique`` or both, those without a value left out."""
    charsets = text.charsets_of(attributes.raw(_CHARSET))[0]
    lines = []
    for kind, rows in _LINES.items():
        if kind in wanted:
            for row in rows:
                values = [_value(attributes, vr, tag, charsets) for vr, tag in row]
                lines.append("  ".join(value for value in values if value))
    return tuple(line for line in lines if line)


def _value(attributes: Attributes, vr: str, tag: int, charsets: tuple[str, ...]) -> str:
    value = text.decode(attributes.raw(tag), charsets, vr).strip(" \0")[:_MAX_CHARS]
    if vr == "PN":
        # Of several groups (alphabetic, ideographic, phonetic) the first that is there.
        first = next((group for group in value.split("=") if group.strip("^ ")), "")
        return " ".join(part for part in first.split("^") if part)
    if vr == "DA" and len(value) == 8:
        return f"{value[:4]}-{value[4:6]}-{value[6:]}"
    if vr == "TM" and len(value) >= 4:
        return f"{value[:2]}:{value[2:4]}"
    return value
