"""Whole objects brought into other transfer syntaxes by child processes, several at a time.

Threads do not do for frames of half a millisecond: they pass one lock to and fro, and grow one address space. A child
gets the open file of an object and an unlinked one to write to, and answers how long that became; nobody copies
pixels through a socket, and a codec that dies takes only a child along. Children are started when there is work for
several at one time, and ended after a while without any. The child's program is ``converter``.

Of those who wait for a result, one looks after all children and hands out what waits: no thread stands between who
asks and who works. The only one there is sleeps until children have nothing to do.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson

from calotype.closing import Stopping
from calotype.dicom.hierarchy import UID
from calotype.errors import CalotypeError, DamagedPixels, OutOfResources, Unavailable
from calotype.services.archive.children import HAS_CHILDREN, MIB, Child, in_words
from calotype.services.archive.converter import CONVERT, MODULE, Order
from calotype.services.archive.errands import Errand, NotHere, Vessel, refusal

_log = logging.getLogger(__name__)

LARGEST_BYTES: Final = 16 * 1000 * 1000
"""Objects up to this size are for children; larger ones scale in threads, and flow there frame by frame."""
_MAX_HELD_BYTES: Final = 256 * MIB
"""How much of sources and results there may be at one time; what is asked for beyond is made in threads."""

_MOST_PROCESSES: Final = 8
"""Each takes some 50 MiB; who wants more says so."""
_AT_ONCE: Final = 2
"""So many orders are with a child, so that it need not wait for us between two."""
_SHORT_AT_ONCE: Final = 5
"""And so many where each is short: they come together, and what becomes of them is told together."""
_SHORT_S: Final = 0.003
_TOGETHER: Final = 4
"""While all children have enough in hand, orders wait until there are so many to give."""
_TRIES: Final = 2
"""An object that so many children died of is given up."""
_OUT_OF_TIME: Final = -getattr(signal, "SIGXCPU", 0)
_LOOK_S: Final = 1.0
_AFTER_FAILURE_S: Final = 60.0
"""How long no child is started after one that did not start."""
_CAN_WATCH: Final = hasattr(selectors, "EpollSelector") or hasattr(selectors, "KqueueSelector")
"""Whether sockets can be put to those that are watched while somebody watches."""


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """How many children there may be, and what each may take for one object."""

    processes: int = 2
    memory_bytes: int = 2048 * MIB
    """Enforced on Linux."""
    cpu_s: int = 60
    wall_s: float = 180.0
    idle_s: float = 60.0
    """Children that have had nothing to do for so long are ended."""


def processes_by_default() -> int:
    """Return how many children there may be where nobody says: one for each processor, none where there is one."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, _MOST_PROCESSES) if processors > 1 else 0


