"""Storage commitment SCP (PS3.4 J), and the ear of our SCU for reports that peers bring.

An N-ACTION is answered as soon as it is written down. While the peer keeps the association open and says nothing,
its objects are examined and the report goes out here; if it leaves, or wants something else meanwhile,
``services.routing.commitment`` delivers the report later.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from calotype.dicom import statuses
from calotype.dicom.commitment import (
    ALL_COMMITTED,
    MAX_DATA_SET_BYTES,
    REQUEST_ACTION,
    SOME_FAILED,
    Report,
    answer_to,
    decode_report,
    decode_request,
    encode_report,
    event_of,
)
from calotype.dicom.uids import STORAGE_COMMITMENT_PUSH
from calotype.dicom.wire.messages import NActionRQ, NActionRSP, NEventReportRQ, NEventReportRSP, Request
from calotype.errors import CalotypeError, InvalidRequest
from calotype.network.association import Association, Received
from calotype.network.failures import AssociationEnded
from calotype.scp.by_context import check_context
from calotype.scp.server import Handler
from calotype.services.routing.commitment.model import Parties
from calotype.services.routing.commitment.promises import Promise, Promises

_logger = logging.getLogger(__name__)

SOP_CLASSES = (STORAGE_COMMITMENT_PUSH,)


class CommitmentScp:
    """Answers N-ACTION requests for storage commitment. Thread-safe.

    ``answer`` serves a request that crosses our report on its way: the peer may ask as long as it has not heard.
    """

    def __init__(self, promises: Promises, answer: Handler) -> None:
        self._promises = promises
        self._answer = answer
        self._telling = threading.local()

    def __call__(self, association: Association, received: Received) -> None:
        """Take one request, answer it, and report on the same association if the peer waits for that.

        InvalidRequest (0106) when it cannot be read, Unsupported (0118) on a context of another SOP class.
        """
        request, context = received.message, received.context
        assert isinstance(request, NActionRQ)  # noqa: S101 - the server dispatches by this type
        check_context(received, SOP_CLASSES)
        if request.action_type_id != REQUEST_ACTION:
            association.skip_data_set()
            association.send(context.context_id, _action_response(request, statuses.NO_SUCH_ACTION))
            return
        if not request.has_data_set:
            raise InvalidRequest("a storage commitment request without a data set: say which instances")
        data = association.read_identifier(MAX_DATA_SET_BYTES)
        wanted = decode_request(data, context.transfer_syntax)
        parties = Parties(
            association.calling_ae_title.strip(" "), association.called_ae_title.strip(" "), association.peer_address
        )
        with self._promises.accept(wanted, parties) as promise:
            association.send(context.context_id, _action_response(request, statuses.SUCCESS))
            # A request that crosses a report is not reported upon in its turn: such requests could nest without end.
            if not getattr(self._telling, "now", False):
                self._report(association, received, promise)

    def _report(self, association: Association, received: Received, promise: Promise) -> None:
        """Report here and now, or leave it to the worker; the request itself has been answered."""
        self._telling.now = True
        try:
            report = promise.outcome(association.hears)
            if report is not None and self._tell(association, received, report):
                promise.delivered()
        except AssociationEnded:
            raise
        except CalotypeError as error:
            _logger.warning("the commitment for %s waits: %s", association.calling_ae_title, error)
        finally:
            self._telling.now = False

    def _tell(self, association: Association, received: Received, report: Report) -> bool:
        """Send a report and wait until it is answered; return whether the peer took it."""
        context = received.context
        message_id = association.next_message_id()
        event = event_of(report, message_id)
        association.send(context.context_id, event, encode_report(report, context.transfer_syntax))
        while (reply := association.receive()) is not None:
            message = reply.message
            if isinstance(message, NEventReportRSP) and message.message_id_being_responded_to == message_id:
                return statuses.category(message.status) is not statuses.Category.FAILURE
            if not isinstance(message, Request):
                break
            self._answer(association, reply)
        return False


class ReportTaker:
    """Takes the N-EVENT-REPORTs of archives that we asked. Thread-safe: it keeps nothing between calls.

    ``take`` is given each report; the ``CalotypeError`` that it raises is the answer.
    """

    def __init__(self, take: Callable[[Report], object]) -> None:
        self._take = take

    def __call__(self, association: Association, received: Received) -> None:
        """Take one report. InvalidRequest (0106) when it cannot be read; what ``take`` raises."""
        event, context = received.message, received.context
        assert isinstance(event, NEventReportRQ)  # noqa: S101 - the server dispatches by this type
        check_context(received, SOP_CLASSES)
        status = statuses.SUCCESS
        if event.event_type_id not in {ALL_COMMITTED, SOME_FAILED}:
            association.skip_data_set()
            status = statuses.NO_SUCH_EVENT_TYPE
        else:
            if not event.has_data_set:
                raise InvalidRequest("a report of storage commitment without a data set")
            data = association.read_identifier(MAX_DATA_SET_BYTES)
            report = decode_report(data, context.transfer_syntax)
            self._take(report)
            _logger.info(
                "%s commits to %d instances and not to %d",
                *(association.calling_ae_title, len(report.committed), len(report.failed)),
            )
        association.send(context.context_id, answer_to(event, status))


def _action_response(request: NActionRQ, status: int) -> NActionRSP:
    return NActionRSP(
        message_id_being_responded_to=request.message_id,
        affected_sop_class_uid=request.requested_sop_class_uid,
        affected_sop_instance_uid=request.requested_sop_instance_uid,
        action_type_id=request.action_type_id,
        status=status,
    )
