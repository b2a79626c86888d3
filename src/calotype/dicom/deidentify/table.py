"""PS3.15 Table E.1-1: what happens to which attribute, under the Basic Profile and each of its options.

The table stands in ``tables/confidentiality.tsv``, the Types that decide its combined actions in
``tables/confidentiality_types.tsv`` (both made by ``tools/generate_confidentiality.py``), the private attributes of
Table E.3.10-1 in ``tables/safe_private.tsv``. Nothing here touches a data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from calotype.dicom.deidentify.options import Option
from calotype.dicom.hierarchy import UID


class Action(StrEnum):
    """What happens to an attribute (PS3.15 E.1.1); U is asked of sequences too (``U*``)."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    KEEP = "K"
    CLEAN = "C"
    MAP_UIDS = "U"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: ``basic`` is what the Basic Profile does, several actions where the attribute's Type decides."""

    name: str
    basic: str
    options: Mapping[Option, Action]

    def chosen(self, options: frozenset[Option]) -> Action | None:
        """Return what the options in force do, ``None`` when no option says anything.

        Where one would keep and another clean, cleaning it is: a date kept beside dates that are shifted tells by how
        much these are.
        """
        actions = {action for option, action in self.options.items() if option in options}
        return Action.CLEAN if Action.CLEAN in actions else next(iter(actions), None)

    def resolved(self, attribute_type: int | None) -> Action:
        """Return the action of the Basic Profile for an attribute of Type 1, 2 or 3; ``None``: not known.

        PS3.15 E.1.1: "X unless Z is required to maintain IOD conformance", and its kin. Of an unknown Type the action
        is taken that conforms to any: a dummy, before an empty value, before nothing.
        """
        wanted = _WANTED[attribute_type]
        return next(_ACTIONS[letter] for letter in wanted if letter in self.basic.replace("*", ""))


_WANTED: Final = {1: "DUZX", 2: "UZDX", 3: "XZDU", None: "DUZX"}
"""Which action comes first for an attribute of each Type.

Z allows a dummy (PS3.15 E.1.1), and references whose UIDs are mapped are one: a segmentation keeps its images.
"""
_ACTIONS: Final = {action.value: action for action in Action}

_BELOW: Final = "1.2.840.10008.5.1.4."


@dataclass(frozen=True, slots=True)
class _Table:
    exact: Mapping[int, Rule]
    repeating: tuple[tuple[int, int, Rule], ...]
    """Mask, bits and rule of the attributes that repeat over groups."""
    private: Rule


def _lines(name: str) -> list[list[str]]:
    text = resources.files("calotype.dicom").joinpath(f"tables/{name}.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


@cache
def _table() -> _Table:
    exact: dict[int, Rule] = {}
    repeating = []
    private = Rule("Private Attributes", "X", {})
    for pattern, basic, options, name in _lines("confidentiality"):
        parts = (part.split("=") for part in options.split(",") if part)
        rule = Rule(name, basic, {Option(option): Action(action) for option, action in parts})
        if pattern == "private":
            private = rule
        elif "x" in pattern:
            mask = int("".join("0" if digit == "x" else "F" for digit in pattern), 16)
            repeating.append((mask, int(pattern.replace("x", "0"), 16), rule))
        else:
            exact[int(pattern, 16)] = rule
    return _Table(exact, tuple(repeating), private)


@lru_cache(maxsize=8192)
def rule_of(tag: int) -> Rule | None:
    """Return the row of an attribute, ``None`` when the table does not name it."""
    table = _table()
    if tag >> 16 & 1:
        return table.private
    found = table.exact.get(tag)
    if found is not None:
        return found
    return next((rule for mask, bits, rule in table.repeating if tag & mask == bits), None)


def rules() -> Mapping[str, Rule]:
    """Return every row by its tag as the table writes it: eight digits, ``x`` for any, or ``private``."""
    table = _table()
    named = {f"{tag:08X}": rule for tag, rule in table.exact.items()}
    named |= {_pattern(mask, bits): rule for mask, bits, rule in table.repeating}
    return named | {"private": table.private}


def _pattern(mask: int, bits: int) -> str:
    digits = zip(f"{mask:08X}", f"{bits:08X}", strict=True)
    return "".join("x" if masked == "0" else digit for masked, digit in digits)


@cache
def _types() -> tuple[frozenset[str], Mapping[tuple[int, str], int]]:
    known: frozenset[str] = frozenset()
    found: dict[tuple[int, str], int] = {}
    for tag, attribute_type, places in _lines("confidentiality_types"):
        if tag == "*":
            known = frozenset(places.split())
            continue
        for place in places.split():
            found[int(tag, 16), place] = int(attribute_type)
    return known, found


def type_of(tag: int, sop_class: UID, sequence: int | None) -> int | None:
    """Return the Type (1, 2 or 3) of an attribute whose action depends on it, ``None`` when it is not known.

    In the data set itself the SOP class tells; in an item the tag of its ``sequence``.
    """
    known, found = _types()
    if sequence is not None:
        # In items the tables know who demands an attribute; who does not is not told apart from who does not know.
        return found.get((tag, f"@{sequence:08X}"))
    place = sop_class.removeprefix(_BELOW)
    return found.get((tag, place), 3) if place in known else None


@cache
def safe_private() -> frozenset[tuple[str, int, int]]:
    """Return the private attributes that the Standard calls safe: creator, group, element within its block."""
    return frozenset(
        (creator, int(group, 16), int(element, 16)) for creator, group, element in _lines("safe_private")
    )
