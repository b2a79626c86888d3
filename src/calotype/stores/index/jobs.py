"""Jobs in the index's file: implements ``services.jobs.ports``.

A change is read and written in one transaction of the group commit, so no two threads or processes take the same job
and no cancel is overwritten. Statements are few and stand at the top.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from calotype.errors import NotFound
from calotype.services.jobs.model import ItemResult, Job, Outcome, Progress, State, begun
from calotype.services.jobs.ports import Change, JobFilter
from calotype.stores.index.sqlite import SqliteIndex

_COLUMNS: Final = (
    "id, kind, title, arguments, created_us, state, done, failed, warned, total, attempts, not_before_us,"
    " started_us, ended_us, error, is_cancelling"
)

ADD: Final = f"INSERT INTO job ({_COLUMNS}) VALUES (NULL{', ?' * 15})"  # noqa: S608 - our own column names
ONE: Final = f"SELECT {_COLUMNS} FROM job WHERE id = ?"  # noqa: S608 - as above

LISTED: Final = f"""
    SELECT {_COLUMNS} FROM job
    WHERE (:before IS NULL OR id < :before)
      AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
      AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
      AND (:ended_before_us IS NULL OR ended_us < :ended_before_us)
    ORDER BY id DESC LIMIT :limit
"""  # noqa: S608 - as above
"""A walk from the newest: who lists jobs wants those, and there are thousands, not millions."""

DUE: Final = """
    SELECT id, not_before_us FROM job
    WHERE state = 'waiting' AND kind IN (SELECT value FROM json_each(?))
    ORDER BY not_before_us, id LIMIT 1
"""

CHANGE: Final = """
    UPDATE job SET state = ?, done = ?, failed = ?, warned = ?, total = ?, attempts = ?, not_before_us = ?,
        started_us = ?, ended_us = ?, error = ?, is_cancelling = ?
    WHERE id = ?
"""

FORGET: Final = "DELETE FROM job_outcome WHERE job_row = ? AND result IN (SELECT value FROM json_each(?))"
LAST_NUMBER: Final = "SELECT coalesce(max(number), 0) FROM job_outcome WHERE job_row = ?"

RECORD: Final = """
    INSERT INTO job_outcome (job_row, number, item, result, comment, at_us) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (job_row, item) DO UPDATE
    SET result = excluded.result, comment = excluded.comment, at_us = excluded.at_us
"""

OUTCOMES: Final = """
    SELECT item, result, comment, at_us, number FROM job_outcome
    WHERE job_row = :job AND number > :after
      AND (:results IS NULL OR result IN (SELECT value FROM json_each(:results)))
    ORDER BY number LIMIT :limit
"""

ITEMS: Final = "SELECT number, item FROM job_outcome WHERE job_row = ? AND number > ? ORDER BY number LIMIT ?"

REMOVE_SOME: Final = """
    DELETE FROM job_outcome WHERE job_row = :job AND number IN
        (SELECT number FROM job_outcome WHERE job_row = :job ORDER BY number LIMIT :limit)
"""

REMOVE: Final = "DELETE FROM job WHERE id = ?"

CHUNK: Final = 5000
"""Outcomes read or removed at once: so that a long job's end does not hold up whoever stores images."""


