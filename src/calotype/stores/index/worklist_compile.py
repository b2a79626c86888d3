"""Questions to the worklist into SQL, through SQLAlchemy Core.

What is compiled never leaves out an answer; where it may let others through, or says nothing of a condition, it is
not *exact*, and whoever runs it holds what it finds against ``dicom.query.matching``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal, or_, select, true
from sqlalchemy.dialects import sqlite

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
from calotype.stores.index.worklist_keys import OF_ITEM, OF_STEP, Keyed

Expression = ColumnElement[Any]
Values = dict[str, Any]

_DIALECT: Final = sqlite.dialect(paramstyle="named")
_MIDNIGHT: Final = "000000.000000"
_step: Final = schema.worklist_step


@dataclass(frozen=True, slots=True)
class Clause:
    """What SQL has to say of a condition; ``None``: nothing."""

    where: Expression | None
    is_exact: bool = True


_SAYS_NOTHING: Final = Clause(None, is_exact=False)
_NEVER: Final = Clause(false())


@dataclass(frozen=True, slots=True)
class Question:
    """A question, compiled but for its form."""

    where: Expression
    is_exact: bool
    order: tuple[Expression, ...]


def question(query: StepQuery) -> Question:
    """Compile a question's conditions and order."""
    clauses = [_clause(condition, OF_ITEM) for condition in query.conditions]
    narrowing = [clause.where for clause in clauses if clause.where is not None]
    status: list[Expression] = []
    if query.statuses != EVERY_STATUS:
        # Most steps of a day have the same status: it filters what other keys have found, and leads only alone.
        column = _step.c.status.concat("") if narrowing else _step.c.status
        status.append(column.in_([each.value for each in sorted(query.statuses)]))
    order: list[Expression] = []
    for each in query.order:
        keyed = OF_STEP.get(each.keyword) or OF_ITEM.get(each.keyword)
        columns = [_step.c[name] for name in keyed.columns] if keyed else []
        # A walk along the order would pass by everything; what the keys find is few, and sorted at once.
        found: list[Expression] = [column.concat("") if narrowing else column for column in columns]
        order += [column.desc() if each.descending else column for column in found]
    return Question(
        and_(true(), *narrowing, *status),
        all(clause.is_exact for clause in clauses),
        (*order, _step.c.item_row, _step.c.position),
    )


def rows(query: StepQuery, asked: Question) -> tuple[str, Values]:
    """Return the statement that finds row numbers, of the page alone where the question is exact."""
    found = select(_step.c.id).where(asked.where).order_by(*asked.order)
    if asked.is_exact:
        limit = -1 if query.page.limit is None else query.page.limit
        found = found.limit(limit).offset(query.page.offset)
    return _compiled(found)


def count(asked: Question, cap: int) -> tuple[str, Values]:
    """Return the statement that counts up to ``cap``."""
    some = select(literal(1)).select_from(_step).where(asked.where).limit(cap)
    return _compiled(select(func.count()).select_from(some.subquery()))


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
            return Clause(or_(false(), *wheres), all(each.is_exact for each in found))
        case InSequence(keyword, inner) if keyword == STEPS and keys is OF_ITEM:
            # A step answers by itself: its sequence has one item, which all of these hold for.
            found = [_clause(each, OF_STEP) for each in inner]
            wheres = [each.where for each in found if each.where is not None]
            return Clause(and_(true(), *wheres) if wheres else None, all(each.is_exact for each in found))
        case Romanised(keyword, as_read):
            return _romanised(keys.get(keyword), _clause(as_read, keys))
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
        return _named(keyed, wanted, lambda column, key: _step.c[column] == key)
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
            asked = [test(column, key) for column, key in zip(keyed.columns, groups, strict=True) if key]
            if not asked:
                return _SAYS_NOTHING
            clauses.append(and_(*asked))
        elif groups[0]:
            clauses += [and_(_step.c[column] != "", test(column, groups[0])) for column in keyed.columns]
    return Clause(or_(*clauses)) if clauses else _NEVER


def _romanised(keyed: Keyed | None, as_it_is: Clause) -> Clause:
    """Let every name through that has no letters; which of them are read so is found out by whoever runs this."""
    if keyed is None or not keyed.is_name or as_it_is.where is None:
        return _SAYS_NOTHING
    alphabetic, ideographic = (_step.c[name] for name in keyed.columns[:2])
    without = or_(alphabetic >= FIRST_HANZI, and_(alphabetic == "", ideographic > ""))
    return Clause(or_(as_it_is.where, without), is_exact=False)


def _globs(column_name: str, pattern: str) -> Expression:
    column = _step.c[column_name]
    # In GLOB a bracket opens a set of characters; a set of one bracket is the bracket itself.
    glob = and_(column != "", column.op("GLOB")(pattern.replace("[", "[[]")))
    prefix = pattern.replace("?", "*").partition("*")[0]
    return and_(column >= prefix, column <= prefix + chr(sys.maxunicode), glob) if prefix else glob


def _or_several(keyed: Keyed, single: Expression) -> Clause:
    """Let rows of several values through where only those may have them."""
    if not keyed.takes_several:
        return Clause(single)
    return Clause(or_(single, _is_several(_step.c[keyed.name])), is_exact=False)


def _is_several(column: Expression) -> Expression:
    return and_(column >= SEVERAL, column < AFTER_SEVERAL)
