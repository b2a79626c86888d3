"""What a question means: PS3.4 C.2.2.2 in memory, the definition that every index is tested against.

Attributes are a mapping from keyword to DICOM text, as a :data:`~calotype.dicom.query.model.Match` is; those of the
levels above stand in the same mapping. A sequence is a list of such mappings (``header`` makes them).
Clarity before speed; never raises for anything that a file or a key may hold.

The rules, beyond the letter of the Standard:

- An absent attribute matches :class:`Empty` and nothing else.
- A multi-valued attribute matches when any of its values does.
- A person name key of one component group matches any group of the name; with several groups, each that is not
  empty matches its own (PS3.5 6.2.1.2).
- A name has an alphabetic group for :class:`Romanised` unless that begins with a hanzi, or is empty.
- A part of a name that is asked for by its beginning may stand in any group; which parts there are is in
  ``name_parts``.
- A stored date, time or number that is none is not absent, and equals nothing.
- A date without a readable time is midnight where both are matched as one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from calotype.dicom import dictionary
from calotype.dicom.query import name_parts, values
from calotype.dicom.query.attributes import BY_KEYWORD, KIND_OF_VR, Matching, tag_of
from calotype.dicom.query.model import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    Order,
    PartBegins,
    Query,
    Range,
    Romanised,
    UidList,
    Wildcard,
)
from calotype.dicom.romanise import FIRST_HANZI, romanise_name

Attributes: TypeAlias = "Mapping[str, str | Sequence[Attributes]]"

Comparable: TypeAlias = int | str

_FORMS: Final[Mapping[Matching, Callable[[str], Comparable | None]]] = {
    Matching.CODE: values.code_key,
    Matching.TEXT: values.text_key,
    Matching.NAME: values.name_key,
    Matching.DATE: values.date_key,
    Matching.TIME: values.time_key,
    Matching.DATETIME: values.date_time_key,
    Matching.DECIMAL: values.decimal_key,
    Matching.INTEGER: values.integer_key,
    Matching.NONE: values.number_or_text,
}
"""In which form a kind is compared and sorted; the others as they stand."""


def matches(query: Query, attributes: Attributes) -> bool:
    """Tell whether an entity with these attributes answers ``query``; level, fields, order and page play no part."""
    return all(holds(condition, attributes) for condition in query.conditions)


def holds(condition: Condition, attributes: Attributes) -> bool:  # noqa: C901, PLR0911 - one answer per kind
    """Tell whether one condition holds."""
    match condition:
        case Exact(keyword, value):
            return _any_equals(keyword, (value,), attributes)
        case UidList(keyword, uids):
            return _any_equals(keyword, uids, attributes)
        case Wildcard(keyword, pattern):
            return any(_like(keyword, pattern, value) for value in _values(keyword, attributes))
        case PartBegins(keyword, word):
            return any(_part_begins(word, name) for name in _values(keyword, attributes))
        case Romanised(keyword, as_read):
            if holds(as_read, attributes):
                return True
            pinyin = "\\".join(map(romanise_name, filter(lacks_letters, _values(keyword, attributes))))
            return bool(pinyin) and holds(as_read, {keyword: pinyin})
        case Range(keyword, low, high):
            return any(_between(keyword, value, low, high) for value in _values(keyword, attributes))
        case DateTimeRange():
            return _in_interval(condition, attributes)
        case Empty(keyword):
            stored = attributes.get(keyword, "")
            return not (_values(keyword, attributes) if isinstance(stored, str) else stored)
        case AnyOf(alternatives):
            return any(holds(alternative, attributes) for alternative in alternatives)
        case InSequence(keyword, inner):
            items = attributes.get(keyword, ())
            return not isinstance(items, str) and any(all(holds(each, item) for each in inner) for item in items)


def comparable(keyword: str, value: str) -> Comparable | None:
    """Return the form in which one value of an attribute is compared and sorted; ``None`` for what has none.

    An index that compares this form finds what :func:`matches` does, names aside (``values.name_groups``).
    """
    form = _FORMS.get(kind_of(keyword))
    return value if form is None else form(value)


def kind_of(keyword: str) -> Matching:
    """Return how an attribute is compared: by the table, else by its VR."""
    attribute = BY_KEYWORD.get(keyword)
    return attribute.matching if attribute else KIND_OF_VR.get(_vr_of(keyword), Matching.ID)


def wildcard_matches(pattern: str, text: str) -> bool:
    """Compare with ``*`` for any run and ``?`` for any one character; everything else is itself.

    Takes at most ``len(pattern) * len(text)`` steps, whatever the pattern.
    """
    at = text_at = 0
    star, resume = -1, 0
    while text_at < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, text_at
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[text_at]):
            at += 1
            text_at += 1
        elif star >= 0:
            # Let the last star take one character more, and try again from behind it.
            resume += 1
            at, text_at = star + 1, resume
        else:
            return False
    return not pattern[at:].strip("*")


def order_key(order: Sequence[Order], attributes: Attributes) -> tuple[SortKey, ...]:
    """Return what entities are sorted by: ``sorted(found, key=lambda each: order_key(query.order, each))``.

    What is absent or unreadable comes first in ascending order. Several values are sorted as the one text they are
    kept in, names by their groups in order. Ties keep the order they had.
    """
    return tuple(SortKey(_whole(each.keyword, attributes), is_descending=each.descending) for each in order)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One attribute's part of a sort key: absent, then numbers, then text; or the other way round."""

    value: Comparable | None
    is_descending: bool = False

    def __lt__(self, other: SortKey) -> bool:
        mine, others = _rank(self.value), _rank(other.value)
        return others < mine if self.is_descending else mine < others


