"""QIDO-RS over an archive made of lists: pages, totals, warnings, forms."""

from __future__ import annotations

import email
import email.policy
import gzip
import re
from xml.etree import ElementTree as ET

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
    assert "at least 2 additional results" in response.headers["warning"]


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


XML = 'multipart/related; type="application/dicom+xml"'


def parts(response):
    """The parts of a multipart message, as Python's own parser of mail reads them."""
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + response.content, policy=email.policy.HTTP)
    return [(part.get_content_type(), part.get_payload(decode=True)) for part in message.iter_parts()]


@pytest.mark.parametrize(
    "accept",
    [
        XML,
        "multipart/related;type=application/dicom+xml",
        f"application/dicom+json;q=0.5, {XML};q=0.9",
        f"{XML}, application/dicom+json;q=0.1, */*;q=0.05",
        "multipart/*",
    ],
)
def test_xml_has_a_part_for_each_match(client, seven, accept):
    response = client.get("/dicomweb/studies", params={"limit": "3"}, headers={"Accept": accept})

    assert response.headers["content-type"].startswith('multipart/related; type="application/dicom+xml"; boundary=')
    found = parts(response)
    assert [content_type for content_type, _ in found] == ["application/dicom+xml"] * 3
    uids = [
        attribute[0].text
        for _, document in found
        for attribute in ET.fromstring(document)
        if attribute.attrib["tag"] == "0020000D"
    ]
    assert uids == ["1.0", "1.1", "1.2"]


@pytest.mark.parametrize("accept", [f"application/dicom+json, {XML};q=0.9", f"{XML};q=0, application/dicom+json"])
def test_json_where_it_is_wanted_more(client, seven, accept):
    response = client.get("/dicomweb/studies", headers={"Accept": accept})

    assert response.headers["content-type"] == "application/dicom+json"


def test_the_accept_parameter_comes_before_the_header(client, seven):
    response = client.get("/dicomweb/studies", params={"accept": XML}, headers={"Accept": "application/json"})

    assert response.headers["content-type"].startswith("multipart/related")


@pytest.mark.parametrize("accept", ["text/html", "application/dicom", 'multipart/related; type="image/jpeg"'])
def test_other_forms_are_not_acceptable(client, seven, accept):
    assert client.get("/dicomweb/studies", headers={"Accept": accept}).status_code == 406


def test_no_match_in_xml_is_204_without_a_body(client, archive):
    response = client.get("/dicomweb/studies", headers={"Accept": XML})

    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["x-total-count"] == "0"


def links(response):
    """The pages named in ``Link``: relation -> path and parameters."""
    found = {}
    for link in filter(None, response.headers.get("link", "").split(", ")):
        address, relation = re.fullmatch(r'<([!-;=?-~]+)>; rel="(\w+)"', link).groups()
        found[relation] = address
    return found


def test_pages_are_linked_both_ways_until_their_ends(client, seven):
    at = "http://pacs.example:5000/dicomweb/studies?PatientName=Li%2A&limit=3&offset="
    page = {"PatientName": "Li*", "limit": "3"}

    assert links(client.get("/dicomweb/studies", params=page)) == {"next": at + "3"}
    assert links(client.get("/dicomweb/studies", params=page | {"offset": "3"})) == {
        "next": at + "6",
        "prev": at + "0",
    }
    assert links(client.get("/dicomweb/studies", params=page | {"offset": "6"})) == {"prev": at + "3"}
    assert links(client.get("/dicomweb/studies", params=page | {"offset": "900"})) == {"prev": at + "4"}


def test_following_links_gives_every_match_once(client, seven):
    response = client.get("/dicomweb/studies", params={"limit": "2"})
    found = uids(response)
    while "next" in links(response):
        response = client.get(links(response)["next"])
        found += uids(response)

    assert found == [f"1.{number}" for number in range(7)]


def test_the_page_before_the_second_match_is_the_first_alone(client, seven):
    response = client.get("/dicomweb/studies", params={"limit": "3", "offset": "1"})

    assert links(response)["prev"] == "http://pacs.example:5000/dicomweb/studies?limit=1&offset=0"


def test_links_keep_what_was_asked_for_and_lead_to_the_same_resource(client, seven):
    params = [("00080060", "CT\\MR"), ("includefield", "00081030"), ("fuzzy", "1")]
    response = client.get("/dicom-web/studies/1%2F2/series", params=params)
    assert response.status_code == 404

    response = client.get("/dicom-web/studies/1.5/series", params=params)
    assert links(response) == {
        "next": "http://pacs.example:5000/dicom-web/studies/1.5/series"
        "?00080060=CT%5CMR&includefield=00081030&fuzzy=1&limit=5&offset=5"
    }


def test_nothing_is_linked_where_everything_was_given_or_nothing_asked_for(client, seven):
    assert links(client.get("/dicomweb/studies", params={"limit": "0"})) == {}
    seven.matches, seven.total = seven.matches[:5], Total(5)
    assert links(client.get("/dicomweb/studies")) == {}


def test_where_counting_stopped_there_is_a_next_page(client, seven):
    seven.total = Total(5, at_least=True)
    response = client.get("/dicomweb/studies")

    assert links(response) == {"next": "http://pacs.example:5000/dicomweb/studies?limit=5&offset=5"}
    assert "at least 1 additional results" in response.headers["warning"]


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
