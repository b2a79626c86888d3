"""What stores that share the index's file need of it: to read, and to have work done in its transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from calotype.stores.index.ledger import Ledger

T = TypeVar("T")


class Transactions(Protocol):
    """An index, as ``feed`` and ``recycled`` see it, of which they are parts."""

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work`` in the transaction of a group; returns when it is committed."""
        ...

    def edit(self, work: Callable[[Ledger, sqlite3.Connection], T]) -> T:
        """Do ``work`` on rows of instances, the feed being told first what was stored before."""
        ...

    def read(self, sql: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement."""
        ...
