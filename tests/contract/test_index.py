"""What every index must do: one suite, run over each implementation."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef, Level, Selection, SeriesRef, StudyRef
from calotype.dicom.query.attributes import UNIQUE_KEYS
from calotype.dicom.query.model import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    Match,
    Order,
    Page,
    Query,
    Range,
    UidList,
    Wildcard,
)
from calotype.errors import Conflict, NotFound, Unavailable
from calotype.services.archive.ports import (
    Channel,
    ConflictRecord,
    Flag,
    Index,
    InstanceRecord,
    ObjectLocation,
    Origin,
    Replacement,
    Statistics,
    StoredInstance,
    Total,
)

CT, MR, SR = UID("1.2.840.10008.5.1.4.1.1.2"), UID("1.2.840.10008.5.1.4.1.1.4"), UID("1.2.840.10008.5.1.4.1.1.88.11")
EXPLICIT_LE = UID("1.2.840.10008.1.2.1")
MODALITY_A = Origin(Channel.DIMSE, "MODALITY_A", "CALOTYPE", "192.0.2.7")


def record(study: str = "1.1", series: str = "1.1.1", instance: str = "1.1.1.1", **attributes: str) -> InstanceRecord:
    """Make a record of one object; keywords are its attributes, ``SOPClassUID`` its class."""
    sop_class = UID(attributes.pop("SOPClassUID", CT))
    said = {"PatientID": "P1", "PatientName": "Doe^John", "Modality": "CT", **attributes}
    return InstanceRecord(
        ref=InstanceRef(UID(study), UID(series), UID(instance)),
        sop_class=sop_class,
        attributes={keyword: text for keyword, text in said.items() if text},
        location=ObjectLocation(f"{instance}.dcm", 1000, 300, 700, instance.encode().ljust(32, b"\0"), EXPLICIT_LE),
        header=f"header of {instance}".encode(),
        origin=MODALITY_A,
        received_us=1_700_000_000_000_000,
    )


def other_object(known: InstanceRecord, key: str, **changes: object) -> InstanceRecord:
    """Make a record of a different object under the same SOP Instance UID."""
    location = replace(known.location, key=key, digest=key.encode().ljust(32, b"\1"))
    return replace(known, location=location, **changes)  # type: ignore[arg-type]


def stored(of: InstanceRecord) -> StoredInstance:
    return StoredInstance(of.ref, of.sop_class, of.location)


def ask(
    index: Index, level: Level, *conditions: Condition, fields: str = "", order: tuple[Order, ...] = ()
) -> list[Match]:
    return list(index.find(Query(level, conditions, frozenset(fields.split()), order)))


def found(index: Index, *conditions: Condition, level: Level = Level.STUDY) -> list[str]:
    """Return the UIDs of what answers at a level, sorted: without an order asked for, each index has its own."""
    keyword = {Level.STUDY: "StudyInstanceUID", Level.SERIES: "SeriesInstanceUID", Level.IMAGE: "SOPInstanceUID"}[
        level
    ]
    return sorted(match[keyword] for match in ask(index, level, *conditions))


class TestAdding:
    def test_an_added_instance_is_found_by_its_uid(self, index: Index) -> None:
        one = record()
        assert index.add(one) == frozenset()
        assert index.instance(one.ref.instance) == stored(one)

    def test_an_unknown_instance_is_none(self, index: Index) -> None:
        assert index.instance(UID("1.2.3")) is None

    def test_a_known_uid_is_a_conflict_and_writes_nothing(self, index: Index) -> None:
        one = record()
        index.add(one)
        with pytest.raises(Conflict):
            index.add(other_object(one, "other.dcm"))
        assert index.instance(one.ref.instance) == stored(one)
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)

    def test_a_known_uid_in_another_study_is_a_conflict_and_leaves_no_empty_study(self, index: Index) -> None:
        index.add(record())
        with pytest.raises(Conflict):
            index.add(record("2.1", "2.1.1", "1.1.1.1", PatientID="P2"))
        assert found(index) == ["1.1"]
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)

    def test_a_known_uid_in_a_known_series_is_a_conflict_whatever_its_series(self, index: Index) -> None:
        index.add(record())
        index.add(record("2.1", "2.1.1", "2.1.1.1", PatientID="P2"))
        with pytest.raises(Conflict):
            index.add(record("2.1", "2.1.1", "1.1.1.1", PatientID="P2"))
        assert index.statistics().instances == 2

    def test_the_record_s_flags_come_back(self, index: Index) -> None:
        assert index.add(replace(record(), flags=frozenset({Flag.BAD_DATE}))) == {Flag.BAD_DATE}

    def test_one_series_uid_in_two_studies_is_two_series(self, index: Index) -> None:
        index.add(record("1.1", "9.9", "1.1.1.1"))
        index.add(record("2.1", "9.9", "2.1.1.1"))
        assert [m["StudyInstanceUID"] for m in ask(index, Level.SERIES, Exact("SeriesInstanceUID", "9.9"))] == [
            "1.1",
            "2.1",
        ]

    def test_hostile_text_is_kept_as_it_is(self, index: Index) -> None:
        hostile = "'; DROP TABLE study; -- %_[*]?\"\u0301\U0001f600"
        index.add(record(StudyDescription=hostile, AccessionNumber="x" * 100_000))
        (match,) = ask(
            index, Level.STUDY, Exact("StudyDescription", hostile), fields="StudyDescription AccessionNumber"
        )
        assert (match["StudyDescription"], len(match["AccessionNumber"])) == (hostile, 100_000)

    def test_text_that_no_database_can_hold_fails_alone(self, index: Index) -> None:
        index.add(record())
        index.add(record(instance="1.1.1.2", InstanceNumber="9" * 400))
        assert index.statistics().instances == 2


class TestCounters:
    def test_a_study_counts_and_gathers(self, index: Index) -> None:
        index.add(record())
        index.add(record(instance="1.1.1.2"))
        index.add(record("1.1", "1.1.2", "1.1.2.1", Modality="SR", SOPClassUID=SR))
        (match,) = ask(
            index,
            Level.STUDY,
            fields="ModalitiesInStudy SOPClassesInStudy NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances",
        )
        assert match == {
            "PatientID": "P1",
            "StudyInstanceUID": "1.1",
            "ModalitiesInStudy": "CT\\SR",
            "SOPClassesInStudy": f"{CT}\\{SR}",
            "NumberOfStudyRelatedSeries": "2",
            "NumberOfStudyRelatedInstances": "3",
        }

    def test_a_patient_counts_what_all_studies_hold(self, index: Index) -> None:
        for study, series, instance in (("1", "a", "1"), ("1", "a", "2"), ("1", "b", "3"), ("2", "c", "4")):
            index.add(record(study, series, instance, PatientID="P"))
        index.add(record("3", "d", "5", PatientID="Q"))
        counters = {f"NumberOfPatientRelated{what}": "1" for what in ("Studies", "Series", "Instances")}
        of_p = {
            "NumberOfPatientRelatedStudies": "2",
            "NumberOfPatientRelatedSeries": "3",
            "NumberOfPatientRelatedInstances": "4",
        }
        for level, unique in ((Level.PATIENT, "PatientID"), (Level.STUDY, "StudyInstanceUID")):
            answers = {match.pop(unique): match for match in map(dict, ask(index, level, fields=" ".join(counters)))}
            expected = {"P": of_p, "Q": counters} if level is Level.PATIENT else {"1": of_p, "2": of_p, "3": counters}
            assert {entity: {k: answer[k] for k in counters} for entity, answer in answers.items()} == expected

    def test_a_series_counts_its_instances(self, index: Index) -> None:
        index.add(record())
        index.add(record(instance="1.1.1.2"))
        (match,) = ask(index, Level.SERIES, fields="NumberOfSeriesRelatedInstances NumberOfStudyRelatedInstances")
        assert (match["NumberOfSeriesRelatedInstances"], match["NumberOfStudyRelatedInstances"]) == ("2", "2")

    def test_statistics_count_everything_kept(self, index: Index) -> None:
        one = record()
        index.add(one)
        index.add(record("2.1", "2.1.1", "2.1.1.1", PatientID="P2"))
        index.add_version(other_object(one, "other.dcm"))
        assert index.statistics() == Statistics(
            patients=2, studies=2, series=2, instances=2, conflicts=1, stored_bytes=3000
        )

    def test_counters_hold_after_everything_has_gone(self, index: Index) -> None:
        records = [record(instance=f"1.1.1.{i}") for i in range(5)]
        for one in records:
            index.add(one)
        for one in records:
            index.remove(one.ref)
        assert index.statistics() == Statistics(0, 0, 0, 0, 0, 0)
        assert found(index) == []


class TestPatients:
    def test_an_id_of_spaces_is_none_and_merges_nobody(self, index: Index) -> None:
        for number in ("1", "2"):
            index.add(record(f"{number}.1", f"{number}.1.1", f"{number}.1.1.1", PatientID=" "))
            index.add(record(f"{number}.1", f"{number}.1.1", f"{number}.1.1.2", PatientID=" "))
        assert index.statistics().patients == 2

    def test_studies_of_one_patient_share_the_patient(self, index: Index) -> None:
        index.add(record())
        index.add(record("2.1", "2.1.1", "2.1.1.1"))
        assert index.statistics().patients == 1

    def test_the_issuer_tells_patients_apart(self, index: Index) -> None:
        index.add(record(IssuerOfPatientID="A"))
        index.add(record("2.1", "2.1.1", "2.1.1.1", IssuerOfPatientID="B"))
        assert [m["IssuerOfPatientID"] for m in ask(index, Level.PATIENT, fields="IssuerOfPatientID")] == ["A", "B"]

    def test_studies_without_a_patient_id_are_never_merged(self, index: Index) -> None:
        index.add(record(PatientID=""))
        index.add(record("2.1", "2.1.1", "2.1.1.1", PatientID=""))
        assert ask(index, Level.PATIENT, Empty("PatientID"), fields="PatientName") == [
            {"PatientName": "Doe^John"},
            {"PatientName": "Doe^John"},
        ]

    def test_a_study_under_another_patient_is_a_conflict_and_stays_where_it_is(self, index: Index) -> None:
        index.add(record())
        other = record(instance="1.1.1.2", PatientID="P2", PatientName="Roe^Jane")
        assert index.add(other) == {Flag.PATIENT_CONFLICT}
        (match,) = ask(index, Level.STUDY, fields="PatientName NumberOfStudyRelatedInstances")
        assert (match["PatientID"], match["PatientName"], match["NumberOfStudyRelatedInstances"]) == (
            "P1",
            "Doe^John",
            "2",
        )
        assert list(index.conflicts()) == [
            ConflictRecord(
                Flag.PATIENT_CONFLICT,
                other.ref,
                "the study belongs to patient 'P1', this object names patient 'P2'",
                None,
                other.received_us,
            )
        ]

    @pytest.mark.parametrize(
        ("changes", "detail"),
        [
            ({"PatientName": "Roe^Jane"}, "patient 'P1': PatientName is 'Doe^John' there and 'Roe^Jane' here"),
            ({"PatientSex": "F"}, "patient 'P1': PatientSex is 'M' there and 'F' here"),
            (
                {"PatientBirthDate": "19800101"},
                "patient 'P1': PatientBirthDate is '19700101' there and '19800101' here",
            ),
        ],
    )
    def test_a_patient_with_two_faces_is_a_conflict_and_both_are_kept(
        self, index: Index, changes: dict[str, str], detail: str
    ) -> None:
        face = {"PatientSex": "M", "PatientBirthDate": "19700101"}
        index.add(record(**face))
        assert index.add(record("2.1", "2.1.1", "2.1.1.1", **face | changes)) == {Flag.PATIENT_CONFLICT}
        assert [conflict.detail for conflict in index.conflicts()] == [detail]
        (keyword,) = changes
        said = [match[keyword] for match in ask(index, Level.STUDY, fields=keyword)]
        assert said == [{"PatientName": "Doe^John", **face}[keyword], changes[keyword]]
        assert len(ask(index, Level.PATIENT)) == 1

    @pytest.mark.parametrize("name", ["DOE^JOHN", "Doé^John^^", "Doe^John=山田", ""])
    def test_another_spelling_of_one_name_is_no_conflict(self, index: Index, name: str) -> None:
        index.add(record())
        assert index.add(record("2.1", "2.1.1", "2.1.1.1", PatientName=name)) == frozenset()

    def test_an_object_without_patient_id_does_not_contradict_its_study(self, index: Index) -> None:
        index.add(record())
        assert index.add(record(instance="1.1.1.2", PatientID="")) == frozenset()

    def test_many_instances_saying_the_same_are_one_conflict(self, index: Index) -> None:
        index.add(record())
        for i in range(2, 6):
            index.add(record(instance=f"1.1.1.{i}", PatientID="P2"))
        assert index.statistics().conflicts == 1

    def test_conflicts_go_with_their_study(self, index: Index) -> None:
        one, two = record(), record(instance="1.1.1.2", PatientID="P2")
        index.add(one)
        index.add(two)
        index.remove(one.ref)
        index.remove(two.ref)
        assert list(index.conflicts()) == []
        assert index.statistics().conflicts == 0


class TestVersions:
    def test_the_first_version_stays_the_one_served(self, index: Index) -> None:
        one = record()
        second, third = (
            other_object(one, "second.dcm"),
            other_object(one, "third.dcm", received_us=one.received_us + 1),
        )
        index.add(one)
        index.add_version(second)
        index.add_version(third)
        assert index.instance(one.ref.instance) == stored(one)
        assert list(index.versions(one.ref.instance)) == [second.location, third.location]
        assert list(index.versions(UID("9.9"))) == []

    def test_versions_wait_as_conflicts_newest_first(self, index: Index) -> None:
        one = record()
        index.add(one)
        index.add_version(other_object(one, "second.dcm"))
        newest = other_object(one, "third.dcm", received_us=one.received_us + 1)
        index.add_version(newest)
        conflicts = list(index.conflicts())
        assert [each.location and each.location.key for each in conflicts] == ["third.dcm", "second.dcm"]
        assert conflicts[0] == ConflictRecord(
            Flag.VERSION_CONFLICT,
            one.ref,
            "another object with this SOP Instance UID is kept as third.dcm",
            newest.location,
            newest.received_us,
        )

    def test_a_version_may_say_that_it_stands_elsewhere(self, index: Index) -> None:
        one = record()
        index.add(one)
        elsewhere = other_object(one, "elsewhere.dcm", ref=InstanceRef(UID("7"), UID("7.7"), one.ref.instance))
        index.add_version(elsewhere)
        assert next(iter(index.conflicts())).ref == elsewhere.ref
        assert found(index) == ["1.1"]

    def test_a_version_of_nothing_is_not_found(self, index: Index) -> None:
        with pytest.raises(NotFound):
            index.add_version(record())
        assert index.statistics() == Statistics(0, 0, 0, 0, 0, 0)


class TestReplacing:
    def test_replace_returns_what_was_there(self, index: Index) -> None:
        one = record()
        two = other_object(one, "two.dcm", header=b"new header")
        index.add(one)
        assert index.replace(two) == Replacement(stored(one))
        assert index.instance(one.ref.instance) == stored(two)
        assert list(index.headers(Selection.of(one.ref))) == [(one.ref, b"new header")]
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)

    def test_replace_moves_an_instance_to_another_study(self, index: Index) -> None:
        one = record()
        index.add(one)
        index.replace(record("2.1", "2.1.1", one.ref.instance, PatientID="P2", Modality="MR", SOPClassUID=MR))
        assert found(index) == ["2.1"]
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)

    def test_replace_leaves_the_others_of_the_study(self, index: Index) -> None:
        index.add(record())
        index.add(record(instance="1.1.1.2"))
        index.replace(record("1.1", "1.1.2", "1.1.1.2", Modality="SR", SOPClassUID=SR))
        (match,) = ask(index, Level.STUDY, fields="ModalitiesInStudy SOPClassesInStudy NumberOfStudyRelatedSeries")
        assert match["ModalitiesInStudy"] == "CT\\SR"
        assert match["SOPClassesInStudy"] == f"{CT}\\{SR}"
        assert match["NumberOfStudyRelatedSeries"] == "2"

    def test_what_replaces_the_only_instance_says_all_that_is_said_of_its_study(self, index: Index) -> None:
        """A corrected name that is sent again, and kept by overwriting, is the one that people find."""
        one = record(PatientName="Wrong^Name", StudyDescription="Knee", SeriesDescription="Left")
        index.add(one)
        said = {
            **one.attributes,
            "PatientName": "Right^Name",
            "StudyDescription": "Hip",
            "SeriesDescription": "Right",
        }
        index.replace(other_object(one, "two.dcm", attributes=said))
        (match,) = ask(index, Level.SERIES, fields="PatientName StudyDescription SeriesDescription")
        assert [match[field] for field in ("PatientName", "StudyDescription", "SeriesDescription")] == [
            "Right^Name",
            "Hip",
            "Right",
        ]
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)

    def test_replacing_nothing_is_not_found(self, index: Index) -> None:
        with pytest.raises(NotFound):
            index.replace(record())
        assert index.statistics().instances == 0


class TestRemoving:
    def test_remove_returns_what_was_there_and_the_next_is_new(self, index: Index) -> None:
        one = record()
        index.add(one)
        assert index.remove(one.ref) == stored(one)
        assert index.instance(one.ref.instance) is None
        assert index.add(one) == frozenset()
        assert index.instance(one.ref.instance) == stored(one)

    def test_remove_corrects_what_the_study_says(self, index: Index) -> None:
        index.add(record())
        report = record("1.1", "1.1.2", "1.1.2.1", Modality="SR", SOPClassUID=SR)
        index.add(report)
        index.remove(report.ref)
        (match,) = ask(
            index,
            Level.STUDY,
            fields="ModalitiesInStudy SOPClassesInStudy NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances",
        )
        assert match["ModalitiesInStudy"] == "CT"
        assert match["SOPClassesInStudy"] == CT
        assert (match["NumberOfStudyRelatedSeries"], match["NumberOfStudyRelatedInstances"]) == ("1", "1")

    @pytest.mark.parametrize(
        "ref",
        [("1.1", "1.1.1", "9"), ("1.1", "9", "1.1.1.1"), ("9", "1.1.1", "1.1.1.1")],
        ids=["instance", "series", "study"],
    )
    def test_a_reference_that_names_nothing_is_not_found(self, index: Index, ref: tuple[str, str, str]) -> None:
        index.add(record())
        with pytest.raises(NotFound):
            index.remove(InstanceRef(*map(UID, ref)))
        assert index.statistics().instances == 1

    def test_further_versions_outlive_the_served_one(self, index: Index) -> None:
        one = record()
        index.add(one)
        version = other_object(one, "second.dcm")
        index.add_version(version)
        index.remove(one.ref)
        assert list(index.versions(one.ref.instance)) == [version.location]

    def test_a_series_added_after_one_was_removed_starts_from_nothing(self, index: Index) -> None:
        index.add(record())
        index.remove(record().ref)
        index.add(record("1.1", "1.1.2", "1.1.2.1"))
        (match,) = ask(index, Level.SERIES, fields="NumberOfSeriesRelatedInstances NumberOfStudyRelatedSeries")
        assert (match["NumberOfSeriesRelatedInstances"], match["NumberOfStudyRelatedSeries"]) == ("1", "1")


class TestRepresentatives:
    """What no index keeps comes out of the first instance, by number, of the first series."""

    @pytest.fixture(autouse=True)
    def _filled(self, index: Index) -> None:
        for series, instance, number in (
            ("a", "1", "3"),
            ("a", "2", "1"),
            ("b", "3", "0"),
            ("b", "4", ""),
            ("c", "5", "2"),
        ):
            study = "2" if series == "c" else "1"
            index.add(record(study, series, instance, PatientID="P", InstanceNumber=number))

    @pytest.mark.parametrize(
        ("level", "expected"),
        [
            (Level.PATIENT, {"P": "2"}),
            (Level.STUDY, {"1": "2", "2": "5"}),
            (Level.SERIES, {"a": "2", "b": "4", "c": "5"}),
            (Level.IMAGE, {uid: uid for uid in "12345"}),
        ],
    )
    def test_every_entity_has_its_own(self, index: Index, level: Level, expected: dict[str, str]) -> None:
        unique = UNIQUE_KEYS[level].keyword
        answers = index.find_with_headers(Query(level))
        assert {match[unique]: header for match, header in answers} == {
            entity: f"header of {instance}".encode() for entity, instance in expected.items()
        }

    def test_conditions_order_and_fields_are_those_of_a_question(self, index: Index) -> None:
        query = Query(
            Level.IMAGE,
            (Exact("StudyInstanceUID", "1"),),
            frozenset({"InstanceNumber"}),
            (Order("InstanceNumber", descending=True),),
        )
        answers = [(m["SOPInstanceUID"], m.get("InstanceNumber")) for m, _ in index.find_with_headers(query)]
        assert answers == [("1", "3"), ("2", "1"), ("3", "0"), ("4", None)]

    @pytest.mark.parametrize("order", [(), (Order("InstanceNumber", descending=True),)])
    def test_a_page_is_the_same_as_without_headers(self, index: Index, order: tuple[Order, ...]) -> None:
        query = Query(Level.IMAGE, (Exact("StudyInstanceUID", "1"),), order=order, page=Page(2, 1))
        answers = [match for match, _ in index.find_with_headers(query)]
        assert answers == list(index.find(query))
        assert len(answers) == 2

    def test_another_takes_the_place_of_one_that_went(self, index: Index) -> None:
        index.remove(InstanceRef(UID("1"), UID("a"), UID("2")))
        assert b"header of 1" in [header for _, header in index.find_with_headers(Query(Level.STUDY))]


class TestFinding:
    @pytest.fixture(autouse=True)
    def _archive(self, index: Index) -> None:
        index.add(
            record(
                "1", "1.1", "1.1.1", PatientID="A1", PatientName="Müller^Jörg", StudyDate="20240110",
                StudyTime="0815", AccessionNumber="ACC_1%", StudyDescription="Thorax  ROUTINE", PatientSex="M",
                InstanceNumber="007",
                ImageType="ORIGINAL\\PRIMARY\\AXIAL",
            )
        )  # fmt: skip
        index.add(
            record("1", "1.2", "1.2.1", PatientID="A1", PatientName="Müller^Jörg", Modality="SR", SOPClassUID=SR)
        )
        index.add(
            record(
                "2", "2.1", "2.1.1", PatientID="a1", PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう",
                StudyDate="20240131", StudyTime="235959.5", Modality="MR", SOPClassUID=MR, AccessionNumber="ACCX1Y",
                OtherPatientIDs="X7\\Y8",
            )
        )  # fmt: skip
        index.add(
            record(
                "3", "3.1", "3.1.1", PatientID="", PatientName="", StudyDate="", Modality="us", AccessionNumber="[A]",
                OperatorsName="Smith^Ann\\Jones^Bob",
            )
        )  # fmt: skip
        index.add(
            record("4", "4.1", "4.1.1", PatientID="A1", PatientName="MULLER", StudyDate="31.12.2023", StudyTime="08")
        )

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (Exact("PatientID", "A1"), "1 4"),
            (Exact("PatientID", "a1"), "2"),
            (Wildcard("PatientID", "?1"), "1 2 4"),
            (Wildcard("AccessionNumber", "ACC_1%"), "1"),
            (Wildcard("AccessionNumber", "ACC?1?"), "1 2"),
            (Wildcard("AccessionNumber", "[A]"), "3"),
            (Wildcard("AccessionNumber", "[*"), "3"),
            (Wildcard("AccessionNumber", "*"), "1 2 3"),
            (Exact("PatientName", "muller^jorg"), "1"),
            (Wildcard("PatientName", "mul*"), "1 4"),
            (Wildcard("PatientName", "MÜLLER*"), "1 4"),
            (Wildcard("PatientName", "*ör*"), "1"),
            (Wildcard("PatientName", "山*"), "2"),
            (Exact("PatientName", "やまだ^たろう"), "2"),
            (Wildcard("PatientName", "yam*=山*"), "2"),
            (Wildcard("PatientName", "=山*"), "2"),
            (Wildcard("PatientName", "山*=yam*"), ""),
            (Exact("StudyDescription", "thorax routine"), "1"),
            (Exact("OtherPatientIDs", "Y8"), "2"),
            (Wildcard("OtherPatientIDs", "X*"), "2"),
            (Wildcard("OtherPatientIDs", "X*8"), ""),
            (Exact("ModalitiesInStudy", "SR"), "1"),
            (Exact("ModalitiesInStudy", "sr"), "1"),
            (Exact("ModalitiesInStudy", "US"), "3"),
            (Wildcard("ModalitiesInStudy", "?R"), "1 2"),
            (UidList("SOPClassesInStudy", (SR, MR)), "1 2"),
            (UidList("StudyInstanceUID", (UID("1"), UID("3"), UID("9"))), "1 3"),
            (Range("StudyDate", "20240110", "20240130"), "1"),
            (Range("StudyDate", "20240111", None), "2"),
            (Range("StudyDate", None, "20240110"), "1"),
            (Range("StudyTime", "080000", "081500.000000"), "1 4"),
            (Range("StudyTime", "235959.5", None), "2"),
            (DateTimeRange("StudyDate", "StudyTime", "20240110081500.000000", "20240131235959.500000"), "1 2"),
            (DateTimeRange("StudyDate", "StudyTime", "20240110081500.000001", None), "2"),
            (Empty("PatientName"), "3"),
            (Empty("PatientSex"), "2 3 4"),
            (AnyOf((Exact("PatientID", "a1"), Empty("PatientID"))), "2 3"),
            (AnyOf(()), ""),
            (InSequence("RequestAttributesSequence", (Exact("ScheduledProcedureStepID", "1"),)), ""),
            (Exact("Modality", "CT"), ""),
            (Empty("Modality"), "1 2 3 4"),
            (Exact("NoSuchAttribute", "x"), ""),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_a_condition_finds_its_studies(self, index: Index, condition: Condition, expected: str) -> None:
        assert found(index, condition) == expected.split()

    def test_conditions_all_hold(self, index: Index) -> None:
        assert found(index, Exact("PatientID", "A1"), Exact("ModalitiesInStudy", "SR")) == ["1"]

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (Exact("Modality", "CT"), "1.1 4.1"),
            (Exact("StudyInstanceUID", "1"), "1.1 1.2"),
            (Exact("PatientID", "A1"), "1.1 1.2 4.1"),
            (Exact("OperatorsName", "jones^bob"), "3.1"),
            (Wildcard("OperatorsName", "S*b"), ""),
            (Wildcard("PatientName", "mul*"), "1.1 1.2 4.1"),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_a_condition_finds_its_series(self, index: Index, condition: Condition, expected: str) -> None:
        assert found(index, condition, level=Level.SERIES) == expected.split()

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            (Exact("InstanceNumber", "7"), "1.1.1"),
            (Exact("ImageType", "PRIMARY"), "1.1.1"),
            (Exact("SOPClassUID", MR), "2.1.1"),
            (Exact("Modality", "SR"), "1.2.1"),
            (UidList("SeriesInstanceUID", (UID("1.1"), UID("4.1"))), "1.1.1 4.1.1"),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_a_condition_finds_its_instances(self, index: Index, condition: Condition, expected: str) -> None:
        assert found(index, condition, level=Level.IMAGE) == expected.split()

    def test_a_match_holds_unique_keys_and_what_was_asked_for_and_has_a_value(self, index: Index) -> None:
        (match,) = ask(
            index, Level.IMAGE, Exact("SOPInstanceUID", "2.1.1"), fields="PatientName StudyDate PatientSex Rows"
        )
        assert match == {
            "PatientID": "a1",
            "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
            "StudyInstanceUID": "2",
            "StudyDate": "20240131",
            "SeriesInstanceUID": "2.1",
            "SOPInstanceUID": "2.1.1",
        }

    def test_attributes_of_lower_levels_are_no_part_of_a_match(self, index: Index) -> None:
        (match,) = ask(
            index, Level.STUDY, Exact("StudyInstanceUID", "2"), fields="Modality SOPInstanceUID NoSuchAttribute"
        )
        assert match == {"PatientID": "a1", "StudyInstanceUID": "2"}

    def test_patients_are_found_by_what_they_are(self, index: Index) -> None:
        assert ask(index, Level.PATIENT, Wildcard("PatientName", "yam*")) == [{"PatientID": "a1"}]

    @pytest.mark.parametrize(
        ("order", "expected"),
        [
            ((Order("StudyDate", descending=True), Order("StudyTime", descending=True)), "2 1 4 3"),
            ((Order("StudyDate"),), "3 4 1 2"),
            ((Order("PatientName"),), "3 4 1 2"),
            ((Order("PatientName", descending=True),), "2 1 4 3"),
            ((Order("ModalitiesInStudy"),), "4 1 2 3"),
            ((Order("NumberOfStudyRelatedInstances", descending=True),), "1 2 3 4"),
            ((Order("Modality"),), "1 2 3 4"),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_matches_come_in_the_order_asked_for(self, index: Index, order: tuple[Order, ...], expected: str) -> None:
        assert [m["StudyInstanceUID"] for m in ask(index, Level.STUDY, order=order)] == expected.split()

    def test_pages_cut_the_answer_without_overlap(self, index: Index) -> None:
        order = (Order("StudyDate"),)
        pages = [list(index.find(Query(Level.STUDY, order=order, page=Page(limit=3, offset=at)))) for at in (0, 3, 6)]
        assert [[m["StudyInstanceUID"] for m in page] for page in pages] == [["3", "4", "1"], ["2"], []]
        assert len(list(index.find(Query(Level.STUDY, page=Page(limit=None, offset=1))))) == 3
        assert list(index.find(Query(Level.STUDY, page=Page(limit=0)))) == []

    def test_counting_stops_at_its_cap_and_ignores_the_page(self, index: Index) -> None:
        everything = Query(Level.STUDY, page=Page(limit=1, offset=2))
        assert index.count(everything, 10) == Total(4)
        assert index.count(everything, 4) == Total(4)
        assert index.count(everything, 3) == Total(3, at_least=True)
        assert index.count(Query(Level.STUDY, (Exact("PatientID", "A1"),)), 10) == Total(2)
        assert index.count(Query(Level.IMAGE), 100) == Total(5)

    def test_an_iterator_may_be_left_half_way(self, index: Index) -> None:
        matches = index.find(Query(Level.STUDY))
        assert set(next(matches)) == {"PatientID", "StudyInstanceUID"}
        del matches
        index.remove(InstanceRef(UID("4"), UID("4.1"), UID("4.1.1")))
        assert found(index) == ["1", "2", "3"]


class TestSelecting:
    @pytest.fixture(autouse=True)
    def _archive(self, index: Index) -> None:
        index.add(record("1", "1.2", "1.2.1", SeriesNumber="2", InstanceNumber="1"))
        index.add(record("1", "1.1", "1.1.10", SeriesNumber="1", InstanceNumber="10"))
        index.add(record("1", "1.1", "1.1.9", SeriesNumber="1", InstanceNumber="9"))
        index.add(record("1", "1.1", "1.1.0", SeriesNumber="1", InstanceNumber=""))
        index.add(record("2", "2.1", "2.1.1", PatientID="P2"))

    @pytest.mark.parametrize(
        ("selection", "expected"),
        [
            (Selection.of(StudyRef(UID("1"))), "1.1.0 1.1.9 1.1.10 1.2.1"),
            (Selection.of(SeriesRef(UID("1"), UID("1.1"))), "1.1.0 1.1.9 1.1.10"),
            (Selection.of(SeriesRef(UID("2"), UID("1.1"))), ""),
            (Selection.of(InstanceRef(UID("1"), UID("1.1"), UID("1.1.9"))), "1.1.9"),
            (Selection(Level.STUDY, (UID("2"), UID("1"))), "1.1.0 1.1.9 1.1.10 1.2.1 2.1.1"),
            (Selection(Level.PATIENT, patient_id="P2"), "2.1.1"),
            (Selection(Level.STUDY, (UID("1"),), patient_id="P2"), ""),
            (Selection(Level.IMAGE, instances=(UID("2.1.1"), UID("1.1.9"))), "1.1.9 2.1.1"),
            (Selection(Level.STUDY), ""),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_a_selection_gives_what_it_names_in_order(
        self, index: Index, selection: Selection, expected: str
    ) -> None:
        assert [each.ref.instance for each in index.locate(selection)] == expected.split()
        assert [ref.instance for ref, _ in index.headers(selection)] == expected.split()

    def test_located_instances_are_whole(self, index: Index) -> None:
        expected = record("2", "2.1", "2.1.1", PatientID="P2")
        assert list(index.locate(Selection.of(expected.ref))) == [stored(expected)]
        assert list(index.headers(Selection.of(expected.ref))) == [(expected.ref, expected.header)]

    def test_records_walk_over_everything_with_origin_and_time(self, index: Index) -> None:
        one = record("2", "2.1", "2.1.1", PatientID="P2")
        version = other_object(one, "second.dcm", origin=Origin(Channel.STOW, address="192.0.2.9"), received_us=5)
        index.add_version(version)
        walked = list(index.records())
        assert len(walked) == 6
        assert walked[-2:] == [
            (stored(one), one.origin, one.received_us),
            (stored(version), version.origin, version.received_us),
        ]


class TestRebuilding:
    def test_new_rows_take_the_place_of_the_old(self, index: Index) -> None:
        index.add(record(StudyDescription="old"))
        rebuild = index.rebuild()
        rebuild.add(record(StudyDescription="new"))
        assert ask(index, Level.STUDY, fields="StudyDescription")[0]["StudyDescription"] == "old"
        rebuild.swap()
        assert ask(index, Level.STUDY, fields="StudyDescription")[0]["StudyDescription"] == "new"
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)

    def test_rows_whose_objects_are_gone_go(self, index: Index) -> None:
        index.add(record())
        index.add(record("2", "2.1", "2.1.1"))
        rebuild = index.rebuild()
        rebuild.add(record())
        rebuild.swap()
        assert found(index) == ["1.1"]

    def test_the_archive_goes_on_after_a_swap(self, index: Index) -> None:
        index.add(record())
        rebuild = index.rebuild()
        rebuild.add(record())
        rebuild.swap()
        index.add(record(instance="1.1.1.2"))
        with pytest.raises(Conflict):
            index.add(record())
        index.remove(record().ref)
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)
        again = index.rebuild()
        again.add(record(instance="1.1.1.2"))
        again.swap()
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)

    def test_what_came_and_went_meanwhile_is_caught_up_with(self, index: Index) -> None:
        kept, removed, replaced = (record(instance=f"1.1.1.{i}") for i in (1, 2, 3))
        for one in (kept, removed, replaced):
            index.add(one)
        rebuild = index.rebuild()
        for one in (kept, removed, replaced):
            rebuild.add(one)
        index.remove(removed.ref)
        newer = other_object(replaced, "newer.dcm")
        index.replace(newer)
        came = record("2", "2.1", "2.1.1", PatientID="P2", StudyDate="20240101")
        index.add(came)
        rebuild.swap()
        assert index.instance(removed.ref.instance) is None
        assert index.instance(replaced.ref.instance) == stored(newer)
        assert index.instance(came.ref.instance) == stored(came)
        assert list(index.headers(Selection.of(came.ref))) == [(came.ref, came.header)]
        assert found(index, Exact("StudyDate", "20240101")) == ["2"]
        assert index.statistics() == Statistics(2, 2, 2, 3, 0, 3000)

    def test_a_study_that_was_read_again_meanwhile_stays_as_it_was_read(self, index: Index) -> None:
        wrong = [record(instance=f"1.1.1.{i}", PatientName="ÕÅ^Èý") for i in (2, 1, 3)]
        for one in wrong:
            index.add(one)
        rebuild = index.rebuild()
        for one in wrong:
            rebuild.add(one)
        right = [replace(one, attributes={**one.attributes, "PatientName": "张^三"}) for one in wrong]
        index.reread(wrong[0].ref.study, right)
        rebuild.swap()
        assert found(index, Wildcard("PatientName", "张*")) == [wrong[0].ref.study]
        assert found(index, Wildcard("PatientName", "ÕÅ*")) == []
        assert index.statistics() == Statistics(1, 1, 1, 3, 0, 3000)

    def test_an_instance_seen_by_both_is_there_once(self, index: Index) -> None:
        rebuild = index.rebuild()
        index.add(record())
        rebuild.add(record())
        rebuild.swap()
        assert index.statistics() == Statistics(1, 1, 1, 1, 0, 1000)

    def test_received_time_and_origin_of_known_objects_are_kept(self, index: Index) -> None:
        one = record()
        index.add(one)
        rebuild = index.rebuild()
        rebuild.add(replace(one, origin=Origin(Channel.REINDEX), received_us=1))
        rebuild.swap()
        assert list(index.records()) == [(stored(one), one.origin, one.received_us)]

    def test_versions_and_which_is_served_are_kept_whatever_the_order(self, index: Index) -> None:
        one = record()
        version = other_object(one, "second.dcm")
        index.add(one)
        index.add_version(version)
        rebuild = index.rebuild()
        rebuild.add(version)
        rebuild.add(one)
        rebuild.swap()
        assert index.instance(one.ref.instance) == stored(one)
        assert list(index.versions(one.ref.instance)) == [version.location]
        assert index.statistics() == Statistics(1, 1, 1, 1, 1, 2000)

    def test_a_version_is_served_when_nothing_else_is_left(self, index: Index) -> None:
        one = record()
        version = other_object(one, "second.dcm")
        index.add(one)
        index.add_version(version)
        rebuild = index.rebuild()
        rebuild.add(version)
        rebuild.swap()
        assert index.instance(one.ref.instance) == stored(version)
        assert list(index.versions(one.ref.instance)) == []

    def test_an_empty_index_recovers_versions_first_come_first_served(self, index: Index) -> None:
        one = record()
        version = other_object(one, "second.dcm")
        rebuild = index.rebuild()
        for each in (one, version, one):
            rebuild.add(each)
        rebuild.swap()
        assert index.instance(one.ref.instance) == stored(one)
        assert [each.location for each in index.conflicts()] == [version.location]

    def test_patient_conflicts_are_kept_and_not_doubled(self, index: Index) -> None:
        one, two = record(), record(instance="1.1.1.2", PatientID="P2")
        index.add(one)
        index.add(two)
        before = list(index.conflicts())
        rebuild = index.rebuild()
        rebuild.add(one)
        rebuild.add(two)
        rebuild.swap()
        assert list(index.conflicts()) == before

    def test_an_abandoned_rebuild_leaves_everything_as_it_was(self, index: Index) -> None:
        index.add(record())
        rebuild = index.rebuild()
        rebuild.add(record("2", "2.1", "2.1.1"))
        rebuild.abandon()
        index.add(record(instance="1.1.1.2"))
        assert index.statistics() == Statistics(1, 1, 1, 2, 0, 2000)

    def test_a_second_rebuild_takes_over(self, index: Index) -> None:
        index.rebuild().add(record("9", "9.1", "9.1.1"))
        rebuild = index.rebuild()
        rebuild.add(record())
        rebuild.swap()
        assert found(index) == ["1.1"]

    def test_a_rebuild_that_another_has_taken_over_from_cannot_swap(self, index: Index) -> None:
        index.add(record())
        first, second = index.rebuild(), index.rebuild()
        first.add(record("2", "2.1", "2.1.1"))
        with pytest.raises(Conflict, match="another rebuild"):
            first.swap()
        second.add(record())
        second.swap()
        with pytest.raises(Conflict, match="another rebuild"):
            first.swap()
        assert found(index) == ["1.1"]

    def test_abandoning_what_another_has_taken_over_from_leaves_the_other(self, index: Index) -> None:
        first, second = index.rebuild(), index.rebuild()
        first.abandon()
        second.add(record())
        second.swap()
        assert found(index) == ["1.1"]

    def test_more_than_one_batch_is_rebuilt(self, index: Index) -> None:
        rebuild = index.rebuild()
        for i in range(1201):
            rebuild.add(record(instance=f"1.1.1.{i}", InstanceNumber=str(i)))
        rebuild.swap()
        located = [each.ref.instance for each in index.locate(Selection.of(StudyRef(UID("1.1"))))]
        assert located == [f"1.1.1.{i}" for i in range(1201)]
        assert len(found(index, level=Level.IMAGE)) == 1201
        assert len(list(index.records())) == 1201


class TestThreads:
    def test_many_threads_add_at_once_and_each_uid_once(self, index: Index) -> None:
        refused: list[Conflict] = []

        def add(thread: int) -> None:
            for i in range(60):
                try:
                    index.add(record(instance=f"1.1.1.{i}"))
                except Conflict as conflict:
                    refused.append(conflict)
                index.add(record(f"2.{thread}", f"2.{thread}.1", f"2.{thread}.1.{i}", PatientID=f"T{thread}"))

        threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 180
        assert index.statistics() == Statistics(5, 5, 5, 300, 0, 300_000)
        counts = [
            m["NumberOfStudyRelatedInstances"]
            for m in ask(index, Level.STUDY, fields="NumberOfStudyRelatedInstances")
        ]
        assert counts == ["60"] * 5

    def test_a_closed_index_says_so(self, index: Index) -> None:
        index.close()
        index.close()
        with pytest.raises(Unavailable, match="closed"):
            index.add(record())
        with pytest.raises(Unavailable, match="closed"):
            index.instance(UID("1"))
