"""What every store of the worklist must do: one suite, run over each implementation."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.query.model import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    Order,
    Page,
    Range,
    Romanised,
    UidList,
    Wildcard,
)
from calotype.dicom.query.worklist import STATUS, STEPS
from calotype.errors import Conflict, InvalidRequest, NotFound
from calotype.services.archive.ports import Total
from calotype.services.worklist.items import OPEN, Entry, Item, StepStatus
from calotype.services.worklist.ports import Move, PerformedRecord, StepQuery
from calotype.services.worklist.validation import read_item
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.memory_worklist import MemoryWorklist
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.index.worklist import SqliteWorklist
from support.worklists import given, various

Store = MemoryWorklist | SqliteWorklist


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryWorklist()
        return
    index = SqliteIndex(SqliteSettings(tmp_path / "index.sqlite", durable=False))
    yield SqliteWorklist(index)
    index.close()


def item(number: int = 1, **attributes: object) -> Item:
    return replace(read_item(given(number, **attributes)), item_id=f"item{number}", created_us=10, updated_us=20)


def step(*conditions: Condition) -> InSequence:
    return InSequence(STEPS, conditions)


def found(store: Store, *conditions: Condition, **how: object) -> list[str]:
    return sorted(entry.step_id for entry in store.find(StepQuery(conditions, **how)))  # type: ignore[arg-type]


class TestItems:
    def test_an_item_comes_back_as_it_was_kept(self, store: Store) -> None:
        store.add(item())
        assert store.item("item1") == item()
        assert store.of_study(item().study) == [item()]

    def test_what_is_not_there_is_not_found(self, store: Store) -> None:
        for ask in (
            lambda: store.item("nobody"),
            lambda: store.remove("nobody"),
            lambda: store.change("nobody", lambda each: each),
        ):
            with pytest.raises(NotFound, match="nobody"):
                ask()
        assert store.of_study("1.2.3") == []

    def test_a_requested_procedure_is_scheduled_once(self, store: Store) -> None:
        store.add(item())
        store.add(replace(item(1, RequestedProcedureID="other"), item_id="item2"))
        with pytest.raises(Conflict, match="item1"):
            store.add(replace(item(), item_id="item3"))
        with pytest.raises(Conflict, match="item1"):
            store.change("item2", lambda _: replace(item(), item_id="item2"))
        assert [each.item_id for each in store.of_study(item().study)] == ["item1", "item2"]

    def test_a_change_is_found_and_what_was_there_is_not(self, store: Store) -> None:
        store.add(item())
        new = store.change("item1", lambda old: replace(item(1, PatientID="NEW"), updated_us=old.updated_us + 1))
        assert store.item("item1") == new
        assert found(store, Exact("PatientID", "NEW")) == ["S1"]
        assert found(store, Exact("PatientID", "P1")) == []

    def test_a_change_that_raises_changes_nothing(self, store: Store) -> None:
        store.add(item())

        def refuse(_: Item) -> Item:
            raise InvalidRequest("no")

        with pytest.raises(InvalidRequest, match="no"):
            store.change("item1", refuse)
        assert store.item("item1") == item()

    def test_changes_at_the_same_time_are_all_made(self, store: Store) -> None:
        store.add(item())
        threads = [
            threading.Thread(
                target=lambda: store.change("item1", lambda old: replace(old, updated_us=old.updated_us + 1))
            )
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.item("item1").updated_us == 36

    def test_what_was_removed_is_gone_with_its_steps(self, store: Store) -> None:
        store.add(item())
        store.remove("item1")
        assert (found(store), store.count(StepQuery(), 10)) == ([], Total(0))


class TestQuestions:
    def test_each_step_answers_alone_under_what_stands_above_it(self, store: Store) -> None:
        steps = [
            {**given()[STEPS][0], "ScheduledProcedureStepID": step_id, "Modality": modality, STATUS: status}
            for step_id, modality, status in (("a", "CT", "arrived"), ("b", "MR", "completed"))
        ]
        store.add(replace(read_item({**given(), STEPS: steps}), item_id="item1"))
        first, second = store.find(StepQuery((Exact("PatientID", "P1"),)))
        assert (first.step_id, first.status, first.item_id) == ("a", StepStatus.ARRIVED, "item1")
        assert [each[STATUS] for each in second.attributes[STEPS]] == ["DEPARTED"]
        assert second.attributes["AccessionNumber"] == "A1"
        assert found(store, step(Exact("Modality", "MR"))) == ["b"]
        assert found(store, step(Exact("Modality", "MR"), Exact("ScheduledProcedureStepID", "a"))) == []

    def test_statuses_narrow(self, store: Store) -> None:
        for number, status in enumerate(StepStatus):
            store.add(item(number, ScheduledProcedureStepStatus=status.value))
        assert found(store, statuses=OPEN) == ["S0", "S1"]
        assert found(store, step(Exact(STATUS, "DEPARTED"))) == ["S3", "S4"]
        assert found(store, step(Wildcard(STATUS, "S*"))) == ["S0", "S2"]
        assert found(store, step(Exact(STATUS, "NONSENSE"))) == []
        assert found(store, statuses=frozenset()) == []

    def test_answers_come_in_the_order_of_the_day(self, store: Store) -> None:
        for number, (day, time) in enumerate([("20240202", "08"), ("20240131", "1000"), ("20240131", "0900")]):
            store.add(item(number, ScheduledProcedureStepStartDate=day, ScheduledProcedureStepStartTime=time))
        assert [each.step_id for each in store.find(StepQuery())] == ["S2", "S1", "S0"]
        newest = StepQuery(order=(Order("ScheduledProcedureStepStartDate", descending=True),))
        assert [each.step_id for each in store.find(newest)] == ["S0", "S1", "S2"]

    @pytest.mark.parametrize("key", ["wang*", "WANG^F?NG", "*ang*", "王*", "*芳*", "*", "?*^?*"])
    @pytest.mark.parametrize("read", ["as it is", "in pinyin"])
    def test_a_name_that_answers_in_several_groups_answers_once(self, store: Store, key: str, read: str) -> None:
        names = [
            "Wang^Fang=王^芳=wang^fang",
            "Doe^John",
            "王^芳=王^芳=王^芳",
            "王^芳==Wang^Fang",
            "wang^fang==WANG^FANG",
        ]
        for number in range(60):
            later = "20240202" if number % 7 else "20240131"
            store.add(item(number, PatientName=names[number % 5], ScheduledProcedureStepStartDate=later))
        asked = Wildcard("PatientName", key)
        query = StepQuery((Romanised("PatientName", asked) if read == "in pinyin" else asked,))
        answers = [entry.step_id for entry in store.find(query)]
        assert len(answers) == len(set(answers)) > 20
        numbers = sorted((bool(number % 7), number) for number in (int(each[1:]) for each in answers))
        assert answers == [f"S{number}" for _, number in numbers]
        assert store.count(query, 1000) == Total(len(answers))
        pages = [
            entry.step_id
            for offset in range(0, 70, 7)
            for entry in store.find(StepQuery(query.conditions, page=Page(7, offset)))
        ]
        assert pages == answers

    def test_names_are_sorted_by_their_groups(self, store: Store) -> None:
        for number, name in enumerate(["Zhang^San=张^三", "Müller^Jörg", "doe^john", "MULLER^Jorg=穆^勒"]):
            store.add(item(number, PatientName=name))
        by_name = StepQuery(order=(Order("PatientName"),))
        assert [each.step_id for each in store.find(by_name)] == ["S2", "S1", "S3", "S0"]

    @pytest.mark.parametrize(
        "conditions",
        [(), (Exact("PatientSex", "M"),), (step(Exact("ScheduledStationAETitle", "CT1")),), (Empty("Occupation"),)],
    )
    def test_pages_follow_one_another(self, store: Store, conditions: tuple[Condition, ...]) -> None:
        for number in range(130):
            store.add(item(number))
        whole = [each.step_id for each in store.find(StepQuery(conditions))]
        pages = [
            each.step_id
            for offset in range(0, 150, 50)
            for each in store.find(StepQuery(conditions, page=Page(50, offset)))
        ]
        assert len(whole) == 130
        assert pages == whole
        assert store.count(StepQuery(conditions, page=Page(3, 4)), 1000) == Total(130)
        assert store.count(StepQuery(conditions), 100) == Total(100, at_least=True)

    def test_a_step_that_goes_while_answers_are_read_is_left_out(self, store: Store) -> None:
        for number in range(60):
            store.add(item(number))
        answers = store.find(StepQuery())
        assert next(answers).step_id == "S0"
        store.remove("item59")
        assert len({each.step_id for each in answers} - {"S59"}) == 58


NAME_KEYS = (
    "Zhang*", "zhang^san", "*三*", "张*", "=张^三", "Zhang^San=张^三", "muller*", "M?ller*", "*^JORG", "doe^j*",
    "Doe", "o'brien*", "山田*", "yamada*=山田*", "=*太郎", "ivanov*", "ИВАНОВ*", "[z]*", "*%*", "_oe*", "^^", "",
    "*", "??^*", "?oe^jan?", "*an*", "*ANG^*", "Yamada*=*", "=*", "*=*", "==*", "=王*=", "王*", "王^?", "=*=w*",
    "lu^*", "LÜ*",
)  # fmt: skip
PINYIN_KEYS = (
    "zhang*", "Zhang^Sanf*", "*xiu", "doe*", "wang*", "WANG^F*", "?ang^*", "*ang*", "*fang", "*^?ang", "lyu*", "lu*",
    "LÜ^b?", "[w]ang*", "*", "a=*", "*=*", "wang*=王*", "=*fang", "王*", "*芳",
)  # fmt: skip
ITEM_CONDITIONS: tuple[Condition, ...] = (
    *(Wildcard("PatientName", key) if "*" in key or "?" in key else Exact("PatientName", key) for key in NAME_KEYS),
    *(Wildcard("ReferringPhysicianName", key) for key in ("grey*", "*五")),
    *(Romanised("PatientName", Wildcard("PatientName", key)) for key in PINYIN_KEYS),
    *(Romanised("PatientName", Exact("PatientName", key)) for key in ("Zhang^Sanfeng", "WANG^FANG", "wang^fang", "")),
    *(AnyOf(tuple(Wildcard("PatientName", key) for key in keys)) for keys in (("wang*", "*fang"), ("王*", "王^芳*"))),
    AnyOf(tuple(Romanised("PatientName", Wildcard("PatientName", key)) for key in ("wang*", "*^fang", "lyu*"))),
    AnyOf(tuple(Wildcard("PatientName", f"*{letter}*") for letter in "abcdefghijklmnopqrstuvwxyz")),
    Romanised("PatientSex", Exact("PatientSex", "F")),
    *(Exact("PatientID", key) for key in ("P3", "p3", "A%_[1]", "")),
    *(Wildcard("PatientID", key) for key in ("P*", "?%_[*", "*1]", "*")),
    Empty("PatientID"),
    Empty("AccessionNumber"),
    Empty("ReferringPhysicianName"),
    Wildcard("AccessionNumber", "A1*"),
    Exact("PatientSex", "F"),
    Exact("AdmissionID", "ADM3"),
    Exact("Modality", "CT"),
    UidList("StudyInstanceUID", tuple(UID(given(n)["StudyInstanceUID"]) for n in (1, 5, 9))),
    InSequence("RequestedProcedureCodeSequence", (Exact("CodeValue", "CTTH"),)),
    InSequence("RequestedProcedureCodeSequence", (Exact("CodeValue", "ctth"),)),
    AnyOf((Exact("PatientID", "P1"), Wildcard("PatientName", "doe*"))),
    AnyOf((Exact("PatientID", "P1"), Exact("PatientSex", "F"))),
    Range("PatientBirthDate", "19700101", None),
)
STEP_CONDITIONS: tuple[Condition, ...] = (
    *(Exact("ScheduledStationAETitle", key) for key in ("CT1", "CT2", "ct1", "CT1\\CT2", "")),
    *(Wildcard("ScheduledStationAETitle", key) for key in ("CT*", "*2", "C?_*", "*")),
    UidList("ScheduledStationAETitle", (UID("CT2"), UID("MR1"))),
    Exact("ScheduledStationName", "Room 3"),
    Wildcard("ScheduledStationName", "room ?"),
    Empty("ScheduledStationName"),
    Exact("Modality", "CT"),
    Exact("Modality", "ct"),
    Wildcard("Modality", "C?"),
    Exact("ScheduledProcedureStepStartDate", "20240131"),
    Exact("ScheduledProcedureStepStartDate", "nonsense"),
    Range("ScheduledProcedureStepStartDate", "20240131", "20240201"),
    Range("ScheduledProcedureStepStartDate", None, "20240130"),
    Range("ScheduledProcedureStepStartDate", "20240201", None),
    Range("ScheduledProcedureStepStartTime", "0900", "100000.999999"),
    Range("ScheduledProcedureStepStartTime", None, "095959.999999"),
    DateTimeRange(
        "ScheduledProcedureStepStartDate",
        "ScheduledProcedureStepStartTime",
        "20240131100000.000000",
        "20240201100000.000000",
    ),
    DateTimeRange(
        "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime", None, "20240131091500.000000"
    ),
    Wildcard("ScheduledProcedureStepStartDate", "202401*"),
    Wildcard("ScheduledPerformingPhysicianName", "wang*"),
    Romanised("ScheduledPerformingPhysicianName", Wildcard("ScheduledPerformingPhysicianName", "grey*")),
    Exact("ScheduledPerformingPhysicianName", "=王^五"),
    Empty("ScheduledPerformingPhysicianName"),
    Wildcard("ScheduledProcedureStepID", "S1*"),
    Exact(STATUS, "ARRIVED"),
    Empty(STATUS),
    AnyOf((Exact("Modality", "MR"), Exact("ScheduledStationAETitle", "CR_EAST"))),
    AnyOf((Exact("Modality", "MR"), Exact("ScheduledProcedureStepDescription", "CT THORAX"))),
    InSequence("ScheduledProtocolCodeSequence", (Exact("CodeValue", "P1"),)),
    Exact("PatientID", "P1"),
)


def test_generated_questions_find_what_the_reference_finds(tmp_path: Path) -> None:
    """Every condition alone, then a few hundred in random company, hold against ``dicom.query.matching``."""
    chance = random.Random(20240131)
    reference = MemoryWorklist()
    index = SqliteIndex(SqliteSettings(tmp_path / "index.sqlite", durable=False))
    store = SqliteWorklist(index)
    for number in range(150):
        each = replace(read_item(various(number, chance)), item_id=f"item{number}")
        reference.add(each)
        store.add(each)
    alone = [*ITEM_CONDITIONS, *(step(each) for each in STEP_CONDITIONS)]
    questions = [StepQuery((each,)) for each in alone]
    for _ in range(400):
        inner = tuple(chance.sample(STEP_CONDITIONS, chance.choice((0, 1, 1, 2, 3))))
        outer = tuple(chance.sample(ITEM_CONDITIONS, chance.choice((0, 0, 1, 1, 2))))
        questions.append(
            StepQuery(
                (*outer, step(*inner)) if inner else outer,
                statuses=chance.choice((frozenset(StepStatus), OPEN)),
                order=chance.choice((StepQuery().order, (Order("PatientName", descending=True), Order("Modality")))),
                page=chance.choice((Page(), Page(7), Page(5, 3))),
            )
        )
    answered = 0
    for query in questions:
        expected: list[Entry] = list(reference.find(query))
        assert list(store.find(query)) == expected, query
        assert store.count(query, 20) == reference.count(query, 20), query
        answered += len(expected)
    index.close()
    # Questions that nothing answers prove little.
    assert answered > 3000


class TestPerformed:
    RECORD = PerformedRecord(UID("1.2.3"), "IN PROGRESS", b"\x08\0", "CT1", 10, 20)

    def test_a_step_comes_back_and_can_be_changed(self, store: Store) -> None:
        store.create(self.RECORD)
        assert store.performed(UID("1.2.3")) == self.RECORD
        new = store.update(UID("1.2.3"), lambda old: replace(old, state="COMPLETED", updated_us=old.updated_us + 1))
        assert new == store.performed(UID("1.2.3")) == replace(self.RECORD, state="COMPLETED", updated_us=21)

    def test_a_uid_is_taken_once(self, store: Store) -> None:
        store.create(self.RECORD)
        with pytest.raises(Conflict):
            store.create(self.RECORD)

    def test_what_is_not_there_is_not_found(self, store: Store) -> None:
        with pytest.raises(NotFound):
            store.performed(UID("1.2.3"))
        with pytest.raises(NotFound):
            store.update(UID("1.2.3"), lambda old: old)

    def test_the_newest_come_first_in_pages(self, store: Store) -> None:
        for number in range(5):
            store.create(replace(self.RECORD, sop_instance=UID(f"1.2.{number}")))
        assert [each.sop_instance for each in store.newest(Page(2, 1))] == ["1.2.3", "1.2.2"]
        assert len(store.newest(Page())) == 5

    def test_a_step_and_what_it_does_to_the_worklist_are_one(self, store: Store) -> None:
        kept = item()
        store.add(kept)
        started = Move(kept.item_id, StepStatus.STARTED, None, 77)
        gone = replace(started, item_id="gone")
        store.create(self.RECORD, [gone, started])
        assert store.item(kept.item_id) == replace(kept.with_status(StepStatus.STARTED), updated_us=77)
        with pytest.raises(Conflict):
            store.create(self.RECORD, [replace(started, status=StepStatus.SCHEDULED)])
        assert store.item(kept.item_id).updated_us == 77

        def refuse(_record: PerformedRecord) -> PerformedRecord:
            raise Conflict("it is closed")

        with pytest.raises(Conflict):
            store.update(UID("1.2.3"), refuse, [replace(started, status=StepStatus.SCHEDULED)])
        assert [step.status for step in store.item(kept.item_id).steps] == [StepStatus.STARTED] * len(kept.steps)
        completed = replace(started, status=StepStatus.COMPLETED, step_ids=frozenset({kept.steps[0].step_id}))
        store.update(UID("1.2.3"), lambda old: replace(old, state="COMPLETED"), [completed])
        assert store.item(kept.item_id).steps[0].status is StepStatus.COMPLETED

    def test_what_fails_half_way_leaves_nothing_behind(self, store: Store) -> None:
        class Broken(Move):
            def of(self, item: Item) -> Item:
                raise RuntimeError("the disk is gone")

        kept = item()
        store.add(kept)
        moves = [Move(kept.item_id, StepStatus.STARTED, None, 77), Broken(kept.item_id, StepStatus.STARTED, None, 78)]
        with pytest.raises(RuntimeError):
            store.create(self.RECORD, moves)
        assert store.item(kept.item_id) == kept
        with pytest.raises(NotFound):
            store.performed(UID("1.2.3"))


def test_what_is_kept_outlives_the_process(tmp_path: Path) -> None:
    for opened, (kept, recorded) in product(range(2), [(item(), TestPerformed.RECORD)]):
        index = SqliteIndex(SqliteSettings(tmp_path / "index.sqlite"))
        store = SqliteWorklist(index)
        if not opened:
            store.add(kept)
            store.create(recorded)
        else:
            assert (store.item("item1"), store.performed(UID("1.2.3"))) == (kept, recorded)
        index.close()
