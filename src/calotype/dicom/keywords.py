"""A data set as keywords: ``{"PatientID": "4711", "RequestedProcedureCodeSequence": [{"CodeValue": "P1"}]}``.

The form in which worklist items are kept, matched (``query.matching``) and shown. Values are text without padding,
several joined by a backslash, numbers in decimal; a sequence is a list of the same. What has no keyword (private
elements) and what is no text or whole number (pixels, curves, floats in bulk) has no place in it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from calotype.dicom import dictionary, text
from calotype.dicom.datasets import Element
from calotype.dicom.text import DEFAULT_CHARSETS

Attributes: TypeAlias = "Mapping[str, str | Sequence[Attributes]]"

SPECIFIC_CHARACTER_SET: Final = 0x00080005

NUMBERS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
"""Binary VRs that are written as decimal text, and how each is packed."""

TEXTS: Final = frozenset(
    "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split()  # noqa: SIM905 - reads as PS3.5 does
)
"""VRs whose values are text."""


def charsets_of(elements: Iterable[Element], around: Sequence[str] = DEFAULT_CHARSETS) -> Sequence[str]:
    """Return the character sets that a data set or item declares; else those of what stands ``around`` it."""
    declared = next((each.raw for each in elements if each.tag == SPECIFIC_CHARACTER_SET), b"")
    return text.charsets_of(declared)[0] if declared else around


def from_elements(
    elements: Sequence[Element], charsets: Sequence[str] = DEFAULT_CHARSETS
) -> dict[str, str | Sequence[Attributes]]:
    """Read elements; those without a value are left out, an empty sequence too. Never raises.

    Character sets are what the elements declare, else ``charsets``, for each item anew (PS3.3 C.12.1.1.2).
    """
    charsets = charsets_of(elements, charsets)
    found: dict[str, str | Sequence[Attributes]] = {}
    for element in elements:
        keyword = dictionary.keyword_of(element.tag)
        if not keyword or element.tag == SPECIFIC_CHARACTER_SET:
            continue
        if element.vr == "SQ":
            items = [item for each in element.items if (item := from_elements(each, charsets))]
            if items:
                found[keyword] = items
        elif value := text_of(element, charsets):
            found[keyword] = value
    return found


def text_of(element: Element, charsets: Sequence[str]) -> str:
    """Return an element's value as text, empty for a sequence and for bytes that are none."""
    vr = vr_of(element)
    if code := NUMBERS.get(vr):
        size = struct.calcsize("<" + code)
        whole = element.raw[: len(element.raw) // size * size]
        return "\\".join(
            f"{number:.9g}" if code == "f" else str(number) for (number,) in struct.iter_unpack("<" + code, whole)
        )
    if vr not in TEXTS:
        return ""
    return text.decode(element.raw, charsets, vr).strip(" \0")


def vr_of(element: Element) -> str:
    """Return what an element is: its VR, or the dictionary's where it came as UN (PS3.5 6.2.2 Note 3)."""
    return dictionary.vr_of(element.tag) if element.vr == "UN" else element.vr


Encode: TypeAlias = Callable[[str, str], bytes]
"""(value, VR) -> bytes, in whichever character set was chosen."""


def element_of(tag: int, vr: str, value: str | Sequence[Attributes], encode: Encode) -> Element:
    """Return one element; a number that its VR cannot hold, and a value of the wrong kind, become an empty one."""
    if vr == "SQ":
        items = () if isinstance(value, str) else tuple(tuple(to_elements(item, encode)) for item in value)
        return Element(tag, vr, items)
    if not isinstance(value, str):
        return Element(tag, vr, b"")
    return Element(tag, vr, _raw_of(value, vr, encode))


def to_elements(attributes: Attributes, encode: Encode) -> Iterator[Element]:
    """Return all attributes as elements, in the order of their tags; unknown keywords are left out."""
    tagged = ((dictionary.tag_of(keyword), value) for keyword, value in attributes.items())
    for tag, value in sorted(((tag, value) for tag, value in tagged if tag is not None), key=lambda each: each[0]):
        yield element_of(tag, dictionary.vr_of(tag).split("/")[0], value, encode)


def texts_in(vr: str, value: str | Sequence[Attributes]) -> Iterator[tuple[str, str]]:
    """Return every text in a value, however deep, with its VR: what a character set has to carry."""
    if isinstance(value, str):
        yield vr, value
        return
    for item in value:
        for keyword, inner in item.items():
            tag = dictionary.tag_of(keyword)
            yield from texts_in("UN" if tag is None else dictionary.vr_of(tag), inner)


def _raw_of(value: str, vr: str, encode: Encode) -> bytes:
    code = NUMBERS.get(vr)
    if code is None:
        return encode(value, vr)
    number = float if code in "fd" else int
    try:
        return b"".join(struct.pack("<" + code, number(part)) for part in value.split("\\") if part.strip())
    except (ValueError, OverflowError, struct.error):
        return b""
