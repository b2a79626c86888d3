"""The key of fuzzy matching in SQLite: kept when the index is quiet, dropped with the last who bears a name."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.model import PartBegins, Query
from calotype.errors import Unavailable
from calotype.services.archive.ports import InstanceRecord
from calotype.stores.index import names
from calotype.stores.index.compile import Form, statement
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.name_keeper import NameKeeper
from calotype.stores.index.plan import plan
from calotype.stores.index.sqlite import SqliteIndex
from support import indexes


def record(number: int, name: str, patient: str = "") -> InstanceRecord:
    return indexes.record(UID(f"1.{number}"), PatientName=name, PatientID=patient or f"P{number}")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    with closing(indexes.in_folder(tmp_path)) as made:
        yield made


def words(index: SqliteIndex) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in index.read("SELECT word, name FROM name_word ORDER BY word, name")]


def found(index: SqliteIndex, word: str, level: Level = Level.STUDY) -> list[str]:
    matches = index.find(Query(level, (PartBegins("PatientName", word),), frozenset({"PatientID"})))
    return sorted(match["PatientID"] for match in matches)


def test_names_are_keyed_once_for_all_who_bear_them(index: SqliteIndex) -> None:
    for number, name in enumerate(["Doe^John", "DOE^JOHN", "=张^三", ""]):
        index.add(record(number, name))
    assert words(index) == []
    index.key_all_names()
    assert words(index) == [
        ("doejohn", "doe^john"),
        ("johndoe", "doe^john"),
        ("sanzhang", "张^三"),
        ("zhangs", "张^三"),
        ("zhangsan", "张^三"),
        ("zs", "张^三"),
        ("三张", "张^三"),
        ("张三", "张^三"),
    ]


@pytest.mark.parametrize("level", [Level.PATIENT, Level.STUDY, Level.SERIES, Level.IMAGE])
def test_keyed_names_and_others_are_found_alike(index: SqliteIndex, level: Level) -> None:
    index.add(record(1, "Doe^John"))
    index.key_all_names()
    index.add(record(2, "Roe^John"))
    index.add(record(3, "Roe^Jane"))
    assert found(index, "john", level) == ["P1", "P2"]


def test_a_name_goes_with_the_last_who_bears_it(index: SqliteIndex) -> None:
    first, second = record(1, "Doe^John", "A"), record(2, "Doe^John", "B")
    index.add(first)
    index.add(second)
    index.key_all_names()
    index.remove(first.ref)
    assert len(words(index)) == 2
    index.remove(second.ref)
    assert words(index) == []


def test_a_row_number_that_is_given_again_is_keyed_again(index: SqliteIndex) -> None:
    index.add(record(1, "Doe^John"))
    gone = record(2, "Roe^Jane")
    index.add(gone)
    index.key_all_names()
    index.remove(gone.ref)
    index.add(record(3, "Poe^Edgar"))
    assert found(index, "edgar") == found(index, "edgar", Level.PATIENT) == ["P3"]
    index.key_all_names()
    assert found(index, "edgar") == found(index, "edgar", Level.PATIENT) == ["P3"]


def test_a_study_that_is_read_again_under_another_name(index: SqliteIndex) -> None:
    was = record(1, "Dce^John")
    index.add(was)
    index.key_all_names()
    index.reread(was.ref.study, [record(1, "Doe^John")])
    assert (found(index, "doe"), found(index, "dce")) == (["P1"], [])
    index.key_all_names()
    assert words(index) == [("doejohn", "doe^john"), ("johndoe", "doe^john")]


def test_a_rebuild_begins_anew(index: SqliteIndex) -> None:
    index.add(record(1, "Doe^John"))
    index.key_all_names()
    rebuild = index.rebuild()
    rebuild.add(record(2, "Roe^Jane"))
    rebuild.swap()
    assert words(index) == []
    assert found(index, "jane") == ["P2"]
    index.key_all_names()
    assert words(index) == [("janeroe", "roe^jane"), ("roejane", "roe^jane")]


def test_words_of_another_version_are_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    index = SqliteIndex(SqliteSettings(path, durable=False))
    index.add(record(1, "Doe^John"))
    index.key_all_names()
    index.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE name_progress SET version = version - 1")
        connection.execute("UPDATE name_word SET word = 'old' || word")
    connection.close()
    index = SqliteIndex(SqliteSettings(path, durable=False))
    assert found(index, "olddoe") == []
    assert found(index, "doe") == ["P1"]
    index.close()


def test_more_names_than_fit_one_piece_of_work(index: SqliteIndex) -> None:
    count = names.SLICE + 5
    for number in range(count):
        index.add(record(number, f"Doe^N{number}"))
    index.key_all_names()
    assert len(words(index)) == 2 * count
    assert len(found(index, "doe")) == count


@pytest.mark.parametrize("level", [Level.PATIENT, Level.STUDY])
def test_a_part_is_found_through_the_key(index: SqliteIndex, level: Level) -> None:
    shape, values = plan(Query(level, (PartBegins("PatientName", "doe"),)))
    sql, constants = statement(shape, Form.ANY)
    steps = [row[3] for row in index.read(f"EXPLAIN QUERY PLAN {sql}", {**constants, **values, "limit": -1})]
    assert not [step for step in steps if step.startswith("SCAN") and "CONSTANT" not in step], steps
    assert [step for step in steps if step.startswith("SEARCH name_word USING PRIMARY KEY (word>? AND word<?)")]


class Work:
    """Names to key: so many pieces, each announced when it is done."""

    def __init__(self, pieces: int, *, failing: int = 0) -> None:
        self.left = pieces
        self.failing = failing
        self.done = threading.Event()
        self.failed = threading.Event()

    def is_behind(self) -> bool:
        if not self.left:
            self.done.set()
        return self.left > 0

    def key_some(self) -> None:
        if self.failing:
            self.failing -= 1
            self.failed.set()
            raise Unavailable("the disk is away")
        self.left -= 1


def test_the_keeper_does_what_was_left_undone_and_whatever_comes() -> None:
    work = Work(3)
    keeper = NameKeeper(work.is_behind, work.key_some, quiet_s=0)
    assert work.done.wait(30)
    work.left = 2
    work.done.clear()
    keeper.wrote()
    assert work.done.wait(30)
    keeper.stop()


def test_the_keeper_tries_again_after_a_failure() -> None:
    work = Work(1, failing=1)
    keeper = NameKeeper(work.is_behind, work.key_some, quiet_s=0)
    assert work.failed.wait(30)
    keeper.wrote()
    assert work.done.wait(30)
    keeper.stop()


def test_the_keeper_lets_a_busy_index_alone_and_stops_at_once() -> None:
    work = Work(1)
    keeper = NameKeeper(work.is_behind, work.key_some, quiet_s=3600)
    keeper.stop()
    assert work.left == 1
