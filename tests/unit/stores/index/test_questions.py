"""Whatever is asked, the SQL finds what ``dicom.query.matching`` says: the memory twin is the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.dicom.query.attributes import BY_KEYWORD, INDEXED, Matching
from calotype.dicom.query.model import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Exact,
    Match,
    Order,
    Page,
    PartBegins,
    Query,
    Range,
    UidList,
    Wildcard,
)
from calotype.dicom.query.name_parts import beginning
from calotype.services.archive.ports import Channel, Index, InstanceRecord, ObjectLocation, Origin
from calotype.stores.index import pieces
from calotype.stores.index.compile import statement
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.sqlite import SqliteIndex

# A few letters that fold into each other, what is special to SQL, GLOB, JSON and names, and what is not ASCII.
LETTERS = "aAbäÄ1 %_[]*?'\",-{}山ｱ\N{FULLWIDTH REVERSE SOLIDUS}"
WORDS = st.text(LETTERS, min_size=1, max_size=5)
DATES = st.sampled_from(["20240101", "20240102", "2024.01.02", "20231231", "nonsense", "2024"])
TIMES = st.sampled_from(["10", "1000", "100000", "100000.5", "10:00:00", "235959.999999", "99", "x"])
NUMBERS = st.sampled_from(["1", "01", "+1", " 7 ", "-3", "1.5", "x", "99999999999999999999"])
PARTS = st.text("aAbä1-山sh", min_size=1, max_size=4).map(beginning).filter(bool) | st.just("shan")
CODES = st.sampled_from(["CT", "ct", "MR", "M_R", "C*", "C[T"])
UIDS = st.sampled_from(["1.2", "1.2.3", "1.2.30", "x"])
NAMES = st.lists(st.lists(WORDS, min_size=1, max_size=3).map("^".join), min_size=1, max_size=3).map("=".join)

ONE_VALUE = {
    Matching.UID: UIDS,
    Matching.ID: WORDS,
    Matching.CODE: CODES,
    Matching.TEXT: WORDS,
    Matching.NAME: NAMES,
    Matching.DATE: DATES,
    Matching.TIME: TIMES,
    Matching.INTEGER: NUMBERS,
}
ASKED = [
    "PatientID", "PatientName", "PatientBirthDate", "OtherPatientIDs", "PatientComments", "StudyInstanceUID",
    "StudyDate", "StudyTime", "AccessionNumber", "StudyDescription", "ModalitiesInStudy", "SOPClassesInStudy",
    "Modality", "SeriesNumber", "OperatorsName", "SOPInstanceUID", "InstanceNumber", "ImageType", "NoSuchAttribute",
    "AvailableTransferSyntaxUID",
]  # fmt: skip
KEPT = [keyword for keyword in ASKED if keyword in BY_KEYWORD and not BY_KEYWORD[keyword].computed]
RANGED = [
    keyword
    for keyword in ASKED
    if keyword in BY_KEYWORD and BY_KEYWORD[keyword].matching in (Matching.DATE, Matching.TIME)
]

WILD = [
    keyword
    for keyword in ASKED
    if keyword not in BY_KEYWORD
    or BY_KEYWORD[keyword].matching in (Matching.ID, Matching.CODE, Matching.TEXT, Matching.NAME)
]


def values(keyword: str) -> st.SearchStrategy[str]:
    attribute = BY_KEYWORD.get(keyword)
    return ONE_VALUE[attribute.matching] if attribute else WORDS


def kept_text(keyword: str) -> st.SearchStrategy[str]:
    attribute = BY_KEYWORD[keyword]
    if attribute.matching in (Matching.UID, Matching.INTEGER):
        return values(keyword)
    return st.lists(values(keyword), max_size=3).map("\\".join)


@st.composite
def records(draw: st.DrawFn) -> list[InstanceRecord]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        said = {
            keyword: text
            for keyword in draw(st.lists(st.sampled_from(KEPT), unique=True))
            if BY_KEYWORD[keyword].matching is not Matching.UID and (text := draw(kept_text(keyword)))
        }
        study = draw(st.sampled_from(["1.2", "1.2.3", "x"]))
        series = draw(st.sampled_from(["1.2.30", "5"]))
        ref = InstanceRef(UID(study), UID(series), UID(f"1.2.{number}"))
        location = ObjectLocation(f"{number}.dcm", 1, 0, 1, bytes(32), UID("1.2.840.10008.1.2"))
        sop_class = UID(draw(st.sampled_from(["1.2", "1.2.3"])))
        found.append(InstanceRecord(ref, sop_class, said, location, b"", Origin(Channel.IMPORT), number))
    return found


@st.composite
def simple_conditions(draw: st.DrawFn) -> Condition:  # noqa: PLR0911 - one return per kind
    keyword = draw(st.sampled_from(ASKED))
    match draw(st.sampled_from(["exact", "wildcard", "within", "part", "range", "list", "empty", "moment"])):
        case "exact":
            return Exact(keyword, draw(values(keyword)))
        case "wildcard":
            keyword = draw(st.sampled_from(WILD))
            return Wildcard(keyword, draw(st.lists(values(keyword) | st.sampled_from("*?"), min_size=1).map("".join)))
        case "within":
            keyword = draw(st.sampled_from(pieces.KEYWORDS))
            return Wildcard(keyword, f"*{draw(values(keyword))}*")
        case "part":
            return PartBegins(draw(st.sampled_from(["PatientName", "OperatorsName"])), draw(PARTS))
        case "range":
            keyword = draw(st.sampled_from(RANGED))
            ends = st.none() | values(keyword)
            return Range(keyword, draw(ends), draw(ends))
        case "list":
            return UidList("StudyInstanceUID", tuple(map(UID, draw(st.lists(UIDS)))))
        case "moment":
            ends = st.none() | st.sampled_from(
                ["20240101100000.000000", "20240102000000.000000", "20240102235959.999999"]
            )
            return DateTimeRange("StudyDate", "StudyTime", draw(ends), draw(ends))
        case _:
            return Empty(keyword)


CONDITIONS = simple_conditions() | st.lists(simple_conditions(), max_size=3).map(lambda found: AnyOf(tuple(found)))
ORDERS = st.builds(
    Order, st.sampled_from(["PatientID", "StudyDate", "SeriesNumber", "InstanceNumber"]), st.booleans()
)
QUERIES = st.builds(
    Query,
    st.sampled_from(Level),
    st.lists(CONDITIONS, max_size=3).map(tuple),
    st.just(frozenset(attribute.keyword for attribute in INDEXED)),
    st.just(()),
    st.builds(Page, st.none() | st.integers(0, 5), st.integers(0, 3)),
)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteIndex]:
    made = SqliteIndex(SqliteSettings(Path(tmp_path_factory.mktemp("index")) / "index.sqlite", durable=False))
    yield made
    made.close()


def fill(index: Index, found: list[InstanceRecord]) -> None:
    for kept in [stored.ref for stored, _, _ in index.records()]:
        index.remove(kept)
    for record in found:
        index.add(record)


def visible(query: Query, index: Index) -> list[Match]:
    """Return the whole answer; sorted where neither page nor order was asked for, since each index has its own."""
    matches = list(index.find(query))
    is_free = query.page == Page() and not query.order
    return sorted(matches, key=lambda match: sorted(match.items())) if is_free else matches


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(found=records(), queries=st.lists(QUERIES, min_size=5, max_size=10), keyed=st.integers(0, 6))
def test_sqlite_finds_what_matching_defines(
    sqlite: SqliteIndex, found: list[InstanceRecord], queries: list[Query], keyed: int
) -> None:
    oracle = MemoryIndex()
    fill(oracle, found)
    # Names have their key or not yet, and rows that had it have gone meanwhile: the answer is the same.
    fill(sqlite, found[:keyed])
    sqlite.key_all_names()
    for record in found[keyed:]:
        sqlite.add(record)
    for query in queries:
        assert visible(query, sqlite) == visible(query, oracle), query
        assert sqlite.count(query, 2) == oracle.count(query, 2), query


def _one(**said: str) -> list[InstanceRecord]:
    ref = InstanceRef(UID("1"), UID("1.1"), UID("1.1.1"))
    location = ObjectLocation("1.dcm", 1, 0, 1, bytes(32), UID("1.2.840.10008.1.2"))
    return [InstanceRecord(ref, UID("1.2"), said, location, b"", Origin(Channel.IMPORT), 1)]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.dictionaries(
        st.sampled_from(["PatientID", "StudyDate", "SeriesNumber", "InstanceNumber"]), WORDS | DATES
    ),
    more=st.dictionaries(
        st.sampled_from(["PatientID", "StudyDate", "SeriesNumber", "InstanceNumber"]), WORDS | NUMBERS
    ),
    order=st.lists(ORDERS, max_size=3).map(tuple),
    level=st.sampled_from(Level),
)
@example(said={}, more={"InstanceNumber": "1"}, order=(Order("InstanceNumber"),), level=Level.IMAGE)
def test_sqlite_sorts_as_matching_defines(
    sqlite: SqliteIndex, said: dict[str, str], more: dict[str, str], order: tuple[Order, ...], level: Level
) -> None:
    (first,) = _one(**said)
    (second,) = _one(**more)
    ref = InstanceRef(UID("2"), UID("2.1"), UID("2.1.1"))
    found = [first, InstanceRecord(ref, second.sop_class, more, second.location, b"", second.origin, 2)]
    oracle = MemoryIndex()
    fill(oracle, found)
    fill(sqlite, found)
    query = Query(level, order=order)
    assert visible(query, sqlite) == visible(query, oracle)


def test_questions_of_one_shape_are_compiled_once(sqlite: SqliteIndex) -> None:
    statement.cache_clear()
    for day in ("20240101", "20240102"):
        list(
            sqlite.find(
                Query(Level.STUDY, (Exact("StudyDate", day), Wildcard("PatientName", f"{day}*")), page=Page(5))
            )
        )
    assert statement.cache_info().misses == 1


def test_a_hundred_alternatives_for_a_name_are_answered(sqlite: SqliteIndex) -> None:
    fill(sqlite, _one(PatientName="Doe^John"))
    names = AnyOf(
        (*(Wildcard("PatientName", f"*{number}*=x") for number in range(99)), Wildcard("PatientName", "d*"))
    )
    assert len(list(sqlite.find(Query(Level.STUDY, (names,))))) == 1


def test_ten_thousand_uids_are_answered(sqlite: SqliteIndex) -> None:
    fill(sqlite, _one())
    uids = (*(UID(f"9.{number}") for number in range(9_999)), UID("1"))
    assert len(list(sqlite.find(Query(Level.STUDY, (UidList("StudyInstanceUID", uids),))))) == 1
