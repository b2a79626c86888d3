"""What compression needs from below: a list of work that lasts, and an exchange of one file for another.

``stores.index.compression`` implements it in the index's file, ``stores.index.memory_compression`` is its twin. New
objects come onto the list with their own commit (``InstanceRecord.is_to_compress``). Any thread may call any method
at any time; what a method has returned for is durable. Errors are ``calotype.errors``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from calotype.dicom.hierarchy import UID
from calotype.services.archive.ports import ObjectLocation, Origin, StoredInstance


class Result(StrEnum):
    """What came of one object."""

    COMPRESSED = "compressed"
    """It takes less room; its pixels are the same."""
    DERIVED = "derived"
    """A lossy object was made of it."""
    NOT_SMALLER = "not-smaller"
    """It stays as it came, since its compressed form takes as much."""
    KEPT = "kept"
    """It stays as it came; a reason is given."""
    PASSED_OVER = "passed-over"
    """There is nothing to do: compressed already, wanted no more, gone, or changed meanwhile."""


COUNTED = (Result.COMPRESSED, Result.DERIVED, Result.NOT_SMALLER, Result.KEPT)
"""The results that are counted; the others did nothing."""


@dataclass(frozen=True, slots=True)
class Task:
    """One object to be compressed. ``attempts``: how often it was begun, this time included.

    ``origin`` and ``modality`` choose the rule; ``None`` for an object that is gone.
    """

    sop_instance: UID
    origin: Origin | None
    modality: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long files were before and are after, in bytes."""

    before_bytes: int = 0
    after_bytes: int = 0


NO_SIZES = Sizes()


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something came of objects since the archive began, and how long their files were and are."""

    result: Result
    objects: int
    before_bytes: int
    after_bytes: int


@dataclass(frozen=True, slots=True)
class Left:
    """An object that stays as it came, and why."""

    sop_instance: UID
    reason: str
    at_us: int


class CompressionStore(Protocol):
    """Keeps what is to be compressed and what came of it."""

    def recover(self) -> None:
        """Put back what was claimed and not ended: whoever claimed it is gone."""
        ...

    def claim(self, limit: int, until_us: int) -> Sequence[Task]:
        """Take at most ``limit`` objects received until then, the oldest first; nobody else gets them.

        What was begun before, and not ended, comes last and alone: it may be what ended the process.
        """
        ...

    def release(self, tasks: Collection[Task], *, begun: bool = False) -> None:
        """Put claimed objects back: as if they had not been begun, unless ``begun``, which puts them last."""
        ...

    def candidates(self, studies: Collection[UID], syntaxes: Collection[UID]) -> Iterator[Task]:
        """Walk over the instances of ``studies`` (none: of all) that are kept in one of ``syntaxes``."""
        ...

    def exchange(self, stored: StoredInstance, location: ObjectLocation, header: bytes) -> None:
        """Commit that an object is kept at ``location`` instead, with this header; it is on the list no more.

        Conflict, and nothing is written, when it is not (any more) kept where ``stored`` says; NotFound when it is
        gone.
        """
        ...

    def retire(self, stored: StoredInstance) -> None:
        """Take an object out of the index. Conflict and NotFound as :meth:`exchange`; also with further versions."""
        ...

    def end(self, sop_instance: UID, result: Result, sizes: Sizes, *, reason: str = "", at_us: int) -> None:
        """Commit what came of an object otherwise; it is on the list no more, but for the reason why it stays."""
        ...

    def waiting(self) -> int:
        """Return how many objects are on the list."""
        ...

    def tallies(self) -> Sequence[Tally]:
        """Return what came of objects, for each result that there was."""
        ...

    def left(self, limit: int) -> Sequence[Left]:
        """Return objects that stay as they came for a reason, the latest first."""
        ...
