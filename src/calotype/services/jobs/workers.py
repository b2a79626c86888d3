"""The threads that run jobs: workers take what is due, a keeper publishes and saves what they report.

Every change of state stands here or in ``jobs``, as a function from a job to what it becomes. Threads wait on
conditions; the longest wait is bounded, so that what another process puts into the store is found as well.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from calotype.clock import DAY_US, SECOND_US, Clock
from calotype.errors import CalotypeError, Cancelled, Conflict, NotFound, Unavailable
from calotype.services.jobs.model import FINAL, Job, State, storable
from calotype.services.jobs.ports import JobFilter, LastingJobs
from calotype.services.jobs.run import JobRun
from calotype.services.jobs.settings import JobSettings
from calotype.services.jobs.watching import Watches

Jitter: TypeAlias = Callable[[float], float]
"""Turns a wait in seconds into one that differs a little each time."""

Work: TypeAlias = Callable[[JobRun], None]
"""What a kind of job does; see :class:`JobRun`."""

SWEEP_EVERY_S: Final = 3600.0
MAX_ERROR_CHARACTERS: Final = 1000
_RECOVERED_AT_ONCE: Final = 100
_OUR_MISTAKE: Final = "An error in the server; its log tells more. Please report it."

_log = logging.getLogger(__name__)


class Workers:
    """A bounded number of threads over one store. Thread-safe."""

    def __init__(
        self, store: LastingJobs, settings: JobSettings, watches: Watches, clock: Clock, jitter: Jitter
    ) -> None:
        self._store = store
        self._settings = settings
        self._watches = watches
        self._clock = clock
        self._jitter = jitter
        self._kinds: dict[str, Work] = {}
        self._running: dict[int, JobRun] = {}
        self._threads: list[threading.Thread] = []
        self._changing = threading.RLock()
        """Held while the state of a job changes and is told, so that nobody is told an older state last."""
        self._condition = threading.Condition()
        self._looks = 0
        self._stopping = threading.Event()
        self._reported = threading.Event()
        """Set when a run has something to publish or to save, or when it is time to stop."""

    def register(self, kind: str, work: Work) -> None:
        """Say what a kind of job does. Conflict when somebody has."""
        if kind in self._kinds:
            raise Conflict(f"jobs of kind {kind!r} are registered already")
        self._kinds[kind] = work

    def knows(self, kind: str) -> bool:
        """Tell whether somebody has said what this kind does."""
        return kind in self._kinds

    def start(self) -> None:
        """Take up what was left running and start the threads. Unavailable when the store is."""
        self._recover()
        names = [f"job-worker-{number + 1}" for number in range(self._settings.workers)]
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]
        self._threads.append(threading.Thread(target=self._keep, name="job-keeper", daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self, drain_s: float) -> None:
        """Ask what runs to pause and wait for it so long. Idempotent."""
        deadline_s = time.monotonic() + drain_s
        with self._condition:
            self._stopping.set()
            for run in self._running.values():
                run.stop()
            self._condition.notify_all()
        self._reported.set()
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        left = sorted(self._running)
        if left:
            _log.warning("jobs %s did not pause in %g s; they will be taken up at the next start", left, drain_s)
        self._threads = []

    def look(self) -> None:
        """Have the workers look for due jobs now."""
        with self._condition:
            self._looks += 1
            self._condition.notify_all()

    def change(self, act: Callable[[], Job]) -> Job:
        """Change the state of a job, tell who watches, and return it; what ``act`` raises passes through."""
        with self._changing:
            job = self.live(act())
            run = self._running.get(job.id)
            if run is not None and job.is_cancelling:
                run.stop()
            self._watches.tell(job)
        return job

    def live(self, job: Job) -> Job:
        """Return a job with the progress that is not saved yet."""
        run = self._running.get(job.id)
        return job if run is None or job.state is not State.RUNNING else replace(job, progress=run.progress)

    def _recover(self) -> None:
        """Put back what was running when the last process ended."""
        while left := self._store.list(JobFilter(frozenset({State.RUNNING})), _RECOVERED_AT_ONCE):
            for job in left:
                recovered = self._store.update(job.id, self._left_behind)
                _log.info("job %d (%s) was running when the server ended: %s", job.id, job.title, recovered.state)

    # Workers

    def _work(self) -> None:
        while (run := self._next()) is not None:
            self._carry_out(run)

    def _next(self) -> JobRun | None:
        """Wait for a due job and take it; ``None`` when it is time to stop."""
        while not self._stopping.is_set():
            looks = self._looks
            wait_s = self._settings.look_s
            try:
                due_us = self._store.next_due_us(self._kinds)
                now_us = self._clock()
                if due_us is not None and due_us <= now_us:
                    run = self._take(now_us)
                    if run is not None:
                        return run
                    # Another worker was faster; there may be more.
                    continue
                if due_us is not None:
                    wait_s = min(wait_s, (due_us - now_us) / SECOND_US)
            except CalotypeError as error:
                _log.warning("no job can be taken, it will be tried again: %s", error)
            with self._condition:
                self._condition.wait_for(lambda: self._stopping.is_set() or self._looks != looks, wait_s)  # noqa: B023 - called before the next round
        return None

    def _take(self, now_us: int) -> JobRun | None:
        with self._changing:
            job = self._store.claim(self._kinds, now_us)
            if job is None:
                return None
            run = JobRun(job, self._store, self._clock, self._reported.set, self._settings.max_attempts)
            with self._condition:
                self._running[job.id] = run
                if self._stopping.is_set():
                    run.stop()
            self._watches.tell(job)
        _log.info("job %d (%s) begins, attempt %d", job.id, job.title, job.attempts)
        return run

    def _carry_out(self, run: JobRun) -> None:
        becomes = self._outcome_of(run)
        while not self._settle(run, becomes) and not self._stopping.wait(self._settings.save_s):
            pass

    def _settle(self, run: JobRun, becomes: Callable[[Job], Job]) -> bool:
        """Write how a run ended; return whether there is nothing more to write."""

        def end() -> Job:
            job = run.end(becomes)
            with self._condition:
                del self._running[job.id]
            return job

        try:
            job = self.change(end)
        except NotFound:
            _log.warning("job %d was removed while it ran", run.job.id)
            with self._condition:
                del self._running[run.job.id]
        except CalotypeError as error:
            _log.warning("the end of job %d cannot be written: %s", run.job.id, error)
            return False
        else:
            _log.info("job %d (%s) is %s%s", job.id, job.title, job.state, job.error and f": {job.error}")
        return True

    def _outcome_of(self, run: JobRun) -> Callable[[Job], Job]:
        """Do the work; return what becomes of the job."""
        try:
            self._kinds[run.job.kind](run)
        except Cancelled as error:
            return self._stopped if run.has_noticed else self._failed(str(error))
        except Unavailable as error:
            return self._later(run, str(error))
        except CalotypeError as error:
            return self._failed(str(error))
        except Exception:  # noqa: BLE001 - a mistake in one job must not end the thread that runs the others
            _log.exception("job %d (%s) ended by a mistake of ours", run.job.id, run.job.title)
            return self._failed(_OUR_MISTAKE)
        return self._stopped if run.has_noticed else self._done

    # What becomes of a job

    def _left_behind(self, job: Job) -> Job:
        if job.is_cancelling:
            return self._ended(job, State.CANCELLED)
        if job.attempts >= self._settings.max_attempts:
            return self._ended(job, State.FAILED, f"given up: the server ended {job.attempts} times while it ran")
        return replace(job, state=State.WAITING, not_before_us=self._clock())

    def _done(self, job: Job) -> Job:
        return self._ended(job, State.DONE)

    def _failed(self, error: str) -> Callable[[Job], Job]:
        return lambda job: self._ended(job, State.FAILED, error)

    def _stopped(self, job: Job) -> Job:
        if job.is_cancelling:
            return self._ended(job, State.CANCELLED)
        # A pause is no attempt.
        return replace(job, state=State.WAITING, attempts=job.attempts - 1, not_before_us=self._clock())

    def _later(self, run: JobRun, error: str) -> Callable[[Job], Job]:
        def postponed(job: Job) -> Job:
            if job.is_cancelling:
                return self._ended(job, State.CANCELLED)
            attempts = 1 if run.has_advanced else job.attempts
            if attempts >= self._settings.max_attempts:
                return self._ended(job, State.FAILED, f"given up after {attempts} attempts: {error}")
            wait_s = min(self._settings.retry_first_s * 2.0 ** (attempts - 1), self._settings.retry_max_s)
            not_before_us = self._clock() + round(self._jitter(wait_s) * SECOND_US)
            told = storable(error, MAX_ERROR_CHARACTERS)
            return replace(job, state=State.WAITING, attempts=attempts, not_before_us=not_before_us, error=told)

        return postponed

    def _ended(self, job: Job, state: State, error: str = "") -> Job:
        told = storable(error, MAX_ERROR_CHARACTERS)
        return replace(job, state=state, ended_us=self._clock(), error=told, is_cancelling=False)

    # The keeper

    def _keep(self) -> None:
        """Publish and save what runs report, notice what others ask, sweep: the one thread with a rhythm."""
        saved_s = looked_s = time.monotonic()
        swept_s: float | None = None
        while not self._stopping.is_set():
            now_s = time.monotonic()
            if swept_s is None or now_s - swept_s >= SWEEP_EVERY_S:
                self._sweep()
                swept_s = now_s
            self._reported.wait(self._settings.look_s)
            self._reported.clear()
            now_s = time.monotonic()
            runs = list(self._running.values())
            self._publish(runs)
            if now_s - saved_s >= self._settings.save_s:
                self._save(runs)
                saved_s = now_s
            if now_s - looked_s >= self._settings.look_s:
                self._notice(runs)
                looked_s = now_s
            if any(run.is_unsaved for run in runs):
                self._reported.set()
            self._stopping.wait(self._settings.publish_s)

    def _publish(self, runs: list[JobRun]) -> None:
        for run in runs:
            with self._changing:
                if run.job.id in self._running and run.take_changed():
                    self._watches.tell(run.job)

    def _save(self, runs: list[JobRun]) -> None:
        for run in runs:
            if run.is_unsaved:
                try:
                    run.save()
                except CalotypeError as error:
                    _log.warning("the progress of job %d is not written yet: %s", run.job.id, error)

    def _notice(self, runs: list[JobRun]) -> None:
        """Stop what another process has cancelled or removed."""
        for run in runs:
            try:
                is_wanted = not self._store.get(run.job.id).is_cancelling
            except NotFound:
                is_wanted = False
            except CalotypeError as error:
                _log.warning("nobody knows whether job %d is still wanted: %s", run.job.id, error)
                continue
            if not is_wanted:
                run.stop()

    def _sweep(self) -> None:
        """Remove what ended long ago."""
        if not self._settings.keep_days:
            return
        before_us = self._clock() - round(self._settings.keep_days * DAY_US)
        wanted = JobFilter(FINAL, ended_before_us=before_us)
        try:
            while not self._stopping.is_set() and (old := self._store.list(wanted, _RECOVERED_AT_ONCE)):
                for job in old:
                    self._store.remove(job.id)
        except CalotypeError as error:
            _log.warning("old jobs are not removed yet: %s", error)
