"""C-STORE SCU (PS3.4 B): the courier of ``services.routing``, over associations.

An offer is a presentation context. Which objects are sent where, and in which form, is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from calotype.closing import Closing
from calotype.dicom import statuses
from calotype.dicom.hierarchy import UID
from calotype.dicom.statuses import Category
from calotype.dicom.wire.messages import CStoreRQ, CStoreRSP
from calotype.errors import CalotypeError, Cancelled, InvalidRequest, Refused, Unavailable
from calotype.network.association import Association
from calotype.scu.calling import MAX_CONTEXTS, Caller, await_response, in_words
from calotype.services.archive.ports import ObjectReader
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import (
    Answer,
    Kind,
    Offer,
    Originator,
    Parcel,
    Result,
    nothing_meanwhile,
)

_RESULTS = {
    Category.SUCCESS: Result.COMPLETED,
    Category.WARNING: Result.WARNING,
    Category.FAILURE: Result.FAILED,
    # Neither belongs into a C-STORE-RSP; an object that nobody confirms has not arrived.
    Category.CANCEL: Result.FAILED,
    Category.PENDING: Result.FAILED,
}

_COMPLETED = Answer(Result.COMPLETED)

_BIG_BYTES: Final = 1024 * 1024
"""Objects above this leave in several parts."""


class DimseCourier:
    """Opens associations to neighbours."""

    offers_per_delivery = MAX_CONTEXTS

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def connect(self, node: Node, offers: Sequence[Offer]) -> AssociationDelivery:
        """Open an association that proposes ``offers``; Unavailable when the node does not take it."""
        contexts = [(offer.sop_class, offer.transfer_syntaxes) for offer in offers]
        try:
            association = self._caller.dial(node, contexts)
        except (Refused, InvalidRequest) as error:
            # To whoever asked us to send, a node that turns us away (or whose TLS we cannot use) is out of reach.
            raise Unavailable(str(error)) from error
        return AssociationDelivery(association)


class AssociationDelivery(Closing):
    """Carries objects over an association in which we may act as storage SCU; whoever made it may keep it."""

    def __init__(self, association: Association) -> None:
        self._association = association
        self._broken = False
        self._context_ids: dict[Kind, int] = {}
        syntaxes: dict[UID, set[UID]] = {}
        for context in association.contexts.values():
            # A context's roles are the requestor's (PS3.7 D.3.3.4): an acceptor sends where that one receives.
            if context.scu_role if association.is_requestor else context.scp_role:
                kind = Kind(context.abstract_syntax, context.transfer_syntax)
                self._context_ids.setdefault(kind, context.context_id)
                syntaxes.setdefault(kind.sop_class, set()).add(kind.transfer_syntax)
        self._syntaxes = {sop_class: frozenset(taken) for sop_class, taken in syntaxes.items()}

    def syntaxes(self, sop_class: UID) -> frozenset[UID]:
        """Return the transfer syntaxes of the contexts that the peer accepted for ``sop_class``."""
        return self._syntaxes.get(sop_class, frozenset())

    def store(
        self,
        parcel: Parcel,
        reader: ObjectReader,
        originator: Originator | None = None,
        meanwhile: Callable[[], None] = nothing_meanwhile,
    ) -> Answer:
        """Send one object and wait for its response. Unavailable when the association is over."""
        association = self._association
        source = reader if parcel.data_bytes <= _BIG_BYTES else _Unhurried(reader, meanwhile)

        def send(context_id: int, request: CStoreRQ) -> None:
            association.send_object(context_id, request, source, parcel.data_offset, parcel.data_bytes)

        return self._store(parcel.kind, parcel.sop_instance, originator, send, meanwhile)

    def store_chunks(
        self,
        kind: Kind,
        sop_instance: UID,
        chunks: Iterator[bytes],
        originator: Originator | None = None,
        meanwhile: Callable[[], None] = nothing_meanwhile,
    ) -> Answer:
        """Send one object as it is made, and wait for its response. Unavailable when the association is over."""
        association = self._association

        def send(context_id: int, request: CStoreRQ) -> None:
            association.send_chunks(context_id, request, _unhurried(chunks, meanwhile))

        return self._store(kind, sop_instance, originator, send, meanwhile)

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

    def _store(
        self,
        kind: Kind,
        sop_instance: UID,
        originator: Originator | None,
        send: Callable[[int, CStoreRQ], None],
        meanwhile: Callable[[], None],
    ) -> Answer:
        message_id = self._association.next_message_id()
        request = CStoreRQ(
            message_id=message_id,
            affected_sop_class_uid=kind.sop_class,
            affected_sop_instance_uid=sop_instance,
            move_originator_ae_title="" if originator is None else originator.ae_title,
            move_originator_message_id=None if originator is None else originator.message_id,
        )
        try:
            send(self._context_ids[kind], request)
            meanwhile()
            response = await_response(self._association, message_id, CStoreRSP, meanwhile)
        except (Unavailable, Cancelled):
            self._broken = True
            raise
        except CalotypeError as error:
            # The object could not be read or made to its end: half of it is on its way, so the way is lost.
            self._broken = True
            raise Unavailable(str(error)) from error
        except BaseException:
            self._broken = True
            raise
        if response.status == statuses.SUCCESS:
            return _COMPLETED
        result = _RESULTS[statuses.category(response.status)]
        return Answer(result, response.status, in_words(response.status, response.error_comment))


class _Unhurried:
    """An object that leaves in parts, with time for something else between them; see ``sockets.ObjectSource``."""

    def __init__(self, reader: ObjectReader, meanwhile: Callable[[], None]) -> None:
        self._reader = reader
        self._meanwhile = meanwhile
        self._has_begun = False

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``."""
        if self._has_begun:
            self._meanwhile()
        self._has_begun = True
        return self._reader.read_at(offset, size_bytes)


def _unhurried(chunks: Iterator[bytes], meanwhile: Callable[[], None]) -> Iterator[bytes]:
    """Give the chunks, with time for something else once some are on their way."""
    size_bytes = 0
    for chunk in chunks:
        if size_bytes > _BIG_BYTES:
            meanwhile()
            size_bytes = 0
        size_bytes += len(chunk)
        yield chunk
