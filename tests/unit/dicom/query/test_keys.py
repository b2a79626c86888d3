from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calotype.dicom.hierarchy import Level
from calotype.dicom.query import values
from calotype.dicom.query.attributes import BY_KEYWORD, INDEXED, Attribute, KeyType, Matching, attribute_of
from calotype.dicom.query.keys import InvalidKey, Key, at_level, build_query, conditions
from calotype.dicom.query.model import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    PartBegins,
    Range,
    UidList,
    Wildcard,
)
from calotype.dicom.query.negotiated import USUAL, Negotiated

STEP_ID = Attribute("ScheduledProcedureStepID", 0x00400009, "SH", Level.SERIES, KeyType.OPTIONAL, Matching.ID)
STEP_DATE = Attribute(
    "ScheduledProcedureStepStartDate", 0x00400002, "DA", Level.SERIES, KeyType.OPTIONAL, Matching.DATE
)
REQUEST = Attribute(
    "RequestAttributesSequence",
    0x00400275,
    "SQ",
    Level.SERIES,
    KeyType.REQUIRED,
    Matching.SEQUENCE,
    items=(STEP_ID, STEP_DATE),
)


def read(keyword: str, text: str, agreed: Negotiated = USUAL) -> tuple[Condition, ...]:
    return conditions(BY_KEYWORD[keyword], text, agreed)


def query_of(*pairs: tuple[str, str], agreed: Negotiated = USUAL) -> tuple[Condition, ...]:
    found = build_query(Level.IMAGE, [Key((BY_KEYWORD[k],), text) for k, text in pairs], (), agreed=agreed)
    return found.conditions


@pytest.mark.parametrize("keyword", [a.keyword for a in INDEXED])
@pytest.mark.parametrize("text", ["", "*", " ** ", "\0"])
def test_universal_matching_makes_no_condition(keyword: str, text: str) -> None:
    assert read(keyword, text) == ()


@pytest.mark.parametrize(
    ("keyword", "text", "condition"),
    [
        ("PatientID", "Ab 1", Exact("PatientID", "Ab 1")),
        ("PatientID", " Ab%_1 ", Exact("PatientID", "Ab%_1")),
        ("PatientID", "A*1?", Wildcard("PatientID", "A*1?")),
        ("PatientID", "A***", Wildcard("PatientID", "A*")),
        ("PatientName", "Doe^John", Exact("PatientName", "Doe^John")),
        ("PatientName", "*=山*", Wildcard("PatientName", "=山*")),
        ("PatientName", "山=*", Exact("PatientName", "山")),
        ("StudyDescription", "Thorax a.p.", Exact("StudyDescription", "Thorax a.p.")),
        ("PatientComments", "a\\b", Exact("PatientComments", "a\\b")),
        ("Modality", "ct", Exact("Modality", "CT")),
        ("Modality", "CT\\MR", AnyOf((Exact("Modality", "CT"), Exact("Modality", "MR")))),
        ("Modality", "CT\\ct\\", Exact("Modality", "CT")),
        ("OtherPatientIDs", "A\\B*", AnyOf((Exact("OtherPatientIDs", "A"), Wildcard("OtherPatientIDs", "B*")))),
        ("StudyInstanceUID", "1.2.3\0", Exact("StudyInstanceUID", "1.2.3")),
        ("StudyInstanceUID", "1.2\\1.3\\1.2", UidList("StudyInstanceUID", ("1.2", "1.3"))),  # type: ignore[arg-type]
        ("StudyDate", "20240131", Exact("StudyDate", "20240131")),
        ("StudyDate", "2024.01.31", Exact("StudyDate", "20240131")),
        ("StudyDate", "20240101-20240131", Range("StudyDate", "20240101", "20240131")),
        ("StudyDate", "20240201 - 20240231", Range("StudyDate", "20240201", "20240231")),
        ("StudyDate", "-20240131", Range("StudyDate", None, "20240131")),
        ("StudyDate", "2024.01.01-", Range("StudyDate", "20240101", None)),
        ("StudyTime", "10-11", Range("StudyTime", "100000", "115959.999999")),
        ("StudyTime", "101112", Range("StudyTime", "101112", "101112.999999")),
        ("StudyTime", "101112.50", Range("StudyTime", "101112.5", "101112.500000")),
        ("StudyTime", "-0800", Range("StudyTime", None, "080059.999999")),
        ("SeriesNumber", " 007", Exact("SeriesNumber", "7")),
        ("StudyDate", '""', Empty("StudyDate")),
        ("StudyInstanceUID", '""', Empty("StudyInstanceUID")),
    ],
)
def test_one_key_makes_one_condition(keyword: str, text: str, condition: Condition) -> None:
    assert read(keyword, text) == (condition,)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("StudyDate", "-"),
        ("PatientName", "^^=\u0301"),
        ("PatientName", "*=*"),
        ("Modality", "CT\\*"),
        ("StudyTime", "10\\-"),
    ],
)
def test_a_key_that_no_value_can_fail_is_universal(keyword: str, text: str) -> None:
    assert read(keyword, text) == ()


