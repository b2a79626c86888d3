"""The pinyin of the worklist's names: kept with an item, read later where it was not, and no answer depends on it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from calotype.dicom.query.model import Romanised, Wildcard
from calotype.services.worklist.items import Item, StepStatus
from calotype.services.worklist.ports import StepQuery
from calotype.services.worklist.validation import read_item
from calotype.stores.index import worklist_readings
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.index.worklist import SqliteWorklist
from support import indexes
from support.worklists import given

READINGS = {
    "张^三丰": "zhang^sanfeng",
    "=王^芳": "wang^fang",
    "王^芳==Wang^Fang": "wang^fang",
    "Wang^Fang=王^芳": "",
    "Doe^John": "",
    "=山田^たろう": "",
    "吕^布": "lyu^bu",
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    with closing(indexes.in_folder(tmp_path)) as made:
        yield made


def item(number: int, name: str) -> Item:
    return replace(read_item(given(number, PatientName=name)), item_id=f"item{number}")


def kept(index: SqliteIndex) -> list[str | None]:
    return [reading for (reading,) in index.read("SELECT patient_name_romanised FROM worklist_step ORDER BY id")]


def found(index: SqliteIndex, key: str) -> list[str]:
    asked = StepQuery((Romanised("PatientName", Wildcard("PatientName", key)),))
    return sorted(entry.step_id for entry in SqliteWorklist(index).find(asked))


def forget(index: SqliteIndex) -> None:
    """Leave the rows as an older release has written them."""
    index.write(lambda connection: connection.execute("UPDATE worklist_step SET patient_name_romanised = NULL"))


def test_an_item_brings_its_reading_with_it(index: SqliteIndex) -> None:
    for number, name in enumerate(READINGS):
        SqliteWorklist(index).add(item(number, name))
    assert kept(index) == list(READINGS.values())


def test_what_has_not_been_read_is_found_alike_and_then_read(index: SqliteIndex) -> None:
    for number, name in enumerate(READINGS):
        SqliteWorklist(index).add(item(number, name))
    keys = ("zhang*", "*fang", "w?ng^*", "doe*", "lyu*", "*")
    before = [found(index, key) for key in keys]
    assert before[1:3] == [["S1", "S2", "S3"]] * 2
    forget(index)
    assert [found(index, key) for key in keys] == before
    index.key_all_names()
    assert kept(index) == list(READINGS.values())
    assert [found(index, key) for key in keys] == before


def test_an_item_with_another_name_is_read_anew(index: SqliteIndex) -> None:
    store = SqliteWorklist(index)
    store.add(item(1, "张^三丰"))
    store.change("item1", lambda old: replace(item(1, "李^四"), created_us=old.created_us))
    assert (found(index, "zhang*"), found(index, "li*")) == ([], ["S1"])
    index.key_all_names()
    assert kept(index) == ["li^si"]
    store.change("item1", lambda _: item(1, "Doe^John"))
    index.key_all_names()
    assert (kept(index), found(index, "li*"), found(index, "doe*")) == ([""], [], ["S1"])


def test_a_step_that_moves_on_keeps_its_reading(index: SqliteIndex) -> None:
    store = SqliteWorklist(index)
    store.add(item(1, "张^三丰"))
    # What nobody would read: it was not made anew.
    index.write(lambda connection: connection.execute("UPDATE worklist_step SET patient_name_romanised = 'kept'"))
    store.change("item1", lambda old: old.with_status(StepStatus.ARRIVED))
    assert kept(index) == ["kept"]


def test_readings_of_an_item_that_has_changed_meanwhile_are_not_kept(index: SqliteIndex) -> None:
    store = SqliteWorklist(index)
    store.add(item(1, "张^三丰"))
    forget(index)
    readings = worklist_readings.read_some(index.read)
    store.change("item1", lambda _: item(1, "李^四"))
    index.write(lambda connection: worklist_readings.keep(connection.execute, readings))
    index.key_all_names()
    assert kept(index) == ["li^si"]


def test_more_than_fit_one_piece_of_work_and_steps_without_an_item(index: SqliteIndex) -> None:
    store = SqliteWorklist(index)
    for number in range(worklist_readings.SLICE + 5):
        store.add(item(number, "=王^芳"))
    forget(index)
    index.write(lambda connection: connection.execute("DELETE FROM worklist_item WHERE item_id = 'item0'"))
    index.key_all_names()
    assert kept(index) == ["", *["wang^fang"] * (worklist_readings.SLICE + 4)]


def test_items_of_an_older_release_are_read(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    indexes.upgrade(path, "v0016")
    with closing(sqlite3.connect(path)) as connection, connection:
        texts = [
            name
            for _, name, kind, is_needed, *_ in connection.execute("PRAGMA table_info(worklist_step)")
            if is_needed and kind == "TEXT"
        ]
        for number, name in enumerate(READINGS):
            attributes = json.dumps({"PatientName": name})
            connection.execute(
                "INSERT INTO worklist_item VALUES (?, ?, ?, 'R', ?, 1, 1)",
                (number + 1, f"i{number}", number, attributes),
            )
            groups = [*name.lower().split("="), "", ""]
            values = {"patient_name": groups[0], "patient_name_ideographic": groups[1], "status": "scheduled"}
            values |= {"attributes": json.dumps({"ScheduledProcedureStepID": f"S{number}"})}
            connection.execute(
                f"INSERT INTO worklist_step (item_row, position, {', '.join(texts)})"
                f" VALUES (?, 0{', ?' * len(texts)})",
                (number + 1, *(values.get(each, "") for each in texts)),
            )
    with closing(indexes.in_folder(tmp_path)) as index:
        assert found(index, "*fang") == ["S1", "S2", "S3"]
        index.key_all_names()
        assert kept(index) == list(READINGS.values())
        assert found(index, "*fang") == ["S1", "S2", "S3"]
