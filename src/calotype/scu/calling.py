"""What every SCU does: call a node, propose contexts, wait for the answer, say in words what went wrong.

What is asked of the node stands in the other modules of this room, one per service class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from calotype.dicom import statuses
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from calotype.dicom.wire.messages import Message
from calotype.dicom.wire.negotiation import AcceptedContext
from calotype.dicom.wire.pdu_items import PresentationContextProposed, RoleSelection, SopClassExtended
from calotype.errors import (
    CalotypeError,
    Cancelled,
    Conflict,
    InvalidRequest,
    NotFound,
    OutOfResources,
    Refused,
    Unavailable,
    Unsupported,
)
from calotype.network.association import Association, Received
from calotype.network.dialer import dial
from calotype.network.failures import AssociationAborted
from calotype.network.settings import DialSettings
from calotype.network.tls import client_context
from calotype.services.routing.nodes import Node

MAX_CONTEXTS: Final = 128
"""PS3.8 9.3.2.2: presentation context IDs are the odd numbers from 1 to 255."""

NATIVE_SYNTAXES: Final = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
"""What identifiers are written in, the better one first; PS3.5 10.1 obliges everyone to the second."""

Response = TypeVar("Response")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who we are when we call others, and how patient."""

    ae_title: str = "CALOTYPE"
    settings: DialSettings = field(default_factory=DialSettings)

    def dial(
        self,
        node: Node,
        contexts: Sequence[tuple[UID, Sequence[UID]]],
        roles: Sequence[RoleSelection] = (),
        extended: Sequence[SopClassExtended] = (),
    ) -> Association:
        """Open an association that proposes (abstract syntax, transfer syntaxes), at most 128 of them.

        The node's own TLS and timeouts come before ours. Unavailable when nobody answers, AssociationRejected when
        the node turns us away, InvalidRequest when its TLS names files that cannot be used.
        """
        return dial(
            node.host,
            node.port,
            calling_ae_title=self.ae_title,
            called_ae_title=node.ae_title,
            contexts=[
                PresentationContextProposed(2 * number + 1, abstract_syntax, tuple(transfer_syntaxes))
                for number, (abstract_syntax, transfer_syntaxes) in enumerate(contexts)
            ],
            roles=roles,
            extended=extended,
            settings=self._settings_for(node),
        )

    def _settings_for(self, node: Node) -> DialSettings:
        own = {
            name: seconds
            for name in ("connect_s", "dimse_s", "network_s")
            if (seconds := getattr(node.timeouts, name)) is not None
        }
        settings = replace(self.settings, timeouts=replace(self.settings.timeouts, **own)) if own else self.settings
        if (tls := node.tls) is None:
            return settings
        # Made anew for each call, so that a renewed certificate is used without a restart.
        context = client_context(
            ca=tls.ca,
            certificate=tls.certificate,
            key=tls.key,
            verify=tls.verify,
            check_hostname=tls.check_hostname,
        )
        return replace(settings, tls=context)


def require_context(association: Association, abstract_syntax: UID, service: str, node: Node) -> AcceptedContext:
    """Return the context of ``abstract_syntax``; Unsupported when the node did not accept it."""
    context = association.find_context(abstract_syntax)
    if context is None:
        raise Unsupported(f"{node} took the association but does not offer {service} ({abstract_syntax}).")
    return context


def _nothing(_received: Received) -> bool:
    return False


def await_response(
    association: Association,
    message_id: int,
    expected: type[Response],
    meanwhile: Callable[[], None] | None = None,
    aside: Callable[[Received], bool] = _nothing,
) -> Response:
    """Return the response to ``message_id``; ``meanwhile`` is called about every second until it comes.

    ``aside`` is given what comes before it, and says whether it has dealt with that.

    Unavailable when the peer leaves instead; AssociationAborted when it sends anything else, which we answer by
    aborting: an association whose two ends disagree on whose turn it is cannot be used.
    """
    received = association.receive(meanwhile)
    while received is not None and aside(received):
        received = association.receive(meanwhile)
    if received is None:
        raise Unavailable("the node released the association instead of answering")
    message = received.message
    if isinstance(message, expected) and getattr(message, "message_id_being_responded_to", None) == message_id:
        return message
    raise out_of_turn(association, message)


def out_of_turn(association: Association, message: Message) -> AssociationAborted:
    """Abort because of ``message`` and return the error that says so."""
    association.abort()
    return AssociationAborted(f"aborted: the node sent a {type(message).__name__} where none may come")


_ERRORS: Final[dict[int, type[CalotypeError]]] = {
    statuses.CANCEL: Cancelled,
    statuses.MOVE_DESTINATION_UNKNOWN: NotFound,
    statuses.NO_SUCH_SOP_INSTANCE: NotFound,
    statuses.DUPLICATE_SOP_INSTANCE: Conflict,
    statuses.NOT_AUTHORIZED: Refused,
    statuses.SOP_CLASS_NOT_SUPPORTED: Unsupported,
    statuses.NO_SUCH_SOP_CLASS: Unsupported,
    statuses.RESOURCE_LIMITATION: OutOfResources,
}
_ERRORS_BY_CLASS: Final[Sequence[tuple[range, type[CalotypeError]]]] = (
    (range(0xA700, 0xA800), OutOfResources),
    (range(0xA900, 0xAA00), InvalidRequest),
)


def failure(node: Node, service: str, status: int, comment: str = "") -> CalotypeError:
    """Return the error that a final status of a node means to whoever asked us to call it."""
    kinds = (kind for codes, kind in _ERRORS_BY_CLASS if status in codes)
    kind = _ERRORS.get(status) or next(kinds, Unavailable)
    return kind(f"{node} answered {service} with {in_words(status, comment)}.")


def in_words(status: int, comment: str = "") -> str:
    """Return a status and the peer's Error Comment (0000,0902) in one line."""
    return f"{statuses.describe(status)}: {comment}" if comment else statuses.describe(status)


def roles_as_scp(sop_classes: Iterable[UID]) -> list[RoleSelection]:
    """Return the role selections by which a requestor offers to receive (PS3.7 D.3.3.4)."""
    return [RoleSelection(sop_class, scu=False, scp=True) for sop_class in sop_classes]
