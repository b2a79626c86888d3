# ruff: noqa: S608 - the parts that SQL is put together from are the schema's names
"""What rows say of themselves when the object that speaks for them is overwritten: new words in their old place.

A series and a study say what their first object says, in the order of arrival; a patient says what its first study
says. Here are the statements that find out whether an object is such a first one, and that write what its successor
says. They work on the live rows, inside a transaction of the ``ledger``, which knows when to ask; a rebuild begins
with nothing and overwrites nothing.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from calotype.dicom.hierarchy import UID, Level
from calotype.services.archive.ports import Flag
from calotype.stores.index import names, pieces, schema
from calotype.stores.index.keys import key_columns
from calotype.stores.index.patients import Face
from calotype.stores.index.rows import level_values

Execute = Callable[..., sqlite3.Cursor]

MAX_STUDIES: Final = 16
"""Studies of one patient that are read again because the patient is called otherwise now."""

_TABLES: Final = {Level.PATIENT: "patient", Level.STUDY: "study", Level.SERIES: "series"}


def _columns(level: Level) -> list[str]:
    """Return the columns that ``rows.level_values`` has the values of."""
    return [column for a in schema.stored(level) for column in (a.column, *key_columns(a))]


_WORDS: Final = {
    level: f"SELECT {', '.join(_columns(level))} FROM {table} WHERE id = ?" for level, table in _TABLES.items()
}
_TELL: Final = {
    level: f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in _columns(level))} WHERE id = ?"
    for level, table in _TABLES.items()
}

_OLDER_IN_SERIES: Final = "SELECT 1 FROM instance WHERE series_row = ? AND id < ? LIMIT 1"
_OLDER_IN_STUDY: Final = """
    SELECT 1 FROM series e JOIN instance i ON i.series_row = e.id WHERE e.study_row = ? AND i.id < ? LIMIT 1"""
_OTHER_IN_STUDY: Final = """
    SELECT 1 FROM series e JOIN instance i ON i.series_row = e.id WHERE e.study_row = ? AND i.id <> ? LIMIT 1"""
_INSTANCES: Final = "SELECT coalesce(sum(instances), 0) FROM tally WHERE study_row = ?"
_FLAGS: Final = "SELECT flags FROM instance WHERE id = ?"
_DISAGREEING: Final = f"""
    SELECT i.id FROM series e JOIN instance i ON i.series_row = e.id
    WHERE e.study_row = ? AND instr(i.flags, '{Flag.PATIENT_CONFLICT}') ORDER BY i.id"""

_FACE: Final = """
    SELECT patient_id, issuer_of_patient_id, patient_name, patient_birth_date, patient_sex FROM study WHERE id = ?"""
_PATIENT: Final = """
    SELECT patient_id, issuer_of_patient_id, only_study, patient_name, patient_birth_date, patient_sex
    FROM patient WHERE id = ?"""
_STUDIES: Final = "SELECT study_instance_uid FROM study WHERE patient_row = ? ORDER BY id LIMIT ?"
_IDENTITY: Final = "SELECT patient_id, issuer_of_patient_id, only_study FROM patient WHERE id = ?"
_FIRST_STUDY: Final = "SELECT id FROM study WHERE patient_row = ? AND id <> ? ORDER BY id LIMIT 1"
_MOVE_STUDY: Final = "UPDATE study SET patient_row = ? WHERE id = ?"
_PATIENT_NAMES: Final = f"SELECT {', '.join(pieces.COLUMNS['patient'])} FROM patient WHERE id = ?"

_CALLED: Final = [
    column for column in _columns(Level.PATIENT) if not column.startswith(("patient_id", "issuer_of_patient_id"))
]
"""What a patient's row says beyond who it is."""
_CALL_AS_STUDY: Final = (
    f"UPDATE patient SET ({', '.join(_CALLED)}) = (SELECT {', '.join(_CALLED)} FROM study WHERE id = ?) WHERE id = ?"
)

_WORDINGS: Final = "SELECT count(*) FROM patient_conflict WHERE study_instance_uid = ?"
_NAME_ANOTHER: Final = """
    UPDATE patient_conflict SET (series_instance_uid, sop_instance_uid) = (
        SELECT e.series_instance_uid, i.sop_instance_uid FROM instance i JOIN series e ON e.id = i.series_row
        WHERE i.id = ?)
    WHERE study_instance_uid = ? AND sop_instance_uid = ?"""


def leads(execute: Execute, row: Sequence[Any]) -> tuple[bool, bool]:
    """Tell whether an instance, a row of ``select_instance``, is the first of its series, and of its study."""
    instance_row, series_row, study_row = row[:3]
    if execute(_OLDER_IN_SERIES, (series_row, instance_row)).fetchone() is not None:
        return False, False
    return True, execute(_OLDER_IN_STUDY, (study_row, instance_row)).fetchone() is None


def is_alone(execute: Execute, row: Sequence[Any]) -> bool:
    """Tell whether an instance, a row of ``select_instance``, is the only one of its study."""
    return execute(_OTHER_IN_STUDY, (row[2], row[0])).fetchone() is None


