from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.query import zones
from calotype.dicom.query.matching import holds
from calotype.dicom.query.model import AnyOf, Condition, DateTimeRange, Exact, Range


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("+0000", 0), ("+0100", 60), ("-0530 ", -330), ("+1400", 840), ("+1401", None), ("0100", None), ("CET", None)],
)
def test_an_offset_is_read(text: str, minutes: int | None) -> None:
    assert zones.offset_minutes(text) == minutes


@pytest.mark.parametrize("minutes", [0, 60, -330, 840, -1])
def test_an_offset_is_written_as_it_is_read(minutes: int) -> None:
    assert zones.offset_minutes(zones.offset_text(minutes)) == minutes


@pytest.mark.parametrize(
    ("date", "time", "by", "moved"),
    [
        ("20240101", "233000", 60, ("20240102", "003000")),
        ("20240301", "0030", -60, ("20240229", "2330")),
        ("20240101", "10", 330, ("20240101", "1530")),
        ("20240101", "235960.5", 0, None),
        ("20231231", "235960.50", 60, ("20240101", "005959.50")),
        ("20240101", "", 60, None),
        ("20240101", "late", 60, None),
        ("99991231", "2330", 60, None),
        ("20240231", "2330", 60, None),
    ],
)
def test_a_date_and_its_time_move_together(date: str, time: str, by: int, moved: tuple[str, str] | None) -> None:
    entity = {"StudyDate": date, "StudyTime": time, "TimezoneOffsetFromUTC": "+0000"}
    found = zones.moved(entity, by, {"StudyDate"})
    assert found["TimezoneOffsetFromUTC"] == zones.offset_text(by)
    assert (found.get("StudyDate"), found.get("StudyTime")) == (moved or (None, None))


def test_nothing_moves_where_the_object_does_not_say_its_zone() -> None:
    assert zones.moved({"StudyDate": "20240101", "StudyTime": "2330"}, 60, {"StudyDate"}) == {}


def test_only_what_is_looked_at_moves() -> None:
    entity = {"StudyDate": "20240101", "StudyTime": "2330", "TimezoneOffsetFromUTC": "+0000"}
    entity |= {"SeriesDate": "20240101", "SeriesTime": "2330"}
    assert set(zones.moved(entity, 60, {"SeriesTime", "PatientID"})) == {
        "TimezoneOffsetFromUTC",
        "SeriesDate",
        "SeriesTime",
    }


CONDITIONS = st.sampled_from(
    [
        Exact("StudyDate", "20240101"),
        Range("StudyDate", "20240101", None),
        Range("StudyDate", None, "20231231"),
        Range("StudyTime", "0930", "100000"),
        DateTimeRange("StudyDate", "StudyTime", "20240101093000.000000", "20240102093000.000000"),
        AnyOf((Exact("StudyDate", "20240101"), Exact("PatientID", "P"))),
    ]
)


@given(
    CONDITIONS,
    st.dates().map(lambda day: day.strftime("%Y%m%d").zfill(8))
    | st.sampled_from(["20231231", "20240101", "20240102"]),
    st.times().map(lambda time: time.strftime("%H%M%S")),
    st.integers(-720, 840),
    st.integers(-720, 840),
)
def test_a_wider_condition_holds_wherever_the_question_does(
    condition: Condition, date: str, time: str, own: int, asked: int
) -> None:
    entity = {"StudyDate": date, "StudyTime": time, "TimezoneOffsetFromUTC": zones.offset_text(own)}
    seen_from_there = entity | zones.moved(entity, asked, {"StudyDate"})
    assert not holds(condition, seen_from_there) or holds(zones.widened(condition), entity)


def test_what_is_about_no_time_is_not_widened() -> None:
    for condition in (Exact("PatientID", "P"), AnyOf((Exact("PatientID", "P"),)), Exact("Rows", "1")):
        assert zones.widened(condition) is condition
