"""Searches as clients send them, to a running server over a real archive: dicomweb-client, OHIF, Weasis, people."""

from __future__ import annotations

import email
import email.policy
import socket
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import httpx
import pytest
from dicomweb_client import DICOMwebClient

from calotype.network.rejections import Rejections
from calotype.services.archive.archive import Archive
from calotype.services.archive.ports import Channel, Origin
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.server import WebServer
from calotype.web.settings import WebSettings
from support import samples

pytestmark = pytest.mark.interop

STUDIES = {
    # Number: patient's name, ID, day, accession number, Study ID, description
    1: ("Zhang^Sanfeng=张^三丰", "P1", "20240101", "A100", "S1", "Thorax"),
    2: ("Müller-Lüdenscheidt^Jörg", "P123", "20240131", "A200", "S2", "Abdomen"),
    3: ("=张^三", "P12", "20240201", "S2X", "S3", "Thorax 2"),
    4: ("O'Brien^Mary Jane", "Q1", "20231231", "A400", "S4", "Knee"),
}
MODALITIES = {1: ("CT", "PT"), 2: ("MR",), 3: ("CR",), 4: ("CT",)}
REQUEST = [(0x00400009, "SH", "STEP7"), (0x00401001, "SH", "RP7")]


def study_uid(number):
    return samples.uid(40, number)


def objects():
    for number, (name, patient, day, accession, study_id, description) in STUDIES.items():
        for place, modality in enumerate(MODALITIES[number], 1):
            yield samples.ct(
                rows=8,
                columns=8,
                study_uid=study_uid(number),
                series_uid=samples.uid(40, number, place),
                sop_uid=samples.uid(40, number, place, 1),
                patient_id=patient,
                patient_name=name,
                study_date=day,
                modality=modality,
                instance_number=1,
                changes={
                    0x00080050: ("SH", accession),
                    0x00081030: ("LO", description),
                    0x00200010: ("SH", study_id),
                    0x00400275: ("SQ", [REQUEST]) if number == 1 else None,
                },
            )


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("qido")
    store = FileObjectStore(FileStoreSettings(folder / "objects", durable=False))
    index = SqliteIndex(SqliteSettings(folder / "index.sqlite", durable=False))
    made = Archive.over(store, index)
    for content in objects():
        with made.ingest.begin_part10(Origin(Channel.STOW)) as incoming:
            incoming.write((samples.part10(content),))
            incoming.commit()
    yield made
    index.close()
    store.close()


@pytest.fixture(scope="module", params=[False, True], ids=["200", "204"])
def no_match_is_204(request):
    return request.param


@pytest.fixture(scope="module")
def service(archive, no_match_is_204):
    settings = WebSettings(port=0, idle_s=10, page_limit=3, no_match_is_204=no_match_is_204)
    server = WebServer(create_app(Rooms(archive, Rejections()), settings), settings)
    server.start()
    yield f"{server.url}/dicomweb"
    server.stop()


@pytest.fixture
def http(service):
    with httpx.Client(base_url=service, timeout=60) as client:
        yield client


@pytest.fixture
def client(service):
    return DICOMwebClient(service)


def numbers(matches):
    """Which studies those are."""
    by_uid = {study_uid(number): number for number in STUDIES}
    return sorted({by_uid[match["0020000D"]["Value"][0]] for match in matches})


def ask(http, path):
    response = http.get(path)
    assert response.status_code in {200, 204}, response.text
    return numbers(response.json()) if response.content else []


def test_dicomweb_client_searches_every_level(client):
    assert numbers(client.search_for_studies(search_filters={"PatientID": "P12*"})) == [2, 3]
    assert numbers(client.search_for_studies(search_filters={"StudyDate": "20240101-20240131"})) == [1, 2]
    assert numbers(client.search_for_studies(fuzzymatching=True, search_filters={"PatientName": "jorg mull"})) == [2]
    assert numbers(client.search_for_studies(limit=2, offset=2, fields=["StudyDescription", "00101030"])) == [3, 4]
    assert len(client.search_for_series(study_instance_uid=study_uid(1))) == 2
    assert numbers(client.search_for_series(search_filters={"Modality": "MR"})) == [2]
    assert len(client.search_for_instances(study_instance_uid=study_uid(1))) == 2
    (instance,) = client.search_for_instances(study_uid(1), samples.uid(40, 1, 2))
    assert instance["00080018"]["Value"] == [samples.uid(40, 1, 2, 1)]
    assert instance["00083002"]["Value"] == [samples.EXPLICIT]


def test_dicomweb_client_takes_no_match_either_way(client):
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []
    assert client.search_for_series(study_instance_uid="1.2.3") == []
    assert client.search_for_instances(search_filters={"SOPInstanceUID": "1.2.3"}) == []


