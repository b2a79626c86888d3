"""What a performed procedure step must say, and when: PS3.4 Table F.7.2-1 as data, and how strictly it is held.

Types are those of N-CREATE, and of the final state (COMPLETED or DISCONTINUED): 1 has a value, 2 is there. What
becomes of a step that breaks a rule is decided by ``performed``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from calotype.dicom import dictionary
from calotype.dicom.datasets import Element
from calotype.errors import InvalidRequest

SCHEDULED_STEPS: Final = 0x00400270
PERFORMED_SERIES: Final = 0x00400340
STATE: Final = 0x00400252


class Strictness(StrEnum):
    """How much of the table a modality must keep to."""

    TOLERANT = "tolerant"
    """A step begins with all of type 1. What else is missing counts as unknown and is logged, and what N-SET may not
    change is passed over: a refused N-SET would leave a step that is over open for ever."""
    STRICT = "strict"
    """The whole table, the final state included."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table; ``final`` is the type in the final state, 0 where it has none of its own."""

    tag: int
    create: int
    final: int = 0
    settable: bool = False


STEP: Final = (
    Rule(SCHEDULED_STEPS, 1),
    Rule(0x00100010, 2),  # Patient's Name
    Rule(0x00100020, 2),  # Patient ID
    Rule(0x00100021, 3),  # Issuer of Patient ID
    Rule(0x00101002, 3),  # Other Patient IDs Sequence
    Rule(0x00100030, 2),  # Patient's Birth Date
    Rule(0x00100040, 2),  # Patient's Sex
    Rule(0x00081120, 2),  # Referenced Patient Sequence
    Rule(0x00400253, 1),  # Performed Procedure Step ID
    Rule(0x00400241, 1),  # Performed Station AE Title
    Rule(0x00400242, 2),  # Performed Station Name
    Rule(0x00400243, 2),  # Performed Location
    Rule(0x00400244, 1),  # Performed Procedure Step Start Date
    Rule(0x00400245, 1),  # Performed Procedure Step Start Time
    Rule(STATE, 1, settable=True),
    Rule(0x00400254, 2, settable=True),  # Performed Procedure Step Description
    Rule(0x00400255, 2, settable=True),  # Performed Procedure Type Description
    Rule(0x00081032, 2, settable=True),  # Procedure Code Sequence
    Rule(0x00400250, 2, final=1, settable=True),  # Performed Procedure Step End Date
    Rule(0x00400251, 2, final=1, settable=True),  # Performed Procedure Step End Time
    Rule(0x00080060, 1),  # Modality
    Rule(0x00200010, 2),  # Study ID
    Rule(0x00400260, 2, settable=True),  # Performed Protocol Code Sequence
    Rule(PERFORMED_SERIES, 2, final=1, settable=True),
)
"""The step itself. What stands in no line may be there, and may be changed."""

INSIDE: Final[Mapping[int, tuple[Rule, ...]]] = {
    SCHEDULED_STEPS: (
        Rule(0x0020000D, 1),  # Study Instance UID
        Rule(0x00081110, 2),  # Referenced Study Sequence
        Rule(0x00080050, 2),  # Accession Number
        Rule(0x00401001, 2),  # Requested Procedure ID
        Rule(0x00321060, 2),  # Requested Procedure Description
        Rule(0x00400009, 2),  # Scheduled Procedure Step ID
        Rule(0x00400007, 2),  # Scheduled Procedure Step Description
        Rule(0x00400008, 2),  # Scheduled Protocol Code Sequence
    ),
    PERFORMED_SERIES: (
        Rule(0x00081050, 2),  # Performing Physician's Name
        Rule(0x00181030, 1),  # Protocol Name
        Rule(0x00081070, 2),  # Operators' Name
        Rule(0x0020000E, 1),  # Series Instance UID
        Rule(0x0008103E, 2),  # Series Description
        Rule(0x00080054, 2),  # Retrieve AE Title
        Rule(0x00081140, 2),  # Referenced Image Sequence
        Rule(0x00400220, 2),  # Referenced Non-Image Composite SOP Instance Sequence
    ),
}
"""Sequence -> what each of its items says, whenever it has items."""

FIXED: Final = frozenset(rule.tag for rule in STEP if not rule.settable)
"""What N-SET may not change."""


class MissingAttribute(InvalidRequest):
    """An attribute that the Standard requires is absent, or stands there without the value that it must have."""

    def __init__(self, tags: Sequence[int], *, has_no_value: bool) -> None:
        names = ", ".join(map(dictionary.describe, tags))
        super().__init__(f"without a value: {names}" if has_no_value else f"missing: {names}")
        self.tags = tuple(tags)
        self.has_no_value = has_no_value


class FixedAttribute(InvalidRequest):
    """An N-SET would change what may be said once only, when the step is created."""

    def __init__(self, tags: Sequence[int]) -> None:
        super().__init__(f"may not be changed: {', '.join(map(dictionary.describe, tags))}")
        self.tags = tuple(tags)


def check_created(elements: Sequence[Element], strictness: Strictness) -> None:
    """Raise MissingAttribute unless a step may begin like this."""
    is_strict = strictness is Strictness.STRICT
    top = {rule.tag: rule.create for rule in STEP if rule.create == 1 or (is_strict and rule.create == 2)}
    inside = INSIDE if is_strict else {SCHEDULED_STEPS: INSIDE[SCHEDULED_STEPS]}
    _check(elements, top, inside, up_to=2 if is_strict else 1)


def check_final(elements: Sequence[Element]) -> None:
    """Raise MissingAttribute unless a step may end like this: the final state of Table F.7.2-1."""
    top = {rule.tag: rule.final for rule in STEP if rule.final}
    _check(elements, top, {PERFORMED_SERIES: INSIDE[PERFORMED_SERIES]}, up_to=2)


def check_unchanged(before: Sequence[Element], changes: Iterable[Element]) -> None:
    """Raise FixedAttribute when ``changes`` say anew, and otherwise, what may be said once only.

    What a modality sends again as it was changes nothing.
    """
    known = {each.tag: each for each in before}
    changed = [each.tag for each in changes if each.tag in FIXED and not _is_same(each, known.get(each.tag))]
    if changed:
        raise FixedAttribute(changed)


def _is_same(new: Element, old: Element | None) -> bool:
    return _is_empty(new) if old is None else _plain(new) == _plain(old)


def _plain(element: Element) -> object:
    """Return a value without the padding in which two encodings of it differ."""
    if element.items:
        return [{each.tag: _plain(each) for each in item} for item in element.items]
    return _text(element)


def _text(element: Element) -> bytes:
    return element.raw.strip(b" \0")


def _is_empty(element: Element) -> bool:
    return not (element.items or _text(element))


def _check(
    elements: Iterable[Element], types: Mapping[int, int], inside: Mapping[int, tuple[Rule, ...]], *, up_to: int
) -> None:
    by_tag = {each.tag: each for each in elements}
    absent = [tag for tag in types if tag not in by_tag]
    if absent:
        raise MissingAttribute(absent, has_no_value=False)
    empty = [tag for tag, kind in types.items() if kind == 1 and _is_empty(by_tag[tag])]
    if empty:
        raise MissingAttribute(empty, has_no_value=True)
    for sequence, rules in inside.items():
        wanted = {rule.tag: rule.create for rule in rules if rule.create <= up_to}
        for item in by_tag[sequence].items if sequence in by_tag else ():
            _check(item, wanted, {}, up_to=up_to)
