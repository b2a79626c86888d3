"""STOW-RS of metadata with bulk data, of zip files, and of hostile bodies, over an archive in memory."""

from __future__ import annotations

import io
import zipfile

import orjson
import pytest

from calotype.network.rejections import Rejections
from calotype.services.archive.ingest import DuplicatePolicy, IngestSettings
from calotype.services.archive.ports import Channel
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings
from support import samples
from support.archives import House

JSON, XML = "application/dicom+json", "application/dicom+xml"


@pytest.fixture
def house():
    return House(MemoryObjectStore(), MemoryIndex())


@pytest.fixture
def app(house):
    settings = WebSettings(max_parts=50, max_metadata_bytes=20_000, max_part_bytes=100_000)
    return create_app(Rooms(house.archive, Rejections()), settings)


def uids(number=1, study="1.2"):
    return {
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
        "00080018": {"vr": "UI", "Value": [f"{study}.3.{number}"]},
        "0020000D": {"vr": "UI", "Value": [study]},
        "0020000E": {"vr": "UI", "Value": [f"{study}.3"]},
    }


def raw_image(number=1, study="1.2", uri="bulk/1"):
    numbers = {
        "00280002": 1,
        "00280010": 2,
        "00280011": 2,
        "00280100": 8,
        "00280101": 8,
        "00280102": 7,
        "00280103": 0,
    }
    return {
        **uids(number, study),
        "00080005": {"vr": "CS", "Value": ["ISO_IR 100"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang", "Ideographic": "王"}]},
        "00280004": {"vr": "CS", "Value": ["MONOCHROME2"]},
        **{tag: {"vr": "US", "Value": [number]} for tag, number in numbers.items()},
        "7FE00010": {"vr": "OB", "BulkDataURI": uri},
    }


def part(content, media_type="application/octet-stream", **headers):
    lines = {"Content-Type": media_type} | {name.replace("_", "-"): value for name, value in headers.items()}
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode() + b"\r\n" + content


def message(*parts):
    return b"".join(b"--b\r\n" + each + b"\r\n" for each in parts) + b"--b--\r\n"


def metadata(*data_sets):
    return part(orjson.dumps(data_sets), JSON)


PIXELS = part(b"\1\2\3\4", Content_Location="bulk/1")


def post(client, body, kind=JSON, path="/dicomweb/studies", **headers):
    content_type = f'multipart/related; type="{kind}"; boundary=b'
    return client.post(path, content=body, headers={"Content-Type": content_type} | headers)


def failures(response, tag="00081198"):
    return [item["00081197"]["Value"][0] for item in response.json()[tag]["Value"]]


def test_metadata_and_bulk_data_become_an_object(client, house):
    response = post(client, message(metadata(raw_image()), PIXELS))

    assert response.status_code == 200
    (item,) = response.json()["00081199"]["Value"]
    assert item["00081155"]["Value"] == ["1.2.3.1"]
    assert item["00081190"]["Value"][0].endswith("/dicomweb/studies/1.2/series/1.2.3/instances/1.2.3.1")
    data = house.served("1.2.3.1")
    assert data.endswith(b"\1\2\3\4")
    assert "Wang=王".encode() in data
    assert b"ISO_IR 192" in data
    ((_, origin, _),) = house.index.records()
    assert origin.channel is Channel.STOW


def test_the_same_request_again_is_a_success_and_stores_nothing(client, house):
    body = message(metadata(raw_image()), PIXELS)

    assert [post(client, body).status_code for _ in range(2)] == [200, 200]
    assert len(house.files()) == 1


@pytest.mark.parametrize(
    ("uri", "headers"),
    [
        ("http://pacs.example/dicomweb/bulk/7", {"Content_Location": "/dicomweb/bulk/7"}),
        ("bulk/7", {"Content_Location": '"bulk/7"'}),
        ("./bulk/7?a=b", {"Content_Location": "bulk/7?a=b"}),
        ("cid:7@client", {"Content_ID": "<7@client>"}),
        ("bulk/7", {"Content_Location": "bulk/7/frames/1"}),
        ("urn:uuid:7", {"Content_Location": "urn:uuid:7"}),
    ],
)
def test_bulk_data_are_matched_as_clients_name_them(client, house, uri, headers):
    assert post(client, message(metadata(raw_image(uri=uri)), part(b"\1\2\3\4", **headers))).status_code == 200
    assert house.served("1.2.3.1").endswith(b"\1\2\3\4")


def test_many_instances_share_a_request_and_each_is_answered(client, house):
    lacking, other = raw_image(2, uri="bulk/none"), raw_image(3, study="9.9")

    response = post(
        client,
        message(metadata(raw_image(1), lacking, other), PIXELS, part(b"xx", Content_Location="unused")),
        path="/dicomweb/studies/1.2",
    )

    assert response.status_code == 202
    assert failures(response) == [0xC000, 0xA900]
    assert failures(response, "0008119A") == [0xC000]
    assert len(house.files()) == 1


def test_bulk_data_may_come_before_the_metadata(client):
    assert post(client, message(PIXELS, metadata(raw_image()))).status_code == 200


def test_metadata_in_xml_are_one_part_for_each_instance(client, house):
    from calotype.dicom.xml_model import native_model

    documents = [part(native_model(raw_image(number)), XML) for number in (1, 2)]

    assert post(client, message(*documents, PIXELS), kind=XML).status_code == 200
    assert len(house.files()) == 2


def test_metadata_without_bulk_data_may_be_the_whole_body(client):
    body = orjson.dumps([uids()])

    assert client.post("/dicomweb/studies", content=body, headers={"Content-Type": JSON}).status_code == 200


def test_the_answer_comes_in_xml_to_those_who_ask(client):
    response = post(client, message(metadata(raw_image(1), raw_image(2, uri="none")), PIXELS), Accept=XML)

    assert response.status_code == 202
    assert response.headers["content-type"] == XML
    assert b'keyword="ReferencedSOPSequence"' in response.content
    assert b'keyword="FailureReason" ' in response.content or b'keyword="FailureReason">' in response.content


@pytest.mark.parametrize(
    ("body", "kind", "complaint"),
    [
        (message(part(b"no json", JSON)), JSON, "no JSON"),
        (message(part(b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", XML)), XML, "document type"),
        (message(PIXELS), JSON, "no metadata"),
        (message(metadata(uids()))[:-5], JSON, "ends within"),
        (message(part(b" " * 30_000, JSON)), JSON, "20000 bytes"),
        (message(*[part(b'[{"a":1}]' + b" " * 9_000, JSON)] * 3), JSON, "20000 bytes"),
        (message(metadata(uids()), part(bytes(100_001), Content_Location="x")), JSON, "100000 bytes"),
        (message(metadata(uids()), part(b"", Content_Location="x" * 3000)), JSON, "2048 characters"),
        (message(metadata(uids()), part(b"", "nonsense")), JSON, "Content-Type"),
        (message(metadata(uids()), *[PIXELS] * 60), JSON, "50 parts"),
    ],
)
def test_a_request_that_cannot_be_read_stores_nothing_of_it(client, house, body, kind, complaint):
    response = post(client, body, kind)

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert complaint in response.json()["detail"]
    assert house.files() == {}


def test_an_encoded_part_is_not_taken(client, house):
    response = post(client, message(metadata(uids()), part(b"AAAA", Content_Transfer_Encoding="base64")))

    assert response.status_code in {406, 415}
    assert house.files() == {}


@pytest.mark.parametrize("uid", ["1.2\r\nX: y", "../../etc", "1.2\0", "<script>", "%00"])
def test_strange_uids_are_neither_paths_nor_markup_anywhere(client, house, uid):
    strange = uids() | {"00080018": {"vr": "UI", "Value": [uid]}}

    response = post(client, message(metadata(strange)), Accept=XML)

    assert response.status_code in {200, 202, 409}
    assert b"<script" not in response.content
    assert b"\r\nX:" not in response.content
    assert all(".." not in key.split("/") for key in house.files())


@pytest.mark.parametrize(
    "path", ["/dicomweb/studies/1.2%00", "/dicomweb/studies/a%0d%0ab", "/dicomweb/studies/1%5c2"]
)
def test_a_study_that_no_uid_names_is_400(client, house, path):
    assert post(client, message(metadata(uids())), path=path).status_code == 400
    assert house.files() == {}


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip"])
def test_an_encoded_body_is_415(client, coding):
    response = post(client, message(metadata(uids())), **{"Content-Encoding": coding})

    assert response.status_code == 415
    assert "Content-Encoding" in response.json()["detail"]


def zip_of(**members):
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return into.getvalue()


def post_zip(client, body, path="/dicomweb/studies"):
    return client.post(path, content=body, headers={"Content-Type": "application/zip"})


def test_the_dicom_files_of_a_zip_are_stored_and_others_passed_over(client, house):
    one, two = samples.part10(samples.small(seed=1)), samples.part10(samples.small(seed=2))

    response = post_zip(client, zip_of(a=one, b=two, readme=b"a text" * 100, short=b"x", broken=one[:-7]))

    assert response.status_code == 202
    assert len(response.json()["00081199"]["Value"]) == 2
    assert failures(response) == [0xC000]
    assert len(house.files()) == 2


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_what_is_no_zip_is_400(client, house, cut):
    response = post_zip(client, zip_of(a=samples.part10(samples.small()))[:cut])

    assert response.status_code == 400
    assert house.files() == {}


def test_a_zip_with_too_many_members_is_400(client):
    assert post_zip(client, zip_of(**{f"m{number}": b"" for number in range(60)})).status_code == 400


def test_an_unknown_transfer_syntax_is_a_failure_of_its_object(client, house):
    file = samples.part10(samples.small(), sop_class=None).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.99999.1.2.1\0")

    response = client.post("/dicomweb/studies", content=file, headers={"Content-Type": "application/dicom"})

    assert response.status_code == 409
    assert failures(response) == [0xC122]
    assert house.files() == {}


def test_another_object_under_a_uid_that_is_kept_as_it_was_is_a_warning(portal_client):
    house = House(MemoryObjectStore(), MemoryIndex(), IngestSettings(duplicates=DuplicatePolicy.KEEP))
    client = portal_client(create_app(Rooms(house.archive, Rejections()), WebSettings()))
    named = {"study_uid": "1.2.3", "series_uid": "1.2.3.4", "sop_uid": "1.2.3.4.5"}
    first, other = (samples.part10(samples.ct(seed=seed, **named), samples.EXPLICIT) for seed in (1, 2))
    answers = [
        client.post("/dicomweb/studies", content=body, headers={"Content-Type": "application/dicom"})
        for body in (first, first, other, other)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 202, 202], answers[-1].text
    told = answers[-1].json()["00081199"]["Value"][0]
    assert told["00081196"]["Value"] == [0xB000]
    assert "stays" in told["00000902"]["Value"][0]
    assert house.served("1.2.3.4.5") == samples.ct(seed=1, **named)
