# ruff: noqa: S608 - the parts that SQL is put together from are the schema's names and this module's prefixes
"""Every statement of the write side of SQLite, named and described; each stands once.

They go to the driver as they are: between an object's last byte and its Success nothing is compiled. A rebuild
uses the same statements on tables of another name, hence :class:`Statements` with a prefix. Column lists come from
``schema``; ``ledger`` knows when each statement is right.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from calotype.stores.index import schema

BEGIN: Final = "BEGIN IMMEDIATE"
"""Take the write lock at once: a transaction that reads first could find the lock taken when it comes to write."""

DATA_VERSION: Final = "PRAGMA data_version"
"""Changes when another connection has committed: then what the ledger remembers may be wrong."""

LOCATION_COLUMNS: Final = ("object_key", "size_bytes", "data_offset", "data_bytes", "digest", "transfer_syntax")
"""The columns of an ObjectLocation, in the order of its fields."""

ORIGIN_COLUMNS: Final = ("channel", "calling_ae_title", "called_ae_title", "address")
"""The columns of an Origin, in the order of its fields."""


def columns_of(alias: str, names: tuple[str, ...]) -> str:
    """Return a list of columns for a SELECT."""
    return ", ".join(f"{alias}.{name}" for name in names)


def column_names(table: Table) -> tuple[str, ...]:
    """Return a table's columns in their order, without the row number that the database gives."""
    return tuple(column.name for column in table.columns if column.name != "id")


_FACE: Final = columns_of(
    "p", ("patient_id", "issuer_of_patient_id", "patient_name", "patient_birth_date", "patient_sex")
)
_SAID_OF_PATIENT: Final = tuple(name for name in column_names(schema.patient) if name != "only_study")
"""What a patient's row says, and a study's for itself."""


def _insert(prefix: str, table: Table, otherwise: str = "") -> str:
    names = column_names(table)
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {prefix}{table.name} ({columns}) VALUES ({marks}){otherwise}"


