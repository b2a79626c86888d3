"""C-FIND SCP for the Query/Retrieve models (PS3.4 C.4.1): identifier -> Query -> matches, streaming.

What an identifier means and how a match is written is ``dicom.query``'s, what is found is the archive's.
"""

from __future__ import annotations

from collections.abc import Generator

from calotype.dicom import statuses, uids
from calotype.dicom.query.identifier import Model, encode_match, parse_identifier
from calotype.dicom.query.negotiated import Negotiated
from calotype.network.association import Association, Received
from calotype.scp.answers import Checkpoint, answer_matches
from calotype.scp.models import model_of
from calotype.scp.speaking import charsets_of_caller
from calotype.services.archive.search import Search
from calotype.services.routing.nodes import AddressBook

MODELS = {
    uids.STUDY_ROOT_FIND: Model.STUDY_ROOT,
    uids.PATIENT_ROOT_FIND: Model.PATIENT_ROOT,
}
"""The information models that can be asked by, by SOP class."""


class FindScp:
    """Answers questions to the archive; ``nodes`` tell in which character set to speak to whom."""

    def __init__(self, search: Search, nodes: AddressBook | None = None) -> None:
        self._search = search
        self._nodes = nodes

    def __call__(self, association: Association, received: Received) -> None:
        """Answer one C-FIND-RQ, each match as it comes, until all are sent or a C-CANCEL comes.

        InvalidRequest when the identifier is wrong (A900), Unavailable when the index is.
        """
        context = received.context
        question = parse_identifier(
            association.read_identifier(),
            context.transfer_syntax,
            model=model_of(received, MODELS, "C-FIND"),
            negotiated=Negotiated.from_bytes(context.application_information),
            otherwise=charsets_of_caller(association, self._nodes),
        )

        def identifiers(checkpoint: Checkpoint) -> Generator[bytes, None, None]:
            for match in self._search.find(question.query, checkpoint):
                yield encode_match(
                    match, question, context.transfer_syntax, retrieve_ae_title=association.called_ae_title
                )

        pending = statuses.PENDING_OPTIONAL_KEYS_UNSUPPORTED if question.has_unsupported_keys else statuses.PENDING
        answer_matches(association, received, pending, identifiers)
