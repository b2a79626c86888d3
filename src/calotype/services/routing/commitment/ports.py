"""What storage commitment needs from below: a place to write transactions down, and somebody who calls neighbours.

``stores.index.commitments`` implements the first, with a twin in memory, ``scu.commitment`` the second.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from calotype.dicom.commitment import Reference, Report, Request
from calotype.dicom.hierarchy import UID
from calotype.services.routing.commitment.model import Commitment, Direction, Item, Parties, State
from calotype.services.routing.nodes import Node


class CommitmentStore(Protocol):
    """Keeps transactions. Every change is durable when its call returns; any thread may call at any time."""

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
        ...

    def get(self, number: int) -> Commitment | None:
        """Return one transaction."""
        ...

    def find(self, direction: Direction, transaction: UID) -> Commitment | None:
        """Return the first transaction of this UID that is kept."""
        ...

    def items(self, number: int) -> list[Item]:
        """Return the instances of a transaction, in the order in which they were asked about."""
        ...

    def update(self, changed: Commitment, outcomes: Sequence[int | None] | None = None) -> None:
        """Write what changed, with the outcome of every instance, in the order of :meth:`items`, when given.

        The counters follow from the outcomes. NotFound when it was forgotten meanwhile.
        """
        ...

    def unfinished(self) -> list[Commitment]:
        """Return the given transactions that are being checked or reported, the one due first first."""
        ...

    def recent(self, limit: int, before: int | None = None) -> list[Commitment]:
        """Return transactions, newest first, older than number ``before``."""
        ...

    def promised(self, instances: Collection[UID]) -> dict[str, int]:
        """Return to whom, by AE title, we committed to keep how many of these instances."""
        ...

    def forget(self, before_us: int) -> int:
        """Remove what has not changed since ``before_us`` and is done or failed; return how many."""
        ...


class Messenger(Protocol):
    """Calls neighbours. Any thread may call at any time."""

    def ask(self, node: Node, request: Request) -> Report | None:
        """Ask ``node`` for commitment, and wait a little for its report on the same association.

        ``None`` when it will report later. Unavailable, Refused or Unsupported, the message saying why, when it
        could not be asked; what it answered instead of Success otherwise.
        """
        ...

    def report(self, node: Node, our_ae_title: str, report: Report) -> None:
        """Deliver ``report``, calling ``node`` by the AE title that it had asked.

        Unavailable, Refused or Unsupported, the message saying why, when it does not take it.
        """
        ...
