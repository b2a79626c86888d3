"""The threads of one port: whoever takes a connection serves it, and another one waits at the door meanwhile.

A device that stores one object at a time opens an association for each. With one thread that accepts and a new one
for every connection, starting threads and handing over took a seventh of all that such an association costs; here the
thread that has just served is the first to take what comes next, and has everything at hand. Whom it lets in is the
listener's decision.
"""

from __future__ import annotations

import logging
import select
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

from calotype.network.admission import plain_address

_logger = logging.getLogger(__name__)

_MOST_WAITING: Final = 4
"""Threads that stay at the door when they have nothing to serve."""

_PAUSE_S: Final = 0.2

Address: TypeAlias = tuple[Any, ...]
"""As sockets have it: host and port come first."""

TakeIn: TypeAlias = Callable[[socket.socket, Address], Callable[[], None] | None]


class Bell(Protocol):
    """Says when there is something to accept."""

    def wait(self) -> None:
        """Return when a connection may be waiting, or the door closes. Any thread may wait."""
        ...

    def rearm(self) -> None:
        """Tell that whoever was woken has looked, so that the next may be."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class _PlainBell:
    """What every system has: wakes all that wait, of whom one finds something."""

    def __init__(self, *sockets: socket.socket) -> None:
        self._sockets = sockets

    def wait(self) -> None:
        select.select(self._sockets, (), ())

    def rearm(self) -> None:
        return

    def close(self) -> None:
        return


if sys.platform == "linux":

    class _OneBell:
        """Wakes one of those who wait: who came last, and has most at hand."""

        def __init__(self, listening: socket.socket, closing: socket.socket) -> None:
            self._listening = listening
            self._epoll = select.epoll()
            self._epoll.register(listening, select.EPOLLIN | select.EPOLLONESHOT)
            self._epoll.register(closing, select.EPOLLIN)

        def wait(self) -> None:
            self._epoll.poll(maxevents=1)

        def rearm(self) -> None:
            self._epoll.modify(self._listening, select.EPOLLIN | select.EPOLLONESHOT)

        def close(self) -> None:
            self._epoll.close()


def _bell(listening: socket.socket, closing: socket.socket, *, wakes_one: bool) -> Bell:
    if sys.platform == "linux" and wakes_one:
        return _OneBell(listening, closing)
    return _PlainBell(listening, closing)


class Door:
    """Takes the connections of a listening socket, which it owns from then on.

    ``take_in`` registers a connection and returns what serves it, or closes it and returns ``None``; it MUST be
    quick. ``turn_away`` is told why nobody can serve a connection, and closes it. Neither may raise; what serving
    raises is logged. ``wakes_one`` as in ``sockets.Capabilities``.
    """

    def __init__(
        self,
        name: str,
        listening: socket.socket,
        take_in: TakeIn,
        turn_away: Callable[[socket.socket, Address, str], None],
        *,
        wakes_one: bool,
    ) -> None:
        self._name = name
        self._listening = listening
        self._take_in = take_in
        self._turn_away = turn_away
        listening.setblocking(False)  # a connection may be gone again before accept gets it
        self._closer, self._closing = socket.socketpair()
        self._bell = _bell(listening, self._closing, wakes_one=wakes_one)
        self._lock = threading.Condition()
        self._waiting = 0
        """Places at the door: threads that wait, or are just starting to."""
        self._arriving = 0
        self._is_closed = False
        self._pause = threading.Event()

    def open(self) -> None:
        """Begin to take connections. RuntimeError when the system has no thread for it."""
        with self._lock:
            self._waiting += 1
        self._start()

    def close(self) -> None:
        """Take no more connections; return when all that were taken are let in or not. Idempotent.

        What is served goes on.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._pause.set()
            self._closer.close()
            self._lock.wait_for(lambda: not self._waiting and not self._arriving)
        self._bell.close()
        self._closing.close()
        self._listening.close()

    def _start(self) -> None:
        """Start a thread for a place at the door that is counted already. RuntimeError when the system has none."""
        threading.Thread(target=self._attend, name=f"{self._name}-door", daemon=True).start()

    def _attend(self) -> None:
        """Wait, serve, and come back, as long as there are not enough others."""
        thread = threading.current_thread()
        while (arrival := self._next()) is not None:
            serve, address = arrival
            try:
                serve()
            except Exception:
                # Our own mistake, and one connection's alone: the thread goes on with the next.
                _logger.exception("listener %s: a connection from %s failed", self._name, plain_address(address[0]))
            thread.name = f"{self._name}-door"
            with self._lock:
                if self._is_closed or self._waiting >= _MOST_WAITING:
                    return
                self._waiting += 1

    def _next(self) -> tuple[Callable[[], None], Address] | None:
        """Wait for a connection and leave the door with it: what serves it, and who it is from.

        ``None`` once the door closes.
        """
        while True:
            self._bell.wait()
            if self._is_closed:
                break
            arrived = self._accept()
            if arrived is not None and (serve := self._leave_with(*arrived)) is not None:
                return serve, arrived[1]
        with self._lock:
            self._waiting -= 1
            self._lock.notify_all()
        return None

    def _accept(self) -> tuple[socket.socket, Address] | None:
        try:
            return self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return None
        except OSError as error:
            # Out of descriptors or memory: the connection stays in the backlog, so do not spin on it.
            _logger.warning("listener %s cannot accept: %s", self._name, error.strerror)
            self._pause.wait(_PAUSE_S)
            return None
        finally:
            self._bell.rearm()

    def _leave_with(self, connection: socket.socket, address: Address) -> Callable[[], None] | None:
        """Give up the place at the door, to a new thread if nobody else waits, and let a connection in.

        Return what is to be done then; ``None`` when the place could be given to nobody: then it is still ours.
        """
        with self._lock:
            is_alone = self._waiting == 1
            if not is_alone:
                self._waiting -= 1
            self._arriving += 1
        try:
            if is_alone:
                try:
                    self._start()
                except RuntimeError as error:
                    self._turn_away(connection, address, str(error))
                    return None
            return self._take_in(connection, address) or _nothing
        finally:
            with self._lock:
                self._arriving -= 1
                self._lock.notify_all()


def _nothing() -> None:
    """Be done: the connection was not let in."""
