"""Forms of objects that cost much to make: made once, kept as long as there is room, never whole in memory.

While a form is made it goes to its keeper's file, and everybody who asks for it meanwhile reads from there: whoever
comes to the end of what is there makes the next piece. So nobody waits for another's slow network, and when nobody
wants it any more nothing is left of it. What can be made of what is not known here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

from calotype.closing import Closing
from calotype.dicom.pixels.transcode import Converted, Transcoded
from calotype.dicom.sources import CHUNK_BYTES, cut


class Made(Protocol):
    """What is being made; see :class:`Form`."""

    @property
    def size_bytes(self) -> int | None:
        """Its length, where that is known."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Return it in pieces."""
        ...

    def begin(self) -> int | None:
        """Wait for the first frame; return the length, where that is known by then."""
        ...


Make: TypeAlias = Callable[[], AbstractContextManager[Made]]
"""Makes a form anew, the same one each time."""


class KeptForm(Closing, Protocol):
    """A form that is whole and open. Thread-safe; close it (it is a context manager)."""

    size_bytes: int

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``; fewer when they cannot be read."""
        ...


class GrowingForm(Protocol):
    """A form that is being written by one thread at a time. Closed before it is kept it leaves nothing behind."""

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` of what was written, from ``offset``; fewer when they cannot be read."""
        ...

    def write(self, data: bytes) -> bool:
        """Append ``data``; tell whether that could be done. If not, nothing more can be."""
        ...

    def keep(self) -> None:
        """Say that it is whole."""
        ...

    def close(self) -> None:
        """Let go of it. Idempotent."""
        ...


class FormCache(Protocol):
    """Keeps forms under keys that say all of them. Thread-safe; never fails, it forgets."""

    @property
    def largest_bytes(self) -> int:
        """How large a form may be that is kept."""
        ...

    def open(self, key: str) -> KeptForm | None:
        """Open what was kept, ``None`` when nothing is."""
        ...

    def begin(self, key: str) -> GrowingForm | None:
        """Start to keep a form, ``None`` when there is no way to."""
        ...


@dataclass(frozen=True, slots=True)
class Form:
    """A data set in its new form, valid as long as it is lent.

    ``size_bytes`` is ``None`` where only the end will tell. ``chunks`` returns it in pieces of at most 1 MiB, none of
    them empty, each call from its start; ``begin`` waits for the first frame, and returns the length where that is
    known by then. What goes wrong with a frame is raised by both. ``is_work``: whether frames are converted, so that
    there is time to prepare the next object.
    """

    size_bytes: int | None
    chunks: Callable[[], Iterator[bytes]]
    begin: Callable[[], int | None]
    is_work: bool = False

    @classmethod
    def of(cls, new: Converted) -> Self:
        """Return what was made for one reader alone."""

        def begin() -> int | None:
            if isinstance(new, Transcoded):
                new.begin()
            return new.size_bytes

        return cls(new.size_bytes, new.chunks, begin, is_work=isinstance(new, Transcoded))


