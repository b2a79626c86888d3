"""The archive as somebody sees it who must not know whose images it holds: every object opens without its patient.

What opens objects through :class:`Retrieve` (departures, pictures) is given this one instead, and need know no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Self

from calotype.dicom.deidentify.options import Wishes
from calotype.dicom.hierarchy import InstanceRef, Selection
from calotype.errors import CalotypeError, Unavailable
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.forms import Each, one_by_one
from calotype.services.archive.inspection import inspect
from calotype.services.archive.ports import ObjectReader, StoredInstance
from calotype.services.archive.retrieve import Retrieve


class AnonymousRetrieve(Retrieve):
    """Locates objects as they are, opens them de-identified. Thread-safe.

    Whoever asks uses the true UIDs; what is handed out has the others. Opening raises Refused besides, see
    :class:`Anonymiser`.
    """

    def __init__(
        self, retrieve: Retrieve, anonymiser: Anonymiser, wishes: Wishes | None = None, *, each: Each = one_by_one
    ) -> None:
        self._retrieve = retrieve
        self._anonymiser = anonymiser
        self._wishes = wishes
        self._each = each

    def locate(self, selection: Selection) -> Iterator[StoredInstance]:
        """Return what ``selection`` names, as it is stored."""
        return self._retrieve.locate(selection)

    def open(self, stored: StoredInstance) -> ObjectReader:
        """Open exactly the object ``stored`` names, de-identified. NotFound when it is gone."""
        return self._lent(stored, self._retrieve.open(stored))[1]

    def open_current(self, stored: StoredInstance) -> tuple[StoredInstance, ObjectReader]:
        """Open an object, or what took its place since it was located, de-identified; say as what."""
        return self._lent(*self._retrieve.open_current(stored))

    def withheld(self, located: Iterable[StoredInstance], /) -> Mapping[InstanceRef, CalotypeError]:
        """Return which of these objects cannot leave without their patient, and why; each is looked through for it.

        Whoever sends several asks before the first byte: what is refused later can only break the answer off.
        Unavailable when the key is.
        """
        found: dict[InstanceRef, CalotypeError] = {}
        for stored in located:
            try:
                current, reader = self._retrieve.open_current(stored)
                with reader:
                    self._anonymiser.check(current, reader, self._wishes)
            except Unavailable:
                raise
            except CalotypeError as error:
                found[stored.ref] = error
        return found

    def headers(self, selection: Selection) -> Iterator[tuple[InstanceRef, bytes]]:
        """Return the DICOM JSON header of each selected instance, de-identified; each object is opened for it."""
        for stored in self.locate(selection):
            current, reader = self.open_current(stored)
            with reader:
                header = inspect(reader).header_json
            yield current.ref, header

    def _lent(self, stored: StoredInstance, reader: ObjectReader) -> tuple[StoredInstance, ObjectReader]:
        return lent(self._anonymiser, stored, reader, self._wishes, each=self._each)


def lent(
    anonymiser: Anonymiser,
    stored: StoredInstance,
    reader: ObjectReader,
    wishes: Wishes | None = None,
    *,
    each: Each = one_by_one,
) -> tuple[StoredInstance, ObjectReader]:
    """Return an open object without its patient, and close ``reader`` with it, or at once when that cannot be."""
    with ExitStack() as stack:
        stack.enter_context(reader)
        changed, changed_reader = stack.enter_context(anonymiser.opened(stored, reader, wishes, each=each))
        return changed, _Lent(changed_reader, stack.pop_all())


class _Lent:
    """A reader that takes what it was made of along when it is closed."""

    def __init__(self, reader: ObjectReader, behind: AbstractContextManager[object]) -> None:
        self._reader = reader
        self._behind = behind
        self.size_bytes = reader.size_bytes

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset`` on."""
        return self._reader.read_at(offset, size_bytes)

    def fileno(self) -> int | None:
        """Return the descriptor of a file with these very bytes, ``None`` when there is none."""
        return self._reader.fileno()

    def close(self) -> None:
        """Close it. Idempotent."""
        self.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._behind.__exit__(kind, error, trace)