@pytest.mark.parametrize(
    ("keyword", "text", "problem"),
    [
        ("StudyDate", "2024", "'2024' is no date; write YYYYMMDD, or a range as 20240101-20240131"),
        ("StudyDate", "2024*", "'2024*' is no date; write YYYYMMDD, or a range as 20240101-20240131"),
        ("StudyDate", "2024-01-31", "'2024-01-31' is no range; write one as first-last, first- or -last"),
        ("StudyTime", "25", "'25' is no time; write HHMMSS or HHMM, or a range as 0800-1200"),
        ("SeriesNumber", "1*", "'1*' is no whole number; wild cards do not apply to numbers"),
        ("StudyInstanceUID", "1.2.*", "'1.2.*': UIDs are compared whole, wild cards do not apply"),
        ("PatientID", "a\x1bb", r"'a\x1bb' holds control characters"),
        ("PatientID", "x" * 1025, "a value of 1025 characters, at most 1024 are taken"),
        ("PatientID", "\\".join(map(str, range(101))), "101 values, at most 100 are taken; ask in several requests"),
    ],
)
def test_a_key_that_cannot_be_compared_says_why(keyword: str, text: str, problem: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        read(keyword, text)
    assert (caught.value.keyword, caught.value.problem) == (keyword, problem)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [("StudyDate", "20240131-20240101"), ("StudyTime", "2200-0600"), ("StudyDate", "20240101\\20250101-20240101")],
)
def test_a_range_that_ends_before_it_begins_is_refused(keyword: str, text: str) -> None:
    with pytest.raises(InvalidKey, match="ends before it begins"):
        query_of((keyword, text))


def test_at_most_ten_thousand_uids_are_taken() -> None:
    uids = [f"1.2.{i}" for i in range(10_001)]
    (found,) = read("SOPInstanceUID", "\\".join(uids[:-1]))
    assert found == UidList("SOPInstanceUID", tuple(uids[:-1]))  # type: ignore[arg-type]
    with pytest.raises(InvalidKey, match="10001 values"):
        read("SOPInstanceUID", "\\".join(uids))


def about(condition: Condition) -> set[str]:
    if isinstance(condition, AnyOf):
        return set[str]().union(*map(about, condition.conditions))
    assert not isinstance(condition, DateTimeRange)
    return {condition.keyword}


@given(
    st.sampled_from(INDEXED),
    st.text(st.sampled_from("*?-=^\\\"'0129.:,%_aÄ山 \x00\x1b") | st.characters(), max_size=30),
    st.builds(Negotiated, fuzzy_names=st.booleans(), multiple_values=st.booleans(), date_time_matching=st.booleans()),
)
def test_any_text_makes_conditions_on_its_attribute_or_is_refused(
    attribute: Attribute, text: str, agreed: Negotiated
) -> None:
    try:
        found = build_query(Level.IMAGE, [Key((attribute,), text)], (), agreed=agreed).conditions
    except InvalidKey as error:
        blamed = {error.keyword}
    else:
        blamed = set[str]().union(*map(about, found))
    assert blamed <= {attribute.keyword}


def test_conditions_stand_in_the_order_of_tags_each_once() -> None:
    assert query_of(("PatientID", "1"), ("StudyDate", "20240101"), ("PatientID", "1")) == (
        Exact("StudyDate", "20240101"),
        Exact("PatientID", "1"),
    )


def test_dates_and_times_are_independent_unless_agreed() -> None:
    assert query_of(("StudyDate", "20240105-20240107"), ("StudyTime", "1000-1800")) == (
        Range("StudyDate", "20240105", "20240107"),
        Range("StudyTime", "100000", "180059.999999"),
    )


@pytest.mark.parametrize(
    ("date", "time", "low", "high"),
    [
        ("20240105-20240107", "1000-1800", "20240105100000.000000", "20240107180059.999999"),
        ("20240105-20240106", "22-06", "20240105220000.000000", "20240106065959.999999"),
        ("20240105", "1000-", "20240105100000.000000", "20240105235960.999999"),
        ("20240105-", "1000-1800", "20240105100000.000000", None),
        ("-20240105", "1000-1800", None, "20240105180059.999999"),
        ("20240105", "101112", "20240105101112.000000", "20240105101112.999999"),
    ],
)
def test_a_date_and_its_time_become_one_interval_where_agreed(
    date: str, time: str, low: str | None, high: str | None
) -> None:
    agreed = Negotiated(date_time_matching=True)
    found = query_of(("StudyTime", time), ("PatientID", "1"), ("StudyDate", date), agreed=agreed)
    assert found == (DateTimeRange("StudyDate", "StudyTime", low, high), Exact("PatientID", "1"))


def test_a_joined_interval_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidKey, match="StudyDate: a range from 20240105220000"):
        query_of(("StudyDate", "20240105"), ("StudyTime", "22-06"), agreed=Negotiated(date_time_matching=True))


def test_dates_of_other_entities_are_not_joined() -> None:
    agreed = Negotiated(date_time_matching=True)
    assert query_of(("StudyDate", "20240105"), ("SeriesTime", "10"), agreed=agreed) == (
        Exact("StudyDate", "20240105"),
        Range("SeriesTime", "100000", "105959.999999"),
    )


