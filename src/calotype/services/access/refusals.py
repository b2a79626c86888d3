"""What was refused to whom, kept for people to read and to admit from: the last ones, in memory.

The same thing refused again is counted, not listed again. One address can fill a part of the list only, so that a
scanner does not push out what an administrator looks for.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from calotype.clock import Clock, utc_now_us
from calotype.errors import NotFound
from calotype.services.access.permissions import Right

KEPT: Final = 200
KEPT_PER_ADDRESS: Final = 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """A service that was refused ``count`` times. Times are UTC, microseconds since 1970.

    ``destination`` is the AE title that images were to go to, when it was that which was refused; ``known`` tells
    whether the caller is in the address book.
    """

    id: int
    first_us: int
    last_us: int
    count: int
    calling_ae_title: str
    address: str
    right: Right
    destination: str
    known: bool


_Key = tuple[str, str, Right, str]


class Refusals:
    """A bounded, thread-safe memory of refusals."""

    def __init__(self, clock_us: Clock = utc_now_us) -> None:
        self._clock_us = clock_us
        self._lock = threading.Lock()
        self._last_id = 0
        # In the order of the last time, oldest first.
        self._refusals: dict[_Key, Refusal] = {}
        self._per_address: Counter[str] = Counter()

    def add(
        self, calling_ae_title: str, address: str, right: Right, *, destination: str = "", known: bool = False
    ) -> Refusal:
        """Remember one and return it as it stands now."""
        key = (calling_ae_title, address, right, destination)
        now_us = self._clock_us()
        with self._lock:
            before = self._refusals.pop(key, None)
            if before is not None:
                refusal = replace(before, last_us=now_us, count=before.count + 1, known=known)
            else:
                self._make_room(address)
                self._last_id += 1
                self._per_address[address] += 1
                refusal = Refusal(
                    self._last_id, now_us, now_us, 1, calling_ae_title, address, right, destination, known
                )
            self._refusals[key] = refusal
        return refusal

    def recent(self) -> list[Refusal]:
        """Return what is remembered, the last one first."""
        with self._lock:
            return list(reversed(self._refusals.values()))

    def get(self, refusal_id: int) -> Refusal:
        """Return one; NotFound when it is not remembered (any more)."""
        for refusal in self.recent():
            if refusal.id == refusal_id:
                return refusal
        raise NotFound(f"There is no refusal {refusal_id}: it was settled, or is too long ago; see the list.")

    def settle(self, calling_ae_title: str, address: str) -> None:
        """Forget what was refused to a caller that has been admitted: what it still may not do will come again."""
        with self._lock:
            for key in [key for key in self._refusals if key[:2] == (calling_ae_title, address)]:
                self._forget(key)

    def _make_room(self, address: str) -> None:
        if self._per_address[address] >= KEPT_PER_ADDRESS:
            self._forget(next(key for key in self._refusals if key[1] == address))
        elif len(self._refusals) >= KEPT:
            self._forget(next(iter(self._refusals)))

    def _forget(self, key: _Key) -> None:
        del self._refusals[key]
        address = key[1]
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]