def test_dicomweb_client_reads_all_pages(client):
    assert numbers(client.search_for_studies(get_remaining=True)) == [1, 2, 3, 4]


def test_no_match_is_an_empty_list_or_204_by_setting(http, no_match_is_204):
    response = http.get("/studies?PatientID=nobody")

    assert (response.status_code, response.content) == ((204, b"") if no_match_is_204 else (200, b"[]"))
    assert http.get("/studies?PatientID=nobody", headers={"Accept": XML}).status_code == 204


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/studies?PatientID=P1*", [1, 2, 3]),
        ("/studies?00100020=P1", [1]),
        ("/studies?StudyDate=20240101-20240131", [1, 2]),
        ("/studies?StudyDate=-20231231", [4]),
        ("/studies?StudyDate=20231231-20240101&StudyTime=0000-235959", [1, 4]),
        ("/studies?Modality=CT", [1, 4]),
        ("/studies?Modality=C*", [1, 3, 4]),
        ("/studies?00080060=CT%5CMR", [1, 2, 4]),
        ("/studies?00080060=PT,MR", [1, 2]),
        ("/studies?ModalitiesInStudy=CT&ModalitiesInStudy=PT&multiplevaluematching=true", [1]),
        ("/series?Modality=CT%5CMR", [1, 2, 4]),
        ("/series?00080060=C*", [1, 3, 4]),
        ("/instances?Modality=P*", [1]),
        (f"/studies?StudyInstanceUID={study_uid(1)},{study_uid(4)}", [1, 4]),
        (f"/studies?0020000D={study_uid(1)}%5C{study_uid(4)}", [1, 4]),
        ("/series?RequestAttributesSequence.ScheduledProcedureStepID=STEP*", [1]),
        ("/series?00400275.00400009=STEP7", [1]),
        ("/instances?00400275.00401001=RP7", [1]),
        ('/studies?StudyDescription=""', []),
        ('/studies?StudyDescription=""&emptyvaluematching=true', []),
        # An accession number as 00200010, where no study has that ID; and not where one has.
        ("/studies?00200010=A100", [1]),
        ("/studies?00200010=S2", [2]),
        ("/studies?00200010=S2*", [2]),
        ("/studies?00200010=A*&PatientID=Q1", [4]),
        ("/studies?00200010=A*&PatientID=P12", []),
        ("/studies?StudyID=A100", []),
        # Names by any of their parts in any order, without case and accents; Chinese ones by pinyin.
        ("/studies?PatientName=jane%20obrien&fuzzymatching=true", [4]),
        ("/studies?PatientName=JÖRG^mül&fuzzy=true", [2]),
        ("/studies?PatientName=zhangsan&fuzzymatching=true", [1, 3]),
        ("/studies?PatientName=zhang%20san&fuzzymatching=true", [1, 3]),
        ("/studies?PatientName=san%20zhang&fuzzymatching=true", [1, 3]),
        ("/studies?PatientName=zsf&fuzzymatching=true", [1]),
        ("/studies?PatientName=张三&fuzzymatching=true", [1, 3]),
        ("/studies?PatientName=张^三丰", [1]),
        ("/studies?PatientName=sanfeng&fuzzymatching=false", []),
    ],
)
def test_what_people_and_programs_ask(http, path, expected):
    assert ask(http, path) == expected


# As OHIF's data source for DICOMweb writes them (queryStudies, querySeries).
OHIF_STUDIES = "limit=101&offset=0&fuzzymatching={fuzzy}&includefield=00081030%2C00080060"


@pytest.mark.parametrize(
    ("filters", "fuzzy", "expected"),
    [
        ("", "true", [1, 2, 3]),
        ("PatientName=*lüden*&", "false", [2]),
        ("PatientName=*mary*&", "true", [4]),
        ("00100020=*12*&", "false", [2, 3]),
        ("AccessionNumber=*A4*&", "false", [4]),
        ("StudyDescription=*thorax*&ModalitiesInStudy=CT%5CMR&", "false", [1]),
        ("ModalitiesInStudy=CT%2CMR&StudyDate=20240101-20240131&", "false", [1, 2]),
        (f"StudyInstanceUID={study_uid(2)}%5C{study_uid(3)}&", "false", [2, 3]),
    ],
)
def test_ohif_s_study_list(http, filters, fuzzy, expected):
    assert ask(http, f"/studies?{filters}{OHIF_STUDIES.format(fuzzy=fuzzy)}") == expected


def test_ohif_s_series_of_a_study(http):
    found = http.get(f"/studies/{study_uid(1)}/series?includefield=0008103E%2C00080021").json()

    assert [(each["00080060"]["Value"], each["00201209"]["Value"]) for each in found] == [
        (["CT"], [1]),
        (["PT"], [1]),
    ]
    assert found[0]["00400275"]["Value"][0]["00400009"]["Value"] == ["STEP7"]
    assert {"0008103E", "00080021", "00200011", "00081190"} <= found[0].keys()


