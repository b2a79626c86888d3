"""A connected socket, and the one place that knows which fast paths this machine has.

:class:`Capabilities` is chosen once (:func:`detect`) or forced (:data:`PLAIN`); everything above runs the same code
over either. What each path is worth was measured: without TCP_NODELAY and TCP_QUICKACK a small object from a
default DCMTK sender takes 90 ms instead of 3; a thread that goes to sleep between an answer and the next small object
makes that one take a tenth longer.

Errors here are the operating system's own (``OSError``, ``TimeoutError``); ``association`` and ``dialer`` translate.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Protocol, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview

_MAX_PARTS = 512
_COPY_BELOW_BYTES = 64 * 1024
_EAGER_S = 0.0001
"""A peer on a fast network says the next thing within this; falling asleep and being woken costs half of it."""
_NOTHING_CAME = "nothing was received in time"
_NOTHING_TAKEN = "nothing was taken in time"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The fast paths to use; every field has an off value that works everywhere."""

    quickack: int | None = None
    """The TCP option that asks for an immediate ACK, or ``None``."""
    sendmsg: bool = False
    """Whether several buffers leave in one call."""
    kernel_timeouts: bool = False
    """Whether the kernel keeps the time of a call (``SO_RCVTIMEO``). Otherwise Python does, by a ``poll`` before
    each call: a system call more, and one more moment at which threads fight for the interpreter."""
    wakes_one: bool = False
    """Whether, of several threads that wait for a connection, the kernel wakes one alone."""
    eager_s: float = 0.0
    """For how long a thread keeps looking at its socket before it sleeps: while its peer answers within that, and at
    most one association is served."""


PLAIN = Capabilities()
"""What every platform has, and all that works through TLS."""


def detect() -> Capabilities:
    """Return what this platform offers."""
    if sys.platform == "linux":
        # On one processor the peer may be waiting for the one that we would look on with.
        eager_s = _EAGER_S if len(os.sched_getaffinity(0)) > 1 else 0.0
        return Capabilities(
            quickack=socket.TCP_QUICKACK, sendmsg=True, kernel_timeouts=True, wakes_one=True, eager_s=eager_s
        )
    else:  # noqa: RET505 - written so, the type checker knows that only one of the two is for this platform
        return Capabilities(sendmsg=hasattr(socket.socket, "sendmsg"))


