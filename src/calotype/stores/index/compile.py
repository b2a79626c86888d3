"""Plans into SQL, through SQLAlchemy Core: each shape of a question once.

A row answers when the terms of ``plan`` hold. Keys of several values (``keys``) lie together in each index, so a
test is "the key, or one value of a key of several", and both halves are looked up in the same index. Two functions
here speak SQLite's dialect, :class:`_EachValue` and :class:`_Glob`; another database compiles them its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from functools import lru_cache, reduce
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import sqlite

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.attributes import BY_KEYWORD, Attribute, Matching
from calotype.services.archive.marks import LABELS, REMARK
from calotype.stores.index import names, pieces, schema
from calotype.stores.index.keys import AFTER_SEVERAL, KEYED, SEVERAL, UNSPLIT_VRS, key_columns
from calotype.stores.index.plan import (
    All,
    Begins,
    Either,
    Missing,
    Moment,
    Operator,
    Plan,
    Present,
    SameValue,
    Term,
    Test,
    Within,
)

Expression = ColumnElement[Any]

_MIDNIGHT: Final = "000000.000000"
_NOTHING: Final[Expression] = literal_column("''")


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

_TABLES: Final = {
    Level.PATIENT: schema.patient,
    Level.STUDY: schema.study,
    Level.SERIES: schema.series,
    Level.IMAGE: schema.instance,
}


def _source(level: Level) -> FromClause:
    series, study, instance = schema.series, schema.study, schema.instance
    match level:
        case Level.SERIES:
            return series.join(study, study.c.id == series.c.study_row)
        case Level.IMAGE:
            return instance.join(series, series.c.id == instance.c.series_row).join(
                study, study.c.id == series.c.study_row
            )
        case _:
            return _TABLES[level]


def _select(plan: Plan, form: Form) -> Select[Any]:  # noqa: PLR0911 - one return per form
    table = _TABLES[plan.level]
    columns = _Columns(plan.level)
    asked = frozenset(keyword for term in plan.where for keyword in _keywords(term))
    answer = [table.c.id, *(columns(keyword) for keyword in plan.fields)]
    if form is Form.CHUNK:
        return select(*answer).select_from(_source(plan.level)).where(table.c.id.in_(_listed(bindparam("rows"))))
    order = [key for keyword, descending in plan.order for key in _order(keyword, columns, descending=descending)]
    limit, offset = bindparam("limit", type_=Integer), bindparam("offset", type_=Integer)
    if form is Form.WALK:
        found = select(table.c.id).select_from(_source(plan.level)).where(*passing(plan))
        return found.order_by(*order, table.c.id).limit(limit).offset(offset)
    if codes := frozenset(keyword for keyword in asked if BY_KEYWORD[keyword].matching is Matching.CODE):
        # Codes have few values: alone they may lead, beside other keys they only filter.
        columns = _Columns(plan.level, hidden=codes if codes != asked else frozenset())
    found = select().select_from(_source(plan.level)).where(*(_term(term, columns) for term in plan.where))
    match form:
        case Form.COUNT:
            some = found.add_columns(literal(1)).limit(bindparam("cap", type_=Integer))
            return select(func.count()).select_from(some.subquery())
        case Form.GATHER:
            # Numbers alone come out of an index where one answers; what sorts them is read for the few.
            few = found.add_columns(table.c.id).limit(limit)
            chosen = select(table.c.id).select_from(_source(plan.level)).where(table.c.id.in_(few))
            return chosen.order_by(*order, table.c.id)
        case Form.ANY:
            return found.add_columns(table.c.id).limit(limit)
        case Form.ROWS:
            return found.add_columns(table.c.id).order_by(*order, table.c.id).limit(limit).offset(offset)
        case _:
            return found.add_columns(*answer).order_by(*order, table.c.id).limit(limit).offset(offset)


def passing(plan: Plan) -> list[Expression]:
    """Return the conditions of a walk along a plan's order: only what leads the order may narrow it."""
    asked = frozenset(keyword for term in plan.where for keyword in _keywords(term))
    columns = _Columns(plan.level, hidden=asked - {keyword for keyword, _ in plan.order[:1]})
    return [_term(term, columns) for term in plan.looking_through.where]


class _Columns:
    """Where an attribute stands in the tables of a level: a study has its own copy of its patient's.

    What is ``hidden`` is compared without the help of its indexes.
    """

    def __init__(self, level: Level, *, hidden: frozenset[str] = frozenset()) -> None:
        self.patient = schema.patient if level is Level.PATIENT else schema.study
        """The table that has the patient's attributes."""
        self._hidden = hidden

    def __call__(self, keyword: str, name: str = "") -> Expression:
        attribute = BY_KEYWORD[keyword]
        if keyword in _WORKED_OUT:
            return _WORKED_OUT[keyword]
        if keyword in _COUNTED_OF_PATIENT:
            return _of_patient(_COUNTED_OF_PATIENT[keyword], self.patient)
        table = self.patient if attribute.level is Level.PATIENT else _TABLES[attribute.level]
        column = table.c[name or attribute.column]
        if keyword not in self._hidden:
            return column
        return column + 0 if isinstance(column.type, BigInteger) else column.concat("")


