"""The data sets of storage commitment (PS3.4 J.3): what is asked about, and what became of each instance.

Only what travels: who asks whom, when and how often is ``services.routing.commitment``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from calotype.dicom.datasets import Element, Limits, decode, encode
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import MAX_UID_CHARACTERS, STORAGE_COMMITMENT_PUSH, STORAGE_COMMITMENT_PUSH_INSTANCE
from calotype.dicom.wire.messages import NEventReportRQ, NEventReportRSP
from calotype.errors import InvalidRequest

REQUEST_ACTION: Final = 1
"""Action Type ID of "Request Storage Commitment" (PS3.4 J.3.2)."""

ALL_COMMITTED: Final = 1
SOME_FAILED: Final = 2
"""Event Type IDs of "Storage Commitment Request Successful" and "... Complete - Failures Exist" (PS3.4 J.3.3)."""

MAX_REFERENCES: Final = 100_000
MAX_DATA_SET_BYTES: Final = 32 * 1024 * 1024
"""A reference takes up to 170 bytes."""

_LIMITS: Final = Limits(max_bytes=MAX_DATA_SET_BYTES, max_elements=4 * MAX_REFERENCES, max_depth=4)

_SOP_CLASS, _SOP_INSTANCE = 0x00081150, 0x00081155
_TRANSACTION, _FAILURE_REASON = 0x00081195, 0x00081197
_FAILED_SEQUENCE, _REFERENCED_SEQUENCE = 0x00081198, 0x00081199


class FailureReason(IntEnum):
    """Failure Reason (0008,1197), PS3.3 C.14.1.1."""

    PROCESSING_FAILURE = 0x0110
    NO_SUCH_OBJECT_INSTANCE = 0x0112
    CLASS_INSTANCE_CONFLICT = 0x0119
    REFERENCED_SOP_CLASS_NOT_SUPPORTED = 0x0122
    DUPLICATE_TRANSACTION_UID = 0x0131
    RESOURCE_LIMITATION = 0x0213


_WORDS: Final[Mapping[int, str]] = {
    FailureReason.PROCESSING_FAILURE: "Processing failure",
    FailureReason.NO_SUCH_OBJECT_INSTANCE: "No such object instance",
    FailureReason.CLASS_INSTANCE_CONFLICT: "Class/instance conflict",
    FailureReason.REFERENCED_SOP_CLASS_NOT_SUPPORTED: "Referenced SOP class not supported",
    FailureReason.DUPLICATE_TRANSACTION_UID: "Duplicate Transaction UID",
    FailureReason.RESOURCE_LIMITATION: "Resource limitation",
}


def describe_reason(reason: int) -> str:
    """Return a failure reason in words: ``0112 No such object instance``."""
    return f"{reason:04X} {_WORDS.get(reason, 'Unknown reason')}"


@dataclass(frozen=True, slots=True)
class Reference:
    """One instance that is asked about."""

    sop_class: UID
    sop_instance: UID


@dataclass(frozen=True, slots=True)
class Request:
    """What an N-ACTION asks for (PS3.4 Table J.3-1)."""

    transaction: UID
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What an N-EVENT-REPORT tells (PS3.4 Table J.3-2); a reason may be a peer's own."""

    transaction: UID
    committed: tuple[Reference, ...]
    failed: tuple[tuple[Reference, int], ...] = ()

    @property
    def event_type(self) -> int:
        """The Event Type ID that goes with it."""
        return SOME_FAILED if self.failed else ALL_COMMITTED


def decode_request(data: bytes, syntax: UID) -> Request:
    """Read the Action Information of an N-ACTION. InvalidRequest when a UID is missing or there is no reference."""
    elements = decode(data, syntax, _LIMITS)
    request = Request(_transaction(elements), tuple(r for r, _ in _references(elements, _REFERENCED_SEQUENCE)))
    if not request.references:
        raise InvalidRequest("a storage commitment request needs items in Referenced SOP Sequence (0008,1199)")
    return request


def encode_request(request: Request, syntax: UID) -> bytes:
    """Write the Action Information of an N-ACTION."""
    return encode(
        [
            _uid(_TRANSACTION, request.transaction),
            Element(_REFERENCED_SEQUENCE, "SQ", tuple(_item(reference) for reference in request.references)),
        ],
        syntax,
    )


