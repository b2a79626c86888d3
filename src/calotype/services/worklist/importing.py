"""Items from outside: ``.wl`` files as information systems write them for DCMTK's wlmscpfs, and JSON.

A ``.wl`` file is a Part 10 file (or a bare data set, as dump2dcm can write them) that holds one item. JSON is one
object of keywords or a list of them. What may stand in an item is ``validation``'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from calotype.dicom import datasets, dictionary, keywords
from calotype.dicom.datasets import Element, Limits
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import read_file_meta
from calotype.dicom.query.worklist import STEPS
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import CalotypeError, InvalidRequest
from calotype.services.worklist.validation import uid_of
from calotype.services.worklist.worklist import Worklist

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_ITEMS: Final = 10_000
"""In one JSON document."""
_APPOINTMENT: Final = (
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "ScheduledStationAETitle",
    "Modality",
)
_LIMITS: Final = Limits(max_bytes=MAX_FILE_BYTES, max_elements=5000, max_depth=8)


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """What came of one item: its ID, or why it was not taken."""

    source: str
    item_id: str = ""
    is_new: bool = False
    problem: str = ""


def import_document(worklist: Worklist, source: str, data: bytes) -> Iterator[ImportedItem]:
    """Take every item of one file; what cannot be taken is told, and the others go on.

    An item that is here already (same Study Instance UID and Requested Procedure ID) is brought up to date.
    """
    try:
        items = read_document(data)
    except CalotypeError as error:
        yield ImportedItem(source, problem=str(error))
        return
    for number, given in enumerate(items, 1):
        name = source if len(items) == 1 else f"{source} item {number}"
        try:
            item, is_new = worklist.take(_identified(given))
        except InvalidRequest as error:
            yield ImportedItem(name, problem=str(error))
        else:
            yield ImportedItem(name, item.item_id, is_new=is_new)


def read_document(data: bytes) -> list[Mapping[str, Any]]:
    """Return the items of a ``.wl`` file or of JSON, as keywords. InvalidRequest when it is neither."""
    if len(data) > MAX_FILE_BYTES:
        raise InvalidRequest(f"the file has {len(data)} bytes, a worklist file at most {MAX_FILE_BYTES}")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        return _read_json(data)
    return [_read_file(data)]


def _read_json(data: bytes) -> list[Mapping[str, Any]]:
    try:
        read = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"this is no JSON: {error}") from None
    items = read if isinstance(read, list) else [read]
    if len(items) > MAX_ITEMS:
        raise InvalidRequest(f"{len(items)} items, at most {MAX_ITEMS} are taken at once")
    if not all(isinstance(each, dict) for each in items):
        raise InvalidRequest("an item is an object of keywords, such as PatientID")
    return items


def _read_file(data: bytes) -> Mapping[str, Any]:
    elements = _elements(data)
    if not any(element.tag == dictionary.tag_of(STEPS) for element in elements):
        raise InvalidRequest(f"this is no worklist file: it has no {STEPS}")
    given: dict[str, Any] = {
        # What is no part of the model (private elements have no keyword anyway) is the file's own matter.
        keyword: value
        for keyword, value in keywords.from_elements(elements).items()
        if (dictionary.tag_of(keyword) or 0) >> 16 not in {0x0000, 0x0002}
    }
    return given


def _identified(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an item with identifiers: the same file gives the same item, however often it comes."""
    study, procedure = given.get("StudyInstanceUID"), given.get("RequestedProcedureID")
    if not study:
        steps = given.get(STEPS)
        first = steps[0] if isinstance(steps, list | tuple) and steps else {}
        step = first if isinstance(first, Mapping) else {}
        order = [given.get("AccessionNumber"), procedure, step.get("ScheduledProcedureStepID")]
        # Without an order, what a patient has at different times or places is not one and the same.
        parts = [given.get("PatientID"), *order, *([] if any(order) else map(step.get, _APPOINTMENT))]
        study = uid_of(*(str(part or "") for part in parts))
    return {
        **given,
        "StudyInstanceUID": study,
        "RequestedProcedureID": procedure or "RP" + uid_of(str(study))[-12:],
    }


def _elements(data: bytes) -> list[Element]:
    try:
        meta = read_file_meta(data)
    except InvalidRequest:
        meta = None
    if meta is not None:
        return datasets.decode(data[meta.data_offset :], meta.transfer_syntax, _LIMITS)
    # Without file meta information: explicit VR shows two letters after the first tag.
    syntax: UID = EXPLICIT_VR_LITTLE_ENDIAN if data[4:6].isalpha() else IMPLICIT_VR_LITTLE_ENDIAN
    try:
        return datasets.decode(data, syntax, _LIMITS)
    except InvalidRequest:
        raise InvalidRequest("this is neither JSON nor a DICOM worklist file") from None
