"""Reading one key: its text, by the attribute's kind of matching, becomes conditions (PS3.4 C.2.2.2).

C-FIND identifiers and QIDO parameters differ in how they carry keys, not in what a key means; what it means is here,
once. So is the last step, :func:`build_query`, which gives the same question the same ``Query`` whoever asked it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query import name_parts, values
from calotype.dicom.query.attributes import BY_KEYWORD, DATE_TIME_PAIRS, Attribute, Matching, tag_of
from calotype.dicom.query.model import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    Page,
    PartBegins,
    Query,
    Range,
    UidList,
    Wildcard,
)
from calotype.dicom.query.negotiated import USUAL, Negotiated
from calotype.errors import InvalidRequest

MAX_VALUE_CHARACTERS: Final = 1024
"""Per value; the longest VR that is matched on, LO, has 64, and a key may exceed its VR (PS3.4 C.2.2.2)."""
MAX_UIDS: Final = 10_000
"""In one list of UID."""
MAX_VALUES: Final = 100
"""In one key that is no list of UID."""

MAX_FUZZY_WORDS: Final = 16
"""In one name; each is looked for by itself."""

EMPTY_VALUE: Final = '""'
"""The key that asks for absent values (PS3.4 C.2.2.2.7)."""

_END_OF_DAY: Final = "235960.999999"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_STARS: Final = re.compile(r"\*{2,}")
_WORD_ENDS: Final = re.compile(r"[\s^=*,]+")
_BEFORE_NAME_PART: Final = ("", "*^", "* ", "*-")


class InvalidKey(InvalidRequest):
    """A key holds something that its attribute cannot be compared with."""

    def __init__(self, keyword: str, problem: str) -> None:
        super().__init__(f"{keyword}: {problem}")
        self.keyword = keyword
        self.problem = problem

    @property
    def offending_tag(self) -> int | None:
        """The attribute that was wrong, as a response names it (Offending Element, PS3.7 C.4)."""
        return tag_of(self.keyword)


@dataclass(frozen=True, slots=True)
class Key:
    """One key as a door found it: the attribute, behind the sequences that it stands in, and its text."""

    path: tuple[Attribute, ...]
    text: str


def at_level(attribute: Attribute, level: Level) -> Attribute | None:
    """Return what ``attribute`` is called in a question at ``level``; ``None`` where it says nothing there.

    Above its level an attribute has many values. *Modality* alone has a name for them, and a study asked for by
    *Modality* is what every console and web client means by it.
    """
    if attribute.level.depth <= level.depth:
        return attribute
    if attribute.keyword == "Modality" and level is Level.STUDY:
        return BY_KEYWORD["ModalitiesInStudy"]
    return None


def build_query(
    level: Level,
    keys: Iterable[Key],
    returned: Iterable[str],
    *,
    agreed: Negotiated = USUAL,
    page: Page | None = None,
    zone_minutes: int | None = None,
) -> Query:
    """Make the ``Query``: conditions in the order of their tags, each once, dates joined with times if agreed.

    A key whose attribute is only returned (``Matching.NONE``) makes no condition. Raises InvalidKey.
    """
    found = _read(sorted(keys, key=lambda key: [each.tag for each in key.path]), 0, agreed)
    return Query(level, found, frozenset(returned), page=page or Page(), zone_minutes=zone_minutes)


def conditions(attribute: Attribute, text: str, agreed: Negotiated = USUAL) -> tuple[Condition, ...]:
    """Read the text of one key; no condition means universal matching (PS3.4 C.2.2.2.3). Raises InvalidKey."""
    if attribute.matching in (Matching.NONE, Matching.SEQUENCE):
        return ()
    if agreed.empty_values and text.strip(" \0") == EMPTY_VALUE:
        return (Empty(attribute.keyword),)
    parts = [_STARS.sub("*", part) for part in values.split_values(text, attribute.vr)]
    _check(attribute, parts)
    if attribute.matching is Matching.UID:
        return _uids(attribute, parts)
    if attribute.matching is Matching.NAME and agreed.fuzzy_names:
        return _fuzzy(attribute, parts)
    read = _READERS[attribute.matching]
    # PS3.4 C.2.2.2.4: "Wild Card Matching on a value of "*" is equivalent to Universal Matching". For every VR:
    # consoles send it for dates and numbers as well.
    found = dict.fromkeys(None if part == "*" else read(attribute, part) for part in parts)
    some = tuple(condition for condition in found if condition is not None)
    if agreed.multiple_values or len(found) < 2:
        return some
    return () if None in found else (AnyOf(some),)


def _read(keys: list[Key], depth: int, agreed: Negotiated) -> tuple[Condition, ...]:
    """Read keys that are sorted by their tags and stand in the same sequences down to ``depth``."""
    found: list[Condition] = []
    for attribute, group in groupby(keys, key=lambda key: key.path[depth]):
        inner: list[Key] = []
        for key in group:
            if len(key.path) > depth + 1:
                inner.append(key)
            else:
                found.extend(conditions(attribute, key.text, agreed))
        if nested := _read(inner, depth + 1, agreed):
            found.append(InSequence(attribute.keyword, nested))
    joined = _join_dates_and_times(found) if agreed.date_time_matching else found
    for condition in joined:
        _check_direction(condition)
    return tuple(dict.fromkeys(joined))


def _check(attribute: Attribute, parts: list[str]) -> None:
    most = MAX_UIDS if attribute.matching is Matching.UID else MAX_VALUES
    if len(parts) > most:
        raise InvalidKey(attribute.keyword, f"{len(parts)} values, at most {most} are taken; ask in several requests")
    for part in parts:
        if len(part) > MAX_VALUE_CHARACTERS:
            raise InvalidKey(
                attribute.keyword, f"a value of {len(part)} characters, at most {MAX_VALUE_CHARACTERS} are taken"
            )
        if _CONTROL.search(part):
            raise InvalidKey(attribute.keyword, f"{part!r} holds control characters")


def _uids(attribute: Attribute, parts: list[str]) -> tuple[Condition, ...]:
    if "*" in parts:
        return ()
    # PS3.4 C.2.2.2.4 knows no wild cards in UI. What is no UID is kept: devices send such, and so they are found.
    for part in parts:
        if "*" in part or "?" in part:
            raise InvalidKey(attribute.keyword, f"{part!r}: UIDs are compared whole, wild cards do not apply")
    uids = tuple(dict.fromkeys(UID(part) for part in parts))
    match uids:
        case ():
            return ()
        case (uid,):
            return (Exact(attribute.keyword, uid),)
        case _:
            return (UidList(attribute.keyword, uids),)


def _text(attribute: Attribute, part: str) -> Condition:
    if "*" in part or "?" in part:
        return Wildcard(attribute.keyword, part)
    return Exact(attribute.keyword, part)


def _code(attribute: Attribute, part: str) -> Condition:
    return _text(attribute, values.code_key(part))


def _name(attribute: Attribute, part: str) -> Condition | None:
    # PS3.4 C.2.2.2.4: `*=*` "may or may not return all strings"; here it does. A group of `*`, or of delimiters and
    # marks alone, asks for nothing.
    groups = [group if values.name_group(group).strip("*") else "" for group in part.split("=", 2)]
    if not any(groups):
        return None
    return _text(attribute, "=".join(groups).rstrip("="))


def _fuzzy(attribute: Attribute, parts: list[str]) -> tuple[Condition, ...]:
    """Ask that each word begins a part of the name; PS3.4 C.2.2.2.1.1 and PS3.18 8.3.4.2 leave the how to us.

    A word with a ``?`` in it is one pattern among the parts as they are written.
    """
    if len(parts) > 1:
        raise InvalidKey(attribute.keyword, "fuzzy matching takes one name at a time")
    words = dict.fromkeys(word for name in parts for word in _WORD_ENDS.split(name) if word)
    if len(words) > MAX_FUZZY_WORDS:
        raise InvalidKey(attribute.keyword, f"a name of {len(words)} words, at most {MAX_FUZZY_WORDS} are taken")
    found: list[Condition] = []
    for word in words:
        if "?" in word:
            patterns = (f"{before}{word}*" for before in _BEFORE_NAME_PART)
            found.append(AnyOf(tuple(Wildcard(attribute.keyword, pattern) for pattern in patterns)))
        elif begins := name_parts.beginning(word):
            found.append(PartBegins(attribute.keyword, begins))
    return tuple(dict.fromkeys(found))


def _date(attribute: Attribute, part: str) -> Condition | None:
    def day(text: str) -> str:
        key = values.date_key(text)
        if key is None:
            raise InvalidKey(
                attribute.keyword, f"{text!r} is no date; write YYYYMMDD, or a range as 20240101-20240131"
            )
        return key

    if "-" not in part:
        return Exact(attribute.keyword, day(part))
    return _range(attribute, part, day, day)


def _time(attribute: Attribute, part: str) -> Condition | None:
    def span(text: str) -> tuple[str, str]:
        found = values.time_span(text)
        if found is None:
            raise InvalidKey(attribute.keyword, f"{text!r} is no time; write HHMMSS or HHMM, or a range as 0800-1200")
        return found

    if "-" not in part:
        # A time with parts left out is all the moments that it stands for.
        part = f"{part}-{part}"
    return _range(attribute, part, lambda text: _shortest(span(text)[0]), lambda text: span(text)[1])


def _date_time(attribute: Attribute, part: str) -> Condition | None:
    def span(text: str) -> tuple[str, str]:
        found = values.date_time_span(text)
        if found is None:
            raise InvalidKey(
                attribute.keyword, f"{text!r} is no date-time; write YYYYMMDDHHMMSS, or a range as 20240101-20240131"
            )
        return found

    # PS3.4 C.2.2.2.5.3: what follows the last hyphen is an offset where it can be one, as in 20240101-0500.
    ends = [_DT_OFFSET.sub("", end) for end in _DT_HYPHEN.split(part)]
    if len(ends) == 1:
        ends *= 2
    return _range(attribute, "-".join(ends), lambda text: _shortest(span(text)[0]), lambda text: span(text)[1])


_DT_OFFSET: Final = re.compile(r"(?<=\d)[+-](?:0\d|1[0-4])[0-5]\d$", re.ASCII)
_DT_HYPHEN: Final = re.compile(r"-(?!(?:0\d|1[0-4])[0-5]\d(?:-|$))", re.ASCII)


def _shortest(moment: str) -> str:
    """Drop the zeros of a fraction: as text, ``100000`` comes before every spelling of that moment."""
    return moment.rstrip("0").rstrip(".")


def _range(
    attribute: Attribute, part: str, first: Callable[[str], str], last: Callable[[str], str]
) -> Condition | None:
    ends = [end.strip() for end in part.split("-")]
    if len(ends) != 2:
        raise InvalidKey(attribute.keyword, f"{part!r} is no range; write one as first-last, first- or -last")
    low = first(ends[0]) if ends[0] else None
    high = last(ends[1]) if ends[1] else None
    # A lone hyphen has no end to hold on to; consoles send it for a range that was left blank.
    return Range(attribute.keyword, low, high) if low or high else None


def _integer(attribute: Attribute, part: str) -> Condition:
    number = values.integer_key(part)
    if number is None:
        raise InvalidKey(attribute.keyword, f"{part!r} is no whole number; wild cards do not apply to numbers")
    return Exact(attribute.keyword, str(number))


def _decimal(attribute: Attribute, part: str) -> Condition:
    number = values.decimal_key(part)
    if number is None:
        raise InvalidKey(attribute.keyword, f"{part!r} is no number; wild cards do not apply to numbers")
    return Exact(attribute.keyword, number)


_READERS: Final[Mapping[Matching, Callable[[Attribute, str], Condition | None]]] = {
    Matching.ID: _text,
    Matching.CODE: _code,
    Matching.TEXT: _text,
    Matching.NAME: _name,
    Matching.DATE: _date,
    Matching.TIME: _time,
    Matching.DATETIME: _date_time,
    Matching.INTEGER: _integer,
    Matching.DECIMAL: _decimal,
}


def _join_dates_and_times(found: list[Condition]) -> list[Condition]:
    """Join each date with its time where both are one interval (PS3.4 C.2.2.2.5.4)."""
    ends = {c.keyword: _ends(c) for c in found if isinstance(c, Exact | Range)}
    joined = list(found)
    for date, time in DATE_TIME_PAIRS.items():
        if date not in ends or time not in ends:
            continue
        (first_day, last_day), (first_time, last_time) = ends[date], ends[time]
        moments = DateTimeRange(
            date,
            time,
            first_day and first_day + (values.time_key(first_time or "00") or ""),
            last_day and last_day + (last_time or _END_OF_DAY),
        )
        joined = [moments if _is_about(c, date) else c for c in joined if not _is_about(c, time)]
    return joined


def _is_about(condition: Condition, keyword: str) -> bool:
    return isinstance(condition, Exact | Range) and condition.keyword == keyword


def _ends(condition: Exact | Range) -> tuple[str | None, str | None]:
    if isinstance(condition, Exact):
        return condition.value, condition.value
    return condition.low, condition.high


def _check_direction(condition: Condition) -> None:
    """Refuse what ends before it begins; only now, since 2200-0600 is well over two days taken together.

    PS3.4 C.2.2.2.5: "<time1> is less or equal to <time2>", "Range Matching crossing midnight is not supported".
    """
    match condition:
        case AnyOf(conditions=alternatives):
            for alternative in alternatives:
                _check_direction(alternative)
        case Range(keyword, str(low), str(high)) | DateTimeRange(keyword, _, str(low), str(high)) if low > high:
            raise InvalidKey(keyword, f"a range from {low} to {high} ends before it begins")
        case _:
            pass
