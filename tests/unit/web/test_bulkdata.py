"""Bulk data and pixel data by address, metadata as XML, entity tags: over real services and a store in memory."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from urllib.parse import urlsplit

import imagecodecs
import numpy as np
import pytest

from calotype.dicom import bulk
from calotype.network.rejections import Rejections
from calotype.services.archive.pictures import Pictures
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.memory import MemoryObjectStore
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings
from support import multiparts, samples
from support.archives import House

J2K, BIG_ENDIAN, DEFLATED = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
OCTETS = "application/octet-stream"
STUDY, SERIES = samples.uid(1), samples.uid(1, 1)
BULK = bytes(range(256)) * 8
WORDS = bytes(range(256)) * 6


@pytest.fixture
def house():
    return House(MemoryObjectStore(), MemoryIndex())


@pytest.fixture
def app(house):
    pictures = Pictures(house.archive.retrieve, house.index)
    return create_app(Rooms(house.archive, Rejections(), pictures=pictures), WebSettings(chunk_bytes=1000))


def url(number, rest="", *, series=SERIES):
    return f"/dicomweb/studies/{STUDY}/series/{series}/instances/{series}.{number}{rest}"


ITEM = [(0x00090010, "LO", "OURS"), (0x00091001, "OB", BULK[::-1]), (0x00400008, "SQ", [[(0x00091001, "OB", BULK)]])]
CHANGES = {
    0x00090010: ("LO", "OURS"), 0x00091001: ("OB", BULK), 0x00091002: ("OW", WORDS), 0x00091003: ("LO", "private"),
    0x00400275: ("SQ", samples.Undefined([[(0x00400009, "SH", "1")], ITEM])),
}  # fmt: skip


@pytest.fixture
def keep(house):
    """Keep an object with bulk data at every depth."""

    def keep(number, *, make=samples.small, syntax=samples.EXPLICIT, changes=None, **how):
        sop = {"study_uid": STUDY, "series_uid": SERIES, "sop_uid": f"{SERIES}.{number}"}
        data = make(syntax=syntax, changes={**CHANGES, **(changes or {})}, **sop, **how)
        house.store(data, syntax=syntax)
        return data

    return keep


@pytest.fixture
def compressed(keep):
    """Three frames of 64 by 64 as JPEG 2000."""
    frames = [np.full((64, 64), grey, np.uint8) for grey in (40, 200, 7)]
    codes = [imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k") for frame in frames]
    changes = {
        0x00280002: ("US", 1), 0x00280004: ("CS", "MONOCHROME2"), 0x00280006: None, 0x00280008: ("IS", "3"),
        0x00280010: ("US", 64), 0x00280011: ("US", 64), 0x00280100: ("US", 8), 0x00280101: ("US", 8),
        0x00280102: ("US", 7), 0x00280103: ("US", 0), 0x7FE00010: ("OB", samples.Fragments(codes)),
    }  # fmt: skip
    keep(2, syntax=J2K, changes=changes)
    return frames, codes


def parts_of(response):
    assert response.status_code in {200, 206}, response.text
    return multiparts.parts_of(response)


def contents(response):
    return [content for _, content in parts_of(response)]


ALONE = {"Accept": OCTETS}
NESTED = {
    "00091001": BULK, "00091002": WORDS, "00400275/2/00091001": BULK[::-1], "00400275/2/00400008/1/00091001": BULK,
}  # fmt: skip


@pytest.mark.parametrize("syntax", [samples.EXPLICIT, samples.IMPLICIT, BIG_ENDIAN, DEFLATED])
def test_every_address_in_metadata_leads_to_its_value(client, keep, syntax):
    keep(1, syntax=syntax)
    [header] = client.get(url(1, "/metadata")).json()
    assert header["00091003"] == {"vr": "LO", "Value": ["private"]} or syntax == samples.IMPLICIT
    told = []

    def follow(item):
        for attribute in item.values():
            if address := attribute.get("BulkDataURI"):
                path = urlsplit(address).path
                told.append(path.partition("/bulkdata/")[2])
                assert contents(client.get(path)) == [NESTED[told[-1]]]
                assert client.get(path, headers=ALONE).content == NESTED[told[-1]]
            for inner in attribute.get("Value", ()) if attribute["vr"] == "SQ" else ():
                follow(inner)

    follow(header)
    assert sorted(told) == sorted(NESTED)


@pytest.mark.parametrize("syntax", [samples.EXPLICIT, BIG_ENDIAN, DEFLATED])
@pytest.mark.parametrize(
    ("asked", "place"),
    [("0-0", (0, 1)), ("5-1000", (5, 1001)), ("1535-", (1535, 1536)), ("-3", (1533, 1536)),
     ("1001-99999", (1001, 1536)), ("-5000", (0, 1536))],
)  # fmt: skip
def test_a_value_comes_by_ranges(client, keep, syntax, asked, place):
    start, stop = place
    keep(1, syntax=syntax)
    answer = client.get(url(1, "/bulkdata/00091002"), headers={**ALONE, "Range": f"bytes={asked}"})
    assert (answer.status_code, answer.content) == (206, WORDS[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/1536"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["1536-", "99999999999999999999-", "-0", "5000-6000"])
def test_a_range_that_is_not_there_is_416(client, keep, asked):
    keep(1)
    answer = client.get(url(1, "/bulkdata/00091002"), headers={"Range": f"bytes={asked}"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */1536")


@pytest.mark.parametrize(
    "asked",
    ["bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=1-2,4-5", "bytes=" + "9" * 5000 + "-"],
)
def test_a_range_that_makes_no_sense_is_passed_over(client, keep, asked):
    keep(1)
    answer = client.get(url(1, "/bulkdata/00091002"), headers={**ALONE, "Range": asked})
    assert (answer.status_code, answer.content) == (200, WORDS)


def test_if_range_and_if_none_match_hold_to_the_entity_tag(client, keep):
    keep(1)
    place = url(1, "/bulkdata/00091001")
    whole = client.get(place, headers=ALONE)
    tag = whole.headers["etag"]
    ranged = {**ALONE, "Range": "bytes=0-9"}
    assert client.get(place, headers={**ranged, "If-Range": tag}).content == BULK[:10]
    for other in ('"other"', f"W/{tag}", "Sat, 29 Oct 1994 19:43:31 GMT"):
        assert client.get(place, headers={**ranged, "If-Range": other}).content == BULK
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = client.get(place, headers={**ALONE, "If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        ("7FE00010", 404), ("00400275", 404), ("00400275/3/00091001", 404), ("00400275/1/00091001", 404),
        ("00091001/1/00091001", 404), ("0009100", 400), ("00400275/0/00091001", 400), ("00400275/2", 400),
        ("00400275/-1/00091001", 400), ("00400275/9999999999/00091001", 400), ("%00", 400), ("..%2F..%2Fetc", 400),
        ("/".join(["00400275", "1"] * 500) + "/00091001", 400), ("x" * 10_000, 400), ("%0D%0A", 400),
    ],
)  # fmt: skip
def test_references_to_nothing(client, keep, reference, status):
    keep(1)
    answer = client.get(url(1, f"/bulkdata/{reference}"))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_bulk_data_of_nothing_are_not_found(client, keep):
    keep(1)
    assert client.get(url(9, "/bulkdata/00091001")).status_code == 404
    assert client.get(url(9, "/bulkdata")).status_code == 404
    assert client.get(url(1, "/pixeldata")).status_code == 404
    assert client.get(url(1, "/bulkdata/00091001"), headers={"Accept": "image/png"}).status_code == 406


def test_native_pixels_are_one_value(client, keep):
    keep(1, make=samples.multi_frame, frames=3)
    pixels = samples.pixels(16 * 16 * 3, 1)
    for rest in ("/bulkdata/7FE00010", "/pixeldata"):
        assert contents(client.get(url(1, rest))) == [pixels]
    assert (
        client.get(url(1, "/bulkdata/7FE00010"), headers={**ALONE, "Range": "bytes=256-511"}).content
        == pixels[256:512]
    )


def test_compressed_pixels_are_frames_or_uncompressed_in_one(client, compressed):
    frames, codes = compressed
    uncompressed = b"".join(frame.tobytes() for frame in frames)
    for rest in ("/bulkdata/7FE00010", "/pixeldata"):
        place = url(2, rest)
        assert contents(client.get(place)) == [uncompressed]
        for media_type in ("image/jp2", f"{OCTETS}; transfer-syntax=*", f"{OCTETS}; transfer-syntax={J2K}"):
            kind, _, rest_of_it = media_type.partition(";")
            wanted = {"Accept": f'multipart/related; type="{kind}";{rest_of_it}'}
            assert [each.rstrip(b"\0") for each in contents(client.get(place, headers=wanted))] == codes
    assert client.get(url(2, "/bulkdata/7FE00010"), headers=ALONE).content == uncompressed


def test_all_bulk_data_come_with_their_addresses(client, keep, compressed):
    keep(1, make=samples.multi_frame, frames=1)
    parts = parts_of(client.get(f"/dicomweb/studies/{STUDY}/bulkdata"))
    assert len(parts) == 10
    for headers, content in parts:
        place = urlsplit(headers["content-location"]).path
        assert contents(client.get(place)) == [content]
    pixels = client.get(f"/dicomweb/studies/{STUDY}/series/{SERIES}/pixeldata")
    assert (pixels.status_code, len(parts_of(pixels))) == (200, 2)


def test_pixels_that_the_client_does_not_take_are_left_out_and_told(client, keep, compressed):
    keep(1, make=samples.multi_frame, frames=1)
    answer = client.get(
        f"/dicomweb/studies/{STUDY}/pixeldata", headers={"Accept": 'multipart/related; type="video/mp4"'}
    )
    assert answer.status_code == 406
    lossy = 'multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.90'
    assert client.get(f"/dicomweb/studies/{STUDY}/pixeldata", headers={"Accept": lossy}).status_code == 200


def test_a_video_comes_to_players_alone_and_by_ranges(client, keep):
    stream = bytes(range(200)) * 3
    keep(
        1,
        make=samples.compressed,
        syntax=samples.MPEG4,
        changes={0x00280008: ("IS", "25"), 0x7FE00010: ("OB", samples.Fragments([stream]))},
    )
    place = url(1, "/bulkdata/7FE00010")
    # As a browser's player asks, for whom there is no choice of media types.
    answer = client.get(place, headers={"Accept": "*/*", "Range": "bytes=100-299"})
    assert (answer.status_code, answer.content) == (206, stream[100:300])
    assert answer.headers["content-type"] == f"video/mp4; transfer-syntax={samples.MPEG4}"
    assert answer.headers["content-range"] == "bytes 100-299/600"
    whole = client.get(f"{place}?accept=video/*")
    assert (whole.status_code, whole.content) == (200, stream)
    assert client.get(place).headers["content-type"].startswith('multipart/related; type="video/mp4"')


def test_metadata_come_as_xml(client, keep):
    keep(1)
    keep(2)
    answer = client.get(
        f"/dicomweb/studies/{STUDY}/metadata", headers={"Accept": 'multipart/related; type="application/dicom+xml"'}
    )
    assert answer.headers["content-type"].startswith('multipart/related; type="application/dicom+xml"; boundary=')
    documents = [ET.fromstring(content) for content in contents(answer)]
    addresses = [
        each.get("uri") for each in documents[0].iter("{http://dicom.nema.org/PS3.19/models/NativeDICOM}BulkData")
    ]
    assert len(documents) == 2
    assert sorted(each.partition("/bulkdata/")[2] for each in addresses) == sorted(NESTED)


def test_metadata_are_not_sent_again_until_something_changes(client, keep, house):
    keep(1)
    place = f"/dicomweb/studies/{STUDY}/metadata"
    tag = client.get(place).headers["etag"]
    again = client.get(place, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    others = {client.get(place, headers=headers).headers["etag"] for headers in (
        {"Accept-Encoding": "identity"}, {"Accept": "application/json"}, {"Host": "another"},
        {"Accept": 'multipart/related; type="application/dicom+xml"'},
    )}  # fmt: skip
    assert len(others | {tag}) == 5
    keep(2)
    assert client.get(place, headers={"If-None-Match": tag}).status_code == 200
    unknown = client.get(url(1)[:-1] + "7/metadata", headers={"If-None-Match": "*"})
    assert unknown.status_code == 404


def test_a_deflated_object_is_held_up_to_a_bound_and_of_it_one_value(client, keep, monkeypatch):
    keep(1, syntax=DEFLATED)
    with monkeypatch.context() as bound:
        bound.setattr(bulk, "MAX_HELD_BYTES", 1000)
        answer = client.get(url(1, "/bulkdata/00091002"), headers=ALONE)
        assert (answer.status_code, "ask for it whole" in answer.json()["detail"]) == (503, True)
    found = []
    monkeypatch.setattr(bulk, "_alone", lambda *those, alone=bulk._alone: found.append(alone(*those)) or found[-1])
    assert client.get(url(1, "/bulkdata/00091002"), headers=ALONE).content == WORDS
    assert found[-1].inflated == WORDS
