from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.attributes import BY_KEYWORD, INDEXED, Attribute, Matching
from calotype.dicom.query.keys import InvalidKey, conditions
from calotype.dicom.query.matching import Attributes, comparable, holds, matches, order_key, wildcard_matches
from calotype.dicom.query.model import (
    AnyOf,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    Order,
    Query,
    Range,
    Romanised,
    UidList,
    Wildcard,
)
from calotype.dicom.query.negotiated import USUAL, Negotiated

YAMADA = "Yamada^Tarou=山田^太郎=やまだ^たろう"


def finds(keyword: str, key: str, stored: str, agreed: Negotiated | None = None) -> bool:
    """Ask as a peer does: by the text of a key."""
    asked = conditions(BY_KEYWORD[keyword], key, agreed or USUAL)
    return matches(Query(Level.IMAGE, asked), {keyword: stored})


@pytest.mark.parametrize(
    ("keyword", "key", "stored"),
    [
        # PS3.4 C.2.2.2.1 single value
        ("PatientID", "Ab1", "Ab1"),
        ("OtherPatientIDs", "B", "A\\B"),
        ("Modality", "ct", "CT"),
        ("Modality", "CT", "ct"),
        ("ModalitiesInStudy", "MR", "CT\\MR"),
        ("StudyDescription", "THORAX A.P.", "Thörax  a.p."),
        ("PatientComments", "a\\b", "A\\B"),
        ("SeriesNumber", "7", "007"),
        ("StudyDate", "20240131", "2024.01.31"),
        ("StudyTime", "1011", "101159.5"),
        ("StudyTime", "101112", "101112.000000"),
        # person names
        ("PatientName", "DOE^JOHN", "Doe^John^^^"),
        ("PatientName", "muller^jorg", "Müller^Jörg"),
        ("PatientName", "yamada^tarou", YAMADA),
        ("PatientName", "山田^太郎", YAMADA),
        ("PatientName", "やまだ*", YAMADA),
        ("PatientName", "Yamada*=山田*", YAMADA),
        ("PatientName", "=山田^太郎", YAMADA),
        ("PatientName", "==やまだ^たろう", YAMADA),
        ("PatientName", "ﾔﾏﾀﾞ^ﾀﾛｳ", "ヤマダ^タロウ"),
        ("OperatorsName", "b^*", "A^X\\B^Y"),
        # C.2.2.2.2 list of UID
        ("StudyInstanceUID", "1.2\\1.3", "1.3"),
        ("SOPClassesInStudy", "1.3", "1.2\\1.3"),
        # C.2.2.2.4 wild card
        ("PatientID", "A*1?", "A..1x"),
        ("PatientID", "100%_*", "100%_x"),
        ("StudyDescription", "*ÜBER*", "Gegenuber"),
        # C.2.2.2.5 range
        ("StudyDate", "20240101-20240131", "20240131"),
        ("StudyDate", "-20240131", "2024.01.31"),
        ("StudyTime", "10-11", "115959.999"),
        ("StudyTime", "10-11", "10"),
        # C.2.2.2.7 empty value
        ("PatientName", '""', ""),
        ("Modality", '""', " \\ "),
    ],
)
def test_key_finds(keyword: str, key: str, stored: str) -> None:
    assert finds(keyword, key, stored)


@pytest.mark.parametrize(
    ("keyword", "key", "stored"),
    [
        ("PatientID", "ab1", "Ab1"),
        ("PatientID", "Ab", "Ab1"),
        ("PatientID", "Ab1", ""),
        ("PatientID", "A_1", "Ab1"),
        ("PatientID", "A%", "Ab1"),
        ("PatientID", "?*", ""),
        ("PatientName", "Doe", "Doe^John"),
        ("PatientName", "Tarou*", YAMADA),
        ("PatientName", "山田*=Yamada*", YAMADA),
        ("PatientName", "Yamada*=鈴木*", YAMADA),
        ("PatientName", "*Tarou*山田*", YAMADA),
        ("StudyInstanceUID", "1.2\\1.3", "1.2.3"),
        ("StudyDate", "20240101-20240131", "20240201"),
        ("StudyDate", "20240101-", "garbage"),
        ("StudyDate", "20240101-", ""),
        ("StudyTime", "10-11", "12"),
        ("StudyTime", "101112", "101113"),
        ("SeriesNumber", "7", "seven"),
        ("PatientName", '""', "Doe"),
        ("StudyDate", '""', "garbage"),
    ],
)
def test_key_does_not_find(keyword: str, key: str, stored: str) -> None:
    assert not finds(keyword, key, stored)


