"""Sending an answer's body on the client's own socket, past the event loop: files by ``sendfile``, from a thread.

The loop would take two hops and two copies for each block; a series of images is mostly files, which the system can
send without our reading them. ``protocol`` lends a :class:`Line` to each request that may have one; whoever has no
line (TLS, another server, a system without ``sendfile``) sends by ASGI messages, as ever.

A thread works on a line for a short while at a time (:class:`Outflow`). A client that does not keep up costs no
thread: the loop waits until its socket takes something again.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol, TypeAlias

from calotype.dicom.sources import CHUNK_BYTES
from calotype.errors import Unavailable
from calotype.services.archive.inspection import read_through
from calotype.services.archive.ports import ObjectReader

EXTENSION: Final = "calotype.line"
"""Under which name a request's ASGI scope has its line, in ``extensions``."""

CAN_LEND: Final = hasattr(os, "sendfile")

"""How much is read at once of what cannot be sent as a file."""

_TURN_S: Final = 0.25
"""How long a thread works for one client before it lets others have it."""
_PATIENCE_MS: Final = 20
"""How long a thread waits for a client whose socket is full; longer than any client on a fast network needs."""
_SMALL_BYTES: Final = 16 * 1024
"""Pieces below this leave together with the next one."""

_MORE: Final = getattr(socket, "MSG_MORE", 0)
_NO_FILES: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""How file systems say that they cannot send."""
_GONE: Final = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.ETIMEDOUT})


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an open object. Whoever yields one keeps the object open until asked for the next piece."""

    reader: ObjectReader
    start: int
    size_bytes: int

    def blocks(self) -> Iterator[bytes]:
        """Read it. Unavailable when the object ends before."""
        return read_through(self.reader, self.start, self.start + self.size_bytes)


Piece: TypeAlias = bytes | Stretch
Pieces: TypeAlias = Generator[Piece, None, None]
"""A blocking generator; ``close()`` frees what it has open. One thread at a time, not always the same."""


class Line(Protocol):
    """The way to one client's socket, for one answer."""

    def is_clear(self) -> bool:
        """Tell whether everything that the loop had to send has been handed to the system."""
        ...

    def duplicate(self) -> socket.socket:
        """Return a socket of our own for the same connection: its descriptor stays ours if the loop's is closed."""
        ...

    def settle(self, size_bytes: int) -> None:
        """Tell the server how much of an answer of known length has been sent."""
        ...

    def cut(self) -> None:
        """Break the connection off."""
        ...


class Progress(Enum):
    """How far a turn has come."""

    DONE = auto()
    PAUSED = auto()
    """There is more to send, and others may go first."""
    BLOCKED = auto()
    """The client's socket is full."""
    GONE = auto()
    """The client has left."""


class Outflow:
    """Sends pieces on a socket; call :meth:`turn` until it is done. Used by one thread at a time.

    ``chunked`` frames each piece as HTTP/1.1 wants it where the length of a body is not said (RFC 9112 7.1); the last
    chunk is the server's to send.
    """

    def __init__(self, connection: socket.socket, first: Piece, rest: Pieces, *, chunked: bool) -> None:
        self._connection = connection
        self._first: Piece | None = first
        self._rest = rest
        self._chunked = chunked
        self._waiting: deque[bytes | memoryview] = deque()
        self._waiting_bytes = 0
        self._stretch: Stretch | None = None
        self._at = 0
        self._files = True
        self._ended = False
        self._poll = select.poll()
        self._poll.register(connection, select.POLLOUT)
        self.body_bytes = 0
        """How much of the body, frames of chunks left out, has been taken from the pieces."""

    def turn(self) -> Progress:
        """Send for a while. What making a piece raises passes through; Unavailable when an object cannot be read."""
        until = time.monotonic() + _TURN_S
        try:
            while self._send():
                if self._ended:
                    return Progress.DONE
                if time.monotonic() > until:
                    return Progress.PAUSED
                self._gather()
        except OSError as error:
            if error.errno in _GONE:
                return Progress.GONE
            raise Unavailable(f"sending an object: {error.strerror or error}") from error
        return Progress.BLOCKED

    def _gather(self) -> None:
        """Take pieces until there is something worth a call to the system."""
        while not self._ended and self._stretch is None and self._waiting_bytes < _SMALL_BYTES:
            piece, self._first = self._first, None
            if piece is None and (piece := next(self._rest, None)) is None:
                self._ended = True
                return
            size_bytes = len(piece) if isinstance(piece, bytes) else piece.size_bytes
            if not size_bytes:
                continue
            self.body_bytes += size_bytes
            if self._chunked:
                self._wait(b"%x\r\n" % size_bytes)
            if isinstance(piece, bytes):
                self._wait(piece)
                if self._chunked:
                    self._wait(b"\r\n")
            else:
                self._stretch, self._at = piece, piece.start

    def _wait(self, data: bytes | memoryview) -> None:
        self._waiting.append(data)
        self._waiting_bytes += len(data)

    def _send(self) -> bool:
        """Send all that is there; tell whether the client took it."""
        stretch = self._stretch
        if not self._send_waiting(_MORE if stretch is not None else 0):
            return False
        if stretch is None:
            return True
        left = stretch.start + stretch.size_bytes - self._at
        while left:
            sent = self._send_file(stretch, left) if self._files else self._read(stretch, left)
            if not sent:
                raise Unavailable(f"an object ends {left} bytes too early")
            if sent < 0:
                return False
            self._at += sent
            left -= sent
            if not self._send_waiting(0):
                return False
        self._stretch = None
        if self._chunked:
            self._wait(b"\r\n")
        return True

    def _send_file(self, stretch: Stretch, left: int) -> int:
        """Return how many bytes the client took, 0 at the end of the file, less where it takes none."""
        descriptor = stretch.reader.fileno()
        if descriptor is None:
            return self._read(stretch, left)
        while True:
            try:
                return os.sendfile(self._connection.fileno(), descriptor, self._at, left)
            except BlockingIOError:
                if not self._poll.poll(_PATIENCE_MS):
                    return -1
            except OSError as error:
                if error.errno not in _NO_FILES:
                    raise
                self._files = False
                return self._read(stretch, left)

    def _read(self, stretch: Stretch, left: int) -> int:
        block = stretch.reader.read_at(self._at, min(CHUNK_BYTES, left))
        self._wait(block)
        return len(block)

    def _send_waiting(self, flags: int) -> bool:
        waiting = self._waiting
        if waiting and self._waiting_bytes < _SMALL_BYTES:
            together = b"".join(waiting)
            waiting.clear()
            waiting.append(together)
        while waiting:
            try:
                sent = self._connection.send(waiting[0], flags)
            except BlockingIOError:
                if not self._poll.poll(_PATIENCE_MS):
                    return False
                continue
            self._waiting_bytes -= sent
            if sent < len(waiting[0]):
                waiting[0] = memoryview(waiting[0])[sent:]
            else:
                waiting.popleft()
        return True


async def clear(line: Line, timeout_s: float) -> None:
    """Wait until the loop has nothing more to send to the client. TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not line.is_clear():  # noqa: ASYNC110 - nobody tells when
            # Only answers to requests that came in one go stand before ours: it is rare, and soon over.
            await asyncio.sleep(0.001)


async def writable(connection: socket.socket, timeout_s: float) -> None:
    """Wait until a socket takes something, or its connection has ended. TimeoutError."""
    loop = asyncio.get_running_loop()
    taken = asyncio.Event()
    loop.add_writer(connection, taken.set)
    try:
        async with asyncio.timeout(timeout_s):
            await taken.wait()
    finally:
        loop.remove_writer(connection)
