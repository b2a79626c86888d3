"""In which form a stored object leaves: as it is, in another transfer syntax, or not at all.

What can be made of what is a table of ``dicom.pixels.plans``; every door that hands objects out asks it. Here an
open object becomes what the plan says, mapped and never whole in memory. Forms that cost much are kept for the next
one who asks (``shelf``); what cannot be decoded is told to whoever wants to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata
from types import TracebackType
from typing import Final, Self

from calotype import __version__
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.plans import AS_IS, AsIs, Plan, Reencode, Transcode, can_become, plan, plans, reachable
from calotype.dicom.pixels.transcode import Converted, Decode, Each, convert, decode, one_by_one
from calotype.dicom.reencode import UNCOMPRESSED
from calotype.dicom.uids import transfer_syntax
from calotype.errors import DamagedPixels
from calotype.services.archive.converter import Order
from calotype.services.archive.errands import MAX_RESULT_BYTES, Errand, NotHere
from calotype.services.archive.fleet import Fleet
from calotype.services.archive.inspection import mapped
from calotype.services.archive.naming import name_of_result
from calotype.services.archive.ports import ObjectReader, StoredInstance
from calotype.services.archive.shelf import Form, Shelf

__all__ = [
    "AS_IS",
    "AsIs",
    "Converted",
    "Each",
    "Form",
    "Forms",
    "Original",
    "Plan",
    "Reencode",
    "Transcode",
    "can_become",
    "converted",
    "is_costly",
    "makers",
    "one_by_one",
    "plan",
    "plans",
    "reachable",
]

_COSTLY: Final = ("JPEG2000", "JPEGXL")
"""Syntaxes, by how their keywords start, that take 30 ms and more for a CT in or out; see ADR 0013."""
_CODECS: Final = ("imagecodecs", "pylibjpeg-rle")
"""Who codes: another version may write other bytes."""
_VERSION: Final = b"1"
"""Change it when the same object in the same syntax becomes other bytes, so that what was kept is not sent again."""


@dataclass(frozen=True, slots=True)
class Original:
    """What is known of an object whose data set is to have another form.

    ``place`` is where that stands in the open object, ``digest`` names its bytes; empty, nothing is kept of it.
    """

    sop_instance: UID
    transfer_syntax: UID
    place: slice
    digest: bytes = b""

    @classmethod
    def of(cls, stored: StoredInstance) -> Self:
        """Return what is known of a stored object."""
        location = stored.location
        return cls(stored.ref.instance, location.transfer_syntax, location.place, location.digest)


def unnoted(_original: Original, _error: DamagedPixels) -> None:
    """Tell nobody."""


class Forms:
    """Makes other forms of open objects. Thread-safe.

    ``each`` does the work on frames and ``decode`` decodes one; whole objects go to a ``fleet`` where there is one
    that takes them. ``shelf`` keeps what cost much; ``note_damage`` is told of what cannot be decoded. Bare, it works
    where it is called, keeps nothing and tells nobody.
    """

    def __init__(
        self,
        each: Each = one_by_one,
        *,
        decode: Decode = decode,
        fleet: Fleet | None = None,
        shelf: Shelf | None = None,
        note_damage: Callable[[Original, DamagedPixels], None] = unnoted,
    ) -> None:
        self.each = each
        self.decode = decode
        self._fleet = fleet
        self._shelf = shelf
        self._note_damage = note_damage

    def converted(
        self, reader: ObjectReader, original: Original, to: UID, *, ahead: bool = False
    ) -> AbstractContextManager[Form]:
        """Lend an open object's data set in ``to``.

        Unsupported and InvalidRequest (DamagedPixels), raised at once, when that cannot be made of it; with
        ``ahead`` the first frame is not waited for, see ``dicom.pixels.transcode``. A file is mapped and never whole
        in memory; an object without a descriptor is read whole.
        """
        return _Lent(partial(self._form, reader, original, to, ahead=ahead), partial(self._note_damage, original))

    def _form(
        self, reader: ObjectReader, original: Original, to: UID, *, ahead: bool
    ) -> AbstractContextManager[Form]:
        make = partial(self._made, reader, original, to, ahead=ahead)
        size_bytes = original.place.stop - original.place.start
        shelf = self._shelf
        if (
            shelf is None
            or not original.digest
            or size_bytes > shelf.largest_bytes
            or not is_costly(original.transfer_syntax, to)
        ):
            return make()
        return shelf.form(_key(original, to), make)

    def _made(
        self, reader: ObjectReader, original: Original, to: UID, *, ahead: bool
    ) -> AbstractContextManager[Form]:
        """Lend a form that a child makes, if there is one for it, or that is made here."""
        here = partial(self._made_here, reader, original, to, ahead=ahead)
        fleet = self._fleet
        if fleet is None or {original.transfer_syntax, to}.issubset(UNCOMPRESSED):
            # Between uncompressed syntaxes there is next to nothing to do.
            return here()
        errand = _errand(fleet, reader, original, to)
        return _elsewhere(fleet, here) if errand is None else _Afar(errand, here, is_waited_for=not ahead)

    @contextmanager
    def _made_here(self, reader: ObjectReader, original: Original, to: UID, *, ahead: bool) -> Iterator[Form]:
        place, stored = original.place, original.transfer_syntax
        with converted(reader, place, stored, to, each=self.each, ahead=ahead, decode=self.decode) as new:
            yield Form.of(new)


def _errand(fleet: Fleet, reader: ObjectReader, original: Original, to: UID) -> Errand | None:
    """Give an object to a child; ``None`` when there is none for it, or nothing that could be handed to one."""
    place, descriptor = original.place, reader.fileno()
    if descriptor is None:
        return None
    return fleet.begin(Order(place.start, place.stop, original.transfer_syntax, to, MAX_RESULT_BYTES), descriptor)


@contextmanager
def _elsewhere(fleet: Fleet, here: Callable[[], AbstractContextManager[Form]]) -> Iterator[Form]:
    with fleet.elsewhere(), here() as form:
        yield form


class _Lent:
    """A form that is lent, whose errors somebody wants to know. Without generators: it is on everybody's way."""

    def __init__(
        self, make: Callable[[], AbstractContextManager[Form]], note: Callable[[DamagedPixels], None]
    ) -> None:
        self._make = make
        self._note = note

    def __enter__(self) -> Form:
        try:
            self._making = self._make()
            form = self._form = self._making.__enter__()
        except DamagedPixels as error:
            self._note(error)
            raise
        return Form(form.size_bytes, self._chunks, self._begin, form.is_work)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._making.__exit__(kind, error, trace)

    def _begin(self) -> int | None:
        try:
            return self._form.begin()
        except DamagedPixels as error:
            self._note(error)
            raise

    def _chunks(self) -> Iterator[bytes]:
        try:
            yield from self._form.chunks()
        except DamagedPixels as error:
            self._note(error)
            raise


