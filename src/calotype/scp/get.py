"""C-GET SCP (PS3.4 C.4.3): as C-MOVE, but the objects go back over the association that asked for them."""

from __future__ import annotations

from collections.abc import Callable

from calotype.dicom import uids
from calotype.dicom.query.identifier import Model, selection
from calotype.dicom.query.negotiated import Negotiated
from calotype.network.association import Association, Received
from calotype.scp.models import model_of
from calotype.scp.suboperations import answer_suboperations
from calotype.services.archive.forms import Forms
from calotype.services.archive.retrieve import Retrieve
from calotype.services.routing.cargo import cargo_of
from calotype.services.routing.ports import Delivery
from calotype.services.routing.send import hand_over

MODELS = {
    uids.STUDY_ROOT_GET: Model.STUDY_ROOT,
    uids.PATIENT_ROOT_GET: Model.PATIENT_ROOT,
}
"""The information models that can be fetched by, by SOP class."""


class GetScp:
    """Sends what is asked for back to whoever asks.

    ``deliver`` makes a delivery of an association in which we act as storage SCU:
    ``scu.sender.AssociationDelivery``, handed in because ``scp`` and ``scu`` do not know each other. ``forms``
    makes other transfer syntaxes.
    """

    def __init__(
        self, retrieve: Retrieve, deliver: Callable[[Association], Delivery], forms: Forms | None = None
    ) -> None:
        self._retrieve = retrieve
        self._deliver = deliver
        self._forms = forms

    def __call__(self, association: Association, received: Received) -> None:
        """Answer one C-GET-RQ.

        InvalidRequest when the identifier is wrong (A900), Unavailable when the index is. An object whose class
        and syntax the peer did not offer to receive is counted as failed.
        """
        identifier = association.read_identifier()
        model = model_of(received, MODELS, "C-GET")
        context = received.context
        agreed = Negotiated.from_bytes(context.application_information[:1])
        wanted = selection(identifier, context.transfer_syntax, model, negotiated=agreed)
        cargo = cargo_of(self._retrieve, wanted)
        delivery = self._deliver(association)
        answer_suboperations(
            association, received, lambda _: hand_over(enumerate(cargo), delivery, forms=self._forms), len(cargo)
        )
