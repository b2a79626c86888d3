"""Group commit: who leads, who follows, and what happens to errors."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from calotype.errors import Conflict, Unavailable
from calotype.stores.index.groups import MAX_GROUP, GroupCommit


class Gate:
    """A ``run`` that stops inside its first group until it is opened, and writes down every group."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, works: Sequence[int]) -> list[int | BaseException]:
        self.groups.append(list(works))
        self.entered.set()
        assert self.open.wait(60)
        return [Conflict(str(work)) if work < 0 else work * 2 for work in works]


def submit_all(
    groups: GroupCommit[int, int], works: Sequence[int]
) -> tuple[list[threading.Thread], dict[int, object]]:
    outcomes: dict[int, object] = {}

    def submit(work: int) -> None:
        try:
            outcomes[work] = groups.submit(work)
        except Conflict as error:
            outcomes[work] = error

    threads = [threading.Thread(target=submit, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    return threads, outcomes


def wait_for_line(groups: GroupCommit[int, int], length: int) -> None:
    """Return when so many threads wait; the test's own timeout is the limit."""
    while len(groups._waiting) < length:
        threading.Event().wait(0.001)


def test_a_lone_thread_does_its_own_work() -> None:
    ran: list[list[int]] = []

    def run(works: Sequence[int]) -> list[int]:
        ran.append(list(works))
        return [threading.get_ident() for _ in works]

    groups: GroupCommit[int, int] = GroupCommit(run)
    assert [groups.submit(1), groups.submit(2)] == [threading.get_ident()] * 2
    assert ran == [[1], [2]]


def test_those_who_come_meanwhile_are_the_next_group() -> None:
    gate = Gate()
    groups: GroupCommit[int, int] = GroupCommit(gate)
    first, outcome = submit_all(groups, [1])
    assert gate.entered.wait(60)
    others, outcomes = submit_all(groups, [2, 3, 4])
    wait_for_line(groups, 3)
    gate.open.set()
    for thread in first + others:
        thread.join()
    assert gate.groups[0] == [1]
    assert [sorted(group) for group in gate.groups[1:]] == [[2, 3, 4]]
    assert outcome | outcomes == {1: 2, 2: 4, 3: 6, 4: 8}


def test_a_refused_work_is_refused_alone() -> None:
    gate = Gate()
    groups: GroupCommit[int, int] = GroupCommit(gate)
    first, _ = submit_all(groups, [1])
    assert gate.entered.wait(60)
    others, outcomes = submit_all(groups, [2, -3])
    wait_for_line(groups, 2)
    gate.open.set()
    for thread in first + others:
        thread.join()
    assert outcomes[2] == 4
    assert isinstance(outcomes[-3], Conflict)


def test_an_error_of_the_group_reaches_every_member() -> None:
    def run(works: Sequence[int]) -> list[int]:
        raise Conflict("all of it")

    groups: GroupCommit[int, int] = GroupCommit(run)
    with pytest.raises(Conflict, match="all of it"):
        groups.submit(1)
    with pytest.raises(Conflict, match="all of it"):
        groups.submit(2)


def test_a_long_line_is_cut_into_groups() -> None:
    gate = Gate()
    groups: GroupCommit[int, int] = GroupCommit(gate)
    first, _ = submit_all(groups, [0])
    assert gate.entered.wait(60)
    others, outcomes = submit_all(groups, range(1, MAX_GROUP + 11))
    wait_for_line(groups, MAX_GROUP + 10)
    gate.open.set()
    for thread in first + others:
        thread.join()
    assert [len(group) for group in gate.groups] == [1, MAX_GROUP, 10]
    assert outcomes == {work: work * 2 for work in range(1, MAX_GROUP + 11)}


def test_close_lets_those_in_line_finish_and_refuses_the_next() -> None:
    gate = Gate()
    groups: GroupCommit[int, int] = GroupCommit(gate)
    first, _ = submit_all(groups, [1])
    assert gate.entered.wait(60)
    others, outcomes = submit_all(groups, [2])
    wait_for_line(groups, 1)
    closer = threading.Thread(target=groups.close)
    closer.start()
    gate.open.set()
    for thread in (*first, *others, closer):
        thread.join()
    assert outcomes == {2: 4}
    with pytest.raises(Unavailable, match="closed"):
        groups.submit(3)
