"""The feed of changes in memory: the twin of ``feed``, for tests. The index in memory tells it what it does."""

from __future__ import annotations

import threading
from uuid import uuid4

from calotype.clock import utc_now_us
from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.services.archive.feed import Action, Change, Extent

_NOTHING = UID("")


class MemoryFeed:
    """Implements ``services.archive.feed.Feed``."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._token = uuid4().hex[:16]
        self._lines: list[Change] = []
        self._untold: list[InstanceRef] = []
        self._unsettled: dict[UID, int] = {}

    # What the index says

    def stored(self, ref: InstanceRef) -> None:
        """Remember an object that is still to be told of."""
        with self._lock:
            self._untold.append(ref)

    def note(
        self, action: Action, level: Level | None, ref: InstanceRef, instances: int, at_us: int | None = None
    ) -> None:
        """Write a line, after what was stored before."""
        with self._lock:
            when_us = utc_now_us() if at_us is None else at_us
            self.tell(when_us)
            series = ref.series if level in (Level.SERIES, Level.IMAGE) else _NOTHING
            instance = ref.instance if level is Level.IMAGE else _NOTHING
            self._write(action, level, InstanceRef(ref.study, series, instance), instances, when_us)
            if action in (Action.UPDATED, Action.RESTORED):
                self._unsettled[ref.study] = when_us

    def gone(self, study: UID) -> None:
        """Wait no longer for a study that is not there any more."""
        with self._lock:
            self._unsettled.pop(study, None)

    # The verbs of the port

    def tell(self, now_us: int) -> bool:
        """Write down what was stored since the last time."""
        with self._lock:
            told, self._untold = self._untold, []
            series: dict[tuple[UID, UID], int] = {}
            for ref in told:
                series[ref.study, ref.series] = series.get((ref.study, ref.series), 0) + 1
                self._unsettled[ref.study] = now_us
            for (study, uid), count in series.items():
                self._write(Action.CREATED, Level.SERIES, InstanceRef(study, uid, _NOTHING), count, now_us)
            return bool(told)

    def settle(self, quiet_since_us: int, now_us: int) -> int | None:
        """Write a line about each study that is quiet by now; the number of its instances is not known here."""
        with self._lock:
            quiet = sorted((at, study) for study, at in self._unsettled.items() if at <= quiet_since_us)
            for _, study in quiet:
                self._write(Action.STABLE, Level.STUDY, InstanceRef(study, _NOTHING, _NOTHING), 0, now_us)
                del self._unsettled[study]
            return min(self._unsettled.values(), default=None)

    def extent(self) -> Extent:
        """Return which feed this is and how far it reaches."""
        with self._lock:
            if not self._lines:
                return Extent(self._token, 0, 0)
            return Extent(self._token, self._lines[0].sequence, self._lines[-1].sequence)

    def lines(self, since: int, limit: int) -> list[Change]:
        """Return lines after a number, in order."""
        with self._lock:
            return [line for line in self._lines if line.sequence > since][:limit]

    def trim(self, keep: int) -> int:
        """Forget all but the newest lines."""
        with self._lock:
            before = len(self._lines)
            self._lines = self._lines[-max(keep, 1) :]
            return before - len(self._lines)

    def _write(self, action: Action, level: Level | None, ref: InstanceRef, instances: int, at_us: int) -> None:
        number = self._lines[-1].sequence + 1 if self._lines else 1
        self._lines.append(Change(number, action, level, ref.study, ref.series, ref.instance, instances, at_us))
