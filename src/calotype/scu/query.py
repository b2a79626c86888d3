"""C-FIND and C-MOVE SCU (PS3.4 C.4.1, C.4.2): ask a node what it has, tell it to send that somewhere.

Both are iterators: of answers, and of the node's progress reports. Whoever closes one early sends a C-CANCEL.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from calotype.dicom import statuses, uids
from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.negotiated import BASELINE, Negotiated
from calotype.dicom.statuses import Category
from calotype.dicom.wire.messages import CCancelRQ, CFindRQ, CFindRSP, CGetRSP, CMoveRQ, CMoveRSP
from calotype.dicom.wire.negotiation import AcceptedContext
from calotype.dicom.wire.pdu_items import SopClassExtended
from calotype.errors import CalotypeError, InvalidRequest, Unsupported
from calotype.network.association import Association
from calotype.scu.calling import NATIVE_SYNTAXES, Caller, await_response, failure, in_words, require_context
from calotype.scu.keys import Keys, decode_keys, encode_keys
from calotype.services.routing.nodes import Node


class Root(Enum):
    """Which information model a node is asked by: its FIND, MOVE and GET SOP classes (PS3.4 C.6)."""

    STUDY = (uids.STUDY_ROOT_FIND, uids.STUDY_ROOT_MOVE, uids.STUDY_ROOT_GET)
    PATIENT = (uids.PATIENT_ROOT_FIND, uids.PATIENT_ROOT_MOVE, uids.PATIENT_ROOT_GET)

    @property
    def find(self) -> UID:
        """The SOP class of C-FIND."""
        return self.value[0]

    @property
    def move(self) -> UID:
        """The SOP class of C-MOVE."""
        return self.value[1]

    @property
    def get(self) -> UID:
        """The SOP class of C-GET."""
        return self.value[2]


UNIQUE_KEYS: Final[Mapping[Level, str]] = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}
"""PS3.4 C.6: what names one entity of each level."""

RETURN_KEYS: Final[Mapping[Level, tuple[str, ...]]] = {
    Level.PATIENT: ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    Level.STUDY: (
        "StudyInstanceUID", "PatientID", "PatientName", "StudyDate", "StudyTime", "AccessionNumber", "StudyID",
        "StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances",
    ),
    Level.SERIES: (
        "StudyInstanceUID", "SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription",
        "NumberOfSeriesRelatedInstances",
    ),
    Level.IMAGE: ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "InstanceNumber"),
}  # fmt: skip
"""What is asked for when the caller names nothing: what a person wants to see of each level."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A node's report on its sub-operations; ``None`` where it said nothing. ``is_final``: there is no other."""

    remaining: int | None
    completed: int | None
    failed: int | None
    warning: int | None
    is_final: bool = False
    status: int = statuses.PENDING
    failed_sop_instances: tuple[str, ...] = ()
    comment: str = ""

    @property
    def is_cancelled(self) -> bool:
        """Whether the node stopped before its time."""
        return statuses.category(self.status) is Category.CANCEL

    @property
    def in_words(self) -> str:
        """The status and the node's comment in one line."""
        return in_words(self.status, self.comment)


Found = TypeVar("Found")


def find(
    caller: Caller,
    node: Node,
    level: Level,
    keys: Keys,
    *,
    root: Root = Root.STUDY,
    limit: int | None = None,
    extensions: Negotiated = BASELINE,
) -> Generator[dict[str, str], None, None]:
    """Ask ``node``, yielding answers as they come: keyword -> text.

    ``keys`` are matched on where they have a value and returned in any case; without a key that has none, those of
    :data:`RETURN_KEYS` are asked for. After ``limit`` answers, or when the generator is closed, the node is told
    to stop. ``extensions`` are what it has to agree to first. The node's character set is what is written in, and
    what is asked for in return.

    InvalidRequest when a key is no attribute or the node refuses the identifier; Unsupported when it does not do
    C-FIND by this root or one of the extensions; Refused, Unavailable as in :func:`calotype.scu.echo.echo`.
    """
    asked = _with_level(level, keys, root)
    if all(keys.values()):
        asked = dict.fromkeys(RETURN_KEYS[level], "") | asked
    service = f"C-FIND by {root.name.lower()} root"
    yield from ask(
        caller,
        node,
        root.find,
        service,
        identifier=lambda transfer_syntax: encode_keys(asked, transfer_syntax, node.character_set),
        read=decode_keys,
        limit=limit,
        extensions=extensions,
    )


def ask(
    caller: Caller,
    node: Node,
    model: UID,
    service: str,
    *,
    identifier: Callable[[UID], bytes],
    read: Callable[[bytes, UID], Found],
    limit: int | None = None,
    extensions: Negotiated = BASELINE,
) -> Generator[Found, None, None]:
    """Send a C-FIND of any information model, yielding what ``read`` makes of each answer; see :func:`find`.

    ``identifier`` and ``read`` are given the transfer syntax that was agreed upon.
    """
    extended = [] if extensions == BASELINE else [SopClassExtended(model, extensions.to_bytes())]
    with caller.dial(node, [(model, NATIVE_SYNTAXES)], extended=extended) as association:
        context = require_context(association, model, service, node)
        _require_extensions(context, extensions, service, node)
        request = CFindRQ(message_id=association.next_message_id(), affected_sop_class_uid=model)
        association.send(context.context_id, request, identifier(context.transfer_syntax))
        conversation = Conversation(association, context.context_id, request.message_id)
        responses = _responses(association, request.message_id, CFindRSP)
        count = 0
        try:
            for response in responses:
                if response.has_data_set and not conversation.is_cancelled:
                    yield read(association.read_identifier(), context.transfer_syntax)
                    count += 1
                    if count == limit:
                        conversation.cancel()
        except GeneratorExit:
            conversation.leave(responses)
            raise
    if statuses.category(response.status) is Category.FAILURE:
        raise failure(node, "C-FIND", response.status, response.error_comment)


