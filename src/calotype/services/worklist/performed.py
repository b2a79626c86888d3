"""Modality Performed Procedure Steps (PS3.4 F.7, F.8): kept as sent, and what they do to the worklist.

A step is created IN PROGRESS and set until it is COMPLETED or DISCONTINUED; then it is closed for good. Each state
moves the scheduled steps that it names. Messages and statuses of DIMSE are ``scp.mpps``'s matter.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from calotype.dicom import datasets, dictionary, keywords
from calotype.dicom.datasets import Element
from calotype.dicom.hierarchy import UID
from calotype.dicom.keywords import Attributes
from calotype.dicom.query.model import Exact, InSequence, Page
from calotype.dicom.query.worklist import STEPS
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import Conflict, InvalidRequest, NotFound
from calotype.services.worklist.items import Item, StepStatus, text
from calotype.services.worklist.ports import PerformedRecord, PerformedStore, StepQuery, WorklistStore
from calotype.services.worklist.worklist import Clock, now_us

_logger = logging.getLogger(__name__)

IN_PROGRESS: Final = "IN PROGRESS"
COMPLETED: Final = "COMPLETED"
DISCONTINUED: Final = "DISCONTINUED"

MOVES: Final[Mapping[str, StepStatus]] = {
    IN_PROGRESS: StepStatus.STARTED,
    COMPLETED: StepStatus.COMPLETED,
    DISCONTINUED: StepStatus.DISCONTINUED,
}
"""Performed Procedure Step Status (0040,0252) -> what becomes of the scheduled steps."""

WRONG_ENTRY: Final = "110514"
"""DCM code of PS3.16 CID 9300, *Incorrect worklist entry selected*: the step that was named is still to be done."""

STATE: Final = 0x00400252
SCHEDULED_STEPS: Final = 0x00400270
STUDY: Final = 0x0020000D

REQUIRED: Final = (
    SCHEDULED_STEPS,
    0x00400253,  # Performed Procedure Step ID
    0x00400241,  # Performed Station AE Title
    0x00400244,  # Performed Procedure Step Start Date
    0x00400245,  # Performed Procedure Step Start Time
    STATE,
    0x00080060,  # Modality
)
"""PS3.4 Table F.7.2-1, N-CREATE of type 1. Those of type 2 are often left out, and nothing of ours hangs on them."""

NOT_SETTABLE: Final = frozenset(
    {
        0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x00400241, 0x00400244, 0x00400245, 0x00400253, 0x00080060,
        SCHEDULED_STEPS,
    }
)  # fmt: skip
"""What N-SET may not change (Table F.7.2-1). Modalities send them again as they were; so they are passed over."""


class MissingAttribute(InvalidRequest):
    """An attribute of type 1 is absent, or stands there without a value."""

    def __init__(self, tags: Sequence[int], *, has_no_value: bool) -> None:
        names = ", ".join(map(dictionary.describe, tags))
        super().__init__(f"without a value: {names}" if has_no_value else f"missing: {names}")
        self.tags = tuple(tags)
        self.has_no_value = has_no_value


class StepClosed(Conflict):
    """The performed step is completed or discontinued, and cannot be changed any more (PS3.4 F.7.2.2.2)."""


@dataclass(frozen=True, slots=True)
class Performed:
    """A performed step as people see it: ``attributes`` as keywords, times UTC in microseconds since 1970."""

    sop_instance: UID
    state: str
    calling_ae_title: str
    created_us: int
    updated_us: int
    attributes: Attributes


class PerformedSteps:
    """Takes performed steps and moves the worklist along. Thread-safe."""

    def __init__(self, store: PerformedStore, worklist: WorklistStore, clock: Clock = now_us) -> None:
        self._store = store
        self._worklist = worklist
        self._clock = clock

    def create(self, sop_instance: UID, elements: Sequence[Element], calling_ae_title: str) -> None:
        """Keep a step that begins (N-CREATE).

        MissingAttribute; InvalidRequest when it is not IN PROGRESS; Conflict when its UID is known.
        """
        _check_required(elements)
        state = state_of(elements)
        if state != IN_PROGRESS:
            raise InvalidRequest(f"{dictionary.describe(STATE)} is {state!r}; a step begins {IN_PROGRESS}")
        if self._is_known(sop_instance):
            raise Conflict(f"performed step {sop_instance} is here already; change it by N-SET")
        # The worklist first: should we stop in between, the modality asks again and finds nothing in its way.
        self._move(elements, StepStatus.STARTED)
        now = self._clock()
        self._store.create(
            PerformedRecord(sop_instance, state, _written(elements), calling_ae_title, created_us=now, updated_us=now)
        )

    def set(self, sop_instance: UID, elements: Sequence[Element]) -> None:
        """Change a step (N-SET). NotFound, StepClosed; InvalidRequest for a state that there is not."""
        changes = [each for each in elements if each.tag not in NOT_SETTABLE]
        new_state = state_of(changes)
        if any(each.tag == STATE for each in changes) and new_state not in MOVES:
            raise InvalidRequest(f"{dictionary.describe(STATE)} is {new_state!r}; it is one of {', '.join(MOVES)}")

        def change(record: PerformedRecord) -> PerformedRecord:
            if record.state != IN_PROGRESS:
                raise StepClosed("Performed Procedure Step Object may no longer be updated")
            merged = {each.tag: each for each in (*read(record), *changes)}
            return replace(
                record,
                state=new_state or record.state,
                data_set=_written(merged.values()),
                updated_us=self._clock(),
            )

        before = self._store.performed(sop_instance)
        if new_state and new_state != IN_PROGRESS and before.state == IN_PROGRESS:
            status = MOVES[new_state]
            if new_state == DISCONTINUED and _is_wrong_entry(changes):
                status = StepStatus.SCHEDULED
            self._move(read(before), status)
        self._store.update(sop_instance, change)

    def get(self, sop_instance: UID, tags: Sequence[int] = ()) -> list[Element]:
        """Return a step's attributes, all or those asked for (N-GET). NotFound."""
        elements = read(self._store.performed(sop_instance))
        return [each for each in elements if each.tag in tags] if tags else elements

    def one(self, sop_instance: UID) -> Performed:
        """Return a step for people. NotFound."""
        return _shown(self._store.performed(sop_instance))

    def newest(self, page: Page) -> list[Performed]:
        """Return a page of steps for people, newest first."""
        return [_shown(record) for record in self._store.newest(page)]

    def _is_known(self, sop_instance: UID) -> bool:
        try:
            self._store.performed(sop_instance)
        except NotFound:
            return False
        return True

    def _move(self, elements: Sequence[Element], status: StepStatus) -> None:
        """Put the scheduled steps that a performed one names at ``status``; one that is not ours is passed over."""
        for named in _scheduled(elements):
            item = self._named(named)
            step_id = text(named, "ScheduledProcedureStepID")
            if item is None or (step_id and step_id not in {step.step_id for step in item.steps}):
                _logger.info(
                    "a performed step names no step of the worklist: study %s", text(named, "StudyInstanceUID")
                )
                continue
            # PS3.3 C.4.13: the step's ID is of type 2; without it the whole procedure is meant.
            self._put(item.item_id, status, frozenset({step_id}) if step_id else None)

    def _put(self, item_id: str, status: StepStatus, step_ids: frozenset[str] | None) -> None:
        now = self._clock()
        self._worklist.change(item_id, lambda item: replace(item.with_status(status, step_ids), updated_us=now))

    def _named(self, named: Attributes) -> Item | None:
        """Return the item that one item of Scheduled Step Attributes Sequence means."""
        procedure = text(named, "RequestedProcedureID")
        found = self._worklist.of_study(text(named, "StudyInstanceUID"))
        exact = [item for item in found if not procedure or item.procedure_id == procedure]
        if exact or found:
            return (exact or found)[0]
        # Some modalities make a Study Instance UID of their own; order and step still tell which one was done.
        accession, step_id = text(named, "AccessionNumber"), text(named, "ScheduledProcedureStepID")
        if not (accession and step_id):
            return None
        wanted = (
            Exact("AccessionNumber", accession),
            InSequence(STEPS, (Exact("ScheduledProcedureStepID", step_id),)),
        )
        entries = list(self._worklist.find(StepQuery(wanted, page=Page(limit=2))))
        return self._worklist.item(entries[0].item_id) if len(entries) == 1 else None


