"""Work done behind the back of whoever brings it: in turn, in a thread that lives while there is some.

Reading a body and keeping what came in it take turns at processor, socket and disk; done side by side, each has them
while the other waits. Nothing here knows what the work is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final, TypeAlias

_log = logging.getLogger(__name__)

_MAX_WAITING: Final = 4
"""Pieces not done yet; whoever brings one more waits. It is enough to even out long ones, and little to hold."""
_IDLE_S: Final = 1.0
"""How long the thread waits for more: a client that sends slowly holds none."""

Work: TypeAlias = Callable[[], None]


class InTurn:
    """Does pieces of work in the order in which they are brought, by one thread at a time."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Work | None] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(_MAX_WAITING):
            self._room.put(None)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, work: Work) -> None:
        """Have ``work`` done soon; wait while too much is waiting already. It MUST NOT raise."""
        self._room.get()
        self._waiting.put(work)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="in-turn", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Return when all that was brought is done."""
        for _ in range(_MAX_WAITING):
            self._room.get()
        for _ in range(_MAX_WAITING):
            self._room.put(None)

    def close(self) -> None:
        """Wait, and end the thread. Idempotent; work may be brought again."""
        self.wait()
        with self._lock:
            thread = self._thread
            if thread is not None:
                self._waiting.put(None)
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception:  # noqa: BLE001 - nobody is there to hear of it, and nobody may wait for its room for ever
                _log.exception("a piece of work failed, against its promise")
            finally:
                self._room.put(None)

    def _next(self) -> Work | None:
        """Return the next piece; ``None`` when the thread is to end, which it then has as far as others see."""
        while True:
            try:
                work = self._waiting.get(timeout=_IDLE_S)
            except Empty:
                work = None
            if work is not None:
                return work
            with self._lock:
                if self._waiting.empty():
                    self._thread = None
                    return None
