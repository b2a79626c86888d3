"""What stands within texts, in SQLite: kept when the index is quiet, dropped with the last who has the text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.model import Page, Query, Wildcard
from calotype.services.archive.ports import InstanceRecord
from calotype.stores.index import pieces
from calotype.stores.index.compile import Form, statement
from calotype.stores.index.plan import plan
from calotype.stores.index.sqlite import SqliteIndex
from support import indexes


def record(number: int, name: str = "", **said: str) -> InstanceRecord:
    return indexes.record(UID(f"1.{number}"), **{"PatientName": name, "PatientID": f"P{number}"} | said)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    with closing(indexes.in_folder(tmp_path)) as made:
        yield made


def kept(index: SqliteIndex) -> set[str]:
    return {row[0] for row in index.read("SELECT text FROM piece_text")}


def found(index: SqliteIndex, pattern: str, keyword: str = "PatientName", level: Level = Level.STUDY) -> list[str]:
    query = Query(level, (Wildcard(keyword, pattern),), frozenset({"PatientID"}), page=Page(100))
    assert index.count(query, 1000).count == len(list(index.find(query)))
    return sorted(match["PatientID"] for match in index.find(query))


@pytest.mark.parametrize("level", Level)
def test_kept_texts_and_others_are_found_alike(index: SqliteIndex, level: Level) -> None:
    index.add(record(1, "Smithson^John"))
    index.add(record(2, "Thomson^Mith"))
    index.key_all_names()
    index.add(record(3, "Goldsmith^Jane"))
    assert found(index, "*smith*", level=level) == ["P1", "P3"]
    assert found(index, "*MITH*", level=level) == ["P1", "P2", "P3"]


@pytest.mark.parametrize(
    ("keyword", "pattern"),
    [("PatientID", "*-77*"), ("AccessionNumber", "*77/A*"), ("StudyDescription", "*abdomen*")],
)
def test_numbers_and_descriptions_too(index: SqliteIndex, keyword: str, pattern: str) -> None:
    index.add(record(1, PatientID="A-77-B", AccessionNumber="2024-77/A", StudyDescription="CT Abdomen native"))
    index.add(record(2, PatientID="A77", AccessionNumber="2024-77", StudyDescription="CT Thorax"))
    index.key_all_names()
    assert found(index, pattern, keyword) == ["A-77-B"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*三*", ["P1", "P2"]),
        ("*三丰*", ["P1"]),
        ("*丰", ["P1"]),
        ("?三*", ["P2"]),
        ("*zhang*", ["P1"]),
        ("*an?^*feng", ["P1"]),
        ("*ab*", ["P3"]),
        ('*"quoted"*', ["P3"]),
        ("*[x]*", ["P3"]),
        ("*nobody*", []),
    ],
)
def test_patterns(index: SqliteIndex, pattern: str, expected: list[str]) -> None:
    index.add(record(1, "Zhang^Sanfeng=张^三丰"))
    index.add(record(2, "Li=李三"))
    index.add(record(3, 'Ab^"Quoted" [x]'))
    index.add(record(4))
    assert found(index, pattern) == expected
    index.key_all_names()
    assert found(index, pattern) == expected


def test_a_text_goes_with_the_last_who_has_it(index: SqliteIndex) -> None:
    first, second = record(1, "Doe^John", AccessionNumber="A1"), record(2, "Doe^John", AccessionNumber="A2")
    index.add(first)
    index.add(second)
    index.key_all_names()
    assert kept(index) == {"doe^john", "P1", "P2", "A1", "A2"}
    index.remove(first.ref)
    assert kept(index) == {"doe^john", "P2", "A2"}
    index.remove(second.ref)
    assert kept(index) == set()
    # Its trigrams went with it: a text that gets its row number has none of them.
    index.add(record(3, "Poe^Edgar"))
    index.key_all_names()
    assert index.read("SELECT count(*) FROM piece WHERE piece MATCH '\"doe\"'") == [(0,)]
    assert found(index, "*gar*") == ["P3"]


def test_a_rebuild_begins_anew(index: SqliteIndex) -> None:
    index.add(record(1, "Doe^John"))
    index.key_all_names()
    rebuild = index.rebuild()
    rebuild.add(record(2, "Roe^Jane"))
    rebuild.swap()
    assert kept(index) == set()
    assert found(index, "*jane*") == ["P2"]
    index.key_all_names()
    assert (found(index, "*jane*"), found(index, "*john*")) == (["P2"], [])


@pytest.mark.parametrize("level", [Level.PATIENT, Level.STUDY])
@pytest.mark.parametrize("keyword", ["PatientName", "PatientID"])
@pytest.mark.parametrize("form", [Form.ANY, Form.GATHER, Form.COUNT])
def test_a_piece_is_found_through_its_trigrams(index: SqliteIndex, level: Level, keyword: str, form: Form) -> None:
    shape, values = plan(Query(level, (Wildcard(keyword, "*smith*"),)))
    sql, constants = statement(shape, form)
    given = {**constants, **values, "limit": -1, "cap": 10}
    steps = [row[3] for row in index.read(f"EXPLAIN QUERY PLAN {sql}", given)]
    assert "SCAN piece VIRTUAL TABLE INDEX 0:M1" in steps
    assert not [step for step in steps if step.startswith(("SCAN study", "SCAN patient "))], steps


def test_what_many_texts_have_is_not_looked_up(index: SqliteIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        index.add(record(number, f"Doe^John{number}"))
    index.key_all_names()
    shape, values = plan(Query(Level.STUDY, (Wildcard("PatientName", "*john*"),)))
    assert index._settled(shape, values).has_kept_pieces
    monkeypatch.setattr(pieces, "COMMON_TEXTS", 10)
    settled = index._settled(shape, values)
    assert not settled.has_kept_pieces
    assert len(found(index, "*john*")) == 20
    assert found(index, "*john12*") == ["P12"]


def test_a_pattern_without_three_characters_together_has_no_trigrams() -> None:
    assert pieces.grams("*a?b*") == pieces.grams("*ab*") == pieces.grams("*") == ""
    assert pieces.grams("*abcd*") == '"abc" "bcd"'
    assert len(pieces.grams("*" + "".join(map(chr, range(0x4E00, 0x4F00))) + "*").split()) == pieces.MAX_TRIGRAMS
