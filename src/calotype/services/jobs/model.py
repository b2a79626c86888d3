"""What a job is, in frozen dataclasses: its state, how far it is, what came of each of its items.

Times are UTC in microseconds since 1970. Nothing here runs, stores or waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeAlias

Arguments: TypeAlias = Mapping[str, Any]
"""What a job was told, as a JSON object: lasting, so nothing that only this process understands."""


class State(StrEnum):
    """Where a job is on its way."""

    WAITING = "waiting"
    """For a worker, or for the time at which it is tried again."""
    RUNNING = "running"
    DONE = "done"
    """To its end; single items may have failed."""
    FAILED = "failed"
    """Given up, the job's error says why."""
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether a job in this state stays in it until a person says otherwise."""
        return self in FINAL


FINAL: Final = frozenset({State.DONE, State.FAILED, State.CANCELLED})


class ItemResult(StrEnum):
    """What came of one item."""

    OK = "ok"
    WARNED = "warned"
    """Done, but not as it should be."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """How many items are done well, failed, or done with a warning; ``total`` is ``None`` until it is known."""

    done: int = 0
    failed: int = 0
    warned: int = 0
    total: int | None = None

    @property
    def finished(self) -> int:
        """How many items have an outcome."""
        return self.done + self.failed + self.warned

    def plus(self, result: ItemResult, count: int = 1) -> Progress:
        """Return the progress after ``count`` more items of this result; less when it is negative."""
        match result:
            case ItemResult.OK:
                return replace(self, done=self.done + count)
            case ItemResult.WARNED:
                return replace(self, warned=self.warned + count)
            case ItemResult.FAILED:
                return replace(self, failed=self.failed + count)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one item of a job; ``comment`` is for people, empty when all went well.

    ``number`` tells the order in which the outcomes of a job were recorded; a store gives it.
    """

    item: str
    result: ItemResult
    comment: str = ""
    at_us: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work as it stands now.

    ``attempts`` counts how often it was begun without coming any further, the one under way included;
    ``not_before_us`` is when a waiting one is due. ``is_cancelling``: whoever runs it has been asked to stop.
    """

    id: int
    kind: str
    title: str
    arguments: Arguments
    created_us: int
    state: State = State.WAITING
    progress: Progress = Progress()
    attempts: int = 0
    not_before_us: int = 0
    started_us: int | None = None
    ended_us: int | None = None
    error: str = ""
    is_cancelling: bool = False


def storable(text: str, max_characters: int) -> str:
    """Return text that any store can keep: cut to a length, without lone surrogates (of undecodable file names)."""
    cut = text if len(text) <= max_characters else text[: max_characters - 1] + "…"
    return cut.encode("utf-8", "replace").decode("utf-8")


def begun(job: Job, now_us: int) -> Job:
    """Return a job as it is when a worker takes it."""
    return replace(
        job,
        state=State.RUNNING,
        attempts=job.attempts + 1,
        started_us=job.started_us or now_us,
        ended_us=None,
        error="",
        is_cancelling=False,
    )