def test_all_values_are_asked_for_where_agreed() -> None:
    agreed = Negotiated(multiple_values=True)
    assert read("ModalitiesInStudy", "CT\\PT\\*", agreed) == (
        Exact("ModalitiesInStudy", "CT"),
        Exact("ModalitiesInStudy", "PT"),
    )


def test_fuzzy_names_ask_for_words_that_name_parts_begin_with() -> None:
    agreed = Negotiated(fuzzy_names=True)
    assert read("PatientName", "jo, SMÏ-t*", agreed) == (
        PartBegins("PatientName", "jo"),
        PartBegins("PatientName", "smit"),
    )
    assert read("PatientName", "Jo jo - *", agreed) == (PartBegins("PatientName", "jo"),)
    assert read("PatientName", "*", agreed) == ()
    assert read("PatientID", "jo", agreed) == (Exact("PatientID", "jo"),)


def test_a_word_with_a_mark_for_one_character_is_a_pattern_among_the_parts() -> None:
    patterns = AnyOf(tuple(Wildcard("PatientName", f"{p}sm?th*") for p in ("", "*^", "* ", "*-")))
    found = read("PatientName", "sm?th jo", Negotiated(fuzzy_names=True))
    assert found == (patterns, PartBegins("PatientName", "jo"))


def test_fuzzy_matching_takes_one_name() -> None:
    with pytest.raises(InvalidKey, match="one name at a time"):
        read("PatientName", "a\\b", Negotiated(fuzzy_names=True))


def test_fuzzy_matching_takes_sixteen_words() -> None:
    name = " ".join(f"n{i}" for i in range(16))
    assert len(read("PatientName", name, Negotiated(fuzzy_names=True))) == 16
    with pytest.raises(InvalidKey, match="a name of 17 words"):
        read("PatientName", name + " n16", Negotiated(fuzzy_names=True))


def test_keys_of_one_sequence_become_one_condition() -> None:
    found = build_query(
        Level.SERIES,
        [
            Key((REQUEST, STEP_ID), "S1"),
            Key((BY_KEYWORD["Modality"],), "CT"),
            Key((REQUEST, STEP_DATE), "20240101-"),
        ],
        (),
    )
    inner = (Range(STEP_DATE.keyword, "20240101", None), Exact(STEP_ID.keyword, "S1"))
    assert found.conditions == (Exact("Modality", "CT"), InSequence(REQUEST.keyword, inner))


def test_a_sequence_without_keys_is_universal() -> None:
    found = build_query(Level.SERIES, [Key((REQUEST,), ""), Key((REQUEST, STEP_ID), "*")], ())
    assert found.conditions == ()


@pytest.mark.parametrize(
    ("keyword", "level", "name"),
    [
        ("Modality", Level.STUDY, "ModalitiesInStudy"),
        ("Modality", Level.SERIES, "Modality"),
        ("Modality", Level.PATIENT, None),
        ("StudyDate", Level.IMAGE, "StudyDate"),
        ("StudyDate", Level.PATIENT, None),
        ("SeriesDescription", Level.STUDY, None),
    ],
)
def test_attribute_at_a_level(keyword: str, level: Level, name: str | None) -> None:
    found = at_level(BY_KEYWORD[keyword], level)
    assert (found and found.keyword) == name


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [
        ("20240131", "20240131", "20240131235960.999999"),
        ("202402", "20240201", "20240231235960.999999"),
        ("20240131101500.5", "20240131101500.5", "20240131101500.500000"),
        ("20240131-20240201", "20240131", "20240201235960.999999"),
        ("2024-", "20240101", None),
        ("-2024", None, "20241231235960.999999"),
        # what can be an offset from UTC is one, and is left aside
        ("20240131-0500", "20240131", "20240131235960.999999"),
        ("20240131-0500-20240201-0500", "20240131", "20240201235960.999999"),
        ("2024013110+0800", "2024013110", "20240131105959.999999"),
    ],
)
def test_a_date_time_key_is_a_range(key: str, low: str | None, high: str | None) -> None:
    attribute = attribute_of(0x0008002A, Level.IMAGE)
    [found] = conditions(attribute, key)
    assert isinstance(found, Range)
    assert found.keyword == "AcquisitionDateTime"
    assert values.date_time_key(found.low or "2000") == values.date_time_key(low or "2000")
    assert found.high == high


@pytest.mark.parametrize("key", ["banana", "2024013125", "20241301", "2024-2025-2026"])
def test_what_is_no_date_time_is_refused(key: str) -> None:
    with pytest.raises(InvalidKey, match="AcquisitionDateTime"):
        conditions(attribute_of(0x0008002A, Level.IMAGE), key)


def test_a_decimal_key_is_compared_as_a_number() -> None:
    thickness = attribute_of(0x00180050, Level.IMAGE)
    assert conditions(thickness, "1.50") == conditions(thickness, "+15e-1") == (Exact("SliceThickness", "1.5"),)
    with pytest.raises(InvalidKey, match="no number"):
        conditions(thickness, "1*")
