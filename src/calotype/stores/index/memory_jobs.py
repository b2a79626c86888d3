"""Jobs in memory: the twin that tests use. Nothing lasts but as long as the object does."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from calotype.errors import NotFound
from calotype.services.jobs.model import ItemResult, Job, Outcome, State, begun
from calotype.services.jobs.ports import Change, JobFilter


class MemoryJobs:
    """Implements ``services.jobs.ports``."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._outcomes: dict[int, dict[str, Outcome]] = {}
        self._last = 0
        self._lock = threading.Lock()

    def add(self, job: Job) -> Job:
        """Keep a new job; see the port."""
        arguments = json.loads(json.dumps(job.arguments))
        with self._lock:
            self._last += 1
            number = self._last
            self._jobs[number] = replace(job, id=number, arguments=arguments)
            self._outcomes[number] = {}
            return self._jobs[number]

    def get(self, job_id: int) -> Job:
        """Return one job; NotFound."""
        try:
            return self._jobs[job_id]
        except KeyError:
            raise NotFound(f"There is no job {job_id}.") from None

    def list(self, wanted: JobFilter, limit: int) -> Sequence[Job]:
        """Return at most ``limit`` jobs, newest first."""
        with self._lock:
            newest_first = sorted(self._jobs.values(), key=lambda job: -job.id)
        return [job for job in newest_first if _is_wanted(job, wanted)][:limit]

    def claim(self, kinds: Collection[str], now_us: int) -> Job | None:
        """Take the waiting job that has been due longest; see the port."""
        with self._lock:
            job = self._next(kinds)
            if job is None or job.not_before_us > now_us:
                return None
            self._jobs[job.id] = begun(job, now_us)
            return self._jobs[job.id]

    def next_due_us(self, kinds: Collection[str]) -> int | None:
        """Return when the next waiting job of these kinds is due; ``None`` when none waits."""
        with self._lock:
            job = self._next(kinds)
        return None if job is None else job.not_before_us

    def update(
        self, job_id: int, change: Change, outcomes: Iterable[Outcome] = (), *, forget: Collection[ItemResult] = ()
    ) -> Job:
        """Change a job and its outcomes; see the port."""
        with self._lock:
            changed = change(self.get(job_id))
            kept = {item: known for item, known in self._outcomes[job_id].items() if known.result not in forget}
            last = max((known.number for known in kept.values()), default=0)
            for number, outcome in enumerate(outcomes, last + 1):
                known = kept.get(outcome.item)
                kept[outcome.item] = replace(outcome, number=number if known is None else known.number)
            self._outcomes[job_id] = kept
            self._jobs[job_id] = changed
            return changed

    def remove(self, job_id: int) -> None:
        """Remove a job and its outcomes. NotFound."""
        with self._lock:
            self.get(job_id)
            del self._jobs[job_id], self._outcomes[job_id]

    def outcomes(
        self, job_id: int, *, results: Collection[ItemResult] = (), after: int = 0, limit: int
    ) -> Sequence[Outcome]:
        """Return at most ``limit`` outcomes with numbers above ``after``, in the order recorded."""
        with self._lock:
            known = sorted(self._outcomes.get(job_id, {}).values(), key=lambda outcome: outcome.number)
        return [o for o in known if o.number > after and (not results or o.result in results)][:limit]

    def items(self, job_id: int) -> Iterator[str]:
        """Return every item that has an outcome."""
        with self._lock:
            return iter(list(self._outcomes.get(job_id, {})))

    def _next(self, kinds: Collection[str]) -> Job | None:
        waiting = [job for job in self._jobs.values() if job.state is State.WAITING and job.kind in kinds]
        return min(waiting, key=lambda job: (job.not_before_us, job.id), default=None)


def _is_wanted(job: Job, wanted: JobFilter) -> bool:
    return (
        (not wanted.states or job.state in wanted.states)
        and (not wanted.kinds or job.kind in wanted.kinds)
        and (wanted.before is None or job.id < wanted.before)
        and (wanted.ended_before_us is None or (job.ended_us is not None and job.ended_us < wanted.ended_before_us))
    )