def decode_report(data: bytes, syntax: UID) -> Report:
    """Read the Event Information of an N-EVENT-REPORT. InvalidRequest when a UID is missing.

    A failed item without a reason counts as a processing failure: what its sender did not promise is not promised.
    """
    elements = decode(data, syntax, _LIMITS)
    return Report(
        _transaction(elements),
        tuple(reference for reference, _ in _references(elements, _REFERENCED_SEQUENCE)),
        tuple(
            (reference, reason or FailureReason.PROCESSING_FAILURE)
            for reference, reason in _references(elements, _FAILED_SEQUENCE)
        ),
    )


def encode_report(report: Report, syntax: UID) -> bytes:
    """Write the Event Information of an N-EVENT-REPORT."""
    elements = [_uid(_TRANSACTION, report.transaction)]
    if report.failed:
        items = tuple(
            (*_item(reference), Element(_FAILURE_REASON, "US", reason.to_bytes(2, "little")))
            for reference, reason in report.failed
        )
        elements.append(Element(_FAILED_SEQUENCE, "SQ", items))
    # PS3.4 Table J.3-2: the sequence of what is committed is there (Type 1C) only when something is.
    if report.committed:
        elements.append(Element(_REFERENCED_SEQUENCE, "SQ", tuple(_item(r) for r in report.committed)))
    return encode(elements, syntax)


def _transaction(elements: Sequence[Element]) -> UID:
    return _read_uid(elements, _TRANSACTION, "Transaction UID (0008,1195)")


def _references(elements: Sequence[Element], sequence: int) -> Iterator[tuple[Reference, int]]:
    items = next((element.items for element in elements if element.tag == sequence), ())
    if len(items) > MAX_REFERENCES:
        raise InvalidRequest(f"{len(items)} instances in one request: at most {MAX_REFERENCES} are taken")
    for item in items:
        reference = Reference(
            _read_uid(item, _SOP_CLASS, "Referenced SOP Class UID (0008,1150)"),
            _read_uid(item, _SOP_INSTANCE, "Referenced SOP Instance UID (0008,1155)"),
        )
        yield reference, int.from_bytes(_raw(item, _FAILURE_REASON)[:2], "little")


def _read_uid(elements: Iterable[Element], tag: int, name: str) -> UID:
    text = _raw(elements, tag).decode("ascii", "replace").strip("\0 ")
    # Archives hold instances whose UIDs break PS3.5 9.1 in small ways; what is here may be asked about.
    if not text or len(text) > MAX_UID_CHARACTERS or not text.isprintable():
        raise InvalidRequest(f"{name} is {'no UID: ' + ascii(text[:64]) if text else 'missing'}")
    return UID(text)


def _raw(elements: Iterable[Element], tag: int) -> bytes:
    return next((element.raw for element in elements if element.tag == tag), b"")


def _item(reference: Reference) -> tuple[Element, ...]:
    return _uid(_SOP_CLASS, reference.sop_class), _uid(_SOP_INSTANCE, reference.sop_instance)


def _uid(tag: int, uid: UID) -> Element:
    return Element(tag, "UI", uid.encode("ascii"))


def event_of(report: Report, message_id: int) -> NEventReportRQ:
    """Return the command that goes with a report."""
    return NEventReportRQ(
        message_id=message_id,
        has_data_set=True,
        affected_sop_class_uid=STORAGE_COMMITMENT_PUSH,
        affected_sop_instance_uid=STORAGE_COMMITMENT_PUSH_INSTANCE,
        event_type_id=report.event_type,
    )


def answer_to(request: NEventReportRQ, status: int, comment: str = "") -> NEventReportRSP:
    """Return the response to a report."""
    return NEventReportRSP(
        message_id_being_responded_to=request.message_id,
        affected_sop_class_uid=request.affected_sop_class_uid,
        affected_sop_instance_uid=request.affected_sop_instance_uid,
        event_type_id=request.event_type_id,
        status=status,
        error_comment=comment,
    )
