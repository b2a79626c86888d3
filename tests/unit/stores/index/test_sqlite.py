"""What is SQLite's own: errors in our words, several processes, what is remembered, what is cleaned up."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef, Level, Selection, StudyRef
from calotype.dicom.query.model import Query
from calotype.errors import CalotypeError, Conflict, OutOfResources, Unavailable
from calotype.services.archive.ports import Channel, InstanceRecord, ObjectLocation, Origin, Statistics
from calotype.stores.index import ledger
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.sqlite import SqliteIndex


def record(number: int = 1, study: str = "1", series: str = "1.1", **attributes: str) -> InstanceRecord:
    return InstanceRecord(
        ref=InstanceRef(UID(study), UID(series), UID(f"{series}.{number}")),
        sop_class=UID("1.2.840.10008.5.1.4.1.1.2"),
        attributes={"PatientID": "P1", **attributes},
        location=ObjectLocation(f"{series}.{number}.dcm", 1000, 300, 700, bytes(32), UID("1.2.840.10008.1.2.1")),
        header=b"header",
        origin=Origin(Channel.IMPORT),
        received_us=number,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.sqlite"


@pytest.fixture
def index(path: Path) -> Iterator[SqliteIndex]:
    made = SqliteIndex(SqliteSettings(path, durable=False))
    yield made
    made.close()


def test_an_index_is_its_owners_alone(path: Path) -> None:
    """It names patients and holds hashes of passwords: nobody else with an account on the machine reads it."""
    before = os.umask(0o022)
    try:
        with closing(SqliteIndex(SqliteSettings(path))) as index:
            index.add(record())
            modes = {file.name: stat.filemode(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert set(modes) == {"index.sqlite", "index.sqlite-wal", "index.sqlite-shm"}
    assert set(modes.values()) == {"-rw-------"}


class TestErrors:
    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(Unavailable, match=r"cannot open the index .*nowhere.*; its folder must exist"):
            SqliteIndex(SqliteSettings(tmp_path / "nowhere" / "index.sqlite"))

    def test_a_file_that_is_no_index_is_named(self, path: Path) -> None:
        path.write_bytes(b"DICM" * 1000)
        with pytest.raises(Unavailable, match=r"index\.sqlite is not an index; name another file"):
            SqliteIndex(SqliteSettings(path))

    def test_a_damaged_index_says_how_to_go_on(self, path: Path) -> None:
        index = SqliteIndex(SqliteSettings(path))
        for number in range(200):
            index.add(record(number))
        index.close()
        content = bytearray(path.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        path.write_bytes(content)
        with pytest.raises(Unavailable, match="is damaged; move it away and rebuild it with `calotype reindex`"):
            SqliteIndex(SqliteSettings(path))

    def test_a_locked_index_says_so(self, path: Path) -> None:
        index = SqliteIndex(SqliteSettings(path, busy_timeout_s=0.05))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked by another process"):
            index.add(record())
        assert list(index.find(Query(Level.STUDY))) == []
        other.execute("ROLLBACK")
        other.close()
        index.add(record())
        index.close()

    def test_a_full_disk_is_out_of_resources_and_leaves_no_trace(self, index: SqliteIndex) -> None:
        index.add(record())
        (pages,) = index._writer.execute("PRAGMA page_count").fetchone()
        index._writer.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        with pytest.raises(OutOfResources, match="no space left for the index"):
            index.add(replace(record(2, "2", "2.1"), header=bytes(100_000)))
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)
        index._writer.execute("PRAGMA max_page_count = 1000000").fetchall()
        index.add(replace(record(2, "2", "2.1"), header=bytes(100_000)))
        assert index.statistics() == Statistics(1, 2, 2, 2, 0, 2000)


class TestGroups:
    def test_a_record_that_cannot_be_written_fails_alone(self, index: SqliteIndex) -> None:
        good, bad = record(1), replace(record(2), received_us=2**70)
        outcomes = index._run([lambda: index._ledger.add(good), lambda: index._ledger.add(bad)])
        assert [type(outcome) for outcome in outcomes] == [frozenset, OverflowError]
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)

    def test_a_conflict_within_a_group_is_told_to_its_own_thread(self, index: SqliteIndex) -> None:
        outcomes = index._run([lambda: index._ledger.add(record(1))] * 2)
        assert [type(outcome) for outcome in outcomes] == [frozenset, Conflict]
        assert index.statistics().instances == 1

    def test_a_group_that_adds_and_removes_counts_right(self, index: SqliteIndex) -> None:
        one, two = record(1), record(2)
        works = [
            lambda: index._ledger.add(one),
            lambda: index._ledger.remove(one.ref),
            lambda: index._ledger.add(two),
            lambda: index._ledger.remove(two.ref),
            lambda: index._ledger.add(one),
        ]
        assert not [outcome for outcome in index._run(works) if isinstance(outcome, Exception)]
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)
        (match,) = index.find(Query(Level.SERIES, fields=frozenset({"NumberOfSeriesRelatedInstances"})))
        assert match["NumberOfSeriesRelatedInstances"] == "1"


class TestRemembering:
    def test_what_another_process_removed_is_not_remembered(self, index: SqliteIndex, path: Path) -> None:
        index.add(record(1))
        other = SqliteIndex(SqliteSettings(path, durable=False))
        other.remove(record(1).ref)
        index.add(record(2))
        assert other.statistics() == Statistics(1, 1, 1, 1, 0, 1000)
        assert [each.ref for each in other.locate(Selection.of(StudyRef(UID("1"))))] == [record(2).ref]
        other.close()

    def test_more_studies_and_series_than_are_remembered_count_right(
        self, index: SqliteIndex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ledger, "STUDIES_REMEMBERED", 2)
        monkeypatch.setattr(ledger, "SERIES_REMEMBERED", 2)
        for number in range(3):
            for study in range(4):
                for series in range(4):
                    name = f"P{number}-{study}-{series}"
                    index.add(record(number, f"{study}", f"{study}.{series}", Modality=f"M{series}", PatientSex=name))
        assert len(index._ledger._studies) == 2
        assert index.statistics() == Statistics(1, 4, 16, 48, 47, 48_000)
        fields = frozenset({"ModalitiesInStudy", "NumberOfStudyRelatedInstances"})
        for match in index.find(Query(Level.STUDY, fields=fields)):
            assert (match["ModalitiesInStudy"], match["NumberOfStudyRelatedInstances"]) == ("M0\\M1\\M2\\M3", "12")


class TestDurability:
    @pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
    def test_commits_are_synced_as_the_setting_says(self, path: Path, durable: bool, synchronous: int) -> None:  # noqa: FBT001 - a parameter of the test
        index = SqliteIndex(SqliteSettings(path, durable=durable))
        assert index._writer.execute("PRAGMA synchronous").fetchone() == (synchronous,)
        assert index._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        index.close()

    def test_a_verb_that_has_returned_is_committed(self, index: SqliteIndex, path: Path) -> None:
        index.add(record())
        other = sqlite3.connect(path)
        assert other.execute("SELECT count(*) FROM instance").fetchone() == (1,)
        other.close()

    def test_readers_cannot_write(self, index: SqliteIndex) -> None:
        with pytest.raises(CalotypeError), index._readers.lease() as connection:
            connection.execute("DELETE FROM instance")


class TestLongAnswers:
    def test_no_reader_is_held_between_matches(self, index: SqliteIndex, path: Path) -> None:
        for number in range(1200):
            index.add(record(number))
        answers = [index.find(Query(Level.IMAGE)), index.locate(Selection.of(StudyRef(UID("1")))), index.records()]
        for answer in answers:
            next(answer)
        with closing(sqlite3.connect(path)) as beside:
            # The index may be looking after itself just now, which ends; a reader held by an answer would not.
            while beside.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]:
                threading.Event().wait(0.02)
        assert [sum(1 for _ in answer) for answer in answers] == [1199] * 3

    def test_many_readers_read_at_once(self, index: SqliteIndex) -> None:
        index.add(record())
        start = threading.Barrier(8)
        seen: list[int] = []

        def read() -> None:
            start.wait()
            seen.extend(len(list(index.find(Query(Level.STUDY)))) for _ in range(50))

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [1] * 400


class TestHousekeeping:
    def test_the_log_is_checkpointed_beside_the_writer(self, index: SqliteIndex, path: Path) -> None:
        empty = path.stat().st_size
        index.add(record(0))
        index._housekeeper.wrote(10_000)
        while path.stat().st_size == empty:
            threading.Event().wait(0.005)
        assert path.stat().st_size > empty

    def test_closing_leaves_one_whole_file(self, path: Path) -> None:
        index = SqliteIndex(SqliteSettings(path))
        index.add(record())
        list(index.find(Query(Level.STUDY)))
        index.close()
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]


class TestRebuilding:
    def test_the_schema_after_a_swap_is_the_one_before(self, index: SqliteIndex) -> None:
        def drawn() -> set[tuple[str, str, str]]:
            rows = index._readers.fetch("SELECT type, name, coalesce(sql, '') FROM sqlite_master")
            return {(kind, name, sql.replace('"', "")) for kind, name, sql in rows}

        before = drawn()
        rebuild = index.rebuild()
        rebuild.add(record())
        rebuild.swap()
        assert {row[:2] for row in drawn()} == {row[:2] for row in before}

    def test_a_swap_leaves_nothing_in_the_log(self, index: SqliteIndex, path: Path) -> None:
        rebuild = index.rebuild()
        for number in range(300):
            rebuild.add(record(number))
        rebuild.swap()
        assert path.with_name(f"{path.name}-wal").stat().st_size == 0

    def test_what_another_process_adds_and_removes_is_caught_up_with(self, index: SqliteIndex, path: Path) -> None:
        other = SqliteIndex(SqliteSettings(path, durable=False))
        other.add(record(1))
        rebuild = index.rebuild()
        rebuild.add(record(1))
        other.add(record(2))
        other.remove(record(1).ref)
        rebuild.swap()
        assert [stored.ref for stored, _, _ in other.records()] == [record(2).ref]
        other.add(record(3))
        assert index.statistics() == Statistics(1, 1, 1, 2, 0, 2000)
        other.close()


class TestCost:
    """The hot path in counts, which no machine's mood changes."""

    def test_the_next_object_of_a_series_costs_six_statements(self, index: SqliteIndex) -> None:
        index.add(record(1))
        index.add(record(2))
        statements: list[str] = []
        index._writer.set_trace_callback(statements.append)
        index.add(record(3))
        index._writer.set_trace_callback(None)
        assert [statement.split()[0] for statement in statements] == [
            "BEGIN",
            "PRAGMA",
            "INSERT",
            "INSERT",
            "UPDATE",
            "COMMIT",
        ]

    def test_the_first_object_of_a_study_writes_each_row_once(self, index: SqliteIndex) -> None:
        statements: list[str] = []
        index._writer.set_trace_callback(statements.append)
        index.add(record(1))
        index._writer.set_trace_callback(None)
        written = [statement.split()[:3] for statement in statements]
        assert [words[2] for words in written if words[0] == "INSERT"] == [
            "patient",
            "study",
            "series",
            "tally",
            "instance",
            "header",
        ]
        assert [words[1] for words in written if words[0] == "UPDATE"] == ["tally"]
