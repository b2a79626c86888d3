"""The loop of an association that we serve: a request comes, its service answers, until the peer releases.

The one place where it is asked who may do what, and where an error becomes a DIMSE status. Which services there are,
and on which port, is composed by ``app``; the services know nothing of each other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from calotype.dicom import uids
from calotype.dicom.hierarchy import UID
from calotype.dicom.statuses import UNRECOGNIZED_OPERATION, Service, describe, status_of
from calotype.dicom.wire import messages
from calotype.dicom.wire.messages import InstanceResponse, Message, Request, RequestedInstance, Response
from calotype.dicom.wire.values import NO_UID
from calotype.errors import CalotypeError
from calotype.network.association import Association, Received
from calotype.network.failures import AssociationAborted, AssociationEnded
from calotype.scp.echo import echo
from calotype.services.access.access import Access
from calotype.services.access.permissions import Right

_logger = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[Association, Received], None]
"""Serves one request: reads its data set, sends its responses, the final one last.

To fail, it raises a ``CalotypeError`` before it has sent a final response; the server then answers. It MUST let
``AssociationEnded`` pass.
"""


@dataclass(frozen=True, slots=True)
class _Operation:
    """How a request is answered when its handler does not: by which message, from which column of the statuses."""

    response: type[Response]
    service: Service


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a handler could not do: the status to answer, the reason for the log and the Error Comment, and where."""

    status: int
    why: str
    offending: tuple[int, ...] = ()


_OPERATIONS: Mapping[type[Message], _Operation] = {
    messages.CEchoRQ: _Operation(messages.CEchoRSP, Service.N_SERVICE),
    messages.CStoreRQ: _Operation(messages.CStoreRSP, Service.STORE),
    messages.CFindRQ: _Operation(messages.CFindRSP, Service.FIND),
    messages.CMoveRQ: _Operation(messages.CMoveRSP, Service.MOVE),
    messages.CGetRQ: _Operation(messages.CGetRSP, Service.GET),
    messages.NEventReportRQ: _Operation(messages.NEventReportRSP, Service.N_SERVICE),
    messages.NGetRQ: _Operation(messages.NGetRSP, Service.N_SERVICE),
    messages.NSetRQ: _Operation(messages.NSetRSP, Service.N_SERVICE),
    messages.NActionRQ: _Operation(messages.NActionRSP, Service.N_SERVICE),
    messages.NCreateRQ: _Operation(messages.NCreateRSP, Service.N_SERVICE),
    messages.NDeleteRQ: _Operation(messages.NDeleteRSP, Service.N_SERVICE),
}

_FREE: frozenset[type[Message]] = frozenset({messages.CEchoRQ, messages.NEventReportRQ})
"""What anybody may ask: whether we are here, and what answers a question of ours (PS3.4 J.3.3)."""

_RIGHT_OF_OPERATION: Mapping[type[Message], Right] = {
    messages.CStoreRQ: Right.STORE,
    messages.CFindRQ: Right.FIND,
    messages.CMoveRQ: Right.MOVE,
    messages.CGetRQ: Right.GET,
}
_RIGHT_OF_CLASS: Mapping[UID, Right] = {
    uids.MODALITY_WORKLIST_FIND: Right.WORKLIST,
    uids.MODALITY_PERFORMED_PROCEDURE_STEP: Right.MPPS,
    uids.MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE: Right.MPPS,
    uids.MODALITY_PERFORMED_PROCEDURE_STEP_NOTIFICATION: Right.MPPS,
    uids.STORAGE_COMMITMENT_PUSH: Right.COMMITMENT,
}
"""Where the SOP class of the presentation context says more than the operation; it is what was agreed upon."""


def right_of(received: Received) -> Right | None:
    """Return the right that a request needs, ``None`` when it needs none."""
    kind = type(received.message)
    if kind in _FREE:
        return None
    # What is left are the N-services of print, which come in many SOP classes.
    return _RIGHT_OF_CLASS.get(received.context.abstract_syntax) or _RIGHT_OF_OPERATION.get(kind, Right.PRINT)


class Server:
    """Serves associations by a table of handlers, one per request type; C-ECHO is always among them.

    ``access`` is asked before a handler runs; without it everybody may do everything.
    """

    def __init__(self, handlers: Mapping[type[Message], Handler], access: Access | None = None) -> None:
        self._handlers: dict[type[Message], Handler] = {messages.CEchoRQ: echo, **handlers}
        self._access = access

    def serve(self, association: Association) -> None:
        """Answer requests until the peer releases. AssociationEnded when it ends in any other way."""
        while (received := association.receive()) is not None:
            self.answer(association, received)

    def answer(self, association: Association, received: Received) -> None:
        """Answer one request: for the loop, and for a service that waits for an answer itself and hears a request."""
        request = received.message
        kind = type(request)
        operation = _OPERATIONS.get(kind)
        if operation is None or not isinstance(request, Request):
            # A response to nothing we asked: the peer has lost count, and nothing it says can be relied upon.
            association.abort()
            raise AssociationAborted(f"aborted: the peer sent {kind.__name__}, which answers no request of ours")
        failure = self._attempt(association, received, operation.service)
        if failure is None:
            return
        # Peers read a response only when they have sent all of their request.
        association.skip_data_set()
        _logger.warning(
            "%s %d from %r (%s): %s: %s",
            *(kind.__name__, request.message_id, association.calling_ae_title, association.peer_address),
            *(describe(failure.status), failure.why),
        )
        association.send(received.context.context_id, _response(request, operation.response, failure))

    def _attempt(self, association: Association, received: Received, service: Service) -> _Failure | None:
        kind = type(received.message)
        handler = self._handlers.get(kind)
        if handler is None:
            return _Failure(UNRECOGNIZED_OPERATION, "this operation is not served here")
        try:
            self._check(association, received)
            handler(association, received)
        except AssociationEnded:
            raise
        except CalotypeError as error:
            # Errors about an identifier know which of its attributes was wrong.
            tag: int | None = getattr(error, "offending_tag", None)
            return _Failure(status_of(error, service), str(error), () if tag is None else (tag,))
        except Exception as error:
            _logger.exception("%s from %r: our own mistake", kind.__name__, association.calling_ae_title)
            return _Failure(status_of(error, service), "internal error, see the log of the server")
        return None

    def _check(self, association: Association, received: Received) -> None:
        """Raise Refused (0124) when the peer may not do this."""
        right = right_of(received)
        if self._access is None or right is None:
            return
        message = received.message
        destination = message.move_destination if isinstance(message, messages.CMoveRQ) else None
        self._access.check(right, association.calling_ae_title, association.peer_address, destination)


def _response(request: Request, kind: type[Response], failure: _Failure) -> Response:
    if isinstance(request, RequestedInstance):
        sop_class, sop_instance = request.requested_sop_class_uid, request.requested_sop_instance_uid
    else:
        sop_class = getattr(request, "affected_sop_class_uid", NO_UID)
        sop_instance = getattr(request, "affected_sop_instance_uid", NO_UID)
    response = kind(
        message_id_being_responded_to=request.message_id,
        affected_sop_class_uid=sop_class,
        status=failure.status,
        error_comment=failure.why,
        offending_elements=failure.offending,
    )
    if isinstance(response, InstanceResponse):
        return replace(response, affected_sop_instance_uid=sop_instance)
    return response
