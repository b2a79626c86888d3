"""Work done behind the back of whoever brings it: in order, bounded, and over when it is said to be."""

from __future__ import annotations

import threading

import pytest

from calotype.web import in_turn
from calotype.web.in_turn import InTurn


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "in-turn"]


@pytest.fixture
def turn():
    turn = InTurn()
    yield turn
    turn.close()
    assert threads() == []


def test_work_is_done_in_the_order_in_which_it_comes_by_another_thread(turn):
    done, by = [], set()
    for number in range(100):
        turn.add(lambda number=number: (done.append(number), by.add(threading.current_thread().name)))
    turn.wait()

    assert done == list(range(100))
    assert by == {"in-turn"}


def test_whoever_brings_too_much_waits_for_room(turn):
    begun, go_on = threading.Event(), threading.Event()
    brought = []

    def slow():
        begun.set()
        go_on.wait()

    def bring():
        for number in range(6):
            turn.add(slow)
            brought.append(number)

    bringer = threading.Thread(target=bring)
    bringer.start()
    begun.wait()
    while len(brought) < 4:
        bringer.join(0.01)
    assert bringer.is_alive()
    assert brought == [0, 1, 2, 3]
    go_on.set()
    bringer.join()
    assert brought == [0, 1, 2, 3, 4, 5]


def test_after_the_end_more_may_come(turn):
    done = []
    turn.add(lambda: done.append(1))
    turn.close()
    assert threads() == []
    turn.close()
    turn.add(lambda: done.append(2))
    turn.wait()

    assert done == [1, 2]


def test_a_thread_without_work_ends(turn, monkeypatch):
    monkeypatch.setattr(in_turn, "_IDLE_S", 0.001)
    done = []
    turn.add(lambda: done.append(1))
    for thread in threads():
        thread.join()
    turn.add(lambda: done.append(2))
    turn.wait()

    assert done == [1, 2]


def test_work_that_fails_takes_nobodys_room(turn, caplog):
    def fail():
        raise ValueError("against its promise")

    done = []
    for _ in range(9):
        turn.add(fail)
    turn.add(lambda: done.append(1))
    turn.wait()

    assert done == [1]
    assert len(caplog.records) == 9
