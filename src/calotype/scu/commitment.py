"""Storage commitment SCU (PS3.4 J), and the calls of our SCP: the messenger of ``services.routing.commitment``.

A report comes on the association that asked, or on one that the peer opens; so does ours. In an association that
the reporting side opens it is the SCP, and says so by role selection (PS3.7 D.3.3.4).
"""

from __future__ import annotations

from calotype.dicom import statuses
from calotype.dicom.commitment import (
    MAX_DATA_SET_BYTES,
    REQUEST_ACTION,
    Report,
    Request,
    answer_to,
    decode_report,
    encode_report,
    encode_request,
    event_of,
)
from calotype.dicom.uids import STORAGE_COMMITMENT_PUSH, STORAGE_COMMITMENT_PUSH_INSTANCE
from calotype.dicom.wire.messages import (
    NActionRQ,
    NActionRSP,
    NEventReportRQ,
    NEventReportRSP,
)
from calotype.errors import CalotypeError, Unsupported
from calotype.network.association import Association, Received
from calotype.network.failures import AssociationEnded
from calotype.scu.calling import (
    NATIVE_SYNTAXES,
    Caller,
    await_response,
    failure,
    out_of_turn,
    require_context,
    roles_as_scp,
)
from calotype.services.routing.nodes import Node

_SERVICE = "storage commitment"
_CONTEXTS = [(STORAGE_COMMITMENT_PUSH, NATIVE_SYNTAXES)]

REPORT_WAIT_S = 5.0
"""How long a report may take on the association that asked; most peers report on another one anyway."""


class DimseMessenger:
    """Calls nodes over associations. Thread-safe: it keeps nothing between calls."""

    def __init__(self, caller: Caller, report_wait_s: float = REPORT_WAIT_S) -> None:
        self._caller = caller
        self._report_wait_s = report_wait_s

    def ask(self, node: Node, request: Request) -> Report | None:
        """Ask ``node`` for commitment; return its report if it comes on the same association, soon."""
        with self._caller.dial(node, _CONTEXTS) as association:
            context = require_context(association, STORAGE_COMMITMENT_PUSH, _SERVICE, node)
            message_id = association.next_message_id()
            action = NActionRQ(
                message_id=message_id,
                has_data_set=True,
                requested_sop_class_uid=STORAGE_COMMITMENT_PUSH,
                requested_sop_instance_uid=STORAGE_COMMITMENT_PUSH_INSTANCE,
                action_type_id=REQUEST_ACTION,
            )
            association.send(context.context_id, action, encode_request(request, context.transfer_syntax))
            early: list[Report | None] = []

            def aside(received: Received) -> bool:
                # PS3.7 D.3.3.3.1: what a peer invokes does not wait for what it performs, so a report may come first.
                if early or not _is_report(received):
                    return False
                early.append(self._take(association, received, request))
                return True

            response = await_response(association, message_id, NActionRSP, aside=aside)
            association.skip_data_set()
            if statuses.category(response.status) is statuses.Category.FAILURE:
                raise failure(node, _SERVICE, response.status, response.error_comment)
            return early[0] if early and early[0] is not None else self._await_report(association, request)

    def report(self, node: Node, our_ae_title: str, report: Report) -> None:
        """Deliver ``report`` over a new association, in which we are the SCP."""
        caller = Caller(our_ae_title, self._caller.settings)
        with caller.dial(node, _CONTEXTS, roles_as_scp([STORAGE_COMMITMENT_PUSH])) as association:
            # Devices that accept the context and say nothing about roles are known; they take reports all the same.
            context = association.find_context(STORAGE_COMMITMENT_PUSH, as_scp=True) or require_context(
                association, STORAGE_COMMITMENT_PUSH, f"to take reports of {_SERVICE}", node
            )
            message_id = association.next_message_id()
            event = event_of(report, message_id)
            association.send(context.context_id, event, encode_report(report, context.transfer_syntax))
            response = await_response(association, message_id, NEventReportRSP)
            if statuses.category(response.status) is statuses.Category.FAILURE:
                raise failure(node, f"a report of {_SERVICE}", response.status, response.error_comment)

    def _await_report(self, association: Association, request: Request) -> Report | None:
        """Return the report on ``request``; ``None`` when none comes in time, or the peer leaves first."""
        try:
            if not association.hears(self._report_wait_s):
                return None
            received = association.receive()
        except AssociationEnded:
            # It was asked and said yes; how it leaves changes nothing.
            return None
        if received is None:
            return None
        if not _is_report(received):
            raise out_of_turn(association, received.message)
        try:
            return self._take(association, received, request)
        except AssociationEnded:
            return None

    def _take(self, association: Association, received: Received, request: Request) -> Report | None:
        """Answer a report and return it; ``None`` for one that is not on ``request``. AssociationEnded."""
        message, context = received.message, received.context
        assert isinstance(message, NEventReportRQ)  # noqa: S101 - see _is_report
        report: Report | None = None
        status, comment = statuses.SUCCESS, ""
        try:
            report = decode_report(association.read_identifier(MAX_DATA_SET_BYTES), context.transfer_syntax)
            if report.transaction != request.transaction:
                raise Unsupported(f"transaction {report.transaction} is not the one asked for here")
        except AssociationEnded:
            raise
        except CalotypeError as error:
            status, comment = statuses.PROCESSING_FAILURE, str(error)
            report = None
        association.send(context.context_id, answer_to(message, status, comment))
        return report


def _is_report(received: Received) -> bool:
    return isinstance(received.message, NEventReportRQ) and received.message.has_data_set