def _require_extensions(context: AcceptedContext, wanted: Negotiated, service: str, node: Node) -> None:
    """Raise Unsupported unless the node agreed to all: without one the same keys would mean something else."""
    agreed = Negotiated.from_bytes(context.application_information)
    missing = [name.replace("_", " ") for name in wanted.names if name not in agreed.names]
    if missing:
        raise Unsupported(f"{node} does {service}, but not with {', '.join(missing)}: ask without.")


def move(
    caller: Caller, node: Node, destination: str, level: Level, keys: Keys, *, root: Root = Root.STUDY
) -> Generator[Progress, None, None]:
    """Tell ``node`` to send what ``keys`` name to the AE title ``destination``, yielding its progress reports.

    The last one is final and says how it ended, failed objects included. Raised are only refusals of the whole:
    NotFound when the node does not know the destination, otherwise as :func:`find`.
    """
    asked = retrieve_keys(level, keys, root)
    with caller.dial(node, [(root.move, NATIVE_SYNTAXES)]) as association:
        context = require_context(association, root.move, f"C-MOVE by {root.name.lower()} root", node)
        request = CMoveRQ(
            message_id=association.next_message_id(),
            affected_sop_class_uid=root.move,
            move_destination=destination,
        )
        association.send(context.context_id, request, encode_keys(asked, context.transfer_syntax))
        reports = (
            progress_of(association, response, context.transfer_syntax)
            for response in _responses(association, request.message_id, CMoveRSP)
        )
        last = yield from until_final(reports, Conversation(association, context.context_id, request.message_id))
    if refuses_the_whole(last):
        raise failure(node, "C-MOVE", last.status, last.comment)
    yield last


_Response = TypeVar("_Response", CFindRSP, CMoveRSP)


def _responses(association: Association, message_id: int, expected: type[_Response]) -> Iterator[_Response]:
    """Receive responses up to the final one, which is the first that is not Pending."""
    while True:
        response = await_response(association, message_id, expected)
        yield response
        if statuses.category(response.status) is not Category.PENDING:
            return


class Conversation:
    """One request under way that can be cancelled (PS3.7 9.3.2.3)."""

    def __init__(self, association: Association, context_id: int, message_id: int) -> None:
        self._association = association
        self._context_id = context_id
        self._message_id = message_id
        self.is_cancelled = False

    def cancel(self) -> None:
        """Ask the peer to stop; it still sends a final response. Idempotent."""
        if not self.is_cancelled:
            self.is_cancelled = True
            request = CCancelRQ(message_id_being_responded_to=self._message_id)
            self._association.send(self._context_id, request)

    def leave(self, rest: Iterable[object]) -> None:
        """Ask the peer to stop, pass over the ``rest`` of what it sends, and release. Never raises.

        For a caller who has what it wants: how the peer takes its leave no longer matters.
        """
        with suppress(CalotypeError):
            self.cancel()
            for _ in rest:
                pass
            self._association.release()


def until_final(reports: Iterator[Progress], conversation: Conversation) -> Generator[Progress, None, Progress]:
    """Pass on all reports but the final one, which is returned; the peer is left when nobody listens any more."""
    try:
        for progress in reports:
            if not progress.is_final:
                yield progress
    except GeneratorExit:
        conversation.leave(reports)
        raise
    return progress


def retrieve_keys(level: Level, keys: Keys, root: Root) -> dict[str, str]:
    """Return the keys of a C-MOVE or C-GET identifier: level and unique keys.

    InvalidRequest when the level's own unique key has no value (PS3.4 C.4.2.2.1: it shall be present).
    """
    if not keys.get(UNIQUE_KEYS[level]):
        raise InvalidRequest(f"To retrieve at {level} level, say which: {UNIQUE_KEYS[level]} must have a value.")
    return _with_level(level, keys, root)


def progress_of(association: Association, response: CMoveRSP | CGetRSP, transfer_syntax: UID) -> Progress:
    """Turn a response, and the Failed SOP Instance UID List of a final one, into a report."""
    failed: tuple[str, ...] = ()
    if response.has_data_set:
        identifier = decode_keys(association.read_identifier(), transfer_syntax)
        failed = tuple(uid for uid in identifier.get("FailedSOPInstanceUIDList", "").split("\\") if uid)
    return Progress(
        remaining=response.number_of_remaining_suboperations,
        completed=response.number_of_completed_suboperations,
        failed=response.number_of_failed_suboperations,
        warning=response.number_of_warning_suboperations,
        is_final=statuses.category(response.status) is not Category.PENDING,
        status=response.status,
        failed_sop_instances=failed,
        comment=response.error_comment,
    )


def refuses_the_whole(progress: Progress) -> bool:
    """Tell whether a final report means that nothing was tried, rather than that some or all of it failed."""
    tried = (progress.completed or 0) + (progress.failed or 0) + (progress.warning or 0)
    return statuses.category(progress.status) is Category.FAILURE and not tried


def _with_level(level: Level, keys: Keys, root: Root) -> dict[str, str]:
    if root is Root.STUDY and level is Level.PATIENT:
        raise InvalidRequest("The study root has no PATIENT level: use the patient root, or ask at STUDY level.")
    return {**keys, "QueryRetrieveLevel": level.value}
