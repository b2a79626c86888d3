"""The rows of the index in memory, and what they say: no lock, no port.

Everything is found by walking over everything. Nothing is shared with the SQL but the rules on patients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from calotype.dicom.hierarchy import UID, InstanceRef, Level, Selection
from calotype.dicom.query.attributes import INDEXED
from calotype.dicom.query.values import integer_key
from calotype.errors import Conflict, NotFound
from calotype.services.archive.ports import ConflictRecord, Flag, InstanceRecord, StoredInstance
from calotype.services.archive.recycled import ABOUT
from calotype.stores.index.keys import clean
from calotype.stores.index.patients import Face, disagreement

_STORED: Final = {level: tuple(a for a in INDEXED if a.level is level and not a.computed) for level in Level}


PatientKey = tuple[str, str, str]
"""Patient ID, issuer and, only without an ID, the study."""


@dataclass(slots=True)
class _Entity:
    """A patient, study, series or instance: its own attributes and where it stands in the order of arrival."""

    number: int
    attributes: dict[str, str]


@dataclass(slots=True)
class _Study(_Entity):
    patient: tuple[str, str, str] = ("", "", "")


@dataclass(slots=True)
class MemoryRows:
    """One set of rows, in order of arrival."""

    patients: dict[tuple[str, str, str], _Entity] = field(default_factory=dict)
    studies: dict[UID, _Study] = field(default_factory=dict)
    series: dict[tuple[UID, UID], _Entity] = field(default_factory=dict)
    instances: dict[UID, InstanceRecord] = field(default_factory=dict)
    versions: list[InstanceRecord] = field(default_factory=list)
    conflicts: dict[tuple[UID, str], ConflictRecord] = field(default_factory=dict)
    arrived: int = 0

    def number(self) -> int:
        """Return the next place in the order of arrival."""
        self.arrived += 1
        return self.arrived

    def add(self, record: InstanceRecord) -> frozenset[Flag]:
        """Add a new instance and what it stands in. Conflict when its SOP Instance UID is known."""
        ref = record.ref
        if ref.instance in self.instances:
            raise Conflict(f"SOP Instance UID {ref.instance} is in the index already")
        self._standing(record)
        return self._judge(record)

    def _judge(self, record: InstanceRecord) -> frozenset[Flag]:
        """Put an instance where it stands, or last, with what is to be told of its patient."""
        ref = record.ref
        known = Face.of(self.patients[self.studies[ref.study].patient].attributes)
        flags = record.flags
        if detail := disagreement(known, Face.of(record.attributes)):
            flags |= {Flag.PATIENT_CONFLICT}
            conflict = ConflictRecord(Flag.PATIENT_CONFLICT, ref, detail, None, record.received_us)
            self.conflicts.setdefault((ref.study, detail), conflict)
        self.instances[ref.instance] = replace(record, flags=flags)
        return flags

    def replace(self, record: InstanceRecord) -> tuple[UID, ...]:
        """Put a record in the place of another, in its series; elsewhere it comes last.

        Return the studies that are to be judged anew. That of the other comes after its patient's other studies then.
        """
        study = self.instances[record.ref.instance].ref.study
        patient = self.studies[study].patient
        known = Face.of(self.patients[patient].attributes)
        is_due = self._replace(record)
        if is_due:
            self._call(self.studies[study].patient, but=study)
        of_patient = {uid: each.number for uid, each in self.studies.items() if each.patient == patient}
        if of_patient and Face.of(self.patients[patient].attributes) != known:
            others = sorted(of_patient.keys() - {study}, key=of_patient.__getitem__)
            return (*others, study) if others and (is_due or study in of_patient) else (*others, *(study,) * is_due)
        return (study,) * is_due

    def _replace(self, record: InstanceRecord) -> bool:
        gone = self.instances[record.ref.instance]
        study, patient = gone.ref.study, self.studies[gone.ref.study].patient
        of_study = [each.ref for each in self.instances.values() if each.ref.study == study]
        of_series = [ref for ref in of_study if ref.series == gone.ref.series]
        if len(of_study) == 1 or gone.ref != record.ref:
            del self.instances[record.ref.instance]
            self.prune(gone.ref)
            is_left = study in self.studies
            if not is_left:
                self._call(patient)
            self.add(record)
            return is_left and (gone.ref in (of_study[0], of_series[0]) or Flag.PATIENT_CONFLICT in gone.flags)
        if gone.ref == of_series[0]:
            self.series[study, gone.ref.series].attributes = own(Level.SERIES, record)
        if gone.ref == of_study[0] and self._succeed(record):
            return True
        self._judge(record)
        self._clear(study)
        return False

    def _succeed(self, record: InstanceRecord) -> bool:
        """Let a study and its patient say what its new first object says; tell whether that is another face."""
        study, uid = self.studies[record.ref.study], record.ref.study
        before, study.attributes = study.attributes, own(Level.PATIENT, record) | own(Level.STUDY, record)
        has_new_face = Face.of(before) != Face.of(study.attributes)
        was, study.patient = study.patient, Face.of(record.attributes).identity(uid)
        others = [each.number for each in self.studies.values() if each.patient == was and each is not study]
        if study.patient != was:
            self.keep_patient(study.patient, own(Level.PATIENT, record))
            self.drop_empty_patients()
            self._call(was)
        elif not others or study.number < min(others):
            self.patients[was].attributes = own(Level.PATIENT, record)
        if has_new_face:
            self._judge(record)
        return has_new_face

    def _call(self, patient: PatientKey, but: UID | None = None) -> None:
        """Let a patient, if it is there, say what the first of its studies says."""
        studies = [(s.number, s.attributes) for uid, s in self.studies.items() if s.patient == patient and uid != but]
        if studies:
            self.patients[patient].attributes = of_patient(min(studies, key=lambda each: each[0])[1])

    def _clear(self, study: UID) -> None:
        """Forget what was recorded of a study's patient and nothing says any more."""
        known = Face.of(self.patients[self.studies[study].patient].attributes)
        said: dict[str | None, list[InstanceRef]] = {}
        for each in self.instances.values():
            if each.ref.study == study:
                said.setdefault(disagreement(known, Face.of(each.attributes)), []).append(each.ref)
        for key in [key for key in self.conflicts if key[0] == study]:
            refs = said.get(key[1])
            if refs is None:
                del self.conflicts[key]
            elif self.conflicts[key].ref not in refs:
                self.conflicts[key] = replace(self.conflicts[key], ref=refs[0])

    def put_back(self, record: InstanceRecord) -> None:
        """Add an instance as it was before: nobody judges its patient again."""
        self._standing(record)
        self.instances[record.ref.instance] = record

    def digests(self, uid: UID) -> set[bytes]:
        """Return the digests of every version of an instance."""
        versions = (version for version in self.versions if version.ref.instance == uid)
        return {self.instances[uid].location.digest, *(version.location.digest for version in versions)}

    def about(self, records: Sequence[InstanceRecord]) -> dict[str, str]:
        """Return what a person knows the study of these records by."""
        told = {keyword: text for level in Level for keyword, text in own(level, records[0]).items()}
        modalities = {value for one in records for value in one.attributes.get("Modality", "").split("\\") if value}
        told["Modality"] = "\\".join(sorted(modalities))
        return {keyword: told[keyword] for keyword in ABOUT if told.get(keyword)}

    def _standing(self, record: InstanceRecord) -> _Study:
        """Find or make what an instance stands in."""
        ref = record.ref
        study = self.studies.get(ref.study) or self._new_study(record)
        if (ref.study, ref.series) not in self.series:
            self.series[ref.study, ref.series] = _Entity(self.number(), own(Level.SERIES, record))
        return study

    def _new_study(self, record: InstanceRecord) -> _Study:
        uid = record.ref.study
        identity = Face.of(record.attributes).identity(uid)
        if identity not in self.patients:
            self.patients[identity] = _Entity(self.number(), own(Level.PATIENT, record))
        said = own(Level.PATIENT, record) | own(Level.STUDY, record)
        study = self.studies[uid] = _Study(self.number(), said, identity)
        return study

    def remove(self, uid: UID) -> StoredInstance:
        """Take an instance out, with what it leaves empty. NotFound."""
        gone = self.instances.pop(uid, None)
        if gone is None:
            raise NotFound(f"no instance {uid} in the index")
        self.prune(gone.ref)
        return stored_of(gone)

    def prune(self, ref: InstanceRef) -> None:
        """Remove what an instance has left empty."""
        if not any((i.ref.study, i.ref.series) == (ref.study, ref.series) for i in self.instances.values()):
            self.series.pop((ref.study, ref.series), None)
        if not any(study == ref.study for study, _ in self.series):
            self.studies.pop(ref.study, None)
            self.conflicts = {key: kept for key, kept in self.conflicts.items() if key[0] != ref.study}
        self.drop_empty_patients()

    def patient_of(self, study: UID) -> tuple[PatientKey, dict[str, str]]:
        """Return who a study belongs to."""
        identity = self.studies[study].patient
        return identity, dict(self.patients[identity].attributes)

    def keep_patient(self, identity: PatientKey, attributes: dict[str, str]) -> None:
        """Add a patient unless it is there."""
        if identity not in self.patients:
            self.patients[identity] = _Entity(self.number(), attributes)

    def drop_empty_patients(self) -> None:
        """Remove patients without a study."""
        lived_in = {study.patient for study in self.studies.values()}
        self.patients = {identity: kept for identity, kept in self.patients.items() if identity in lived_in}

    def entities(self, level: Level) -> Iterator[dict[str, str]]:
        """Return what each entity of a level says, with what stands above it, in the order of arrival."""
        match level:
            case Level.PATIENT:
                yield from (patient.attributes | self._patient(key) for key, patient in self.patients.items())
            case Level.STUDY:
                yield from (self._study(uid) for uid in self.studies)
            case Level.SERIES:
                yield from (self._series(*uids) for uids in self.series)
            case Level.IMAGE:
                yield from (
                    self._series(record.ref.study, record.ref.series)
                    | own(Level.IMAGE, record)
                    | {"AvailableTransferSyntaxUID": record.location.transfer_syntax}
                    for record in self.instances.values()
                )

    def _patient(self, identity: tuple[str, str, str]) -> dict[str, str]:
        studies = {uid for uid, study in self.studies.items() if study.patient == identity}
        return {
            "NumberOfPatientRelatedStudies": str(len(studies)),
            "NumberOfPatientRelatedSeries": str(sum(study in studies for study, _ in self.series)),
            "NumberOfPatientRelatedInstances": str(sum(r.ref.study in studies for r in self.instances.values())),
        }

    def headers(self, level: Level) -> Iterator[bytes]:
        """Return the header of each entity's representative, in the order of :meth:`entities`."""
        if level is Level.IMAGE:
            yield from (record.header for record in self.instances.values())
            return
        of_series = {uids: min(self._of_series(*uids), key=self._place).header for uids in self.series}
        of_study = {
            uid: of_series[min((uids for uids in self.series if uids[0] == uid), key=self._arrival)]
            for uid in self.studies
        }
        match level:
            case Level.SERIES:
                yield from of_series.values()
            case Level.STUDY:
                yield from of_study.values()
            case _:
                for identity in self.patients:
                    first = min((s.number, uid) for uid, s in self.studies.items() if s.patient == identity)
                    yield of_study[first[1]]

    def _arrival(self, uids: tuple[UID, UID]) -> int:
        return self.series[uids].number

    def _of_series(self, study: UID, series: UID) -> list[InstanceRecord]:
        return [r for r in self.instances.values() if (r.ref.study, r.ref.series) == (study, series)]

    def _study(self, uid: UID) -> dict[str, str]:
        instances = [record for record in self.instances.values() if record.ref.study == uid]
        series = [entity for (study, _), entity in self.series.items() if study == uid]
        modalities = {value for one in series for value in one.attributes.get("Modality", "").split("\\") if value}
        return (
            self.studies[uid].attributes
            | self._patient(self.studies[uid].patient)
            | {
                "ModalitiesInStudy": "\\".join(sorted(modalities)),
                "SOPClassesInStudy": "\\".join(sorted({record.sop_class for record in instances})),
                "NumberOfStudyRelatedSeries": str(len(series)),
                "NumberOfStudyRelatedInstances": str(len(instances)),
            }
        )

    def _series(self, study: UID, series: UID) -> dict[str, str]:
        count = sum((record.ref.study, record.ref.series) == (study, series) for record in self.instances.values())
        said = self.series[study, series].attributes
        return self._study(study) | said | {"NumberOfSeriesRelatedInstances": str(count)}

    def selected(self, selection: Selection) -> list[InstanceRecord]:
        """Return what a retrieve asks for, by study, series and instance number."""
        keys = (selection.studies, selection.series, selection.instances, selection.patient_id)
        if not any(key not in ((), None) for key in keys):
            return []
        found = [
            record
            for record in self.instances.values()
            if (not selection.studies or record.ref.study in selection.studies)
            and (not selection.series or record.ref.series in selection.series)
            and (not selection.instances or record.ref.instance in selection.instances)
            and selection.patient_id in (None, self.studies[record.ref.study].attributes.get("PatientID", ""))
        ]
        return sorted(found, key=self._place)

    def _place(self, record: InstanceRecord) -> tuple[object, ...]:
        ref = record.ref
        series = self.series[ref.study, ref.series]
        return (
            self.studies[ref.study].number,
            *_number(series.attributes.get("SeriesNumber", "")),
            series.number,
            *_number(record.attributes.get("InstanceNumber", "")),
        )


