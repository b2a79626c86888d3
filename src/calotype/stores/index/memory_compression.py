"""What is to be compressed, in memory: the twin of ``compression``, for tests."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from calotype.dicom.hierarchy import UID
from calotype.services.archive.compression.ports import COUNTED, Left, Result, Sizes, Tally, Task
from calotype.services.archive.ports import InstanceRecord, ObjectLocation, StoredInstance
from calotype.stores.index.memory import MemoryIndex


@dataclass
class _Row:
    received_us: int
    attempts: int = 0
    is_claimed: bool = False


class MemoryCompression:
    """Implements ``services.archive.compression.ports.CompressionStore`` beside an index in memory."""

    def __init__(self, index: MemoryIndex) -> None:
        self._index = index
        self._rows: dict[UID, _Row] = {}
        self._left: dict[UID, Left] = {}
        self._tallies: dict[Result, Tally] = {}
        self._lock = threading.Lock()

    def _take_in(self) -> None:
        """Put what the index has taken in since onto the list."""
        while self._index.to_compress:
            uid, received_us = self._index.to_compress.popitem()
            self._rows[uid] = _Row(received_us)
            self._left.pop(uid, None)

    def recover(self) -> None:
        """Put back what was claimed and not ended."""
        with self._lock:
            for row in self._rows.values():
                row.is_claimed = False

    def claim(self, limit: int, until_us: int) -> list[Task]:
        """Take the oldest objects of the list; what was begun before comes last and alone."""
        with self._lock:
            self._take_in()
            due = [(row.received_us, uid, row) for uid, row in self._rows.items() if not row.is_claimed]
            due = sorted((each for each in due if each[0] <= until_us), key=lambda each: each[:2])
            taken = [each for each in due if not each[2].attempts][:limit] or due[:1]
            for _, _, row in taken:
                row.is_claimed, row.attempts = True, row.attempts + 1
            records = {record.ref.instance: record for record in self._index.served()}
            return [_task(uid, records.get(uid), row.attempts) for _, uid, row in taken]

    def release(self, tasks: Collection[Task], *, begun: bool = False) -> None:
        """Put claimed objects back; see the port."""
        with self._lock:
            for task in tasks:
                row = self._rows.get(task.sop_instance)
                if row is not None and row.is_claimed:
                    row.is_claimed, row.attempts = False, row.attempts - (not begun)

    def candidates(self, studies: Collection[UID], syntaxes: Collection[UID]) -> Iterator[Task]:
        """Walk over the instances of studies, or of all, that are kept in one of ``syntaxes``."""
        for record in self._index.served():
            if (not studies or record.ref.study in studies) and record.location.transfer_syntax in syntaxes:
                yield _task(record.ref.instance, record, 1)

    def exchange(self, stored: StoredInstance, location: ObjectLocation, header: bytes) -> None:
        """Say that an object is kept elsewhere; see the port."""
        self._index.rehouse(stored, location, header)
        with self._lock:
            self._take_in()
            self._rows.pop(stored.ref.instance, None)
            self._count(Result.COMPRESSED, Sizes(stored.location.size_bytes, location.size_bytes))

    def retire(self, stored: StoredInstance) -> None:
        """Take an object out of the index, unless it has changed or has further versions."""
        self._index.retire(stored)

    def end(self, sop_instance: UID, result: Result, sizes: Sizes, *, reason: str = "", at_us: int) -> None:
        """Note what came of an object otherwise."""
        with self._lock:
            self._take_in()
            self._left.pop(sop_instance, None)
            row = self._rows.get(sop_instance)
            # One that was overwritten while it was worked on waits anew, and still does afterwards.
            if row is not None and row.is_claimed:
                del self._rows[sop_instance]
            if reason and sop_instance not in self._rows:
                self._left[sop_instance] = Left(sop_instance, reason, at_us)
            self._count(result, sizes)

    def _count(self, result: Result, sizes: Sizes) -> None:
        if result in COUNTED:
            before = self._tallies.get(result, Tally(result, 0, 0, 0))
            self._tallies[result] = Tally(
                result,
                before.objects + 1,
                before.before_bytes + sizes.before_bytes,
                before.after_bytes + sizes.after_bytes,
            )

    def waiting(self) -> int:
        """Return how many objects are on the list."""
        with self._lock:
            self._take_in()
            return len(self._rows)

    def tallies(self) -> list[Tally]:
        """Return what came of objects, by result."""
        with self._lock:
            return [self._tallies[result] for result in sorted(self._tallies)]

    def left(self, limit: int) -> list[Left]:
        """Return objects that stay as they came for a reason, the latest first."""
        with self._lock:
            self._take_in()
            return sorted(self._left.values(), key=lambda each: -each.at_us)[:limit]


def _task(uid: UID, record: InstanceRecord | None, attempts: int) -> Task:
    if record is None:
        return Task(uid, None, "", attempts)
    return Task(uid, record.origin, record.attributes.get("Modality", ""), attempts)
