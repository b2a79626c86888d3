"""Labels and remarks of studies, in the index's file; see the port ``services.archive.marks.MarkStore``.

Marks of studies that are neither in the archive nor in its recycle bin go when the next ones are written.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from calotype.clock import utc_now_us
from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.dicom.text import fold
from calotype.services.archive.feed import Action
from calotype.services.archive.marks import Edit, Mark, label_key
from calotype.stores.index import feed
from calotype.stores.index.feed import Execute
from calotype.stores.index.sqlite import SqliteIndex

_LISTED: Final = "IN (SELECT value FROM json_each(?))"
_LABELS_OF: Final = (
    f"SELECT study_instance_uid, label FROM study_label WHERE study_instance_uid {_LISTED} ORDER BY 1, label"  # noqa: S608
)
_REMARKS_OF: Final = f"SELECT study_instance_uid, remark FROM study_remark WHERE study_instance_uid {_LISTED}"  # noqa: S608
_ADD: Final = "INSERT OR IGNORE INTO study_label (study_instance_uid, key, label) VALUES (?, ?, ?)"
_REMOVE: Final = "DELETE FROM study_label WHERE study_instance_uid = ? AND key = ?"
_REMARK: Final = "INSERT OR REPLACE INTO study_remark (study_instance_uid, key, remark) VALUES (?, ?, ?)"
_NO_REMARK: Final = "DELETE FROM study_remark WHERE study_instance_uid = ?"
_SWEEPS: Final = tuple(
    f"""
    DELETE FROM {table}
    WHERE NOT EXISTS (SELECT 1 FROM study s WHERE s.study_instance_uid = {table}.study_instance_uid)
        AND NOT EXISTS (SELECT 1 FROM recycled r WHERE r.study_instance_uid = {table}.study_instance_uid
            AND r.state = 'kept')"""  # noqa: S608
    for table in ("study_label", "study_remark")
)
_ALL_LABELS: Final = """
    SELECT min(l.label), count(*) FROM study_label l JOIN study s ON s.study_instance_uid = l.study_instance_uid
    GROUP BY l.key ORDER BY 1"""
_LABELLED: Final = f"""
    SELECT study_instance_uid FROM study_label WHERE key {_LISTED}
    GROUP BY study_instance_uid HAVING count(*) = ? ORDER BY 1 LIMIT ?"""  # noqa: S608
_REMARKED: Final = "SELECT study_instance_uid FROM study_remark WHERE instr(key, ?) ORDER BY 1 LIMIT ?"
_MENTIONING: Final = """
    WITH given (piece) AS (VALUES (?))
    SELECT study_instance_uid FROM study_remark, given WHERE instr(key, piece)
    UNION SELECT study_instance_uid FROM study_label, given WHERE instr(key, piece) ORDER BY 1 LIMIT ?"""

_Read = Callable[[str, Sequence[object]], Iterable[Sequence[Any]]]


class SqliteMarks:
    """Implements ``services.archive.marks.MarkStore``."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def marks(self, studies: Sequence[UID]) -> Mapping[UID, Mark]:
        """Return the marks of those studies that have any."""
        return _marks(self._index.read, studies)

    def edit(self, studies: Sequence[UID], edit: Edit) -> None:
        """Commit a change of the marks of studies; see the port."""
        added = [(study, label_key(label), label) for study in studies for label in edit.add]
        removed = [(study, label_key(label)) for study in studies for label in edit.remove]
        remarks = [(study, fold(edit.remark), edit.remark) for study in studies if edit.remark]

        def work(connection: sqlite3.Connection) -> None:
            before = _marks(connection.execute, studies)
            connection.executemany(_REMOVE, removed)
            connection.executemany(_ADD, added)
            if edit.remark is not None:
                connection.executemany(_NO_REMARK, [(study,) for study in studies])
                connection.executemany(_REMARK, remarks)
            after = _marks(connection.execute, studies)
            _tell(connection.execute, [study for study in studies if before.get(study) != after.get(study)])
            for sweep in _SWEEPS:
                connection.execute(sweep)

        self._index.write(work)

    def labels(self) -> Sequence[tuple[str, int]]:
        """Return each label that studies of the archive have, and how many have it."""
        return [(str(label), int(count)) for label, count in self._index.read(_ALL_LABELS)]

    def labelled(self, labels: Sequence[str], limit: int) -> Sequence[UID]:
        """Return studies that have all of these labels."""
        keys = list(dict.fromkeys(map(label_key, labels)))
        return self._uids(_LABELLED, (json.dumps(keys), len(keys), limit))

    def mentioning(self, text: str, limit: int) -> Sequence[UID]:
        """Return studies whose remark, or one of whose labels, holds ``text``."""
        return self._uids(_MENTIONING, (text, limit))

    def remarked(self, text: str, limit: int) -> Sequence[UID]:
        """Return studies whose remark holds ``text``."""
        return self._uids(_REMARKED, (text, limit))

    def _uids(self, sql: str, values: Sequence[object]) -> list[UID]:
        return [UID(study) for (study,) in self._index.read(sql, values)]


def _marks(read: _Read, studies: Sequence[UID]) -> Mapping[UID, Mark]:
    listed = (json.dumps(list(studies)),)
    labels: dict[UID, list[str]] = {}
    for study, label in read(_LABELS_OF, listed):
        labels.setdefault(UID(study), []).append(label)
    remarks = {UID(study): str(remark) for study, remark in read(_REMARKS_OF, listed)}
    return {study: Mark(tuple(labels.get(study, ())), remarks.get(study, "")) for study in labels.keys() | remarks}


def _tell(execute: Execute, studies: Sequence[UID]) -> None:
    """Write lines about studies that are marked otherwise now, after what was stored before. Inside a transaction."""
    now_us = utc_now_us()
    feed.tell(execute, now_us)
    for study in studies:
        feed.note(execute, Action.MARKED, Level.STUDY, InstanceRef(study, UID(""), UID("")), 0, now_us)
