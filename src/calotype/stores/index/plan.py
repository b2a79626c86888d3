"""A question in the terms of the tables: which columns are held against which values, and how.

A :class:`Plan` has the shape of the question without its values, so that all questions of one shape are compiled to
SQL once (``compile``); the values stand beside it by name. What a condition means is ``dicom.query.matching``'s
word: nothing is decided here, and what no row of the level can fulfil becomes :data:`NEVER`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Final, TypeAlias

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.attributes import BY_KEYWORD, UNIQUE_KEYS, Attribute, Matching
from calotype.dicom.query.model import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    PartBegins,
    Query,
    Range,
    Romanised,
    UidList,
    Wildcard,
)
from calotype.dicom.query.values import integer_key
from calotype.services.archive.marks import SORTABLE
from calotype.stores.index import pieces
from calotype.stores.index.keys import KEYED, UNSPLIT_VRS, Key, absent, key_columns, value_keys

Values: TypeAlias = dict[str, Any]


class Operator(Enum):
    """How one value of a column is held against what is asked."""

    EQUAL = auto()
    IN = auto()
    """Equal to one of a list."""
    LIKE = auto()
    """Fits a pattern of ``*`` and ``?``."""
    LIKE_PREFIX = auto()
    """Fits a pattern that begins with plain characters; first and last possible text come with it."""
    FROM = auto()
    """At least."""
    TO = auto()
    """At most."""
    BETWEEN = auto()
    """Both."""
    KNOWN = auto()
    """Has a form to compare at all."""


@dataclass(frozen=True, slots=True)
class Test:
    """One value of an attribute, in one form, held against named values."""

    keyword: str
    column: str
    operator: Operator
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SameValue:
    """All of these hold for the same one of an attribute's values: the groups of one person name."""

    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Begins:
    """A part of a person name, in any of its groups, begins with a named word; the last such text comes with it."""

    keyword: str
    word: str
    last: str


@dataclass(frozen=True, slots=True)
class Within:
    """One of these tests of one pattern holds; the trigrams of its plain pieces come with it by name (``pieces``)."""

    tests: tuple[Test, ...]
    grams: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Date and time of a row, as one, lie between two named values (``None``: open)."""

    date_keyword: str
    time_keyword: str | None
    low: str | None
    high: str | None
    low_day: str | None
    high_day: str | None


@dataclass(frozen=True, slots=True)
class Present:
    """The attribute has a value."""

    keyword: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The attribute has no value."""

    keyword: str


@dataclass(frozen=True, slots=True)
class All:
    """Every one holds."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one holds."""

    terms: tuple[Term, ...]


Term: TypeAlias = Test | SameValue | Begins | Within | Moment | Present | Missing | All | Either

LAST_CHARACTER: Final = chr(sys.maxunicode)

ALWAYS: Final = All(())
NEVER: Final = Either(())


@dataclass(frozen=True, slots=True)
class Plan:
    """The shape of a question: equal plans have the same SQL."""

    level: Level
    where: tuple[Term, ...]
    fields: tuple[str, ...]
    order: tuple[tuple[str, bool], ...]
    """Keyword and whether descending."""

    @property
    def has_kept_pieces(self) -> bool:
        """Whether texts are looked up by what is kept of them: a walk along rows would pass by what that finds."""
        return any(isinstance(term, Begins) for term in self.where) or any(within(self.where))

    @property
    def looking_through(self) -> Plan:
        """The same question without the help of trigrams: right where many rows answer."""
        return replace(self, where=tuple(_without_grams(term, frozenset()) for term in self.where))

    def without(self, grams: frozenset[str]) -> Plan:
        """Return the same question without the help of these trigrams, which are named."""
        return replace(self, where=tuple(_without_grams(term, grams) for term in self.where)) if grams else self