def _rank(value: Comparable | None) -> tuple[int, int, str]:
    match value:
        case None:
            return 0, 0, ""
        case int():
            return 1, value, ""
        case _:
            return 2, 0, value


def _whole(keyword: str, attributes: Attributes) -> Comparable | None:
    text = attributes.get(keyword, "")
    if not isinstance(text, str) or not text.strip():
        return None
    if kind_of(keyword) is Matching.NAME:
        # Below every character of a name, so that this sorts as the groups one after the other do.
        names = [values.name_groups(name) for name in _values(keyword, attributes)]
        return "\0".join("\\".join(groups) for groups in zip(*names, strict=True))
    return comparable(keyword, text.strip())


def _vr_of(keyword: str) -> str:
    attribute = BY_KEYWORD.get(keyword)
    if attribute:
        return attribute.vr
    tag = tag_of(keyword)
    return "" if tag is None else dictionary.vr_of(tag)


def _values(keyword: str, attributes: Attributes) -> list[str]:
    text = attributes.get(keyword, "")
    return values.split_values(text, _vr_of(keyword)) if isinstance(text, str) else []


def _any_equals(keyword: str, wanted: Sequence[str], attributes: Attributes) -> bool:
    stored = _values(keyword, attributes)
    if kind_of(keyword) is Matching.NAME:
        return any(_same_name(key, name) for key in wanted for name in stored)
    keys = {comparable(keyword, each) for each in wanted} - {None}
    return any(comparable(keyword, value) in keys for value in stored)


def _like(keyword: str, pattern: str, value: str) -> bool:
    match kind_of(keyword):
        case Matching.NAME:
            return _like_name(pattern, value)
        case Matching.TEXT:
            return wildcard_matches(values.text_key(pattern), values.text_key(value))
        case Matching.CODE:
            return wildcard_matches(values.code_key(pattern), values.code_key(value))
        case _:
            return wildcard_matches(pattern, value)


def _like_name(pattern: str, name: str) -> bool:
    groups = values.name_groups(name)
    wanted = values.name_groups(pattern)
    if "=" not in pattern:
        return any(group and wildcard_matches(wanted[0], group) for group in groups)
    return all(wildcard_matches(key, group) for key, group in zip(wanted, groups, strict=True) if key)


def _part_begins(word: str, name: str) -> bool:
    return any(name_parts.begins(word, group) for group in values.name_groups(name))


def lacks_letters(name: str) -> bool:
    """Tell whether a person is read in pinyin for :class:`Romanised`."""
    alphabetic, ideographic, _ = values.name_groups(name)
    return alphabetic >= FIRST_HANZI if alphabetic else bool(ideographic)


def _same_name(key: str, name: str) -> bool:
    groups = values.name_groups(name)
    wanted = values.name_groups(key)
    if "=" not in key:
        return any(group and wanted[0] == group for group in groups)
    return all(key == group for key, group in zip(wanted, groups, strict=True) if key)


def _between(keyword: str, value: str, low: str | None, high: str | None) -> bool:
    at = comparable(keyword, value)
    if at is None:
        return False
    if low is not None and _rank(at) < _rank(comparable(keyword, low)):
        return False
    return high is None or _rank(at) <= _rank(comparable(keyword, high))


def _in_interval(interval: DateTimeRange, attributes: Attributes) -> bool:
    days = _values(interval.date_keyword, attributes)
    day = values.date_key(days[0]) if days else None
    if day is None:
        return False
    times = _values(interval.time_keyword, attributes)
    moment = day + ((values.time_key(times[0]) if times else None) or "000000.000000")
    return (interval.low is None or interval.low <= moment) and (interval.high is None or moment <= interval.high)
