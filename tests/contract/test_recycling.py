"""What every index must do with what is deleted, and how it tells what has changed: one suite, run over each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef, Level, Selection, SeriesRef, StudyRef
from calotype.dicom.query.attributes import INDEXED
from calotype.dicom.query.model import Query
from calotype.errors import Conflict, NotFound
from calotype.services.archive.feed import Action, Change
from calotype.services.archive.ports import Channel, Flag, InstanceRecord, ObjectLocation, Origin, StudyText
from calotype.services.archive.recycled import Deletion, Ref, State
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.sqlite import SqliteIndex
from support import indexes

CT, SR = UID("1.2.840.10008.5.1.4.1.1.2"), UID("1.2.840.10008.5.1.4.1.1.88.11")
EXPLICIT_LE = UID("1.2.840.10008.1.2.1")
MODALITY_A = Origin(Channel.DIMSE, "MODALITY_A", "CALOTYPE", "192.0.2.7")

AnyIndex = SqliteIndex | MemoryIndex


def record(study: str = "1", series: str = "1.1", instance: str = "1.1.1", **attributes: str) -> InstanceRecord:
    sop_class = UID(attributes.pop("SOPClassUID", CT))
    said = {"PatientID": "P1", "PatientName": "Doe^John", "Modality": "CT", **attributes}
    return InstanceRecord(
        ref=InstanceRef(UID(study), UID(series), UID(instance)),
        sop_class=sop_class,
        attributes=said,
        location=ObjectLocation(f"{instance}.dcm", 1000, 300, 700, instance.encode().ljust(32, b"\0"), EXPLICIT_LE),
        header=f"header of {instance}".encode(),
        origin=MODALITY_A,
        received_us=1_700_000_000_000_000 + len(instance),
    )


def other(known: InstanceRecord, key: str) -> InstanceRecord:
    return replace(known, location=replace(known.location, key=key, digest=key.encode().ljust(32, b"\1")))


def deletion(ref: Ref, at_us: int = 100) -> Deletion:
    return Deletion(ref, "me", "test images", at_us, f"recycled/{at_us}.recycled")


def everything(index: AnyIndex) -> list[Any]:
    """Return all that can be known of an index from outside, but for the order of arrival of patients."""
    fields = frozenset(attribute.keyword for attribute in INDEXED)
    told: list[Any] = []
    for level in Level:
        levels = frozenset(a.keyword for a in INDEXED if a.level.depth <= level.depth) & fields
        told.append(sorted(sorted(match.items()) for match in index.find(Query(level, fields=levels))))
    told.append(sorted(index.records(), key=lambda each: each[0].location.key))
    told.append(sorted(index.conflicts(), key=repr))
    told.append(index.statistics())
    studies = tuple(sorted({UID(m["StudyInstanceUID"]) for m in index.find(Query(Level.STUDY))}))
    if studies:
        selection = Selection(Level.STUDY, studies)
        told.append(sorted(index.headers(selection), key=repr))
        told.append(sorted(index.locate(selection), key=repr))
    return told


def lines(index: AnyIndex, since: int = 0) -> list[tuple[str, str, str, int]]:
    """Return the feed: what happened to what, and to how many."""
    index.feed.tell(50)
    return [
        (str(c.action), str(c.level), c.instance or c.series or c.study, c.instances)
        for c in index.feed.lines(since, 1000)
    ]


@pytest.fixture
def filled(index: AnyIndex) -> AnyIndex:
    """A patient with two studies; the first of two series, three objects, a version and a conflict."""
    index.add(record(instance="1.1.1", InstanceNumber="1", StudyDate="20240102", StudyDescription="Thorax"))
    index.add(record(instance="1.1.2", InstanceNumber="2"))
    index.add(record(series="1.2", instance="1.2.1", Modality="SR", SOPClassUID=SR, PatientName="Other^Name"))
    index.add_version(other(replace(record(), flags=frozenset({Flag.VERSION_CONFLICT})), "1.1.1.1.dcm"))
    index.add(record("2", "2.1", "2.1.1", StudyDate="20240103"))
    return index


EVERY_LEVEL: list[Ref] = [
    StudyRef(UID("1")),
    SeriesRef(UID("1"), UID("1.2")),
    SeriesRef(UID("1"), UID("1.1")),
    InstanceRef(UID("1"), UID("1.1"), UID("1.1.1")),
    StudyRef(UID("2")),
]


class TestTaking:
    def test_a_deleted_study_is_nowhere_to_be_found(self, filled: AnyIndex) -> None:
        taken = filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        assert [m["StudyInstanceUID"] for m in filled.find(Query(Level.STUDY))] == ["2"]
        assert list(filled.locate(Selection(Level.STUDY, (UID("1"),)))) == []
        assert filled.instance(UID("1.1.1")) is None
        assert filled.versions(UID("1.1.1")) == []
        assert list(filled.conflicts()) == []
        assert [each[0].ref.study for each in filled.records()] == ["2"]
        assert (taken.instances, taken.stored_bytes, taken.state) == (3, 4000, State.KEPT)

    def test_counters_are_those_of_an_archive_that_never_had_it(self, filled: AnyIndex, tmp_path: Path) -> None:
        filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        (tmp_path / "never").mkdir()
        never = indexes.in_folder(tmp_path / "never")
        never.add(record("2", "2.1", "2.1.1", StudyDate="20240103"))
        assert everything(filled) == everything(never)
        never.close()

    def test_a_deleted_series_leaves_the_study_right(self, filled: AnyIndex) -> None:
        filled.recycle_bin.take(deletion(SeriesRef(UID("1"), UID("1.2"))))
        fields = frozenset(
            {
                "ModalitiesInStudy",
                "SOPClassesInStudy",
                "NumberOfStudyRelatedSeries",
                "NumberOfStudyRelatedInstances",
            }
        )
        (match,) = [m for m in filled.find(Query(Level.STUDY, fields=fields)) if m["StudyInstanceUID"] == "1"]
        assert (match["ModalitiesInStudy"], match["SOPClassesInStudy"]) == ("CT", CT)
        assert (match["NumberOfStudyRelatedSeries"], match["NumberOfStudyRelatedInstances"]) == ("1", "2")

    def test_the_conflicts_of_a_study_of_which_something_is_left_go_on_waiting(self, filled: AnyIndex) -> None:
        filled.recycle_bin.take(deletion(SeriesRef(UID("1"), UID("1.2"))))
        assert {conflict.flag for conflict in filled.conflicts()} == {Flag.PATIENT_CONFLICT, Flag.VERSION_CONFLICT}

    @pytest.mark.parametrize(
        "ref",
        [
            StudyRef(UID("9")),
            SeriesRef(UID("2"), UID("1.1")),
            InstanceRef(UID("1"), UID("1.2"), UID("1.1.1")),
        ],
    )
    def test_what_is_not_there_is_not_found_and_nothing_is_done(self, filled: AnyIndex, ref: Ref) -> None:
        before = everything(filled)
        with pytest.raises(NotFound):
            filled.recycle_bin.take(deletion(ref))
        assert everything(filled) == before
        assert list(filled.recycle_bin.list((), None, 10)) == []

    def test_it_is_written_down_who_deleted_what_and_when(self, filled: AnyIndex) -> None:
        taken = filled.recycle_bin.take(deletion(SeriesRef(UID("1"), UID("1.2")), 777))
        assert (taken.level, taken.study, taken.series, taken.instance) == (Level.SERIES, "1", "1.2", "")
        assert (taken.deleted_by, taken.reason, taken.deleted_us) == ("me", "test images", 777)
        assert taken.note_key == "recycled/777.recycled"
        assert taken.about["PatientID"] == "P1"
        assert taken.about["Modality"] == "SR"
        assert filled.recycle_bin.get(taken.id) == taken

    def test_a_person_sees_what_study_it_was(self, filled: AnyIndex) -> None:
        taken = filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        assert taken.about == {
            "PatientID": "P1",
            "PatientName": "Doe^John",
            "StudyDate": "20240102",
            "StudyDescription": "Thorax",
            "Modality": "CT\\SR",
        }

    def test_a_bin_is_listed_newest_first_a_page_at_a_time(self, filled: AnyIndex) -> None:
        taken = [filled.recycle_bin.take(deletion(StudyRef(UID(uid)), 100 + int(uid))) for uid in ("1", "2")]
        newest, oldest = taken[1], taken[0]
        assert list(filled.recycle_bin.list((), None, 10)) == [newest, oldest]
        assert list(filled.recycle_bin.list((), None, 1)) == [newest]
        assert list(filled.recycle_bin.list((), newest.id, 1)) == [oldest]
        assert list(filled.recycle_bin.list({State.PURGED}, None, 10)) == []
        assert list(filled.recycle_bin.list({State.KEPT, State.PURGED}, None, 10)) == [newest, oldest]

    def test_a_study_of_thousands_goes_at_once_and_comes_back(self, index: AnyIndex) -> None:
        for number in range(1200):
            index.add(record(instance=f"1.1.{number + 1}", InstanceNumber=str(number)))
        before = everything(index)
        taken = index.recycle_bin.take(deletion(StudyRef(UID("1"))))
        assert (taken.instances, index.statistics().instances) == (1200, 0)
        assert len(list(index.recycle_bin.objects(taken.id))) == 1200
        index.recycle_bin.restore(taken.id, "me", 200)
        assert everything(index) == before


class TestRestoring:
    @pytest.mark.parametrize("ref", EVERY_LEVEL)
    def test_all_is_as_it_was(self, filled: AnyIndex, ref: Ref) -> None:
        before = everything(filled)
        taken = filled.recycle_bin.take(deletion(ref))
        assert everything(filled) != before
        restored = filled.recycle_bin.restore(taken.id, "you", 200)
        assert everything(filled) == before
        assert (restored.served, restored.identical) == (taken.instances, 0)
        told = filled.recycle_bin.get(taken.id)
        assert told is not None
        assert (told.state, told.changed_by, told.changed_us, told.deleted_by) == (State.RESTORED, "you", 200, "me")
        assert list(filled.recycle_bin.objects()) == []

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_a_patient_who_lost_all_studies_is_called_as_before(
        self, index: AnyIndex, order: tuple[int, int]
    ) -> None:
        index.add(record("1", "1.1", "1.1.1", PatientName="First^Name"))
        index.add(record("2", "2.1", "2.1.1", PatientName="Second^Name"))
        before = everything(index)
        taken = [index.recycle_bin.take(deletion(StudyRef(UID(uid)))) for uid in ("1", "2")]
        assert index.statistics().patients == 0
        for one in order:
            index.recycle_bin.restore(taken[one].id, "me", 200)
        assert everything(index) == before

    def test_further_objects_are_added_to_what_came_back(self, filled: AnyIndex) -> None:
        taken = filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        filled.recycle_bin.restore(taken.id, "me", 200)
        filled.add(record(instance="1.1.3"))
        assert filled.statistics().instances == 5

    def test_twice_is_a_conflict(self, filled: AnyIndex) -> None:
        taken = filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        filled.recycle_bin.restore(taken.id, "me", 200)
        with pytest.raises(Conflict):
            filled.recycle_bin.restore(taken.id, "me", 300)
        with pytest.raises(Conflict):
            filled.recycle_bin.doom(taken.id, "me", 300)

    def test_an_unknown_number_is_not_found(self, index: AnyIndex) -> None:
        with pytest.raises(NotFound):
            index.recycle_bin.restore(7, "me", 200)
        with pytest.raises(NotFound):
            index.recycle_bin.doom(7, "me", 200)
        assert index.recycle_bin.get(7) is None

    def test_what_was_received_anew_stays_and_the_old_one_waits_beside_it(self, index: AnyIndex) -> None:
        index.add(record())
        taken = index.recycle_bin.take(deletion(StudyRef(UID("1"))))
        anew = other(record(), "anew.dcm")
        index.add(anew)
        restored = index.recycle_bin.restore(taken.id, "me", 200)
        assert (restored.served, restored.versions, restored.identical) == (0, 1, 0)
        served = index.instance(UID("1.1.1"))
        assert served is not None
        assert served.location == anew.location
        assert index.versions(UID("1.1.1")) == [record().location]
        assert [conflict.flag for conflict in index.conflicts()] == [Flag.VERSION_CONFLICT]

    def test_the_very_same_received_anew_is_kept_once(self, index: AnyIndex) -> None:
        index.add(record())
        taken = index.recycle_bin.take(deletion(StudyRef(UID("1"))))
        anew = replace(record(), location=replace(record().location, key="anew.dcm"))
        index.add(anew)
        restored = index.recycle_bin.restore(taken.id, "me", 200)
        assert (restored.served, restored.versions, restored.identical) == (0, 0, 1)
        assert index.versions(UID("1.1.1")) == []
        (twin,) = index.recycle_bin.list({State.PURGING}, None, 10)
        assert [each.location.key for each in index.recycle_bin.objects(twin.id)] == ["1.1.1.dcm"]

    def test_a_patient_without_a_study_is_not_left_behind(self, index: AnyIndex) -> None:
        index.add(record())
        taken = index.recycle_bin.take(deletion(StudyRef(UID("1"))))
        index.add(other(record("5", "5.1", "1.1.1", PatientID="P5"), "anew.dcm"))
        index.recycle_bin.restore(taken.id, "me", 200)
        assert (index.statistics().patients, index.statistics().studies) == (1, 1)


class TestPurging:
    def test_what_is_to_be_purged_cannot_be_restored(self, filled: AnyIndex) -> None:
        taken = filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        doomed = filled.recycle_bin.doom(taken.id, "you", 200)
        assert (doomed.state, doomed.changed_by, doomed.about) == (State.PURGING, "you", {})
        with pytest.raises(Conflict):
            filled.recycle_bin.restore(taken.id, "me", 300)

    def test_only_the_first_to_begin_is_told_so(self, filled: AnyIndex) -> None:
        taken = filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        filled.recycle_bin.doom(taken.id, "you", 200)
        assert [filled.recycle_bin.claim(taken.id), filled.recycle_bin.claim(taken.id)] == [True, False]

    def test_a_deletion_is_purged_with_its_last_file_and_remembered(self, filled: AnyIndex) -> None:
        bin_ = filled.recycle_bin
        taken = bin_.take(deletion(StudyRef(UID("1"))))
        bin_.doom(taken.id, "you", 200)
        numbers = [each.number for each in bin_.objects(taken.id)]
        assert len(numbers) == 4
        assert bin_.purged(taken.id, numbers[:3], 300) == 1
        assert bin_.purged(taken.id, numbers[3:], 400) == 0
        told = bin_.get(taken.id)
        assert told is not None
        assert (told.state, told.deleted_by, told.changed_by, told.changed_us) == (State.PURGED, "me", "you", 400)
        assert list(bin_.objects()) == []

    def test_what_the_text_of_a_study_has_shown_goes_with_the_last_of_it(self, filled: AnyIndex) -> None:
        text = StudyText(override=("GB18030",))
        filled.keep_study_text(UID("1"), text)
        bin_ = filled.recycle_bin
        series = [bin_.take(deletion(SeriesRef(UID("1"), UID(uid)), at)).id for at, uid in ((1, "1.1"), (2, "1.2"))]
        known = []
        for number in series:
            bin_.doom(number, "you", 200)
            bin_.purged(number, [each.number for each in bin_.objects(number)], 300)
            known.append(filled.study_text(UID("1")))
        assert known == [text, None]


class TestHolding:
    def test_the_bin_knows_its_objects_by_their_keys(self, filled: AnyIndex) -> None:
        taken = filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        keys = {each.location.key for each in filled.recycle_bin.objects()}
        assert keys == {"1.1.1.dcm", "1.1.2.dcm", "1.2.1.dcm", "1.1.1.1.dcm"}
        assert all(filled.recycle_bin.holds(key) for key in keys)
        assert not filled.recycle_bin.holds("2.1.1.dcm")
        assert filled.recycle_bin.noted([taken.note_key, "recycled/other.recycled"]) == {taken.note_key: State.KEPT}

    def test_objects_that_only_a_note_tells_of_are_put_in_and_can_be_restored(self, index: AnyIndex) -> None:
        one, two = record(), record(instance="1.1.2")
        number = index.recycle_bin.adopt(deletion(StudyRef(UID("1"))), [one])
        assert index.recycle_bin.adopt(deletion(StudyRef(UID("1"))), [two]) == number
        told = index.recycle_bin.get(number)
        assert told is not None
        assert (told.instances, told.stored_bytes, told.deleted_by) == (2, 2000, "me")
        assert told.about["PatientName"] == "Doe^John"
        assert index.statistics().instances == 0
        index.recycle_bin.restore(number, "me", 200)
        assert [each.ref for each in index.locate(Selection(Level.STUDY, (UID("1"),)))] == [one.ref, two.ref]

    def test_a_rebuild_leaves_the_bin_alone_and_resurrects_nothing(self, filled: AnyIndex) -> None:
        rebuild = filled.rebuild()
        for each in (record(), record(instance="1.1.2"), record("2", "2.1", "2.1.1", StudyDate="20240103")):
            rebuild.add(each)
        rebuild.add(other(record(), "1.1.1.1.dcm"))
        taken = filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        rebuild.swap()
        assert [each[0].location.key for each in filled.records()] == ["2.1.1.dcm"]
        assert list(filled.conflicts()) == []
        assert filled.recycle_bin.get(taken.id) == taken
        filled.recycle_bin.restore(taken.id, "me", 200)
        assert filled.statistics().instances == 4


class TestFeed:
    def test_what_was_stored_is_told_per_series_in_the_order_of_arrival(self, filled: AnyIndex) -> None:
        assert lines(filled) == [
            ("created", "SERIES", "1.1", 2),
            ("created", "SERIES", "1.2", 1),
            ("created", "SERIES", "2.1", 1),
        ]

    def test_it_is_told_once(self, filled: AnyIndex) -> None:
        assert filled.feed.tell(50)
        assert not filled.feed.tell(60)
        assert len(filled.feed.lines(0, 10)) == 3
        filled.add(record(instance="1.1.3"))
        assert lines(filled, since=3) == [("created", "SERIES", "1.1", 1)]

    def test_a_line_holds_all_there_is_to_know(self, index: AnyIndex) -> None:
        index.add(record())
        index.feed.tell(50)
        assert index.feed.lines(0, 10) == [
            Change(1, Action.CREATED, Level.SERIES, UID("1"), UID("1.1"), UID(""), 1, 50)
        ]

    def test_numbers_have_no_gaps_and_pages_meet(self, filled: AnyIndex) -> None:
        filled.recycle_bin.take(deletion(StudyRef(UID("2"))))
        first = filled.feed.lines(0, 2)
        second = filled.feed.lines(first[-1].sequence, 10)
        assert [change.sequence for change in (*first, *second)] == [1, 2, 3, 4]
        assert filled.feed.lines(4, 10) == []

    def test_a_deletion_comes_after_what_it_deletes_and_a_restoring_after_it(self, filled: AnyIndex) -> None:
        taken = filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        filled.recycle_bin.restore(taken.id, "me", 200)
        assert lines(filled, since=3) == [("deleted", "STUDY", "1", 3), ("restored", "STUDY", "1", 3)]

    def test_the_level_is_that_of_what_was_deleted(self, filled: AnyIndex) -> None:
        filled.recycle_bin.take(deletion(InstanceRef(UID("1"), UID("1.1"), UID("1.1.1"))))
        filled.recycle_bin.take(deletion(SeriesRef(UID("1"), UID("1.1"))))
        assert lines(filled, since=3) == [("deleted", "IMAGE", "1.1.1", 1), ("deleted", "SERIES", "1.1", 1)]

    def test_what_comes_after_a_deletion_is_told(self, filled: AnyIndex) -> None:
        """The newest row's number is free then, and is given again."""
        filled.recycle_bin.take(deletion(StudyRef(UID("2"))))
        filled.add(record("3", "3.1", "3.1.1"))
        assert lines(filled, since=4) == [("created", "SERIES", "3.1", 1)]

    def test_overwriting_and_reading_again_are_updates(self, index: AnyIndex) -> None:
        index.add(record())
        index.replace(other(record(), "new.dcm"))
        index.reread(UID("1"), [other(record(), "new.dcm")])
        index.remove(record().ref)
        assert lines(index) == [
            ("created", "SERIES", "1.1", 1),
            ("updated", "IMAGE", "1.1.1", 1),
            ("updated", "STUDY", "1", 1),
            ("deleted", "IMAGE", "1.1.1", 1),
        ]

    def test_what_fails_is_not_told(self, index: AnyIndex) -> None:
        with pytest.raises(NotFound):
            index.replace(record())
        with pytest.raises(NotFound):
            index.recycle_bin.take(deletion(StudyRef(UID("1"))))
        assert lines(index) == []

    def test_a_rebuild_is_told_and_nothing_twice(self, filled: AnyIndex) -> None:
        rebuild = filled.rebuild()
        rebuild.add(record())
        filled.add(record(instance="1.1.3"))
        rebuild.swap()
        filled.add(record(instance="1.1.4"))
        assert lines(filled)[-2:] == [("rebuilt", "None", "", 0), ("created", "SERIES", "1.1", 1)]

    def test_a_study_is_stable_when_nothing_came_for_a_while(self, filled: AnyIndex) -> None:
        filled.feed.tell(1000)
        assert filled.feed.settle(999, 5000) == 1000
        filled.add(record(instance="1.1.3"))
        filled.feed.tell(2000)
        assert filled.feed.settle(1000, 5000) == 2000
        assert filled.feed.settle(2000, 6000) is None
        stable = [change for change in filled.feed.lines(0, 100) if change.action is Action.STABLE]
        assert [(change.study, change.level, change.at_us) for change in stable] == [
            ("2", Level.STUDY, 5000),
            ("1", Level.STUDY, 6000),
        ]

    def test_a_deleted_study_never_becomes_stable(self, filled: AnyIndex) -> None:
        filled.recycle_bin.take(deletion(StudyRef(UID("1"))))
        far_us = 1 << 62
        assert filled.feed.settle(far_us, far_us) is None
        assert [c.study for c in filled.feed.lines(0, 100) if c.action is Action.STABLE] == ["2"]

    def test_trimming_forgets_the_oldest_and_never_the_newest(self, filled: AnyIndex) -> None:
        filled.feed.tell(50)
        token = filled.feed.extent().token
        assert (filled.feed.extent().oldest, filled.feed.extent().newest) == (1, 3)
        assert filled.feed.trim(2) == 1
        assert filled.feed.trim(0) == 1
        assert filled.feed.trim(0) == 0
        assert (filled.feed.extent().oldest, filled.feed.extent().newest) == (3, 3)
        filled.add(record(instance="1.1.3"))
        assert [change.sequence for change in filled.feed.lines(0, 10)] == [3]
        assert lines(filled, since=3) == [("created", "SERIES", "1.1", 1)]
        assert filled.feed.extent().token == token

    def test_an_empty_feed_reaches_nowhere(self, index: AnyIndex) -> None:
        extent = index.feed.extent()
        assert (extent.oldest, extent.newest, len(extent.token)) == (0, 0, 16)
