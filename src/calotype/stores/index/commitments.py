"""Storage commitment transactions in the index's file; see the port ``CommitmentStore``.

Each change is a piece of work for the index's group commit, so that it is durable when its verb returns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, Final

from calotype.dicom.commitment import Reference
from calotype.dicom.hierarchy import UID
from calotype.errors import NotFound
from calotype.services.routing.commitment.model import COMMITTED, Commitment, Direction, Item, Parties, State
from calotype.stores.index.sqlite import SqliteIndex

_COLUMNS: Final = (
    "id, direction, transaction_uid, peer_ae_title, our_ae_title, address, state, total, requested_us, changed_us,"
    " due_us, committed, failed, attempts, error"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM commitment"  # noqa: S608 - a constant
_INSERT: Final = f"INSERT INTO commitment ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '')"  # noqa: S608 - a constant
_INSERT_ITEM: Final = (
    "INSERT INTO commitment_item (commitment_row, position, sop_class_uid, sop_instance_uid) VALUES (?, ?, ?, ?)"
)
_UPDATE: Final = (
    "UPDATE commitment SET state = ?, requested_us = ?, changed_us = ?, due_us = ?, attempts = ?, error = ?"
    " WHERE id = ?"
)
_COUNT: Final = "UPDATE commitment SET committed = ?, failed = ? WHERE id = ?"
_SETTLE_ITEM: Final = "UPDATE commitment_item SET outcome = ? WHERE commitment_row = ? AND position = ?"
_ITEMS: Final = (
    "SELECT sop_class_uid, sop_instance_uid, outcome FROM commitment_item WHERE commitment_row = ? ORDER BY position"
)
_FORGET: Final = "SELECT id FROM commitment WHERE state IN ('done', 'failed') AND changed_us < ?"


_PROMISED: Final = """
    SELECT c.peer_ae_title, count(DISTINCT i.sop_instance_uid)
    FROM commitment_item i JOIN commitment c ON c.id = i.commitment_row
    WHERE i.sop_instance_uid IN (SELECT value FROM json_each(?)) AND i.outcome = 0 AND c.direction = 'given'
    GROUP BY c.peer_ae_title"""


class SqliteCommitments:
    """Implements ``services.routing.commitment.ports.CommitmentStore``."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

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

        def work(connection: sqlite3.Connection) -> int:
            who = (parties.peer, parties.ours, parties.address)
            values = (direction, transaction, *who, state, len(references), now_us, now_us, now_us)
            number = connection.execute(_INSERT, values).lastrowid
            assert number is not None  # noqa: S101 - an INSERT gives its row a number
            items = ((number, i, item.sop_class, item.sop_instance) for i, item in enumerate(references))
            connection.executemany(_INSERT_ITEM, items)
            return number

        number = self._index.write(work)
        return Commitment(number, direction, transaction, parties, state, len(references), now_us, now_us, now_us)

    def get(self, number: int) -> Commitment | None:
        """Return one transaction."""
        return next(iter(self._select("WHERE id = ?", (number,))), None)

    def find(self, direction: Direction, transaction: UID) -> Commitment | None:
        """Return the first transaction of this UID that is kept."""
        where = "WHERE transaction_uid = ? AND direction = ? ORDER BY id LIMIT 1"
        return next(iter(self._select(where, (transaction, direction))), None)

    def items(self, number: int) -> list[Item]:
        """Return the instances of a transaction, in the order in which they were asked about."""
        rows = self._index.read(_ITEMS, (number,))
        return [Item(Reference(UID(sop_class), UID(instance)), outcome) for sop_class, instance, outcome in rows]

    def update(self, changed: Commitment, outcomes: Sequence[int | None] | None = None) -> None:
        """Write what changed. NotFound when it was forgotten meanwhile."""

        def work(connection: sqlite3.Connection) -> None:
            times = (changed.requested_us, changed.changed_us, changed.due_us)
            values = (changed.state, *times, changed.attempts, changed.error, changed.id)
            if not connection.execute(_UPDATE, values).rowcount:
                raise NotFound(f"There is no storage commitment {changed.id}.")
            if outcomes is not None:
                committed = sum(outcome == COMMITTED for outcome in outcomes)
                failed = sum(bool(outcome) for outcome in outcomes)
                connection.execute(_COUNT, (committed, failed, changed.id))
                connection.executemany(_SETTLE_ITEM, ((o, changed.id, i) for i, o in enumerate(outcomes)))

        self._index.write(work)

    def unfinished(self) -> list[Commitment]:
        """Return the given transactions that are being checked or reported, the one due first first."""
        return self._select("WHERE state IN ('checking', 'reporting') ORDER BY due_us, id")

    def recent(self, limit: int, before: int | None = None) -> list[Commitment]:
        """Return transactions, newest first, older than number ``before``."""
        if before is None:
            return self._select("ORDER BY id DESC LIMIT ?", (limit,))
        return self._select("WHERE id < ? ORDER BY id DESC LIMIT ?", (before, limit))

    def promised(self, instances: Collection[UID]) -> dict[str, int]:
        """Return to whom we committed to keep how many of these instances."""
        return dict(self._index.read(_PROMISED, (json.dumps(list(instances)),)))

    def forget(self, before_us: int) -> int:
        """Remove what has not changed since ``before_us`` and is done or failed; return how many."""

        def work(connection: sqlite3.Connection) -> int:
            numbers = connection.execute(_FORGET, (before_us,)).fetchall()
            connection.executemany("DELETE FROM commitment_item WHERE commitment_row = ?", numbers)
            connection.executemany("DELETE FROM commitment WHERE id = ?", numbers)
            return len(numbers)

        return self._index.write(work)

    def _select(self, rest: str, values: Sequence[Any] = ()) -> list[Commitment]:
        return [_commitment(row) for row in self._index.read(f"{_SELECT} {rest}", values)]


def _commitment(row: Sequence[Any]) -> Commitment:
    number, direction, transaction, peer, ours, address, state, *numbers, error = row
    total, requested_us, changed_us, due_us, committed, failed, attempts = numbers
    return Commitment(
        number,
        Direction(direction),
        UID(transaction),
        Parties(peer, ours, address),
        State(state),
        total,
        requested_us,
        changed_us,
        due_us,
        committed,
        failed,
        attempts,
        error,
    )
