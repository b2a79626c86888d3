"""The worklist's twin in memory, as simple as can be: the reference that the other one is tested against."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from calotype.dicom.hierarchy import UID
from calotype.dicom.query.matching import holds, order_key
from calotype.dicom.query.model import Page
from calotype.dicom.query.worklist import flattened
from calotype.errors import Conflict, NotFound
from calotype.services.archive.ports import Total
from calotype.services.worklist.items import Entry, Item, entries
from calotype.services.worklist.ports import Move, PerformedRecord, StepQuery


class MemoryWorklist:
    """Implements ``services.worklist.ports.WorklistStore`` and ``PerformedStore``."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._items: dict[str, Item] = {}
        self._performed: dict[UID, PerformedRecord] = {}

    def add(self, item: Item) -> None:
        """Keep a new item; see the port."""
        with self._lock:
            self._check_procedure(item)
            self._items[item.item_id] = item

    def item(self, item_id: str) -> Item:
        """Return an item. NotFound."""
        with self._lock:
            if item_id not in self._items:
                raise NotFound(f"there is no worklist item {item_id}")
            return self._items[item_id]

    def of_study(self, study: str) -> list[Item]:
        """Return the items of a Study Instance UID, oldest first."""
        with self._lock:
            return [item for item in self._items.values() if item.study == study]

    def change(self, item_id: str, change: Callable[[Item], Item]) -> Item:
        """Put ``change(item)`` in an item's place; see the port."""
        with self._lock:
            new = change(self.item(item_id))
            self._check_procedure(new)
            self._items[item_id] = new
            return new

    def remove(self, item_id: str) -> None:
        """Forget an item and its steps. NotFound."""
        with self._lock:
            del self._items[self.item(item_id).item_id]

    def find(self, query: StepQuery) -> Iterator[Entry]:
        """Answer a question."""
        page = query.page
        return islice(self._found(query), page.offset, None if page.limit is None else page.offset + page.limit)

    def count(self, query: StepQuery, cap: int) -> Total:
        """Count the answers to a question, up to ``cap``."""
        found = sum(1 for _ in self._found(query))
        return Total(cap, at_least=True) if found > cap else Total(found)

    def _found(self, query: StepQuery) -> Iterator[Entry]:
        with self._lock:
            everything = [entry for item in self._items.values() for entry in entries(item)]
        found = [
            entry
            for entry in everything
            if entry.status in query.statuses and all(holds(each, entry.attributes) for each in query.conditions)
        ]
        return iter(sorted(found, key=lambda entry: order_key(query.order, flattened(entry.attributes))))

    def _check_procedure(self, item: Item) -> None:
        for other in self.of_study(item.study):
            if other.procedure_id == item.procedure_id and other.item_id != item.item_id:
                raise Conflict(f"requested procedure {item.procedure_id} is scheduled already: item {other.item_id}")

    def create(self, record: PerformedRecord, moves: Sequence[Move] = ()) -> None:
        """Keep a new performed step, and move scheduled ones. Conflict."""
        with self._lock:
            if record.sop_instance in self._performed:
                raise Conflict(f"performed step {record.sop_instance} is here already")
            self._items |= self._moved(moves)
            self._performed[record.sop_instance] = record

    def performed(self, sop_instance: UID) -> PerformedRecord:
        """Return a performed step. NotFound."""
        with self._lock:
            if sop_instance not in self._performed:
                raise NotFound(f"there is no performed step {sop_instance}")
            return self._performed[sop_instance]

    def update(
        self,
        sop_instance: UID,
        change: Callable[[PerformedRecord], PerformedRecord],
        moves: Sequence[Move] = (),
    ) -> PerformedRecord:
        """Put ``change(record)`` in a record's place, and move scheduled steps; see the port."""
        with self._lock:
            new = change(self.performed(sop_instance))
            self._items |= self._moved(moves)
            self._performed[sop_instance] = new
            return new

    def _moved(self, moves: Sequence[Move]) -> dict[str, Item]:
        moved: dict[str, Item] = {}
        for move in moves:
            if (item := moved.get(move.item_id, self._items.get(move.item_id))) is not None:
                moved[move.item_id] = move.of(item)
        return moved

    def newest(self, page: Page) -> list[PerformedRecord]:
        """Return a page of performed steps, newest first."""
        with self._lock:
            found = list(self._performed.values())[::-1]
        return found[page.offset : None if page.limit is None else page.offset + page.limit]
