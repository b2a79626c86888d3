"""Every order of the study list, page by page: one suite, run over each implementation of the index."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.dicom.query.matching import SortKey, order_key
from calotype.dicom.query.model import Condition, Exact, Order, Page, Query
from calotype.dicom.text import fold
from calotype.services.archive.marks import SORTABLE, UNMARKED, Edit, MarkStore, label_key
from calotype.services.archive.ports import Channel, InstanceRecord, ObjectLocation, Origin
from calotype.stores.index import sqlite, walks
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.marks import SqliteMarks
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_marks import MemoryMarks
from calotype.stores.index.schema import LISTED
from calotype.stores.index.sqlite import SqliteIndex

Stores = tuple[MemoryIndex | SqliteIndex, MarkStore]

STUDIES = 60
NEWEST = (Order("StudyDate", descending=True), Order("StudyTime", descending=True))
OLDEST = (Order("StudyDate"), Order("StudyTime"))
COUNTERS = ("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")

SAID = {
    "PatientID": ("P1", "P2", "p3", ""),
    "PatientName": ("Li^Na=李^娜", "li^na", "Wang^Fang=王^芳=", "Doe^J\\Roe^J", ""),
    "PatientBirthDate": ("19700101", "19850317", ""),
    "PatientSex": ("F", "M", "O", ""),
    "StudyDate": ("20240101", "20240102", "20240109", ""),
    "StudyTime": ("0900", "101500", ""),
    "AccessionNumber": ("A1", "A2", "A10", ""),
    "ReferringPhysicianName": ("医生^一", "Doc^B", ""),
    "StudyID": ("1", "2", ""),
    "StudyDescription": ("胸部CT平扫", "Head", "head ", ""),
}


def record(study: UID, series: int, instance: int, said: dict[str, str], modality: str) -> InstanceRecord:
    ref = InstanceRef(study, UID(f"{study}.{series}"), UID(f"{study}.{series}.{instance}"))
    return InstanceRecord(
        ref=ref,
        sop_class=UID("1.2.840.10008.5.1.4.1.1.2"),
        attributes=said | {"Modality": modality},
        location=ObjectLocation(f"{ref.instance}.dcm", 10, 3, 7, bytes(32), UID("1.2.840.10008.1.2.1")),
        header=b"",
        origin=Origin(Channel.DIMSE),
        received_us=7,
    )


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    made: MemoryIndex | SqliteIndex
    marks: MarkStore
    if request.param == "memory":
        made = MemoryIndex()
        marks = MemoryMarks(made)
    else:
        made = SqliteIndex(SqliteSettings(tmp_path_factory.mktemp("orders") / "index.sqlite", durable=False))
        marks = SqliteMarks(made)
    chance = random.Random(7)
    for number in range(STUDIES):
        study = UID(f"1.{number + 1}")
        said = {keyword: chance.choice(texts) for keyword, texts in SAID.items()}
        for series in range(chance.choice((1, 1, 2, 3))):
            for instance in range(chance.choice((1, 1, 2))):
                made.add(record(study, series, instance, said, chance.choice(("CT", "MR", "SR"))))
    # One mark is of a study that is not here.
    for number in (*chance.sample(range(STUDIES), 20), STUDIES):
        labels = tuple(chance.sample(("Teaching", "教学", "urgent", "a"), chance.choice((1, 2))))
        marks.edit([UID(f"1.{number + 1}")], Edit(add=labels))
    for number in (*chance.sample(range(STUDIES), 12), STUDIES):
        marks.edit([UID(f"1.{number + 1}")], Edit(remark=chance.choice(("Ask", "备注", "again"))))
    yield made, marks
    made.close()


@pytest.fixture
def index(stores: Stores) -> MemoryIndex | SqliteIndex:
    return stores[0]


@pytest.fixture(autouse=True)
def nowhere_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a list of sixty studies be a long one."""
    monkeypatch.setattr(walks, "NEAR", 5)
    monkeypatch.setattr(sqlite, "FEW", 5)


ORDERS = [
    (Order(keyword, descending=descending), *NEWEST)
    for keyword in (*sorted(LISTED), *COUNTERS, *SORTABLE)
    for descending in (False, True)
] + [NEWEST, OLDEST, (Order("StudyTime"), NEWEST[0]), (Order("PatientName"),)]


def listed(index: MemoryIndex | SqliteIndex, order: tuple[Order, ...], *where: Condition, **page: int) -> list[str]:
    query = Query(Level.STUDY, where, order=order, page=Page(page.get("limit", STUDIES), page.get("offset", 0)))
    return [match["StudyInstanceUID"] for match in index.find(query)]


@pytest.mark.parametrize("where", [(), (Exact("ModalitiesInStudy", "CT"),), (Exact("PatientSex", "F"),)], ids=repr)
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{'-' * order[0].descending}{order[0].keyword}")
def test_pages_are_parts_of_one_list(
    index: MemoryIndex | SqliteIndex, order: tuple[Order, ...], where: tuple[Condition, ...]
) -> None:
    unsorted = index.find(Query(Level.STUDY, where, fields=frozenset({*SAID, *COUNTERS, "ModalitiesInStudy"})))
    studies = sorted(unsorted, key=lambda match: int(match["StudyInstanceUID"].partition(".")[2]))
    whole = listed(index, order, *where)
    assert sorted(whole) == sorted(match["StudyInstanceUID"] for match in studies)
    if order[0].keyword not in SORTABLE:
        by_order = sorted(studies, key=lambda match: order_key(order, match))
        assert whole == [match["StudyInstanceUID"] for match in by_order]
    for limit in (1, 7, 20):
        for offset in range(0, len(whole) + limit, 3):
            assert listed(index, order, *where, limit=limit, offset=offset) == whole[offset : offset + limit]


@pytest.mark.parametrize("keyword", SORTABLE)
@pytest.mark.parametrize("descending", [False, True])
def test_studies_are_sorted_by_what_was_put_to_them(stores: Stores, keyword: str, *, descending: bool) -> None:
    index, store = stores
    newest = listed(index, NEWEST)
    marks = store.marks([UID(study) for study in newest])

    def key(study: str) -> list[SortKey]:
        mark = marks.get(UID(study), UNMARKED)
        text = "\x1f".join(sorted(map(label_key, mark.labels))) if keyword == "labels" else fold(mark.remark)
        # Those without any come last, whichever way the others go.
        return [SortKey(int(not text)), SortKey(text, is_descending=descending)]

    found = listed(index, (Order(keyword, descending=descending), *NEWEST))
    assert found == sorted(newest, key=key)
    assert found != newest
