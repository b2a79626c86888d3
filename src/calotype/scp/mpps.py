"""Modality Performed Procedure Step SCP (PS3.4 F.7, F.8): N-CREATE, N-SET and N-GET.

What a performed step may hold, when it is closed and what it does to the worklist is ``services.worklist``'s.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from typing import Final

from calotype.dicom import datasets, statuses, uids
from calotype.dicom.datasets import Element, Limits
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.dicom.wire.messages import (
    NCreateRQ,
    NCreateRSP,
    NGetRQ,
    NGetRSP,
    NSetRQ,
    NSetRSP,
)
from calotype.errors import InvalidRequest
from calotype.network.association import Association, Received
from calotype.scp.by_context import check_context
from calotype.services.worklist.performed import PerformedSteps, StepClosed
from calotype.services.worklist.performed_rules import FixedAttribute, MissingAttribute

_logger = logging.getLogger(__name__)

SOP_CLASSES = (uids.MODALITY_PERFORMED_PROCEDURE_STEP,)
"""What steps are made and changed by."""
RETRIEVE_SOP_CLASSES = (uids.MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE,)
"""What steps are looked at by."""

NO_LONGER_UPDATABLE: Final = 0xA710
"""Error ID (0000,0903) of PS3.4 Table F.7.2-2: *Performed Procedure Step Object may no longer be updated*."""

_LIMIT_BYTES: Final = 4 * 1024 * 1024
"""A step of some thousand images names each of them."""
_LIMITS: Final = Limits(max_bytes=_LIMIT_BYTES, max_elements=100_000, max_depth=16)


class MppsScp:
    """Takes performed steps. Thread-safe: it keeps nothing between calls."""

    def __init__(self, steps: PerformedSteps) -> None:
        self._steps = steps

    def create(self, association: Association, received: Received) -> None:
        """Answer one N-CREATE-RQ.

        0120 or 0121 when an attribute of type 1 is missing or empty. InvalidRequest (0106) for a step that is not
        IN PROGRESS, Conflict (0111) for one that is here already.
        """
        request = received.message
        assert isinstance(request, NCreateRQ)  # noqa: S101 - the server dispatches by this type
        check_context(received, SOP_CLASSES)
        # PS3.7 10.1.5.1.4: without an instance UID from the invoker the performer makes one.
        instance = request.affected_sop_instance_uid or uids.uid_of_uuid(uuid.uuid4())
        answer = NCreateRSP(
            message_id_being_responded_to=request.message_id,
            affected_sop_class_uid=request.affected_sop_class_uid,
            affected_sop_instance_uid=instance,
            status=statuses.SUCCESS,
        )
        elements = _attributes(association, received)
        try:
            self._steps.create(instance, elements, association.calling_ae_title)
        except MissingAttribute as error:
            _logger.warning("N-CREATE of %s from %r: %s", instance, association.calling_ae_title, error)
            answer = replace(
                answer, status=_status_of(error), error_comment=str(error), offending_elements=error.tags
            )
        association.send(received.context.context_id, answer)

    def set(self, association: Association, received: Received) -> None:
        """Answer one N-SET-RQ.

        0110 with Error ID A710 for a step that is closed. NotFound (0112); InvalidRequest (0106) for a status that
        there is not. Where rules are strict: 0106 for what may not be changed, 0120 or 0121 when a step ends
        incomplete.
        """
        request = received.message
        assert isinstance(request, NSetRQ)  # noqa: S101 - the server dispatches by this type
        check_context(received, SOP_CLASSES)
        answer = NSetRSP(
            message_id_being_responded_to=request.message_id,
            affected_sop_class_uid=request.requested_sop_class_uid,
            affected_sop_instance_uid=request.requested_sop_instance_uid,
            status=statuses.SUCCESS,
        )
        elements = _attributes(association, received)
        try:
            self._steps.set(request.requested_sop_instance_uid, elements)
        except StepClosed as error:
            _logger.warning(
                "N-SET of %s from %r: it is closed", request.requested_sop_instance_uid, association.calling_ae_title
            )
            answer = replace(
                answer, status=statuses.PROCESSING_FAILURE, error_comment=str(error), error_id=NO_LONGER_UPDATABLE
            )
        except (MissingAttribute, FixedAttribute) as error:
            _logger.warning(
                "N-SET of %s from %r: %s",
                *(request.requested_sop_instance_uid, association.calling_ae_title, error),
            )
            answer = replace(
                answer, status=_status_of(error), error_comment=str(error), offending_elements=error.tags
            )
        association.send(received.context.context_id, answer)

    def get(self, association: Association, received: Received) -> None:
        """Answer one N-GET-RQ: the attributes asked for, or all. NotFound (0112)."""
        request = received.message
        assert isinstance(request, NGetRQ)  # noqa: S101 - the server dispatches by this type
        check_context(received, RETRIEVE_SOP_CLASSES)
        elements = self._steps.get(request.requested_sop_instance_uid, request.attribute_identifiers)
        answer = NGetRSP(
            message_id_being_responded_to=request.message_id,
            affected_sop_class_uid=request.requested_sop_class_uid,
            affected_sop_instance_uid=request.requested_sop_instance_uid,
            status=statuses.SUCCESS,
            has_data_set=True,
        )
        association.send(
            received.context.context_id, answer, datasets.encode(elements, received.context.transfer_syntax)
        )


def _status_of(error: MissingAttribute | FixedAttribute) -> int:
    if isinstance(error, FixedAttribute):
        return statuses.INVALID_ATTRIBUTE_VALUE
    return statuses.MISSING_ATTRIBUTE_VALUE if error.has_no_value else statuses.MISSING_ATTRIBUTE


def _attributes(association: Association, received: Received) -> list[Element]:
    if not received.message.has_data_set:
        return []
    data = association.read_identifier(_LIMIT_BYTES)
    syntax = received.context.transfer_syntax
    elements = datasets.decode(data, syntax, _LIMITS)
    # What is kept must be readable later; an element that only this syntax can carry is found out now.
    datasets.encode(elements, EXPLICIT_VR_LITTLE_ENDIAN)
    tags = [element.tag for element in elements]
    if len(set(tags)) < len(tags):
        raise InvalidRequest("an attribute stands in the list twice")
    return elements
