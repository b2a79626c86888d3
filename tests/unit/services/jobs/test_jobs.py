"""Jobs run, fail, wait, are cancelled and taken up again; a restart is a new service over the same store."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from calotype.errors import Cancelled, Conflict, InvalidRequest, NotFound, Refused, Unavailable
from calotype.services.jobs.jobs import MAX_ARGUMENTS_BYTES, Jobs
from calotype.services.jobs.model import ItemResult, Progress, State
from calotype.services.jobs.run import MAX_UNSAVED
from calotype.services.jobs.settings import JobSettings
from calotype.stores.index.memory_jobs import MemoryJobs

OK, WARNED, FAILED = ItemResult
NOW_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
QUICK = JobSettings(publish_s=0.01, save_s=0.02, look_s=0.05, max_attempts=4, retry_first_s=10, retry_max_s=35)
LONG_S = 60


@dataclass
class Clock:
    now_us: int = NOW_US

    def __call__(self):
        return self.now_us


@dataclass
class CountingJobs(MemoryJobs):
    """Counts what is written, and is not there when told so."""

    writes: int = 0
    broken: int = 0
    batches: list[int] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()

    def update(self, job_id, change, outcomes=(), *, forget=()):
        if self.broken:
            self.broken -= 1
            raise Unavailable("the index is locked by another process")
        self.writes += 1
        self.batches.append(len(outcomes))
        return super().update(job_id, change, outcomes, forget=forget)


@pytest.fixture
def store():
    return CountingJobs()


@pytest.fixture
def clock():
    return Clock()


@contextmanager
def working(store, work, *, clock=None, settings=QUICK, started=True):
    """Run a service whose one kind of job does ``work``."""
    jobs = Jobs(store, settings, clock or Clock(), jitter=lambda wait_s: wait_s)
    jobs.register("work", work)
    if started:
        jobs.start()
    try:
        yield jobs
    finally:
        jobs.stop(LONG_S)


def submit(jobs, **arguments):
    return jobs.submit("work", "some work", arguments)


def ended(jobs, job):
    """Wait for the end of a job and return it."""
    *_, last = jobs.watch(job.id)
    assert last.state.is_final
    assert jobs.get(job.id) == last
    return last


def until(jobs, job, reached):
    """Wait until a job is as wanted and return it."""
    for seen in jobs.watch(job.id):
        if reached(seen):
            return seen
    raise AssertionError("it never was")


def test_a_job_runs_to_its_end(store, clock):
    def work(run):
        run.total = len(run.arguments["items"])
        for item in run.arguments["items"]:
            run.outcome(item, OK if item != "odd" else WARNED, "" if item != "odd" else "coerced")

    with working(store, work, clock=clock) as jobs:
        job = submit(jobs, items=["a", "b", "odd"])
        assert (job.state, job.progress, job.attempts) == (State.WAITING, Progress(), 0)
        job = ended(jobs, job)
        assert (job.state, job.progress) == (State.DONE, Progress(2, 0, 1, 3))
        assert (job.started_us, job.ended_us, job.attempts, job.error) == (NOW_US, NOW_US, 1, "")
        assert [(o.item, o.result, o.comment) for o in jobs.outcomes(job.id)] == [
            ("a", OK, ""),
            ("b", OK, ""),
            ("odd", WARNED, "coerced"),
        ]
        assert [o.item for o in jobs.outcomes(job.id, results=[WARNED])] == ["odd"]


def test_an_error_of_ours_ends_a_job_with_its_message(store):
    def work(_run):
        raise Refused("VIEWER may not have this")

    with working(store, work) as jobs:
        job = ended(jobs, submit(jobs))
        assert (job.state, job.error) == (State.FAILED, "VIEWER may not have this")


def test_a_mistake_ends_the_job_and_not_the_worker(store, caplog):
    def work(run):
        if run.arguments["bad"]:
            raise ZeroDivisionError

    with working(store, work, settings=JobSettings(workers=1)) as jobs:
        bad, good = submit(jobs, bad=True), submit(jobs, bad=False)
        assert ended(jobs, bad).error == "An error in the server; its log tells more. Please report it."
        assert ended(jobs, good).state is State.DONE
    assert "ZeroDivisionError" in caplog.text


def test_what_does_not_answer_is_tried_again_later_and_later(store, clock):
    def work(_run):
        raise Unavailable("VIEWER does not answer")

    waits = []
    with working(store, work, clock=clock) as jobs:
        job = submit(jobs)
        for attempt in (1, 2, 3):
            job = until(jobs, job, lambda seen, attempt=attempt: seen.attempts == attempt and seen.error)
            assert (job.state, job.error) == (State.WAITING, "VIEWER does not answer")
            waits.append((job.not_before_us - clock.now_us) // SECOND_US)
            clock.now_us = job.not_before_us
            jobs.look()
        job = ended(jobs, job)
    assert waits == [10, 20, 35]
    assert (job.state, job.error) == (State.FAILED, "given up after 4 attempts: VIEWER does not answer")


def test_a_job_that_came_further_has_all_its_attempts_again(store, clock):
    def work(run):
        for item in "abcdefgh":
            if item not in run.finished_items:
                run.outcome(item, OK)
                raise Unavailable("the line broke")

    with working(store, work, clock=clock) as jobs:
        job = submit(jobs)
        for done in range(1, 9):
            job = until(jobs, job, lambda seen, done=done: seen.progress.done == done and seen.state is State.WAITING)
            assert job.attempts == 1
            clock.now_us = job.not_before_us
            jobs.look()
        assert ended(jobs, job).progress == Progress(8)


def test_the_last_attempt_is_told_so(store, clock):
    told = []

    def work(run):
        told.append(run.is_last_attempt)
        raise Unavailable("no")

    with working(store, work, clock=clock) as jobs:
        job = submit(jobs)
        for attempt in (1, 2, 3):
            job = until(jobs, job, lambda seen, attempt=attempt: seen.attempts == attempt and seen.error)
            clock.now_us = job.not_before_us
            jobs.look()
        ended(jobs, job)
    assert told == [False, False, False, True]


def test_a_waiting_job_is_cancelled_at_once(store):
    with working(store, lambda run: None, started=False) as jobs:
        job = submit(jobs)
        assert jobs.cancel(job.id).state is State.CANCELLED
        with pytest.raises(Conflict, match="ended already: it is cancelled"):
            jobs.cancel(job.id)
        jobs.start()
        assert jobs.get(job.id).state is State.CANCELLED


class Gate:
    """Work that says one item and then waits to be told to stop."""

    def __init__(self):
        self.begun = threading.Event()
        self.raises = False

    def __call__(self, run):
        run.total = 2
        if "a" not in run.finished_items:
            run.outcome("a", OK)
        self.begun.set()
        stop = threading.Event()
        while not run.is_cancelled:
            stop.wait(0.005)
        if self.raises:
            run.check()


@pytest.mark.parametrize("raises", [True, False])
def test_a_running_job_is_cancelled_as_soon_as_it_looks(store, raises):
    gate = Gate()
    gate.raises = raises
    with working(store, gate) as jobs:
        job = submit(jobs)
        assert gate.begun.wait(LONG_S)
        assert jobs.cancel(job.id).is_cancelling
        job = ended(jobs, job)
    assert (job.state, job.progress, job.is_cancelling) == (State.CANCELLED, Progress(1, total=2), False)


def test_a_cancel_that_comes_too_late_changes_nothing(store):
    is_cancelled = threading.Event()

    def work(run):
        assert is_cancelled.wait(LONG_S)
        run.outcome("a", OK)

    with working(store, work) as jobs:
        job = until(jobs, submit(jobs), lambda seen: seen.state is State.RUNNING)
        jobs.cancel(job.id)
        is_cancelled.set()
        assert ended(jobs, job).state is State.DONE


def test_a_cancel_by_another_process_is_noticed(store):
    gate = Gate()
    with working(store, gate) as jobs:
        job = submit(jobs)
        assert gate.begun.wait(LONG_S)
        Jobs(store).cancel(job.id)
        assert ended(jobs, job).state is State.CANCELLED


def test_work_that_raises_cancelled_by_itself_has_failed(store):
    def work(_run):
        raise Cancelled("the node cancelled it")

    with working(store, work) as jobs:
        job = ended(jobs, submit(jobs))
    assert (job.state, job.error) == (State.FAILED, "the node cancelled it")


def test_a_stop_pauses_and_a_start_goes_on_with_the_rest(store):
    gate = Gate()
    with working(store, gate) as jobs:
        job = submit(jobs)
        assert gate.begun.wait(LONG_S)
    paused = store.get(job.id)
    assert (paused.state, paused.progress, paused.attempts) == (State.WAITING, Progress(1, total=2), 0)

    seen = []

    def rest(run):
        seen.append(run.finished_items)
        run.outcome("a", FAILED, "what was said before stays")
        run.outcome("b", OK)

    with working(store, rest) as jobs:
        assert ended(jobs, job).progress == Progress(2, total=2)
    assert seen == [{"a"}]


def test_a_job_that_was_running_when_the_process_died_is_taken_up(store):
    with working(store, lambda run: None, started=False) as jobs:
        job = submit(jobs)
    store.claim(["work"], NOW_US)
    with working(store, lambda run: run.outcome("a", OK)) as jobs:
        job = ended(jobs, job)
    assert (job.state, job.attempts) == (State.DONE, 2)


def test_a_job_that_was_being_cancelled_when_the_process_died_is_cancelled(store):
    with working(store, lambda run: None, started=False) as jobs:
        job = submit(jobs)
        store.claim(["work"], NOW_US)
        jobs.cancel(job.id)
    with working(store, lambda run: None) as jobs:
        assert jobs.get(job.id).state is State.CANCELLED


def test_a_job_that_ends_the_process_each_time_is_given_up(store):
    with working(store, lambda run: None, started=False) as jobs:
        job = submit(jobs)
    for _ in range(QUICK.max_attempts):
        store.claim(["work"], NOW_US)
        store.update(job.id, lambda job: job.__class__(**{**fields(job), "state": State.WAITING}))
    store.update(job.id, lambda job: job.__class__(**{**fields(job), "state": State.RUNNING}))
    with working(store, lambda run: None) as jobs:
        job = jobs.get(job.id)
    assert (job.state, job.error) == (State.FAILED, "given up: the server ended 4 times while it ran")


def fields(job):
    return {name: getattr(job, name) for name in job.__slots__}


def test_a_retry_does_what_failed_and_what_was_not_done(store):
    seen = []

    def work(run):
        seen.append(run.finished_items)
        for item, result in (("a", OK), ("b", FAILED), ("c", WARNED)):
            run.outcome(item, result if len(seen) == 1 else OK)

    with working(store, work) as jobs:
        job = ended(jobs, submit(jobs))
        assert job.progress == Progress(1, 1, 1)
        job = jobs.retry(job.id)
        assert (job.attempts, job.ended_us, job.progress.failed) == (0, None, 0)
        job = ended(jobs, job)
        assert (job.state, job.progress) == (State.DONE, Progress(2, 0, 1))
        with pytest.raises(Conflict, match="nothing to do again"):
            jobs.retry(job.id)
    assert seen == [frozenset(), {"a", "c"}]


def test_a_retry_ends_the_wait_of_a_job(store, clock):
    attempts = []

    def work(run):
        attempts.append(run.job.attempts)
        if len(attempts) == 1:
            raise Unavailable("no")

    with working(store, work, clock=clock) as jobs:
        job = until(jobs, submit(jobs), lambda seen: seen.error)
        jobs.retry(job.id)
        assert ended(jobs, job).state is State.DONE


def test_a_running_job_is_neither_retried_nor_removed(store):
    gate = Gate()
    with working(store, gate) as jobs:
        job = submit(jobs)
        assert gate.begun.wait(LONG_S)
        with pytest.raises(Conflict, match="running: cancel it first"):
            jobs.retry(job.id)
        with pytest.raises(Conflict, match="running: cancel it before"):
            jobs.remove(job.id)


def test_work_that_starts_over_forgets_what_was(store, clock):
    def work(run):
        run.start_over()
        run.outcome("a", OK)
        run.outcome("b", OK)
        if run.job.attempts < 3:
            raise Unavailable("it broke")

    with working(store, work, clock=clock) as jobs:
        job = submit(jobs)
        for attempt in (1, 2):
            job = until(jobs, job, lambda seen, attempt=attempt: seen.attempts == attempt and seen.error)
            clock.now_us = job.not_before_us
            jobs.look()
        job = ended(jobs, job)
        assert job.progress == Progress(2)
        assert [outcome.item for outcome in jobs.outcomes(job.id)] == ["a", "b"]


def test_an_item_said_again_counts_once(store):
    def work(run):
        run.outcome("a", FAILED, "no")
        run.outcome("b", OK)
        run.outcome("a", OK)

    with working(store, work) as jobs:
        job = ended(jobs, submit(jobs))
        assert job.progress == Progress(2)
        assert {o.item: o.result for o in jobs.outcomes(job.id)} == {"a": OK, "b": OK}


def test_many_items_are_written_in_few_batches(store):
    items = 20_500

    def work(run):
        for number in range(items):
            run.outcome(str(number), OK)

    with working(store, work, settings=JobSettings(save_s=LONG_S)) as jobs:
        job = ended(jobs, submit(jobs))
        assert job.progress == Progress(items)
    assert sum(store.batches) == items
    assert max(store.batches) == MAX_UNSAVED
    # Twenty full ones, the rest with the end.
    assert store.writes == 21


def test_progress_is_saved_while_a_job_runs(store):
    gate = Gate()
    with working(store, gate) as jobs:
        job = submit(jobs)
        assert gate.begun.wait(LONG_S)
        until_true(lambda: store.get(job.id).progress.done)
        assert [outcome.item for outcome in jobs.outcomes(job.id)] == ["a"]


def until_true(reached):
    waiting = threading.Event()
    for _ in range(LONG_S * 100):
        if reached():
            return
        waiting.wait(0.01)
    raise AssertionError("it never was")


def test_nothing_is_lost_while_the_store_does_not_answer(store):
    def work(run):
        store.broken = 3
        run.outcome("a", OK)

    with working(store, work) as jobs:
        job = ended(jobs, submit(jobs))
        assert (job.state, job.progress) == (State.DONE, Progress(1))
        assert [outcome.item for outcome in jobs.outcomes(job.id)] == ["a"]


def test_no_more_jobs_run_than_there_are_workers(store):
    lock = threading.Lock()
    running, most = 0, 0
    both = threading.Barrier(2)

    def work(_run):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(LONG_S)
        with lock:
            running -= 1

    with working(store, work, settings=JobSettings(workers=2)) as jobs:
        for job in [submit(jobs) for _ in range(6)]:
            assert ended(jobs, job).state is State.DONE
    assert most == 2


def test_watching_shows_progress_and_then_the_end(store):
    step = [threading.Event() for _ in range(3)]

    def work(run):
        for number, event in enumerate(step):
            assert event.wait(LONG_S)
            run.outcome(str(number), OK)

    with working(store, work) as jobs:
        seen = []
        for job in jobs.watch(submit(jobs).id):
            seen.append((job.state, job.progress.done))
            if job.state is State.RUNNING:
                step[job.progress.done].set() if job.progress.done < 3 else None
    assert seen[-1] == (State.DONE, 3)
    assert (State.RUNNING, 1) in seen
    assert (State.RUNNING, 2) in seen
    assert seen == sorted(seen, key=lambda state_done: state_done[1])


def test_watches_end_when_the_house_closes(store):
    with working(store, lambda run: None, started=False) as jobs:
        job = submit(jobs)
        watched = jobs.watch(job.id)
        assert next(watched).state is State.WAITING
        watch = jobs.changes()
        jobs.stop(0)
        assert list(watched) == []
        assert watch.is_closed
        assert watch.take() == []
        assert jobs.changes().is_closed


def test_a_watch_of_all_jobs_holds_the_newest_state_of_each(store):
    woken = []
    with working(store, lambda run: None, started=False) as jobs, jobs.changes(wake=lambda: woken.append(1)) as watch:
        first, second = submit(jobs), submit(jobs)
        jobs.cancel(first.id)
        assert [(job.id, job.state) for job in watch.take(0)] == [
            (second.id, State.WAITING),
            (first.id, State.CANCELLED),
        ]
        assert watch.take(0) == []
        assert len(woken) == 3


def test_watching_an_unknown_job_is_not_found(store):
    with working(store, lambda run: None, started=False) as jobs, pytest.raises(NotFound):
        jobs.watch(4711)


def test_old_jobs_are_removed_and_young_and_open_ones_are_not(store, clock):
    def work(run):
        if run.arguments["wait"]:
            raise Unavailable("no")

    settings = JobSettings(keep_days=2, retry_first_s=9 * 86_400, retry_max_s=9 * 86_400)
    with working(store, work, clock=clock, settings=settings) as jobs:
        old = ended(jobs, submit(jobs, wait=False))
        waiting = until(jobs, submit(jobs, wait=True), lambda seen: seen.error)
        clock.now_us += 2 * DAY_US
        young = ended(jobs, submit(jobs, wait=False))
    clock.now_us += 1
    with working(store, work, clock=clock, settings=settings) as jobs:
        until_true(lambda: old.id not in {job.id for job in jobs.list()})
        assert {job.id for job in jobs.list()} == {waiting.id, young.id}


def test_ended_jobs_are_removed_by_state(store):
    def work(run):
        if run.arguments["bad"]:
            raise Refused("no")

    with working(store, work) as jobs:
        good, bad = submit(jobs, bad=False), submit(jobs, bad=True)
        ended(jobs, good)
        ended(jobs, bad)
        assert jobs.remove_ended([State.DONE, State.WAITING]) == 1
        assert [job.id for job in jobs.list()] == [bad.id]
        assert jobs.remove_ended() == 1
        assert jobs.list() == []
        with pytest.raises(NotFound):
            jobs.remove(good.id)


def test_what_cannot_be_kept_is_refused(store):
    with working(store, lambda run: None, started=False) as jobs:
        with pytest.raises(InvalidRequest, match="no jobs of kind 'other'"):
            jobs.submit("other", "", {})
        with pytest.raises(InvalidRequest, match="must be JSON"):
            jobs.submit("work", "", {"when": object()})
        with pytest.raises(InvalidRequest, match="must be JSON"):
            jobs.submit("work", "", {"number": float("nan")})
        with pytest.raises(InvalidRequest, match="studies instead of instances"):
            jobs.submit("work", "", {"text": "x" * MAX_ARGUMENTS_BYTES})
        with pytest.raises(Conflict, match="registered already"):
            jobs.register("work", lambda run: None)
        assert len(jobs.submit("work", "\udcff" * 1000, {}).title) == 200


def test_a_job_of_a_kind_that_nobody_does_waits(store):
    with working(store, lambda run: None, started=False) as jobs:
        job = submit(jobs)
    other = Jobs(store, QUICK)
    other.register("other", lambda run: None)
    other.start()
    *_, last = other.watch(other.submit("other", "", {}).id)
    other.stop(LONG_S)
    assert last.state is State.DONE
    assert store.get(job.id).state is State.WAITING
