"""What happened in the archive, told to whoever listens: routing rules, event streams, pages.

Publishing never waits, never fails and never runs a listener's code: each subscription is a bounded queue that its
owner empties in its own thread. Whoever is too slow loses the oldest events; what must not be lost is read from the
index and its feed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from calotype.closing import Closing
from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.services.archive.ports import Flag, Origin


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An object that came, and where it stands."""

    ref: InstanceRef
    sop_class: UID
    origin: Origin
    received_us: int
    flags: frozenset[Flag]


@dataclass(frozen=True, slots=True)
class InstanceStored(_Arrival):
    """A new instance was committed: its row and its file are there."""


@dataclass(frozen=True, slots=True)
class InstanceReplaced(_Arrival):
    """A known instance was overwritten by policy; ``ref`` is where it stands now."""


@dataclass(frozen=True, slots=True)
class VersionKept(_Arrival):
    """Different content came under a known SOP Instance UID and waits for a decision."""


@dataclass(frozen=True, slots=True)
class FeedGrown:
    """Something else has happened that stands in the feed of changes."""


Event: TypeAlias = InstanceStored | InstanceReplaced | VersionKept | FeedGrown


class Subscription(Closing):
    """One listener's queue; an iterator that ends when it is closed, and a context manager that closes it."""

    def __init__(self, events: Events, capacity: int) -> None:
        self._events = events
        self._queue: deque[Event] = deque(maxlen=capacity)
        self._changed = threading.Condition()
        self._closed = False

    def get(self, timeout_s: float | None = None) -> Event | None:
        """Return the next event, waiting for one; ``None`` after ``timeout_s`` seconds or once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed, timeout_s)
            return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """Stop listening. Idempotent."""
        self._events._forget(self)  # noqa: SLF001 - a subscription is the other half of Events
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _offer(self, event: Event) -> None:
        with self._changed:
            self._queue.append(event)
            self._changed.notify()

    def __iter__(self) -> Iterator[Event]:
        while (event := self.get()) is not None:
            yield event


class Events:
    """Hands each published event to every subscription. Thread-safe."""

    def __init__(self) -> None:
        self._subscriptions: tuple[Subscription, ...] = ()
        self._lock = threading.Lock()

    def subscribe(self, *, capacity: int = 10_000) -> Subscription:
        """Start to listen; the queue holds at most ``capacity`` events."""
        subscription = Subscription(self, capacity)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def publish(self, event: Event) -> None:
        """Tell every listener; returns at once."""
        for subscription in self._subscriptions:
            subscription._offer(event)  # noqa: SLF001 - see Subscription.close

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions = tuple(other for other in self._subscriptions if other is not subscription)
