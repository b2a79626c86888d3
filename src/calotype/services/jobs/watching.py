"""Tells whoever looks on how jobs get along.

Telling never waits, never fails and never runs much of a listener's code: each watch is a mailbox that holds the
newest state of every job that changed since it was emptied. Whoever is slow sees fewer steps, never an old one last.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from calotype.closing import Closing
from calotype.services.jobs.model import Job

MAX_JOBS_IN_A_WATCH: Final = 10_000
"""A watch that is emptied so seldom loses the jobs that changed longest ago; a list shows them."""


def _sleep_on() -> None:
    """Wake nobody: for a watch that is waited on by its own :meth:`Watch.take`."""


class Watch(Closing):
    """One listener's mailbox; a context manager that closes it. Used by one thread besides those that tell."""

    def __init__(self, watches: Watches, job_id: int | None, wake: Callable[[], None]) -> None:
        self._watches = watches
        self._job_id = job_id
        self._wake = wake
        self._newest: dict[int, Job] = {}
        self._changed = threading.Condition()
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def take(self, timeout_s: float | None = None) -> list[Job]:
        """Empty the mailbox, waiting for something to be in it.

        Nothing is returned after ``timeout_s`` seconds, or when the watch is closed and empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._closed, timeout_s)
            taken, self._newest = self._newest, {}
        return list(taken.values())

    def close(self) -> None:
        """Stop looking on; a :meth:`take` under way returns. Idempotent."""
        self._watches._forget(self)  # noqa: SLF001 - a watch is the other half of Watches
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._wake()

    def _offer(self, job: Job) -> None:
        if self._job_id not in (None, job.id):
            return
        with self._changed:
            # Taken out first, so that the order is that of the latest changes.
            self._newest.pop(job.id, None)
            if len(self._newest) == MAX_JOBS_IN_A_WATCH:
                del self._newest[next(iter(self._newest))]
            self._newest[job.id] = job
            self._changed.notify()
        self._wake()


class Watches:
    """Hands each change to every watch. Thread-safe."""

    def __init__(self) -> None:
        self._open: tuple[Watch, ...] = ()
        self._lock = threading.Lock()
        self._closed = False

    def open(self, job_id: int | None = None, wake: Callable[[], None] = _sleep_on) -> Watch:
        """Begin to look on at one job, or at all of them.

        ``wake`` is called from any thread after each change and at the end; it MUST be quick and not raise. After
        :meth:`close` a watch is closed from the beginning.
        """
        watch = Watch(self, job_id, wake)
        with self._lock:
            if not self._closed:
                self._open = (*self._open, watch)
                return watch
        watch.close()
        return watch

    def tell(self, job: Job) -> None:
        """Tell every watch how a job stands now; returns at once."""
        for watch in self._open:
            watch._offer(job)  # noqa: SLF001 - see Watch.close

    def close(self) -> None:
        """Close every watch, those still to be opened too. Idempotent."""
        with self._lock:
            self._closed = True
            watches = self._open
        for watch in watches:
            watch.close()

    def _forget(self, watch: Watch) -> None:
        with self._lock:
            self._open = tuple(other for other in self._open if other is not watch)