class Crowd:
    """Counts the associations that are served at once. Thread-safe.

    Where several threads share one interpreter, one that keeps looking at its socket is in the way of the others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = 0

    def __enter__(self) -> None:
        with self._lock:
            self._size += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        with self._lock:
            self._size -= 1

    @property
    def is_crowded(self) -> bool:
        """Whether there are more than one."""
        return self._size > 1


SERVED = Crowd()
"""What is served in this process."""


class ObjectSource(Protocol):
    """What an object is sent from; the archive's ``ObjectReader`` is one."""

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``; shorter only at the end."""
        ...


class Stream:
    """A connected TCP or TLS socket with a timeout per call."""

    def __init__(self, connection: socket.socket, capabilities: Capabilities) -> None:
        self._socket = connection
        self.encrypted = isinstance(connection, ssl.SSLSocket)
        self.capabilities = Capabilities(quickack=capabilities.quickack) if self.encrypted else capabilities
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timeout_s = connection.gettimeout()
        self._send_timeout_s: float | None = None
        self._expects_soon = True
        if self.capabilities.kernel_timeouts:
            connection.settimeout(None)
            self._timeout_s = None

    def recv_into(self, buffer: memoryview, timeout_s: float) -> int:
        """Receive at most one buffer full, return its length; 0 when the peer closed. TimeoutError, OSError."""
        self._wait_for_data(timeout_s)
        try:
            received = self._receive_soon(buffer) if self.capabilities.eager_s else self._socket.recv_into(buffer)
        except BlockingIOError:
            raise TimeoutError(_NOTHING_CAME) from None
        self._acknowledge_at_once()
        return received

    def try_recv_into(self, buffer: memoryview) -> int | None:
        """Receive what is there already; ``None`` when there is nothing."""
        try:
            if self.capabilities.kernel_timeouts:
                received = self._socket.recv_into(buffer, 0, socket.MSG_DONTWAIT)
            else:
                self._set_timeout(0)
                received = self._socket.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        self._acknowledge_at_once()
        return received

    def send(self, data: Buffer, timeout_s: float) -> None:
        """Send all of ``data``; ``timeout_s`` is for each step of progress, not for the whole."""
        self._wait_for_room(timeout_s)
        try:
            sent = self._socket.send(data)
            if sent < len(data):
                rest = memoryview(data)
                while sent < len(rest):
                    rest = rest[sent:]
                    sent = self._socket.send(rest)
        except BlockingIOError:
            raise TimeoutError(_NOTHING_TAKEN) from None

    def send_parts(self, parts: Sequence[Buffer], timeout_s: float) -> None:
        """Send several buffers as one."""
        size_bytes = sum(map(len, parts))
        if not self.capabilities.sendmsg or size_bytes < _COPY_BELOW_BYTES:
            self.send(b"".join(parts), timeout_s)
            return
        self._wait_for_room(timeout_s)
        for start in range(0, len(parts), _MAX_PARTS):
            try:
                self._send_message(parts[start : start + _MAX_PARTS])
            except BlockingIOError:
                raise TimeoutError(_NOTHING_TAKEN) from None

    def try_send(self, data: Buffer) -> None:
        """Send if it goes at once, else not; any thread may call this. Does nothing under TLS.

        OpenSSL forbids that one thread writes while another reads.
        """
        if not self.encrypted:
            with suppress(OSError, ValueError):
                if _is_writable(self._socket.fileno(), 0):
                    self._socket.send(data)

    def shut(self) -> None:
        """Tell the peer, and a thread that waits in this stream, that it is over. Any thread may call this."""
        with suppress(OSError):
            # An SSLSocket's own shutdown would forget its TLS state under the feet of the thread that uses it.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the socket."""
        self._socket.close()

    def _receive_soon(self, buffer: memoryview) -> int:
        """Receive from a peer that was quick last time without going to sleep first; from any other at once so."""
        receive, eager_s = self._socket.recv_into, self.capabilities.eager_s
        started_s = time.perf_counter()
        while self._expects_soon and not SERVED.is_crowded:
            try:
                return receive(buffer, 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._expects_soon = time.perf_counter() - started_s < eager_s
        received = receive(buffer)
        self._expects_soon = time.perf_counter() - started_s < eager_s
        return received

    def _wait_for_data(self, timeout_s: float) -> None:
        if not self.capabilities.kernel_timeouts:
            self._set_timeout(timeout_s)
        elif timeout_s != self._timeout_s:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(timeout_s))
            self._timeout_s = timeout_s

    def _wait_for_room(self, timeout_s: float) -> None:
        if not self.capabilities.kernel_timeouts:
            self._set_timeout(timeout_s)
        elif timeout_s != self._send_timeout_s:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(timeout_s))
            self._send_timeout_s = timeout_s

    def _set_timeout(self, timeout_s: float) -> None:
        # Setting a timeout is a system call, so it is done only on a change.
        if timeout_s != self._timeout_s:
            self._socket.settimeout(timeout_s)
            self._timeout_s = timeout_s

    def _acknowledge_at_once(self) -> None:
        # Linux clears the option as it goes, hence after every receive. A sender that splits its messages and
        # leaves Nagle on would otherwise wait 40 ms for each delayed ACK.
        if self.capabilities.quickack is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, self.capabilities.quickack, 1)

    def _send_message(self, parts: Sequence[Buffer]) -> None:
        rest = list(parts)
        while rest:
            sent = self._socket.sendmsg(rest)
            done = 0
            for part in rest:
                if sent < len(part):
                    break
                sent -= len(part)
                done += 1
            del rest[:done]
            if sent:
                rest[0] = memoryview(rest[0])[sent:]


@lru_cache(64)
def _timeval(timeout_s: float) -> bytes:
    """Return ``struct timeval``; all zeros would mean without end."""
    microseconds = max(1, round(timeout_s * 1_000_000))
    return struct.pack("@ll", *divmod(microseconds, 1_000_000))


def _is_writable(descriptor: int, timeout_s: float) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        return bool(poll.poll(timeout_s * 1000))
    return bool(select.select([], [descriptor], [], timeout_s)[1])
