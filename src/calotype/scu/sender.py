"""C-STORE SCU (PS3.4 B): the courier of ``services.routing``, over associations.

One context is proposed per kind (SOP class and stored transfer syntax), since objects are sent as they are: a
context with several syntaxes would leave the choice to the peer. Which objects are sent where is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from calotype.dicom import statuses
from calotype.dicom.statuses import Category
from calotype.dicom.wire.messages import CStoreRQ, CStoreRSP
from calotype.errors import CalotypeError, Refused, Unavailable
from calotype.network.association import Association
from calotype.scu.calling import MAX_CONTEXTS, Caller, await_response, in_words
from calotype.services.archive.ports import ObjectReader
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Answer, Kind, Originator, Parcel, Result

_RESULTS = {
    Category.SUCCESS: Result.COMPLETED,
    Category.WARNING: Result.WARNING,
    Category.FAILURE: Result.FAILED,
    # Neither belongs into a C-STORE-RSP; an object that nobody confirms has not arrived.
    Category.CANCEL: Result.FAILED,
    Category.PENDING: Result.FAILED,
}

_COMPLETED = Answer(Result.COMPLETED)


class DimseCourier:
    """Opens associations to neighbours."""

    kinds_per_delivery = MAX_CONTEXTS

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def connect(self, node: Node, kinds: Sequence[Kind]) -> AssociationDelivery:
        """Open an association that can carry ``kinds``; Unavailable when the node does not take it."""
        contexts = [(kind.sop_class, [kind.transfer_syntax]) for kind in kinds]
        try:
            association = self._caller.dial(node, contexts)
        except Refused as error:
            # To whoever asked us to send, a node that turns us away is a node that cannot be reached.
            raise Unavailable(str(error)) from error
        return AssociationDelivery(association)


class AssociationDelivery:
    """Carries objects over an association in which we may act as storage SCU; whoever made it may keep it."""

    def __init__(self, association: Association) -> None:
        self._association = association
        self._broken = False
        self._context_ids: dict[Kind, int] = {}
        for context in association.contexts.values():
            # A context's roles are the requestor's (PS3.7 D.3.3.4): an acceptor sends where that one receives.
            if context.scu_role if association.is_requestor else context.scp_role:
                kind = Kind(context.abstract_syntax, context.transfer_syntax)
                self._context_ids.setdefault(kind, context.context_id)

    def accepts(self, kind: Kind) -> bool:
        """Tell whether the peer accepted a context for ``kind``."""
        return kind in self._context_ids

    def store(self, parcel: Parcel, reader: ObjectReader, originator: Originator | None = None) -> Answer:
        """Send one object and wait for its response. Unavailable when the association is over."""
        association = self._association
        message_id = association.next_message_id()
        request = CStoreRQ(
            message_id=message_id,
            affected_sop_class_uid=parcel.kind.sop_class,
            affected_sop_instance_uid=parcel.sop_instance,
            move_originator_ae_title="" if originator is None else originator.ae_title,
            move_originator_message_id=None if originator is None else originator.message_id,
        )
        context_id = self._context_ids[parcel.kind]
        try:
            association.send_object(context_id, request, reader, parcel.data_offset, parcel.data_bytes)
            response = await_response(association, message_id, CStoreRSP)
        except CalotypeError:
            self._broken = True
            raise
        if response.status == statuses.SUCCESS:
            return _COMPLETED
        result = _RESULTS[statuses.category(response.status)]
        return Answer(result, response.status, in_words(response.status, response.error_comment))

    def close(self) -> None:
        """Release the association, or abort it when it broke. Idempotent, never raises."""
        if self._broken:
            self._association.abort()
            return
        try:
            self._association.release()
        except CalotypeError:
            # Every answer has been received; how the peer hangs up changes nothing.
            self._association.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()
