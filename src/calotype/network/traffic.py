"""Rates of the last hour, in memory: the listeners' totals looked at every few seconds, and their differences.

One thread looks; associations are not slowed by being counted, and a long one shows in every span that it lasts.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from calotype.clock import Clock, utc_now_us
from calotype.network.standing import Standing, Totals

SPAN_S: Final = 20.0
KEPT: Final = 180
"""Spans: an hour of them."""


class Observed(Protocol):
    """What has totals: ``listener.Listener``."""

    def standing(self) -> Standing:
        """Say how it stands now."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """What passed in the :data:`SPAN_S` seconds up to ``end_us`` (UTC, microseconds since 1970)."""

    end_us: int
    passed: Totals


class Traffic:
    """A bounded memory of what passed. Thread-safe; :meth:`stop` it when it was started."""

    def __init__(
        self, listeners: Sequence[Observed], *, span_s: float = SPAN_S, clock_us: Clock = utc_now_us
    ) -> None:
        self.span_s = span_s
        self._listeners = listeners
        self._clock_us = clock_us
        self._lock = threading.Lock()
        self._spans: deque[Span] = deque(maxlen=KEPT)
        self._before = self._totals()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more. Idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Take down what passed since the last time."""
        with self._lock:
            now = self._totals()
            self._spans.append(Span(self._clock_us(), now - self._before))
            self._before = now

    def spans(self) -> list[Span]:
        """Return the last hour, oldest first."""
        with self._lock:
            return list(self._spans)

    def _run(self) -> None:
        while not self._stopping.wait(self.span_s):
            self.look()

    def _totals(self) -> Totals:
        return sum((listener.standing().totals for listener in self._listeners), Totals())
