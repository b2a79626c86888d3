"""Questions to the worklist into SQL, through SQLAlchemy Core.

What is compiled never leaves out an answer; where it may let others through, or says nothing of a condition, it is
not *exact*, and whoever runs it holds what it finds against ``dicom.query.matching``.

A name may stand in any of its groups, each with an index of its own. A question that is led by a name alone is the
union of walks along these, which hold all that tells whether and when a step answers: an OR over several indexes
would read the row of every step with that surname, most of them long over.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, true, union
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import UnaryExpression

from calotype.dicom.query.matching import holds
from calotype.dicom.query.model import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    PartBegins,
    Range,
    Romanised,
    UidList,
    Wildcard,
)
from calotype.dicom.query.worklist import STATUS, STEPS
from calotype.dicom.romanise import FIRST_HANZI
from calotype.services.worklist.items import TERMS
from calotype.services.worklist.ports import EVERY_STATUS, StepQuery
from calotype.stores.index import schema
from calotype.stores.index.keys import AFTER_SEVERAL, SEVERAL
from calotype.stores.index.worklist_keys import OF_ITEM, OF_STEP, READ, READING, Keyed
from calotype.stores.index.worklist_schema import is_there

Expression = ColumnElement[Any]
Values = dict[str, Any]

_DIALECT: Final = sqlite.dialect(paramstyle="named")
_MIDNIGHT: Final = "000000.000000"
_step: Final = schema.worklist_step

_MOST_WALKS: Final = 20
"""A union of more is no longer cheaper than one look through all; SQLite takes 500."""


@dataclass(frozen=True, slots=True)
class Clause:
    """What SQL has to say of a condition; ``None``: nothing.

    ``walks``: the same as parts to be united, each led by an index that has all there is to know; empty for what
    has no such parts.
    """

    where: Expression | None
    is_exact: bool = True
    walks: tuple[Expression, ...] = ()


_SAYS_NOTHING: Final = Clause(None, is_exact=False)
_NEVER: Final = Clause(false())


@dataclass(frozen=True, slots=True)
class Question:
    """A question, compiled but for its form. ``walks``: parts whose union it is, or none."""

    where: Expression
    is_exact: bool
    order: tuple[Expression, ...]
    walks: tuple[Expression, ...] = ()


def question(query: StepQuery) -> Question:
    """Compile a question's conditions and order."""
    clauses = [_clause(condition, OF_ITEM) for condition in query.conditions]
    leading = [clause for clause in clauses if clause.where is not None]
    narrowing = [clause.where for clause in leading if clause.where is not None]
    # What else is asked for finds fewer than a surname does, and is looked for once instead of in each part.
    walks = leading[0].walks if len(leading) == 1 and len(leading[0].walks) <= _MOST_WALKS else ()
    status: list[Expression] = []
    if query.statuses != EVERY_STATUS:
        # Most steps of a day have the same status: it filters what other keys have found, and leads only alone.
        column = _step.c.status.concat("") if narrowing else _step.c.status
        status.append(column.in_([each.value for each in sorted(query.statuses)]))
    order: list[Expression] = []
    for each in query.order:
        keyed = OF_STEP.get(each.keyword) or OF_ITEM.get(each.keyword)
        columns = [_step.c[name] for name in keyed.columns] if keyed else []
        # A walk along the order would pass by everything; what the keys find is few, and sorted at once. No union is
        # found by such a walk.
        found: list[Expression] = [column.concat("") if narrowing and not walks else column for column in columns]
        order += [column.desc() if each.descending else column for column in found]
    return Question(
        and_(true(), *narrowing, *status),
        all(clause.is_exact for clause in clauses),
        (*order, _step.c.item_row, _step.c.position),
        tuple(and_(walk, *status) for walk in walks),
    )


def rows(query: StepQuery, asked: Question) -> tuple[str, Values]:
    """Return the statement that finds row numbers, of the page alone where the question is exact."""
    found = _found(asked, asked.order)
    if asked.is_exact:
        limit = -1 if query.page.limit is None else query.page.limit
        found = found.limit(limit).offset(query.page.offset)
    return _compiled(found)


