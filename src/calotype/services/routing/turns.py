"""Objects whose turn to be sent is near: opened, read or made into another form while the neighbour still thinks.

Which object goes over which way is settled in ``send``; here each finds the form in which it is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

from calotype.closing import Closing
from calotype.dicom.hierarchy import UID
from calotype.errors import CalotypeError
from calotype.services.archive.ahead import MADE_AHEAD_BYTES
from calotype.services.archive.forms import AsIs, Form, Forms, Original, Plan, Transcode, plans
from calotype.services.archive.ports import ObjectReader
from calotype.services.routing.cargo import Cargo
from calotype.services.routing.ports import Answer, Delivery, Kind, Originator, Parcel, Result

_AHEAD_BYTES: Final = 1000 * 1000
"""Objects up to this size are read while the neighbour still thinks about the one before."""


class Turn(Closing):
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
            self._failure = failed(str(error))

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
                self._failure = self._failure or failed(
                    f"it cannot be sent in another transfer syntax than its own: {error}"
                )
                self._let_go()
                continue
            kind = Kind(parcel.kind.sop_class, to.to)
            return delivery.store_chunks(kind, parcel.sop_instance, new.chunks(), originator, meanwhile)
        return self._failure or _not_accepted(parcel.kind)

    def close(self) -> None:
        """Free what was opened and made. Idempotent."""
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
        elif isinstance(self._plans[0], Transcode) and self._parcel.data_bytes <= MADE_AHEAD_BYTES:
            try:
                self._converted(self._plans[0].to)
            except CalotypeError:
                # Whoever carries it meets this again, and looks for another way.
                self._let_go()

    def _converted(self, to: UID) -> Form:
        if self._new is None:
            assert self._reader is not None  # noqa: S101 - only an open object is converted
            parcel = self._parcel
            original = Original(parcel.sop_instance, parcel.kind.transfer_syntax, parcel.place, parcel.digest)
            making = self._forms.converted(self._reader, original, to, ahead=True)
            self._new = self._open.enter_context(making)
        return self._new

    def _let_go(self) -> None:
        self._new = None
        self._open.close()


class _ReadAhead(Closing):
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


def _planned(kind: Kind, delivery: Delivery, wishes: Sequence[UID]) -> list[Plan]:
    return list(plans(kind.transfer_syntax, delivery.syntaxes(kind.sop_class), wishes))


def _not_accepted(kind: Kind) -> Answer:
    return failed(f"the node does not accept SOP class {kind.sop_class} in transfer syntax {kind.transfer_syntax}")


def failed(comment: str) -> Answer:
    """Return that an object was not taken, and why."""
    return Answer(Result.FAILED, comment=comment)
