"""What C-MOVE and C-GET have in common: counting C-STORE sub-operations and telling the peer (PS3.4 C.4.2, C.4.3).

Objects are handed over by ``services.routing``; here each handover becomes a count and now and then a Pending
response, and a C-CANCEL stops the iteration. While one object takes long, an onlooker does the same between times.
What is sent where, and what fails, is not decided here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeAlias

from calotype.dicom import statuses
from calotype.dicom.datasets import Element, encode
from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.messages import CGetRQ, CGetRSP, CMoveRQ, CMoveRSP
from calotype.errors import Cancelled
from calotype.network.association import Association, Received
from calotype.network.failures import AssociationEnded
from calotype.services.routing.ports import Result
from calotype.services.routing.send import Handover

PENDING_INTERVAL_S = 0.1
"""Pending responses are sent at most so often: fast enough for a progress bar, and 1,000 of them cost as much as
100 objects."""

LOOK_INTERVAL_S = 0.01
"""How often we look whether whoever asked wants it no more."""

LOOK_INTERVAL_WAITING_S = 1.0
"""The same while one object takes long."""

SIGN_OF_LIFE_S = 5.0
"""After so long without one a Pending response is sent although nothing has changed: whoever asked is waiting."""

GRACE_S = 3.0
"""How long an object that is under way when a C-CANCEL comes has to arrive before it is interrupted."""

FAILED_SOP_INSTANCE_UID_LIST = 0x00080058

Heartbeat: TypeAlias = Callable[[], None]


@dataclass(slots=True)
class Tally:
    """The four counters, and what failed."""

    total: int
    completed: int = 0
    failed: int = 0
    warning: int = 0
    failed_sop_instances: list[UID] = field(default_factory=list)
    comment: str = ""

    @property
    def remaining(self) -> int:
        """How many sub-operations are still to come."""
        return self.total - self.completed - self.failed - self.warning

    def count(self, handover: Handover) -> None:
        """Count one sub-operation; the first failure's comment is the one told."""
        answer = handover.answer
        match answer.result:
            case Result.COMPLETED:
                self.completed += 1
            case Result.WARNING:
                self.warning += 1
            case Result.FAILED:
                self.failed += 1
                self.failed_sop_instances.append(handover.sop_instance)
                self.comment = self.comment or answer.comment

    def final_status(self) -> int:
        """Return the status when all is done (PS3.4 C.4.2.1.5): of total failure A702, of a partial one B000."""
        if self.failed == self.warning == 0:
            return statuses.SUCCESS
        if self.completed == self.warning == 0:
            return statuses.OUT_OF_RESOURCES_SUBOPERATIONS
        return statuses.WARNING_SUBOPERATIONS_FAILED


def answer_suboperations(
    association: Association,
    received: Received,
    begin: Callable[[Heartbeat], Generator[Handover, None, None]],
    total: int,
) -> None:
    """Drive the handovers that ``begin`` returns to the end or to a C-CANCEL, and answer the C-MOVE or C-GET.

    ``begin`` is given what to call while an object takes long; it raises Cancelled to interrupt that object. C-GET,
    which has no way beside the one that is taken, does not call it. AssociationEnded when the peer that asked is
    gone; the handovers are closed in any case.
    """
    request = received.message
    assert isinstance(request, CMoveRQ | CGetRQ)  # noqa: S101 - the server dispatches by this type
    responder = _Responder(association, received.context.context_id, request, received.context.transfer_syntax)
    tally = Tally(total)
    cancellation = _Cancellation(association, request.message_id)
    onlooker = _Onlooker(responder, cancellation, tally)
    cancelled = False
    with closing(begin(onlooker)) as handovers:
        if total:
            responder.pending(tally)
        try:
            for handover in handovers:
                tally.count(handover)
                if tally.remaining:
                    if cancellation.is_requested():
                        cancelled = True
                        break
                    responder.pending_now_and_then(tally)
        except Cancelled:
            if onlooker.ended is not None:
                raise onlooker.ended from None
            cancelled = True
    responder.final(tally, statuses.CANCEL if cancelled else tally.final_status())