@pytest.mark.parametrize("name", ["Smith^John", "Doe-Smith^Johnny", "de Smith^Anna John", "Smythe=Smith^Jo"])
def test_fuzzy_names_are_found_by_the_beginnings_of_their_parts(name: str) -> None:
    agreed = Negotiated(fuzzy_names=True)
    assert finds("PatientName", "jo smi", name, agreed) == ("Jo" in name)
    assert not finds("PatientName", "mith", name, agreed)


@pytest.mark.parametrize(
    ("key", "name", "found"),
    [
        ("Zhang^Sanfeng", "张三丰", True),
        ("zhang*", "张^三丰", True),
        ("zhang*", "=张^三丰", True),
        ("zhang*", "Chang^Sanfeng=张^三丰", False),
        ("chang*", "Chang^Sanfeng=张^三丰", True),
        ("Shan^*", "单^雄信", True),
        ("dan*", "单^雄信", False),
        ("Ouyang^Xiu", "欧阳修", True),
        ("san*", "张三丰", False),
        ("doe*", "Doe^John", True),
        ("yamada*", "山田^太郎=やまだ^たろう", False),
        ("hong*", "홍^길동", False),
        ("*", "", False),
    ],
)
def test_names_without_letters_are_read_in_pinyin(key: str, name: str, found: bool) -> None:  # noqa: FBT001 - expected
    condition = Wildcard("PatientName", key) if "*" in key else Exact("PatientName", key)
    assert holds(Romanised("PatientName", condition), {"PatientName": name}) is found


def test_absent_attribute_matches_universal_and_empty_only() -> None:
    absent: Attributes = {}
    assert matches(Query(Level.STUDY), absent)
    assert holds(Empty("StudyDate"), absent)
    assert not holds(Exact("StudyDate", "20240101"), absent)
    assert not holds(Range("StudyDate", None, None), absent)
    assert not holds(Wildcard("PatientID", "*"), absent)
    assert not holds(InSequence("RequestAttributesSequence", ()), absent)


def test_all_conditions_of_a_query_have_to_hold() -> None:
    query = Query(Level.STUDY, (Exact("PatientID", "1"), Exact("StudyID", "2")))
    assert matches(query, {"PatientID": "1", "StudyID": "2"})
    assert not matches(query, {"PatientID": "1", "StudyID": "3"})


def test_uid_list_and_any_of() -> None:
    attributes = {"StudyInstanceUID": "1.2", "Modality": "CT"}
    assert holds(UidList("StudyInstanceUID", (UID("1.1"), UID("1.2"))), attributes)
    assert not holds(UidList("StudyInstanceUID", ()), attributes)
    assert holds(AnyOf((Exact("Modality", "MR"), Exact("StudyInstanceUID", "1.2"))), attributes)
    assert not holds(AnyOf(()), attributes)


@pytest.mark.parametrize(
    ("date", "time", "found"),
    [
        ("20240105", "100000", True),
        ("20240105", "0959", False),
        ("20240106", "03", True),
        ("2024.01.07", "18:00:59", True),
        ("20240107", "1801", False),
        ("20240106", "", True),
        ("20240105", "", False),
        ("20240105", "late", False),
        ("", "12", False),
        ("garbage", "12", False),
    ],
)
def test_date_and_time_as_one_moment(date: str, time: str, found: bool) -> None:  # noqa: FBT001 - expected value
    interval = DateTimeRange("StudyDate", "StudyTime", "20240105100000.000000", "20240107180059.999999")
    assert holds(interval, {"StudyDate": date, "StudyTime": time}) == found


