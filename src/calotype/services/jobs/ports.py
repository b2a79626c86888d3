"""What jobs need from below: somewhere that they last.

``stores.index.jobs`` implements both ports, ``stores.index.memory_jobs`` is the twin in memory. Any thread may call
any method at any time. What a method has returned for is committed. Errors are ``calotype.errors``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from calotype.services.jobs.model import ItemResult, Job, Outcome, State

Change = Callable[[Job], Job]
"""From a job as it stands to what it shall be: pure; may refuse by raising a ``CalotypeError``."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are asked for; an empty collection does not restrict.

    ``before`` is the number of a job: those with smaller ones only. ``ended_before_us``: only those that ended
    before that time.
    """

    states: frozenset[State] = frozenset()
    kinds: frozenset[str] = frozenset()
    before: int | None = None
    ended_before_us: int | None = None


class JobStore(Protocol):
    """Keeps jobs."""

    def add(self, job: Job) -> Job:
        """Keep a new job under a number of its own, in the place of ``job.id``, and return it."""
        ...

    def get(self, job_id: int) -> Job:
        """Return one job; NotFound."""
        ...

    def list(self, wanted: JobFilter, limit: int) -> Sequence[Job]:
        """Return at most ``limit`` jobs, newest first."""
        ...

    def claim(self, kinds: Collection[str], now_us: int) -> Job | None:
        """Take the waiting job of these kinds that has been due longest: it is running, and begun once more.

        No two callers get the same job. ``None`` when nothing is due.
        """
        ...

    def next_due_us(self, kinds: Collection[str]) -> int | None:
        """Return when the next waiting job of these kinds is due; ``None`` when none waits."""
        ...

    def update(
        self, job_id: int, change: Change, outcomes: Iterable[Outcome] = (), *, forget: Collection[ItemResult] = ()
    ) -> Job:
        """Change a job, forget its outcomes of some results, add ``outcomes``: all or nothing; return the job.

        An outcome replaces an earlier one of the same item. Number, kind, title, arguments and creation time stay.
        NotFound; and what ``change`` raises, with nothing written.
        """
        ...

    def remove(self, job_id: int) -> None:
        """Remove a job and its outcomes. NotFound."""
        ...


class OutcomeStore(Protocol):
    """Hands out what came of the items of a job."""

    def outcomes(
        self, job_id: int, *, results: Collection[ItemResult] = (), after: int = 0, limit: int
    ) -> Sequence[Outcome]:
        """Return at most ``limit`` outcomes with numbers above ``after``, in the order recorded."""
        ...

    def items(self, job_id: int) -> Iterator[str]:
        """Return every item that has an outcome."""
        ...


class LastingJobs(JobStore, OutcomeStore, Protocol):
    """Both, as one store has them."""