def _counted(count: ColumnElement[Any], *where: ColumnElement[bool]) -> Expression:
    return select(count).where(*where).correlate(schema.study, schema.series).scalar_subquery()


_SERIES_OF_STUDY: Final = schema.tally.c.study_row == schema.study.c.id
_ONE_SERIES: Final = and_(
    schema.tally.c.study_row == schema.series.c.study_row, schema.tally.c.series_row == schema.series.c.id
)
_WORKED_OUT: Final[Mapping[str, Expression]] = {
    "NumberOfStudyRelatedSeries": _counted(func.count(schema.tally.c.series_row), _SERIES_OF_STUDY),
    "NumberOfStudyRelatedInstances": _counted(func.sum(schema.tally.c.instances), _SERIES_OF_STUDY),
    "NumberOfSeriesRelatedInstances": _counted(schema.tally.c.instances, _ONE_SERIES),
    "AvailableTransferSyntaxUID": schema.instance.c.transfer_syntax,
}
"""What is counted when it is asked for, of what each series holds; and what an object's place says of it."""

_COUNTED_OF_PATIENT: Final[Mapping[str, ColumnElement[Any]]] = {
    "NumberOfPatientRelatedStudies": func.count(schema.tally.c.study_row.distinct()),
    "NumberOfPatientRelatedSeries": func.count(schema.tally.c.series_row),
    "NumberOfPatientRelatedInstances": func.sum(schema.tally.c.instances),
}


def _of_patient(count: ColumnElement[Any], table: FromClause) -> Expression:
    """Count over all studies of the patient of a row of ``patient`` or ``study``."""
    studies = schema.study.alias("of_patient")
    row = table.c.id if table is schema.patient else table.c.patient_row
    held = studies.join(schema.tally, schema.tally.c.study_row == studies.c.id)
    return select(count).select_from(held).where(studies.c.patient_row == row).correlate(table).scalar_subquery()


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


def _order(keyword: str, columns: _Columns, *, descending: bool) -> list[Expression]:
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


def _keywords(term: Term) -> Iterator[str]:
    match term:
        case All(terms=inner) | Either(terms=inner) | SameValue(tests=inner) | Within(tests=inner):
            for each in inner:
                yield from _keywords(each)
        case Moment(date_keyword=date, time_keyword=time):
            yield from (date, time) if time else (date,)
        case Test(keyword=keyword) | Begins(keyword=keyword) | Present(keyword=keyword) | Missing(keyword=keyword):
            yield keyword


def _is_gathered(attribute: Attribute) -> bool:
    return attribute.computed and attribute.keyword in KEYED


def _term(term: Term, columns: _Columns) -> Expression:  # noqa: PLR0911 - one return per kind of term
    match term:
        case All(terms=terms):
            return and_(true(), *(_term(each, columns) for each in terms))
        case Either(terms=terms):
            return or_(false(), *(_term(each, columns) for each in terms))
        case Present(keyword=keyword):
            return columns(keyword).is_distinct_from("")
        case Missing(keyword=keyword):
            return columns(keyword).is_not_distinct_from("")
        case Moment():
            return _moment(term, columns)
        case Begins():
            return _begins(term, columns)
        case Within():
            return _within_text(term, columns)
        case Test():
            return _same_value((term,), columns)
        case SameValue(tests=tests):
            return _same_value(tests, columns)


def _same_value(tests: tuple[Test, ...], columns: _Columns) -> Expression:
    attribute = BY_KEYWORD[tests[0].keyword]
    found = [columns(test.keyword, test.column) for test in tests]
    single = and_(*(_holds(test, column) for test, column in zip(tests, found, strict=True)))
    has_several = (
        attribute.keyword in KEYED
        and attribute.matching is not Matching.INTEGER
        and attribute.vr not in UNSPLIT_VRS
        and tests[0].column != attribute.column
    )
    if not has_several:
        return single
    each = [
        _each_value(column, f"{test.column}_{i}") for i, (test, column) in enumerate(zip(tests, found, strict=True))
    ]
    together = and_(
        *(_holds(test, value.c.value) for test, value in zip(tests, each, strict=True)),
        *(value.c.key == each[0].c.key for value in each[1:]),
    )
    source = reduce(lambda left, right: left.join(right, true()), each)
    one_of_several = and_(_is_several(found[0]), exists(select(literal(1)).select_from(source).where(together)))
    if any(test.operator not in (Operator.EQUAL, Operator.IN, Operator.LIKE_PREFIX) for test in tests):
        single = and_(not_(_is_several(found[0])), single)
    return or_(single, one_of_several)