class Shelf:
    """Lends forms. Thread-safe."""

    def __init__(self, cache: FormCache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._growing: dict[str, _Growing] = {}

    @property
    def largest_bytes(self) -> int:
        """How large a form may be that is worth being asked for here."""
        return self._cache.largest_bytes

    @contextmanager
    def form(self, key: str, make: Make) -> Iterator[Form]:
        """Lend the form that ``key`` names: kept, or made by ``make``, whose errors are raised."""
        growing = self._begun(key)
        try:
            yield growing.start(make)
        finally:
            self._left(key, growing)

    def _begun(self, key: str) -> _Growing:
        with self._lock:
            growing = self._growing.get(key)
            if growing is None:
                growing = self._growing[key] = _Growing(self._cache, key)
            growing.readers += 1
            return growing

    def _left(self, key: str, growing: _Growing) -> None:
        with self._lock:
            growing.readers -= 1
            if growing.readers:
                return
            del self._growing[key]
        growing.close()


class _Broken(Exception):
    """What is being made cannot be kept: everybody makes it for himself."""


class _Growing:
    """One form, kept or being made, for as many as ask for it. ``readers`` is guarded by the shelf's lock."""

    def __init__(self, cache: FormCache, key: str) -> None:
        self.readers = 0
        self._cache = cache
        self._key = key
        self._kept: KeptForm | None = None
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._new: Made | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._file: GrowingForm | None = None
        self._size_bytes = 0
        self._error: BaseException | None = None
        self._is_whole = False

    def start(self, make: Make) -> Form:
        """Open what is kept or begin to make it, unless somebody has; return it as ``make`` can stand in for it."""
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._kept is None and self._new is None:
                self._start(make)
            if (kept := self._kept) is not None:
                return Form(kept.size_bytes, lambda: _of_kept(kept, make), lambda: kept.size_bytes)
            size_bytes = self._size_bytes if self._is_whole or self._new is None else self._new.size_bytes
            return Form(size_bytes, lambda: self.chunks(make), self.begin, is_work=True)

    def _start(self, make: Make) -> None:
        kept = self._cache.open(self._key)
        if kept is not None:
            self._kept = self._open.enter_context(kept)
            return
        try:
            self._new = self._open.enter_context(make())
        except BaseException as error:
            self._error = error
            raise
        self._file = self._cache.begin(self._key)
        self._pieces = self._new.chunks()

    def begin(self) -> int | None:
        """Wait for the first frame; what goes wrong with it is raised. Return the length, where it is known."""
        with self._lock:
            if self._is_whole or self._new is None:
                return self._size_bytes
            return self._new.size_bytes if self._size_bytes else self._new.begin()

    def chunks(self, make: Make) -> Iterator[bytes]:
        """Return all of it, as it comes; made by ``make`` for this reader alone when it cannot be kept."""
        offset = 0
        try:
            while piece := self._piece(offset):
                offset += len(piece)
                yield piece
        except _Broken:
            with make() as own:
                yield from _after(offset, own.chunks())

    def _piece(self, offset: int) -> bytes:
        """Return some of it from ``offset`` on, at its end nothing."""
        if offset >= self._size_bytes:
            with self._lock:
                # Somebody may have made more while this one waited for the lock.
                if offset >= self._size_bytes:
                    return self._next()
        size_bytes = min(CHUNK_BYTES, self._size_bytes - offset)
        piece = self._file.read_at(offset, size_bytes) if self._file is not None else b""
        if len(piece) != size_bytes:
            raise _Broken
        return piece

    def _next(self) -> bytes:
        if self._error is not None:
            raise self._error
        if self._is_whole:
            return b""
        if self._file is None:
            raise _Broken
        try:
            piece = next(self._pieces, b"")
        except BaseException as error:
            self._error = error
            raise
        if not piece:
            self._is_whole = True
            self._file.keep()
        elif self._file.write(piece):
            self._size_bytes += len(piece)
        else:
            self._error = _Broken()
            raise self._error
        return piece

    def close(self) -> None:
        """Let go of everything; what is not whole is not kept."""
        _close(self._pieces)
        if self._file is not None:
            self._file.close()
        self._open.close()


def _of_kept(kept: KeptForm, make: Make) -> Iterator[bytes]:
    for place in cut(range(kept.size_bytes)):
        piece = kept.read_at(place.start, len(place))
        if len(piece) != len(place):
            with make() as own:
                yield from _after(place.start, own.chunks())
            return
        yield piece


def _after(offset: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Return what comes after the first ``offset`` bytes."""
    with closing(_closable(pieces)) as left:
        for piece in left:
            if offset < len(piece):
                yield piece[offset:]
            offset = max(0, offset - len(piece))


def _closable(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    yield from pieces


def _close(pieces: Iterator[bytes]) -> None:
    close = getattr(pieces, "close", None)
    if close is not None:
        close()
