"""The service: put jobs in, look at them, cancel, try again, watch.

Who runs them is in ``workers``; without those (``start``) a job waits until somebody does. What a kind of job does is
registered by whoever can do it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import replace
from typing import Final

from calotype.clock import Clock, utc_now_us
from calotype.errors import Conflict, InvalidRequest
from calotype.services.jobs.model import FINAL, Arguments, ItemResult, Job, Outcome, Progress, State, storable
from calotype.services.jobs.ports import JobFilter, LastingJobs
from calotype.services.jobs.settings import JobSettings
from calotype.services.jobs.watching import Watch, Watches
from calotype.services.jobs.workers import Jitter, Work, Workers

MAX_ARGUMENTS_BYTES: Final = 1 << 20
MAX_TITLE_CHARACTERS: Final = 200
_REMOVED_AT_ONCE: Final = 100


def some_of(seconds: float) -> float:
    """Return between half and all of a wait: what failed together shall not come back together."""
    return random.uniform(seconds / 2, seconds)  # noqa: S311 - no secret


class Jobs:
    """All jobs. Thread-safe."""

    def __init__(
        self,
        store: LastingJobs,
        settings: JobSettings | None = None,
        clock: Clock = utc_now_us,
        jitter: Jitter = some_of,
    ) -> None:
        self._store = store
        self._clock = clock
        self._watches = Watches()
        self._workers = Workers(store, settings or JobSettings(), self._watches, clock, jitter)

    def register(self, kind: str, run: Work) -> None:
        """Say what a kind of job does; before :meth:`start`. Conflict when somebody has."""
        self._workers.register(kind, run)

    def start(self) -> None:
        """Take up what was left running, and begin to work. Unavailable when the store is."""
        self._workers.start()

    def stop(self, drain_s: float) -> None:
        """Let nothing new begin, ask what runs to pause, wait ``drain_s`` for it; watches end at once. Idempotent.

        What is still running after that is left behind; at the next start it is taken up again.
        """
        self._watches.close()
        self._workers.stop(drain_s)

    def look(self) -> None:
        """Look for due jobs now, not only when a worker next would: the clock or the store were changed."""
        self._workers.look()

    def submit(self, kind: str, title: str, arguments: Arguments, *, total: int | None = None) -> Job:
        """Put a job in and return it; it begins as soon as a worker is free.

        InvalidRequest when nobody does this kind, or ``arguments`` are no JSON or too long.
        """
        if not self._workers.knows(kind):
            raise InvalidRequest(f"There are no jobs of kind {kind!r} here.")
        try:
            size_bytes = len(json.dumps(arguments, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise InvalidRequest(f"The arguments of a job must be JSON: {error}.") from error
        if size_bytes > MAX_ARGUMENTS_BYTES:
            raise InvalidRequest(
                f"The arguments of this job are {size_bytes} bytes long, at most {MAX_ARGUMENTS_BYTES} can be kept:"
                " name fewer things, or larger ones (studies instead of instances)."
            )
        now_us = self._clock()
        new = Job(
            0,
            kind,
            storable(title, MAX_TITLE_CHARACTERS),
            arguments,
            now_us,
            progress=Progress(total=total),
            not_before_us=now_us,
        )
        job = self._workers.change(lambda: self._store.add(new))
        self._workers.look()
        return job

    def get(self, job_id: int) -> Job:
        """Return a job as it stands now. NotFound."""
        return self._workers.live(self._store.get(job_id))

    def list(
        self,
        *,
        states: Collection[State] = (),
        kinds: Collection[str] = (),
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[Job]:
        """Return jobs as they stand now, newest first; ``before`` a job's number gives the next page."""
        wanted = JobFilter(frozenset(states), frozenset(kinds), before)
        return [self._workers.live(job) for job in self._store.list(wanted, limit)]

    def outcomes(
        self, job_id: int, *, results: Collection[ItemResult] = (), after: int = 0, limit: int = 100
    ) -> Sequence[Outcome]:
        """Return what came of a job's items, in order; ``after`` an outcome's number gives the next page. NotFound.

        The newest ones appear with a delay of ``JobSettings.save_s``.
        """
        self._store.get(job_id)
        return self._store.outcomes(job_id, results=results, after=after, limit=limit)

    def cancel(self, job_id: int) -> Job:
        """End a job before its time: a waiting one at once, a running one as soon as it can.

        NotFound; Conflict when it has ended already.
        """
        return self._workers.change(lambda: self._store.update(job_id, self._cancelled))

    def retry(self, job_id: int) -> Job:
        """Do again what failed, and what has no outcome yet, now; a waiting job does not wait any longer.

        NotFound; Conflict when it is running, or when nothing of it is left to do.
        """
        job = self._workers.change(lambda: self._store.update(job_id, self._again, forget=(ItemResult.FAILED,)))
        self._workers.look()
        return job

    def remove(self, job_id: int) -> None:
        """Forget a job that has ended, and its outcomes. NotFound; Conflict when it has not ended."""
        job = self._store.get(job_id)
        if not job.state.is_final:
            raise Conflict(f"Job {job_id} is {job.state}: cancel it before you delete it.")
        self._store.remove(job_id)

    def remove_ended(self, states: Collection[State] = FINAL) -> int:
        """Forget all jobs that have ended in one of ``states`` and return how many there were."""
        wanted = JobFilter(frozenset(states) & FINAL)
        count = 0
        while wanted.states and (jobs := self._store.list(wanted, _REMOVED_AT_ONCE)):
            for job in jobs:
                self._store.remove(job.id)
                count += 1
        return count

    def watch(self, job_id: int) -> Generator[Job, None, None]:
        """Yield a job as it stands, then after each change, until it has ended or the house closes. NotFound.

        It may wait long, without being busy. Only what happens in this process is seen.
        """
        self._store.get(job_id)
        return self._watched(job_id)

    def changes(self, job_id: int | None = None, wake: Callable[[], None] | None = None) -> Watch:
        """Begin to look on at one job or all; see :meth:`calotype.services.jobs.watching.Watches.open`."""
        return self._watches.open(job_id) if wake is None else self._watches.open(job_id, wake)

    def _watched(self, job_id: int) -> Generator[Job, None, None]:
        with self._watches.open(job_id) as watch:
            # Asked after the watch was opened: what happens from here on is in its mailbox.
            job = self.get(job_id)
            yield job
            while not job.state.is_final and (taken := watch.take()):
                if taken[-1] != job:
                    job = taken[-1]
                    yield job

    def _cancelled(self, job: Job) -> Job:
        if job.state is State.WAITING:
            return replace(job, state=State.CANCELLED, ended_us=self._clock())
        if job.state is State.RUNNING:
            return replace(job, is_cancelling=True)
        raise Conflict(f"Job {job.id} has ended already: it is {job.state}.")

    def _again(self, job: Job) -> Job:
        if job.state is State.RUNNING:
            raise Conflict(f"Job {job.id} is running: cancel it first.")
        if job.state is State.DONE and not job.progress.failed:
            raise Conflict(f"Job {job.id} is done and nothing of it failed: there is nothing to do again.")
        return replace(
            job,
            state=State.WAITING,
            progress=replace(job.progress, failed=0),
            attempts=0,
            not_before_us=self._clock(),
            ended_us=None,
            error="",
        )
