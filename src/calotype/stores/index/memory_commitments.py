"""Storage commitment transactions in memory: the twin of ``commitments``, for tests."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import replace

from calotype.dicom.commitment import Reference
from calotype.dicom.hierarchy import UID
from calotype.errors import NotFound
from calotype.services.routing.commitment.model import COMMITTED, Commitment, Direction, Item, Parties, State

_UNFINISHED = frozenset({State.CHECKING, State.REPORTING})
_FINISHED = frozenset({State.DONE, State.FAILED})


class MemoryCommitments:
    """Implements ``services.routing.commitment.ports.CommitmentStore``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[int, Commitment] = {}
        self._items: dict[int, list[Item]] = {}
        self._last = 0

    def add(
        self,
        direction: Direction,
        transaction: UID,
        parties: Parties,
        references: Sequence[Reference],
        *,
        state: State,
        now_us: int,
    ) -> Commitment:
        """Write down a new transaction, due at once."""
        with self._lock:
            self._last += 1
            new = Commitment(
                self._last, direction, transaction, parties, state, len(references), now_us, now_us, now_us
            )
            self._kept[new.id] = new
            self._items[new.id] = [Item(reference) for reference in references]
            return new

    def get(self, number: int) -> Commitment | None:
        """Return one transaction."""
        with self._lock:
            return self._kept.get(number)

    def find(self, direction: Direction, transaction: UID) -> Commitment | None:
        """Return the first transaction of this UID that is kept."""
        with self._lock:
            kept = self._kept.values()
            return next((c for c in kept if (c.direction, c.transaction) == (direction, transaction)), None)

    def items(self, number: int) -> list[Item]:
        """Return the instances of a transaction, in the order in which they were asked about."""
        with self._lock:
            return list(self._items.get(number, ()))

    def update(self, changed: Commitment, outcomes: Sequence[int | None] | None = None) -> None:
        """Write what changed. NotFound when it was forgotten meanwhile."""
        with self._lock:
            known = self._kept.get(changed.id)
            if known is None:
                raise NotFound(f"There is no storage commitment {changed.id}.")
            committed, failed = known.committed, known.failed
            if outcomes is not None:
                committed = sum(outcome == COMMITTED for outcome in outcomes)
                failed = sum(bool(outcome) for outcome in outcomes)
                pairs = zip(self._items[changed.id], outcomes, strict=True)
                self._items[changed.id] = [replace(item, outcome=outcome) for item, outcome in pairs]
            self._kept[changed.id] = replace(changed, committed=committed, failed=failed)

    def unfinished(self) -> list[Commitment]:
        """Return the given transactions that are being checked or reported, the one due first first."""
        with self._lock:
            found = [kept for kept in self._kept.values() if kept.state in _UNFINISHED]
        return sorted(found, key=lambda kept: (kept.due_us, kept.id))

    def recent(self, limit: int, before: int | None = None) -> list[Commitment]:
        """Return transactions, newest first, older than number ``before``."""
        with self._lock:
            numbers = sorted((n for n in self._kept if before is None or n < before), reverse=True)
            return [self._kept[number] for number in numbers[:limit]]

    def promised(self, instances: Collection[UID]) -> dict[str, int]:
        """Return to whom we committed to keep how many of these instances."""
        told: dict[str, set[UID]] = {}
        with self._lock:
            for number, kept in self._kept.items():
                if kept.direction is Direction.GIVEN:
                    mine = {i.reference.sop_instance for i in self._items[number] if i.outcome == COMMITTED}
                    told.setdefault(kept.parties.peer, set()).update(mine & set(instances))
        return {peer: len(mine) for peer, mine in told.items() if mine}

    def forget(self, before_us: int) -> int:
        """Remove what has not changed since ``before_us`` and is done or failed; return how many."""
        with self._lock:
            gone = [c.id for c in self._kept.values() if c.state in _FINISHED and c.changed_us < before_us]
            for number in gone:
                del self._kept[number], self._items[number]
            return len(gone)
