"""Modality Performed Procedure Steps (PS3.4 F.7, F.8): kept as sent, and what they do to the worklist.

A step is created IN PROGRESS and set until it is COMPLETED or DISCONTINUED; then it is closed for good. Each state
moves the scheduled steps that it names. Messages and statuses of DIMSE are ``scp.mpps``'s matter.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from calotype.clock import Clock, utc_now_us
from calotype.dicom import datasets, dictionary, keywords
from calotype.dicom.datasets import Element
from calotype.dicom.hierarchy import UID
from calotype.dicom.keywords import Attributes
from calotype.dicom.query.model import Exact, InSequence, Page
from calotype.dicom.query.worklist import STEPS
from calotype.dicom.text import TEXT_VRS, UTF_8_CHARSETS, decode, encode
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import Conflict, InvalidRequest
from calotype.services.worklist.items import Item, StepStatus, text
from calotype.services.worklist.performed_rules import (
    FIXED,
    STATE,
    MissingAttribute,
    Strictness,
    check_created,
    check_final,
    check_unchanged,
)
from calotype.services.worklist.ports import Move, PerformedRecord, PerformedStore, StepQuery, WorklistStore

_logger = logging.getLogger(__name__)

IN_PROGRESS: Final = "IN PROGRESS"
COMPLETED: Final = "COMPLETED"
DISCONTINUED: Final = "DISCONTINUED"

STATUSES: Final[Mapping[str, StepStatus]] = {
    IN_PROGRESS: StepStatus.STARTED,
    COMPLETED: StepStatus.COMPLETED,
    DISCONTINUED: StepStatus.DISCONTINUED,
}
"""Performed Procedure Step Status (0040,0252) -> what becomes of the scheduled steps."""

WRONG_ENTRY: Final = "110514"
"""DCM code of PS3.16 CID 9300, *Incorrect worklist entry selected*: the step that was named is still to be done."""


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
    """Takes performed steps and moves the worklist along. Thread-safe.

    A step and what it does to the worklist are written in one transaction: neither is ever seen without the other.
    """

    def __init__(
        self,
        store: PerformedStore,
        worklist: WorklistStore,
        clock: Clock = utc_now_us,
        strictness: Strictness = Strictness.TOLERANT,
    ) -> None:
        self._store = store
        self._worklist = worklist
        self._clock = clock
        self._strictness = strictness

    def create(self, sop_instance: UID, elements: Sequence[Element], calling_ae_title: str) -> None:
        """Keep a step that begins (N-CREATE).

        MissingAttribute; InvalidRequest when it is not IN PROGRESS; Conflict when its UID is known.
        """
        check_created(elements, self._strictness)
        state = state_of(elements)
        if state != IN_PROGRESS:
            raise InvalidRequest(f"{dictionary.describe(STATE)} is {state!r}; a step begins {IN_PROGRESS}")
        now = self._clock()
        record = PerformedRecord(
            sop_instance, state, _written(elements), calling_ae_title, created_us=now, updated_us=now
        )
        self._store.create(record, list(self._moves(elements, StepStatus.STARTED)))

    def set(self, sop_instance: UID, elements: Sequence[Element]) -> None:
        """Change a step (N-SET). NotFound, StepClosed; InvalidRequest for a state that there is not.

        Where rules are strict: FixedAttribute, and MissingAttribute when a step ends incomplete.
        """
        changes = [each for each in elements if each.tag not in FIXED]
        new_state = state_of(changes)
        if any(each.tag == STATE for each in changes) and new_state not in STATUSES:
            raise InvalidRequest(f"{dictionary.describe(STATE)} is {new_state!r}; it is one of {', '.join(STATUSES)}")
        ends = new_state in {COMPLETED, DISCONTINUED}

        def change(record: PerformedRecord) -> PerformedRecord:
            if record.state != IN_PROGRESS:
                raise StepClosed("Performed Procedure Step Object may no longer be updated")
            before = read(record)
            merged = _merged(before, changes)
            if self._strictness is Strictness.STRICT:
                check_unchanged(before, elements)
            if ends:
                self._check_final(sop_instance, merged)
            return replace(
                record, state=new_state or record.state, data_set=_written(merged), updated_us=self._clock()
            )

        moves: list[Move] = []
        if ends:
            is_wrong = new_state == DISCONTINUED and _is_wrong_entry(changes)
            status = StepStatus.SCHEDULED if is_wrong else STATUSES[new_state]
            # What a step names is fixed, so that it may be read before.
            moves = list(self._moves(read(self._store.performed(sop_instance)), status))
        self._store.update(sop_instance, change, moves)

    def _check_final(self, sop_instance: UID, elements: Sequence[Element]) -> None:
        try:
            check_final(elements)
        except MissingAttribute as error:
            if self._strictness is Strictness.STRICT:
                raise
            _logger.info("performed step %s ends incomplete: %s", sop_instance, error)

    def get(self, sop_instance: UID, tags: Sequence[int] = ()) -> list[Element]:
        """Return a step's attributes, all or those asked for and what their text is read by (N-GET). NotFound."""
        elements = read(self._store.performed(sop_instance))
        # PS3.4 Table F.8.2-1: Specific Character Set is returned whether it was asked for or not.
        wanted = {*tags, keywords.SPECIFIC_CHARACTER_SET}
        return [each for each in elements if each.tag in wanted] if tags else elements

    def one(self, sop_instance: UID) -> Performed:
        """Return a step for people. NotFound."""
        return _shown(self._store.performed(sop_instance))

    def newest(self, page: Page) -> list[Performed]:
        """Return a page of steps for people, newest first."""
        return [_shown(record) for record in self._store.newest(page)]

    def _moves(self, elements: Sequence[Element], status: StepStatus) -> Iterator[Move]:
        """Return what puts the scheduled steps that a performed one names at ``status``, of those that are ours."""
        now = self._clock()
        for named in _scheduled(elements):
            item = self._named(named)
            step_id = text(named, "ScheduledProcedureStepID")
            if item is None or (step_id and step_id not in {step.step_id for step in item.steps}):
                _logger.info(
                    "a performed step names no step of the worklist: study %s", text(named, "StudyInstanceUID")
                )
                continue
            # PS3.3 C.4.13: the step's ID is of type 2; without it the whole procedure is meant.
            yield Move(item.item_id, status, frozenset({step_id}) if step_id else None, now)

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