def test_open_ends_of_a_moment() -> None:
    at: Attributes = {"StudyDate": "20240105", "StudyTime": "12"}
    assert holds(DateTimeRange("StudyDate", "StudyTime", None, None), at)
    assert not holds(DateTimeRange("StudyDate", "StudyTime", None, "20240105115959.999999"), at)
    assert not holds(DateTimeRange("StudyDate", "StudyTime", "20240105120000.000001", None), at)


def test_one_item_of_a_sequence_satisfies_all_keys() -> None:
    asked = InSequence(
        "RequestAttributesSequence", (Exact("RequestedProcedureID", "R1"), Wildcard("ScheduledProcedureStepID", "S*"))
    )
    in_one = [{"RequestedProcedureID": "R1", "ScheduledProcedureStepID": "S2"}]
    in_two = [{"RequestedProcedureID": "R1"}, {"ScheduledProcedureStepID": "S2"}]
    assert holds(asked, {"RequestAttributesSequence": in_one})
    assert not holds(asked, {"RequestAttributesSequence": in_two})
    assert not holds(asked, {"RequestAttributesSequence": "R1"})
    assert holds(Empty("RequestAttributesSequence"), {"RequestAttributesSequence": []})
    assert not holds(Empty("RequestAttributesSequence"), {"RequestAttributesSequence": in_one})


@pytest.mark.parametrize(
    ("keyword", "value", "form"),
    [
        ("ScheduledProcedureStepStartDate", "2024.01.31", "20240131"),
        ("ScheduledPerformingPhysicianName", "MÜLLER^J", "muller^j"),
        ("ScheduledStationAETitle", "Ct1", "Ct1"),
        ("PatientAge", "045Y", "045Y"),
        ("NumberOfStudyRelatedInstances", "12", 12),
        ("PatientWeight", "70.5", "70.5"),
    ],
)
def test_comparable_form_follows_the_table_or_the_vr(keyword: str, value: str, form: str | int) -> None:
    assert comparable(keyword, value) == form


# Wild cards against the obvious definition


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_wildcards_agree_with_a_regular_expression(pattern: str, text: str) -> None:
    oracle = re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.DOTALL)
    assert wildcard_matches(pattern, text) == bool(oracle.fullmatch(text))


@given(st.text(max_size=20), st.text(max_size=20))
def test_only_star_and_question_mark_are_special(pattern: str, text: str) -> None:
    if not {"*", "?"} & set(pattern):
        assert wildcard_matches(pattern, text) == (pattern == text)
    assert wildcard_matches(pattern, pattern)
    assert wildcard_matches("*" + pattern + "*", text + pattern + text)


def test_hostile_pattern_ends_soon() -> None:
    assert not wildcard_matches("*a" * 200 + "b", "a" * 5000)


DAYS = st.dates().map(lambda day: f"{day.year:04}{day.month:02}{day.day:02}")
TIMES = st.times().map(lambda time: time.strftime("%H%M%S.%f"))


@given(DAYS, DAYS, DAYS)
def test_date_ranges_agree_with_comparing_dates(one: str, other: str, stored: str) -> None:
    low, high = sorted((one, other))
    assert finds("StudyDate", f"{low}-{high}", stored) == (low <= stored <= high)
    assert finds("StudyDate", f"{low}-", stored) == (low <= stored)
    assert finds("StudyDate", f"-{high}", stored) == (stored <= high)


@given(TIMES, TIMES, TIMES, st.sampled_from([2, 4, 6, 10, 13]))
def test_time_ranges_include_all_that_their_ends_stand_for(one: str, other: str, stored: str, shown: int) -> None:
    low, high = sorted((one[:shown], other[:shown]))
    # Cut to what the ends say, a time lies between them; a fraction that is cut stands for zeros.
    cut = stored[:shown] if shown <= 6 else stored
    first, last = (low, high) if shown <= 6 else (low.ljust(13, "0"), high.ljust(13, "0"))
    assert finds("StudyTime", f"{low}-{high}", stored) == (first <= cut <= last)


MOMENTS = st.tuples(DAYS, TIMES)


@given(MOMENTS, MOMENTS, MOMENTS)
def test_joined_ranges_agree_with_comparing_moments(
    one: tuple[str, str], other: tuple[str, str], stored: tuple[str, str]
) -> None:
    low, high = sorted(("".join(one), "".join(other)))
    day, time = stored
    asked = DateTimeRange("StudyDate", "StudyTime", low, high)
    assert holds(asked, {"StudyDate": day, "StudyTime": time}) == (low <= day + time <= high)


