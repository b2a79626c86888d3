"""Modality Worklist SCU (PS3.4 K): ask a node what is scheduled.

A worklist question is nested: what belongs to the scheduled step stands in a sequence. So keys are text, or a list of
one mapping of keys.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

from calotype.dicom import uids
from calotype.scu.calling import Caller
from calotype.scu.keys import decode_nested, encode_nested
from calotype.scu.query import ask
from calotype.services.routing.nodes import Node

STEPS: Final = "ScheduledProcedureStepSequence"

RETURN_KEYS: Final = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "AdmissionID",
    "ReferringPhysicianName", "StudyInstanceUID", "RequestedProcedureID", "RequestedProcedureDescription",
)  # fmt: skip
"""What is always asked for besides the caller's keys."""

STEP_RETURN_KEYS: Final = (
    "Modality", "ScheduledStationAETitle", "ScheduledStationName", "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime", "ScheduledPerformingPhysicianName", "ScheduledProcedureStepID",
    "ScheduledProcedureStepDescription", "ScheduledProcedureStepLocation", "ScheduledProcedureStepStatus",
)  # fmt: skip
"""The same of the scheduled step (PS3.4 Table K.6-1)."""


def find_worklist(
    caller: Caller, node: Node, keys: Mapping[str, Any], *, limit: int | None = None
) -> Generator[dict[str, Any], None, None]:
    """Ask ``node`` for worklist items, yielding them as they come; see :func:`calotype.scu.query.find`.

    Keys with a value are matched on. A key of the scheduled step may stand in its sequence or, for short, beside it.
    InvalidRequest when a key is no attribute.
    """
    asked = question(keys)
    yield from ask(
        caller,
        node,
        uids.MODALITY_WORKLIST_FIND,
        "the modality worklist",
        identifier=lambda transfer_syntax: encode_nested(asked, transfer_syntax, node.character_set),
        read=decode_nested,
        limit=limit,
    )


def question(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole identifier that ``keys`` ask for."""
    given = keys.get(STEPS) or [{}]
    is_one = isinstance(given, list) and len(given) == 1 and isinstance(given[0], Mapping)
    beside = {key: value for key, value in keys.items() if key in STEP_RETURN_KEYS}
    rest = {key: value for key, value in keys.items() if key not in beside and key != STEPS}
    # What is none is refused where it is encoded.
    step = [dict.fromkeys(STEP_RETURN_KEYS, "") | beside | dict(given[0])] if is_one else given
    return dict.fromkeys(RETURN_KEYS, "") | rest | {STEPS: step}
