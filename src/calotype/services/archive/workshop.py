"""Where processor time is spent: one bound for everybody who works on pixels, and a pool of threads within it.

Codecs release the interpreter, so threads scale; what is bounded is how many work at one time, whatever the number
of associations and requests: the pool's threads, and callers that work in their own (:meth:`Workshop.turn`). Whoever
waits for a result waits here, in turn with all others; work that nobody waits for is done in between
(:meth:`Workshop.spare`).
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from calotype.closing import Stopping
from calotype.errors import CalotypeError, Unavailable

T = TypeVar("T")
R = TypeVar("R")

PATIENCE_S: Final = 1.0
"""How long one item of spare work lets others go first: else it would never be done where somebody always asks."""


class Workshop(Stopping):
    """A pool of at most ``threads`` threads, by default one per processor, started when first needed.

    Thread-safe. As a context manager it is stopped at the end.
    """

    def __init__(self, threads: int = 0) -> None:
        self.threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self.threads, "codec")
        self._turns = threading.BoundedSemaphore(self.threads)
        self._changed = threading.Condition()
        self._asked_for = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until one more may work, and be one of those for as long as the block lasts.

        For work that is done in the caller's own thread. What is asked of :meth:`map` in the midst of it would wait
        for its own end.
        """
        self._ask()
        try:
            with self._turns:
                yield
        finally:
            self._answered()

    def spare(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        """Return the results of ``work`` in order, each done here when asked for, while nobody else needs the turn.

        It waits while others work or wait in every turn that there is, each time for :data:`PATIENCE_S` at most.
        """
        for item in items:
            with self._changed:
                self._changed.wait_for(lambda: self._asked_for < self.threads, PATIENCE_S)
            with self._turns:
                result = work(item)
            yield result

    def map(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        """Return the results of ``work`` in the order of ``items``; some items are begun at once, ahead of asking.

        Items are taken in the caller's thread, a few more than there are threads; what taking one raises comes in its
        turn. The iterator has a ``close`` that drops what has not begun. Not to be called from ``work``. Unavailable
        when the workshop is stopped.
        """
        return _Ahead(self, work, items)

    def submit(self, work: Callable[[T], R], item: T) -> Future[R]:
        """Have one item done. Unavailable when the workshop is stopped."""
        self._ask()
        try:
            future = self._pool.submit(self._work, work, item)
        except RuntimeError as error:
            self._answered()
            raise Unavailable("the archive is being stopped") from error
        future.add_done_callback(self._answered)
        return future

    def _work(self, work: Callable[[T], R], item: T) -> R:
        with self._turns:
            return work(item)

    def _ask(self) -> None:
        with self._changed:
            self._asked_for += 1

    def _answered(self, _done: object = None) -> None:
        with self._changed:
            self._asked_for -= 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Let what is being done come to its end, and drop the rest. Idempotent."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class _Ahead(Iterator[R], Generic[T, R]):
    """Results, some of them begun before they are asked for. Used by one thread."""

    def __init__(self, workshop: Workshop, work: Callable[[T], R], items: Iterable[T]) -> None:
        self._workshop = workshop
        self._work = work
        self._items = iter(items)
        self._begun: deque[Future[R]] = deque()
        self._fill()

    def __next__(self) -> R:
        if not self._begun:
            raise StopIteration
        future = self._begun.popleft()
        # Before waiting, so that no thread is idle meanwhile.
        self._fill()
        try:
            return future.result()
        except CancelledError:
            raise Unavailable("the archive is being stopped") from None

    def close(self) -> None:
        """Drop what has not begun."""
        self._items = iter(())
        for future in self._begun:
            future.cancel()
        self._begun.clear()

    def _fill(self) -> None:
        while len(self._begun) <= self._workshop.threads:
            try:
                item = next(self._items)
                future = self._workshop.submit(self._work, item)
            except StopIteration:
                return
            except CalotypeError as error:
                future = Future()
                future.set_exception(error)
                self._items = iter(())
            self._begun.append(future)
