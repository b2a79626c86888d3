"""The data dictionary of PS3.6: tag to VR and keyword, keyword to tag.

The table stands in ``tables/dictionary.tsv`` (made by ``tools/generate_dictionary.py``). Private attributes are in no
dictionary; what the Standard says of every private block and every group length is said here.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from typing import Final, NamedTuple


class Entry(NamedTuple):
    """What the Standard says of one attribute; ``vr`` may be ambiguous: ``US/SS``, ``OB/OW``, ``US/SS/OW``."""

    vr: str
    vm: str
    keyword: str


def _read() -> tuple[dict[int, Entry], dict[str, Entry]]:
    """Return the attributes with one tag, and those that repeat over tags, by pattern (``x``: any digit)."""
    text = resources.files("calotype.dicom").joinpath("tables/dictionary.tsv").read_text(encoding="utf-8")
    exact: dict[int, Entry] = {}
    repeating: dict[str, Entry] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        tag, vr, vm, keyword = line.split("\t")
        if "x" in tag:
            repeating[tag] = Entry(vr, vm, keyword)
        else:
            exact[int(tag, 16)] = Entry(vr, vm, keyword)
    return exact, repeating


_EXACT, _REPEATING = _read()
_MASKS: Final = tuple(
    (
        int("".join("0" if digit == "x" else "F" for digit in pattern), 16),
        int(pattern.replace("x", "0"), 16),
        entry,
    )
    for pattern, entry in _REPEATING.items()
)
_BY_KEYWORD: Final = {entry.keyword: tag for tag, entry in _EXACT.items()} | {
    entry.keyword: value for _, value, entry in _MASKS
}
_GROUP_LENGTH: Final = Entry("UL", "1", "")
_PRIVATE_CREATOR: Final = Entry("LO", "1", "")


def is_private(tag: int) -> bool:
    """Tell whether ``tag`` stands in an odd group, which the Standard leaves to manufacturers (PS3.5 7.8)."""
    return bool(tag & 0x10000)


def lookup(tag: int) -> Entry | None:
    """Return what the Standard says of ``tag``, or ``None``: private, or newer than our dictionary."""
    entry = _EXACT.get(tag)
    if entry is not None:
        return entry
    element = tag & 0xFFFF
    if element == 0:
        return _GROUP_LENGTH
    if tag & 0x10000:
        # PS3.5 7.8.1: (gggg,0010-00FF) reserve blocks of private elements, VR LO.
        return _PRIVATE_CREATOR if 0x10 <= element <= 0xFF else None
    for mask, value, repeating in _MASKS:
        if tag & mask == value:
            return repeating
    return None


def vr_of(tag: int) -> str:
    """Return the VR of ``tag`` as in the dictionary, ``UN`` when it has none."""
    entry = lookup(tag)
    return entry.vr if entry is not None and entry.vr != "NONE" else "UN"


def keyword_of(tag: int) -> str:
    """Return the keyword of ``tag``, empty when it has none."""
    entry = lookup(tag)
    return entry.keyword if entry is not None else ""


def tag_of(keyword: str) -> int | None:
    """Return the tag of a keyword (its lowest one when it repeats over groups), ``None`` when there is no such."""
    return _BY_KEYWORD.get(keyword)


def keywords() -> Iterable[str]:
    """Return every keyword."""
    return _BY_KEYWORD.keys()


def describe(tag: int) -> str:
    """Return a tag for messages: ``(0010,0020) PatientID``, ``(0009,1001)``."""
    name = keyword_of(tag)
    text = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    return f"{text} {name}" if name else text