def _listed(json_array: Expression) -> Select[Any]:
    """Return the members of a JSON array: one parameter, however long the list."""
    value: Expression = literal_column("value")
    return select(value).select_from(func.json_each(json_array))


def _each_value(key: Expression, alias: str) -> Any:
    """Return the values of a key of several as a table."""
    return func.json_each(_json_array(key)).table_valued("key", "value").alias(alias)


def _holds(test: Test, value: Expression) -> Expression:
    # Whatever the operator, no absent value answers; and a partial index is used for nothing that does not say so.
    return and_(_is_present(value), *_held(test, value))


def _held(test: Test, value: Expression) -> tuple[Expression, ...]:  # noqa: PLR0911 - one return per operator
    named: list[Expression] = [bindparam(name) for name in test.names]
    match test.operator:
        case Operator.EQUAL:
            return (value == named[0],)
        case Operator.IN:
            return (value.in_(_listed(named[0])),)
        case Operator.LIKE:
            return (value.op("GLOB")(named[0]),)
        case Operator.LIKE_PREFIX:
            return (value >= named[1], value <= named[2], value.op("GLOB")(named[0]))
        case Operator.FROM:
            return (value >= named[0],)
        case Operator.TO:
            return (value <= named[0],)
        case Operator.BETWEEN:
            return (value.between(named[0], named[1]),)
        case Operator.KNOWN:
            return ()


def _is_present(value: Expression) -> Expression:
    """Return the very words of a partial index's condition: with a parameter in it the database could not tell."""
    return value.is_not(None) if isinstance(value.type, BigInteger) else value != _NOTHING


def _begins(term: Begins, columns: _Columns) -> Expression:
    word: Expression = bindparam(term.word)
    groups = [columns(term.keyword, name) for name in key_columns(BY_KEYWORD[term.keyword])]
    looked_through = or_(*(and_(_is_present(group), _part_begins(group, word)) for group in groups))
    if term.keyword != names.KEYWORD:
        return looked_through
    keyed = select(schema.name_word.c.name).where(schema.name_word.c.word.between(word, bindparam(term.last)))
    return or_(
        *(and_(_is_present(group), group.in_(keyed)) for group in groups),
        and_(_is_not_keyed(columns.patient), looked_through),
    )


def _within_text(term: Within, columns: _Columns) -> Expression:
    keyword = term.tests[0].keyword
    table = columns.patient if BY_KEYWORD[keyword].level is Level.PATIENT else schema.study
    texts = [columns(keyword, test.column) for test in term.tests]
    keyed = pieces.candidates(schema.piece_text, term.grams)
    may_fit = or_(*(and_(_is_present(text), text.in_(keyed)) for text in texts), _is_not_keyed(table))
    return and_(may_fit, or_(*(_same_value((test,), columns) for test in term.tests)))


def _is_not_keyed(table: Table) -> Expression:
    """Tell rows of a table that names have yet to be kept of (``names``)."""
    progress = schema.name_progress
    reached = select(progress.c.row).where(progress.c.table_name == table.name).scalar_subquery()
    return table.c.id > reached


def _part_begins(group: Expression, word: Expression) -> Expression:
    function: Expression = getattr(func, names.FUNCTION)(group, word)
    return function


def _moment(term: Moment, columns: _Columns) -> Expression:
    date = _key(term.date_keyword, columns)
    time: Expression = literal(_MIDNIGHT)
    if term.time_keyword is not None:
        time = _first_value(_key(term.time_keyword, columns))
        time = case((time == "", _MIDNIGHT), else_=time)
    return or_(
        and_(not_(_is_several(date)), _within(term, date, time)),
        and_(_is_several(date), _within(term, _first_value(date), time)),
    )


def _within(term: Moment, date: Expression, time: Expression) -> Expression:
    moment = date.concat(time)
    parts = [_is_present(date)]
    if term.low is not None and term.low_day is not None:
        parts += [date >= bindparam(term.low_day), moment >= bindparam(term.low)]
    if term.high is not None and term.high_day is not None:
        parts += [date <= bindparam(term.high_day), moment <= bindparam(term.high)]
    return and_(*parts)


def _key(keyword: str, columns: _Columns) -> Expression:
    return columns(keyword, key_columns(BY_KEYWORD[keyword])[0])


def _is_several(key: Expression) -> Expression:
    return and_(_is_present(key), key >= SEVERAL, key < AFTER_SEVERAL)


def _first_value(key: Expression) -> Expression:
    return case((_is_several(key), func.json_extract(_json_array(key), "$[0]")), else_=key)


def _json_array(key: Expression) -> Expression:
    """Return a key of several values as a JSON array: SQLite's JSON functions split text fastest."""
    values = func.replace(func.json_quote(func.substr(key, 2)), "\\\\", '","')
    return literal("[").concat(values).concat("]")
