"""QIDO-RS over an archive made of lists: pages, totals, warnings, forms."""

from __future__ import annotations

import gzip

import pytest

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.model import Exact, Page, UidList
from calotype.services.archive.ports import Total


@pytest.fixture
def seven(archive):
    archive.matches = [{"StudyInstanceUID": f"1.{number}", "PatientName": "Li^Na=李^娜"} for number in range(7)]
    archive.total = Total(7)
    return archive


def uids(response):
    return [match["0020000D"]["Value"][0] for match in response.json()]


def test_no_match_is_an_empty_array(client, archive):
    response = client.get("/dicomweb/studies", params={"PatientID": "nobody"})

    assert response.status_code == 200
    assert response.content == b"[]"
    assert response.headers["content-type"] == "application/dicom+json"
    assert response.headers["x-total-count"] == "0"
    assert archive.counted == 0


@pytest.mark.parametrize(
    ("path", "level", "named"),
    [
        ("/studies", Level.STUDY, {}),
        ("/series", Level.SERIES, {}),
        ("/instances", Level.IMAGE, {}),
        ("/studies/1.1/series", Level.SERIES, {"StudyInstanceUID": "1.1"}),
        ("/studies/1.1/instances", Level.IMAGE, {"StudyInstanceUID": "1.1"}),
        (
            "/studies/1.1/series/1.2/instances",
            Level.IMAGE,
            {"StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.2"},
        ),
    ],
)
def test_every_resource_asks_at_its_level(client, archive, path, level, named):
    assert client.get("/dicomweb" + path).status_code == 200

    (query,) = archive.queries
    assert query.level is level
    assert {_keyword_and_value(condition) for condition in query.conditions} == set(named.items())


def _keyword_and_value(condition):
    match condition:
        case UidList(keyword, (value,)) | Exact(keyword, value):
            return keyword, value
    return None


def test_a_page_that_is_not_full_is_counted_by_itself(client, seven):
    response = client.get("/dicomweb/studies", params={"limit": "4", "offset": "5"})

    assert uids(response) == ["1.5", "1.6"]
    assert response.headers["x-total-count"] == "7"
    assert "warning" not in response.headers
    assert seven.counted == 0


def test_a_page_that_is_cut_says_how_many_are_left(client, seven):
    response = client.get("/dicomweb/studies", params={"limit": "3", "offset": "1"})

    assert uids(response) == ["1.1", "1.2", "1.3"]
    assert response.headers["x-total-count"] == "7"
    assert response.headers["warning"] == '299 calotype "There are 3 additional results that can be requested"'


def test_the_servers_limit_holds_whatever_is_asked(client, seven):
    for params in ({}, {"limit": "1000000"}):
        response = client.get("/dicomweb/studies", params=params)

        assert len(response.json()) == 5
        assert "2 additional results" in response.headers["warning"]
    assert seven.queries[0].page == Page(5, 0)


def test_a_count_that_stopped_says_so(client, seven):
    seven.total = Total(6, at_least=True)

    response = client.get("/dicomweb/studies")

    assert response.headers["x-total-count"] == "6"
    assert response.headers["x-total-count-relation"] == "at-least"
    assert "at least 1 additional results" in response.headers["warning"]


def test_what_was_passed_over_is_a_warning(client, seven):
    response = client.get("/dicomweb/studies", params={"limit": "7", "includefield": "SOPInstanceUID"})

    assert "SOPInstanceUID is a unique key of a level below" in response.headers["warning"]


def test_a_match_says_where_it_is_retrieved(client, seven):
    (match, *_) = client.get("/dicom-web/studies").json()

    assert match["00081190"]["Value"] == ["http://pacs.example:5000/dicom-web/studies/1.0"]
    assert match["00100010"]["Value"] == [{"Alphabetic": "Li^Na", "Ideographic": "李^娜"}]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/dicom+json"),
        ("application/json", "application/json"),
        ("application/dicom+json, application/json;q=0.5", "application/dicom+json"),
    ],
)
def test_json_comes_under_the_name_asked_for(client, seven, accept, content_type):
    assert client.get("/dicomweb/studies", headers={"Accept": accept}).headers["content-type"] == content_type


def test_xml_is_not_acceptable(client, seven):
    response = client.get("/dicomweb/studies", headers={"Accept": 'multipart/related; type="application/dicom+xml"'})

    assert response.status_code == 406


def test_large_answers_are_compressed_for_whoever_takes_it(client, seven):
    packed = client.get("/dicomweb/studies", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/dicomweb/studies", headers={"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 1, mtime=0))


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"PatientNmae": "x"}, "PatientNmae"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"StudyDate": "<script>"}, "StudyDate"),
    ],
)
def test_a_parameter_that_is_none_is_400_and_named(client, params, complaint):
    response = client.get("/dicomweb/studies", params=params)

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert complaint in response.json()["detail"]


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("pacs.example", "http://pacs.example"),
        ("192.0.2.9:8080", "http://192.0.2.9:8080"),
        ("[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ("evil/<script>", "http://pacs.example:5000"),
        ("a b", "http://pacs.example:5000"),
    ],
)
def test_addresses_are_those_the_client_used(client, seven, host, base):
    (match, *_) = client.get("/dicomweb/studies", headers={"Host": host}).json()

    assert match["00081190"]["Value"] == [f"{base}/dicomweb/studies/1.0"]
