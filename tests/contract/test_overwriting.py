"""What every index must say after objects were overwritten: what it would say were it made anew from its objects.

One suite, run over each implementation; the twin, given every object in the order of arrival, is what it is held
against.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.dicom.query.attributes import INDEXED
from calotype.dicom.query.model import Condition, Exact, Match, PartBegins, Query, Wildcard
from calotype.services.archive.ports import Channel, InstanceRecord, ObjectLocation, Origin
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.sqlite import SqliteIndex

CT, SR = UID("1.2.840.10008.5.1.4.1.1.2"), UID("1.2.840.10008.5.1.4.1.1.88.11")
EXPLICIT = UID("1.2.840.10008.1.2.1")

AnyIndex = MemoryIndex | SqliteIndex


@dataclass
class Overwritten:
    """An index whose objects are sent again and again, and the objects by their keys."""

    index: AnyIndex
    objects: dict[str, InstanceRecord] = field(default_factory=dict)
    read_again: int = 0

    def send(self, uid: str, **said: str) -> None:
        """Send the object ``study.series.instance``; a further time it takes the place of what was there."""
        study, series, _ = uid.split(".")
        sop_class = UID(said.pop("SOPClassUID", CT))
        ref = InstanceRef(UID(said.pop("study", study)), UID(said.pop("series", f"{study}.{series}")), UID(uid))
        attributes = {"PatientID": "P1", "PatientName": "Old^Name", "Modality": "CT", **said}
        key = f"{uid}/{len(self.objects)}"
        record = InstanceRecord(
            ref=ref,
            sop_class=sop_class,
            attributes={keyword: text for keyword, text in attributes.items() if text},
            location=ObjectLocation(key, 10 + len(self.objects), 3, 7, key.encode().ljust(32, b"\0"), EXPLICIT),
            header=key.encode(),
            origin=Origin(Channel.DIMSE),
            received_us=len(self.objects),
        )
        self.objects[key] = record
        if self.index.instance(record.ref.instance) is None:
            self.index.add(record)
            return
        for uid_again in self.index.replace(record).to_read_again:
            self.read_again += 1
            of_study = [each for each in self.served() if each.ref.study == uid_again]
            self.index.reread(uid_again, of_study)

    def served(self) -> Iterator[InstanceRecord]:
        """Return every object that is served, in the order of arrival."""
        return (self.objects[stored.location.key] for stored, _, _ in self.index.records())


@pytest.fixture
def sent(index: AnyIndex) -> Overwritten:
    return Overwritten(index)


def told(index: AnyIndex, level: Level) -> list[list[tuple[str, str]]]:
    fields = frozenset(a.keyword for a in INDEXED if a.level.depth <= level.depth)
    return sorted(sorted(match.items()) for match in index.find(Query(level, fields=fields)))


def words(index: AnyIndex) -> dict[str, object]:
    """Return all that rows of every level say, and the totals."""
    return {level.name: told(index, level) for level in Level} | {"statistics": index.statistics()}


def contradictions(index: AnyIndex) -> set[tuple[str, str]]:
    return {(conflict.ref.study, conflict.detail) for conflict in index.conflicts()}


def flags(index: AnyIndex) -> dict[str, str]:
    """Return how each instance is flagged."""
    if isinstance(index, MemoryIndex):
        return {record.ref.instance: " ".join(sorted(record.flags)) for record in index.served()}
    return dict(index.read("SELECT sop_instance_uid, flags FROM instance"))


def everything(index: AnyIndex) -> dict[str, object]:
    return words(index) | {"conflicts": contradictions(index), "flags": flags(index)}


def made_anew(objects: Iterable[InstanceRecord]) -> MemoryIndex:
    index = MemoryIndex()
    for record in objects:
        index.add(record)
    return index


def rebuild(sent: Overwritten) -> None:
    made = sent.index.rebuild()
    for record in sent.served():
        made.add(record)
    made.swap()


def assert_as_made_anew(
    sent: Overwritten, what: Callable[[AnyIndex], dict[str, object]] = everything
) -> dict[str, object]:
    before = what(sent.index)
    assert before == what(made_anew(sent.served()))
    rebuild(sent)
    assert what(sent.index) == before
    return before


def only_match(index: AnyIndex, level: Level, *conditions: Condition) -> Match:
    fields = frozenset(a.keyword for a in INDEXED if a.level.depth <= level.depth)
    (match,) = index.find(Query(level, conditions, fields))
    return match


OF_TWO_SERIES = ["1.1.1", "1.1.2", "1.1.3", "1.2.1", "1.2.2"]
ORDERS = [OF_TWO_SERIES, OF_TWO_SERIES[::-1], ["1.1.2", "1.2.2", "1.1.1", "1.2.1", "1.1.3"]]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "corrected",
    [
        {"PatientName": "New^Name"},
        {"PatientID": "P2"},
        {"PatientID": ""},
        {"PatientBirthDate": "20000101"},
        {"PatientComments": "corrected"},
        {"StudyDescription": "Hip", "AccessionNumber": "A2"},
        {"SeriesDescription": "Left"},
        {"Modality": "MR", "SOPClassUID": SR},
        {"PatientName": "New^Name", "PatientID": "P2", "StudyDate": "20240101", "SeriesNumber": "7"},
    ],
)
def test_a_study_that_is_sent_again_is_told_as_it_was_sent_last(
    sent: Overwritten, corrected: dict[str, str], order: list[str]
) -> None:
    for uid in OF_TWO_SERIES:
        sent.send(uid, StudyDescription="Knee", PatientBirthDate="19991231", SeriesDescription=uid[:3])
    as_new = {"StudyDescription": "Knee", "PatientBirthDate": "19991231", "SeriesDescription": "", **corrected}
    for uid in order:
        sent.send(uid, **as_new)
        # At any time, not only in the end.
        assert everything(sent.index) == everything(made_anew(sent.served()))
    assert_as_made_anew(sent)
    assert contradictions(sent.index) == set()
    assert (sent.index.statistics().patients, sent.index.statistics().studies) == (1, 1)
    match = only_match(sent.index, Level.SERIES, Exact("SeriesInstanceUID", "1.2"))
    for keyword, text in corrected.items():
        if keyword != "SOPClassUID":
            assert match.get(keyword, "") == text


def test_only_the_first_speaks(sent: Overwritten) -> None:
    for uid in ("1.1.1", "1.1.2", "1.1.3"):
        sent.send(uid)
    sent.send("1.1.2", PatientName="New^Name")
    assert only_match(sent.index, Level.STUDY)["PatientName"] == "Old^Name"
    assert [conflict.ref.instance for conflict in sent.index.conflicts()] == ["1.1.2"]
    sent.send("1.1.1", PatientName="New^Name")
    assert only_match(sent.index, Level.STUDY)["PatientName"] == "New^Name"
    assert only_match(sent.index, Level.PATIENT)["PatientName"] == "New^Name"
    assert [conflict.ref.instance for conflict in sent.index.conflicts()] == ["1.1.3"]
    assert_as_made_anew(sent)


def test_what_is_recorded_of_an_overwritten_object_names_another_that_says_it(sent: Overwritten) -> None:
    for uid in ("1.1.1", "1.1.2", "1.1.3"):
        sent.send(uid, PatientName="Other^Name" if uid != "1.1.1" else "Old^Name")
    before = contradictions(sent.index)
    sent.send("1.1.2")
    assert [conflict.ref.instance for conflict in sent.index.conflicts()] == ["1.1.3"]
    assert contradictions(sent.index) == before
    assert sent.read_again == 0
    sent.send("1.1.3")
    assert contradictions(sent.index) == set()
    assert_as_made_anew(sent)


def test_of_several_contradictions_those_stay_that_something_says(sent: Overwritten) -> None:
    for uid, name in ("1.1.1", "Old^Name"), ("1.1.2", "Other^Name"), ("1.1.3", "Third^Name"), ("1.1.4", "Third^Name"):
        sent.send(uid, PatientName=name)
    for uid in ("1.1.2", "1.1.4", "1.1.3"):
        sent.send(uid)
        assert contradictions(sent.index) == contradictions(made_anew(sent.served()))
    assert_as_made_anew(sent)


def test_the_old_name_finds_nothing_more_and_the_new_one_does(sent: Overwritten) -> None:
    for uid in ("1.1.1", "1.1.2"):
        sent.send(uid, PatientName="Brown^Ann", StudyDescription="Knee")
    if isinstance(sent.index, SqliteIndex):
        sent.index.key_all_names()
    for uid in ("1.1.1", "1.1.2"):
        sent.send(uid, PatientName="张^三丰", StudyDescription="Shoulder")
        for level in (Level.STUDY, Level.PATIENT):
            assert [
                len(list(sent.index.find(Query(level, (condition,)))))
                for condition in (
                    PartBegins("PatientName", "brown"),
                    Wildcard("PatientName", "*row*"),
                    PartBegins("PatientName", "zhang"),
                    Wildcard("PatientName", "*三*"),
                )
            ] == [0, 0, 1, 1]
    assert list(sent.index.find(Query(Level.STUDY, (Wildcard("StudyDescription", "*nee*"),)))) == []
    assert len(list(sent.index.find(Query(Level.STUDY, (Wildcard("StudyDescription", "*ould*"),))))) == 1


@pytest.mark.parametrize("corrected", ["1", "2"])
def test_a_patient_of_several_studies_is_called_as_the_others_have_it(sent: Overwritten, corrected: str) -> None:
    for uid in ("1.1.1", "1.1.2", "2.1.1", "2.1.2"):
        sent.send(uid)
    for number in (1, 2):
        sent.send(f"{corrected}.1.{number}", PatientName="New^Name")
    assert only_match(sent.index, Level.PATIENT)["PatientName"] == "Old^Name"
    assert only_match(sent.index, Level.STUDY, Exact("StudyInstanceUID", corrected))["PatientName"] == "New^Name"
    assert {study for study, _ in contradictions(sent.index)} == {corrected}
    assert_as_made_anew(sent)


@pytest.mark.parametrize("corrected", ["1", "2"])
def test_a_study_goes_over_to_the_patient_that_it_names(sent: Overwritten, corrected: str) -> None:
    sent.send("3.1.1", PatientID="P3", PatientName="Third^Name")
    for uid in ("1.1.1", "1.1.2", "2.1.1", "2.1.2"):
        sent.send(uid, PatientComments=uid)
    for number in (1, 2):
        sent.send(f"{corrected}.1.{number}", PatientID="P3", PatientName="Third^Name")
    assert sent.index.statistics().patients == 2
    assert only_match(sent.index, Level.PATIENT, Exact("PatientID", "P3"))["NumberOfPatientRelatedStudies"] == "2"
    assert_as_made_anew(sent)


def test_what_stands_in_another_study_now_leaves_nothing_behind(sent: Overwritten) -> None:
    for number in (1, 2, 3):
        sent.send(f"1.1.{number}", StudyDescription=f"by {number}")
    for number in (1, 2, 3):
        sent.send(f"1.1.{number}", study="9", series="9.1", PatientID="P9", StudyDescription="moved")
        assert everything(sent.index) == everything(made_anew(sent.served()))
    assert_as_made_anew(sent)


def test_what_stands_in_another_series_now_leaves_nothing_behind(sent: Overwritten) -> None:
    for number in (1, 2, 3):
        sent.send(f"1.1.{number}", StudyDescription=f"by {number}", Modality="MR")
    for number in (1, 2, 3):
        sent.send(f"1.1.{number}", series="1.7", StudyDescription="moved")
        assert everything(sent.index) == everything(made_anew(sent.served()))
    assert_as_made_anew(sent)


def test_objects_that_come_and_go_afterwards_are_judged_by_what_is_said_now(sent: Overwritten) -> None:
    sent.send("1.1.1")
    sent.send("1.1.2")
    sent.send("1.1.1", PatientName="New^Name", Modality="MR", SOPClassUID=SR)
    sent.send("1.2.1", PatientName="New^Name")
    sent.send("1.1.3", PatientName="Old^Name")
    assert_as_made_anew(sent)
    for uid in ("1.1.3", "1.1.2"):
        sent.send(uid, PatientName="New^Name")
    assert contradictions(sent.index) == set()
    assert_as_made_anew(sent)


@pytest.mark.parametrize("name", ["Old^Name", "New^Name"])
def test_what_is_overwritten_during_a_rebuild_is_told_as_it_was_sent_last(sent: Overwritten, name: str) -> None:
    for uid in OF_TWO_SERIES:
        sent.send(uid)
    made = sent.index.rebuild()
    for record in sent.served():
        made.add(record)
    sent.send("1.1.1", PatientName=name, StudyDescription="Hip", PatientComments="Deaf")
    sent.send("1.2.1", PatientName=name, SeriesDescription="Right")
    before = everything(sent.index)
    made.swap()
    assert everything(sent.index) == before
    sent.send("2.1.1", PatientName="Third^Name")
    assert_as_made_anew(sent)


def some(random_: random.Random, keyword: str, *texts: str) -> dict[str, str]:
    return {keyword: random_.choice(texts)}


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_sent_again_in_whatever_order(sent: Overwritten, seed: int) -> None:
    """Of patients with one study each everything is as if made anew."""
    random_ = random.Random(seed)
    for _ in range(40):
        study = random_.choice("12")
        uid = f"{study}.{random_.choice('12')}.{random_.choice('1234')}"
        said = (
            some(random_, "PatientName", "Old^Name", "New^Name", "Third^Name", "")
            | some(random_, "PatientBirthDate", "20000101", "20000102", "")
            | some(random_, "StudyDescription", "Knee", "Hip", "")
            | some(random_, "SeriesDescription", "Left", "Right")
            | some(random_, "Modality", "CT", "MR", "CT\\PT")
            | some(random_, "PatientComments", "", "Deaf")
            | some(random_, "SOPClassUID", CT, SR)
        )
        sent.send(uid, PatientID=f"P{study}{random_.choice('ab')}", **said)
        assert everything(sent.index) == everything(made_anew(sent.served()))
    assert_as_made_anew(sent)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_sent_again_of_patients_with_several_studies(sent: Overwritten, seed: int) -> None:
    """Of patients with several studies, too."""
    random_ = random.Random(seed)
    for _ in range(50):
        uid = f"{random_.choice('123')}.{random_.choice('12')}.{random_.choice('123')}"
        said = some(random_, "PatientID", "P1", "P2", "") | some(random_, "PatientName", "Old^Name", "New^Name")
        sent.send(uid, **said, **some(random_, "PatientComments", "", "Deaf"))
        assert everything(sent.index) == everything(made_anew(sent.served()))
    assert_as_made_anew(sent)