def _merged(before: Sequence[Element], changes: Sequence[Element]) -> list[Element]:
    """Return elements with others in their places; in UTF-8 where both are not in the same character set."""
    earlier = keywords.charsets_of(before)
    later = keywords.charsets_of(changes, earlier)
    if earlier != later:
        stated = Element(keywords.SPECIFIC_CHARACTER_SET, "CS", UTF_8_CHARSETS[0].encode("ascii"))
        before, changes = _in_utf_8(before, earlier), [*_in_utf_8(changes, later), stated]
    return list({each.tag: each for each in (*before, *changes)}.values())


def _in_utf_8(elements: Iterable[Element], charsets: Sequence[str]) -> list[Element]:
    found: list[Element] = []
    for each in elements:
        if each.vr == "SQ":
            items = tuple(tuple(_in_utf_8(item, keywords.charsets_of(item, charsets))) for item in each.items)
            found.append(replace(each, value=items))
        elif each.tag != keywords.SPECIFIC_CHARACTER_SET:
            is_text = each.vr in TEXT_VRS and (not each.raw.isascii() or b"\x1b" in each.raw)
            raw = encode(decode(each.raw, charsets, each.vr), UTF_8_CHARSETS, each.vr) if is_text else each.raw
            found.append(replace(each, value=raw))
    return found


def _shown(record: PerformedRecord) -> Performed:
    return Performed(
        record.sop_instance,
        record.state,
        record.calling_ae_title,
        record.created_us,
        record.updated_us,
        keywords.from_elements(read(record)),
    )


def _scheduled(elements: Sequence[Element]) -> list[Attributes]:
    return _items(keywords.from_elements(elements), "ScheduledStepAttributesSequence")


def _is_wrong_entry(elements: Sequence[Element]) -> bool:
    reasons = _items(keywords.from_elements(elements), "PerformedProcedureStepDiscontinuationReasonCodeSequence")
    return any(text(reason, "CodeValue") == WRONG_ENTRY for reason in reasons)


def _items(attributes: Attributes, keyword: str) -> list[Attributes]:
    value = attributes.get(keyword, ())
    return [] if isinstance(value, str) else list(value)
