"""A page of the study list is found along an index, from its nearer end, however many studies there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.dicom.query.model import Order, Query
from calotype.services.archive.ports import Channel, InstanceRecord, ObjectLocation, Origin
from calotype.stores.index import names, walks
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.plan import plan
from calotype.stores.index.schema import LISTED
from calotype.stores.index.sqlite import SqliteIndex

STUDIES = 600
NEAR = 10
NEWEST = (Order("StudyDate", descending=True), Order("StudyTime", descending=True))
ORDERS = [
    (Order(keyword, descending=descending), *NEWEST) for keyword in sorted(LISTED) for descending in (False, True)
] + [NEWEST, (Order("StudyDate"), Order("StudyTime"))]


def record(number: int) -> InstanceRecord:
    study = UID(f"1.{number + 1}")
    return InstanceRecord(
        ref=InstanceRef(study, UID(f"{study}.1"), UID(f"{study}.1.1")),
        sop_class=UID("1.2.840.10008.5.1.4.1.1.2"),
        attributes={"PatientID": f"P{number // 3}", "StudyDate": f"202401{number % 28 + 1:02d}", "Modality": "CT"},
        location=ObjectLocation(f"{number}.dcm", 10, 3, 7, bytes(32), UID("1.2.840.10008.1.2.1")),
        header=b"",
        origin=Origin(Channel.DIMSE),
        received_us=number,
    )


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("walks") / "index.sqlite"
    index = SqliteIndex(SqliteSettings(path, durable=False))
    for number in range(STUDIES):
        index.add(record(number))
    index.close()
    with closing(_opened(path)) as opened:
        yield opened


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    names.teach(connection)
    return connection


@pytest.fixture
def statements(connection: sqlite3.Connection) -> Iterator[list[str]]:
    told: list[str] = []
    connection.set_trace_callback(told.append)
    yield told
    connection.set_trace_callback(None)


def named(order: tuple[Order, ...]) -> str:
    return f"{'-' * order[0].descending}{order[0].keyword}"


@pytest.mark.parametrize("order", ORDERS, ids=named)
@pytest.mark.parametrize("offset", [0, 300, STUDIES - 10])
def test_a_page_is_read_from_an_index_and_sorts_nothing(
    connection: sqlite3.Connection,
    statements: list[str],
    monkeypatch: pytest.MonkeyPatch,
    order: tuple[Order, ...],
    offset: int,
) -> None:
    monkeypatch.setattr(walks, "NEAR", NEAR)
    shape, values = plan(Query(Level.STUDY, order=order))
    walks.page(connection, shape, values, 10, offset)
    asked = [sql for sql in statements if sql.lstrip().startswith("SELECT")]
    assert asked
    for sql in asked:
        for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall():
            assert "TEMP B-TREE" not in row[3], sql
            assert "COVERING INDEX" in row[3] or "anon" in row[3], (row[3], sql)


@pytest.mark.parametrize("order", ORDERS, ids=named)
@pytest.mark.parametrize("place", [(0, 0), (280, 280), (320, 270), (STUDIES - 10, 0)], ids=repr)
def test_no_more_rows_are_passed_by_than_lie_before_the_nearer_end(
    connection: sqlite3.Connection,
    statements: list[str],
    monkeypatch: pytest.MonkeyPatch,
    order: tuple[Order, ...],
    place: tuple[int, int],
) -> None:
    monkeypatch.setattr(walks, "NEAR", NEAR)
    offset, passed = place
    shape, values = plan(Query(Level.STUDY, order=order))
    assert len(walks.page(connection, shape, values, 10, offset)) == 10
    [walk] = [sql for sql in statements if "OFFSET" in sql and "WHERE" not in sql and "count" not in sql]
    assert passed - 1 <= int(walk.partition("OFFSET")[2]) <= passed


def test_an_order_that_no_index_keeps_is_sorted(connection: sqlite3.Connection, statements: list[str]) -> None:
    shape, values = plan(Query(Level.STUDY, order=(Order("SOPClassesInStudy"), *NEWEST)))
    assert len(walks.page(connection, shape, values, 10, 0)) == 10
    [sql] = [sql for sql in statements if sql.startswith("SELECT")]
    assert "TEMP B-TREE" in str(connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
