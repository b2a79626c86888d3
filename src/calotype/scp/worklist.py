"""C-FIND SCP of the Modality Worklist (PS3.4 K.4.1): identifier -> conditions -> steps, streaming.

What an identifier means and how a step is written is ``dicom.query.worklist``'s, which steps answer is
``services.worklist``'s.
"""

from __future__ import annotations

from collections.abc import Generator

from calotype.dicom import statuses, uids
from calotype.dicom.query.worklist import encode_match, parse
from calotype.network.association import Association, Received
from calotype.scp.answers import Checkpoint, answer_matches
from calotype.scp.by_context import check_context
from calotype.scp.speaking import charsets_of_caller
from calotype.services.routing.nodes import AddressBook
from calotype.services.worklist.worklist import Worklist

SOP_CLASSES = (uids.MODALITY_WORKLIST_FIND,)


class WorklistScp:
    """Answers questions to the worklist. Thread-safe: it keeps nothing between calls.

    ``nodes`` tell in which character set to speak to a device that does not say.
    """

    def __init__(self, worklist: Worklist, nodes: AddressBook | None = None) -> None:
        self._worklist = worklist
        self._nodes = nodes

    def __call__(self, association: Association, received: Received) -> None:
        """Answer one C-FIND-RQ, each step as it comes, until all are sent or a C-CANCEL comes.

        InvalidRequest when the identifier is wrong (A900), Unavailable when the index is.
        """
        check_context(received, SOP_CLASSES)
        transfer_syntax = received.context.transfer_syntax
        otherwise = charsets_of_caller(association, self._nodes)
        question = parse(association.read_identifier(), transfer_syntax, otherwise)

        def identifiers(_checkpoint: Checkpoint) -> Generator[bytes, None, None]:
            answers = 0
            try:
                for entry in self._worklist.ask(question):
                    answers += 1
                    yield encode_match(entry.attributes, question, transfer_syntax)
            finally:
                who = (association.calling_ae_title, association.peer_address)
                self._worklist.askers.add(*who, question.conditions, answers)

        # PS3.4 K.4.1.1.4: FF01, "one or more Optional Keys were not supported for existence".
        pending = statuses.PENDING_OPTIONAL_KEYS_UNSUPPORTED if question.unsupported else statuses.PENDING
        answer_matches(association, received, pending, identifiers)
