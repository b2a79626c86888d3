"""C-MOVE SCP (PS3.4 C.4.2): identifier -> selection -> routing -> responses."""

from __future__ import annotations

from calotype.dicom import uids
from calotype.dicom.hierarchy import UID
from calotype.dicom.query.identifier import Model, selection
from calotype.dicom.query.negotiated import Negotiated
from calotype.dicom.wire.messages import CMoveRQ
from calotype.errors import NotFound
from calotype.network.association import Association, Received
from calotype.scp.models import model_of
from calotype.scp.suboperations import answer_suboperations
from calotype.services.routing.nodes import AddressBook, Role
from calotype.services.routing.ports import Originator
from calotype.services.routing.send import Dispatch

MODELS = {
    uids.STUDY_ROOT_MOVE: Model.STUDY_ROOT,
    uids.PATIENT_ROOT_MOVE: Model.PATIENT_ROOT,
}
"""The information models that can be moved by, by SOP class."""


class MoveScp:
    """Sends what is asked for to the node that is named."""

    def __init__(self, dispatch: Dispatch, nodes: AddressBook) -> None:
        self._dispatch = dispatch
        self._nodes = nodes

    def __call__(self, association: Association, received: Received) -> None:
        """Answer one C-MOVE-RQ.

        InvalidRequest when the identifier is wrong (A900), NotFound when the destination is unknown or does not take
        objects (A801), Unavailable when the index is. What the destination does is no error here but counted.
        """
        request = received.message
        assert isinstance(request, CMoveRQ)  # noqa: S101 - the server dispatches by this type
        identifier = association.read_identifier()
        node = self._nodes.find(request.move_destination)
        if Role.STORE not in node.roles:
            raise NotFound(f"{node.title} is no destination: it has not the role 'store'")
        model = model_of(received, MODELS, "C-MOVE")
        context = received.context
        agreed = Negotiated.from_bytes(context.application_information[:1])
        wanted = selection(identifier, context.transfer_syntax, model, negotiated=agreed)
        cargo = self._dispatch.locate(wanted)
        originator = Originator(association.calling_ae_title, request.message_id)
        wishes = wishes_of(context.transfer_syntax)
        answer_suboperations(
            association,
            received,
            lambda heartbeat: self._dispatch.send(cargo, node, originator, wishes, heartbeat=heartbeat),
            len(cargo),
        )


def wishes_of(transfer_syntax: UID) -> tuple[UID, ...]:
    """Return what a C-MOVE on a context of this syntax wishes to be sent, see ``AcceptancePolicy``."""
    return (transfer_syntax,) if uids.transfer_syntax(transfer_syntax).encapsulated else ()
