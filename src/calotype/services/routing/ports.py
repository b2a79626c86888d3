"""What routing needs from below: somebody who carries objects to a neighbour.

``scu.sender`` implements :class:`Courier` over associations, ``scu.memory`` in memory; C-GET's SCP implements
:class:`Delivery` over the association it was asked on. Errors that leave an implementation are
``calotype.errors``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, Self

from calotype.closing import Closing
from calotype.dicom.hierarchy import UID
from calotype.services.archive.ports import ObjectReader, StoredInstance
from calotype.services.routing.nodes import Node


@dataclass(frozen=True, slots=True)
class Kind:
    """What an object is: its class, and the transfer syntax that it stands in."""

    sop_class: UID
    transfer_syntax: UID


@dataclass(frozen=True, slots=True)
class Parcel:
    """One object to be carried: what the command says of it, and where in its file the data set stands.

    ``digest`` names the data set's bytes, where that is known.
    """

    kind: Kind
    sop_instance: UID
    data_offset: int
    data_bytes: int
    digest: bytes = b""

    @property
    def place(self) -> slice:
        """Where the data set stands in the file."""
        return slice(self.data_offset, self.data_offset + self.data_bytes)

    @classmethod
    def of(cls, stored: StoredInstance) -> Self:
        """Make the parcel of an archived object, to be sent as it is stored."""
        location = stored.location
        return cls(
            Kind(stored.sop_class, location.transfer_syntax),
            stored.ref.instance,
            location.data_offset,
            location.data_bytes,
            location.digest,
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """What a neighbour is asked to agree to: objects of one class, in the one of these syntaxes that it chooses."""

    sop_class: UID
    transfer_syntaxes: tuple[UID, ...]


@dataclass(frozen=True, slots=True)
class Originator:
    """Who asked for the objects: the C-MOVE that these C-STOREs are sub-operations of (PS3.7 9.1.1.1)."""

    ae_title: str
    message_id: int


class Result(Enum):
    """How one sub-operation ended, in the words of its counters (PS3.4 C.4.2.1.6)."""

    COMPLETED = auto()
    WARNING = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the neighbour said to one object; ``comment`` is for people, empty when all went well."""

    result: Result
    status: int = 0
    comment: str = ""


def nothing_meanwhile() -> None:
    """Do nothing while the neighbour thinks."""


class Delivery(Closing, Protocol):
    """One way to one neighbour, open now. Used by one thread; close it (it is a context manager).

    Both ways to store wait for the neighbour's answer and call ``meanwhile`` once before they do, and again about
    every second as long as it is waited for and between the parts of a big object: time for what does not need the
    way. Unavailable when the way broke: nothing more can be carried, and nobody knows whether this object arrived.
    Errors of ``meanwhile`` break it, too; Cancelled is raised as it is.
    """

    def syntaxes(self, sop_class: UID) -> frozenset[UID]:
        """Return the transfer syntaxes in which the neighbour takes objects of this class; none: not at all."""
        ...

    def store(
        self,
        parcel: Parcel,
        reader: ObjectReader,
        originator: Originator | None = None,
        meanwhile: Callable[[], None] = nothing_meanwhile,
    ) -> Answer:
        """Carry one object, as it is, of a class and in a syntax that the neighbour takes."""
        ...

    def store_chunks(
        self,
        kind: Kind,
        sop_instance: UID,
        chunks: Iterator[bytes],
        originator: Originator | None = None,
        meanwhile: Callable[[], None] = nothing_meanwhile,
    ) -> Answer:
        """Carry one object that is made while it is sent: ``kind`` is what it is then, no chunk is empty."""
        ...

    def close(self) -> None:
        """Take leave. Idempotent, never raises."""
        ...


class Courier(Protocol):
    """Opens ways to neighbours. Any thread may ask at any time."""

    @property
    def offers_per_delivery(self) -> int:
        """How many offers one delivery can carry (PS3.8 9.3.2.2: 128 presentation contexts)."""
        ...

    def connect(self, node: Node, offers: Sequence[Offer]) -> Delivery:
        """Open a way for these offers, at most :attr:`offers_per_delivery`; the neighbour may accept fewer.

        Unavailable when the neighbour cannot be reached or turns us away, the message saying why.
        """
        ...


class NodeStore(Protocol):
    """Keeps the nodes that were put in by hand, by AE title. Any thread may ask at any time.

    What a method has returned for is durable, and seen by every process that shares the store.
    """

    def nodes(self) -> Sequence[Node]:
        """Return every node, by AE title."""
        ...

    def add(self, node: Node) -> None:
        """Keep a new node; Conflict when its AE title is taken."""
        ...

    def replace(self, node: Node) -> None:
        """Keep ``node`` in the place of the one with its AE title; NotFound when there is none."""
        ...

    def remove(self, ae_title: str) -> None:
        """Forget a node; NotFound when there is none."""
        ...
