"""How the worklist is looked through for a name: along indexes that hold all there is to know, no row is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from calotype.dicom.query.model import AnyOf, Condition, Exact, InSequence, Order, Romanised, Wildcard
from calotype.dicom.query.worklist import STEPS
from calotype.services.worklist.items import OPEN
from calotype.services.worklist.ports import StepQuery
from calotype.stores.index import worklist_compile
from calotype.stores.index.sqlite import SqliteIndex
from support import indexes

TABLE = "worklist_step"
NAME = f"INDEX ix_{TABLE}_patient_name"
ALPHABETIC, IDEOGRAPHIC, PHONETIC, ROMANISED = (
    f"USING COVERING {NAME}{group}" for group in ("", "_ideographic", "_phonetic", "_romanised")
)
UNREAD = f"SEARCH {TABLE} USING {NAME}_romanised (patient_name_romanised=?)"
"""The one walk that reads rows: those whose reading is not known yet, which are few at any time."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteIndex]:
    with closing(indexes.in_folder(tmp_path_factory.mktemp("plans"))) as made:
        yield made


def steps(index: SqliteIndex, *conditions: Condition, **how: object) -> list[str]:
    query = StepQuery(conditions, OPEN, **how)  # type: ignore[arg-type]
    asked = worklist_compile.question(query)
    found = []
    for sql, values in (worklist_compile.rows(query, asked), worklist_compile.count(asked, 100)):
        found.append([row[3] for row in index.read(f"EXPLAIN QUERY PLAN {sql}", values) if TABLE in row[3].split()])
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize("condition", [Wildcard("PatientName", "wang*"), Exact("PatientName", "wang^fang")])
def test_a_surname_is_looked_up_in_each_group(index: SqliteIndex, condition: Wildcard | Exact) -> None:
    groups = steps(index, condition)
    assert [step.split(" (")[0] for step in groups] == [
        f"SEARCH {TABLE} {each}" for each in (ALPHABETIC, IDEOGRAPHIC, PHONETIC)
    ]
    in_pinyin = steps(index, Romanised("PatientName", condition))
    assert in_pinyin[:3] == groups
    assert in_pinyin[3].startswith(f"SEARCH {TABLE} {ROMANISED} (patient_name_romanised")
    assert in_pinyin[4:] == [UNREAD]


def test_what_stands_in_the_middle_of_a_name_is_looked_for_in_the_indexes_alone(index: SqliteIndex) -> None:
    found = steps(index, Romanised("PatientName", Wildcard("PatientName", "*fang*")))
    assert found == [*(f"SCAN {TABLE} {each}" for each in (ALPHABETIC, IDEOGRAPHIC, PHONETIC, ROMANISED)), UNREAD]


def test_keys_that_say_nothing_to_the_index_leave_it_so(index: SqliteIndex) -> None:
    wang = Wildcard("PatientName", "wang*")
    described = InSequence(STEPS, (Exact("ScheduledProcedureStepDescription", "CT"),))
    assert steps(index, wang, Exact("PatientSex", "F"), described) == steps(index, wang)
    newest = (Order("ScheduledProcedureStepStartDate", descending=True),)
    assert steps(index, wang, order=newest) == steps(index, wang)
    assert len(steps(index, AnyOf((wang, Wildcard("PatientName", "li*"))))) == 6


def test_what_finds_fewer_is_looked_up_instead(index: SqliteIndex) -> None:
    day = InSequence(
        STEPS,
        (Exact("ScheduledStationAETitle", "CT1"), Exact("ScheduledProcedureStepStartDate", "20240131")),
    )
    for other, name in ((Exact("PatientID", "1"), "patient_id"), (Exact("AccessionNumber", "1"), "accession_number")):
        (step,) = steps(index, Wildcard("PatientName", "wang*"), other)
        assert f"INDEX ix_{TABLE}_{name} " in step
    found = steps(index, Wildcard("PatientName", "wang*"), day)
    assert not [step for step in found if step.startswith("SCAN")], found
