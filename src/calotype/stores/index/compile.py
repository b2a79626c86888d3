"""Plans into SQL, through SQLAlchemy Core: each shape of a question once.

A row answers when the terms of ``plan`` hold: what that is in SQL is for ``terms``, and where attributes stand for
``places``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Integer, Select, bindparam, func, literal, select
from sqlalchemy.dialects import sqlite

from calotype.dicom.query.attributes import BY_KEYWORD, Attribute, Matching
from calotype.services.archive.marks import LABELS, REMARK
from calotype.stores.index import schema
from calotype.stores.index.keys import KEYED, key_columns
from calotype.stores.index.places import TABLES, Columns, Expression, source_of
from calotype.stores.index.plan import Plan
from calotype.stores.index.terms import condition, keywords_of, listed


class Form(Enum):
    """What of the answer a statement gives."""

    PAGE = auto()
    """Row number and fields, from ``offset``, at most ``limit``."""
    WALK = auto()
    """Row numbers alone, from ``offset``, at most ``limit``, found by walking along the order: right where many rows
    answer."""
    GATHER = auto()
    """The row numbers of all, at most ``limit``, found first and sorted then: right where few rows answer."""
    ROWS = auto()
    """Row numbers alone, from ``offset``, at most ``limit``."""
    ANY = auto()
    """Row numbers alone, at most ``limit``, in whatever order costs least."""
    CHUNK = auto()
    """Row number and fields of the rows listed in ``rows``, in any order; conditions and order play no part."""
    COUNT = auto()
    """How many there are, ``cap`` at most."""


@lru_cache(maxsize=1024)
def statement(plan: Plan, form: Form) -> tuple[str, Mapping[str, Any]]:
    """Return the SQL of a plan for SQLite, and its constants.

    The named parameters that it has beside them are the plan's values and the form's own.
    """
    return written(_select(plan, form))


def written(statement: Select[Any]) -> tuple[str, Mapping[str, Any]]:
    """Return a statement as SQL for SQLite, and its constants."""
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}


_DIALECT: Final = sqlite.dialect(paramstyle="named")


def _select(plan: Plan, form: Form) -> Select[Any]:  # noqa: PLR0911 - one return per form
    table = TABLES[plan.level]
    columns = Columns(plan.level)
    asked = frozenset(keyword for term in plan.where for keyword in keywords_of(term))
    answer = [table.c.id, *(columns(keyword) for keyword in plan.fields)]
    if form is Form.CHUNK:
        return select(*answer).select_from(source_of(plan.level)).where(table.c.id.in_(listed(bindparam("rows"))))
    order = [key for keyword, descending in plan.order for key in _order(keyword, columns, descending=descending)]
    limit, offset = bindparam("limit", type_=Integer), bindparam("offset", type_=Integer)
    if form is Form.WALK:
        found = select(table.c.id).select_from(source_of(plan.level)).where(*passing(plan))
        return found.order_by(*order, table.c.id).limit(limit).offset(offset)
    if codes := frozenset(keyword for keyword in asked if BY_KEYWORD[keyword].matching is Matching.CODE):
        # Codes have few values: alone they may lead, beside other keys they only filter.
        columns = Columns(plan.level, hidden=codes if codes != asked else frozenset())
    found = select().select_from(source_of(plan.level)).where(*(condition(term, columns) for term in plan.where))
    match form:
        case Form.COUNT:
            some = found.add_columns(literal(1)).limit(bindparam("cap", type_=Integer))
            return select(func.count()).select_from(some.subquery())
        case Form.GATHER:
            # Numbers alone come out of an index where one answers; what sorts them is read for the few.
            few = found.add_columns(table.c.id).limit(limit)
            chosen = select(table.c.id).select_from(source_of(plan.level)).where(table.c.id.in_(few))
            return chosen.order_by(*order, table.c.id)
        case Form.ANY:
            return found.add_columns(table.c.id).limit(limit)
        case Form.ROWS:
            return found.add_columns(table.c.id).order_by(*order, table.c.id).limit(limit).offset(offset)
        case _:
            return found.add_columns(*answer).order_by(*order, table.c.id).limit(limit).offset(offset)


def passing(plan: Plan) -> list[Expression]:
    """Return the conditions of a walk along a plan's order: only what leads the order may narrow it."""
    asked = frozenset(keyword for term in plan.where for keyword in keywords_of(term))
    columns = Columns(plan.level, hidden=asked - {keyword for keyword, _ in plan.order[:1]})
    return [condition(term, columns) for term in plan.looking_through.where]


MARKS: Final[Mapping[str, Expression]] = {
    LABELS: select(func.group_concat(schema.study_label.c.key, "\x1f"))
    .where(schema.study_label.c.study_instance_uid == schema.study.c.study_instance_uid)
    .correlate(schema.study)
    .scalar_subquery(),
    REMARK: select(schema.study_remark.c.key)
    .where(schema.study_remark.c.study_instance_uid == schema.study.c.study_instance_uid)
    .correlate(schema.study)
    .scalar_subquery(),
}
"""What a study list can be sorted by of what people put to studies."""


def _order(keyword: str, columns: Columns, *, descending: bool) -> list[Expression]:
    if keyword in MARKS:
        # Studies without any come last either way.
        mark = MARKS[keyword]
        return [mark.is_(None), mark.desc() if descending else mark]
    return [key.desc() if descending else key for key in sorted_by(keyword, columns)]


def sorted_by(keyword: str, columns: Callable[[str, str], Expression]) -> list[Expression]:
    """Return the columns that an attribute is sorted by."""
    attribute = BY_KEYWORD[keyword]
    # Where several values are the rule, the text that they are kept in is what is sorted.
    names = () if _is_gathered(attribute) else key_columns(attribute)
    return [columns(keyword, name) for name in names or (attribute.column,)]


def _is_gathered(attribute: Attribute) -> bool:
    return attribute.computed and attribute.keyword in KEYED
