"""The terms of a plan as conditions of SQL.

Keys of several values (``keys``) lie together in each index, so a test is "the key, or one value of a key of
several", and both halves are looked up in the same index. GLOB and the functions of JSON are SQLite's; another
database has its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
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

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.attributes import BY_KEYWORD, Matching
from calotype.stores.index import names, pieces, schema
from calotype.stores.index.keys import AFTER_SEVERAL, KEYED, SEVERAL, UNSPLIT_VRS, key_columns
from calotype.stores.index.places import Columns, Expression
from calotype.stores.index.plan import (
    All,
    Begins,
    Either,
    Missing,
    Moment,
    Operator,
    Present,
    SameValue,
    Term,
    Test,
    Within,
)

_MIDNIGHT: Final = "000000.000000"
_NOTHING: Final[Expression] = literal_column("''")


def keywords_of(term: Term) -> Iterator[str]:
    """Return the attributes that a term is about."""
    match term:
        case All(terms=inner) | Either(terms=inner) | SameValue(tests=inner) | Within(tests=inner):
            for each in inner:
                yield from keywords_of(each)
        case Moment(date_keyword=date, time_keyword=time):
            yield from (date, time) if time else (date,)
        case Test(keyword=keyword) | Begins(keyword=keyword) | Present(keyword=keyword) | Missing(keyword=keyword):
            yield keyword


def condition(term: Term, columns: Columns) -> Expression:  # noqa: PLR0911 - one return per kind of term
    """Return what the rows of a term fulfil."""
    match term:
        case All(terms=terms):
            return and_(true(), *(condition(each, columns) for each in terms))
        case Either(terms=terms):
            return or_(false(), *(condition(each, columns) for each in terms))
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


def _same_value(tests: tuple[Test, ...], columns: Columns) -> Expression:
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


def listed(json_array: Expression) -> Select[Any]:
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
            return (value.in_(listed(named[0])),)
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


def _begins(term: Begins, columns: Columns) -> Expression:
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


def _within_text(term: Within, columns: Columns) -> Expression:
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


def _moment(term: Moment, columns: Columns) -> Expression:
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


def _key(keyword: str, columns: Columns) -> Expression:
    return columns(keyword, key_columns(BY_KEYWORD[keyword])[0])


def _is_several(key: Expression) -> Expression:
    return and_(_is_present(key), key >= SEVERAL, key < AFTER_SEVERAL)


def _first_value(key: Expression) -> Expression:
    return case((_is_several(key), func.json_extract(_json_array(key), "$[0]")), else_=key)


def _json_array(key: Expression) -> Expression:
    """Return a key of several values as a JSON array: SQLite's JSON functions split text fastest."""
    values = func.replace(func.json_quote(func.substr(key, 2)), "\\\\", '","')
    return literal("[").concat(values).concat("]")
