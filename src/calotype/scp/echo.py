"""Verification (PS3.4 A): C-ECHO is answered with Success, on every listener."""

from __future__ import annotations

from calotype.dicom.statuses import SUCCESS
from calotype.dicom.wire.messages import CEchoRQ, CEchoRSP
from calotype.network.association import Association, Received


def echo(association: Association, received: Received) -> None:
    """Answer a C-ECHO-RQ."""
    request = received.message
    assert isinstance(request, CEchoRQ)  # noqa: S101 - the server dispatches by this type
    association.send(
        received.context.context_id,
        CEchoRSP(
            message_id_being_responded_to=request.message_id,
            affected_sop_class_uid=request.affected_sop_class_uid,
            status=SUCCESS,
        ),
    )
