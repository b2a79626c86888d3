"""Searching by what no index keeps: what comes back, in which order, and how it is stopped."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.dicom.query.header import WHOLE_HEADER
from calotype.dicom.query.model import AnyOf, Empty, Exact, InSequence, Order, Page, Query, Range, Wildcard
from calotype.errors import Cancelled
from calotype.services.archive.headers import compress_header
from calotype.services.archive.ports import Channel, InstanceRecord, ObjectLocation, Origin, Total
from calotype.services.archive.search import LOOKS, Search
from calotype.stores.index.memory import MemoryIndex

CT = UID("1.2.840.10008.5.1.4.1.1.2")


class Watched(MemoryIndex):
    """An index that tells how far its answers were read."""

    read = 0
    closed = False

    def find_with_headers(self, query):
        try:
            for each in super().find_with_headers(query):
                self.read += 1
                yield each
        finally:
            self.closed = True


def study(number: int, header: object, **said: str) -> InstanceRecord:
    uid = f"1.{number}"
    stored = compress_header(header if isinstance(header, bytes) else orjson.dumps(header))
    location = ObjectLocation(f"{uid}.dcm", 1, 0, 1, bytes(32), UID("1.2.840.10008.1.2"))
    ref = InstanceRef(UID(uid), UID(f"{uid}.1"), UID(f"{uid}.1.1"))
    attributes = {"PatientID": f"P{number}", "Modality": "CT", **said}
    return InstanceRecord(ref, CT, attributes, location, stored, Origin(Channel.IMPORT), number)


def thickness(value: object) -> dict[str, object]:
    return {"00180050": {"vr": "DS", "Value": [value]}}


@pytest.fixture
def index() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.close()


@pytest.fixture
def search(index: Watched) -> Search:
    return Search(index)


def uids(search: Search, *conditions: object, **how: object) -> list[str]:
    return [m["StudyInstanceUID"] for m in search.find(Query(Level.STUDY, conditions, **how))]  # type: ignore[arg-type]


def test_what_the_header_says_decides(index: Watched, search: Search) -> None:
    for number, value in enumerate((1.5, "1.50", 2, None)):
        index.add(study(number, thickness(value)))
    assert uids(search, Exact("SliceThickness", "1.5")) == ["1.0", "1.1"]
    assert uids(search, Empty("SliceThickness")) == ["1.3"]
    assert uids(search, AnyOf((Exact("SliceThickness", "2"), Exact("PatientID", "P0")))) == ["1.0", "1.2"]


def test_only_what_the_index_leaves_over_is_looked_at(index: Watched, search: Search) -> None:
    for number in range(10):
        index.add(study(number, thickness(1)))
    assert uids(search, Exact("SliceThickness", "1"), Exact("PatientID", "P7")) == ["1.7"]
    assert index.read == 1


def test_a_question_of_the_index_alone_never_reads_a_header(index: Watched, search: Search) -> None:
    index.add(study(1, thickness(1), StudyDate="20240101"))
    assert uids(search, Range("StudyDate", "20240101", None), fields=frozenset({"PatientID"})) == ["1.1"]
    assert uids(search, Exact("PatientWeight", "70")) == []
    assert index.read == 0


def test_a_number_is_compared_as_one_though_the_index_keeps_text(index: Watched, search: Search) -> None:
    index.add(study(1, {}, PatientWeight="70.50"))
    assert uids(search, Exact("PatientWeight", "70.5")) == ["1.1"]


def test_one_item_satisfies_all_keys_of_a_sequence(index: Watched, search: Search) -> None:
    def items(*pairs: tuple[str, str]) -> dict[str, object]:
        steps = [
            {"00400009": {"vr": "SH", "Value": [step]}, "00400007": {"vr": "LO", "Value": [what]}}
            for step, what in pairs
        ]
        return {"00400275": {"vr": "SQ", "Value": steps}}

    index.add(study(1, items(("S1", "Thorax"), ("S2", "Schädel"))))
    index.add(study(2, items(("S1", "Schädel"))))
    wanted = (Exact("ScheduledProcedureStepID", "S1"), Wildcard("ScheduledProcedureStepDescription", "SCHADEL*"))
    assert uids(search, InSequence("RequestAttributesSequence", wanted)) == ["1.2"]


def test_what_is_asked_of_the_header_comes_as_json(index: Watched, search: Search) -> None:
    index.add(study(1, thickness(1.5) | {"00091001": {"vr": "LO", "Value": ["a"]}}))
    fields = frozenset({"SliceThickness", "00091001", "ContentLabel", "PatientID"})
    [match] = search.find(Query(Level.IMAGE, fields=fields))
    assert match["SliceThickness"] == '{"vr":"DS","Value":[1.5]}'
    assert match["00091001"] == '{"vr":"LO","Value":["a"]}'
    assert match["PatientID"] == "P1"
    assert "ContentLabel" not in match
    [match] = search.find(Query(Level.IMAGE, fields=frozenset({WHOLE_HEADER})))
    assert set(orjson.loads(match[WHOLE_HEADER])) == {"00180050", "00091001"}


def test_a_page_is_a_part_of_the_whole_in_its_order(index: Watched, search: Search) -> None:
    for number in range(9):
        index.add(study(number, thickness(number % 2)))
    order = (Order("PatientID", descending=True),)
    odd = Exact("SliceThickness", "1")
    assert uids(search, odd, order=order) == ["1.7", "1.5", "1.3", "1.1"]
    assert uids(search, odd, order=order, page=Page(2, 1)) == ["1.5", "1.3"]
    assert index.closed


@pytest.mark.parametrize(("cap", "total"), [(10, Total(4)), (4, Total(4)), (3, Total(3, at_least=True))])
def test_counting_looks_no_further_than_its_cap(index: Watched, search: Search, cap: int, total: Total) -> None:
    for number in range(4):
        index.add(study(number, thickness(1)))
    assert search.count(Query(Level.STUDY, (Exact("SliceThickness", "1"),)), cap) == total
    assert index.read == min(cap + 1, 4)


def test_a_checkpoint_stops_a_search_that_finds_nothing(index: Watched, search: Search) -> None:
    for number in range(3 * LOOKS):
        index.add(study(number, thickness(1)))
    passed = 0

    def checkpoint() -> None:
        nonlocal passed
        passed += 1
        if passed == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        list(search.find(Query(Level.STUDY, (Exact("SliceThickness", "9"),)), checkpoint))
    assert index.read == LOOKS + 1
    assert index.closed


@pytest.mark.parametrize("header", [b"", b"not json", b"[1,2]", b'{"00180050":7,"00091001":{"Value":3}}'])
def test_a_header_that_cannot_be_read_says_nothing(index: Watched, search: Search, header: bytes) -> None:
    index.add(study(1, header))
    fields = frozenset({"SliceThickness", "00091001"})
    assert uids(search, Exact("SliceThickness", "1"), Wildcard("00091001", "*"), fields=fields) == []
    assert uids(search, Empty("SliceThickness"), fields=fields) == ["1.1"]


def test_dates_are_held_against_another_zone(index: Watched, search: Search) -> None:
    late = {"StudyDate": "20240101", "StudyTime": "2330"}
    index.add(study(1, {}, **late, TimezoneOffsetFromUTC="+0000"))
    index.add(study(2, {}, **late))
    fields = frozenset({"StudyDate", "StudyTime", "TimezoneOffsetFromUTC"})
    [moved] = search.find(Query(Level.STUDY, (Exact("StudyDate", "20240102"),), fields, zone_minutes=60))
    assert moved == {
        "PatientID": "P1",
        "StudyInstanceUID": "1.1",
        "StudyDate": "20240102",
        "StudyTime": "0030",
        "TimezoneOffsetFromUTC": "+0100",
    }
    [as_written] = search.find(Query(Level.STUDY, (Exact("StudyDate", "20240101"),), fields, zone_minutes=60))
    assert as_written == {"PatientID": "P2", "StudyInstanceUID": "1.2", **late}
    assert search.count(Query(Level.STUDY, (Exact("StudyDate", "20240102"),), zone_minutes=60)) == Total(1)
    assert index.read == 0