def read(record: PerformedRecord) -> list[Element]:
    """Return a kept step's elements."""
    return datasets.decode(record.data_set, EXPLICIT_VR_LITTLE_ENDIAN)


def state_of(elements: Iterable[Element]) -> str:
    """Return the Performed Procedure Step Status, empty when there is none."""
    return next((each.raw for each in elements if each.tag == STATE), b"").decode("latin-1").strip(" \0").upper()


def _written(elements: Iterable[Element]) -> bytes:
    return datasets.encode(elements, EXPLICIT_VR_LITTLE_ENDIAN)


def _shown(record: PerformedRecord) -> Performed:
    return Performed(
        record.sop_instance,
        record.state,
        record.calling_ae_title,
        record.created_us,
        record.updated_us,
        keywords.from_elements(read(record)),
    )


def _check_required(elements: Sequence[Element]) -> None:
    by_tag = {each.tag: each for each in elements}
    missing = [tag for tag in REQUIRED if tag not in by_tag]
    if missing:
        raise MissingAttribute(missing, has_no_value=False)
    empty = [tag for tag in REQUIRED if not (by_tag[tag].items or by_tag[tag].raw.strip(b" \0"))]
    if empty:
        raise MissingAttribute(empty, has_no_value=True)
    for item in by_tag[SCHEDULED_STEPS].items:
        study = next((each for each in item if each.tag == STUDY), None)
        if study is None or not study.raw.strip(b" \0"):
            raise MissingAttribute([STUDY], has_no_value=study is not None)


def _scheduled(elements: Sequence[Element]) -> list[Attributes]:
    return _items(keywords.from_elements(elements), "ScheduledStepAttributesSequence")


def _is_wrong_entry(elements: Sequence[Element]) -> bool:
    reasons = _items(keywords.from_elements(elements), "PerformedProcedureStepDiscontinuationReasonCodeSequence")
    return any(text(reason, "CodeValue") == WRONG_ENTRY for reason in reasons)


def _items(attributes: Attributes, keyword: str) -> list[Attributes]:
    value = attributes.get(keyword, ())
    return [] if isinstance(value, str) else list(value)
