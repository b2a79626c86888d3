"""STOW-RS over an archive made of lists: what is stored, what is said, what is left behind."""

from __future__ import annotations

import anyio
import pytest

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.errors import Conflict, OutOfResources, Unavailable
from calotype.services.archive.ports import Channel, Flag
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.settings import WebSettings
from support import samples

ONE, TWO, OTHER = b"1.1/1.1.1/1.1.1.1", b"1.1/1.1.1/1.1.1.2", b"2.1/2.1.1/2.1.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
TYPE = 'multipart/related; type="application/dicom"; boundary=b'


def message(*parts, headers=b"Content-Type: application/dicom\r\n"):
    return b"".join(b"--b\r\n" + headers + b"\r\n" + part + b"\r\n" for part in parts) + b"--b--"


def post(client, body, path="/dicomweb/studies", content_type=TYPE):
    return client.post(path, content=body, headers={"Content-Type": content_type})


def stored(archive):
    return list(archive.contents.values())


def referenced(instance, **more):
    url = f"http://pacs.example:5000/dicomweb/studies/1.1/series/1.1.1/instances/{instance}"
    return {
        "00081150": {"vr": "UI", "Value": [CT]},
        "00081155": {"vr": "UI", "Value": [instance]},
        "00081190": {"vr": "UR", "Value": [url]},
    } | more


def test_every_part_is_stored_and_named(client, archive):
    response = post(client, message(ONE, TWO))

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/dicom+json"
    assert response.json() == {
        "00081190": {"vr": "UR", "Value": ["http://pacs.example:5000/dicomweb/studies/1.1"]},
        "00081199": {"vr": "SQ", "Value": [referenced("1.1.1.1"), referenced("1.1.1.2")]},
    }
    assert stored(archive) == [ONE, TWO]
    assert archive.origin.channel is Channel.STOW
    assert archive.origin.address == "192.0.2.1"


def test_one_object_may_come_without_multipart(client, archive):
    assert post(client, ONE, content_type="application/dicom").status_code == 200
    assert stored(archive) == [ONE]


@pytest.mark.parametrize(
    "headers", [b"", b"Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1\r\n"]
)
def test_part_headers_may_be_few(client, archive, headers):
    assert post(client, message(ONE, headers=headers)).status_code == 200


def test_a_part_that_fails_leaves_the_others(client, archive):
    archive.refusals[TWO] = Conflict("1.1.1.2 is in the archive already")

    response = post(client, message(TWO, ONE))

    assert response.status_code == 202
    assert response.json()["00081199"]["Value"] == [referenced("1.1.1.1")]
    assert response.json()["0008119A"]["Value"] == [
        {
            "00081197": {"vr": "US", "Value": [0x0111]},
            "00000902": {"vr": "LO", "Value": ["1.1.1.2 is in the archive already"]},
        }
    ]
    assert stored(archive) == [ONE]


def test_a_failed_object_is_named_by_its_file_meta(client, archive):
    file = samples.part10(samples.small(seed=3))
    archive.refusals[file] = Conflict("known")

    response = post(client, message(file))

    assert response.status_code == 409
    (item,) = response.json()["00081198"]["Value"]
    assert item["00081155"]["Value"] == [samples.value_of(samples.small(seed=3), 0x00080018)]
    assert item["00081197"] == {"vr": "US", "Value": [0x0111]}


def test_an_object_of_another_study_fails(client, archive):
    response = post(client, message(ONE, OTHER), path="/dicomweb/studies/1.1")

    assert response.status_code == 202
    assert response.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xA900]
    assert stored(archive) == [ONE]


@pytest.mark.parametrize(
    ("part", "headers", "status"),
    [
        (b"nonsense", b"Content-Type: application/dicom\r\n", 0xC000),
        (b"", b"Content-Type: application/dicom\r\n", 0xC000),
        (ONE, b"Content-Type: image/jpeg\r\n", 0xC122),
        (ONE, b"Content-Type: application/dicom\r\nContent-Transfer-Encoding: base64\r\n", 0xC122),
    ],
)
def test_a_request_of_which_nothing_is_stored_is_409(client, archive, part, headers, status):
    response = post(client, message(part, headers=headers))

    assert response.status_code == 409
    assert response.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [status]
    assert stored(archive) == []


@pytest.mark.parametrize("error", [OutOfResources("disk full"), Unavailable("index away")])
def test_a_request_that_may_succeed_later_is_503(client, archive, error):
    archive.refusals[ONE] = archive.write_errors[TWO] = error

    response = post(client, message(ONE, TWO))

    assert response.status_code == 503
    assert [item["00081197"]["Value"] for item in response.json()["0008119A"]["Value"]] == [[0xA700], [0xA700]]


def test_an_object_that_we_stumble_over_leaves_the_others(client, archive, caplog):
    archive.refusals[ONE] = archive.write_errors[OTHER] = RuntimeError("/secret/path")

    response = post(client, message(ONE, OTHER, TWO))

    assert response.status_code == 202
    assert [item["00081197"]["Value"] for item in response.json()["0008119A"]["Value"]] == [[0x0110], [0x0110]]
    assert "/secret/path" not in response.text
    assert "/secret/path" in caplog.text
    assert stored(archive) == [TWO]


