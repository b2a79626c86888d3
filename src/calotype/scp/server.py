"""The loop of an association that we serve: a request comes, its service answers, until the peer releases.

The one place where an error becomes a DIMSE status. Which services there are, and on which port, is composed by
``app``; the services know nothing of each other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from calotype.dicom.statuses import UNRECOGNIZED_OPERATION, Service, describe, status_of
from calotype.dicom.wire import messages
from calotype.errors import CalotypeError
from calotype.network.association import Association, Received
from calotype.network.failures import AssociationEnded
from calotype.scp.echo import echo

_logger = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[Association, Received], None]
"""Serves one request: reads its data set, sends its responses, the final one last.

To fail, it raises a ``CalotypeError`` before it has sent a final response; the server then answers. It MUST let
``AssociationEnded`` pass.
"""


@dataclass(frozen=True, slots=True)
class _Operation:
    """How a request is answered when its handler does not: by which message, from which column of the statuses."""

    response: type[messages.Response]
    service: Service


_OPERATIONS: Mapping[type[messages.Message], _Operation] = {
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

_ERROR_COMMENT_CHARACTERS = 64


class Server:
    """Serves associations by a table of handlers, one per request type; C-ECHO is always among them."""

    def __init__(self, handlers: Mapping[type[messages.Message], Handler]) -> None:
        self._handlers: dict[type[messages.Message], Handler] = {messages.CEchoRQ: echo, **handlers}

    def serve(self, association: Association) -> None:
        """Answer requests until the peer releases. AssociationEnded when it ends in any other way."""
        while (received := association.receive()) is not None:
            self._answer(association, received)

    def _answer(self, association: Association, received: Received) -> None:
        kind = type(received.message)
        operation = _OPERATIONS.get(kind)
        if operation is None:
            # A response to nothing we asked: the peer has lost count, and nothing it says can be relied upon.
            association.abort()
            raise AssociationAborted(f"aborted: the peer sent {kind.__name__}, which answers no request of ours")
        handler = self._handlers.get(kind)
        if handler is None:
            self._fail(association, received, operation, UNRECOGNIZED_OPERATION, "this operation is not served here")
            return
        try:
            handler(association, received)
        except AssociationEnded:
            raise
        except CalotypeError as error:
            self._fail(association, received, operation, status_of(error, operation.service), str(error))
        except Exception as error:
            _logger.exception("%s from %r: our own mistake", kind.__name__, association.calling_ae_title)
            status = status_of(error, operation.service)
            self._fail(association, received, operation, status, "internal error, see the server's log")

    def _fail(
        self, association: Association, received: Received, operation: _Operation, status: int, why: str
    ) -> None:
        """Answer a failure, after the request's data set: peers read responses only when they have sent all."""
        association.skip_data_set()
        request = received.message
        _logger.warning(
            "%s %d from %r (%s): %s: %s",
            *(type(request).__name__, request.message_id, association.calling_ae_title, association.peer_address),
            *(describe(status), why),
        )
        association.send(received.context.context_id, _failure(request, operation, status, why))


def error_comment(text: str) -> str:
    """Return ``text`` as an Error Comment (0000,0902): LO, so at most 64 characters, in the default repertoire."""
    plain = "".join(character if " " <= character <= "~" and character != "\\" else "?" for character in text)
    return plain[:_ERROR_COMMENT_CHARACTERS].rstrip()
