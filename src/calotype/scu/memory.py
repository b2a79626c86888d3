"""The courier's twin: carries objects into a list. For tests, and for trying things without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from calotype.closing import Closing
from calotype.dicom.hierarchy import UID
from calotype.errors import Unavailable
from calotype.services.archive.ports import ObjectReader
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Answer, Kind, Offer, Originator, Parcel, Result, nothing_meanwhile

Judge = Callable[[UID], Answer]
"""Decides what the neighbour says to an object, by its SOP Instance UID; may raise Unavailable to break the way."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One object as the neighbour got it."""

    node: Node
    kind: Kind
    sop_instance: UID
    data: bytes
    originator: Originator | None


@dataclass(slots=True)
class MemoryCourier:
    """Keeps what it is given; ``refused`` kinds are not accepted, ``unreachable`` nodes do not answer."""

    offers_per_delivery: int = 128
    refused: frozenset[Kind] = frozenset()
    unreachable: frozenset[str] = frozenset()
    judge: Judge = lambda _sop_instance: Answer(Result.COMPLETED)
    delivered: list[Delivered] = field(default_factory=list)
    connections: list[tuple[Offer, ...]] = field(default_factory=list)
    open_deliveries: int = 0

    def connect(self, node: Node, offers: Sequence[Offer]) -> MemoryDelivery:
        """Open a way; Unavailable when the node is among the unreachable."""
        if node.ae_title in self.unreachable:
            raise Unavailable(f"{node} does not answer.")
        self.connections.append(tuple(offers))
        self.open_deliveries += 1
        taken = (
            next((kind for kind in _kinds(offer) if kind not in self.refused), None)  # its first that we take
            for offer in offers
        )
        return MemoryDelivery(self, node, frozenset(kind for kind in taken if kind is not None))


def _kinds(offer: Offer) -> Iterator[Kind]:
    return (Kind(offer.sop_class, syntax) for syntax in offer.transfer_syntaxes)


@dataclass(slots=True)
class MemoryDelivery(Closing):
    """One way to one node."""

    courier: MemoryCourier
    node: Node
    kinds: frozenset[Kind]
    closed: bool = False

    def syntaxes(self, sop_class: UID) -> frozenset[UID]:
        """Return the syntaxes in which the neighbour takes objects of this class."""
        return frozenset(kind.transfer_syntax for kind in self.kinds if kind.sop_class == sop_class)

    def store(
        self,
        parcel: Parcel,
        reader: ObjectReader,
        originator: Originator | None = None,
        meanwhile: Callable[[], None] = nothing_meanwhile,
    ) -> Answer:
        """Keep the object's data set if the judge lets it pass."""
        data = reader.read_at(parcel.data_offset, parcel.data_bytes)
        return self.store_chunks(parcel.kind, parcel.sop_instance, iter([data]), originator, meanwhile)

    def store_chunks(
        self,
        kind: Kind,
        sop_instance: UID,
        chunks: Iterator[bytes],
        originator: Originator | None = None,
        meanwhile: Callable[[], None] = nothing_meanwhile,
    ) -> Answer:
        """Keep what the chunks make if the judge lets it pass."""
        data = b"".join(chunks)
        meanwhile()
        answer = self.courier.judge(sop_instance)
        if answer.result is not Result.FAILED:
            self.courier.delivered.append(Delivered(self.node, kind, sop_instance, data, originator))
        return answer

    def close(self) -> None:
        """Take leave."""
        if not self.closed:
            self.closed = True
            self.courier.open_deliveries -= 1