def test_a_damaged_header_is_a_warning(client, archive):
    archive.flags[ONE] = frozenset({Flag.HEADER_DAMAGED, Flag.BAD_DATE})

    response = post(client, message(ONE))

    assert response.status_code == 202
    assert response.json()["00081199"]["Value"] == [
        referenced("1.1.1.1", **{"00081196": {"vr": "US", "Value": [0xB007]}})
    ]


def test_other_oddities_are_no_warning(client, archive):
    archive.flags[ONE] = frozenset({Flag.BAD_DATE, Flag.NO_PATIENT_ID, Flag.VERSION_CONFLICT})

    assert post(client, message(ONE)).status_code == 200


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "does not occur"),
        (b"nothing like it", "does not occur"),
        (message(ONE)[:-3], "ends within part 1"),
        (b"--b\r\nContent-Type: application/dicom\r\n\r\n" + ONE, "ends within part 1"),
        (b"--b\r\nnonsense\r\n\r\n" + ONE, "part 1"),
        (b"--b--", "holds no object"),
    ],
)
def test_a_broken_message_is_400_and_stores_nothing(client, archive, body, complaint):
    response = post(client, body)

    assert response.status_code == 400
    assert complaint in response.json()["detail"]
    assert stored(archive) == []
    assert all(incoming.done for incoming in archive.incoming)


def test_a_message_that_breaks_off_keeps_what_was_complete(client, archive):
    response = post(client, message(ONE, TWO)[:-12])

    assert response.status_code == 202
    assert response.json()["00081199"]["Value"] == [referenced("1.1.1.1")]
    (failure,) = response.json()["0008119A"]["Value"]
    assert failure["00081197"] == {"vr": "US", "Value": [0xC000]}
    assert stored(archive) == [ONE]
    assert all(incoming.done for incoming in archive.incoming)


def test_too_many_parts_are_not_taken(client, archive):
    response = post(client, message(*(b"1.1/1.1.1/%d" % number for number in range(30))))

    assert response.status_code == 202
    assert len(stored(archive)) == 20
    assert "more than 20 parts" in response.json()["0008119A"]["Value"][0]["00000902"]["Value"][0]


def test_too_large_a_part_is_not_taken(archive, client):
    response = post(client, message(ONE + b"/" + b"x" * 200_000, TWO))

    assert response.status_code == 202
    assert stored(archive) == [TWO]
    assert response.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xA700]


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "nonsense",
    ],
)
def test_a_body_of_another_type_is_415_and_says_what_is_taken(client, archive, content_type):
    response = post(client, message(ONE), content_type=content_type)

    assert response.status_code == 415
    assert 'multipart/related; type="application/dicom"' in response.json()["detail"]
    assert stored(archive) == []


def test_an_encoded_body_is_415_and_says_that_it_was_the_encoding(client, archive):
    headers = {"Content-Type": TYPE, "Content-Encoding": "gzip"}
    response = client.post("/dicomweb/studies", content=message(ONE), headers=headers)

    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "identity"
    assert "Content-Encoding" in response.json()["detail"]
    assert stored(archive) == []


def test_a_missing_boundary_is_400(client):
    response = post(client, message(ONE), content_type='multipart/related; type="application/dicom"')

    assert response.status_code == 400
    assert "boundary" in response.json()["detail"]


def test_large_bodies_are_passed_on_in_pieces(client, archive):
    part = ONE + b"/" + bytes(100_000)

    async def pieces():
        body = message(part)
        for start in range(0, len(body), 700):
            yield body[start : start + 700]

    assert post(client, pieces()).status_code == 200
    assert stored(archive) == [part]
    assert archive.largest_write_bytes <= 700


class Uploader:
    """Sends the beginning of a request, then leaves or falls silent."""

    def __init__(self, beginning, *, then):
        self._messages = [{"type": "http.request", "body": beginning, "more_body": True}]
        if then == "leave":
            self._messages.append({"type": "http.disconnect"})
        self.statuses = []

    async def receive(self):
        if not self._messages:
            await anyio.sleep_forever()
        return self._messages.pop(0)

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])


def upload(archive, rejections, beginning, *, then):
    idle_s = 0.05 if then == "silence" else 60.0
    app = create_app(Rooms(archive, rejections), WebSettings(idle_s=idle_s))
    uploader = Uploader(beginning, then=then)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/dicomweb/studies", "raw_path": b"/dicomweb/studies", "query_string": b"", "root_path": "",
        "headers": [(b"content-type", TYPE.encode()), (b"host", b"pacs.example:5000")],
        "client": ("192.0.2.1", 1), "server": ("pacs.example", 5000),
    }  # fmt: skip
    anyio.run(app, scope, uploader.receive, uploader.send)
    return uploader.statuses


def test_a_client_that_leaves_half_way_stores_nothing_by_half(archive, rejections):
    assert upload(archive, rejections, message(ONE)[:-8], then="leave") == [499]

    assert stored(archive) == []
    assert all(incoming.done for incoming in archive.incoming)


def test_a_client_that_falls_silent_is_given_up(archive, rejections):
    assert upload(archive, rejections, message(ONE)[:-8], then="silence") == [408]
    assert stored(archive) == []


def test_what_was_stored_is_there_at_once(client, archive):
    post(client, message(ONE))

    assert (
        client.get(
            "/dicomweb/studies/1.1/series/1.1.1/instances/1.1.1.1", headers={"Accept": "application/dicom"}
        ).content
        == ONE
    )
    assert list(archive.contents) == [InstanceRef(UID("1.1"), UID("1.1.1"), UID("1.1.1.1"))]
