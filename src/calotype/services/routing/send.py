"""Hand objects to a neighbour, one after the other, in a form that it takes.

What is sent is located first (counters need the total, offers the kinds); what comes of it is an iterator: each
step is one object handed over or failed, and whoever stops iterating stops the sending. While the neighbour thinks
about one object the next is made ready (``turns``). Nothing here knows how objects travel (port ``Courier``), where
they come from (``Cargo.open``), which form can be made of which (``archive.forms``) or who asked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.hierarchy import UID, Selection
from calotype.errors import Refused, Unavailable
from calotype.services.archive.ahead import Queue
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.forms import Forms
from calotype.services.archive.retrieve import Retrieve
from calotype.services.routing.cargo import Cargo, cargo_of, deidentify_all
from calotype.services.routing.nodes import Node
from calotype.services.routing.offers import Part, parted
from calotype.services.routing.ports import (
    Answer,
    Courier,
    Delivery,
    Originator,
    Result,
    nothing_meanwhile,
)
from calotype.services.routing.turns import Turn, failed

BREAKS_IN_A_ROW = 3
"""After so many broken associations without one object taken in between, the rest is given up."""


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

    def __init__(
        self,
        retrieve: Retrieve,
        courier: Courier,
        forms: Forms | None = None,
        anonymiser: Anonymiser | None = None,
    ) -> None:
        self._retrieve = retrieve
        self._courier = courier
        self._forms = forms
        self._anonymiser = anonymiser

    def locate(self, selection: Selection) -> list[Cargo]:
        """Return what a selection names, in the order in which it will be sent. Unavailable when the index is."""
        return cargo_of(self._retrieve, selection)

    def send(
        self,
        cargo: Sequence[Cargo],
        node: Node,
        originator: Originator | None = None,
        wishes: Sequence[UID] = (),
        *,
        heartbeat: Callable[[], None] = nothing_meanwhile,
        deidentify: Wishes | None = None,
    ) -> Generator[Handover, None, None]:
        """Send ``cargo`` to ``node``, see :func:`carry`; without its patient when ``deidentify`` or the node says so.

        Refused when it is to be de-identified and nobody here can.
        """
        if deidentify is not None or node.anonymise:
            cargo = self._deidentified(cargo, deidentify)
        return carry(cargo, self._courier, node, originator, wishes, heartbeat=heartbeat, forms=self._forms)

    def wishes(self, options: frozenset[Option] | None, patient_id: str, patient_name: str) -> Wishes:
        """Return how to de-identify: by ``options``, those of the settings when ``None``. Refused when we cannot."""
        return self._can_deidentify().wishes(options, patient_id, patient_name)

    def _can_deidentify(self) -> Anonymiser:
        if self._anonymiser is None:
            raise Refused("what is sent here must be de-identified first, and this process cannot")
        return self._anonymiser

    def _deidentified(self, cargo: Sequence[Cargo], wishes: Wishes | None) -> list[Cargo]:
        anonymiser = self._can_deidentify()
        return deidentify_all(cargo, anonymiser, wishes)


def carry(
    cargo: Sequence[Cargo],
    courier: Courier,
    node: Node,
    originator: Originator | None = None,
    wishes: Sequence[UID] = (),
    *,
    heartbeat: Callable[[], None] = nothing_meanwhile,
    forms: Forms | None = None,
) -> Generator[Handover, None, None]:
    """Send ``cargo`` to ``node`` over as few deliveries as its kinds allow, yielding what came of each object.

    ``wishes`` are the transfer syntaxes that whoever asks would like best, before the node's own; one that cannot be
    met (nothing here makes it, or the node does not take it) changes nothing.

    Nothing that the neighbour does is raised: an object that it does not take, a node that cannot be reached and
    an association that breaks are failed handovers. A broken association is opened anew after the object that
    broke it, and given up when that happens :data:`BREAKS_IN_A_ROW` times. Close the generator to stop; the
    association is then released. ``heartbeat`` is called for each object and about every second while one takes
    longer; when it raises Cancelled, so does this, and the association is aborted in the midst of the object.
    ``forms`` makes other transfer syntaxes.
    """
    if node.anonymise and not all(item.is_deidentified for item in cargo):
        raise Refused(f"{node.title} is to know no patients, and these objects were to be sent as they are")
    liked = (*wishes, *node.transfer_syntaxes)
    parts = parted((item.parcel.kind for item in cargo), courier.offers_per_delivery, liked)
    for part in parts:
        positions = [position for position, item in enumerate(cargo) if item.parcel.kind in part.kinds]
        aboard = _Part(cargo, positions, part, liked, forms or Forms())
        yield from _carry_part(aboard, courier, node, originator, heartbeat)


def hand_over(
    cargo: Iterable[tuple[int, Cargo]],
    delivery: Delivery,
    originator: Originator | None = None,
    wishes: Sequence[UID] = (),
    *,
    heartbeat: Callable[[], None] = nothing_meanwhile,
    forms: Forms | None = None,
) -> Generator[Handover, None, None]:
    """Send positions and objects over a way that is open, yielding what came of each.

    ``heartbeat`` and ``forms``: see :func:`carry`. Unavailable when the way broke, at the object after the last one
    yielded.
    """
    making = forms or Forms()
    turns = (Turn(position, item, delivery, wishes, making) for position, item in cargo)
    with Queue(turns) as queue:

        def meanwhile() -> None:
            queue.prepare()
            heartbeat()

        while (turn := queue.next()) is not None:
            with turn:
                answer = turn.carry(delivery, originator, meanwhile)
            yield Handover(turn.position, turn.sop_instance, answer)


@dataclass(frozen=True, slots=True)
class _Part:
    """What goes over one delivery: which of the cargo, what is offered for it, and what is wished for."""

    cargo: Sequence[Cargo]
    positions: Sequence[int]
    part: Part
    wishes: Sequence[UID]
    forms: Forms


def _carry_part(
    aboard: _Part, courier: Courier, node: Node, originator: Originator | None, heartbeat: Callable[[], None]
) -> Generator[Handover, None, None]:
    cargo, positions = aboard.cargo, aboard.positions
    done = 0
    breaks = 0
    while done < len(positions):
        try:
            delivery = courier.connect(node, aboard.part.offers)
        except Unavailable as error:
            yield from _give_up(cargo, positions[done:], str(error))
            return
        try:
            with delivery:
                rest = ((position, cargo[position]) for position in islice(positions, done, None))
                handovers = hand_over(
                    rest, delivery, originator, aboard.wishes, heartbeat=heartbeat, forms=aboard.forms
                )
                for handover in handovers:
                    done += 1
                    if handover.answer.result is not Result.FAILED:
                        breaks = 0
                    yield handover
        except Unavailable as error:
            breaks += 1
            lost = 1 if breaks < BREAKS_IN_A_ROW else len(positions) - done
            yield from _give_up(cargo, positions[done : done + lost], str(error))
            done += lost


def _give_up(cargo: Sequence[Cargo], positions: Sequence[int], comment: str) -> Generator[Handover, None, None]:
    for position in positions:
        yield Handover(position, cargo[position].parcel.sop_instance, failed(comment), is_lost=True)
