"""The study list: filters as QIDO-RS has them, an order, a page, rows to show."""

from __future__ import annotations

import pytest

from calotype.dicom.query.model import Exact, Order, Page
from calotype.services.archive.ports import Total


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
        ({}, (Order("StudyDate", descending=True), Order("StudyTime", descending=True))),
        ({"order": "PatientName"}, (Order("PatientName"),)),
        ({"order": "-StudyDate, PatientID"}, (Order("StudyDate", descending=True), Order("PatientID"))),
    ],
)
def test_the_order_is_the_newest_first_or_what_was_asked(client, seven, params, order):
    client.get("/api/studies", params=params)
    assert [(query.order, query.page) for query in seven.queries] == [(order, Page(5))]


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
