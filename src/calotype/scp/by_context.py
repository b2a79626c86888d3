"""One operation, several services: which handler answers is told by the SOP class of the presentation context.

C-FIND asks an archive or a worklist, N-CREATE begins a performed step or a film; what was negotiated decides.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.messages import Message
from calotype.errors import Unsupported
from calotype.network.association import Association, Received

if TYPE_CHECKING:
    from calotype.scp.server import Handler


class ByContext:
    """A handler that passes each request on to the one of its context's SOP class."""

    def __init__(self, handlers: Mapping[UID, Handler]) -> None:
        self._handlers = handlers

    def __call__(self, association: Association, received: Received) -> None:
        """Pass one request on. Unsupported when its context is of a class that does not have this operation."""
        check_context(received, self._handlers)
        self._handlers[received.context.abstract_syntax](association, received)


def check_context(received: Received, sop_classes: Container[UID]) -> None:
    """Raise Unsupported (N-services: 0118, others: 0122) unless a request came on a context of one of these."""
    abstract_syntax = received.context.abstract_syntax
    if abstract_syntax not in sop_classes:
        name = type(received.message).__name__
        raise Unsupported(f"{name} came on a context of SOP class {abstract_syntax}")


def by_context(
    services: Iterable[tuple[Iterable[UID], Mapping[type[Message], Handler]]],
) -> dict[type[Message], Handler]:
    """Return one handler per operation, of services that each have their SOP classes and handlers.

    An operation that one service alone has goes to it whatever the context: it knows best what to say of others.
    """
    chosen: dict[type[Message], dict[UID, Handler]] = {}
    alone: dict[type[Message], list[Handler]] = {}
    for sop_classes, handlers in services:
        for operation, handler in handlers.items():
            chosen.setdefault(operation, {}).update(dict.fromkeys(sop_classes, handler))
            alone.setdefault(operation, []).append(handler)
    return {
        operation: alone[operation][0] if len(alone[operation]) == 1 else ByContext(handlers)
        for operation, handlers in chosen.items()
    }