def count(asked: Question, cap: int) -> tuple[str, Values]:
    """Return the statement that counts up to ``cap``."""
    return _compiled(select(func.count()).select_from(_found(asked).limit(cap).subquery()))


def _found(asked: Question, order: Sequence[Expression] = ()) -> Select[Any]:
    """Return the numbers of the rows that answer, each once."""
    if asked.walks:
        return _united(asked.walks, order)
    return select(_step.c.id).where(asked.where).order_by(*order)


def _united(walks: Sequence[Expression], order: Sequence[Expression]) -> Select[Any]:
    """Return the numbers of the rows that any walk comes by."""
    columns = [term.element if isinstance(term, UnaryExpression) else term for term in order]
    keys = [column.label(f"by_{i}") for i, column in enumerate(columns)]
    parts = union(*(select(_step.c.id, *keys).where(walk) for walk in walks)).subquery()
    by: list[Expression] = [
        parts.c[key.name] if term is column else parts.c[key.name].desc()
        for key, column, term in zip(keys, columns, order, strict=True)
    ]
    return select(parts.c.id).order_by(*by)


def _compiled(statement: Select[Any]) -> tuple[str, Values]:
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return str(compiled), dict(compiled.params)


def _clause(  # noqa: PLR0911 - one return per kind of condition
    condition: Condition, keys: Mapping[str, Keyed]
) -> Clause:
    match condition:
        case AnyOf(conditions=alternatives):
            found = [_clause(each, keys) for each in alternatives]
            if any(each.where is None for each in found):
                return _SAYS_NOTHING
            wheres = [each.where for each in found if each.where is not None]
            walks = chain.from_iterable(each.walks for each in found) if all(each.walks for each in found) else ()
            return Clause(or_(false(), *wheres), all(each.is_exact for each in found), tuple(walks))
        case InSequence(keyword, inner) if keyword == STEPS and keys is OF_ITEM:
            # A step answers by itself: its sequence has one item, which all of these hold for.
            found = [_clause(each, OF_STEP) for each in inner]
            wheres = [each.where for each in found if each.where is not None]
            return Clause(and_(true(), *wheres) if wheres else None, all(each.is_exact for each in found))
        case Romanised(keyword, as_read):
            return _romanised(keys.get(keyword), as_read, _clause(as_read, keys))
        case InSequence() | PartBegins():
            return _SAYS_NOTHING
        case DateTimeRange():
            return _moment(condition, keys)
    if condition.keyword == STATUS and keys is OF_STEP:
        terms = [status.value for status in TERMS if holds(condition, {STATUS: TERMS[status]})]
        return Clause(_step.c.status.in_(terms)) if terms else _NEVER
    keyed = keys.get(condition.keyword)
    return _SAYS_NOTHING if keyed is None else _keyed(condition, keyed)


def _keyed(condition: Exact | Wildcard | Range | UidList | Empty, keyed: Keyed) -> Clause:
    match condition:
        case Exact(value=value):
            return _equal(keyed, (value,))
        case UidList(values=uids):
            return _equal(keyed, uids)
        case Wildcard(pattern=pattern):
            return _like(keyed, pattern)
        case Range(low=low, high=high):
            return _between(keyed, low, high)
        case Empty():
            # What is unreadable has no key either, and is not empty.
            return Clause(_step.c[keyed.name] == "", is_exact=False)


def _equal(keyed: Keyed, wanted: Sequence[str]) -> Clause:
    if keyed.is_name:
        return _named(keyed, wanted, _equals)
    # No one value has a backslash in it: what is kept was split there.
    found = {keyed.key(value)[0] for value in wanted if SEVERAL not in value} - {""}
    column = _step.c[keyed.name]
    if not found:
        return _NEVER
    same = column == next(iter(found)) if len(found) == 1 else column.in_(sorted(found))
    if not keyed.takes_several:
        return Clause(same)
    among = [func.instr(column.concat(SEVERAL), SEVERAL + key + SEVERAL) > 0 for key in sorted(found)]
    return Clause(or_(same, and_(_is_several(column), or_(*among))))


def _like(keyed: Keyed, pattern: str) -> Clause:
    if keyed.is_name:
        return _named(keyed, (pattern,), _globs)
    if keyed.keyword.endswith(("Date", "Time")):
        return _SAYS_NOTHING
    return _or_several(keyed, _globs(keyed.name, keyed.key(pattern)[0]))


