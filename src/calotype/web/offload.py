"""The one bridge from the event loop to the archive: a bounded pool of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")
Args = TypeVarTuple("Args")


class Offload:
    """Runs blocking calls in at most ``threads`` threads; further calls wait their turn.

    A request that is cancelled while its call runs waits for the call: files and rows are never left in a
    thread that nobody watches.
    """

    def __init__(self, threads: int) -> None:
        self._limiter = CapacityLimiter(threads)
        self._lasting = CapacityLimiter(threads)

    async def __call__(self, work: Callable[[*Args], T], *args: *Args) -> T:
        """Return ``work(*args)``, computed in a thread of the pool; what it raises passes through."""
        return await to_thread.run_sync(work, *args, limiter=self._limiter)

    async def lasting(self, work: Callable[[], T]) -> T:
        """Return what ``work`` does, in one of as many threads again: who fetches much delays nobody's question."""
        return await to_thread.run_sync(work, limiter=self._lasting)
