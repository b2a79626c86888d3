"""One attempt at a job, as the code that does the work sees it.

Outcomes and progress are gathered here and written in batches, so that a hundred thousand items cost a hundred
transactions; who writes and when is in ``workers``. Nothing here knows what the work is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from calotype.clock import Clock
from calotype.errors import Cancelled
from calotype.services.jobs.model import Arguments, ItemResult, Job, Outcome, Progress, storable
from calotype.services.jobs.ports import LastingJobs

MAX_UNSAVED: Final = 1000
"""Outcomes in memory at most: the thread that makes more writes them itself."""

MAX_COMMENT_CHARACTERS: Final = 1000
MAX_ITEM_CHARACTERS: Final = 4096


class JobRun:
    """What a job's code is given: what to do, what is done already, and whom to tell.

    The code MUST look at :attr:`is_cancelled` (or call :meth:`check`) between items and soon return when told to
    stop; it MAY use several threads. Raising ``Unavailable`` asks for another attempt later; any other error of
    ``calotype.errors`` ends the job as failed.
    """

    def __init__(
        self, job: Job, store: LastingJobs, clock: Clock, wake: Callable[[], None], max_attempts: int
    ) -> None:
        self._job = job
        self._store = store
        self._clock = clock
        self._wake = wake
        self._max_attempts = max_attempts
        self._progress = job.progress
        # Read when it is first asked for: a job that begins has none.
        self._finished: frozenset[str] | None = None if job.progress.finished else frozenset()
        self._unsaved: dict[str, Outcome] = {}
        self._given: dict[str, ItemResult] = {}
        self._is_changed = False
        self._is_unsaved = False
        self._is_told_to_stop = False
        self._has_noticed = False
        self._is_over = False
        self._starts_over = False
        self._lock = threading.Lock()
        self._saving = threading.Lock()

    @property
    def job(self) -> Job:
        """The job as it stands now."""
        return replace(self._job, progress=self._progress)

    @property
    def arguments(self) -> Arguments:
        """What the job was told."""
        return self._job.arguments

    @property
    def finished_items(self) -> frozenset[str]:
        """The items that had their outcome before this attempt, not to be done again. Unavailable."""
        if self._finished is None:
            self._finished = frozenset(self._store.items(self._job.id))
        return self._finished

    @property
    def is_cancelled(self) -> bool:
        """Whether to stop now: somebody has cancelled the job, or the house closes and it will go on later."""
        if self._is_told_to_stop:
            self._has_noticed = True
        return self._is_told_to_stop

    def check(self) -> None:
        """Raise Cancelled when it is time to stop."""
        if self.is_cancelled:
            raise Cancelled("the job was told to stop")

    @property
    def is_last_attempt(self) -> bool:
        """Whether an Unavailable raised now would end the job: no attempt is left, and this one came no further."""
        return self._job.attempts >= self._max_attempts and not self.has_advanced

    @property
    def has_advanced(self) -> bool:
        """Whether this attempt has brought any outcome that the next one need not bring again."""
        return bool(self._given) and not self._starts_over

    @property
    def progress(self) -> Progress:
        """How far the job is. Each outcome counts by itself; set it where somebody else does the counting."""
        return self._progress

    @progress.setter
    def progress(self, progress: Progress) -> None:
        with self._lock:
            self._progress = progress
        self._note()

    @property
    def total(self) -> int | None:
        """How many items there are in all, finished ones included; ``None`` until known."""
        return self._progress.total

    @total.setter
    def total(self, total: int | None) -> None:
        with self._lock:
            self._progress = replace(self._progress, total=total)
        self._note()

    def outcome(self, item: str, result: ItemResult, comment: str = "") -> None:
        """Say what came of one item.

        Said again in the same attempt, the later word counts; what an earlier attempt said stays. Now and then this
        writes: Unavailable when that fails.
        """
        item, comment = storable(item, MAX_ITEM_CHARACTERS), storable(comment, MAX_COMMENT_CHARACTERS)
        if item in self.finished_items:
            return
        with self._lock:
            before = self._given.get(item)
            if before is not None:
                self._progress = self._progress.plus(before, -1)
            self._given[item] = result
            self._progress = self._progress.plus(result)
            self._unsaved[item] = Outcome(item, result, comment, self._clock())
            is_much = len(self._unsaved) >= MAX_UNSAVED
        self._note()
        if is_much:
            self.save()

    def start_over(self) -> None:
        """Forget all outcomes and progress: for work that cannot be taken up where it was left. Unavailable."""
        with self._saving:
            with self._lock:
                self._progress = Progress()
                self._unsaved.clear()
                self._given.clear()
            self._finished = frozenset()
            self._starts_over = True
            self._store.update(
                self._job.id, lambda job: replace(job, progress=Progress()), forget=frozenset(ItemResult)
            )
        self._note()

    # For whoever runs it

    def stop(self) -> None:
        """Tell the code to stop."""
        self._is_told_to_stop = True

    @property
    def has_noticed(self) -> bool:
        """Whether the code knows that it was to stop: if it then returned, it has left something undone."""
        return self._has_noticed

    @property
    def is_unsaved(self) -> bool:
        """Whether there is something to write."""
        return self._is_unsaved

    def take_changed(self) -> bool:
        """Return whether anything changed since this was last asked."""
        changed, self._is_changed = self._is_changed, False
        return changed

    def save(self) -> None:
        """Write what is unsaved, unless the attempt is over.

        Unavailable when that fails: nothing is lost then, the next call writes it.
        """
        with self._saving:
            if not self._is_over:
                self._write(_as_it_is)

    def end(self, change: Callable[[Job], Job]) -> Job:
        """Write what is unsaved, and in the same transaction ``change`` the job; return it as it is then.

        Unavailable when that fails: it can be done again. Afterwards nothing of this attempt is written any more.
        """
        with self._saving:
            ended = self._write(change)
            self._is_over = True
            return ended

    def _write(self, change: Callable[[Job], Job]) -> Job:
        with self._lock:
            batch, self._unsaved = self._unsaved, {}
            progress = self._progress
            self._is_unsaved = False
        try:
            return self._store.update(
                self._job.id, lambda job: change(replace(job, progress=progress)), list(batch.values())
            )
        except BaseException:
            with self._lock:
                self._unsaved = batch | self._unsaved
                self._is_unsaved = True
            raise

    def _note(self) -> None:
        self._is_changed = self._is_unsaved = True
        self._wake()


def _as_it_is(job: Job) -> Job:
    return job
