"""What every store of jobs must do: one suite, run over each implementation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from calotype.errors import Conflict, NotFound
from calotype.services.jobs.model import ItemResult, Job, Outcome, Progress, State
from calotype.services.jobs.ports import JobFilter, LastingJobs
from calotype.stores.index import jobs as sqlite_jobs
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.jobs import SqliteJobs
from calotype.stores.index.memory_jobs import MemoryJobs
from calotype.stores.index.sqlite import SqliteIndex

NOW_US = 1_800_000_000_000_000
EVERYTHING = JobFilter()
OK, WARNED, FAILED = ItemResult


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LastingJobs]:
    if request.param == "memory":
        yield MemoryJobs()
        return
    index = SqliteIndex(SqliteSettings(tmp_path / "index.sqlite", durable=False))
    yield SqliteJobs(index)
    index.close()


def new(kind: str = "send", *, due_us: int = NOW_US, title: str = "张三 to VIEWER") -> Job:
    return Job(0, kind, title, {"node": "VIEWER", "studies": ["1.2.3"]}, NOW_US, not_before_us=due_us)


def test_an_added_job_is_returned_with_a_number_and_found_again(store):
    first, second = store.add(new()), store.add(new("get"))
    assert first == replace(new(), id=first.id)
    assert second.id > first.id > 0
    assert store.get(first.id) == first
    assert store.get(second.id) == second


@pytest.mark.parametrize("number", [0, -1, 4711, 2**63, 10**30])
def test_an_unknown_job_is_not_found(store, number):
    with pytest.raises(NotFound, match=str(number)):
        store.get(number)
    with pytest.raises(NotFound, match=str(number)):
        store.update(number, lambda job: job)
    with pytest.raises(NotFound, match=str(number)):
        store.remove(number)


def test_every_field_that_may_change_is_kept(store):
    job = store.add(new())
    changed = replace(
        job,
        state=State.FAILED,
        progress=Progress(1, 2, 3, 6),
        attempts=4,
        not_before_us=NOW_US + 5,
        started_us=NOW_US + 6,
        ended_us=NOW_US + 7,
        error="VIEWER@viewer:104 does not answer",
        is_cancelling=True,
    )
    assert store.update(job.id, lambda _job: changed) == changed
    assert store.get(job.id) == changed


def test_a_refused_change_writes_nothing(store):
    job = store.add(new())

    def refuse(_job):
        raise Conflict("not now")

    with pytest.raises(Conflict, match="not now"):
        store.update(job.id, refuse, [Outcome("1.2.3.4", OK)], forget=[FAILED])
    assert store.get(job.id) == job
    assert list(store.items(job.id)) == []


def test_a_list_is_newest_first_and_paged_by_number(store):
    numbers = [store.add(new()).id for _ in range(5)]
    assert [job.id for job in store.list(EVERYTHING, 100)] == numbers[::-1]
    assert [job.id for job in store.list(EVERYTHING, 2)] == [numbers[4], numbers[3]]
    assert [job.id for job in store.list(JobFilter(before=numbers[3]), 2)] == [numbers[2], numbers[1]]


def test_a_list_is_restricted_by_state_kind_and_end(store):
    send, get, old = store.add(new()), store.add(new("get")), store.add(new())
    store.update(get.id, lambda job: replace(job, state=State.DONE, ended_us=NOW_US))
    store.update(old.id, lambda job: replace(job, state=State.FAILED, ended_us=NOW_US - 1))

    def listed(**wanted):
        return [job.id for job in store.list(JobFilter(**wanted), 100)]

    assert listed(states=frozenset({State.WAITING})) == [send.id]
    assert listed(states=frozenset({State.DONE, State.FAILED})) == [old.id, get.id]
    assert listed(kinds=frozenset({"send"})) == [old.id, send.id]
    assert listed(states=frozenset({State.DONE}), kinds=frozenset({"send"})) == []
    assert listed(ended_before_us=NOW_US) == [old.id]


def test_the_job_due_longest_is_claimed_and_runs(store):
    store.add(new(due_us=NOW_US + 2))
    second = store.add(new(due_us=NOW_US + 1))
    store.add(new("other"))
    assert store.claim(["send"], NOW_US) is None
    assert store.next_due_us(["send"]) == NOW_US + 1
    store.update(second.id, lambda job: replace(job, error="it did not answer", attempts=2, is_cancelling=False))
    claimed = store.claim(["send", "get"], NOW_US + 1)
    assert claimed == replace(second, state=State.RUNNING, attempts=3, started_us=NOW_US + 1, error="", ended_us=None)
    assert store.get(second.id) == claimed
    assert store.claim(["send"], NOW_US + 1) is None
    assert store.next_due_us(["send"]) == NOW_US + 2
    assert store.next_due_us(["get"]) is None
    assert store.claim([], NOW_US + 9) is None


def test_jobs_due_at_the_same_time_are_claimed_in_the_order_they_came(store):
    numbers = [store.add(new()).id for _ in range(3)]
    assert [store.claim(["send"], NOW_US).id for _ in numbers] == numbers


def test_no_job_is_claimed_twice(store):
    numbers = [store.add(new()).id for _ in range(40)]
    claimed: list[int] = []

    def work():
        while job := store.claim(["send"], NOW_US):
            claimed.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == numbers


def test_outcomes_are_listed_in_the_order_recorded_and_paged_by_number(store):
    job, other = store.add(new()), store.add(new())
    store.update(job.id, lambda job: job, [Outcome("b", OK, "", 1), Outcome("a", FAILED, "孟: no", 2)])
    store.update(other.id, lambda job: job, [Outcome("a", WARNED, "coerced", 3)])
    store.update(job.id, lambda job: job, [Outcome("c", OK, "", 4)])
    assert store.outcomes(job.id, limit=9) == [
        Outcome("b", OK, "", 1, 1),
        Outcome("a", FAILED, "孟: no", 2, 2),
        Outcome("c", OK, "", 4, 3),
    ]
    assert [outcome.item for outcome in store.outcomes(job.id, limit=2)] == ["b", "a"]
    assert [outcome.item for outcome in store.outcomes(job.id, after=2, limit=2)] == ["c"]
    assert [outcome.item for outcome in store.outcomes(job.id, results=[FAILED, WARNED], limit=9)] == ["a"]
    assert sorted(store.items(job.id)) == ["a", "b", "c"]
    assert list(store.items(other.id)) == ["a"]
    assert store.outcomes(4711, limit=9) == []


def test_a_later_outcome_of_an_item_takes_the_place_of_the_earlier(store):
    job = store.add(new())
    store.update(job.id, lambda job: job, [Outcome("a", FAILED, "no", 1), Outcome("b", OK, "", 1)])
    store.update(job.id, lambda job: job, [Outcome("c", OK, "", 2), Outcome("a", OK, "", 2)])
    found = store.outcomes(job.id, limit=9)
    assert [(outcome.item, outcome.result) for outcome in found] == [("a", OK), ("b", OK), ("c", OK)]
    assert len({outcome.number for outcome in found}) == 3


def test_outcomes_of_a_result_are_forgotten_with_a_change(store):
    job = store.add(new())
    store.update(job.id, lambda job: job, [Outcome("a", FAILED), Outcome("b", OK), Outcome("c", WARNED)])
    store.update(job.id, lambda job: job, [Outcome("d", FAILED)], forget=[FAILED])
    assert [outcome.item for outcome in store.outcomes(job.id, limit=9)] == ["b", "c", "d"]


def test_a_removed_job_is_gone_with_its_outcomes(store, monkeypatch):
    monkeypatch.setattr(sqlite_jobs, "CHUNK", 3)
    job, other = store.add(new()), store.add(new())
    for each in (job, other):
        store.update(each.id, lambda job: job, [Outcome(str(n), OK) for n in range(10)])
    assert len(list(store.items(job.id))) == 10
    store.remove(job.id)
    with pytest.raises(NotFound):
        store.get(job.id)
    assert store.outcomes(job.id, limit=99) == []
    assert len(store.outcomes(other.id, limit=99)) == 10


def test_the_number_of_a_removed_job_is_not_given_again(store):
    newest = store.add(new())
    store.remove(newest.id)
    assert store.add(new()).id > newest.id


def test_jobs_outlive_the_process_and_a_rebuild_of_the_index(tmp_path):
    path = tmp_path / "index.sqlite"
    index = SqliteIndex(SqliteSettings(path, durable=False))
    store = SqliteJobs(index)
    job = store.add(new())
    store.update(job.id, lambda job: job, [Outcome("a", OK, "", 0)])
    index.rebuild().swap()
    index.close()
    index = SqliteIndex(SqliteSettings(path, durable=False))
    store = SqliteJobs(index)
    assert store.get(job.id) == job
    assert store.outcomes(job.id, limit=9) == [Outcome("a", OK, "", 0, 1)]
    index.close()
