"""When a study is read again because others speak for it."""

import sqlite3
from contextlib import closing

import pytest

from calotype.stores.index.succession import Doubts


@pytest.fixture
def execute():
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE tally (study_row, instances)")
        connection.executemany("INSERT INTO tally VALUES (?, ?)", [(1, Doubts.FEW), (2, Doubts.FEW), (2, 1)])
        yield connection.execute


def test_a_small_study_is_read_again_each_time(execute):
    doubts = Doubts()
    assert all(doubts.due(execute, "1.1", 1) for _ in range(10))


def test_a_large_study_is_read_again_ever_more_rarely(execute):
    doubts = Doubts()
    assert [number for number in range(1, 1001) if doubts.due(execute, "1.2", 2)] == [2**n for n in range(10)]


def test_each_study_is_counted_for_itself_and_those_of_long_ago_not_at_all(execute):
    doubts = Doubts()
    assert [doubts.due(execute, "first", 2) for _ in range(3)] == [True, True, False]
    assert all(doubts.due(execute, f"study {number}", 2) for number in range(Doubts.MAX_STUDIES))
    assert doubts.due(execute, "first", 2)