class Fleet(Stopping):
    """Converts objects in children. Thread-safe. Nothing is started before there is work for several.

    ``convert`` is what the children call, ``module:function``. As a context manager it is stopped at the end.
    """

    def __init__(self, settings: FleetSettings | None = None, convert: str = CONVERT) -> None:
        self._settings = settings or FleetSettings()
        self._convert = convert
        self._can = HAS_CHILDREN and _CAN_WATCH and self._settings.processes > 0
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._ended = threading.Condition(lock)
        self._selector: selectors.BaseSelector | None = None
        self._vessels: set[Vessel] = set()
        self._waiting: deque[Errand] = deque()
        self._held_bytes = 0
        self._under_way = 0
        self._elsewhere = 0
        self._has_watch = False
        self._is_stopped = False
        self._not_before_s = 0.0
        self._used_s = 0.0
        self._sweeper: threading.Thread | None = None

    @property
    def pids(self) -> frozenset[int]:
        """The processes that can be asked now."""
        with self._changed:
            return frozenset(vessel.child.pid for vessel in self._vessels if vessel.is_ready)

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Say that an object is converted in this process, so that it is known when there is work for several."""
        with self._changed:
            self._elsewhere += 1
        try:
            yield
        finally:
            with self._changed:
                self._elsewhere -= 1

    def begin(self, order: Order, source: int, *, is_one_of_many: bool = False) -> Errand | None:
        """Have an object converted that lies in the open file ``source``; ``None`` when this is not for children.

        That is when it is too large, when no child is there yet, or when all have more than enough to do. The first
        are started when it ``is_one_of_many`` or other objects are being converted.
        """
        if not self._can or order.stop - order.start > LARGEST_BYTES:
            return None
        with self._changed:
            if self._is_stopped:
                return None
            self._used_s = time.monotonic()
            if self._selector is not None and not self._has_watch and not self._has_room:
                self._take(self._selector.select(0))
            if is_one_of_many or self._elsewhere or self._under_way:
                self._start_first()
            is_full = self._held_bytes + order.stop - order.start > _MAX_HELD_BYTES
            if is_full or not self._is_ready:
                return None
            try:
                errand = Errand(self, order, source)
            except OSError:
                return None
            self._under_way += 1
            self._held_bytes += errand.held_bytes
            self._waiting.append(errand)
            if len(self._waiting) >= _TOGETHER or not all(
                vessel.is_ready and len(vessel.errands) >= _AT_ONCE for vessel in self._vessels
            ):
                self._hand_out()
        return errand

    def warm(self) -> bool:
        """Start a first child if there is none, and wait until one can be asked; tell whether one can."""
        if not self._can:
            return False
        with self._changed:
            self._under_way += 1
            self._start_first()
        self._wait(lambda: self._is_ready or not self._vessels)
        with self._changed:
            self._under_way -= 1
            self._used_s = time.monotonic()
            return self._is_ready

    def wait_for(self, errand: Errand) -> None:
        """Wait until an errand is done, and look after all others meanwhile unless somebody does."""
        self._wait(lambda: errand.is_done)

    @property
    def _is_ready(self) -> bool:
        return any(vessel.is_ready for vessel in self._vessels)

    @property
    def _has_room(self) -> bool:
        return any(vessel.is_ready and len(vessel.errands) < _at_once(vessel) for vessel in self._vessels)

    def _wait(self, is_over: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: is_over() or not self._has_watch)
            if is_over():
                return
            self._has_watch = True
            self._hand_out()
        self._watch(is_over)

    def leave(self, errand: Errand) -> None:
        """Free what an errand holds, as soon as no child works on it."""
        with self._changed:
            if errand.is_left:
                return
            errand.is_left = True
            if errand in self._waiting:
                self._waiting.remove(errand)
                errand.is_done = True
            if errand.is_done:
                self._free(errand)

    def stop(self) -> None:
        """End all children; who waits for one is told. Idempotent."""
        with self._changed:
            self._is_stopped = True
            self._end_all()
            self._hand_out()
            self._close_selector()
            self._changed.notify_all()
            self._ended.notify_all()
            sweeper = self._sweeper
        if sweeper is not None:
            sweeper.join()

    def _watch(self, is_over: Callable[[], bool]) -> None:
        """Look after all children until it is over. One thread at a time."""
        try:
            while True:
                with self._changed:
                    if is_over() or self._is_stopped or self._selector is None:
                        return
                    selector = self._selector
                events = selector.select(_LOOK_S)
                with self._changed:
                    self._take(events)
        finally:
            with self._changed:
                self._has_watch = False
                self._close_selector()
                self._changed.notify_all()

    def _close_selector(self) -> None:
        if self._is_stopped and not self._has_watch and self._selector is not None:
            self._selector.close()
            self._selector = None

    def _take(self, events: Sequence[tuple[selectors.SelectorKey, int]]) -> None:
        """Take in what children have said, end those that take too long, and hand out what waits."""
        for key, _ in events:
            vessel: Vessel = key.data
            if vessel not in self._vessels:
                continue
            is_there = vessel.hear()
            try:
                for errand, size_bytes, told in vessel.answers():
                    self._done(errand, size_bytes, told)
            except ValueError:
                is_there = False
            if not is_there:
                self._bury(vessel)
        now_s = time.monotonic()
        for vessel in list(self._vessels):
            if (vessel.errands or not vessel.is_ready) and now_s - vessel.since_s > self._settings.wall_s:
                self._bury(vessel, OutOfResources(f"converting it took longer than {self._settings.wall_s:g} s"))
        self._hand_out()

    def _done(self, errand: Errand, size_bytes: int, told: bytes) -> None:
        """Note what came of an errand."""
        try:
            answer: dict[str, Any] = dict(orjson.loads(told)) if told else {}
            error = refusal(answer, self._settings.memory_bytes)
            errand.sop_instance = UID(answer["sop_instance"]) if "sop_instance" in answer else None
        except (ValueError, KeyError, TypeError):
            error = DamagedPixels("the process that converted it answered nonsense")
        if error is not None:
            self._fail(errand, error)
            return
        errand.size_bytes = size_bytes
        errand.held_bytes += size_bytes
        self._held_bytes += size_bytes
        self._end(errand)

    def _fail(self, errand: Errand, error: CalotypeError) -> None:
        errand.error = error
        self._end(errand)

    def _end(self, errand: Errand) -> None:
        errand.is_done = True
        if errand.is_left:
            self._free(errand)
        self._changed.notify_all()

    def _free(self, errand: Errand) -> None:
        os.close(errand.source)
        self._held_bytes -= errand.held_bytes
        self._under_way -= 1
        self._used_s = time.monotonic()
        errand.give_back()

    def _bury(self, vessel: Vessel, cause: CalotypeError | None = None) -> None:
        """End a child, or one that has ended. What it had in hand others do, but for what it came to its end of."""
        self._vessels.discard(vessel)
        if self._selector is not None:
            self._selector.unregister(vessel.child.channel)
        status = vessel.child.status() if cause is None and not self._is_stopped else None
        vessel.child.kill()
        if not vessel.is_ready and cause is None and not self._is_stopped:
            self._not_before_s = time.monotonic() + _AFTER_FAILURE_S
            _log.warning("objects are converted in threads: the process for it did not start (%s)", status)
        guilty = vessel.at_work()
        again = []

        def is_lost(errand: Errand) -> bool:
            # All that there may be can have been gone already, by the same stroke.
            return errand.losses > self._settings.processes

        for errand in vessel.errands:
            errand.deaths += errand is guilty and errand.is_begun
            errand.losses += errand is guilty and not errand.is_begun
            if errand.is_left:
                self._end(errand)
            elif self._is_stopped:
                self._fail(errand, Unavailable("the archive is being stopped"))
            elif errand is guilty and cause is not None:
                self._fail(errand, cause)
            elif errand.deaths < _TRIES and not is_lost(errand) and (errand is not guilty or status != _OUT_OF_TIME):
                errand.give_back()
                again.append(errand)
            elif not errand.deaths and is_lost(errand):
                # Nobody has looked at it.
                self._fail(errand, NotHere("the processes that were to convert it ended before"))
            else:
                self._fail(errand, self._death(status))
        vessel.errands.clear()
        vessel.spools.close()
        self._waiting.extendleft(reversed(again))

    def _death(self, status: int | None) -> CalotypeError:
        """Return what it means that children ended over an object."""
        if status is None:
            return DamagedPixels("the process that converted it hung up")
        if status == _OUT_OF_TIME:
            return OutOfResources(f"converting it took more than {self._settings.cpu_s} s of processor time")
        if status == -signal.SIGKILL:
            return OutOfResources("the system ended the processes that converted it")
        return DamagedPixels(f"a codec died of it: {in_words(status)}")

    def _hand_out(self) -> None:
        """Give what waits to whoever has least to do; start more children while all are busy."""
        while self._waiting and self._is_stopped:
            self._fail(self._waiting.popleft(), Unavailable("the archive is being stopped"))
        while self._waiting:
            ready = [vessel for vessel in self._vessels if vessel.is_ready]
            best = min(ready, key=lambda vessel: len(vessel.errands), default=None)
            if best is None or best.errands:
                self._grow()
            if best is None:
                if self._vessels:
                    return
                self._fail(self._waiting.popleft(), NotHere("there is no process to convert it in"))
                continue
            room = _at_once(best) - len(best.errands)
            if room <= 0:
                return
            self._give(best, min(room, -(-len(self._waiting) // len(ready))))

    def _give(self, vessel: Vessel, count: int) -> None:
        given = []
        for _ in range(count):
            errand = self._waiting.popleft()
            try:
                vessel.allot(errand)
            except OSError as error:
                self._fail(errand, NotHere(f"there is no file for what it becomes: {error}"))
            else:
                given.append(errand)
        try:
            if given:
                vessel.give(given)
        except OSError:
            self._bury(vessel)

    def _start_first(self) -> None:
        if not self._vessels:
            self._grow()

    def _grow(self) -> None:
        """Start one more child, unless there are enough, or one that nobody knows yet how it will do."""
        now_s = time.monotonic()
        if (
            self._is_stopped
            or now_s < self._not_before_s
            or len(self._vessels) >= self._settings.processes
            or not all(vessel.is_ready for vessel in self._vessels)
        ):
            return
        limits = (str(self._settings.memory_bytes), str(self._settings.cpu_s))
        try:
            vessel = Vessel(Child(MODULE, (self._convert, *limits)))
        except OutOfResources as error:
            self._not_before_s = now_s + _AFTER_FAILURE_S
            _log.warning("objects are converted in threads: %s", error)
            return
        if self._selector is None:
            self._selector = selectors.DefaultSelector()
        self._selector.register(vessel.child.channel, selectors.EVENT_READ, vessel)
        self._vessels.add(vessel)
        self._used_s = now_s
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep, name="fleet", daemon=True)
            self._sweeper.start()

    def _sweep(self) -> None:
        """End all children once they have had nothing to do for a while."""
        with self._ended:
            while self._vessels and not self._is_stopped:
                idle_s = 0.0 if self._under_way else time.monotonic() - self._used_s
                if idle_s >= self._settings.idle_s:
                    self._end_all()
                    break
                self._ended.wait(self._settings.idle_s - idle_s)
            self._sweeper = None

    def _end_all(self) -> None:
        for vessel in list(self._vessels):
            self._bury(vessel, Unavailable("the process to convert it in was ended"))


def _at_once(vessel: Vessel) -> int:
    return _SHORT_AT_ONCE if vessel.pace_s < _SHORT_S else _AT_ONCE
