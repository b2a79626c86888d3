"""Hand objects to a neighbour, one after the other, in a form that it takes.

What is sent is located first (counters need the total, offers the kinds); what comes of it is an iterator: each
step is one object handed over or failed, and whoever stops iterating stops the sending. While the neighbour thinks
about one object the next is made ready. Nothing here knows how objects travel (port ``Courier``), where they come
from (``Cargo.open``), which form can be made of which (``archive.forms``) or who asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Final, Self

from calotype.dicom.deidentify.options import Option, Wishes
from calotype.dicom.hierarchy import UID, Selection
from calotype.errors import CalotypeError, Refused, Unavailable
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.forms import (
    AsIs,
    Form,
    Forms,
    Original,
    Plan,
    Transcode,
    plans,
)
from calotype.services.archive.ports import ObjectReader, StoredInstance
from calotype.services.archive.retrieve import Retrieve
from calotype.services.routing.disguise import disguised
from calotype.services.routing.nodes import Node
from calotype.services.routing.offers import Part, parted
from calotype.services.routing.ports import (
    Answer,
    Courier,
    Delivery,
    Kind,
    Originator,
    Parcel,
    Result,
    nothing_meanwhile,
)

BREAKS_IN_A_ROW = 3
"""After so many broken associations without one object taken in between, the rest is given up."""

_AHEAD_BYTES: Final = 1000 * 1000
"""Objects up to this size are read while the neighbour still thinks about the one before."""

_MADE_AHEAD: Final = 4
_MADE_AHEAD_BYTES: Final = 16 * 1000 * 1000
"""So many objects up to this size are made into another form at one time, for one neighbour."""


@dataclass(frozen=True, slots=True)
class Cargo:
    """One object to be carried, and how to open it when its turn comes.

    ``open`` returns what is to be sent then: an object may have been overwritten since it was located.
    """

    parcel: Parcel
    open: Callable[[], tuple[Parcel, ObjectReader]]
    is_disguised: bool = False
    """Whether it opens without its patient."""


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
        disguise: Wishes | None = None,
    ) -> Generator[Handover, None, None]:
        """Send ``cargo`` to ``node``, see :func:`carry`; without its patient when ``disguise`` or the node says so.

        Refused when it is to be de-identified and nobody here can.
        """
        if disguise is not None or node.anonymise:
            cargo = self._disguised(cargo, disguise)
        return carry(cargo, self._courier, node, originator, wishes, heartbeat=heartbeat, forms=self._forms)

    def wishes(self, options: frozenset[Option] | None, patient_id: str, patient_name: str) -> Wishes:
        """Return how to de-identify: by ``options``, those of the settings when ``None``. Refused when we cannot."""
        return self._can_disguise().wishes(options, patient_id, patient_name)

    def _can_disguise(self) -> Anonymiser:
        if self._anonymiser is None:
            raise Refused("what is sent here must be de-identified first, and this process cannot")
        return self._anonymiser

    def _disguised(self, cargo: Sequence[Cargo], wishes: Wishes | None) -> list[Cargo]:
        anonymiser = self._can_disguise()
        return disguise_all(cargo, anonymiser, wishes)


def disguise_all(cargo: Sequence[Cargo], anonymiser: Anonymiser, wishes: Wishes | None = None) -> list[Cargo]:
    """Return cargo that opens without its patient."""
    opens = ((item, disguised(item.open, anonymiser, wishes)) for item in cargo)
    return [replace(item, open=without, is_disguised=True) for item, without in opens]


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
    if node.anonymise and not all(item.is_disguised for item in cargo):
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
    turns = (_Turn(position, item, delivery, wishes, making) for position, item in cargo)
    with _Queue(turns) as queue:

        def meanwhile() -> None:
            queue.prepare()
            heartbeat()

        while (turn := queue.next()) is not None:
            with turn:
                answer = turn.carry(delivery, originator, meanwhile)
            yield Handover(turn.position, turn.sop_instance, answer)


class _Turn:
    """One object whose turn is near: opened; read if it is not big, or already being made into another form."""

    def __init__(self, position: int, item: Cargo, delivery: Delivery, wishes: Sequence[UID], forms: Forms) -> None:
        self.position = position
        self.sop_instance = item.parcel.sop_instance
        self._parcel = item.parcel
        self._forms = forms
        self._plans: list[Plan] = []
        self._reader: ObjectReader | None = None
        self._new: Form | None = None
        self._open = ExitStack()
        self._failure: Answer | None = None
        try:
            self._prepare(item, delivery, wishes)
        except CalotypeError as error:
            self._failure = _failed(str(error))

    @property
    def is_being_made(self) -> bool:
        """Whether others work on it, so that there is time for one more."""
        return self._new is not None and self._new.is_work

    def carry(self, delivery: Delivery, originator: Originator | None, meanwhile: Callable[[], None]) -> Answer:
        """Send the object; Unavailable when the way broke."""
        if self._failure is not None or self._reader is None:
            return self._failure or _not_accepted(self._parcel.kind)
        parcel = self._parcel
        while self._plans:
            to = self._plans.pop(0)
            if isinstance(to, AsIs):
                return delivery.store(parcel, self._reader, originator, meanwhile)
            try:
                new = self._converted(to.to)
                new.begin()
            except CalotypeError as error:
                # Another form may do: as it is, for one, pixels may be as damaged as they are.
                self._failure = self._failure or _failed(
                    f"it cannot be sent in another transfer syntax than its own: {error}"
                )
                self._let_go()
                continue
            kind = Kind(parcel.kind.sop_class, to.to)
            return delivery.store_chunks(kind, parcel.sop_instance, new.chunks(), originator, meanwhile)
        return self._failure or _not_accepted(parcel.kind)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._let_go()
        if self._reader is not None:
            self._reader.close()

    def _prepare(self, item: Cargo, delivery: Delivery, wishes: Sequence[UID]) -> None:
        # What the neighbour will not take need not be opened.
        self._plans = _planned(item.parcel.kind, delivery, wishes)
        if not self._plans:
            return
        self._parcel, self._reader = item.open()
        if self._parcel is not item.parcel:
            self._plans = _planned(self._parcel.kind, delivery, wishes)
        if not self._plans:
            return
        if isinstance(self._plans[0], AsIs) and self._parcel.data_bytes <= _AHEAD_BYTES:
            self._reader = _ReadAhead(self._reader, self._parcel)
        elif isinstance(self._plans[0], Transcode) and self._parcel.data_bytes <= _MADE_AHEAD_BYTES:
            try:
                self._converted(self._plans[0].to)
            except CalotypeError:
                # Whoever carries it meets this again, and looks for another way.
                self._let_go()

    def _converted(self, to: UID) -> Form:
        if self._new is None:
            assert self._reader is not None  # noqa: S101 - only an open object is converted
            parcel = self._parcel
            place = slice(parcel.data_offset, parcel.data_offset + parcel.data_bytes)
            original = Original(parcel.sop_instance, parcel.kind.transfer_syntax, place, parcel.digest)
            making = self._forms.converted(self._reader, original, to, ahead=True)
            self._new = self._open.enter_context(making)
        return self._new

    def _let_go(self) -> None:
        self._new = None
        self._open.close()


class _Queue:
    """The object at hand and, once prepared, those after it. Closes what it still has."""

    def __init__(self, turns: Iterator[_Turn]) -> None:
        self._turns = turns
        self._ready: deque[_Turn | None] = deque()

    def prepare(self) -> None:
        """Make the next object ready, unless it is; while others work on that, the ones after it, too."""
        while not self._ready or (
            len(self._ready) < _MADE_AHEAD and self._ready[-1] is not None and self._ready[-1].is_being_made
        ):
            self._ready.append(next(self._turns, None))

    def next(self) -> _Turn | None:
        """Return the next object; ``None`` when there is none."""
        self.prepare()
        return self._ready.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        for turn in self._ready:
            if turn is not None:
                with turn:
                    pass


class _ReadAhead:
    """An object whose data set has been read; see ``ports.ObjectReader``."""

    def __init__(self, reader: ObjectReader, parcel: Parcel) -> None:
        self.size_bytes = reader.size_bytes
        self._reader = reader
        self._offset = parcel.data_offset
        try:
            self._data = reader.read_at(parcel.data_offset, parcel.data_bytes)
        except BaseException:
            reader.close()
            raise

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``."""
        start = offset - self._offset
        if start == 0 and size_bytes == len(self._data):
            return self._data
        if start >= 0:
            return self._data[start : start + size_bytes]
        return self._reader.read_at(offset, size_bytes)

    def fileno(self) -> int | None:
        """Return the descriptor."""
        return self._reader.fileno()

    def close(self) -> None:
        """Free the descriptor."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


def _planned(kind: Kind, delivery: Delivery, wishes: Sequence[UID]) -> list[Plan]:
    return list(plans(kind.transfer_syntax, delivery.syntaxes(kind.sop_class), wishes))


def _not_accepted(kind: Kind) -> Answer:
    return _failed(f"the node does not accept SOP class {kind.sop_class} in transfer syntax {kind.transfer_syntax}")


def _failed(comment: str) -> Answer:
    return Answer(Result.FAILED, comment=comment)


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
        yield Handover(position, cargo[position].parcel.sop_instance, _failed(comment), is_lost=True)