# As Weasis writes them (RsQueryResult): every retrieval begins with the RetrieveURL that it asked for.
WEASIS_STUDY = (
    "&includefield=00080020,00080030,00080050,00080061,00080090,00081030,00100010,00100020,00100021,00100030,00100040,"
    "0020000D,00200010"
)


WEASIS_INSTANCE = ",0008103E,00080060,0020000E,00200011,00200013,00081190"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/studies?00100020=P123{WEASIS_STUDY}", [2]),
        (f"/studies?00100020=P123&00100021={WEASIS_STUDY}", [2]),
        (f"/studies?0020000D={study_uid(3)}{WEASIS_STUDY}", [3]),
        (f"/studies?00080050=A100{WEASIS_STUDY}", [1]),
        (f"/series?0020000E={samples.uid(40, 1, 2)}{WEASIS_STUDY},0008103E,00080060,00081190,00200011", [1]),
        (f"/instances?00080018={samples.uid(40, 4, 1, 1)}{WEASIS_STUDY}{WEASIS_INSTANCE}", [4]),
    ],
)
def test_weasis_starts(http, path, expected):
    assert ask(http, path) == expected


def test_weasis_walks_down_by_retrieve_urls(http, service):
    series = http.get(
        f"/studies/{study_uid(1)}/series?includefield=0008103E,00080060,0020000E,00200011,00081190"
    ).json()
    for each in series:
        (url,) = each["00081190"]["Value"]
        assert url == f"{service}/studies/{study_uid(1)}/series/{each['0020000E']['Value'][0]}"
        (instance,) = http.get(f"{url}/instances?includefield=00080018,00200013,00081190").json()
        (url,) = instance["00081190"]["Value"]
        assert http.get(url, headers={"Accept": "application/dicom"}).status_code == 200


def raw_status(service, target):
    """Send a request line as it is, and return the status of the answer."""
    address = urlsplit(service)
    with socket.create_connection((address.hostname, address.port), timeout=30) as stream:
        stream.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: pacs.example\r\nConnection: close\r\n\r\n")
        with stream.makefile("rb") as answer:
            head = answer.readline()
            body = answer.read()
    return int(head.split()[1]), body


def test_a_backslash_may_come_as_it_is(service):
    status, body = raw_status(service, b"/dicomweb/studies?00080060=CT\\MR&limit=1")

    assert status == 200
    assert b"X-Total-Count: 3" in body.replace(b"x-total-count", b"X-Total-Count")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=ten", "limit"),
        ("offset=-1", "offset"),
        ("StudyDate=yesterday", "StudyDate"),
        ("fuzzymatching=maybe", "fuzzymatching"),
        ("PatientNam=x", "PatientNam"),
        ("PatientID=%00", "PatientID"),
        ("%3Cscript%3E=1", "script"),
        ("PatientID=a%0D%0AX-Evil:1", "PatientID"),
        ("includefield=Nonsense", "includefield"),
        ("StudyInstanceUID=1.2*", "StudyInstanceUID"),
        ("00400275=x", "00400275"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_a_bad_parameter_is_named_and_nothing_else_is_told(http, query, named):
    response = http.get(f"/studies?{query}")

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert named in response.json()["detail"]
    assert "x-evil" not in response.headers
    assert b"\0" not in response.content


XML = 'multipart/related; type="application/dicom+xml"'


def test_a_page_in_xml_says_what_the_one_in_json_does(http):
    path = f"/studies/{study_uid(1)}/series"
    found = http.get(path).json()
    response = http.get(path, headers={"Accept": XML})
    message = email.message_from_bytes(
        f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode() + response.content,
        policy=email.policy.HTTP,
    )
    parts = [part.get_payload(decode=True) for part in message.iter_parts()]
    assert len(parts) == len(found) == 2
    for part, match in zip(parts, found, strict=True):
        root = ET.fromstring(part)
        assert [each.attrib["tag"] for each in root] == list(match)
        assert [len(each) for each in root] == [len(each.get("Value", ())) for each in match.values()]


def test_links_lead_through_all_pages_and_back(http):
    response = http.get("/studies?PatientID=*&limit=3")
    assert response.headers["x-total-count"] == "4"
    assert response.headers["warning"] == '299 calotype "There are 1 additional results that can be requested"'
    second = http.get(response.links["next"]["url"])
    assert numbers(response.json() + second.json()) == [1, 2, 3, 4]
    assert "next" not in second.links
    assert http.get(second.links["prev"]["url"]).json() == response.json()