def disagrees(execute: Execute, instance_row: int) -> bool:
    """Tell whether an instance is flagged for what it says of its patient."""
    (flags,) = execute(_FLAGS, (instance_row,)).fetchone()
    return Flag.PATIENT_CONFLICT in flags.split()


def disagreeing(execute: Execute, study_row: int) -> dict[int, None]:
    """Return the instances of a study that are flagged for what they say of its patient, first come first."""
    return dict.fromkeys(row for (row,) in execute(_DISAGREEING, (study_row,)))


def wordings(execute: Execute, study: UID) -> int:
    """Return how many contradictions of a study are recorded."""
    (count,) = execute(_WORDINGS, (study,)).fetchone()
    return int(count)


def name_another(execute: Execute, study: UID, instance: UID, other_row: int) -> None:
    """Let what was recorded of an instance's patient name another instance that says the same."""
    execute(_NAME_ANOTHER, (other_row, study, instance))


def tell_series(execute: Execute, series_row: int, attributes: Mapping[str, str]) -> bool:
    """Write what a series says; tell whether it said something else."""
    return _tell(execute, Level.SERIES, series_row, attributes)


def tell_study(execute: Execute, study_row: int, attributes: Mapping[str, str]) -> tuple[bool, bool]:
    """Write what a study says; tell whether it said something else, and whether that was of the patient's face."""
    before = _face(execute, study_row)
    texts = execute(names.OF_STUDY, (study_row,)).fetchone()
    is_changed = _tell(execute, Level.STUDY, study_row, attributes)
    if is_changed:
        names.key(execute, execute(names.OF_STUDY, (study_row,)).fetchone())
        names.released(execute, texts)
    return is_changed, _face(execute, study_row) != before


def tell_patient(execute: Execute, study_row: int, patient_row: int, attributes: Mapping[str, str]) -> None:
    """Write what a patient says, if this is the first of its studies."""
    first = execute(_FIRST_STUDY, (patient_row, study_row)).fetchone()
    if first is None or study_row < first[0]:
        texts = execute(_PATIENT_NAMES, (patient_row,)).fetchone()
        if _tell(execute, Level.PATIENT, patient_row, attributes):
            names.key(execute, execute(_PATIENT_NAMES, (patient_row,)).fetchone())
            names.released(execute, texts)


def leave_patient(execute: Execute, study_row: int, patient_row: int) -> None:
    """Let a patient say what the first of its other studies says, if it has others."""
    first = execute(_FIRST_STUDY, (patient_row, study_row)).fetchone()
    if first is not None:
        texts = execute(_PATIENT_NAMES, (patient_row,)).fetchone()
        execute(_CALL_AS_STUDY, (first[0], patient_row))
        names.released(execute, texts)


def is_patient(execute: Execute, patient_row: int, identity: tuple[str, str, str]) -> bool:
    """Tell whether a row is the patient of that identity."""
    return bool(execute(_IDENTITY, (patient_row,)).fetchone() == identity)


def patient(execute: Execute, patient_row: int) -> tuple[str, ...] | None:
    """Return who a patient is, and its face; ``None`` when there is no such row."""
    row: tuple[str, ...] | None = execute(_PATIENT, (patient_row,)).fetchone()
    return row


def misjudged(execute: Execute, patient_row: int, known: tuple[str, ...] | None) -> list[UID]:
    """Return the studies of a patient if it had another face when it was ``known``, first come first.

    None of them when they are many: it is not for a sender to wait until all of those are read.
    """
    now = patient(execute, patient_row)
    if now is None or known is None or now == known or now[:3] != known[:3]:
        return []
    found = [UID(uid) for (uid,) in execute(_STUDIES, (patient_row, MAX_STUDIES + 1))]
    return found if len(found) <= MAX_STUDIES else []


def move_study(execute: Execute, study_row: int, patient_row: int) -> None:
    """Put a study under another patient."""
    execute(_MOVE_STUDY, (patient_row, study_row))


def _face(execute: Execute, study_row: int) -> Face:
    return Face(*execute(_FACE, (study_row,)).fetchone())


def _tell(execute: Execute, level: Level, row: int, attributes: Mapping[str, str]) -> bool:
    words = tuple(level_values(level, attributes))
    if execute(_WORDS[level], (row,)).fetchone() == words:
        return False
    execute(_TELL[level], (*words, row))
    return True


class Doubts:
    """How often a study was to be judged anew, so that this does not happen for each of its objects.

    Only a hint: it outlives a rollback.
    """

    MAX_STUDIES: Final = 1024
    FEW: Final = 64
    """Instances up to which a study is read again each time."""

    def __init__(self) -> None:
        self._counts: OrderedDict[UID, int] = OrderedDict()

    def due(self, execute: Execute, study: UID, study_row: int) -> bool:
        """Count one more doubt; tell whether the study is to be read again now.

        That is the first, second, fourth, eighth ... time, so that all of them together cost a small study's
        number of readings however often they come.
        """
        count = self._counts.pop(study, 0) + 1
        self._counts[study] = count
        if len(self._counts) > self.MAX_STUDIES:
            self._counts.popitem(last=False)
        (instances,) = execute(_INSTANCES, (study_row,)).fetchone()
        return instances <= self.FEW or count.bit_count() == 1
