"""What users mark in studies, in the index's file; see the port ``services.archive.annotations.AnnotationStore``.

Annotations of studies that are neither in the archive nor in its recycle bin go when their user writes the next ones.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.errors import OutOfResources
from calotype.services.archive.annotations import MAX_OF_STUDY, MAX_OF_USER
from calotype.stores.index.sqlite import SqliteIndex

_OF: Final = "SELECT name, value FROM annotation WHERE user_name = ? AND study_instance_uid = ? ORDER BY name"
_PUT: Final = "INSERT OR REPLACE INTO annotation (user_name, study_instance_uid, name, value) VALUES (?, ?, ?, ?)"
_TAKE: Final = "DELETE FROM annotation WHERE user_name = ? AND study_instance_uid = ? AND name = ?"
_NAMES: Final = "SELECT name FROM annotation WHERE user_name = ? AND study_instance_uid = ?"
_COUNT: Final = "SELECT count(*) FROM annotation WHERE user_name = ?"
_SWEEP: Final = """
    DELETE FROM annotation
    WHERE user_name = ? AND study_instance_uid IN (
        SELECT DISTINCT a.study_instance_uid FROM annotation a
        WHERE a.user_name = ?
            AND NOT EXISTS (SELECT 1 FROM study s WHERE s.study_instance_uid = a.study_instance_uid)
            AND NOT EXISTS (SELECT 1 FROM recycled r WHERE r.study_instance_uid = a.study_instance_uid
                AND r.state = 'kept'))"""


class SqliteAnnotations:
    """Implements ``services.archive.annotations.AnnotationStore``."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def annotations(self, user: str, study: UID) -> Mapping[str, str]:
        """Return those of a user in a study, by name."""
        return {str(name): str(value) for name, value in self._index.read(_OF, (user, study))}

    def annotate(self, user: str, study: UID, changes: Mapping[str, str | None]) -> None:
        """Put some in the place of what was there; see the port."""
        put = [(user, study, name, value) for name, value in changes.items() if value is not None]
        taken = [(user, study, name) for name, value in changes.items() if value is None]

        def work(connection: sqlite3.Connection) -> None:
            check_room(
                {name for (name,) in connection.execute(_NAMES, (user, study))},
                connection.execute(_COUNT, (user,)).fetchone()[0],
                changes,
            )
            connection.executemany(_TAKE, taken)
            connection.executemany(_PUT, put)
            connection.execute(_SWEEP, (user, user))

        self._index.write(work)


def check_room(known: set[str], count: int, changes: Mapping[str, str | None]) -> None:
    """Raise OutOfResources when changes would leave a user with too many; ``known`` are those of the study."""
    after = (known | changes.keys()) - {name for name, value in changes.items() if value is None}
    if len(after) > max(MAX_OF_STUDY, len(known)):
        raise OutOfResources(f"a study has at most {MAX_OF_STUDY} annotations of one user; remove some first")
    total = count - len(known) + len(after)
    if total > max(MAX_OF_USER, count):
        raise OutOfResources(f"one user has at most {MAX_OF_USER} annotations; remove some of other studies first")