class SqliteJobs:
    """Jobs and outcomes over an open index; closed with it."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def add(self, job: Job) -> Job:
        """Keep a new job; see the port."""
        values = (job.kind, job.title, json.dumps(job.arguments), job.created_us, *_changing(job))

        def work(connection: sqlite3.Connection) -> Job:
            number = connection.execute(ADD, values).lastrowid
            assert number is not None  # noqa: S101 - a row was inserted
            return _one(connection, number)

        return self._index.write(work)

    def get(self, job_id: int) -> Job:
        """Return one job; NotFound."""
        found = self._index.read(ONE, (job_id,)) if _is_number(job_id) else []
        if not found:
            raise _no_such(job_id)
        return _job(found[0])

    def list(self, wanted: JobFilter, limit: int) -> list[Job]:
        """Return at most ``limit`` jobs, newest first."""
        values = {
            "before": wanted.before,
            "states": _listed(wanted.states),
            "kinds": _listed(wanted.kinds),
            "ended_before_us": wanted.ended_before_us,
            "limit": limit,
        }
        return [_job(row) for row in self._index.read(LISTED, values)]

    def claim(self, kinds: Collection[str], now_us: int) -> Job | None:
        """Take the waiting job that has been due longest; see the port."""
        listed = json.dumps(sorted(kinds))

        def work(connection: sqlite3.Connection) -> Job | None:
            due = connection.execute(DUE, (listed,)).fetchone()
            if due is None or due[1] > now_us:
                return None
            job = _one(connection, due[0])
            return _write(connection, begun(job, now_us))

        return self._index.write(work)

    def next_due_us(self, kinds: Collection[str]) -> int | None:
        """Return when the next waiting job of these kinds is due; ``None`` when none waits."""
        found = self._index.read(DUE, (json.dumps(sorted(kinds)),))
        return found[0][1] if found else None

    def update(
        self, job_id: int, change: Change, outcomes: Iterable[Outcome] = (), *, forget: Collection[ItemResult] = ()
    ) -> Job:
        """Change a job and its outcomes; see the port."""
        recorded = list(outcomes)

        def work(connection: sqlite3.Connection) -> Job:
            changed = change(_one(connection, job_id))
            if forget:
                connection.execute(FORGET, (job_id, _listed(forget)))
            if recorded:
                ((last,),) = connection.execute(LAST_NUMBER, (job_id,))
                rows = (
                    (job_id, number, outcome.item, outcome.result.value, outcome.comment, outcome.at_us)
                    for number, outcome in enumerate(recorded, last + 1)
                )
                connection.executemany(RECORD, rows)
            return _write(connection, changed)

        return self._index.write(work)

    def remove(self, job_id: int) -> None:
        """Remove a job and its outcomes, a part at a time. NotFound."""
        self.get(job_id)
        part = {"job": job_id, "limit": CHUNK}
        while self._index.write(lambda connection: connection.execute(REMOVE_SOME, part).rowcount):
            pass
        self._index.write(lambda connection: connection.execute(REMOVE, (job_id,)).rowcount)

    def outcomes(
        self, job_id: int, *, results: Collection[ItemResult] = (), after: int = 0, limit: int
    ) -> Sequence[Outcome]:
        """Return at most ``limit`` outcomes with numbers above ``after``, in the order recorded."""
        values = {"job": job_id, "after": after, "results": _listed(results), "limit": limit}
        return [
            Outcome(item, ItemResult(result), comment, at_us, number)
            for item, result, comment, at_us, number in self._index.read(OUTCOMES, values)
        ]

    def items(self, job_id: int) -> Iterator[str]:
        """Return every item that has an outcome."""
        last = 0
        while found := self._index.read(ITEMS, (job_id, last, CHUNK)):
            yield from (item for _, item in found)
            last = found[-1][0]


def _no_such(job_id: int) -> NotFound:
    return NotFound(f"There is no job {job_id}.")


def _is_number(job_id: int) -> bool:
    """Tell whether SQLite has such numbers at all."""
    return 0 < job_id < 2**63


def _listed(values: Collection[str]) -> str | None:
    return json.dumps(sorted(values)) if values else None


def _one(connection: sqlite3.Connection, job_id: int) -> Job:
    row = connection.execute(ONE, (job_id,)).fetchone() if _is_number(job_id) else None
    if row is None:
        raise _no_such(job_id)
    return _job(row)


def _write(connection: sqlite3.Connection, job: Job) -> Job:
    connection.execute(CHANGE, (*_changing(job), job.id))
    return job


def _changing(job: Job) -> tuple[Any, ...]:
    """Return what may change of a job, in the order of its columns."""
    progress = job.progress
    return (
        job.state.value, progress.done, progress.failed, progress.warned, progress.total, job.attempts,
        job.not_before_us, job.started_us, job.ended_us, job.error, int(job.is_cancelling),
    )  # fmt: skip


def _job(row: Sequence[Any]) -> Job:
    number, kind, title, arguments, created_us, state, done, failed, warned, total = row[:10]
    attempts, not_before_us, started_us, ended_us, error, is_cancelling = row[10:]
    return Job(
        number, kind, title, json.loads(arguments), created_us, State(state), Progress(done, failed, warned, total),
        attempts, not_before_us, started_us, ended_us, error, bool(is_cancelling),
    )  # fmt: skip
