"""The worklist as its users see it: ask for steps, schedule, change, move on, import.

Questions of modalities come through :meth:`Worklist.ask`, those of people through :meth:`Worklist.find` and
:meth:`Worklist.count`; all mean what ``dicom.query.matching`` says. Who may do so is decided at the doors.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from calotype.clock import Clock, utc_now_us
from calotype.dicom.query.worklist import WorklistRequest
from calotype.errors import Conflict, InvalidRequest
from calotype.services.archive.ports import Total
from calotype.services.worklist.askers import Askers
from calotype.services.worklist.items import OPEN, Entry, Item, Step, StepStatus
from calotype.services.worklist.numbering import Numbered, next_number
from calotype.services.worklist.ports import EVERY_STATUS, StepQuery, WorklistStore
from calotype.services.worklist.validation import read_item

COUNT_CAP: Final = 100_000


@dataclass(frozen=True, slots=True)
class WorklistSettings:
    """``unasked``: the statuses of steps that answer a query which names none."""

    unasked: frozenset[StepStatus] = OPEN


class Worklist:
    """Schedules steps and answers questions about them. Thread-safe."""

    def __init__(
        self, store: WorklistStore, settings: WorklistSettings | None = None, clock: Clock = utc_now_us
    ) -> None:
        self._store = store
        self._settings = settings or WorklistSettings()
        self._clock = clock
        self._numbering = threading.Lock()
        self.askers = Askers(clock)

    def ask(self, request: WorklistRequest) -> Iterator[Entry]:
        """Answer a modality's question, streaming. Unavailable when the index is."""
        statuses = EVERY_STATUS if request.asks_status else self._settings.unasked
        return self._store.find(StepQuery(request.conditions, statuses))

    def find(self, query: StepQuery) -> Iterator[Entry]:
        """Answer a question, streaming."""
        return self._store.find(query)

    def count(self, query: StepQuery, cap: int = COUNT_CAP) -> Total:
        """Count the answers to a question, up to ``cap``."""
        return self._store.count(query, cap)

    def item(self, item_id: str) -> Item:
        """Return an item. NotFound."""
        return self._store.item(item_id)

    def schedule(self, given: Mapping[str, Any], numbered: Collection[Numbered] = ()) -> Item:
        """Keep a new item, given as keywords. InvalidRequest; Conflict when this procedure is scheduled already.

        Of ``numbered``, what is missing gets the next number of the day.
        """
        lacking = [kind for kind in numbered if not given.get(kind)]
        if not lacking:
            item = self._stamped(read_item(given))
            self._store.add(item)
            return item
        # Held until the item is kept: nobody else gets its numbers.
        with self._numbering:
            made = {kind.value: next_number(self._store, kind, self._clock()) for kind in lacking}
            return self.schedule({**given, **made})

    def replace(self, item_id: str, given: Mapping[str, Any]) -> Item:
        """Put an item's attributes and steps anew. InvalidRequest, NotFound, Conflict.

        Study Instance UID and Requested Procedure ID stay what they were unless given.
        """

        def change(old: Item) -> Item:
            identity = {"StudyInstanceUID": old.study, "RequestedProcedureID": old.procedure_id}
            kept = {keyword: value for keyword, value in identity.items() if not given.get(keyword)}
            new = read_item({**given, **kept}, item_id=item_id)
            return replace(new, created_us=old.created_us, updated_us=self._clock())

        return self._store.change(item_id, change)

    def move(self, item_id: str, status: StepStatus, step_ids: Iterable[str] = ()) -> Item:
        """Put steps of an item (none named: all) at ``status``. NotFound; InvalidRequest for a step it has not."""
        named = frozenset(step_ids)

        def change(item: Item) -> Item:
            unknown = named - {step.step_id for step in item.steps}
            if unknown:
                raise InvalidRequest(f"the item has no step {', '.join(sorted(unknown))}")
            return replace(item.with_status(status, named or None), updated_us=self._clock())

        return self._store.change(item_id, change)

    def remove(self, item_id: str) -> None:
        """Forget an item. NotFound."""
        self._store.remove(item_id)

    def take(self, given: Mapping[str, Any]) -> tuple[Item, bool]:
        """Keep an item that may be here already; return it, and whether it is new. InvalidRequest.

        A requested procedure that is known gets the attributes given; of its steps those with the same ID are
        replaced, the others stay: information systems write each step of a procedure into a file of its own.
        """
        item = self._stamped(read_item(given))
        try:
            self._store.add(item)
        except Conflict:
            known = next((e for e in self._store.of_study(item.study) if e.procedure_id == item.procedure_id), None)
            if known is None:  # removed a moment ago
                raise
            return self._store.change(known.item_id, lambda old: _merged(old, item)), False
        return item, True

    def _stamped(self, item: Item) -> Item:
        now = self._clock()
        return replace(item, created_us=now, updated_us=now)


def _merged(old: Item, new: Item) -> Item:
    steps: dict[str, Step] = {step.step_id: step for step in old.steps}
    steps |= {step.step_id: step for step in new.steps}
    return replace(old, attributes=new.attributes, steps=tuple(steps.values()), updated_us=new.updated_us)
