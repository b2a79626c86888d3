"""What every C-FIND has in common: a Pending response for each match, and a C-CANCEL that ends it (PS3.4 C.4.1.3).

What matches, and how a match is written, is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeAlias

from calotype.dicom import statuses
from calotype.dicom.wire.messages import CFindRQ, CFindRSP
from calotype.errors import Cancelled
from calotype.network.association import Association, Received

Checkpoint: TypeAlias = Callable[[], None]
"""Called now and then by whoever searches: raises Cancelled once the peer has sent a C-CANCEL."""


def answer_matches(
    association: Association,
    received: Received,
    pending: int,
    identifiers: Callable[[Checkpoint], Generator[bytes, None, None]],
) -> None:
    """Send each identifier with the status ``pending`` as it comes, then Success, or Cancel once that was asked for.

    AssociationEnded when the peer is gone; ``identifiers``' generator is closed in any case, so that what it holds
    is free at once.
    """
    request = received.message
    assert isinstance(request, CFindRQ)  # noqa: S101 - the server dispatches by this type

    def respond(status: int, identifier: bytes | None = None) -> None:
        response = CFindRSP(
            message_id_being_responded_to=request.message_id,
            affected_sop_class_uid=request.affected_sop_class_uid,
            status=status,
            has_data_set=identifier is not None,
        )
        association.send(received.context.context_id, response, identifier)

    def checkpoint() -> None:
        if association.cancel_requested(request.message_id):
            raise Cancelled("C-CANCEL")

    try:
        with closing(identifiers(checkpoint)) as answers:
            for identifier in answers:
                checkpoint()
                respond(pending, identifier)
    except Cancelled:
        respond(statuses.CANCEL)
    else:
        respond(statuses.SUCCESS)
