"""What the worklist needs from below: a store of items that answers questions, and one of performed steps.

``stores.index`` implements both, with in-memory twins that pass the same contract tests. Every method may be called
from any thread at any time. A writing method returns when what it wrote is as durable as the store was told to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from calotype.dicom.hierarchy import UID
from calotype.dicom.query.model import Condition, Order, Page
from calotype.services.archive.ports import Total
from calotype.services.worklist.items import Entry, Item, StepStatus

EVERYTHING = Page()
EVERY_STATUS = frozenset(StepStatus)
BY_START = (Order("ScheduledProcedureStepStartDate"), Order("ScheduledProcedureStepStartTime"))
"""The order of a day's work."""
SORTABLE = frozenset(
    {
        "AccessionNumber",
        "AdmissionID",
        "Modality",
        "PatientID",
        "PatientName",
        "ReferringPhysicianName",
        "RequestedProcedureID",
        "ScheduledPerformingPhysicianName",
        "ScheduledProcedureStepID",
        "ScheduledProcedureStepStartDate",
        "ScheduledProcedureStepStartTime",
        "ScheduledStationAETitle",
        "ScheduledStationName",
        "StudyInstanceUID",
    }
)
"""What answers may be sorted by."""


@dataclass(frozen=True, slots=True)
class StepQuery:
    """A question to the worklist.

    ``conditions`` are about an entry's attributes and mean what ``dicom.query.matching`` says; ``statuses`` are those
    that an answer may have. ``order`` names attributes of :data:`SORTABLE`; steps that it leaves equal come
    in the order in which they were scheduled.
    """

    conditions: tuple[Condition, ...] = ()
    statuses: frozenset[StepStatus] = EVERY_STATUS
    order: tuple[Order, ...] = BY_START
    page: Page = EVERYTHING


class WorklistStore(Protocol):
    """Keeps worklist items."""

    def add(self, item: Item) -> None:
        """Keep a new item. Conflict when there is one of the same study and requested procedure."""
        ...

    def item(self, item_id: str) -> Item:
        """Return an item. NotFound."""
        ...

    def of_study(self, study: str) -> Sequence[Item]:
        """Return the items of a Study Instance UID, oldest first."""
        ...

    def change(self, item_id: str, change: Callable[[Item], Item]) -> Item:
        """Put ``change(item)`` in an item's place and return it; nobody changes it in between.

        NotFound; Conflict when it would be of the same study and requested procedure as another. What ``change``
        raises passes through, and nothing is changed then.
        """
        ...

    def remove(self, item_id: str) -> None:
        """Forget an item and its steps. NotFound."""
        ...

    def find(self, query: StepQuery) -> Iterator[Entry]:
        """Answer a question, streaming."""
        ...

    def count(self, query: StepQuery, cap: int) -> Total:
        """Count the answers to a question (its page ignored), stopping at ``cap``."""
        ...


@dataclass(frozen=True, slots=True)
class PerformedRecord:
    """One performed procedure step as it is kept.

    ``data_set`` holds its attributes in Explicit VR Little Endian, as the modality sent them, one message after the
    other. ``state`` is the Performed Procedure Step Status (0040,0252). Times are UTC, microseconds since 1970.
    """

    sop_instance: UID
    state: str
    data_set: bytes
    calling_ae_title: str = ""
    created_us: int = 0
    updated_us: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """Scheduled steps of an item (``None``: all of it) are put at ``status``, at that time; none when it is gone.

    A step that was completed stays so: another performed step of it (images that were appended, an entry chosen by
    mistake) neither opens it again nor undoes what was done.
    """

    item_id: str
    status: StepStatus
    step_ids: frozenset[str] | None
    at_us: int

    def of(self, item: Item) -> Item:
        """Return ``item`` after it."""
        named = frozenset(
            step.step_id
            for step in item.steps
            if step.status is not StepStatus.COMPLETED and (self.step_ids is None or step.step_id in self.step_ids)
        )
        return replace(item.with_status(self.status, named), updated_us=self.at_us)


class PerformedStore(Protocol):
    """Keeps performed procedure steps, by SOP Instance UID.

    A step is written together with what it does to the worklist, all or nothing.
    """

    def create(self, record: PerformedRecord, moves: Sequence[Move] = ()) -> None:
        """Keep a new one. Conflict when its UID is known; nothing moves then."""
        ...

    def performed(self, sop_instance: UID) -> PerformedRecord:
        """Return one. NotFound."""
        ...

    def update(
        self,
        sop_instance: UID,
        change: Callable[[PerformedRecord], PerformedRecord],
        moves: Sequence[Move] = (),
    ) -> PerformedRecord:
        """Put ``change(record)`` in a record's place and return it; as :meth:`WorklistStore.change`."""
        ...

    def newest(self, page: Page) -> Sequence[PerformedRecord]:
        """Return a page of them, newest first."""
        ...


__all__ = [
    "BY_START",
    "EVERY_STATUS",
    "SORTABLE",
    "Move",
    "PerformedRecord",
    "PerformedStore",
    "StepQuery",
    "WorklistStore",
]
