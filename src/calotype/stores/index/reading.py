# ruff: noqa: S608 - the parts that SQL is put together from are this module's own constants
"""The questions to SQLite that are no ``Query``: one instance, a selection, everything, what waits, the totals.

Each stands once, named and described. Whoever runs them is in ``sqlite``; nothing here has a connection.
"""

from __future__ import annotations

import json
from typing import Any, Final

from calotype.dicom.hierarchy import Level, Selection
from calotype.stores.index.statements import LOCATION_COLUMNS, ORIGIN_COLUMNS, columns_of

_UIDS: Final = "s.study_instance_uid, e.series_instance_uid, i.sop_instance_uid"
_STORED: Final = f"{_UIDS}, i.sop_class_uid, {columns_of('i', LOCATION_COLUMNS)}"
_FROM: Final = "instance i JOIN series e ON e.id = i.series_row JOIN study s ON s.id = e.study_row"

INSTANCE: Final = f"SELECT {_STORED} FROM {_FROM} WHERE i.sop_instance_uid = ?"
"""The served version of one instance: what a StoredInstance holds."""

VERSIONS: Final = (
    f"SELECT {columns_of('v', LOCATION_COLUMNS)} FROM version v WHERE v.sop_instance_uid = ? ORDER BY v.id"
)
"""The further versions of one instance, oldest first."""

STORED_CHUNK: Final = f"SELECT i.id, {_STORED} FROM {_FROM} WHERE i.id IN (SELECT value FROM json_each(?))"
"""Row number and StoredInstance of listed rows, in any order."""

HEADER_CHUNK: Final = f"""
    SELECT i.id, {_UIDS}, h.json_zlib FROM {_FROM} JOIN header h ON h.instance_row = i.id
    WHERE i.id IN (SELECT value FROM json_each(?))"""
"""Row number, reference and header of listed rows, in any order."""

_FIRST_OF_SERIES: Final = (
    "SELECT i.id FROM instance i WHERE i.series_row = {} ORDER BY i.instance_number_key, i.id LIMIT 1"
)
_FIRST_OF_STUDY: Final = _FIRST_OF_SERIES.format(
    "(SELECT t.series_row FROM tally t WHERE t.study_row = {} ORDER BY t.series_row LIMIT 1)"
)
_FIRST_OF_PATIENT: Final = _FIRST_OF_STUDY.format(
    "(SELECT s.id FROM study s WHERE s.patient_row = {} ORDER BY s.id LIMIT 1)"
)
_FIRST: Final = {
    Level.PATIENT: _FIRST_OF_PATIENT,
    Level.STUDY: _FIRST_OF_STUDY,
    Level.SERIES: _FIRST_OF_SERIES,
    Level.IMAGE: "SELECT {}",
}

REPRESENTATIVE_CHUNK: Final = {
    level: f"""
    SELECT j.value, h.json_zlib FROM json_each(?) j
    JOIN header h ON h.instance_row = ({first.format("j.value")})"""
    for level, first in _FIRST.items()
}
"""Row number of listed patients, studies, series or instances, and the header of each one's representative: the first
instance, by number, of the first series. Each is found by a few seeks."""

RECORDS: Final = f"""
    SELECT i.id, {_STORED}, {columns_of("i", ORIGIN_COLUMNS)}, i.received_us
    FROM {_FROM} WHERE i.id > ? ORDER BY i.id LIMIT ?"""
"""A stretch of all instances after a row number, with origin and received time."""

VERSION_RECORDS: Final = f"""
    SELECT v.id, v.study_instance_uid, v.series_instance_uid, v.sop_instance_uid, v.sop_class_uid,
        {columns_of("v", LOCATION_COLUMNS)}, {columns_of("v", ORIGIN_COLUMNS)}, v.received_us
    FROM version v WHERE v.id > ? ORDER BY v.id LIMIT ?"""
"""The same of all further versions."""

CONFLICT_ROWS: Final = """
    SELECT is_version * 2 - 1, id FROM (
        SELECT 1 AS is_version, id, received_us FROM version
        UNION ALL SELECT 0, id, received_us FROM patient_conflict)
    ORDER BY received_us DESC, is_version, id DESC"""
"""What waits for a decision, newest first: 1 for a version, -1 for a patient conflict, and its row number."""

VERSION_CHUNK: Final = f"""
    SELECT v.id, v.study_instance_uid, v.series_instance_uid, v.sop_instance_uid, v.received_us,
        {columns_of("v", LOCATION_COLUMNS)}
    FROM version v WHERE v.id IN (SELECT value FROM json_each(?))"""

PATIENT_CONFLICT_CHUNK: Final = """
    SELECT id, study_instance_uid, series_instance_uid, sop_instance_uid, received_us, detail
    FROM patient_conflict WHERE id IN (SELECT value FROM json_each(?))"""

TOTALS: Final = """
    SELECT (SELECT count(*) FROM patient), (SELECT count(*) FROM study), count(t.series_row),
        coalesce(sum(t.instances), 0),
        v.versions + (SELECT count(*) FROM patient_conflict), coalesce(sum(t.stored_bytes), 0) + v.stored_bytes
    FROM (SELECT count(*) AS versions, coalesce(sum(size_bytes), 0) AS stored_bytes FROM version) v
        LEFT JOIN tally t"""
"""The fields of a Statistics, in their order."""

_LISTED: Final = "IN (SELECT value FROM json_each(?))"


def selected_rows(selection: Selection) -> tuple[str, list[Any]]:
    """Return the statement, with its values, for the row numbers of a selection: by study, series and number."""
    parts: list[str] = []
    values: list[Any] = []
    for column, uids in (
        ("s.study_instance_uid", selection.studies),
        ("e.series_instance_uid", selection.series),
        ("i.sop_instance_uid", selection.instances),
    ):
        if uids:
            parts.append(f"{column} {_LISTED}")
            values.append(json.dumps(uids))
    if selection.patient_id is not None:
        parts.append("s.patient_id = ?")
        values.append(selection.patient_id)
    # A selection without any key selects nothing.
    where = " AND ".join(parts) or "0"
    order = "s.id, e.series_number_key, e.id, i.instance_number_key, i.id"
    return f"SELECT i.id FROM {_FROM} WHERE {where} ORDER BY {order}", values
