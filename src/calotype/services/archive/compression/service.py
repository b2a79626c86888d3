"""Working off the list of what is to be compressed: a few quiet threads, beside everything else.

Nobody waits for them. An object is taken up some time after it came, so that what is received, forwarded and looked
at first is as it came; frames are worked on in turns that nobody else wants. Whatever ends the process, the list is
there at the next start, and an object that ended it too often is left alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from calotype.clock import SECOND_US, Clock, utc_now_us
from calotype.errors import CalotypeError, Cancelled, OutOfResources, Unavailable
from calotype.services.archive.compression.compressor import Compressor
from calotype.services.archive.compression.ports import CompressionStore, Left, Result, Tally, Task
from calotype.services.archive.compression.rules import NO_RULES, Rules

_log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 3
"""So often may the process end in the midst of an object before that is left as it came."""
AT_ONCE: Final = 16
"""How many objects are taken from the list with one commit."""


@dataclass(frozen=True, slots=True)
class CompressionSettings:
    """How the list is worked off; times are in seconds.

    ``delay_s``: how long after its arrival an object is taken up. ``look_s``: how often the list is looked at while
    it is empty. ``retry_s``: the wait after something that may be over later, as a full disk.
    """

    rules: Rules = NO_RULES
    enabled: bool = False
    workers: int = 1
    delay_s: float = 10.0
    look_s: float = 2.0
    retry_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How compression stands. The tallies count from the day when the archive began."""

    enabled: bool
    waiting: int
    saved_bytes: int
    results: Sequence[Tally]


class Compression:
    """Compresses in the background what rules want. Thread-safe."""

    def __init__(
        self,
        compressor: Compressor,
        store: CompressionStore,
        settings: CompressionSettings | None = None,
        clock: Clock = utc_now_us,
    ) -> None:
        self._compressor = compressor
        self._store = store
        self._settings = settings or CompressionSettings()
        self._clock = clock
        self._claimed: deque[Task] = deque()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def standing(self) -> Standing:
        """Return what waits and what was done. Unavailable."""
        tallies = self._store.tallies()
        # What was made with loss came in addition: no saving is claimed for it.
        saved = sum(each.before_bytes - each.after_bytes for each in tallies if each.result is Result.COMPRESSED)
        return Standing(self._settings.enabled, self._store.waiting(), saved, tallies)

    def left(self, limit: int = 100) -> Sequence[Left]:
        """Return objects that stay as they came, and why, the latest first. Unavailable."""
        return self._store.left(limit)

    def start(self) -> None:
        """Go on with what was on the list, if compression is enabled. Unavailable when the list cannot be read."""
        if not self._settings.enabled:
            return
        self._store.recover()
        names = [f"compressor-{number + 1}" for number in range(self._settings.workers)]
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    def stop(self, drain_s: float) -> None:
        """Stop after the frames under way, waiting ``drain_s`` for them; the list stays. Idempotent."""
        deadline_s = time.monotonic() + drain_s
        self._stopping.set()
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        self._threads = []
        self._give_back()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                task = self._next()
            except CalotypeError as error:
                _log.warning("the list of what is to be compressed cannot be read: %s", error)
                self._stopping.wait(self._settings.retry_s)
                continue
            if task is None:
                self._stopping.wait(self._settings.look_s)
            elif not self._do(task):
                self._give_back(task)
                self._stopping.wait(self._settings.retry_s)

    def _next(self) -> Task | None:
        with self._lock:
            if not self._claimed:
                until_us = self._clock() - round(self._settings.delay_s * SECOND_US)
                self._claimed.extend(self._store.claim(AT_ONCE, until_us))
            return self._claimed.popleft() if self._claimed else None

    def _do(self, task: Task) -> bool:
        """Compress one object; return whether that has an end, good or bad."""
        try:
            if task.attempts > MAX_ATTEMPTS:
                self._compressor.give_up(task, f"begun {MAX_ATTEMPTS} times, and the archive or its file gave out")
                return True
            rule = None
            if task.origin is not None:
                rule = self._settings.rules.rule_for(task.origin, task.modality)
            done = self._compressor.compress(task, rule, self._stopping.is_set)
        except OutOfResources as error:
            _log.warning("compression waits for %g s: %s", self._settings.retry_s, error)
            return False
        except Unavailable as error:
            # It may be this object's file alone, which must not keep all others waiting.
            _log.warning("compressing %s is tried again later: %s", task.sop_instance, error)
            return self._put_last(task)
        except Cancelled:
            return False
        except Exception:  # noqa: BLE001 - a mistake over one object must not end the work on the others
            _log.exception("compressing %s ended by a mistake of ours", task.sop_instance)
            return self._leave(task)
        _log.debug("%s: %s", task.sop_instance, done)
        return True

    def _put_last(self, task: Task) -> bool:
        try:
            self._store.release([task], begun=True)
        except CalotypeError as error:
            _log.warning("%s waits for the next start to be compressed: %s", task.sop_instance, error)
        self._stopping.wait(self._settings.retry_s)
        return True

    def _leave(self, task: Task) -> bool:
        try:
            self._compressor.give_up(task, "a mistake of ours; the log tells more")
        except CalotypeError as error:
            _log.warning("%s is tried again: %s", task.sop_instance, error)
            return False
        return True

    def _give_back(self, *tasks: Task) -> None:
        """Put what was not ended back onto the list; what cannot be is put back by the next start."""
        with self._lock:
            rest = [*tasks, *self._claimed]
            self._claimed.clear()
        if rest:
            try:
                self._store.release(rest)
            except CalotypeError as error:
                _log.warning("%d objects wait for the next start to be compressed: %s", len(rest), error)
