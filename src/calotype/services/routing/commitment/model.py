"""A storage commitment transaction, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from calotype.dicom.commitment import Reference, Report
from calotype.dicom.hierarchy import UID

COMMITTED: Final = 0
"""The outcome of an instance that its archive promised to keep; other numbers are failure reasons."""


class Direction(StrEnum):
    """Who asks whom."""

    GIVEN = "given"
    """A neighbour asks us: we promise."""
    ASKED = "asked"
    """We ask a neighbour: it promises."""


class State(StrEnum):
    """How far a transaction is."""

    CHECKING = "checking"
    """Given: objects are being read."""
    REPORTING = "reporting"
    """Given: the outcome is known and not yet delivered."""
    WAITING = "waiting"
    """Asked: the neighbour has not reported yet."""
    DONE = "done"
    """The outcome is known to both sides."""
    FAILED = "failed"
    """Given: the outcome could not be delivered. Asked: the neighbour could not be asked."""


@dataclass(frozen=True, slots=True)
class Parties:
    """Who asked and who was asked, by AE title, and from where a neighbour asked."""

    peer: str
    ours: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Commitment:
    """One transaction. Times are UTC, microseconds since 1970; ``due_us`` is when it is to be looked at again."""

    id: int
    direction: Direction
    transaction: UID
    parties: Parties
    state: State
    total: int
    requested_us: int
    changed_us: int
    due_us: int
    committed: int = 0
    failed: int = 0
    attempts: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One instance of a transaction; ``outcome`` is ``None`` while unknown, then :data:`COMMITTED` or a reason."""

    reference: Reference
    outcome: int | None = None


def report_of(transaction: UID, items: list[Item]) -> Report:
    """Return what is to be told of instances whose outcomes are known."""
    return Report(
        transaction,
        tuple(item.reference for item in items if item.outcome == COMMITTED),
        tuple((item.reference, item.outcome) for item in items if item.outcome),
    )
