"""Hand objects to a neighbour, one after the other, as they are stored.

What is sent is located first (counters need the total, contexts the kinds); what comes of it is an iterator: each
step is one object handed over or failed, and whoever stops iterating stops the sending. Nothing here knows how
objects travel (port ``Courier``), where they come from (``Cargo.open``) or who asked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from calotype.dicom.hierarchy import UID, Selection
from calotype.errors import CalotypeError, Unavailable
from calotype.services.archive.ports import ObjectReader, StoredInstance
from calotype.services.archive.retrieve import Retrieve
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Answer, Courier, Delivery, Kind, Originator, Parcel, Result

BREAKS_IN_A_ROW = 3
"""After so many broken associations without one object taken in between, the rest is given up."""


@dataclass(frozen=True, slots=True)
class Cargo:
    """One object to be carried, and how to open it when its turn comes.

    ``open`` returns what is to be sent then: an object may have been overwritten since it was located.
    """

    parcel: Parcel
    open: Callable[[], tuple[Parcel, ObjectReader]]


@dataclass(frozen=True, slots=True)
class Handover:
    """What came of one object; ``position`` is its place in the sequence that was to be sent.

    ``is_lost``: the neighbour did not say anything to it, so asking again later may help.
    """

    position: int
    sop_instance: UID
    answer: Answer
    is_lost: bool = False


class Dispatch:
    """Sends what is archived."""

    def __init__(self, retrieve: Retrieve, courier: Courier) -> None:
        self._retrieve = retrieve
        self._courier = courier

    def locate(self, selection: Selection) -> list[Cargo]:
        """Return what a selection names, in the order in which it will be sent. Unavailable when the index is."""
        return cargo_of(self._retrieve, selection)

    def send(
        self, cargo: Sequence[Cargo], node: Node, originator: Originator | None = None
    ) -> Generator[Handover, None, None]:
        """Send ``cargo`` to ``node``, see :func:`carry`."""
        return carry(cargo, self._courier, node, originator)


def cargo_of(retrieve: Retrieve, selection: Selection) -> list[Cargo]:
    """Return what a selection names: references and places, no bytes. Unavailable when the index is."""
    cargo = []
    for stored in retrieve.locate(selection):
        parcel = Parcel.of(stored)
        cargo.append(Cargo(parcel, partial(_open_stored, retrieve, stored, parcel)))
    return cargo


def _open_stored(retrieve: Retrieve, stored: StoredInstance, parcel: Parcel) -> tuple[Parcel, ObjectReader]:
    current, reader = retrieve.open_current(stored)
    return (parcel if current is stored else Parcel.of(current)), reader


def carry(
    cargo: Sequence[Cargo], courier: Courier, node: Node, originator: Originator | None = None
) -> Generator[Handover, None, None]:
    """Send ``cargo`` to ``node`` over as few deliveries as its kinds allow, yielding what came of each object.

    Nothing that the neighbour does is raised: an object that it does not take, a node that cannot be reached and
    an association that breaks are failed handovers. A broken association is opened anew after the object that
    broke it, and given up when that happens :data:`BREAKS_IN_A_ROW` times. Close the generator to stop; the
    association is then released.
    """
    for batch in _batches(cargo, courier.kinds_per_delivery):
        yield from _carry_batch(cargo, batch, courier, node, originator)


def hand_over(
    cargo: Iterable[tuple[int, Cargo]], delivery: Delivery, originator: Originator | None = None
) -> Generator[Handover, None, None]:
    """Send positions and objects over a way that is open, yielding what came of each.

    Unavailable when the way broke, at the object after the last one yielded.
    """
    for position, item in cargo:
        yield Handover(position, item.parcel.sop_instance, _store(item, delivery, originator))


def _store(item: Cargo, delivery: Delivery, originator: Originator | None) -> Answer:
    if not delivery.accepts(item.parcel.kind):
        return _not_accepted(item.parcel.kind)
    try:
        parcel, reader = item.open()
    except CalotypeError as error:
        return _failed(str(error))
    with reader:
        if parcel is not item.parcel and not delivery.accepts(parcel.kind):
            return _not_accepted(parcel.kind)
        return delivery.store(parcel, reader, originator)


def _not_accepted(kind: Kind) -> Answer:
    return _failed(f"the node does not accept SOP class {kind.sop_class} in transfer syntax {kind.transfer_syntax}")


def _failed(comment: str) -> Answer:
    return Answer(Result.FAILED, comment=comment)


def _batches(cargo: Sequence[Cargo], kinds_per_delivery: int) -> list[list[int]]:
    """Part the positions of ``cargo`` so that no part has more kinds than one delivery can carry."""
    part_of: dict[Kind, int] = {}
    parts: list[list[int]] = []
    for position, item in enumerate(cargo):
        kind = item.parcel.kind
        part = part_of.get(kind)
        if part is None:
            part = part_of[kind] = len(part_of) // kinds_per_delivery
            if part == len(parts):
                parts.append([])
        parts[part].append(position)
    return parts


def _carry_batch(
    cargo: Sequence[Cargo], batch: Sequence[int], courier: Courier, node: Node, originator: Originator | None
) -> Generator[Handover, None, None]:
    kinds = list(dict.fromkeys(cargo[position].parcel.kind for position in batch))
    done = 0
    breaks = 0
    while done < len(batch):
        try:
            delivery = courier.connect(node, kinds)
        except Unavailable as error:
            yield from _give_up(cargo, batch[done:], str(error))
            return
        try:
            with delivery:
                rest = ((position, cargo[position]) for position in islice(batch, done, None))
                for handover in hand_over(rest, delivery, originator):
                    done += 1
                    if handover.answer.result is not Result.FAILED:
                        breaks = 0
                    yield handover
        except Unavailable as error:
            breaks += 1
            lost = 1 if breaks < BREAKS_IN_A_ROW else len(batch) - done
            yield from _give_up(cargo, batch[done : done + lost], str(error))
            done += lost


def _give_up(cargo: Sequence[Cargo], positions: Sequence[int], comment: str) -> Generator[Handover, None, None]:
    for position in positions:
        yield Handover(position, cargo[position].parcel.sop_instance, _failed(comment), is_lost=True)