class Statements:
    """The statements that keep one set of rows: the tables whose names start with ``prefix``."""

    def __init__(self, prefix: str = "") -> None:
        p = prefix

        self.insert_patient = _insert(p, schema.patient)
        self.insert_study = _insert(p, schema.study)
        self.insert_series = _insert(p, schema.series)
        self.insert_instance = _insert(p, schema.instance, " ON CONFLICT DO NOTHING")
        """Writes nothing when the SOP Instance UID is known; the row count tells."""
        self.insert_again = self.insert_instance.replace("(", "(id, ", 1).replace("(?", "(?, ?", 1)
        """An instance under the row number of the one that it takes the place of."""
        self.insert_header = _insert(p, schema.header)
        self.put_compression = (
            "INSERT OR REPLACE INTO compression (sop_instance_uid, state, attempts, at_us, reason)"
            " VALUES (?, 'waiting', 0, ?, '')"
        )
        """A new object onto the list of what is to be compressed, of which there is one whatever the prefix."""
        self.move_instance = (
            f"UPDATE {p}instance SET {', '.join(f'{name} = ?' for name in LOCATION_COLUMNS)} WHERE id = ?"
        )
        self.set_header = f"UPDATE {p}header SET json_zlib = ? WHERE instance_row = ?"
        self.insert_version = _insert(p, schema.version, " ON CONFLICT DO NOTHING")
        """A further version; an object key that is here already stays as it is."""
        self.insert_patient_conflict = _insert(p, schema.patient_conflict, " ON CONFLICT DO NOTHING")
        """A contradiction, once per study and wording."""

        self.select_patient = f"""
            SELECT p.id, {_FACE} FROM {p}patient p
            WHERE p.patient_id = ? AND p.issuer_of_patient_id = ? AND p.only_study = ?"""
        """By identity: row and face."""
        self.has_version = "SELECT 1 FROM version WHERE sop_instance_uid = ? LIMIT 1"
        self.select_study = f"""
            SELECT s.id, s.modalities_in_study, s.sop_classes_in_study, {_FACE}
            FROM {p}study s JOIN {p}patient p ON p.id = s.patient_row WHERE s.study_instance_uid = ?"""
        """By UID: row, what stands in it, face of its patient."""
        self.select_series = f"SELECT id FROM {p}series WHERE study_row = ? AND series_instance_uid = ?"
        """Within a study, by UID."""
        self.select_instance = f"""
            SELECT i.id, e.id, s.id, s.patient_row, s.study_instance_uid, e.series_instance_uid, i.sop_instance_uid,
                i.sop_class_uid, {columns_of("i", LOCATION_COLUMNS)}
            FROM {p}instance i JOIN {p}series e ON e.id = i.series_row JOIN {p}study s ON s.id = e.study_row
            WHERE i.sop_instance_uid = ?"""
        """By UID: the rows of all four levels, then what a StoredInstance holds."""

        self.rename_patient = f"""
            UPDATE {p}patient SET {", ".join(f"{name} = ?" for name in _SAID_OF_PATIENT)}
            WHERE id = ? AND patient_id = ?"""
        """What a patient with that ID is called."""
        self.patient_of_study = f"""
            SELECT s.id, p.id, ({columns_of("p", _SAID_OF_PATIENT)}) = ({columns_of("s", _SAID_OF_PATIENT)})
            FROM {p}study s JOIN {p}patient p ON p.id = s.patient_row WHERE s.study_instance_uid = ?"""
        """Rows of study and patient, and whether the patient is called exactly as the study says."""

        self.instances_of_study = f"""
            SELECT i.sop_instance_uid, i.object_key, i.received_us, {columns_of("i", ORIGIN_COLUMNS)}
            FROM {p}study s JOIN {p}series e ON e.study_row = s.id JOIN {p}instance i ON i.series_row = e.id
            WHERE s.study_instance_uid = ? ORDER BY i.id"""
        """All of a study in the order of arrival: UID, where it is kept, when and from where it came."""

        self.insert_tally = f"INSERT INTO {p}tally VALUES (?, ?, 0, 0)"
        self.count = f"""
            UPDATE {p}tally SET instances = instances + ?, stored_bytes = stored_bytes + ?
            WHERE study_row = ? AND series_row = ?"""
        self.set_modalities = f"UPDATE {p}study SET modalities_in_study = ?, modalities_in_study_key = ? WHERE id = ?"
        self.set_sop_classes = (
            f"UPDATE {p}study SET sop_classes_in_study = ?, sop_classes_in_study_key = ? WHERE id = ?"
        )

        self.delete_instance = f"DELETE FROM {p}instance WHERE id = ?"
        self.delete_header = f"DELETE FROM {p}header WHERE instance_row = ?"
        self.delete_layout = "DELETE FROM pixel_layout WHERE sop_instance_uid = ?"
        """What was found out about an object's pixels: there is one such table, whatever the prefix."""
        self.delete_empty_series = f"""
            DELETE FROM {p}series WHERE id = ? AND NOT EXISTS
                (SELECT 1 FROM {p}instance i WHERE i.series_row = {p}series.id)"""
        self.delete_tally = f"DELETE FROM {p}tally WHERE study_row = ? AND series_row = ?"
        self.delete_empty_study = f"""
            DELETE FROM {p}study WHERE id = ? AND NOT EXISTS
                (SELECT 1 FROM {p}series e WHERE e.study_row = {p}study.id)"""
        self.delete_empty_patient = f"""
            DELETE FROM {p}patient WHERE id = ? AND NOT EXISTS
                (SELECT 1 FROM {p}study s WHERE s.patient_row = {p}patient.id)"""
        self.delete_patient_conflicts = f"DELETE FROM {p}patient_conflict WHERE study_instance_uid = ?"
        """Of a study that is gone: nobody has to decide them any more."""
        self.modalities_of_study = f"SELECT DISTINCT modality FROM {p}series WHERE study_row = ?"
        self.sop_classes_of_study = f"SELECT sop_classes_in_study FROM {p}study WHERE id = ?"
        self.has_sop_class = f"""
            SELECT 1 FROM {p}series e JOIN {p}instance i ON i.series_row = e.id
            WHERE e.study_row = ? AND i.sop_class_uid = ? LIMIT 1"""
        """One row when a study has an instance of that SOP class."""
