"""One at a time per name: a lock for each SOP Instance UID that is being decided on, and for no longer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


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

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Wait until nobody else holds ``name``, and hold it inside the ``with`` block."""
        with self._lock:
            claim = self._claims.get(name)
            if claim is None:
                claim = self._claims[name] = _Claim()
            claim.holders += 1
        try:
            with claim.lock:
                yield
        finally:
            with self._lock:
                claim.holders -= 1
                if not claim.holders:
                    del self._claims[name]
