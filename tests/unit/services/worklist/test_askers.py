"""Who asked the worklist, as people read it."""

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.query.model import (
    AnyOf,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    PartBegins,
    Range,
    UidList,
    Wildcard,
)
from calotype.services.worklist.askers import KEPT, Askers
from support.archives import Clock

DATE = "ScheduledProcedureStepStartDate"


@pytest.fixture
def askers():
    return Askers(Clock())


def test_the_last_question_of_each_caller_is_kept_the_newest_first(askers):
    askers.add("CT1", "10.0.0.1", [Exact("Modality", "CT")], 3)
    askers.add("MR1", "10.0.0.2", [], 0)
    askers.add("CT1 ", "10.0.0.1", [], 4)
    first, second = askers.recent()
    assert (first.calling_ae_title, first.count, first.answers, first.keys) == ("CT1", 2, 4, {})
    assert (second.calling_ae_title, second.count) == ("MR1", 1)
    assert first.last_us > second.last_us


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        (Exact("Modality", "CT"), {"Modality": "CT"}),
        (Wildcard("PatientName", "Zh*"), {"PatientName": "Zh*"}),
        (PartBegins("PatientName", "zhang"), {"PatientName": "zhang*"}),
        (Range(DATE, "20260102", "20260102"), {DATE: "20260102"}),
        (Range(DATE, "20260102", None), {DATE: "20260102-"}),
        (Range(DATE, None, "20260102"), {DATE: "-20260102"}),
        (DateTimeRange(DATE, "X", "20260102080000.0", None), {DATE: "20260102080000.0-"}),
        (UidList("StudyInstanceUID", (UID("1.2"), UID("1.3"))), {"StudyInstanceUID": "1.2\\1.3"}),
        (Empty("AccessionNumber"), {"AccessionNumber": '""'}),
        (AnyOf((Exact("Modality", "CT"), Exact("Modality", "MR"))), {"Modality": "CT\\MR"}),
        (AnyOf(()), {}),
        (InSequence("S", (Exact("A", "1"), Exact("B", "2"))), {"A": "1", "B": "2"}),
    ],
)
def test_conditions_are_told_as_matching_keys(askers, condition, keys):
    askers.add("CT1", "10.0.0.1", [condition], 0)
    assert askers.recent()[0].keys == keys


def test_callers_without_end_push_the_oldest_out(askers):
    for number in range(KEPT + 3):
        askers.add(f"AE{number}", "10.0.0.1", [], 0)
    kept = [asker.calling_ae_title for asker in askers.recent()]
    assert (len(kept), kept[0], kept[-1]) == (KEPT, f"AE{KEPT + 2}", "AE3")
