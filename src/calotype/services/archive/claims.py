"""One at a time per name: a lock for each SOP Instance UID that is being decided on, and for no longer."""

from __future__ import annotations

import threading
from types import TracebackType


class _Claim:
    __slots__ = ("holders", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.holders = 0


class Claims:
    """Keyed locks. Different names never wait for each other, which a fixed set of stripes could not promise.

    Memory is bounded by the number of threads that hold or wait.
    """

    def __init__(self) -> None:
        self._claims: dict[str, _Claim] = {}
        self._lock = threading.Lock()

    def hold(self, name: str) -> _Holding:
        """Return what waits until nobody else holds ``name``, and holds it inside a ``with`` block."""
        return _Holding(self, name)

    def enter(self, name: str) -> _Claim:
        """Take a place in the queue for ``name``; the claim's lock is still to be waited for."""
        with self._lock:
            claim = self._claims.get(name)
            if claim is None:
                claim = self._claims[name] = _Claim()
            claim.holders += 1
        return claim

    def leave(self, name: str, claim: _Claim) -> None:
        """Give the place back."""
        with self._lock:
            claim.holders -= 1
            if not claim.holders:
                del self._claims[name]


class _Holding:
    """One ``with`` block. A class, since every object that is received passes here, and a generator costs twice."""

    __slots__ = ("_claim", "_claims", "_name")

    def __init__(self, claims: Claims, name: str) -> None:
        self._claims = claims
        self._name = name

    def __enter__(self) -> None:
        self._claim = self._claims.enter(self._name)
        try:
            self._claim.lock.acquire()
        except BaseException:
            self._claims.leave(self._name, self._claim)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._claim.lock.release()
        self._claims.leave(self._name, self._claim)
