"""C-FIND SCP for the Query/Retrieve models (PS3.4 C.4.1): identifier -> Query -> matches, streaming.

What an identifier means and how a match is written is ``dicom.query``'s, what is found is the archive's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from typing import Any

from calotype.dicom import statuses, uids
from calotype.dicom.query.identifier import Model, encode_match, parse_identifier
from calotype.dicom.query.keys import Negotiated
from calotype.dicom.wire.messages import CFindRQ, CFindRSP
from calotype.errors import Cancelled
from calotype.network.association import Association, Received
from calotype.scp.models import model_of
from calotype.services.archive.search import Search

MODELS = {
    uids.STUDY_ROOT_FIND: Model.STUDY_ROOT,
    uids.PATIENT_ROOT_FIND: Model.PATIENT_ROOT,
}
"""The information models that can be asked by, by SOP class."""


class FindScp:
    """Answers questions to the archive."""

    def __init__(self, search: Search) -> None:
        self._search = search

    def __call__(self, association: Association, received: Received) -> None:
        """Answer one C-FIND-RQ, each match as it comes, until all are sent or a C-CANCEL comes.

        InvalidRequest when the identifier is wrong (A900), Unavailable when the index is.
        """
        request, context = received.message, received.context
        assert isinstance(request, CFindRQ)  # noqa: S101 - the server dispatches by this type
        question = parse_identifier(
            association.read_identifier(),
            context.transfer_syntax,
            model=model_of(received, MODELS, "C-FIND"),
            negotiated=Negotiated.from_bytes(context.application_information),
        )

        def respond(status: int, identifier: bytes | None = None) -> None:
            response = CFindRSP(
                message_id_being_responded_to=request.message_id,
                affected_sop_class_uid=request.affected_sop_class_uid,
                status=status,
                has_data_set=identifier is not None,
            )
            association.send(context.context_id, response, identifier)

        def checkpoint() -> None:
            if association.cancel_requested(request.message_id):
                raise Cancelled("C-CANCEL")

        pending = statuses.PENDING_OPTIONAL_KEYS_UNSUPPORTED if question.has_unsupported_keys else statuses.PENDING
        try:
            with _closing(self._search.find(question.query, checkpoint)) as matches:
                for match in matches:
                    checkpoint()
                    identifier = encode_match(
                        match, question, context.transfer_syntax, retrieve_ae_title=association.called_ae_title
                    )
                    respond(pending, identifier)
        except Cancelled:
            respond(statuses.CANCEL)
        else:
            respond(statuses.SUCCESS)


def _closing(matches: Iterator[Any]) -> Any:
    """Close ``matches`` in the end, if it is a generator, so that what it holds is free at once."""
    return closing(matches) if hasattr(matches, "close") else nullcontext(matches)
