"""C-FIND SCP of the Modality Worklist (PS3.4 K.4.1): identifier -> conditions -> steps, streaming.

What an identifier means and how a step is written is ``dicom.query.worklist``'s, which steps answer is
``services.worklist``'s.
"""

from __future__ import annotations

from calotype.dicom import statuses, uids
from calotype.dicom.query.worklist import encode_match, parse
from calotype.dicom.wire.messages import CFindRQ, CFindRSP
from calotype.network.association import Association, Received
from calotype.scp.by_context import check_context
from calotype.services.worklist.worklist import Worklist

SOP_CLASSES = (uids.MODALITY_WORKLIST_FIND,)


class WorklistScp:
    """Answers questions to the worklist. Thread-safe: it keeps nothing between calls."""

    def __init__(self, worklist: Worklist) -> None:
        self._worklist = worklist

    def __call__(self, association: Association, received: Received) -> None:
        """Answer one C-FIND-RQ, each step as it comes, until all are sent or a C-CANCEL comes.

        InvalidRequest when the identifier is wrong (A900), Unavailable when the index is.
        """
        request, context = received.message, received.context
        assert isinstance(request, CFindRQ)  # noqa: S101 - the server dispatches by this type
        check_context(received, SOP_CLASSES)
        question = parse(association.read_identifier(), context.transfer_syntax)

        def respond(status: int, identifier: bytes | None = None) -> None:
            response = CFindRSP(
                message_id_being_responded_to=request.message_id,
                affected_sop_class_uid=request.affected_sop_class_uid,
                status=status,
                has_data_set=identifier is not None,
            )
            association.send(context.context_id, response, identifier)

        # PS3.4 K.4.1.1.4: FF01, "one or more Optional Keys were not supported for existence".
        pending = statuses.PENDING_OPTIONAL_KEYS_UNSUPPORTED if question.unsupported else statuses.PENDING
        for entry in self._worklist.ask(question):
            if association.cancel_requested(request.message_id):
                respond(statuses.CANCEL)
                return
            respond(pending, encode_match(entry.attributes, question, context.transfer_syntax))
        respond(statuses.SUCCESS)
