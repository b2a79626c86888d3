# ruff: noqa: S608 - the parts that SQL is put together from are the schema's names
"""Every statement of the recycle bin, named and described; ``recycled`` knows when each is right."""

from __future__ import annotations

from typing import Final

from calotype.dicom.hierarchy import Level
from calotype.stores.index import schema
from calotype.stores.index.live_records import LIVE_RECORDS
from calotype.stores.index.statements import LOCATION_COLUMNS, ORIGIN_COLUMNS, column_names, columns_of

NAMED: Final = """
    s.study_instance_uid = :study AND (:series = '' OR e.series_instance_uid = :series)
        AND (:instance = '' OR i.sop_instance_uid = :instance)"""
"""What a deletion names, by study, series and instance."""

DOOMED: Final = f"""
    SELECT i.id, e.id, s.id, s.patient_row, s.study_instance_uid, e.series_instance_uid, i.sop_instance_uid,
        i.sop_class_uid, {columns_of("i", LOCATION_COLUMNS)}
    FROM study s JOIN series e ON e.study_row = s.id JOIN instance i ON i.series_row = e.id
    WHERE {NAMED} ORDER BY i.id"""
"""Rows as of ``select_instance``, in the order of arrival."""
RECORDS: Final = f"{LIVE_RECORDS} WHERE i.id IN (SELECT value FROM json_each(?)) ORDER BY i.id"

ITEM_COLUMNS: Final = column_names(schema.recycled)
INSERT_ITEM: Final = f"INSERT INTO recycled ({', '.join(ITEM_COLUMNS)}) VALUES ({', '.join('?' * len(ITEM_COLUMNS))})"
INSERT_OBJECT: Final = (
    f"INSERT OR REPLACE INTO recycled_object ({', '.join(column_names(schema.recycled_object))})"
    f" VALUES ({', '.join('?' * len(column_names(schema.recycled_object)))})"
)
"""Replaces what is left of a deletion whose file is gone already: its name was free, hence given again."""

VERSION_COLUMNS: Final = ", ".join(column_names(schema.version))
TAKE_VERSIONS: Final = f"""
    WITH given (number) AS (VALUES (?))
    INSERT OR REPLACE INTO recycled_object (recycled_row, {VERSION_COLUMNS}, is_version, attributes, json_zlib)
    SELECT (SELECT number FROM given), {VERSION_COLUMNS}, 1, '', x'' FROM version
    WHERE sop_instance_uid IN (
        SELECT sop_instance_uid FROM recycled_object WHERE recycled_row = (SELECT number FROM given))
    ORDER BY id"""
DROP_VERSIONS: Final = """
    DELETE FROM version WHERE object_key IN (SELECT object_key FROM recycled_object WHERE recycled_row = ?)"""

PATIENT_COLUMNS: Final = tuple((a.keyword, a.column) for a in schema.stored(Level.PATIENT))
PATIENT: Final = f"SELECT {', '.join(column for _, column in PATIENT_COLUMNS)} FROM patient WHERE id = ?"
CONFLICTS: Final = """
    SELECT study_instance_uid, series_instance_uid, sop_instance_uid, detail, received_us
    FROM patient_conflict WHERE study_instance_uid = ? ORDER BY id"""
HAS_STUDY: Final = "SELECT 1 FROM study WHERE study_instance_uid = ?"

FILL_ITEM: Final = """
    UPDATE recycled SET instances = ?, stored_bytes = ?, about = ?, patient = ?, conflicts = ? WHERE id = ?"""
COUNT_ITEM: Final = """
    UPDATE recycled SET
        instances = (SELECT count(*) FROM recycled_object WHERE recycled_row = recycled.id AND is_version = 0),
        stored_bytes = (SELECT sum(size_bytes) FROM recycled_object WHERE recycled_row = recycled.id)
    WHERE id = ?"""
SIZE: Final = "SELECT coalesce(sum(size_bytes), 0) FROM recycled_object WHERE recycled_row = ?"
ITEM: Final = f"SELECT id, {', '.join(ITEM_COLUMNS)} FROM recycled WHERE id = ?"
ITEMS: Final = f"""
    SELECT id, {", ".join(ITEM_COLUMNS)} FROM recycled
    WHERE (:before IS NULL OR id < :before)
        AND (:states = '[]' OR state IN (SELECT value FROM json_each(:states)))
    ORDER BY id DESC LIMIT :limit"""
CHANGE: Final = "UPDATE recycled SET state = ?, changed_us = ?, changed_by = ? WHERE id = ?"
EMPTY: Final = "UPDATE recycled SET about = '{}', patient = '{}', conflicts = '[]' WHERE id = ?"
CLAIM: Final = "UPDATE recycled SET state = 'erasing' WHERE id = ? AND state = 'purging'"
DROP_OBJECTS: Final = """
    DELETE FROM recycled_object WHERE recycled_row = ? AND id IN (SELECT value FROM json_each(?))"""
LEFT: Final = "SELECT count(*) FROM recycled_object WHERE recycled_row = ?"
PURGED: Final = "UPDATE recycled SET state = 'purged', changed_us = ? WHERE id = ?"

FORGET_TEXT: Final = """
    DELETE FROM study_text WHERE study_instance_uid = (SELECT study_instance_uid FROM recycled WHERE id = ?)
        AND study_instance_uid NOT IN (SELECT study_instance_uid FROM recycled_object)
        AND NOT EXISTS (SELECT 1 FROM study s WHERE s.study_instance_uid = study_text.study_instance_uid)"""
"""What the text of a study has shown names people, too; it goes with the last of its objects."""

HELD: Final = f"""
    SELECT sop_class_uid, is_version, study_instance_uid, series_instance_uid, sop_instance_uid, id, json_zlib, flags,
        received_us, {", ".join(LOCATION_COLUMNS)}, {", ".join(ORIGIN_COLUMNS)}, attributes
    FROM recycled_object WHERE recycled_row = ? ORDER BY is_version, id"""
"""All of a deletion's objects, further versions last."""
OBJECTS: Final = f"""
    SELECT id, study_instance_uid, series_instance_uid, sop_instance_uid, {", ".join(LOCATION_COLUMNS)}
    FROM recycled_object WHERE id > ? ORDER BY id LIMIT ?"""
OBJECTS_OF: Final = f"""
    SELECT id, study_instance_uid, series_instance_uid, sop_instance_uid, {", ".join(LOCATION_COLUMNS)}
    FROM recycled_object WHERE recycled_row = ? AND id > ? ORDER BY id LIMIT ?"""
MOVE: Final = "UPDATE recycled_object SET recycled_row = ? WHERE id = ?"
LET_GO: Final = "DELETE FROM recycled_object WHERE recycled_row = ?"
DIGESTS: Final = "SELECT digest FROM version WHERE sop_instance_uid = ?"
HOLDS: Final = "SELECT 1 FROM recycled_object WHERE object_key = ?"
NOTED: Final = "SELECT note_key, state FROM recycled WHERE note_key IN (SELECT value FROM json_each(?))"
BY_NOTE: Final = "SELECT id FROM recycled WHERE note_key = ?"
SAID: Final = """
    SELECT attributes FROM recycled_object WHERE recycled_row = ? AND is_version = 0
    GROUP BY series_instance_uid ORDER BY min(id)"""
"""What the first object of each series of a deletion says."""
