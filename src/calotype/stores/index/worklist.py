"""The worklist's rows, in the same file as the index: scheduled items and performed steps.

Attributes stand as JSON; keys stand in columns beside them (``worklist_keys``). Questions go through
``worklist_compile``, and what that cannot say for certain is decided by ``dicom.query.matching``.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import orjson

from calotype.dicom.hierarchy import UID
from calotype.dicom.keywords import Attributes
from calotype.dicom.query.matching import holds
from calotype.dicom.query.model import Page
from calotype.errors import Conflict, NotFound
from calotype.services.archive.ports import Total
from calotype.services.worklist.items import Entry, Item, Step, StepStatus, entry
from calotype.services.worklist.ports import Move, PerformedRecord, StepQuery
from calotype.stores.index import worklist_compile
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.index.worklist_keys import COLUMNS, READ, READING, reading, step_keys

ITEM: Final = """
SELECT id, item_id, attributes, created_us, updated_us FROM worklist_item WHERE item_id = ?
"""
ITEMS_OF_STUDY: Final = """
SELECT id, item_id, attributes, created_us, updated_us FROM worklist_item WHERE study_instance_uid = ? ORDER BY id
"""
STEPS: Final = "SELECT attributes, status FROM worklist_step WHERE item_row = ? ORDER BY position"
SAME_PROCEDURE: Final = """
SELECT item_id FROM worklist_item WHERE study_instance_uid = ? AND requested_procedure_id = ?
"""
ADD_ITEM: Final = """
INSERT INTO worklist_item (study_instance_uid, requested_procedure_id, attributes, created_us, updated_us, item_id)
VALUES (?, ?, ?, ?, ?, ?)
"""
CHANGE_ITEM: Final = """
UPDATE worklist_item SET study_instance_uid = ?, requested_procedure_id = ?, attributes = ?, created_us = ?,
  updated_us = ? WHERE item_id = ?
