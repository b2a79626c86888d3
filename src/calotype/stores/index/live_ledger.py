"""The ledger of the live rows: a ledger that objects may also be overwritten in.

An object that takes the place of another in its series keeps that one's place in the order of arrival, and says what
that one said: of its series and study if it is the first there, and of the patient. So after every commit all rows
say what they would say were they made anew from the objects. What only the files of other objects can tell, whether
those agree with what is said of the patient now, is left to whoever can read them: the study is to be read again.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.services.archive.ports import Flag, InstanceRecord, Replacement
from calotype.stores.index import succession
from calotype.stores.index.ledger import Ledger, StudyInWork
from calotype.stores.index.patients import Face
from calotype.stores.index.rows import named, stored
from calotype.stores.index.statements import Statements


class LiveLedger(Ledger):
    """Writes records of the live rows through one connection; used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, Statements())
        self._doubts = succession.Doubts()

    def replace(self, record: InstanceRecord) -> Replacement:
        """Write ``record`` in the place of what has its SOP Instance UID. NotFound when nothing has."""
        row = self._select(record.ref.instance)
        was = stored(row[4:])
        study = was.ref.study
        known = succession.patient(self._execute, row[3])
        stays = (study, was.ref.series) == (record.ref.study, record.ref.series)
        # Of a study that has nothing else everything is made anew.
        if stays and not succession.is_alone(self._execute, row):
            is_due = self._replace_in_place(row, record)
        else:
            is_due = self._replace_elsewhere(row, record)
        if is_due:
            # Read again, it comes after the patient's other studies.
            study_row, patient_row, _ = self._execute(self._sql.patient_of_study, (study,)).fetchone()
            succession.leave_patient(self._execute, study_row, patient_row)
            self._studies.clear()
        others = succession.misjudged(self._execute, row[3], known)
        if study in others:
            # To the end, where it came.
            others, is_due = [other for other in others if other != study], len(others) > 1 or is_due
        return Replacement(was, (*others, study) if is_due else tuple(others))

    def _replace_elsewhere(self, row: tuple[Any, ...], record: InstanceRecord) -> bool:
        """Take an instance out and add the new one, as the last; tell whether the old study is to be judged anew."""
        _, _, study_row, patient_row = row[:4]
        study = UID(row[4])
        is_led = any(succession.leads(self._execute, row))
        disagreed = succession.disagrees(self._execute, row[0])
        self._take_out(row)
        # Before the new one comes: of a study, series or patient that had nothing else, it says what is said now.
        self._prune(row)
        left = self._execute(self._sql.select_study, (study,)).fetchone()
        if left is None:
            succession.leave_patient(self._execute, study_row, patient_row)
            self._studies.clear()
        self.add(record)
        return left is not None and (is_led or disagreed) and self._doubts.due(self._execute, study, study_row)

    def _replace_in_place(self, row: tuple[Any, ...], record: InstanceRecord) -> bool:
        """Write a record in the place of another of its series; tell whether its study is to be judged anew.

        What the other said for series, study and patient, this one says. What the study's others say of the patient
        is not known here: when that is compared with something else now, their files have to be read.
        """
        instance_row, series_row, study_row, patient_row = row[:4]
        ref, attributes = record.ref, named(record)
        leads_series, leads_study = succession.leads(self._execute, row)
        disagreed = succession.disagrees(self._execute, instance_row)
        has_new_face = False
        self._take_out(row)
        if leads_series:
            self._studies.pop(ref.study, None)
            if succession.tell_series(self._execute, series_row, attributes):
                self._gather_modalities(study_row)
        if leads_study:
            has_new_face = self._succeed(study_row, patient_row, ref.study, attributes)
        if UID(row[7]) != record.sop_class:
            self._studies.pop(ref.study, None)
            self._drop_sop_class(study_row, row[7])
        study, _ = self._standing(record)
        detail = self._verdict(study, Face.of(record.attributes))
        flags = record.flags if detail is None else record.flags | {Flag.PATIENT_CONFLICT}
        self._insert(record, study, series_row, flags, row=instance_row)
        if detail is not None:
            self._note_patient(record, detail)
        if has_new_face:
            return True
        return disagreed and self._is_in_doubt(study, ref) and self._doubts.due(self._execute, ref.study, study_row)

    def _succeed(self, study_row: int, patient_row: int, study: UID, attributes: dict[str, str]) -> bool:
        """Write what a study and its patient say by a new first object; tell whether that is of another face."""
        is_changed, has_new_face = succession.tell_study(self._execute, study_row, attributes)
        if not is_changed:
            return False
        face = Face.of(attributes)
        if not succession.is_patient(self._execute, patient_row, face.identity(study)):
            new_row, _ = self._patient(study, face, attributes)
            succession.move_study(self._execute, study_row, new_row)
            succession.leave_patient(self._execute, study_row, patient_row)
            self._execute(self._sql.delete_empty_patient, (patient_row,))
            self._release(())
        else:
            succession.tell_patient(self._execute, study_row, patient_row, attributes)
        # Other studies of the patient may be remembered with what it was called.
        self._studies.clear()
        return has_new_face

    def _is_in_doubt(self, study: StudyInWork, ref: InstanceRef) -> bool:
        """Correct what is recorded of a study's patient after an instance that disagreed was overwritten.

        Tell whether something may be recorded that nothing says any more.
        """
        if study.disagreeing is None:
            study.disagreeing = succession.disagreeing(self._execute, study.row)
        first = next(iter(study.disagreeing), None)
        if first is None:
            self._execute(self._sql.delete_patient_conflicts, (ref.study,))
            return False
        if succession.wordings(self._execute, ref.study) > 1:
            return True
        # Whatever disagrees says the same.
        succession.name_another(self._execute, ref.study, ref.instance, first)
        return False
