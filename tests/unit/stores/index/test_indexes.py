"""Every optional key is found through its index, though an index holds only the rows that have something there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.attributes import INDEXED, Attribute, Matching
from calotype.dicom.query.model import Condition, Exact, Query, Range, Wildcard
from calotype.stores.index import schema
from calotype.stores.index.compile import Form, statement
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.keys import key_columns
from calotype.stores.index.plan import plan
from calotype.stores.index.sqlite import SqliteIndex

VALUES = {
    Matching.ID: "A1",
    Matching.CODE: "CT",
    Matching.TEXT: "word",
    Matching.NAME: "Li^Ming",
    Matching.DATE: "20240102",
    Matching.TIME: "101500",
    Matching.INTEGER: "7",
}
TABLES = {Level.PATIENT: schema.patient, Level.STUDY: schema.study, Level.SERIES: schema.series}


def is_led(attribute: Attribute, level: Level) -> bool:
    leading = {index.expressions[0] for index in TABLES[level].indexes}
    table = TABLES[level]
    return any(table.c[name] in leading for name in key_columns(attribute))


KEYS = [
    (level, attribute)
    for level in TABLES
    for attribute in INDEXED
    if attribute in schema.stored(level) and attribute.matching in VALUES and is_led(attribute, level)
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteIndex]:
    opened = SqliteIndex(SqliteSettings(tmp_path_factory.mktemp("plans") / "index.sqlite"))
    yield opened
    opened.close()


def steps(index: SqliteIndex, level: Level, condition: Condition) -> list[str]:
    shape, values = plan(Query(level, (condition,)))
    sql, constants = statement(shape, Form.ANY)
    rows = index.read(f"EXPLAIN QUERY PLAN {sql}", {**constants, **values, "limit": -1})
    return [row[3] for row in rows if TABLES[level].name in row[3].split()]


def conditions(attribute: Attribute) -> list[Condition]:
    value = VALUES[attribute.matching]
    if attribute.matching in (Matching.DATE, Matching.TIME):
        return [Exact(attribute.keyword, value), Range(attribute.keyword, value, None)]
    if attribute.matching is Matching.INTEGER:
        return [Exact(attribute.keyword, value)]
    return [Exact(attribute.keyword, value), Wildcard(attribute.keyword, f"{value}*")]


@pytest.mark.parametrize(("level", "attribute"), KEYS, ids=lambda each: getattr(each, "keyword", None))
def test_a_question_for_one_key_uses_its_index(index: SqliteIndex, level: Level, attribute: Attribute) -> None:
    for condition in conditions(attribute):
        found = steps(index, level, condition)
        assert found
        for step in found:
            assert f"INDEX ix_{TABLES[level].name}_" in step, step
            # A name is found by what stands anywhere in an index that holds all its groups.
            assert attribute.matching is Matching.NAME or step.startswith("SEARCH"), step


def test_most_indexes_hold_only_what_can_be_found() -> None:
    partial = [
        index
        for table in TABLES.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    ]
    assert len(partial) > 35
