"""Objects on their way out in a transfer syntax that the client takes: planned by their headers, then made.

Every plan is settled before the first byte is sent, as the status says whether all objects come. What an object is
made into is chosen in ``archive.forms``; nothing here knows about multipart.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from calotype.closing import Closing
from calotype.dicom.hierarchy import UID, InstanceRef, Selection
from calotype.dicom.part10 import write_file_meta
from calotype.dicom.pixels.description import DESCRIBING, PIXEL_DATA, PixelDescription, described
from calotype.dicom.pixels.options import EncodeOptions
from calotype.dicom.pixels.transcode import transcode
from calotype.dicom.uids import TRANSFER_SYNTAXES, transfer_syntax
from calotype.errors import CalotypeError, NotFound, Unsupported
from calotype.services.archive.ahead import MADE_AHEAD_BYTES, Queue
from calotype.services.archive.forms import AsIs, Forms, Original, Plan, Transcode, plan
from calotype.services.archive.inspection import mapped
from calotype.services.archive.ports import ObjectReader, StoredInstance
from calotype.services.archive.retrieve import Retrieve
from calotype.web.accept import Syntaxes
from calotype.web.lines import Piece, Stretch
from calotype.web.multipart import plain
from calotype.web.warnings import warning

_COMPRESSED: Final = frozenset(uid for uid, each in TRANSFER_SYNTAXES.items() if each.encapsulated)


@dataclass(frozen=True, slots=True)
class Departure:
    """One object, and the form in which it leaves."""

    stored: StoredInstance
    plan: Plan

    @property
    def transfer_syntax(self) -> UID:
        """The transfer syntax in which it leaves."""
        return self.stored.location.transfer_syntax if isinstance(self.plan, AsIs) else self.plan.to


@dataclass(frozen=True, slots=True)
class Leaving:
    """A whole Part 10 file that is open; ``size_bytes`` is ``None`` where only the end will tell.

    ``stored`` is what it is made of, and ``reader`` reads that. ``begin`` waits for the first frame if nobody has,
    and returns the length as far as it is known then. ``is_work``: whether others make it meanwhile.
    """

    transfer_syntax: UID
    size_bytes: int | None
    blocks: Iterator[Piece]
    stored: StoredInstance
    reader: ObjectReader
    begin: Callable[[], int | None]
    is_work: bool = False


def departures(
    retrieve: Retrieve, selection: Selection, located: Sequence[StoredInstance], syntaxes: Syntaxes
) -> list[Departure]:
    """Return the objects of ``located`` that can leave in a syntax that the client takes, and how.

    ``retrieve`` is the archive's own: plans go by headers as they are kept, under the UIDs that were asked for.
    """
    planned: dict[InstanceRef, Plan | None] = {}
    for each in located:
        syntax = each.location.transfer_syntax
        planned[each.ref] = plan(syntax, syntaxes, syntaxes.before(syntax))
    doubtful = {stored.ref: stored for stored in located if isinstance(planned[stored.ref], Transcode)}
    if doubtful:
        for ref, header in retrieve.headers(selection):
            if (stored := doubtful.get(ref)) is not None:
                planned[ref] = _by_pixels(stored, header, syntaxes)
    ways = ((stored, planned[stored.ref]) for stored in located)
    return [Departure(stored, way) for stored, way in ways if way is not None]


@contextmanager
def leaving(retrieve: Retrieve, departure: Departure, forms: Forms, *, ahead: bool = False) -> Iterator[Leaving]:
    """Open an object in its new form; Unsupported and InvalidRequest, before its first byte, when that cannot be.

    With ``ahead`` its first frame is not waited for, see :attr:`Leaving.begin`.
    """
    current, reader = retrieve.open_current(departure.stored)
    with reader:
        # One that has been overwritten since it was located may be there in another syntax.
        to, location = departure.transfer_syntax, current.location
        if isinstance(departure.plan, AsIs) or location.transfer_syntax == to:
            whole = Stretch(reader, 0, reader.size_bytes)
            syntax, whole_bytes = location.transfer_syntax, reader.size_bytes
            yield Leaving(syntax, whole_bytes, iter((whole,)), current, reader, begin=lambda: whole_bytes)
            return
        with forms.converted(reader, Original.of(current), to, ahead=ahead) as new:
            meta = write_file_meta(current.sop_class, current.ref.instance, to)

            def begin() -> int | None:
                return _together(meta, new.begin())

            size_bytes = _together(meta, new.size_bytes)
            blocks = _after(meta, new.chunks())
            yield Leaving(to, size_bytes, blocks, current, reader, begin=begin, is_work=new.is_work)


def leaving_in_turn(retrieve: Retrieve, objects: Iterable[Departure], forms: Forms) -> Generator[Leaving, None, None]:
    """Open one object after the other; each is closed when the next is asked for. Raises as :func:`leaving` does.

    While one is sent, those after it are converted, a few at one time.
    """
    with Queue(_Turn(retrieve, departure, forms) for departure in objects) as queue:
        while (turn := queue.next()) is not None:
            with turn:
                yield turn.leaving()


class _Turn(Closing):
    """One object whose turn is near: open, and being converted; or why it cannot be."""

    def __init__(self, retrieve: Retrieve, departure: Departure, forms: Forms) -> None:
        self._open = ExitStack()
        self._file: Leaving | None = None
        self._error: CalotypeError | None = None
        try:
            ahead = departure.stored.location.data_bytes <= MADE_AHEAD_BYTES
            self._file = self._open.enter_context(leaving(retrieve, departure, forms, ahead=ahead))
            self.is_being_made = ahead and self._file.is_work
        except CalotypeError as error:
            self._error = error
            self.is_being_made = False

    def leaving(self) -> Leaving:
        """Return it, begun; what speaks against it is raised now that it is its turn."""
        if self._file is None:
            assert self._error is not None  # noqa: S101 - one or the other
            raise self._error
        return replace(self._file, size_bytes=self._file.begin())

    def close(self) -> None:
        """Let go of it."""
        self._open.close()


@contextmanager
def leaving_lossily(
    retrieve: Retrieve, stored: StoredInstance, to: UID, forms: Forms, loss: EncodeOptions
) -> Iterator[Leaving]:
    """Open an object in a syntax that loses, as somebody asked for by its name; it is another object then.

    Raises as :func:`leaving` does.
    """
    current, reader = retrieve.open_current(stored)
    with reader:
        original = Original.of(current)
        with (
            mapped(reader, original.place) as data,
            transcode(data, original.transfer_syntax, to, lossy=loss, each=forms.each, decode=forms.decode) as new,
        ):
            meta = write_file_meta(current.sop_class, new.sop_instance or current.ref.instance, to)
            size_bytes = _together(meta, new.size_bytes)
            yield Leaving(to, size_bytes, _after(meta, new.chunks()), current, reader, begin=lambda: size_bytes)


def _by_pixels(stored: StoredInstance, header: bytes, syntaxes: Syntaxes) -> Plan | None:
    """Return the plan for an object of which the index knows what pixels it has, if any."""
    syntax = stored.location.transfer_syntax
    elements = orjson.loads(header)
    if f"{PIXEL_DATA:08X}" in elements:
        try:
            return plan(syntax, syntaxes, syntaxes.before(syntax), description_in(elements))
        except CalotypeError:
            # What describes its pixels makes no sense, so nobody can convert them.
            return AsIs() if syntax in syntaxes else None
    if transfer_syntax(syntax).encapsulated:
        return plan(syntax, syntaxes, syntaxes.before(syntax))
    # Without pixels there is nothing to compress; the uncompressed forms are open.
    taken = replace(syntaxes, refused=syntaxes.refused | _COMPRESSED)
    return plan(syntax, taken, taken.before(syntax))


def description_in(elements: Mapping[str, Any]) -> PixelDescription:
    """Return what DICOM JSON says of pixels; raises what ``described`` does."""
    values = {}
    for tag in DESCRIBING:
        value = elements.get(f"{tag:08X}", {}).get("Value", [None])[0]
        if isinstance(value, int) and 0 <= value <= 0xFFFF and elements[f"{tag:08X}"]["vr"] == "US":
            values[tag] = value.to_bytes(2, "little")
        elif value is not None:
            values[tag] = str(value).encode("ascii", "replace")
    return described(values)


def _together(meta: bytes, size_bytes: int | None) -> int | None:
    return None if size_bytes is None else len(meta) + size_bytes


def _after(meta: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield meta
    yield from chunks


def all_located(retrieve: Retrieve, selection: Selection, nothing: str) -> list[StoredInstance]:
    """Return what a selection names; NotFound with the words ``nothing`` when it is nothing."""
    located = list(retrieve.locate(selection))
    if not located:
        raise NotFound(nothing)
    return located


@dataclass(frozen=True, slots=True)
class Admitted:
    """The objects of a request that may leave, and the headers that tell of the others; none when all may."""

    objects: Sequence[StoredInstance]
    headers: Mapping[str, str]


def admitted(retrieve: Retrieve, located: Sequence[StoredInstance]) -> Admitted:
    """Settle, before anything is sent, which of several objects leave through ``retrieve``.

    Raises why the first does not when none does. One alone is admitted: opening it tells.
    """
    withheld = retrieve.withheld(located) if len(located) > 1 else {}
    if not withheld:
        return Admitted(located, {})
    reason = next(iter(withheld.values()))
    if len(withheld) == len(located):
        raise reason
    told = f"{len(withheld)} of {len(located)} objects do not leave without their patient: {reason}"
    left = [stored for stored in located if stored.ref not in withheld]
    return Admitted(left, {"Warning": warning(told)})


def none_taken(located: Sequence[StoredInstance]) -> Unsupported:
    """Return the error that no object can leave in a syntax that the client takes."""
    kept = sorted({plain(stored.location.transfer_syntax) for stored in located})
    return Unsupported(
        f"Accept: objects stored in transfer syntax {', '.join(kept)} cannot be sent in what is asked for; "
        "ask for transfer-syntax=* to have them as they are stored"
    )
