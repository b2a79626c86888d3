"""The feed of changes as its doors know it: pages of lines, and somebody who wakes those that wait for more.

Lines are written by the index, each in the transaction of what it tells; what was stored is written afterwards, at
most a second later, for all series at once, so that nobody who stores pays for it. Whoever asks for a page has
everything told first that was committed before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from calotype.clock import SECOND_US, Clock
from calotype.closing import Closing
from calotype.errors import CalotypeError
from calotype.services.archive.events import Events, FeedGrown
from calotype.services.archive.feed import Change, Feed

_logger = logging.getLogger(__name__)

_PACE_S: Final = 1.0
"""What is stored is told this often at most."""
_LOOK_WATCHED_S: Final = 2.0
_LOOK_S: Final = 60.0
"""How often to look for what other processes have written, when somebody waits for it, and when nobody does."""
_SLACK: Final = 1000
"""Lines beyond those to be kept that are waited for before any are removed."""
MAX_LINES: Final = 1000


@dataclass(frozen=True, slots=True)
class ChangesSettings:
    """``stable_s``: a study is stable when nothing came for so long. ``keep``: lines that are kept, the newest."""

    stable_s: float = 60.0
    keep: int = 200_000


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Lines after a number. ``token`` names the feed; ``oldest`` and ``newest`` are the ends of what is kept.

    ``is_cut``: some lines after that number are not kept any more, or the number is of another feed. Then what one
    knows must be compared with what is there.
    """

    token: str
    changes: tuple[Change, ...]
    oldest: int
    newest: int
    is_cut: bool

    @property
    def last(self) -> int:
        """The number to go on after."""
        return self.changes[-1].sequence if self.changes else self.newest

    @property
    def is_complete(self) -> bool:
        """Whether there were no further lines."""
        return self.last >= self.newest


class HasFeed(Protocol):
    """What has a feed: an index."""

    @property
    def feed(self) -> Feed:
        """What has changed."""
        ...


class ChangeWatch(Closing):
    """One who waits for lines; a context manager. ``wake`` is called from any thread and MUST be quick."""

    def __init__(self, changes: Changes, wake: Callable[[], None]) -> None:
        self._changes = changes
        self.wake = wake
        self.is_closed = False

    def close(self) -> None:
        """Stop waiting. Idempotent."""
        self.is_closed = True
        self._changes._forget(self)  # noqa: SLF001 - a watch is the other half of Changes
        self.wake()


class Changes:
    """Reads the feed, and looks after it between :meth:`start` and :meth:`stop`. Thread-safe."""

    def __init__(self, source: HasFeed, events: Events, settings: ChangesSettings, clock: Clock) -> None:
        self._feed = source.feed
        self._events = events
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._watches: tuple[ChangeWatch, ...] = ()
        self._seen = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def page(self, since: int, limit: int = 100) -> ChangePage:
        """Return up to ``limit`` lines after number ``since``; 0 begins at the beginning. Unavailable."""
        self._feed.tell(self._clock())
        changes = tuple(self._feed.lines(since, min(limit, MAX_LINES)))
        extent = self._feed.extent()
        # Asked for after the lines: what was trimmed in between is missing, and is said to be.
        is_cut = since > extent.newest or since < extent.oldest - 1
        return ChangePage(extent.token, changes, extent.oldest, extent.newest, is_cut)

    def newest(self) -> int:
        """Return the number of the last line. Unavailable.

        Nothing is told first, hence nothing is waited for: what is looked at after this holds all up to that line,
        and what it does not hold has a line after that, beside some that it does hold.
        """
        return self._feed.extent().newest

    def watch(self, wake: Callable[[], None]) -> ChangeWatch:
        """Have ``wake`` called whenever there are new lines. Closed from the beginning once stopped."""
        watch = ChangeWatch(self, wake)
        with self._lock:
            is_open = not self._stopping.is_set()
            if is_open:
                self._watches = (*self._watches, watch)
        if is_open:
            # So that it is looked more often from now on for what other processes write.
            self._events.publish(FeedGrown())
        else:
            watch.close()
        return watch

    def start(self) -> None:
        """Begin to write down what is stored, and to wake those who wait."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
        self._thread.start()

    def stop(self, wait_s: float) -> None:
        """Close every watch and stop. Idempotent."""
        self._stopping.set()
        self._events.publish(FeedGrown())
        with self._lock:
            watches = self._watches
        for watch in watches:
            watch.close()
        if self._thread is not None:
            self._thread.join(wait_s)

    def look(self) -> float:
        """Write down what is due, wake those who wait; return in how many seconds more may be due."""
        now_us = self._clock()
        self._feed.tell(now_us)
        stable_us = int(self._settings.stable_s * SECOND_US)
        first_us = self._feed.settle(now_us - stable_us, now_us)
        extent = self._feed.extent()
        if extent.newest - extent.oldest >= self._settings.keep + _SLACK:
            self._feed.trim(self._settings.keep)
        if extent.newest != self._seen:
            self._seen = extent.newest
            for watch in self._watches:
                watch.wake()
        wait_s = _LOOK_WATCHED_S if self._watches else _LOOK_S
        if first_us is None:
            return wait_s
        return min(wait_s, max((first_us + stable_us - now_us) / SECOND_US, _PACE_S))

    def _run(self) -> None:
        # One place is enough: an event says that there is something, the index says what.
        with self._events.subscribe(capacity=1) as subscription:
            while not self._stopping.is_set():
                try:
                    wait_s = self.look()
                except CalotypeError as error:
                    _logger.warning("the feed of changes waits: %s", error)
                    wait_s = _LOOK_S
                except Exception:
                    if self._stopping.is_set():
                        # The index was closed under us: what is due is told at the next start.
                        return
                    _logger.exception("the feed of changes waits: our own mistake")
                    wait_s = _LOOK_S
                # Not at once again: while objects come, they are told of together.
                if self._stopping.wait(_PACE_S):
                    return
                subscription.get(wait_s)

    def _forget(self, watch: ChangeWatch) -> None:
        with self._lock:
            self._watches = tuple(other for other in self._watches if other is not watch)