"""
REMOVE_ITEM: Final = "DELETE FROM worklist_item WHERE id = ?"
REMOVE_STEPS: Final = "DELETE FROM worklist_step WHERE item_row = ?"
ADD_STEP: Final = (
    f"INSERT INTO worklist_step (item_row, position, status, attributes, {', '.join(COLUMNS)}, {READING})"  # noqa: S608 - names of ours
    f" VALUES (?, ?, ?, ?{', ?' * len(COLUMNS)}, ?)"
)
READING_OF_ITEM: Final = f"SELECT {READING} FROM worklist_step WHERE item_row = ? LIMIT 1"  # noqa: S608 - a name of ours
ENTRIES: Final = """
SELECT s.id, i.item_id, i.attributes, s.attributes, s.status
FROM worklist_step AS s JOIN worklist_item AS i ON i.id = s.item_row
WHERE s.id IN (SELECT value FROM json_each(?))
"""
PERFORMED: Final = """
SELECT sop_instance_uid, state, data_set, calling_ae_title, created_us, updated_us FROM performed_step
WHERE sop_instance_uid = ?
"""
NEWEST_PERFORMED: Final = """
SELECT sop_instance_uid, state, data_set, calling_ae_title, created_us, updated_us FROM performed_step
ORDER BY id DESC LIMIT ? OFFSET ?
"""
ADD_PERFORMED: Final = """
INSERT INTO performed_step (state, data_set, calling_ae_title, created_us, updated_us, sop_instance_uid)
VALUES (?, ?, ?, ?, ?, ?)
"""
CHANGE_PERFORMED: Final = """
UPDATE performed_step SET state = ?, data_set = ?, calling_ae_title = ?, created_us = ?, updated_us = ?
WHERE sop_instance_uid = ?
"""

FIRST: Final = 50
"""Steps that are given before the others are read."""
CHUNK: Final = 500


class SqliteWorklist:
    """Implements ``services.worklist.ports.WorklistStore`` and ``PerformedStore``."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def add(self, item: Item) -> None:
        """Keep a new item; see the port."""
        values, steps = item_values(item), list(step_values(item, reading(item.attributes)))

        def work(connection: sqlite3.Connection) -> None:
            _check_procedure(connection, item)
            number = connection.execute(ADD_ITEM, values).lastrowid
            connection.executemany(ADD_STEP, [(number, *step) for step in steps])

        self._index.write(work)

    def item(self, item_id: str) -> Item:
        """Return an item. NotFound."""
        row = _first(self._index.read(ITEM, (item_id,)), f"worklist item {item_id}")
        return _item(row, self._index.read(STEPS, (row[0],)))

    def of_study(self, study: str) -> list[Item]:
        """Return the items of a Study Instance UID, oldest first."""
        found = self._index.read(ITEMS_OF_STUDY, (study,))
        return [_item(row, self._index.read(STEPS, (row[0],))) for row in found]

    def change(self, item_id: str, change: Callable[[Item], Item]) -> Item:
        """Put ``change(item)`` in an item's place; see the port."""

        def work(connection: sqlite3.Connection) -> Item:
            row = _first(connection.execute(ITEM, (item_id,)).fetchall(), f"worklist item {item_id}")
            old = _item(row, connection.execute(STEPS, (row[0],)).fetchall())
            new = change(old)
            _check_procedure(connection, new)
            _put(connection, row[0], old, new)
            return new

        return self._index.write(work)

    def remove(self, item_id: str) -> None:
        """Forget an item and its steps. NotFound."""

        def work(connection: sqlite3.Connection) -> None:
            row = _first(connection.execute(ITEM, (item_id,)).fetchall(), f"worklist item {item_id}")
            connection.execute(REMOVE_STEPS, (row[0],))
            connection.execute(REMOVE_ITEM, (row[0],))

        self._index.write(work)

    def find(self, query: StepQuery) -> Iterator[Entry]:
        """Answer a question; nothing is held between two answers but row numbers."""
        asked = worklist_compile.question(query)
        numbers = array("q", (number for (number,) in self._index.read(*worklist_compile.rows(query, asked))))
        found = self._entries(query, numbers)
        if asked.is_exact:
            return found
        page = query.page
        return islice(found, page.offset, None if page.limit is None else page.offset + page.limit)

    def count(self, query: StepQuery, cap: int) -> Total:
        """Count the answers to a question, up to ``cap``."""
        asked = worklist_compile.question(query)
        if asked.is_exact:
            ((found,),) = self._index.read(*worklist_compile.count(asked, cap + 1))
        else:
            numbers = array("q", (number for (number,) in self._index.read(*worklist_compile.rows(query, asked))))
            found = sum(1 for _ in islice(self._entries(query, numbers), cap + 1))
        return Total(cap, at_least=True) if found > cap else Total(found)

    def _entries(self, query: StepQuery, numbers: array[int]) -> Iterator[Entry]:
        """Read the listed steps in their order, and leave out what no longer answers, or never did."""
        at, size = 0, FIRST
        while at < len(numbers):
            part = numbers[at : at + size]
            rows = {row[0]: row for row in self._index.read(ENTRIES, [json.dumps(part.tolist())])}
            for number in part:
                row = rows.get(number)
                if row is None:
                    continue
                step = Step(orjson.loads(row[3]), StepStatus(row[4]))
                found = entry(row[1], orjson.loads(row[2]), step)
                if step.status in query.statuses and all(holds(each, found.attributes) for each in query.conditions):
                    yield found
            at, size = at + size, CHUNK

    def create(self, record: PerformedRecord, moves: Sequence[Move] = ()) -> None:
        """Keep a new performed step, and move scheduled ones. Conflict."""

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute(PERFORMED, (record.sop_instance,)).fetchone() is not None:
                raise Conflict(f"performed step {record.sop_instance} is here already")
            connection.execute(ADD_PERFORMED, _performed_values(record))
            _move(connection, moves)

        self._index.write(work)

    def performed(self, sop_instance: UID) -> PerformedRecord:
        """Return a performed step. NotFound."""
        return _performed(_first(self._index.read(PERFORMED, (sop_instance,)), f"performed step {sop_instance}"))

    def update(
        self,
        sop_instance: UID,
        change: Callable[[PerformedRecord], PerformedRecord],
        moves: Sequence[Move] = (),
    ) -> PerformedRecord:
        """Put ``change(record)`` in a record's place, and move scheduled steps; see the port."""

        def work(connection: sqlite3.Connection) -> PerformedRecord:
            found = connection.execute(PERFORMED, (sop_instance,)).fetchall()
            new = change(_performed(_first(found, f"performed step {sop_instance}")))
            connection.execute(CHANGE_PERFORMED, _performed_values(new))
            _move(connection, moves)
            return new

        return self._index.write(work)

    def newest(self, page: Page) -> list[PerformedRecord]:
        """Return a page of performed steps, newest first."""
        limit = -1 if page.limit is None else page.limit
        return [_performed(row) for row in self._index.read(NEWEST_PERFORMED, (limit, page.offset))]