def own(level: Level, record: InstanceRecord) -> dict[str, str]:
    """Return what a record says of one level, as it is kept."""
    named = {
        **record.attributes,
        "StudyInstanceUID": record.ref.study,
        "SeriesInstanceUID": record.ref.series,
        "SOPInstanceUID": record.ref.instance,
        "SOPClassUID": record.sop_class,
    }
    return {a.keyword: text for a in _STORED[level] if (text := clean(named.get(a.keyword, ""), a.vr))}


def of_patient(said: dict[str, str]) -> dict[str, str]:
    """Return what stands in the row of a study's patient, too."""
    return only({attribute.keyword for attribute in _STORED[Level.PATIENT]}, said)


def only(keywords: frozenset[str] | set[str], attributes: dict[str, str]) -> dict[str, str]:
    """Return those attributes that have something to say."""
    return {keyword: text for keyword, text in attributes.items() if keyword in keywords and text}


def stored_of(record: InstanceRecord) -> StoredInstance:
    """Return what a retrieve needs to know of a record."""
    return StoredInstance(record.ref, record.sop_class, record.location)


def _number(text: str) -> tuple[int, int]:
    """Return a sort key: no number first."""
    number = integer_key(text)
    return (0, 0) if number is None else (1, number)


def keep_version(rows: MemoryRows, record: InstanceRecord) -> None:
    """Add a further version unless its object is kept as one already."""
    if all(version.location.key != record.location.key for version in rows.versions):
        rows.versions.append(record)


def version_conflict(record: InstanceRecord) -> ConflictRecord:
    """Return a further version as what waits for a decision."""
    detail = f"another object with this SOP Instance UID is kept as {record.location.key}"
    return ConflictRecord(Flag.VERSION_CONFLICT, record.ref, detail, record.location, record.received_us)
