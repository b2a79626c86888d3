"""A worklist item: one requested procedure for one patient, and the steps that it was scheduled in.

Attributes are keywords and text (``dicom.keywords``): those of patient, visit, imaging service request and requested
procedure stand in the item, those of a scheduled procedure step in the step. What may stand in them is checked in
``validation``; the status is ours, and its defined term is what the Standard has for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from calotype.dicom.keywords import Attributes
from calotype.dicom.query.worklist import STATUS, STEPS


class StepStatus(StrEnum):
    """How far a scheduled step has come."""

    SCHEDULED = "scheduled"
    ARRIVED = "arrived"
    STARTED = "started"
    COMPLETED = "completed"
    DISCONTINUED = "discontinued"


TERMS: Final[Mapping[StepStatus, str]] = {
    StepStatus.SCHEDULED: "SCHEDULED",
    StepStatus.ARRIVED: "ARRIVED",
    StepStatus.STARTED: "STARTED",
    # PS3.3 C.4.10 has one term for what is over: "DEPARTED: patient is no longer available for the scheduled step".
    StepStatus.COMPLETED: "DEPARTED",
    StepStatus.DISCONTINUED: "DEPARTED",
}
"""Scheduled Procedure Step Status (0040,0020) as it is answered, and matched on."""

WORDS: Final[Mapping[str, StepStatus]] = {
    **{status.value.upper(): status for status in StepStatus},
    "READY": StepStatus.ARRIVED,
    "DEPARTED": StepStatus.COMPLETED,
    # In no table of the Standard, and written by information systems all the same.
    "IN PROGRESS": StepStatus.STARTED,
    "CANCELED": StepStatus.DISCONTINUED,
    "CANCELLED": StepStatus.DISCONTINUED,
}
"""What a status may be called by whoever brings an item, in capitals."""

OPEN: Final = frozenset({StepStatus.SCHEDULED, StepStatus.ARRIVED})
"""What a modality still has to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One scheduled procedure step; ``attributes`` are those of its sequence item, but its status."""

    attributes: Attributes
    status: StepStatus = StepStatus.SCHEDULED

    @property
    def step_id(self) -> str:
        """Scheduled Procedure Step ID (0040,0009), unique within its item."""
        return text(self.attributes, "ScheduledProcedureStepID")


@dataclass(frozen=True, slots=True)
class Item:
    """One requested procedure, complete. ``created_us`` and ``updated_us`` are UTC, microseconds since 1970."""

    item_id: str
    attributes: Attributes
    steps: tuple[Step, ...]
    created_us: int = 0
    updated_us: int = 0

    @property
    def study(self) -> str:
        """Study Instance UID of what will be acquired."""
        return text(self.attributes, "StudyInstanceUID")

    @property
    def procedure_id(self) -> str:
        """Requested Procedure ID (0040,1001)."""
        return text(self.attributes, "RequestedProcedureID")

    def with_status(self, status: StepStatus, step_ids: frozenset[str] | None = None) -> Item:
        """Return the item with the named steps (``None``: all) at ``status``."""
        steps = tuple(
            replace(step, status=status) if step_ids is None or step.step_id in step_ids else step
            for step in self.steps
        )
        return replace(self, steps=steps)


@dataclass(frozen=True, slots=True)
class Entry:
    """One scheduled step as a worklist shows it: what answers a query.

    ``attributes`` are as ``dicom.query.worklist`` has them: the item's, and the step as the one item of its sequence.
    """

    item_id: str
    step_id: str
    status: StepStatus
    attributes: Attributes


def entries(item: Item) -> Iterator[Entry]:
    """Return an item's steps, each with all that stands above it."""
    for step in item.steps:
        yield entry(item.item_id, item.attributes, step)


def entry(item_id: str, attributes: Attributes, step: Step) -> Entry:
    """Return one step with all that stands above it."""
    own = {**step.attributes, STATUS: TERMS[step.status]}
    return Entry(item_id, step.step_id, step.status, {**attributes, STEPS: [own]})


def to_json(item: Item) -> dict[str, Any]:
    """Return an item's attributes as ``validation.read_item`` takes them, statuses in our words."""
    return {**item.attributes, STEPS: [{**step.attributes, STATUS: step.status.value} for step in item.steps]}


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """Return a step with all that stands above it, as :func:`to_json` shows an item."""
    own = [{**step, STATUS: entry.status.value} for step in entry.attributes[STEPS] if not isinstance(step, str)]
    return {**entry.attributes, STEPS: own}


def text(attributes: Attributes, keyword: str) -> str:
    """Return the text of an attribute, empty when it has none."""
    value = attributes.get(keyword, "")
    return value if isinstance(value, str) else ""
