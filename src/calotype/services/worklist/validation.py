"""What may stand in a worklist item: keywords of the Standard, values that their VR can hold (``formats``).

``read_item`` takes what people and programs send (JSON, a ``.wl`` file's keywords) and returns an item, or tells
everything that is wrong with it at once. Nothing here knows how items are kept.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from calotype.dicom import dictionary, keywords
from calotype.dicom.keywords import Attributes
from calotype.dicom.query.worklist import MODEL, STATUS, STEPS
from calotype.dicom.text import SINGLE_VALUED_VRS
from calotype.dicom.uids import uid_of_uuid
from calotype.errors import InvalidRequest
from calotype.services.worklist.formats import checked
from calotype.services.worklist.items import WORDS, Item, Step, StepStatus

MAX_ATTRIBUTES: Final = 1000
"""In one item, those inside its sequences included."""
MAX_DEPTH: Final = 6
MAX_TOLD: Final = 10
"""Problems told at once."""

REQUIRED: Final = ("PatientName", "PatientID")
"""PS3.4 Table K.6-1, return type 1, of the item; identifiers that are missing are made."""
REQUIRED_OF_STEP: Final = (
    "ScheduledStationAETitle",
    "Modality",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
)
"""The same of each step."""

_NOT_OURS: Final = frozenset({0x0000, 0x0002})
"""Groups of commands and files, which are nobody's attributes."""
_KEPT_VRS: Final = keywords.TEXTS | keywords.NUMBERS.keys()


def read_item(given: Mapping[str, Any], *, item_id: str = "") -> Item:
    """Read one item from its keywords; statuses may be our words or defined terms.

    Study Instance UID, Requested Procedure ID, step IDs and the item's own ID are made where they are missing.
    Raises InvalidRequest, which tells what is wrong, up to :data:`MAX_TOLD` things.
    """
    reader = _Reader()
    attributes = reader.attributes({keyword: given[keyword] for keyword in given if keyword != STEPS}, "", 1)
    steps = reader.steps(given.get(STEPS))
    problems = reader.problems + [f"{keyword} is missing" for keyword in REQUIRED if not attributes.get(keyword)]
    if problems:
        more = f" (and {len(problems) - MAX_TOLD} more)" if len(problems) > MAX_TOLD else ""
        raise InvalidRequest("; ".join(problems[:MAX_TOLD]) + more)
    attributes.setdefault("StudyInstanceUID", uid_of_uuid(uuid.uuid4()))
    attributes.setdefault("RequestedProcedureID", "RP" + secrets.token_hex(6).upper())
    return Item(item_id or secrets.token_hex(8), attributes, steps)


def uid_of(*parts: str) -> str:
    """Return the same UID for the same text, for items that come without one and may come again."""
    return uid_of_uuid(uuid.uuid5(uuid.NAMESPACE_OID, chr(0).join(parts)))


def read_status(given: object) -> StepStatus | None:
    """Return the status that a word or defined term means; ``None`` when it is none."""
    return WORDS.get(given.strip().upper()) if isinstance(given, str) else None


