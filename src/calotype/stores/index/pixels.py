"""What was found out about pixels, in the index's file; see the port ``PixelNotes``.

Rows of instances that have gone are never seen. Those that hold what stands in the object go with its row (see
``ledger``); the others when one of their kind is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.services.archive.ports import DamageRecord
from calotype.stores.index.sqlite import SqliteIndex

_LAYOUT: Final = "SELECT layout FROM pixel_layout WHERE sop_instance_uid = ? AND digest = ?"
_KEEP_LAYOUT: Final = """
    WITH given (sop_instance_uid, digest, layout) AS (VALUES (?, ?, ?))
    INSERT INTO pixel_layout (sop_instance_uid, digest, layout)
    SELECT sop_instance_uid, digest, layout FROM given WHERE EXISTS (
        SELECT 1 FROM instance AS i WHERE i.sop_instance_uid = given.sop_instance_uid AND i.digest = given.digest)
    ON CONFLICT (sop_instance_uid) DO UPDATE SET digest = excluded.digest, layout = excluded.layout"""
_NOTE: Final = """
    WITH given (sop_instance_uid, digest, detail, noticed_us) AS (VALUES (?, ?, ?, ?))
    INSERT INTO pixel_damage (sop_instance_uid, digest, detail, noticed_us)
    SELECT sop_instance_uid, digest, detail, noticed_us FROM given WHERE EXISTS (
        SELECT 1 FROM instance AS i WHERE i.sop_instance_uid = given.sop_instance_uid AND i.digest = given.digest)
    ON CONFLICT (sop_instance_uid) DO UPDATE
        SET digest = excluded.digest, detail = excluded.detail, noticed_us = excluded.noticed_us
        WHERE digest <> excluded.digest"""
_SWEEP: Final = """
    DELETE FROM pixel_damage WHERE NOT EXISTS (SELECT 1 FROM instance i
        WHERE i.sop_instance_uid = pixel_damage.sop_instance_uid AND i.digest = pixel_damage.digest)"""
_FORGET: Final = "DELETE FROM pixel_damage WHERE sop_instance_uid = ?"
_DAMAGED: Final = """
    SELECT s.study_instance_uid, e.series_instance_uid, i.sop_instance_uid, d.detail, d.noticed_us
    FROM pixel_damage d JOIN instance i ON i.sop_instance_uid = d.sop_instance_uid AND i.digest = d.digest
        JOIN series e ON e.id = i.series_row JOIN study s ON s.id = e.study_row
    ORDER BY d.noticed_us DESC, i.id DESC"""


class SqlitePixelNotes:
    """Implements ``services.archive.ports.PixelNotes``."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def layout(self, sop_instance: UID, digest: bytes) -> bytes | None:
        """Return what was kept of where things are in the object; see the port."""
        found = self._index.read(_LAYOUT, (sop_instance, digest))
        return found[0][0] if found else None

    def keep_layout(self, sop_instance: UID, digest: bytes, layout: bytes) -> None:
        """Commit where things are in an object; see the port."""
        self._index.write(lambda connection: connection.execute(_KEEP_LAYOUT, (sop_instance, digest, layout)))

    def note_damage(self, sop_instance: UID, digest: bytes, detail: str, noticed_us: int) -> None:
        """Commit that an object's pixels cannot be decoded; see the port."""
        values = (sop_instance, digest, detail, noticed_us)
        self._index.write(lambda connection: (connection.execute(_SWEEP), connection.execute(_NOTE, values)))

    def forget_damage(self, sop_instance: UID) -> None:
        """Commit that an object's pixels can be decoded after all."""
        self._index.write(lambda connection: connection.execute(_FORGET, (sop_instance,)))

    def damaged(self) -> Iterator[DamageRecord]:
        """Return the objects whose pixels cannot be decoded, newest first."""
        for study, series, instance, detail, noticed_us in self._index.read(_DAMAGED):
            yield DamageRecord(InstanceRef(UID(study), UID(series), UID(instance)), detail, noticed_us)
