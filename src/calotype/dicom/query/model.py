"""The one form of a question to the archive, and of an answer.

C-FIND identifiers (``identifier``), QIDO parameters (``qido``) and the study list all become a :class:`Query`;
``matching`` defines what it means, ``stores.index`` compiles it. Nothing here parses or executes.

Values are DICOM text without padding: dates ``YYYYMMDD``, times ``HHMMSS[.FFFFFF]``, several values joined by a
backslash, person names with their component groups (``Alphabetic=Ideographic=Phonetic``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from calotype.dicom.hierarchy import UID, Level


@dataclass(frozen=True, slots=True)
class Exact:
    """Single value matching (PS3.4 C.2.2.2.1); on a multi-valued attribute any value may match."""

    keyword: str
    value: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Wild card matching (PS3.4 C.2.2.2.4): ``*`` any run, ``?`` one character; ``%`` and ``_`` are themselves."""

    keyword: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Range:
    """Range matching (PS3.4 C.2.2.2.5), both ends inclusive; ``None`` leaves an end open.

    Ends are full dates or times: the parsers widen ``10-11`` to ``100000`` to ``115959.999999``.
    """

    keyword: str
    low: str | None
    high: str | None


@dataclass(frozen=True, slots=True)
class DateTimeRange:
    """Combined date-time matching (PS3.4 C.2.2.2.5): one interval over a date and a time attribute.

    Ends are ``YYYYMMDDHHMMSS.FFFFFF``; ``None`` leaves an end open.
    """

    date_keyword: str
    time_keyword: str
    low: str | None
    high: str | None


@dataclass(frozen=True, slots=True)
class PartBegins:
    """Fuzzy matching of a person name (PS3.4 C.2.2.2.1.1): a part of it begins so.

    ``word`` is in the form of ``name_parts.beginning``, and not empty.
    """

    keyword: str
    word: str


@dataclass(frozen=True, slots=True)
class Romanised:
    """A person name as devices read it that cannot show hanzi: as it is, or in pinyin where it has no letters.

    Of worklists alone (``replies.Reply.to_worklist``); ``condition`` is about the same ``keyword``.
    """

    keyword: str
    condition: Exact | Wildcard


@dataclass(frozen=True, slots=True)
class UidList:
    """List of UID matching (PS3.4 C.2.2.2.2)."""

    keyword: str
    values: tuple[UID, ...]


@dataclass(frozen=True, slots=True)
class Empty:
    """Empty value matching (PS3.4 C.2.2.2.7): the attribute is absent or has no value."""

    keyword: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these holds: what several values in one key mean to us, unless agreed (PS3.4 C.2.2.2.8)."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class InSequence:
    """Sequence matching (PS3.4 C.2.2.2.6): one item satisfies all of these."""

    keyword: str
    conditions: tuple[Condition, ...]


Condition: TypeAlias = (
    Exact | Wildcard | PartBegins | Romanised | Range | DateTimeRange | UidList | Empty | AnyOf | InSequence
)


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by one attribute; the index adds the row's own order so that pages never overlap."""

    keyword: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the answer: at most ``limit`` matches (``None``: all), after ``offset`` have been passed."""

    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """A question at one level of the information model.

    ``fields`` are the keywords of the return keys; an attribute that an answer has no value for is left out of
    the :data:`Match`, the door returns it empty. ``order`` may be empty: then the index answers in the order
    that costs least.

    Conditions and fields may be about any attribute, named by ``attributes.name_of``; what no index keeps for the
    level is taken from the stored header of a representative: the first instance, by number, of the entity's first
    series. ``zone_minutes`` is the offset from UTC that dates and times are meant in (``None``: as written).
    """

    level: Level
    conditions: tuple[Condition, ...] = ()
    fields: frozenset[str] = field(default_factory=frozenset)
    order: tuple[Order, ...] = ()
    page: Page = Page()
    zone_minutes: int | None = None


Match: TypeAlias = Mapping[str, str]
"""One answer: keyword -> DICOM text. Holds at least the unique keys down to the query's level.

What no index keeps stands in it as DICOM JSON (PS3.18 F.2), under the name that the query has for it.
"""