class _Reader:
    """Reads one item, gathering what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._left = MAX_ATTRIBUTES

    def steps(self, given: Any) -> tuple[Step, ...]:
        """Read the items of Scheduled Procedure Step Sequence."""
        found = [given] if isinstance(given, Mapping) else given
        if not isinstance(found, list | tuple) or not found or not all(isinstance(each, Mapping) for each in found):
            self.problems.append(f"{STEPS} is missing: give a list of at least one step")
            return ()
        taken = {str(each.get("ScheduledProcedureStepID", "")) for each in found}
        steps: list[Step] = []
        for number, each in enumerate(found, 1):
            step = self._step(each, f"step {number}: ", _free(number, taken))
            if step.step_id in {other.step_id for other in steps}:
                self.problems.append(f"ScheduledProcedureStepID {step.step_id!r} stands in two steps")
            steps.append(step)
            taken.add(step.step_id)
        return tuple(steps)

    def _step(self, given: Mapping[str, Any], where: str, spare_id: str) -> Step:
        status = StepStatus.SCHEDULED
        word = given.get(STATUS)
        if word not in (None, ""):
            status = read_status(word) or status
            if read_status(word) is None:
                self.problems.append(f"{where}{STATUS} {str(word)[:40]!r} is none of {', '.join(StepStatus)}")
        own = {keyword: given[keyword] for keyword in given if keyword != STATUS}
        attributes = self.attributes(own, where, 2)
        self.problems += [f"{where}{each} is missing" for each in REQUIRED_OF_STEP if not attributes.get(each)]
        attributes.setdefault("ScheduledProcedureStepID", spare_id)
        return Step(attributes, status)

    def attributes(self, given: Mapping[str, Any], where: str, depth: int) -> dict[str, str | list[Attributes]]:
        """Return the attributes that have a value, in their normal form."""
        if depth > MAX_DEPTH:
            self.problems.append(f"{where}sequences are nested deeper than the {MAX_DEPTH} levels allowed")
            return {}
        found: dict[str, str | list[Attributes]] = {}
        for keyword, value in given.items():
            self._left -= 1
            if self._left < 0:
                if self._left == -1:
                    self.problems.append(f"more than the {MAX_ATTRIBUTES} attributes allowed in one item")
                break
            if read := self._attribute(keyword, value, f"{where}{str(keyword)[:80]}", depth):
                found[keyword] = read
        return found

    def _attribute(self, keyword: object, value: Any, name: str, depth: int) -> str | list[Attributes]:
        tag = dictionary.tag_of(keyword) if isinstance(keyword, str) else None
        if tag is None:
            near = get_close_matches(str(keyword)[:80], [row.keyword for row in MODEL], n=1)
            self.problems.append(f"{name} is no attribute" + (f"; did you mean {near[0]}?" if near else ""))
            return ""
        vr = dictionary.vr_of(tag)
        if vr == "SQ":
            return self._items(value, name, depth)
        if tag >> 16 in _NOT_OURS or tag == keywords.SPECIFIC_CHARACTER_SET or vr not in _KEPT_VRS:
            self.problems.append(f"{name} has no place in a worklist item")
            return ""
        return self._values(self._text(value, name), tag, vr, name)

    def _items(self, value: Any, name: str, depth: int) -> list[Attributes]:
        if value in (None, ""):
            return []
        found = [value] if isinstance(value, Mapping) else value
        if not isinstance(found, list | tuple) or not all(isinstance(each, Mapping) for each in found):
            self.problems.append(f"{name} is a sequence: give a list of objects")
            return []
        read = [self.attributes(each, f"{name} {number}: ", depth + 1) for number, each in enumerate(found, 1)]
        return [each for each in read if each]

    def _text(self, value: Any, name: str) -> str:
        if isinstance(value, list | tuple) and all(isinstance(each, str | int | float) for each in value):
            return "\\".join(map(str, value))
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.problems.append(f"{name} must be text or a number")
            return ""
        return str(value)

    def _values(self, text: str, tag: int, vr: str, name: str) -> str:
        text = text.strip(" \0")
        parts = [text] if vr in SINGLE_VALUED_VRS else text.split("\\")
        entry = dictionary.lookup(tag)
        if len(parts) > 1 and entry is not None and entry.vm == "1":
            self.problems.append(f"{name} has {len(parts)} values and takes one")
            return ""
        read = []
        for part in parts:
            problem, normal = checked(part.strip(" "), vr) if part.strip(" ") else ("", "")
            if problem:
                self.problems.append(f"{name}: {part[:40]!r} {problem}")
            read.append(normal)
        return "\\".join(read) if any(read) else ""


def _free(number: int, taken: set[str]) -> str:
    """Return a step ID that no step of the item has."""
    while f"SPS{number}" in taken:
        number += 1
    return f"SPS{number}"
