"""Reading a request's large body from the client's own socket, past the event loop: from a thread, into one block.

The loop would copy each byte four times and take a hop for each 64 KiB. ``protocol`` lends an :class:`Inlet` to each
request that may have one; whoever has none (TLS, a body of unknown length, another server) reads ASGI messages, as
ever. The twin of ``lines``: a thread works for one client for a short while at a time, and a client that sends slowly
costs none, since the loop waits until its socket has something. Nothing here knows what a body is.
"""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol, TypeAlias

from calotype.errors import CalotypeError, Cancelled
from calotype.web.lines import Progress
from calotype.web.offload import Offload
from calotype.web.problems import RequestTimeout

EXTENSION: Final = "calotype.inlet"
"""Under which name a request's ASGI scope has its inlet, in ``extensions``."""

LEAST_BYTES: Final = 1024 * 1024
"""Bodies of which less is still to come are read by the loop."""

_BLOCK_BYTES: Final = 256 * 1024
"""Small enough for a processor's cache: a block is searched, digested and written while it is there."""
_TURN_S: Final = 0.25
"""How long a thread works for one client before it lets others have it."""
_PATIENCE_MS: Final = 2
"""How long a thread waits for a client whose socket is empty; any client on a fast network sends sooner."""
_DRAINED_BYTES: Final = 64 * 1024 * 1024
"""How much of a refused body is still read: a client that sends while we close the connection never sees why."""

Take: TypeAlias = Callable[[bytearray, int], None]
"""Takes the first so many bytes of a block, which is used again afterwards."""


class Inlet(Protocol):
    """The way to one client's socket, for the body of one request. Used by the loop's thread."""

    def left_bytes(self) -> int:
        """Return how much of the body has not come yet, 0 where that is not known or cannot be read here."""
        ...

    def lend(self) -> tuple[socket.socket, bytearray]:
        """Leave the connection to the borrower: return a socket of their own for it, and what has come already."""
        ...

    def settle(self, left_bytes: int) -> None:
        """Take the connection back; it ends with the answer when anything of the body is left on it."""
        ...


class Inflow:
    """Reads one body; call :meth:`turn` until it is done. Used by one thread at a time."""

    def __init__(self, connection: socket.socket, first: bytearray, left_bytes: int) -> None:
        self._connection = connection
        self._first = first
        self._block = bytearray(_BLOCK_BYTES)
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self.left_bytes = left_bytes
        """How much has not been read."""

    def turn(self, take: Take) -> Progress:
        """Read for a while. What ``take`` raises passes through, and reading can go on after it."""
        until = time.monotonic() + _TURN_S
        if self._first:
            first, self._first = self._first, bytearray()
            take(first, len(first))
        while self.left_bytes:
            wanted = min(len(self._block), self.left_bytes)
            try:
                filled = self._fill(wanted, until)
            except OSError:
                return Progress.GONE
            self.left_bytes -= filled
            if filled:
                take(self._block, filled)
            if filled < wanted:
                return Progress.BLOCKED
            if time.monotonic() > until:
                return Progress.PAUSED
        return Progress.DONE

    def _fill(self, wanted: int, until: float) -> int:
        """Read up to ``wanted`` bytes; return how many came without a wait. OSError when the client has left."""
        filled = 0
        with memoryview(self._block) as view:
            while filled < wanted and time.monotonic() < until:
                try:
                    count = self._connection.recv_into(view[filled:wanted])
                except BlockingIOError:
                    if not self._poll.poll(_PATIENCE_MS):
                        break
                    continue
                if not count:
                    raise ConnectionResetError
                filled += count
        return filled


def inlet_of(scope: Mapping[str, Any]) -> Inlet | None:
    """Return the inlet of a request of whose body enough is still to come, else ``None``.

    Ask before anything of the body was received.
    """
    inlet: Inlet | None = scope.get("extensions", {}).get(EXTENSION)
    return inlet if inlet is not None and inlet.left_bytes() >= LEAST_BYTES else None


async def pour(inlet: Inlet, offload: Offload, take: Take, idle_s: float) -> None:
    """Read the whole body; ``take`` is called in threads, one after the other.

    Raises Cancelled when the client leaves, RequestTimeout when no byte comes for ``idle_s``. When ``take`` raises,
    some of the rest is still read, then that is raised.
    """
    left_bytes = inlet.left_bytes()
    connection, first = inlet.lend()
    inflow = Inflow(connection, first, left_bytes)
    try:
        try:
            await _poured(inflow, connection, offload, take, idle_s)
        except (Cancelled, RequestTimeout):
            raise
        except CalotypeError:
            if inflow.left_bytes <= _DRAINED_BYTES:
                await _poured(inflow, connection, offload, _drop, idle_s)
            raise
    finally:
        connection.close()
        inlet.settle(inflow.left_bytes)


async def _poured(inflow: Inflow, connection: socket.socket, offload: Offload, take: Take, idle_s: float) -> None:
    while (progress := await offload.lasting(partial(inflow.turn, take))) is not Progress.DONE:
        if progress is Progress.GONE:
            raise Cancelled("the client left in the middle of its request")
        if progress is Progress.BLOCKED:
            try:
                await _readable(connection, idle_s)
            except TimeoutError:
                raise RequestTimeout(f"no byte of the body came for {idle_s:g} s") from None


def _drop(_block: bytearray, _size_bytes: int) -> None:
    """Take what nobody wants any more."""


async def _readable(connection: socket.socket, timeout_s: float) -> None:
    """Wait until a socket has something, or its connection has ended. TimeoutError."""
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(connection, came.set)
    try:
        async with asyncio.timeout(timeout_s):
            await came.wait()
    finally:
        loop.remove_reader(connection)
