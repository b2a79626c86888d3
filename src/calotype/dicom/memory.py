"""A bounded memory of what was worked out before, for values that repeat from object to object."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """Tables by context, which together cost at most a budget of bytes; when it is spent, all is forgotten.

    Forgetting everything is crude and right here: what repeats is back after one object, and what never repeats is
    what filled the memory. Threads may share it: the worst that a race does is to miscount or to forget a bit early.
    """

    __slots__ = ("_budget_bytes", "_tables", "_used_bytes")

    _OVERHEAD_BYTES = 200
    """What an entry costs beside its own bytes: two objects and their place in the table."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes
        self._used_bytes = 0
        self._tables: dict[Hashable, dict[bytes, Value]] = {}

    def of(self, context: Hashable) -> dict[bytes, Value]:
        """Return the table of one context, to be read only; :meth:`keep` fills it."""
        table = self._tables.get(context)
        if table is None:
            self._used_bytes += self._OVERHEAD_BYTES
            table = self._tables.setdefault(context, {})
        return table

    def keep(self, table: dict[bytes, Value], key: bytes, value: Value, size_bytes: int) -> None:
        """Remember ``value``; ``size_bytes`` is what key and value come to."""
        self._used_bytes += size_bytes + self._OVERHEAD_BYTES
        if self._used_bytes > self._budget_bytes:
            self._used_bytes = size_bytes + self._OVERHEAD_BYTES
            # The table in use stays in its place: it would grow unseen otherwise.
            self._tables = {context: known for context, known in list(self._tables.items()) if known is table}
            table.clear()
        table[key] = value
