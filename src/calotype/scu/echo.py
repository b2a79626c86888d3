"""C-ECHO SCU (PS3.4 A): is the node there, does it know us, how fast does it answer?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from calotype.dicom import statuses
from calotype.dicom.uids import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from calotype.dicom.wire.messages import CEchoRQ, CEchoRSP
from calotype.scu.calling import Caller, await_response, failure, require_context
from calotype.services.routing.nodes import Node


@dataclass(frozen=True, slots=True)
class EchoReport:
    """A node that answered: how long each part took, and the longest PDU that it takes."""

    associate_s: float
    echo_s: float
    max_pdu_bytes: int


def echo(caller: Caller, node: Node) -> EchoReport:
    """Ask ``node`` whether it is there.

    Unavailable: nobody listens, or no answer in time. Refused (AssociationRejected): one of the AE titles is not
    known there. Unsupported: no verification service. Each message says which, and what to look at.
    """
    start_s = time.monotonic()
    with caller.dial(node, [(VERIFICATION, [IMPLICIT_VR_LITTLE_ENDIAN])]) as association:
        associated_s = time.monotonic()
        context = require_context(association, VERIFICATION, "verification (C-ECHO)", node)
        message_id = association.next_message_id()
        association.send(context.context_id, CEchoRQ(message_id=message_id, affected_sop_class_uid=VERIFICATION))
        response = await_response(association, message_id, CEchoRSP)
        answered_s = time.monotonic()
        max_pdu_bytes = association.max_send_pdu_bytes
    if response.status != statuses.SUCCESS:
        raise failure(node, "C-ECHO", response.status)
    return EchoReport(associated_s - start_s, answered_s - associated_s, max_pdu_bytes)