def _between(keyed: Keyed, low: str | None, high: str | None) -> Clause:
    column = _step.c[keyed.name]
    parts = [column != ""]
    for end, compare in ((low, column.__ge__), (high, column.__le__)):
        if end is not None:
            key = keyed.key(end)[0]
            if not key:
                return _SAYS_NOTHING
            parts.append(compare(key))
    return _or_several(keyed, and_(*parts))


def _moment(interval: DateTimeRange, keys: Mapping[str, Keyed]) -> Clause:
    date, time = keys.get(interval.date_keyword), keys.get(interval.time_keyword)
    if date is None or time is None:
        return _SAYS_NOTHING
    day, clock = _step.c[date.name], _step.c[time.name]
    moment = day.concat(case((clock == "", _MIDNIGHT), else_=clock))
    parts = [day != ""]
    if interval.low is not None:
        # The day alone decides first: it has an index.
        parts += [day >= interval.low[:8], moment >= interval.low]
    if interval.high is not None:
        parts += [day <= interval.high[:8], moment <= interval.high]
    return Clause(and_(*parts))


def _named(keyed: Keyed, wanted: Sequence[str], test: Callable[[str, str], Expression]) -> Clause:
    """Hold names against their groups: one group against any, several each against its own."""
    clauses: list[Expression] = []
    for name in wanted:
        groups = keyed.key(name)
        if "=" in name:
            pairs = [pair for pair in zip(keyed.columns, groups, strict=True) if pair[1]]
            # A run of any characters may be none: such a group need not be there.
            asked = [test(*pair) for pair in pairs if test is not _globs or pair[1].strip("*")]
            if not asked:
                return _SAYS_NOTHING
            clauses.append(and_(*asked))
        elif groups[0]:
            clauses += [test(column, groups[0]) for column in keyed.columns]
    if not clauses:
        return _NEVER
    return Clause(or_(*clauses), walks=tuple(clauses) if keyed.keyword == READ else ())


def _romanised(keyed: Keyed | None, as_read: Exact | Wildcard, as_it_is: Clause) -> Clause:
    """Add the names that have no letters and are read so, or may be read so for all that is known yet.

    Which of the latter are is found out by whoever runs this.
    """
    if keyed is None or not keyed.is_name or as_it_is.where is None:
        return _SAYS_NOTHING
    alphabetic, ideographic = (_step.c[name] for name in keyed.columns[:2])
    without = or_(alphabetic >= FIRST_HANZI, and_(alphabetic == "", ideographic > ""))
    asked = as_read.value if isinstance(as_read, Exact) else as_read.pattern
    if keyed.keyword != READ or "=" in asked:
        return Clause(or_(as_it_is.where, without), is_exact=False)
    column, key = _step.c[READING], keyed.key(asked)[0]
    is_read = _equals(READING, key) if isinstance(as_read, Exact) else _globs(READING, key)
    walks = (is_read, and_(is_there(column), column.is_(None), without))
    return Clause(or_(as_it_is.where, *walks), is_exact=False, walks=(*as_it_is.walks, *walks))


def _equals(column_name: str, key: str) -> Expression:
    return and_(is_there(_step.c[column_name]), _step.c[column_name] == key)


def _globs(column_name: str, pattern: str) -> Expression:
    column = _step.c[column_name]
    # In GLOB a bracket opens a set of characters; a set of one bracket is the bracket itself.
    glob = and_(is_there(column), column.op("GLOB")(pattern.replace("[", "[[]")))
    prefix = pattern.replace("?", "*").partition("*")[0]
    return and_(column >= prefix, column <= prefix + chr(sys.maxunicode), glob) if prefix else glob


def _or_several(keyed: Keyed, single: Expression) -> Clause:
    """Let rows of several values through where only those may have them."""
    if not keyed.takes_several:
        return Clause(single)
    return Clause(or_(single, _is_several(_step.c[keyed.name])), is_exact=False)


def _is_several(column: Expression) -> Expression:
    return and_(column >= SEVERAL, column < AFTER_SEVERAL)
