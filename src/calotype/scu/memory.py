"""The courier's twin: carries objects into a list. For tests, and for trying things without a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from calotype.errors import Unavailable
from calotype.services.archive.ports import ObjectReader
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Answer, Kind, Originator, Parcel, Result

Judge = Callable[[Parcel], Answer]
"""Decides what the neighbour says to an object; may raise Unavailable to break the association."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One object as the neighbour got it."""

    node: Node
    parcel: Parcel
    data: bytes
    originator: Originator | None


@dataclass(slots=True)
class MemoryCourier:
    """Keeps what it is given; ``refused`` kinds get no context, ``unreachable`` nodes no association."""

    kinds_per_delivery: int = 128
    refused: frozenset[Kind] = frozenset()
    unreachable: frozenset[str] = frozenset()
    judge: Judge = lambda _parcel: Answer(Result.COMPLETED)
    delivered: list[Delivered] = field(default_factory=list)
    connections: list[tuple[Kind, ...]] = field(default_factory=list)
    open_deliveries: int = 0

    def connect(self, node: Node, kinds: Sequence[Kind]) -> MemoryDelivery:
        """Open a way; Unavailable when the node is among the unreachable."""
        if node.ae_title in self.unreachable:
            raise Unavailable(f"{node} does not answer.")
        self.connections.append(tuple(kinds))
        self.open_deliveries += 1
        return MemoryDelivery(self, node, frozenset(kinds) - self.refused)


@dataclass(slots=True)
class MemoryDelivery:
    """One way to one node."""

    courier: MemoryCourier
    node: Node
    kinds: frozenset[Kind]
    closed: bool = False

    def accepts(self, kind: Kind) -> bool:
        """Tell whether the neighbour takes objects of this kind."""
        return kind in self.kinds

    def store(self, parcel: Parcel, reader: ObjectReader, originator: Originator | None = None) -> Answer:
        """Keep the object's data set if the judge lets it pass."""
        answer = self.courier.judge(parcel)
        if answer.result is not Result.FAILED:
            data = reader.read_at(parcel.data_offset, parcel.data_bytes)
            self.courier.delivered.append(Delivered(self.node, parcel, data, originator))
        return answer

    def close(self) -> None:
        """Take leave."""
        if not self.closed:
            self.closed = True
            self.courier.open_deliveries -= 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()
