"""One page of the study list, wherever it lies: the rows on it, found by a walk along an index from the nearer end.

An index keeps what a list is sorted by, and among equals the newest first (``schema.LISTED``). The list the other way
round is the same walk backwards, but for the equals, which it meets oldest first: those that lie on the page whole
are turned round, and of the two that the page cuts the right part is looked up. So no page sorts anything, and none
but row numbers are read on the way to it. Studies that somebody has put something to are few: they are sorted, and
come before a walk along the others. What no index keeps is sorted when it is asked for.

The statements of one page see one state of the rows. Nothing here knows what a row shows.
"""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import ColumnElement, Integer, bindparam, func, select, tuple_

from calotype.dicom.hierarchy import Level
from calotype.services.archive.marks import LABELS, REMARK
from calotype.stores.index import schema
from calotype.stores.index.compile import Form, passing, sorted_by, statement, written
from calotype.stores.index.plan import Plan, Values

NEAR: Final = 2000
"""Rows that are passed by without asking whether the other end is nearer."""

Sql: TypeAlias = tuple[str, Mapping[str, Any]]
_Expression = ColumnElement[Any]

_NEWEST: Final = (("StudyDate", True), ("StudyTime", True))
_study: Final = schema.study.c
_LIMIT: Final = bindparam("limit", type_=Integer)
_OFFSET: Final = bindparam("offset", type_=Integer)


def page(connection: sqlite3.Connection, plan: Plan, values: Values, limit: int, offset: int) -> Sequence[int]:
    """Return the row numbers of a page of an ordered plan, in order. ``limit`` is the page's size, not open."""
    walk = _Walk(connection, plan, values)
    connection.execute("BEGIN")
    try:
        if plan.level is Level.STUDY and plan.order[0][0] in _MARKED and plan.order[1:] == _NEWEST:
            return walk.marked(limit, offset)
        line = _line(plan)
        return walk.sorted(limit, offset) if line is None else walk.along(line, limit, offset)
    finally:
        connection.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class _Line:
    """The order of an index: what it begins with, in one direction, then what is sorted among equals.

    ``is_against`` where the list has what it begins with the other way round, and the equals alike.
    """

    head: tuple[str, ...]
    descends: bool
    tail: tuple[tuple[str, bool], ...]
    is_against: bool = False


_BY_DATE: Final = _Line(("study_date_key", "study_time_key"), descends=True, tail=(("id", False),))


@lru_cache(maxsize=256)
def _line(plan: Plan) -> _Line | None:
    """Return the index's order that a plan's can be walked along, ``None`` where there is none."""
    if plan.level is not Level.STUDY:
        return None
    if plan.order in ((("StudyDate", False), ("StudyTime", False)), _NEWEST):
        return _against(_BY_DATE, wanted=plan.order[0][1])
    (keyword, descends), *then = plan.order
    if keyword not in schema.LISTED or tuple(then) != _NEWEST:
        return None
    head = sorted_by(keyword, lambda _, name: _study[name])
    tail = (*((column, True) for column in _BY_DATE.head), *_BY_DATE.tail)
    return _against(_Line(tuple(str(column.key) for column in head), descends=False, tail=tail), wanted=descends)


def _against(line: _Line, *, wanted: bool) -> _Line:
    return _Line(line.head, line.descends, line.tail, is_against=wanted is not line.descends)


class _Way(Protocol):
    """Writes the walk one way, or the other."""

    def __call__(self, *, is_back: bool) -> Sql: ...