def within(terms: Iterable[Term]) -> Iterator[Within]:
    """Yield every term that trigrams help with."""
    for term in terms:
        match term:
            case Within():
                yield term
            case All(terms=inner) | Either(terms=inner):
                yield from within(inner)


def _without_grams(term: Term, grams: frozenset[str]) -> Term:
    """Return a term without the help of trigrams: those named, all where none is."""
    match term:
        case Within(tests=tests, grams=name):
            return Either(tests) if not grams or name in grams else term
        case All(terms=inner):
            return All(tuple(_without_grams(each, grams) for each in inner))
        case Either(terms=inner):
            return Either(tuple(_without_grams(each, grams) for each in inner))
    return term


def plan(query: Query) -> tuple[Plan, Values]:
    """Return a question's shape and the values to fill into it."""
    planner = _Planner(query.level)
    where = tuple(planner.term(condition) for condition in query.conditions)
    unique = [UNIQUE_KEYS[level].keyword for level in Level if level.depth <= query.level.depth]
    fields = dict.fromkeys([*unique, *sorted(f for f in query.fields if planner.attribute(f))])
    sortable = SORTABLE if query.level is Level.STUDY else ()
    order = tuple(
        (o.keyword, o.descending) for o in query.order if o.keyword in sortable or planner.attribute(o.keyword)
    )
    return Plan(query.level, where, tuple(fields), order), planner.values


