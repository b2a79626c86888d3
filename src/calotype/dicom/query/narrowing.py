"""What of a question an index can answer, and what is left to be held against each of its answers.

An index keeps the attributes of the table; a question may be about any attribute of the stored headers, and about
dates in another time zone. :func:`narrow` makes of it a question that finds at least all that is wanted, and a
:class:`Sieve` that keeps what is. Both together mean what ``matching`` says the question means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson

from calotype.dicom.hierarchy import Level
from calotype.dicom.query import zones
from calotype.dicom.query.attributes import UNIQUE_KEYS, is_indexed, is_searched
from calotype.dicom.query.header import WHOLE_HEADER, HeaderAttributes, JsonDataSet, attribute_in
from calotype.dicom.query.matching import Attributes, holds
from calotype.dicom.query.model import AnyOf, Condition, DateTimeRange, InSequence, Match, Page, Query

_WHOLE: Final = Page()


@dataclass(frozen=True, slots=True)
class Sieve:
    """What is left of a question: conditions, fields out of the header, and the zone that times are given in."""

    conditions: tuple[Condition, ...]
    fields: frozenset[str]
    from_header: frozenset[str]
    zone_minutes: int | None
    looked_at: frozenset[str]
    """All that the conditions and fields are about."""
    needs_header: bool
    """Whether the stored header of each answer has to be looked at."""

    def keep(self, match: Match, header: JsonDataSet) -> Match | None:
        """Return the match with what the header adds to it, or ``None`` when it is none.

        What comes out of the header is the attribute's DICOM JSON as text, under its name.
        """
        attributes: Attributes = _Layers(match, HeaderAttributes(header))
        if self.zone_minutes is not None:
            moved = zones.moved(attributes, self.zone_minutes, self.looked_at)
            match = {keyword: str(moved.get(keyword, text)) for keyword, text in match.items()}
            attributes = _Layers(moved, attributes)
        if not all(holds(condition, attributes) for condition in self.conditions):
            return None
        found = {keyword: text for keyword, text in match.items() if keyword in self.fields}
        for name in self.from_header:
            value = header if name == WHOLE_HEADER else attribute_in(header, name)
            if value:
                found[name] = orjson.dumps(value).decode()
        return found


def narrow(query: Query) -> tuple[Query, Sieve] | None:
    """Return a question for an index and the sieve; ``None`` when an index can answer this one.

    It is without the page where the sieve may leave out some of what the index finds.
    """
    zone = query.zone_minutes
    kept: list[Condition] = []
    left: list[Condition] = []
    for condition in query.conditions:
        if not all(is_searched(name, query.level) for name in names_in(condition)):
            left.append(condition)
        elif zone is not None and (wider := zones.widened(condition)) is not condition:
            left.append(condition)
            kept.append(wider)
        else:
            kept.append(condition)
    from_header = frozenset(name for name in query.fields if not is_indexed(name, query.level))
    if zone is None and not left and not from_header:
        return None
    looked_at = query.fields.union(*map(names_in, left))
    needed = looked_at | zones.needed_for(looked_at) if zone is not None else looked_at
    indexed = frozenset(name for name in needed if is_indexed(name, query.level))
    unique = {UNIQUE_KEYS[level].keyword for level in Level if level.depth <= query.level.depth}
    sieve = Sieve(
        tuple(left),
        (query.fields - from_header) | unique,
        from_header,
        zone,
        looked_at,
        needs_header=indexed != needed,
    )
    page = _WHOLE if left else query.page
    return replace(query, conditions=tuple(kept), fields=indexed, page=page, zone_minutes=None), sieve


def is_sifted(query: Query) -> bool:
    """Tell whether answers of an index have to be looked through for those that are meant."""
    narrowed = narrow(query)
    return narrowed is not None and bool(narrowed[1].conditions)


def names_in(condition: Condition) -> Iterator[str]:
    """Return the attributes of the entity that a condition looks at; a sequence for all that is in it."""
    match condition:
        case AnyOf(alternatives):
            for each in alternatives:
                yield from names_in(each)
        case DateTimeRange(date_keyword=date, time_keyword=time):
            yield from (date, time)
        case InSequence(keyword=keyword):
            yield keyword
        case _:
            yield condition.keyword


class _Layers(Mapping[str, "str | Sequence[Attributes]"]):
    """Attributes of the index over those of the header: what a person has corrected is in the first."""

    __slots__ = ("_above", "_below")

    def __init__(self, above: Attributes, below: Attributes) -> None:
        self._above = above
        self._below = below

    def __getitem__(self, name: str) -> str | Sequence[Attributes]:
        try:
            return self._above[name]
        except KeyError:
            return self._below[name]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*self._above, *self._below))

    def __len__(self) -> int:
        return len({*self._above, *self._below})