class _Afar:
    """A form that a child makes; one that turns out not to be for children is made here."""

    def __init__(
        self, errand: Errand, here: Callable[[], AbstractContextManager[Form]], *, is_waited_for: bool
    ) -> None:
        self._errand = errand
        self._here = here
        self._is_waited_for = is_waited_for
        self._form: Form | None = None
        self._making: AbstractContextManager[Form] | None = None

    def begin(self) -> int | None:
        """Wait until it is made, or begun here; return its length where that is known."""
        if self._form is None:
            try:
                return self._errand.wait()
            except NotHere:
                self._making = self._here()
                self._form = self._making.__enter__()
        self._form.begin()
        return self._form.size_bytes

    def chunks(self) -> Iterator[bytes]:
        """Return it in pieces; it is not waited for until the first is asked for."""
        self.begin()
        yield from self._errand.chunks() if self._form is None else self._form.chunks()

    def __enter__(self) -> Form:
        try:
            size_bytes = self.begin() if self._is_waited_for else None
        except BaseException:
            self._errand.close()
            raise
        return Form(size_bytes, self.chunks, self.begin, is_work=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        try:
            if self._making is not None:
                self._making.__exit__(kind, error, trace)
        finally:
            self._errand.close()


@contextmanager
def converted(
    reader: ObjectReader,
    place: slice,
    stored: UID,
    to: UID,
    *,
    each: Each = one_by_one,
    ahead: bool = False,
    decode: Decode = decode,
) -> Iterator[Converted]:
    """Lend the data set that stands at ``place`` of an open object, in ``to`` instead of ``stored``.

    Raises as :meth:`Forms.converted` does. The reader may be closed meanwhile.
    """
    with mapped(reader, place) as data, convert(data, stored, to, each=each, ahead=ahead, decode=decode) as new:
        yield new


def is_costly(stored: UID, to: UID) -> bool:
    """Tell whether bringing pixels from one syntax to another costs so much that what was made is worth keeping."""
    return any(transfer_syntax(each).keyword.startswith(_COSTLY) for each in (stored, to))


def _key(original: Original, to: UID) -> str:
    """Return a name for exactly this form: of what bytes, in what, made by which versions of us and of the codecs."""
    return name_of_result(original.digest, _VERSION, makers(), original.transfer_syntax.encode(), to.encode())


@cache
def makers() -> bytes:
    """Return who codes, in which version: part of the name of what is made."""
    return " ".join((__version__, *(f"{name}-{_version(name)}" for name in _CODECS))).encode()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"
