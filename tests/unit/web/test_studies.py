"""The study list: filters as QIDO-RS has them, an order, a page, rows to show."""

from __future__ import annotations

import pytest

from calotype.dicom.hierarchy import UID
from calotype.dicom.query import search_box
from calotype.dicom.query.model import Exact, Page, UidList
from calotype.services.archive.marks import Mark
from calotype.services.archive.ports import Total
from calotype.web.app import create_app
from calotype.web.rooms import Rooms


@pytest.fixture
def seven(archive):
    archive.matches = [
        {"StudyInstanceUID": f"1.{number}", "PatientName": "Li^Na=李^娜", "ModalitiesInStudy": "CT\\SR"}
        | {"NumberOfStudyRelatedSeries": "2", "StudyDate": "20240101"}
        for number in range(7)
    ]
    archive.total = Total(7)
    return archive


def test_a_page_has_rows_and_a_total(client, seven):
    page = client.get("/api/studies", params={"PatientID": "P1", "limit": "3", "offset": "1"}).json()

    assert [row["StudyInstanceUID"] for row in page["rows"]] == ["1.1", "1.2", "1.3"]
    assert page["rows"][0] == {
        "StudyInstanceUID": "1.1",
        "PatientName": "Li^Na=李^娜",
        "ModalitiesInStudy": ["CT", "SR"],
        "NumberOfStudyRelatedSeries": 2,
        "StudyDate": "20240101",
    }
    assert {key: page[key] for key in ("offset", "total", "total_is_at_least")} == {
        "offset": 1,
        "total": 7,
        "total_is_at_least": False,
    }
    [query] = seven.queries
    assert query.conditions == (Exact("PatientID", "P1"),)
    assert "StudyDescription" in query.fields


def test_the_last_page_needs_no_counting(client, seven):
    assert client.get("/api/studies", params={"offset": "5"}).json()["total"] == 7
    assert seven.counted == 0


def test_a_capped_total_says_so(client, seven):
    seven.total = Total(6, at_least=True)
    page = client.get("/api/studies", params={"limit": "2"}).json()
    assert (page["total"], page["total_is_at_least"]) == (6, True)


@pytest.mark.parametrize(
    ("params", "order"),
    [
        ({}, "-StudyDate -StudyTime"),
        ({"order": "PatientName"}, "PatientName -StudyDate -StudyTime"),
        ({"order": "-remark"}, "-remark -StudyDate -StudyTime"),
        ({"order": "-StudyDate, PatientID"}, "-StudyDate PatientID -StudyTime"),
        ({"order": "StudyDate"}, "StudyDate StudyTime"),
        ({"order": "StudyTime"}, "StudyTime -StudyDate"),
        ({"order": "PatientID,-PatientID,StudyDate,-StudyTime"}, "PatientID StudyDate -StudyTime"),
    ],
)
def test_the_order_is_what_was_asked_and_then_the_newest_first(client, seven, params, order):
    client.get("/api/studies", params=params)
    [query] = seven.queries
    assert " ".join(f"{'-' * each.descending}{each.keyword}" for each in query.order) == order
    assert query.page == Page(5)


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        ({"order": "SliceThickness"}, "'SliceThickness' is no attribute of studies that the index sorts by"),
        ({"order": "a,b,c,d,e"}, "5 keywords, at most 4"),
        ({"StudyDate": "yesterday"}, "'yesterday' is no date"),
    ],
)
def test_a_bad_parameter_is_told(client, seven, params, detail):
    response = client.get("/api/studies", params=params)
    assert response.status_code == 400
    assert detail in response.json()["detail"]


def test_what_only_the_header_has_is_shown_as_dicom_json(client, seven):
    seven.matches = [{"StudyInstanceUID": "1", "SliceThickness": '{"vr":"DS","Value":[1.5]}'}]
    page = client.get("/api/studies", params={"includefield": "SliceThickness"}).json()
    assert page["rows"][0]["SliceThickness"] == {"vr": "DS", "Value": [1.5]}


def test_one_box_becomes_conditions(client, seven):
    client.get("/api/studies", params={"q": "zhang p1", "PatientID": "P1"})
    [query] = seven.queries
    assert query.conditions == (Exact("PatientID", "P1"), *search_box.conditions("zhang p1"))


def test_all_are_counted_for_who_asks(client, seven):
    seven.total = Total(120_000)
    assert client.get("/api/studies/count", params={"q": "zhang"}).json() == {"total": 120_000}


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        ({"label": "x"}, "studies have none in this archive"),
        ({"remark": "x"}, "studies have none in this archive"),
        ([("q", "a"), ("q", "b")], "given more than once"),
        ({"q": "a\x00"}, "control"),
    ],
)
def test_a_bad_wish_of_a_list_is_told(client, seven, params, detail):
    response = client.get("/api/studies", params=params)
    assert response.status_code == 400
    assert detail in response.json()["detail"]


class Stuck:
    """Marks that are kept in a dictionary."""

    def __init__(self):
        self.marks = {}

    def of(self, studies):
        return {study: mark for study, mark in self.marks.items() if study in studies}

    def labels(self):
        return [("x", 2)]

    def labelled(self, labels):
        return (UID("1.1"), UID("1.2")) if labels == ("x", "y") else ()

    def remarked(self, text):
        return (UID("1.2"),) if text == "board" else ()

    def mentioning(self, _word):
        return ()

    def edit(self, studies, edit):
        mark = Mark(edit.add, edit.remark or "")
        self.marks |= dict.fromkeys(studies, mark)
        return dict.fromkeys(studies, mark)


@pytest.fixture
def marked(portal_client, seven, rejections, settings):
    return portal_client(create_app(Rooms(seven, rejections, marks=Stuck()), settings))


def test_marks_are_written_and_stand_in_the_rows(marked):
    asked = {"add_labels": ["x"], "remark": "for the board"}
    assert marked.request("PATCH", "/api/studies/1.1", json=asked).json() == {
        "study": "1.1",
        "labels": ["x"],
        "remark": "for the board",
    }
    several = {"studies": ["1.1", "1.2"], "add_labels": ["y"]}
    assert [each["study"] for each in marked.post("/api/labels", json=several).json()] == ["1.1", "1.2"]
    rows = marked.get("/api/studies").json()["rows"]
    assert [(row.get("labels"), row.get("remark")) for row in rows[:4]] == [
        (None, None),
        (["y"], ""),
        (["y"], ""),
        (None, None),
    ]
    assert marked.get("/api/labels").json() == [{"label": "x", "studies": 2}]


def test_marks_narrow_the_list(marked, seven):
    marked.get("/api/studies", params=[("label", "x"), ("label", "y"), ("remark", " board ")])
    [query] = seven.queries
    assert query.conditions == (
        UidList("StudyInstanceUID", (UID("1.1"), UID("1.2"))),
        UidList("StudyInstanceUID", (UID("1.2"),)),
    )


@pytest.mark.parametrize(
    "body",
    [{"labels": ["x"]}, {"add_labels": [""]}, {"add_labels": ["x"] * 33}, {"remark": 7}, {"remark": "x" * 4001}],
)
def test_a_bad_mark_is_refused(marked, body):
    assert marked.request("PATCH", "/api/studies/1.1", json=body).status_code in (400, 422)
