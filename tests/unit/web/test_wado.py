"""WADO-RS over an archive made of lists."""

from __future__ import annotations

from io import BytesIO

import pytest

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.dicom.part10 import read_file_meta, scan, write_file_meta
from support import multiparts, samples
from support.pixels import frames_of

JPEG_2000 = UID("1.2.840.10008.1.2.4.91")
MPEG4 = UID("1.2.840.10008.1.2.4.102")
JPEG_LOSSLESS = UID("1.2.840.10008.1.2.4.70")
EXPLICIT = UID("1.2.840.10008.1.2.1")
INSTANCE = "/dicomweb/studies/1.1/series/1.1.1/instances/1.1.1.1"


def parts_of(response):
    assert response.headers["content-type"].startswith('multipart/related; type="application/dicom"; boundary=')
    return [content for _, content in multiparts.parts_of(response)]


@pytest.mark.parametrize(
    ("path", "contents"),
    [
        ("/studies/1.1", [b"object 0", b"object 1", b"object 2"]),
        ("/studies/1.1/series/1.1.1", [b"object 0", b"object 1"]),
        ("/studies/1.1/series/1.1.1/instances/1.1.1.2", [b"object 1"]),
    ],
)
def test_objects_come_as_parts_at_every_level(client, archive, study, path, contents):
    response = client.get("/dicomweb" + path)

    assert response.status_code == 200
    assert parts_of(response) == contents
    assert archive.open_readers == 0


def test_the_service_has_an_alias(client, study):
    assert client.get("/dicom-web/studies/1.1/metadata").json() == client.get("/dicomweb/studies/1.1/metadata").json()


def test_one_object_comes_alone_with_its_length_when_asked_so(client, archive, study):
    response = client.get(INSTANCE, headers={"Accept": "application/dicom"})

    assert response.content == b"object 0"
    assert response.headers["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    assert response.headers["content-length"] == "8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert archive.open_readers == 0


def test_accept_may_stand_in_the_query(client, study):
    response = client.get(INSTANCE, params={"accept": "application/dicom"}, headers={"Accept": "image/jpeg"})

    assert response.content == b"object 0"


def test_large_objects_are_read_in_chunks(client, archive):
    ref = InstanceRef(UID("1.1"), UID("1.1.1"), UID("1.1.1.1"))
    content = bytes(range(256)) * 41
    archive.store(ref, content)

    assert client.get(INSTANCE, headers={"Accept": "application/dicom"}).content == content
    assert parts_of(client.get(INSTANCE)) == [content]


def test_an_empty_object_is_sent(client, archive):
    archive.store(InstanceRef(UID("1.1"), UID("1.1.1"), UID("1.1.1.1")), b"")

    assert client.get(INSTANCE, headers={"Accept": "application/dicom"}).content == b""
    assert parts_of(client.get(INSTANCE)) == [b""]


@pytest.mark.parametrize(
    ("accept", "status", "contents"),
    [
        (f'multipart/related; type="application/dicom"; transfer-syntax={MPEG4}', 206, [b"video"]),
        (f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}', 206, [b"plain"]),
        ('multipart/related; type="application/dicom"; transfer-syntax=*', 200, [b"plain", b"video"]),
    ],
)
def test_transfer_syntax_is_honoured(client, archive, accept, status, contents):
    archive.store(InstanceRef(UID("1.1"), UID("1.1.1"), UID("1.1.1.1")), b"plain")
    archive.store(InstanceRef(UID("1.1"), UID("1.1.1"), UID("1.1.1.2")), b"video", syntax=MPEG4)

    response = client.get("/dicomweb/studies/1.1", headers={"Accept": accept})

    assert response.status_code == status
    assert parts_of(response) == contents


def keep(archive, number, data):
    """Store a data set with its header, as the archive would."""
    name = UID(f"1.1.1.{number}")
    meta = write_file_meta(UID(samples.CT), name, EXPLICIT)
    header = scan(data, EXPLICIT, data_bytes=len(data)).json()
    ref = InstanceRef(UID("1.1"), UID("1.1.1"), name)
    archive.store(ref, meta + data, metadata=header, data_offset=len(meta))
    return meta + data


@pytest.fixture
def ct_and_report(archive):
    return keep(archive, 1, samples.ct(64, 48)), keep(archive, 2, samples.small())


def pixels_of(file):
    [frame] = frames_of(BytesIO(file))
    return frame.tolist()


def test_an_object_is_transcoded_for_whoever_takes_another_syntax(client, archive, ct_and_report):
    ct, _ = ct_and_report
    alone = client.get(INSTANCE, headers={"Accept": f"application/dicom; transfer-syntax={JPEG_LOSSLESS}"})
    related = client.get(
        INSTANCE, headers={"Accept": f'multipart/related; type="application/dicom"; transfer-syntax={JPEG_LOSSLESS}'}
    )
    assert (alone.status_code, related.status_code) == (200, 200)
    assert alone.headers["content-type"] == f"application/dicom; transfer-syntax={JPEG_LOSSLESS}"
    assert alone.headers["content-length"] == str(len(alone.content))
    assert parts_of(related) == [alone.content]
    assert read_file_meta(alone.content).transfer_syntax == JPEG_LOSSLESS
    assert pixels_of(alone.content) == pixels_of(ct)
    assert archive.open_readers == 0


def test_what_has_no_pixels_is_left_out_when_only_compressed_is_taken(client, ct_and_report):
    only = client.get(
        "/dicomweb/studies/1.1",
        headers={"Accept": f'multipart/related; type="application/dicom"; transfer-syntax={JPEG_LOSSLESS}'},
    )
    assert only.status_code == 206
    assert len(parts_of(only)) == 1
    report = client.get(
        "/dicomweb/studies/1.1/series/1.1.1/instances/1.1.1.2",
        headers={"Accept": f"application/dicom; transfer-syntax={JPEG_LOSSLESS}"},
    )
    assert report.status_code == 406
    assert "cannot be sent in what is asked for" in report.json()["detail"]


def test_the_star_and_no_syntax_at_all_mean_as_it_is_stored(client, ct_and_report):
    for accept in ("application/dicom", "application/dicom; transfer-syntax=*"):
        assert client.get(INSTANCE, headers={"Accept": accept}).content == ct_and_report[0]


def test_loss_is_not_asked_for_by_a_transfer_syntax(client, ct_and_report):
    response = client.get(INSTANCE, headers={"Accept": "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.81"})
    assert response.status_code == 406


def test_pixels_that_prove_damaged_before_the_first_byte_are_a_problem_document(client, archive):
    data = samples.ct(64, 48)
    ref = InstanceRef(UID("1.1"), UID("1.1.1"), UID("1.1.1.1"))
    header = scan(data, EXPLICIT, data_bytes=len(data)).json()
    archive.store(ref, data[:-3000], metadata=header)
    response = client.get(INSTANCE, headers={"Accept": f"application/dicom; transfer-syntax={JPEG_LOSSLESS}"})
    assert response.status_code == 400
    assert "truncated" in response.json()["detail"]
    assert archive.open_readers == 0


@pytest.mark.parametrize(
    ("path", "accept", "hint"),
    [
        ("/dicomweb/studies/1.1", "application/dicom", 'multipart/related; type="application/dicom"'),
        (INSTANCE, "image/jpeg", "application/dicom"),
        (INSTANCE, f"application/dicom; transfer-syntax={JPEG_2000}", EXPLICIT),
        (INSTANCE + "/metadata", "application/dicom", "application/dicom+json"),
        (INSTANCE + "/metadata", "text/xml", "application/dicom+xml"),
    ],
)
def test_a_form_that_we_have_not_is_406_and_says_what_there_is(client, study, path, accept, hint):
    response = client.get(path, headers={"Accept": accept})

    assert response.status_code == 406
    assert response.headers["content-type"] == "application/problem+json"
    assert hint in response.json()["detail"]


def test_metadata_is_one_json_array_of_the_headers_kept(client, archive, study):
    response = client.get("/dicomweb/studies/1.1/series/1.1.1/metadata")

    assert response.headers["content-type"] == "application/dicom+json"
    assert response.json() == [{"00080018": {"vr": "UI"}}] * 2


def test_metadata_is_plain_json_when_asked_so(client, study):
    response = client.get(INSTANCE + "/metadata", headers={"Accept": "application/json"})

    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("coding", "packed"), [("gzip, deflate", True), ("gzip;q=0", False), ("identity", False)])