def _first(rows: Sequence[tuple[Any, ...]], what: str) -> tuple[Any, ...]:
    if not rows:
        raise NotFound(f"there is no {what}")
    return rows[0]


def _check_procedure(connection: sqlite3.Connection, item: Item) -> None:
    for (other,) in connection.execute(SAME_PROCEDURE, (item.study, item.procedure_id)):
        if other != item.item_id:
            raise Conflict(
                f"requested procedure {item.procedure_id} of study {item.study} is scheduled already: item {other}"
            )


def _put(connection: sqlite3.Connection, number: int, old: Item, new: Item) -> None:
    known: str | None = None
    if new.attributes.get(READ) == old.attributes.get(READ):
        # A new name is not read here: the transaction is that of whoever stores at this moment.
        ((known,),) = connection.execute(READING_OF_ITEM, (number,)).fetchall() or ((None,),)
    # Values first: nothing may be refused once something is written.
    values, steps = item_values(new), list(step_values(new, known))
    connection.execute(CHANGE_ITEM, values)
    connection.execute(REMOVE_STEPS, (number,))
    connection.executemany(ADD_STEP, [(number, *step) for step in steps])


def _move(connection: sqlite3.Connection, moves: Sequence[Move]) -> None:
    for move in moves:
        for row in connection.execute(ITEM, (move.item_id,)).fetchall():
            old = _item(row, connection.execute(STEPS, (row[0],)).fetchall())
            _put(connection, row[0], old, move.of(old))


def _written(attributes: Attributes) -> str:
    return orjson.dumps(attributes).decode("utf-8")


def item_values(item: Item) -> tuple[Any, ...]:
    """Return the values of an item's row, as :data:`ADD_ITEM` and :data:`CHANGE_ITEM` take them."""
    attributes = _written(item.attributes)
    return item.study, item.procedure_id, attributes, item.created_us, item.updated_us, item.item_id


def step_values(item: Item, reading: str | None) -> Iterator[tuple[Any, ...]]:
    """Return the values of its steps' rows, as :data:`ADD_STEP` takes them after the item's row number.

    ``reading``: that of its patient's name (``worklist_keys.reading``), ``None`` while nobody has read it.
    """
    for position, step in enumerate(item.steps):
        keys = step_keys(item.attributes, step.attributes)
        yield position, step.status.value, _written(step.attributes), *keys, reading


def _item(row: Sequence[Any], steps: Sequence[Sequence[Any]]) -> Item:
    read = tuple(Step(orjson.loads(attributes), StepStatus(status)) for attributes, status in steps)
    return Item(row[1], orjson.loads(row[2]), read, row[3], row[4])


def _performed_values(record: PerformedRecord) -> tuple[Any, ...]:
    times = (record.created_us, record.updated_us)
    return record.state, record.data_set, record.calling_ae_title, *times, record.sop_instance


def _performed(row: Sequence[Any]) -> PerformedRecord:
    return PerformedRecord(UID(row[0]), row[1], row[2], row[3], row[4], row[5])