ANY_TEXT = st.text(st.sampled_from("aB*?^=\\ 0129.-:é山\0") | st.characters(), max_size=20)


@given(st.sampled_from(INDEXED), ANY_TEXT, ANY_TEXT)
def test_no_key_and_no_stored_text_can_break_matching(attribute: Attribute, key: str, stored: str) -> None:
    try:
        asked = conditions(attribute, key)
    except InvalidKey:
        asked = (Exact(attribute.keyword, key), Wildcard(attribute.keyword, key), Range(attribute.keyword, key, key))
    answers = [holds(condition, {attribute.keyword: stored}) for condition in asked]
    assert set(answers) <= {True, False}
    # Asked for and absent at once is impossible.
    if any(answers) and Empty(attribute.keyword) not in asked:
        assert not holds(Empty(attribute.keyword), {attribute.keyword: stored})


@given(st.sampled_from([a for a in INDEXED if a.matching is not Matching.NAME]), ANY_TEXT)
def test_every_value_is_found_by_itself(attribute: Attribute, stored: str) -> None:
    try:
        asked = conditions(attribute, stored)
    except InvalidKey:
        assume(False)
    assume(Empty(attribute.keyword) not in asked)
    assert matches(Query(Level.IMAGE, asked), {attribute.keyword: stored})


NAME_GROUP = st.text(
    st.sampled_from("aB^é山 '-") | st.characters(exclude_characters='=\\*?"', codec="utf-8"), max_size=10
)


@given(NAME_GROUP, NAME_GROUP, NAME_GROUP)
def test_every_name_is_found_by_itself_and_by_each_of_its_groups(one: str, two: str, three: str) -> None:
    name = f"{one}={two}={three}"
    try:
        asked = [conditions(BY_KEYWORD["PatientName"], key) for key in (name, one, f"={two}", f"=={three}", three)]
    except InvalidKey:
        assume(False)
    for key in asked:
        assert matches(Query(Level.IMAGE, key), {"PatientName": name})


# Order


def ordered(order: tuple[Order, ...], *found: dict[str, str]) -> list[dict[str, str]]:
    return sorted(found, key=lambda each: order_key(order, each))


def test_order_compares_numbers_as_numbers_and_names_folded() -> None:
    numbers = [{"SeriesNumber": n} for n in ("10", "9", "", "x", "-1")]
    by_number = (Order("SeriesNumber"),)
    assert [n["SeriesNumber"] for n in ordered(by_number, *numbers)] == ["", "x", "-1", "9", "10"]
    names = [{"PatientName": n} for n in ("b", "Ä^b", "A^C", "", "a^b=x")]
    by_name = (Order("PatientName"),)
    assert [n["PatientName"] for n in ordered(by_name, *names)] == ["", "Ä^b", "a^b=x", "A^C", "b"]


def test_order_descends_with_absent_last_and_keeps_ties() -> None:
    newest = (Order("StudyDate", descending=True), Order("StudyTime", descending=True))
    found = [
        {"StudyID": "absent"},
        {"StudyID": "old", "StudyDate": "20200101", "StudyTime": "12"},
        {"StudyID": "new", "StudyDate": "2024.01.01", "StudyTime": "10"},
        {"StudyID": "newer", "StudyDate": "20240101", "StudyTime": "1000.5"},
        {"StudyID": "newest", "StudyDate": "20240101", "StudyTime": "1001"},
        {"StudyID": "also newest", "StudyDate": "20240101", "StudyTime": "100100"},
    ]
    assert [each["StudyID"] for each in ordered(newest, *found)] == [
        "newest",
        "also newest",
        "new",
        "newer",
        "old",
        "absent",
    ]


def test_order_of_counters_is_numeric() -> None:
    found = [{"NumberOfStudyRelatedInstances": n} for n in ("100", "20", "3")]
    by_count = (Order("NumberOfStudyRelatedInstances"),)
    assert [each["NumberOfStudyRelatedInstances"] for each in ordered(by_count, *found)] == ["3", "20", "100"]