class _Walk:
    """Runs the statements of one page."""

    def __init__(self, connection: sqlite3.Connection, plan: Plan, values: Values) -> None:
        self._connection = connection
        self._plan = plan
        self._values = values

    def _ask(self, sql: Sql, **values: Any) -> list[tuple[Any, ...]]:
        text, constants = sql
        return self._connection.execute(text, {**constants, **self._values, **values}).fetchall()

    def _count(self, sql: Sql, **values: Any) -> int:
        ((count,),) = self._ask(sql, **values)
        return int(count)

    def sorted(self, limit: int, offset: int) -> list[int]:
        """Sort what there is."""
        sql = _counted(self._plan) or statement(self._plan, Form.WALK)
        return [row for (row,) in self._ask(sql, limit=limit, offset=offset)]

    def along(self, line: _Line, limit: int, offset: int) -> list[int]:
        """Walk along an index, from its nearer end."""
        steps = _Steps(self._plan, line)
        total = self._count(statement(self._plan, Form.COUNT), cap=-1) if offset > NEAR else None
        if not line.is_against:
            return [row for row, *_ in self._between(steps.walk, offset, offset + limit, total)]
        # One row more on either side tells whether the page cuts through equals.
        before = min(1, offset)
        found = self._between(steps.walk, offset - before, offset + limit + 1, total)
        equals = [(head, [row[0] for row in rows]) for head, rows in groupby(found, key=lambda row: row[1:])]
        rows: list[int] = []
        for at, (head, numbers) in enumerate(equals):
            is_cut_off = (at == 0 and before) or (at == len(equals) - 1 and len(found) > limit + before)
            if not is_cut_off:
                rows += reversed(numbers)
                continue
            first = 0
            given = {f"h{number}": value for number, value in enumerate(head)}
            if at == 0 and before:
                first = offset - before - self._before(steps, given, offset, total)
            rows += [row for (row,) in self._ask(steps.block, limit=len(numbers), offset=first, **given)]
        return rows[before : before + limit]

    def _before(self, steps: _Steps, head: Mapping[str, Any], offset: int, total: int | None) -> int:
        """Count the rows that a walk meets before those of a head."""
        if total is None or offset <= total // 2:
            return self._count(steps.before, **head)
        return total - self._count(steps.from_here, **head)

    def _between(self, walk: _Way, first: int, last: int, total: int | None) -> list[tuple[Any, ...]]:
        """Return the rows of a walk between two places of it."""
        if total is None or first <= total - last:
            return self._ask(walk(is_back=False), limit=last - first, offset=first)
        last = min(last, total)
        return self._ask(walk(is_back=True), limit=max(0, last - first), offset=total - last)[::-1]

    def marked(self, limit: int, offset: int) -> list[int]:
        """Sort what somebody has put something to, and walk along the others."""
        steps = _Marked(self._plan)
        few = self._count(steps.count)
        rows = [row for (row,) in self._ask(steps.first, limit=limit, offset=offset)] if offset < few else []
        first, last = max(0, offset - few), offset + limit - few
        if last > 0:
            total = self._count(statement(self._plan, Form.COUNT), cap=-1) - few if first > NEAR else None
            rows += [row for row, *_ in self._between(steps.others, first, last, total)]
        return rows


@dataclass(frozen=True, slots=True)
class _Steps:
    """The statements of a walk."""

    plan: Plan
    line: _Line

    def walk(self, *, is_back: bool) -> Sql:
        """Row numbers and heads, as the list has the heads; or from its end."""
        return _walk(self.plan, self.line, is_back=is_back)

    @property
    def before(self) -> Sql:
        """How many rows lie before those of the head ``h0``, ``h1``, ..."""
        return _beside(self.plan, self.line, is_before=True)

    @property
    def from_here(self) -> Sql:
        """How many rows do not lie before them."""
        return _beside(self.plan, self.line, is_before=False)

    @property
    def block(self) -> Sql:
        """Row numbers of one head, in order."""
        return _block(self.plan, self.line)


def _in_order(columns: Sequence[tuple[str, bool]], *, is_back: bool) -> list[_Expression]:
    return [_study[name].desc() if descends is not is_back else _study[name] for name, descends in columns]


def _along(line: _Line, *, is_back: bool) -> list[_Expression]:
    heads = [(name, line.descends) for name in line.head]
    return _in_order([*heads, *line.tail], is_back=is_back)


@lru_cache(maxsize=512)
def _walk(plan: Plan, line: _Line, *, is_back: bool) -> Sql:
    found = select(_study.id, *(_study[name] for name in line.head)).where(*passing(plan))
    ordered = found.order_by(*_along(line, is_back=is_back is not line.is_against))
    return written(ordered.limit(_LIMIT).offset(_OFFSET))