class _Onlooker:
    """Called while an object is under way: sends a sign of life, looks for a C-CANCEL, interrupts in the end."""

    def __init__(self, responder: _Responder, cancellation: _Cancellation, tally: Tally) -> None:
        self.ended: AssociationEnded | None = None
        """Why whoever asked is gone. To the courier it would look like the end of its own association."""
        self._responder = responder
        self._cancellation = cancellation
        self._tally = tally
        self._next_look_s = time.monotonic() + LOOK_INTERVAL_WAITING_S
        self._interrupt_s: float | None = None

    def __call__(self) -> None:
        now_s = time.monotonic()
        if now_s < self._next_look_s:
            return
        self._next_look_s = now_s + LOOK_INTERVAL_WAITING_S
        try:
            if not self._cancellation.is_requested():
                self._responder.sign_of_life(self._tally)
                return
        except AssociationEnded as error:
            self.ended = error
            raise Cancelled("whoever asked is gone") from error
        if self._interrupt_s is None:
            self._interrupt_s = now_s + GRACE_S
        elif now_s >= self._interrupt_s:
            raise Cancelled("C-CANCEL")


class _Cancellation:
    """Whether a C-CANCEL has come. Objects are many, so it is looked for only now and then.

    In C-GET it is met at once all the same: it comes on the way that the answers to our objects come.
    """

    def __init__(self, association: Association, message_id: int) -> None:
        self._association = association
        self._message_id = message_id
        self._next_look_s = 0.0

    def is_requested(self) -> bool:
        now_s = time.monotonic()
        look = now_s >= self._next_look_s
        if look:
            self._next_look_s = now_s + LOOK_INTERVAL_S
        return self._association.cancel_requested(self._message_id, look=look)


class _Responder:
    """Turns a tally into responses."""

    def __init__(
        self, association: Association, context_id: int, request: CMoveRQ | CGetRQ, transfer_syntax: UID
    ) -> None:
        self._association = association
        self._context_id = context_id
        self._request = request
        self._transfer_syntax = transfer_syntax
        self._response = CMoveRSP if isinstance(request, CMoveRQ) else CGetRSP
        self._next_pending_s = 0.0

    def pending(self, tally: Tally) -> None:
        self._next_pending_s = time.monotonic() + PENDING_INTERVAL_S
        self._send(tally, statuses.PENDING, remaining=tally.remaining)

    def sign_of_life(self, tally: Tally) -> None:
        if time.monotonic() >= self._next_pending_s - PENDING_INTERVAL_S + SIGN_OF_LIFE_S:
            self.pending(tally)

    def pending_now_and_then(self, tally: Tally) -> None:
        if time.monotonic() >= self._next_pending_s:
            self.pending(tally)

    def final(self, tally: Tally, status: int) -> None:
        # PS3.4 C.4.2.1.6: Number of Remaining Sub-operations "may be included in ... Pending or Canceled" only.
        remaining = tally.remaining if status == statuses.CANCEL else None
        # PS3.4 C.4.2.1.4.2: the list is told with Canceled, Failure, Refused and Warning, not with Success.
        identifier = None
        if status != statuses.SUCCESS:
            identifier = failed_list(tally.failed_sop_instances, self._transfer_syntax)
        self._send(tally, status, remaining=remaining, identifier=identifier)

    def _send(self, tally: Tally, status: int, *, remaining: int | None, identifier: bytes | None = None) -> None:
        response = self._response(
            message_id_being_responded_to=self._request.message_id,
            affected_sop_class_uid=self._request.affected_sop_class_uid,
            status=status,
            has_data_set=identifier is not None,
            number_of_remaining_suboperations=remaining,
            number_of_completed_suboperations=tally.completed,
            number_of_failed_suboperations=tally.failed,
            number_of_warning_suboperations=tally.warning,
            error_comment=tally.comment if status not in {statuses.PENDING, statuses.SUCCESS} else "",
        )
        self._association.send(self._context_id, response, identifier)


def failed_list(sop_instances: list[UID], transfer_syntax: UID) -> bytes:
    """Return the identifier that holds Failed SOP Instance UID List (0008,0058)."""
    value = "\\".join(sop_instances).encode("ascii", "replace")
    # PS3.5 6.2.2: a value too long for the 16-bit length of its explicit VR (1,000 UIDs are) goes as UN.
    vr = "UI" if len(value) <= 0xFFFE else "UN"
    return encode([Element(FAILED_SOP_INSTANCE_UID_LIST, vr, value)], transfer_syntax)
