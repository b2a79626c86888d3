# ruff: noqa: S608 - the parts that SQL is put together from are this module's own constants
"""What is to be compressed, in the index's file; see the port ``CompressionStore``.

The list is a row for each object that waits or is worked on; one that stays as it came keeps its row, with the
reason. What was compressed has none: how much room was saved is added up in a row per result.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.services.archive.compression.ports import COUNTED, Left, Result, Sizes, Tally, Task
from calotype.services.archive.ports import ObjectLocation, StoredInstance
from calotype.stores.index import rows
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.index.statements import ORIGIN_COLUMNS, columns_of

_RECOVER: Final = "UPDATE compression SET state = 'waiting' WHERE state = 'working'"
_CLAIM: Final = """
    UPDATE compression SET state = 'working', attempts = attempts + 1 WHERE sop_instance_uid IN (
        SELECT sop_instance_uid FROM compression WHERE state = 'waiting' AND attempts {} AND at_us <= ?
        ORDER BY at_us LIMIT ?)
    RETURNING sop_instance_uid"""
_CLAIM_NEW: Final = _CLAIM.format("= 0")
_CLAIM_BEGUN: Final = _CLAIM.format("> 0")
_RELEASE: Final = (
    "UPDATE compression SET state = 'waiting', attempts = attempts - ?"
    " WHERE sop_instance_uid = ? AND state = 'working'"
)
_ORIGIN: Final = columns_of("i", ORIGIN_COLUMNS)
_TASKS: Final = f"""
    SELECT c.sop_instance_uid, c.attempts, i.id, e.modality, {_ORIGIN}
    FROM compression c LEFT JOIN instance i ON i.sop_instance_uid = c.sop_instance_uid
        LEFT JOIN series e ON e.id = i.series_row
    WHERE c.sop_instance_uid IN (SELECT value FROM json_each(?)) ORDER BY c.at_us"""
_CANDIDATES: Final = f"""
    SELECT i.id, i.sop_instance_uid, e.modality, {_ORIGIN}
    FROM instance i JOIN series e ON e.id = i.series_row{{}}
    WHERE i.id > ? AND i.transfer_syntax IN (SELECT value FROM json_each(?)){{}} ORDER BY i.id LIMIT {{}}"""
_CHUNK: Final = 500
_ALL: Final = _CANDIDATES.format("", "", _CHUNK)
_OF_STUDIES: Final = _CANDIDATES.format(
    " JOIN study s ON s.id = e.study_row",
    " AND s.study_instance_uid IN (SELECT value FROM json_each(?))",
    _CHUNK,
)
_FORGET: Final = "DELETE FROM compression WHERE sop_instance_uid = ?"
_FORGET_ENDED: Final = f"{_FORGET} AND state != 'waiting'"
"""An object that was overwritten while it was worked on waits anew, and still does afterwards."""
_LEAVE: Final = """
    INSERT INTO compression (sop_instance_uid, state, attempts, at_us, reason) VALUES (?, 'left', 0, ?, ?)
    ON CONFLICT (sop_instance_uid) DO NOTHING"""
_COUNT: Final = """
    INSERT INTO compression_tally (result, objects, before_bytes, after_bytes) VALUES (?, 1, ?, ?)
    ON CONFLICT (result) DO UPDATE SET objects = objects + 1, before_bytes = before_bytes + excluded.before_bytes,
        after_bytes = after_bytes + excluded.after_bytes"""
_WAITING: Final = "SELECT count(*) FROM compression WHERE state IN ('waiting', 'working')"
_TALLIES: Final = "SELECT result, objects, before_bytes, after_bytes FROM compression_tally ORDER BY result"
_LEFT: Final = (
    "SELECT sop_instance_uid, reason, at_us FROM compression WHERE state = 'left' AND attempts = 0"
    " ORDER BY at_us DESC LIMIT ?"
)


class SqliteCompression:
    """Implements ``services.archive.compression.ports.CompressionStore``."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def recover(self) -> None:
        """Put back what was claimed and not ended."""
        self._index.write(lambda connection: connection.execute(_RECOVER))

    def claim(self, limit: int, until_us: int) -> list[Task]:
        """Take the oldest objects of the list; what was begun before comes last and alone."""

        def work(connection: sqlite3.Connection) -> list[str]:
            taken = connection.execute(_CLAIM_NEW, (until_us, limit)).fetchall()
            return [uid for (uid,) in taken or connection.execute(_CLAIM_BEGUN, (until_us, 1)).fetchall()]

        taken = self._index.write(work)
        found = self._index.read(_TASKS, (json.dumps(taken),)) if taken else []
        return [
            Task(UID(uid), None if number is None else rows.origin(origin), modality or "", attempts)
            for uid, attempts, number, modality, *origin in found
        ]

    def release(self, tasks: Collection[Task], *, begun: bool = False) -> None:
        """Put claimed objects back; see the port."""
        values = [(0 if begun else 1, task.sop_instance) for task in tasks]
        self._index.write(lambda connection: connection.executemany(_RELEASE, values))

    def candidates(self, studies: Collection[UID], syntaxes: Collection[UID]) -> Iterator[Task]:
        """Walk over the instances of studies, or of all, that are kept in one of ``syntaxes``."""
        last, wanted = 0, json.dumps(sorted(syntaxes))
        sql, more = (_OF_STUDIES, (json.dumps(sorted(studies)),)) if studies else (_ALL, ())
        while found := self._index.read(sql, (last, wanted, *more)):
            for row in found:
                yield Task(UID(row[1]), rows.origin(row[3:]), row[2])
            last = found[-1][0]

    def exchange(self, stored: StoredInstance, location: ObjectLocation, header: bytes) -> None:
        """Commit that an object is kept elsewhere; see the port."""
        sizes = Sizes(stored.location.size_bytes, location.size_bytes)

        def also(connection: sqlite3.Connection) -> None:
            connection.execute(_FORGET, (stored.ref.instance,))
            _count(connection, Result.COMPRESSED, sizes)

        self._index.rehouse(stored, location, header, also)

    def retire(self, stored: StoredInstance) -> None:
        """Take an object out of the index, unless it has changed or has further versions."""
        self._index.retire(stored)

    def end(self, sop_instance: UID, result: Result, sizes: Sizes, *, reason: str = "", at_us: int) -> None:
        """Commit what came of an object otherwise."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_FORGET_ENDED, (sop_instance,))
            _count(connection, result, sizes)
            if reason:
                connection.execute(_LEAVE, (sop_instance, at_us, reason))

        self._index.write(work)

    def waiting(self) -> int:
        """Return how many objects are on the list."""
        ((count,),) = self._index.read(_WAITING)
        return int(count)

    def tallies(self) -> list[Tally]:
        """Return what came of objects, by result."""
        return [Tally(Result(row[0]), *row[1:]) for row in self._index.read(_TALLIES)]

    def left(self, limit: int) -> Sequence[Left]:
        """Return objects that stay as they came for a reason, the latest first."""
        return [Left(UID(row[0]), row[1], row[2]) for row in self._index.read(_LEFT, (limit,))]


def _count(connection: sqlite3.Connection, result: Result, sizes: Sizes) -> None:
    if result in COUNTED:
        connection.execute(_COUNT, (result.value, sizes.before_bytes, sizes.after_bytes))
