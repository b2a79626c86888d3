"""Slows down whoever guesses: after some failures the next attempt has to wait, twice as long each time.

Counted is by key: a user's name, an address. An attempt counts as failed when it begins, so that many at one time are
many; one that succeeds clears its key. In memory and bounded: a restart forgets, and so does time.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from calotype.errors import Refused

MAX_KEYS: Final = 10_000
"""Keys that are remembered; the one that was quiet longest goes first."""

_V6_SITE_BITS: Final = 64
"""An IPv6 customer has so many addresses that only the network means anything."""


class Throttled(Refused):
    """Too many attempts failed; ``wait_s`` says after how long the next one counts."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Too many attempts failed. Try again in {wait_s} seconds.")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Patience:
    """``free`` attempts may fail at once; the next waits ``first_s``, then each twice as long up to ``longest_s``.

    What failed so long ago as ``forget_s`` is forgotten.
    """

    free: int = 5
    first_s: float = 5.0
    longest_s: float = 900.0
    forget_s: float = 3600.0


@dataclass(slots=True)
class _Record:
    failures: int
    last_s: float


class Throttle:
    """Counts attempts by key. Thread-safe."""

    def __init__(self, patience: Patience | None = None, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience or Patience()
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def begin(self, key: str) -> None:
        """Count an attempt as failed. Throttled, and nothing counted, when it comes too early."""
        now_s = self._clock_s()
        with self._lock:
            record = self._record(key, now_s)
            left_s = 0.0 if record is None else record.last_s + self._wait_s(record.failures) - now_s
            if left_s > 0:
                raise Throttled(int(left_s) + 1)
            self._records[key] = _Record(1 + (0 if record is None else record.failures), now_s)
            self._records.move_to_end(key)
            if len(self._records) > MAX_KEYS:
                self._records.popitem(last=False)

    def take_back(self, key: str) -> None:
        """Uncount one attempt, which was none."""
        with self._lock:
            record = self._records.get(key)
            if record is not None:
                record.failures -= 1

    def clear(self, key: str) -> None:
        """Forget what failed: somebody who knows the password is there."""
        with self._lock:
            self._records.pop(key, None)

    def _record(self, key: str, now_s: float) -> _Record | None:
        record = self._records.get(key)
        if record is not None and now_s - record.last_s > self._patience.forget_s:
            del self._records[key]
            return None
        return record

    def _wait_s(self, failures: int) -> float:
        over = failures - self._patience.free
        if over < 0:
            return 0.0
        return min(self._patience.longest_s, self._patience.first_s * 2.0 ** min(over, 32))


def place_of(address: str) -> str:
    """Return the key of an address: itself, or its network where one customer has many."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "elsewhere"
    if isinstance(found, ipaddress.IPv6Address) and not found.is_loopback:
        return str(ipaddress.ip_network((int(found) >> _V6_SITE_BITS << _V6_SITE_BITS, _V6_SITE_BITS)))
    return str(found)