def test_metadata_is_compressed_for_whoever_takes_it(client, study, coding, packed):
    response = client.get("/dicomweb/studies/1.1/metadata", headers={"Accept-Encoding": coding})

    assert ("content-encoding" in response.headers) is packed
    assert len(response.json()) == 3


def test_bulk_data_addresses_become_absolute(client, archive):
    archive.store(
        InstanceRef(UID("1.1"), UID("1.1.1"), UID("1.1.1.1")),
        b"",
        metadata=(
            b'{"00080005":{"vr":"LO","Value":["\\"BulkDataURI\\":\\"x"]},'
            b'"7FE00010":{"vr":"OW","BulkDataURI":"7FE00010"}}'
        ),
    )

    (header,) = client.get("/dicomweb/studies/1.1/metadata").json()

    assert header == {
        "00080005": {"vr": "LO", "Value": ['"BulkDataURI":"x']},
        "7FE00010": {"vr": "OW", "BulkDataURI": f"http://pacs.example:5000{INSTANCE}/bulkdata/7FE00010"},
    }


@pytest.mark.parametrize("path", ["/studies/9", "/studies/1.1/series/9", INSTANCE[9:] + "9", "/studies/9/metadata"])
def test_what_is_not_here_is_404(client, study, path):
    response = client.get("/dicomweb" + path)

    assert response.status_code == 404
    assert response.json()["reason"] == "not-found"
    assert "9" in response.json()["detail"]


@pytest.mark.parametrize(
    "uid", ["1.2*", "1.2%20", "%00", "1%0D%0AX:y", "1" * 257, "%E4%B8%AD", "1%5C2", "%3Cscript%3E%3F"]
)
def test_what_cannot_be_a_uid_is_400(client, study, uid):
    response = client.get(f"/dicomweb/studies/{uid}")

    assert response.status_code == 400
    assert response.json()["detail"].startswith("study: a UID")


@pytest.mark.parametrize("path", ["/studies/a%2F..%2Fb", "/studies//series", "/studies/1.1/nothing", "/nothing"])
def test_addresses_that_are_none_are_404(client, path):
    response = client.get("/dicomweb" + path)

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_nothing_is_sent_that_a_browser_would_run(client):
    response = client.get("/dicomweb/studies/<script>alert(1)</script>")

    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_an_object_lost_before_the_first_byte_is_a_problem_document(client, archive, study):
    archive.lost.add(study.refs[0])

    assert client.get("/dicomweb/studies/1.1").status_code == 404
    assert client.get(INSTANCE, headers={"Accept": "application/dicom"}).status_code == 404


def test_methods_that_are_none_are_405(client):
    response = client.request("DELETE", INSTANCE)

    assert response.status_code == 405
    assert response.json()["title"] == "Method Not Allowed"