class _Planner:
    """Turns conditions into terms and gathers their values under names."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self.values: Values = {}

    def attribute(self, keyword: str) -> Attribute | None:
        """Return what an entity of this level can have, ``None`` for all else."""
        found = BY_KEYWORD.get(keyword)
        return found if found and found.level.depth <= self._level.depth else None

    def term(self, condition: Condition) -> Term:  # noqa: C901, PLR0911 - one case per kind of condition
        """Turn one condition into a term."""
        match condition:
            case AnyOf(conditions=alternatives):
                return Either(tuple(self.term(each) for each in alternatives))
            case DateTimeRange():
                return self._moment(condition)
            case InSequence():
                # No answer of the archive has sequences.
                return NEVER
            case Romanised(condition=as_it_is):
                # Nobody asks the archive so: it answers with names as they are.
                return self.term(as_it_is)
        attribute = self.attribute(condition.keyword)
        if attribute is None:
            return ALWAYS if isinstance(condition, Empty) else NEVER
        match condition:
            case Empty():
                return Missing(attribute.keyword)
            case Exact(value=value):
                return self._equal(attribute, (value,))
            case UidList(values=uids):
                return self._equal(attribute, uids)
            case Wildcard(pattern=pattern):
                return self._like(attribute, pattern)
            case PartBegins(word=word):
                return Begins(attribute.keyword, self._name(word), self._name(word + LAST_CHARACTER))
            case Range(low=low, high=high):
                return self._range(attribute, low, high)

    def _name(self, value: Any) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return name

    def _equal(self, attribute: Attribute, wanted: Sequence[str]) -> Term:
        wanted = [value for value in wanted if _is_one_value(attribute, value)]
        if attribute.matching is Matching.NAME:
            return Either(tuple(self._named(attribute, value, self._in) for value in wanted))
        return self._in(attribute, _column(attribute), [_key(attribute, value) for value in wanted])

    def _in(self, attribute: Attribute, column: str, wanted: Sequence[Key]) -> Term:
        found = [key for key in wanted if key not in (None, "")]
        if not found:
            return NEVER
        if len(found) == 1:
            return Test(attribute.keyword, column, Operator.EQUAL, (self._name(found[0]),))
        return Test(attribute.keyword, column, Operator.IN, (self._name(json.dumps(found)),))

    def _like(self, attribute: Attribute, pattern: str) -> Term:
        if not _is_one_value(attribute, pattern):
            return NEVER
        match attribute.matching:
            case Matching.NAME:
                return self._named(attribute, pattern, self._glob)
            case Matching.ID | Matching.TEXT | Matching.CODE:
                return self._helped((self._glob(attribute, _column(attribute), (_key(attribute, pattern),)),))
            case _:
                # Dates, times, numbers and UIDs have no form with wild cards in it, and no door asks for it: the
                # text as it stands.
                return self._glob(attribute, attribute.column, (pattern,))

    def _glob(self, attribute: Attribute, column: str, patterns: Sequence[Key]) -> Term:
        pattern = str(patterns[0])
        prefix = pattern.replace("?", "*").partition("*")[0]
        # In GLOB a bracket opens a set of characters; a set of one bracket is the bracket itself.
        names: tuple[str, ...] = (self._name(pattern.replace("[", "[[]")),)
        if not prefix:
            return Test(attribute.keyword, column, Operator.LIKE, names)
        names += (self._name(prefix), self._name(prefix + LAST_CHARACTER))
        return Test(attribute.keyword, column, Operator.LIKE_PREFIX, names)

    def _helped(self, terms: tuple[Term, ...]) -> Term:
        """Return that one of ``terms`` holds; for a pattern that begins with a wild card, with its trigrams."""
        tests = tuple(term for term in terms if isinstance(term, Test) and term.operator is Operator.LIKE)
        if tests != terms or tests[0].keyword not in pieces.KEYWORDS:
            return Either(terms)
        grams = pieces.grams(self.values[tests[0].names[0]].replace("[[]", "["))
        return Within(tests, self._name(grams)) if grams else Either(terms)

    def _named(self, attribute: Attribute, text: str, test: Callable[[Attribute, str, Sequence[Key]], Term]) -> Term:
        """Hold a person name against its groups: one group against any, several each against its own."""
        columns, wanted = key_columns(attribute), value_keys(attribute, text)
        if "=" not in text:
            return self._helped(tuple(test(attribute, column, (wanted[0],)) for column in columns))
        asked = [(column, key) for column, key in zip(columns, wanted, strict=True) if key]
        if not asked:
            return Present(attribute.keyword)
        tests = [test(attribute, column, (key,)) for column, key in asked]
        return SameValue(tuple(each for each in tests if isinstance(each, Test)))

    def _range(self, attribute: Attribute, low: str | None, high: str | None) -> Term:
        column = _column(attribute)
        first, last = (None if end is None else _key(attribute, end) for end in (low, high))
        nothing = absent(attribute)
        if high is not None and last == nothing:
            return NEVER
        if first in (None, ""):
            if last is None:
                return Test(attribute.keyword, column, Operator.KNOWN, ())
            return Test(attribute.keyword, column, Operator.TO, (self._name(last),))
        if last is None:
            return Test(attribute.keyword, column, Operator.FROM, (self._name(first),))
        return Test(attribute.keyword, column, Operator.BETWEEN, (self._name(first), self._name(last)))

    def _moment(self, interval: DateTimeRange) -> Term:
        date, time = self.attribute(interval.date_keyword), self.attribute(interval.time_keyword)
        if date is None:
            return NEVER
        low, high = (None if end is None else self._name(end) for end in (interval.low, interval.high))
        # The day alone decides first: it has an index.
        low_day, high_day = (None if end is None else self._name(end[:8]) for end in (interval.low, interval.high))
        return Moment(date.keyword, time.keyword if time else None, low, high, low_day, high_day)


def _is_one_value(attribute: Attribute, text: str) -> bool:
    """Tell whether a value can equal what is asked: stored text is split at every backslash."""
    return "\\" not in text or attribute.vr in UNSPLIT_VRS


def _column(attribute: Attribute) -> str:
    return (*key_columns(attribute), attribute.column)[0]


def _key(attribute: Attribute, value: str) -> Key:
    if attribute.keyword in KEYED:
        return value_keys(attribute, value)[0]
    if attribute.matching is Matching.NONE and attribute.computed:
        return integer_key(value)
    return value