@lru_cache(maxsize=512)
def _beside(plan: Plan, line: _Line, *, is_before: bool) -> Sql:
    here = tuple_(*(_study[name] for name in line.head))
    given = tuple_(*(bindparam(f"h{number}") for number in range(len(line.head))))
    descends = line.descends is not line.is_against
    # What the walk does not meet before the given is the given itself, and all that lies beyond.
    before, beyond = (operator.gt, operator.le) if descends else (operator.lt, operator.ge)
    side: _Expression = (before if is_before else beyond)(here, given)
    return written(select(func.count()).select_from(schema.study).where(side, *passing(plan)))


@lru_cache(maxsize=512)
def _block(plan: Plan, line: _Line) -> Sql:
    here = [_study[name] == bindparam(f"h{number}") for number, name in enumerate(line.head)]
    found = select(_study.id).where(*here, *passing(plan)).order_by(*_in_order(line.tail, is_back=False))
    return written(found.limit(_LIMIT).offset(_OFFSET))


_COUNTS: Final = {
    "NumberOfStudyRelatedSeries": func.count(schema.tally.c.series_row),
    "NumberOfStudyRelatedInstances": func.sum(schema.tally.c.instances),
}


@lru_cache(maxsize=64)
def _counted(plan: Plan) -> Sql | None:
    """Write row numbers in the order of a counter: all are counted in one go, instead of one by one.

    ``None`` where that is not what a plan sorts by.
    """
    (keyword, descends), *then = plan.order
    if plan.level is not Level.STUDY or keyword not in _COUNTS or tuple(then) != _NEWEST:
        return None
    row = schema.tally.c.study_row
    # The limit keeps the database from counting each study when it comes to it.
    counted = select(row.label("row"), _COUNTS[keyword].label("count")).group_by(row).limit(-1).subquery()
    found = select(_study.id).select_from(counted.join(schema.study, _study.id == counted.c.row))
    count = counted.c.count.desc() if descends else counted.c.count
    ordered = found.where(*passing(plan)).order_by(count, *_along(_BY_DATE, is_back=False))
    return written(ordered.limit(_LIMIT).offset(_OFFSET))


_MARKED: Final = {
    LABELS: select(
        schema.study_label.c.study_instance_uid, func.group_concat(schema.study_label.c.key, "\x1f").label("key")
    )
    .group_by(schema.study_label.c.study_instance_uid)
    .subquery(),
    REMARK: select(schema.study_remark.c.study_instance_uid, schema.study_remark.c.key).subquery(),
}


@dataclass(frozen=True, slots=True)
class _Marked:
    """The statements of a walk along what is marked, and along what is not."""

    plan: Plan

    @property
    def count(self) -> Sql:
        """How many are marked."""
        return _marked(self.plan, is_count=True)

    @property
    def first(self) -> Sql:
        """Row numbers of those that are marked, in order."""
        return _marked(self.plan, is_count=False)

    def others(self, *, is_back: bool) -> Sql:
        """Row numbers of the others, the newest first; or from the end."""
        return _unmarked(self.plan, is_back=is_back)


@lru_cache(maxsize=64)
def _marked(plan: Plan, *, is_count: bool) -> Sql:
    keyword, descends = plan.order[0]
    mark = _MARKED[keyword]
    source = mark.join(schema.study, _study.study_instance_uid == mark.c.study_instance_uid)
    found = select().select_from(source).where(*passing(plan))
    if is_count:
        return written(found.add_columns(func.count()))
    key = mark.c.key.desc() if descends else mark.c.key
    ordered = found.add_columns(_study.id).order_by(key, *_along(_BY_DATE, is_back=False))
    return written(ordered.limit(_LIMIT).offset(_OFFSET))


@lru_cache(maxsize=64)
def _unmarked(plan: Plan, *, is_back: bool) -> Sql:
    held = schema.study.alias("held")
    mark = _MARKED[plan.order[0][0]]
    marked = select(held.c.id).select_from(mark.join(held, held.c.study_instance_uid == mark.c.study_instance_uid))
    found = select(_study.id).where(_study.id.not_in(marked), *passing(plan))
    return written(found.order_by(*_along(_BY_DATE, is_back=is_back)).limit(_LIMIT).offset(_OFFSET))
