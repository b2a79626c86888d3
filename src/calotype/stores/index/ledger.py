"""What writing one object means for patients, studies, series and their counters: the write side of SQLite.

A ledger works inside a transaction that its owner opens and ends. It remembers the rows of studies in work, so that
a further instance of a known series costs two inserts; and it adds counters up, so that a group of instances costs
one UPDATE per series (:meth:`Ledger.settle`). What it remembers is true only while nobody else writes and
nothing is rolled back: the owner says :meth:`Ledger.forget` otherwise.

A ``CalotypeError`` raised here means that nothing was written for that record. Any other exception leaves the
transaction unfit to be committed.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.errors import Conflict, NotFound
from calotype.services.archive.ports import Flag, InstanceRecord, ObjectLocation, StoredInstance
from calotype.stores.index import names
from calotype.stores.index.patients import Face, disagreement
from calotype.stores.index.rows import (
    conflict_values,
    gathered,
    instance_values,
    level_values,
    location_values,
    named,
    origin,
    stored,
    version_values,
)
from calotype.stores.index.statements import Statements

STUDIES_REMEMBERED: Final = 1024
SERIES_REMEMBERED: Final = 4096
"""Series remembered per study, and faces; past it a study is looked up anew."""


@dataclass(slots=True)
class StudyInWork:
    """A study in work. ``verdicts`` remembers what comparing a face with its patient's has given.

    ``disagreeing`` are the rows of its instances that are flagged for that; ``None`` while nobody has asked.
    """

    row: int
    face: Face
    modalities: set[str]
    sop_classes: set[str]
    series: dict[UID, int] = field(default_factory=dict)
    verdicts: dict[Face, str | None] = field(default_factory=dict)
    disagreeing: dict[int, None] | None = None


class Ledger:
    """Writes records through one connection; used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, statements: Statements, *, are_live: bool = True) -> None:
        self._execute = connection.execute
        # For the statements of every commit, which leave nothing to fetch: one cursor, made once.
        self._write = connection.cursor().execute
        self._sql = statements
        self._are_live = are_live
        self._studies: OrderedDict[UID, StudyInWork] = OrderedDict()
        self._counts: dict[tuple[int, int], tuple[int, int]] = {}

    # The verbs of the port

    def add(self, record: InstanceRecord) -> frozenset[Flag]:
        """Write a new instance and what it stands in. Conflict when its SOP Instance UID is known."""
        study, series_row = self._standing(record)
        face = Face.of(record.attributes)
        detail = self._verdict(study, face)
        flags = record.flags if detail is None else record.flags | {Flag.PATIENT_CONFLICT}
        self._insert(record, study, series_row, flags)
        if detail is not None:
            self._note_patient(record, detail)
        return flags

    def put_back(self, record: InstanceRecord) -> None:
        """Write an instance as it was when taken out: its patient is not judged again. Conflict when known."""
        study, series_row = self._standing(record)
        self._insert(record, study, series_row, record.flags)

    def _standing(self, record: InstanceRecord) -> tuple[StudyInWork, int]:
        """Return what a new instance stands in. Conflict when its SOP Instance UID is known."""
        ref = record.ref
        study = self._remembered(ref.study)
        series_row = study.series.get(ref.series) if study is not None else None
        if study is None or series_row is None:
            if self._execute(self._sql.select_instance, (ref.instance,)).fetchone() is not None:
                raise _known(ref.instance)
            study, series_row = self._open(record)
        return study, series_row

    def _insert(
        self,
        record: InstanceRecord,
        study: StudyInWork,
        series_row: int,
        flags: frozenset[Flag],
        row: int | None = None,
    ) -> None:
        """Write the rows of an instance, under a new number unless ``row`` is its.

        Conflict when its SOP Instance UID is known.
        """
        values = instance_values(record, series_row, flags)
        if row is None:
            cursor = self._write(self._sql.insert_instance, values)
        else:
            cursor = self._write(self._sql.insert_again, (row, *values))
        if cursor.rowcount != 1:
            raise _known(record.ref.instance)
        if study.disagreeing is not None and cursor.lastrowid is not None:
            study.disagreeing.pop(cursor.lastrowid, None)
            if Flag.PATIENT_CONFLICT in flags:
                study.disagreeing[cursor.lastrowid] = None
        self._write(self._sql.insert_header, (cursor.lastrowid, record.header))
        self._count(study.row, series_row, 1, record.location.size_bytes)
        if record.sop_class not in study.sop_classes:
            study.sop_classes.add(record.sop_class)
            self._execute(self._sql.set_sop_classes, (*gathered("SOPClassesInStudy", study.sop_classes), study.row))
        if record.is_to_compress:
            self._write(self._sql.put_compression, (record.ref.instance, record.received_us))

    def add_version(self, record: InstanceRecord) -> None:
        """Write a further version. NotFound when there is no instance that it could be a version of."""
        if self._execute(self._sql.select_instance, (record.ref.instance,)).fetchone() is None:
            raise NotFound(f"no instance {record.ref.instance} that this could be a further version of")
        self.keep_version(record)

    def keep_version(self, record: InstanceRecord) -> None:
        """Write a further version unless its object is kept as one already."""
        self._execute(self._sql.insert_version, version_values(record))

    def rehouse(self, was: StoredInstance, location: ObjectLocation, header: bytes) -> None:
        """Write that an object is kept elsewhere, in another form. NotFound; Conflict when not where it ``was``.

        Its row stays, and so does its place in the order of arrival.
        """
        row = self._kept_as(was)
        self._write(self._sql.move_instance, (*location_values(location), row[0]))
        self._write(self._sql.set_header, (header, row[0]))
        self._count(row[2], row[1], 0, location.size_bytes - was.location.size_bytes)

    def retire(self, was: StoredInstance) -> None:
        """Take an instance out. NotFound; Conflict when it is not where it ``was``, or has further versions."""
        row = self._kept_as(was)
        if self._execute(self._sql.has_version, (was.ref.instance,)).fetchone() is not None:
            raise Conflict(f"of {was.ref.instance} further versions are kept")
        self._take_out(row)
        self._prune(row)

    def _kept_as(self, was: StoredInstance) -> tuple[int, ...]:
        row = self._select(was.ref.instance)
        if stored(row[4:]).location.key != was.location.key:
            raise Conflict(f"{was.ref.instance} is not kept as {was.location.key} any more")
        return row

    def remove(self, ref: InstanceRef) -> StoredInstance:
        """Take an instance out, and what it leaves empty. NotFound when ``ref`` names nothing."""
        row = self._select(ref.instance)
        gone = stored(row[4:])
        if gone.ref != ref:
            raise NotFound(f"no instance {ref.instance} in series {ref.series} of study {ref.study}")
        self._take_out(row)
        self._prune(row)
        return gone

    def take_away(self, found: Sequence[tuple[Any, ...]]) -> None:
        """Take out many instances, given as rows of ``select_instance``, and what they leave empty."""
        for row in found:
            self._take_out(row)
        # What is left to correct is the same for all of one class in one series.
        for row in {(row[1], row[7]): row for row in found}.values():
            self._prune(row)

    def keep_patient(self, study: UID, attributes: Mapping[str, str]) -> int:
        """Write the patient that a study belonged to, unless it is there; return its row."""
        return self._patient(study, Face.of(attributes), dict(attributes))[0]

    def drop_empty_patient(self, row: int) -> None:
        """Remove a patient that has no study."""
        self._execute(self._sql.delete_empty_patient, (row,))
        self._release(())

    def reread(self, study: UID, records: Sequence[InstanceRecord]) -> None:
        """Write all instances of a study anew. Conflict when ``records`` are not those of the study, each once."""
        rows = self._execute(self._sql.instances_of_study, (study,)).fetchall()
        fresh = {record.ref.instance: record for record in records}
        if {row[0]: row[1] for row in rows} != {uid: record.location.key for uid, record in fresh.items()}:
            raise Conflict(f"study {study} has changed while it was read again")
        if not rows:
            return
        study_row, patient_row, is_called_so = self._execute(self._sql.patient_of_study, (study,)).fetchone()
        known_as = self._names_of(study_row)
        for row in rows:
            self.discard(row[0])
        first = named(fresh[rows[0][0]])
        if is_called_so:
            # A patient with further studies is still there, called as this study's old rows had it.
            values = level_values(Level.PATIENT, first)
            self._execute(self._sql.rename_patient, (*values, patient_row, Face.of(first).patient_id))
        # In the order of arrival: what a study says of itself is what its first object says.
        for row in rows:
            self.add(replace(fresh[row[0]], received_us=row[2], origin=origin(row[3:])))
        self._release(known_as)

    def discard(self, uid: UID) -> None:
        """Take out whatever instance has this SOP Instance UID."""
        row = self._select(uid)
        self._take_out(row)
        self._prune(row)

    # What the owner of the transaction calls

    def settle(self) -> None:
        """Write the counters that have changed. Before every COMMIT."""
        for series, change in self._counts.items():
            self._write(self._sql.count, change + series)
        self._counts.clear()

    def forget(self) -> None:
        """Forget everything: after a rollback, or when somebody else has written."""
        self._studies.clear()
        self._counts.clear()

    # Below: the parts

    def _remembered(self, uid: UID) -> StudyInWork | None:
        study = self._studies.get(uid)
        if study is not None:
            self._studies.move_to_end(uid)
        return study

    def _open(self, record: InstanceRecord) -> tuple[StudyInWork, int]:
        """Find or write the rows that a new instance stands in."""
        ref = record.ref
        attributes = named(record)
        study = self._remembered(ref.study) or self._study(ref.study, attributes)
        series_row = self._series(study, ref.series, attributes)
        if len(study.series) >= SERIES_REMEMBERED:
            study.series.clear()
        study.series[ref.series] = series_row
        return study, series_row

    def _study(self, uid: UID, attributes: dict[str, str]) -> StudyInWork:
        row = self._execute(self._sql.select_study, (uid,)).fetchone()
        if row is None:
            face = Face.of(attributes)
            patient_row, known = self._patient(uid, face, attributes)
            # What the study gathers begins with what its first object brings: no row is written twice for it.
            modalities, sop_classes = _values(attributes.get("Modality", "")), {attributes["SOPClassUID"]}
            values = [
                patient_row,
                *level_values(Level.STUDY, attributes),
                *gathered("ModalitiesInStudy", modalities),
                *gathered("SOPClassesInStudy", sop_classes),
            ]
            study = StudyInWork(
                _row_number(self._execute(self._sql.insert_study, values)), known, modalities, sop_classes
            )
        else:
            study = StudyInWork(row[0], Face(*row[3:8]), _values(row[1]), _values(row[2]))
        if len(self._studies) >= STUDIES_REMEMBERED:
            self._studies.popitem(last=False)
        self._studies[uid] = study
        return study

    def _patient(self, study: UID, face: Face, attributes: dict[str, str]) -> tuple[int, Face]:
        identity = face.identity(study)
        row = self._execute(self._sql.select_patient, identity).fetchone()
        if row is not None:
            return row[0], Face(*row[1:6])
        values = [*level_values(Level.PATIENT, attributes), identity[2]]
        return _row_number(self._execute(self._sql.insert_patient, values)), face

    def _series(self, study: StudyInWork, uid: UID, attributes: dict[str, str]) -> int:
        row = self._execute(self._sql.select_series, (study.row, uid)).fetchone()
        if row is not None:
            return int(row[0])
        values = [study.row, *level_values(Level.SERIES, attributes)]
        series_row = _row_number(self._execute(self._sql.insert_series, values))
        self._execute(self._sql.insert_tally, (study.row, series_row))
        new = _values(attributes.get("Modality", "")) - study.modalities
        if new:
            study.modalities |= new
            self._execute(self._sql.set_modalities, (*gathered("ModalitiesInStudy", study.modalities), study.row))
        return series_row

    def _verdict(self, study: StudyInWork, face: Face) -> str | None:
        try:
            return study.verdicts[face]
        except KeyError:
            if len(study.verdicts) >= SERIES_REMEMBERED:
                study.verdicts.clear()
            return study.verdicts.setdefault(face, disagreement(study.face, face))

    def _note_patient(self, record: InstanceRecord, detail: str) -> None:
        self._execute(self._sql.insert_patient_conflict, conflict_values(record, detail))

    def _count(self, study_row: int, series_row: int, instances: int, size_bytes: int) -> None:
        series = (study_row, series_row)
        counted = self._counts.get(series, (0, 0))
        self._counts[series] = (counted[0] + instances, counted[1] + size_bytes)

    def _names_of(self, study_row: int) -> tuple[str, ...]:
        return self._execute(names.OF_STUDY, (study_row,)).fetchone() or () if self._are_live else ()

    def _release(self, known_as: tuple[str, ...]) -> None:
        """Take note that rows of patients and studies are gone; those of a rebuild have never been keyed."""
        if self._are_live:
            names.released(self._execute, known_as)

    def _select(self, uid: UID) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = self._execute(self._sql.select_instance, (uid,)).fetchone()
        if row is None:
            raise NotFound(f"no instance {uid} in the index")
        return row

    def _take_out(self, row: tuple[Any, ...]) -> None:
        instance_row, series_row, study_row = row[:3]
        self._execute(self._sql.delete_instance, (instance_row,))
        self._execute(self._sql.delete_header, (instance_row,))
        gone = stored(row[4:])
        self._execute(self._sql.delete_layout, (gone.ref.instance,))
        self._count(study_row, series_row, -1, -gone.location.size_bytes)

    def _prune(self, row: tuple[Any, ...]) -> None:
        """Delete what an instance has left empty, and correct what its study says of itself."""
        _, series_row, study_row, patient_row = row[:4]
        gone = stored(row[4:])
        self._studies.pop(gone.ref.study, None)
        if self._execute(self._sql.delete_empty_series, (series_row,)).rowcount == 1:
            # SQLite gives the number of a deleted row again: no count may be left over for its successor.
            self._counts.pop((study_row, series_row))
            self._execute(self._sql.delete_tally, (study_row, series_row))
            self._gather_modalities(study_row)
            known_as = self._names_of(study_row)
            if self._execute(self._sql.delete_empty_study, (study_row,)).rowcount == 1:
                self._execute(self._sql.delete_empty_patient, (patient_row,))
                self._release(known_as)
                self._execute(self._sql.delete_patient_conflicts, (gone.ref.study,))
                return
        self._drop_sop_class(study_row, gone.sop_class)

    def _gather_modalities(self, study_row: int) -> None:
        found = self._execute(self._sql.modalities_of_study, (study_row,))
        modalities = set[str]().union(*(_values(modality) for (modality,) in found))
        self._execute(self._sql.set_modalities, (*gathered("ModalitiesInStudy", modalities), study_row))

    def _drop_sop_class(self, study_row: int, sop_class: str) -> None:
        """Take a SOP class out of what a study says of itself, unless it has a further instance of it."""
        if self._execute(self._sql.has_sop_class, (study_row, sop_class)).fetchone() is None:
            found = self._execute(self._sql.sop_classes_of_study, (study_row,)).fetchone()
            if found is None:
                # Of the instances taken away together, an earlier one had been the last of the study.
                return
            (classes,) = found
            left = _values(classes) - {sop_class}
            self._execute(self._sql.set_sop_classes, (*gathered("SOPClassesInStudy", left), study_row))


def _known(uid: UID) -> Conflict:
    return Conflict(f"SOP Instance UID {uid} is in the index already")


def _values(joined: str) -> set[str]:
    return {value for value in joined.split("\\") if value}


def _row_number(cursor: sqlite3.Cursor) -> int:
    if cursor.lastrowid is None:
        raise sqlite3.InternalError("an insert gave no row number")
    return cursor.lastrowid
