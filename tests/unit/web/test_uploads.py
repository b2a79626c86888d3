"""Large bodies over real sockets: read past the event loop, and the connection given back as it was."""

from __future__ import annotations

import json
import socket

import pytest

from calotype.network.rejections import Rejections
from calotype.services.archive.archive import Archive
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings
from calotype.web import uploads
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.server import WebServer
from calotype.web.settings import WebSettings
from support import samples

PATIENCE_S = 60
"""For what a client says; one of a busy machine may be slow."""
HEAD = b"POST /dicomweb/studies HTTP/1.1\r\nHost: x\r\n"
TYPE = b'Content-Type: multipart/related; type="application/dicom"; boundary=frontier\r\n'


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "objects"


@pytest.fixture
def poured(monkeypatch):
    """How many bodies were read past the loop."""
    bodies = []
    pour = uploads.pour

    async def counted(inlet, *rest):
        bodies.append(inlet.left_bytes())
        await pour(inlet, *rest)

    monkeypatch.setattr("calotype.web.dicomweb.stow_resource.pour", counted)
    return bodies


@pytest.fixture
def server(folder, poured, request):
    objects = FileObjectStore(FileStoreSettings(folder, durable=False))
    archive = Archive.over(objects, MemoryIndex())
    settings = WebSettings(port=0, idle_s=getattr(request, "param", PATIENCE_S))
    server = WebServer(create_app(Rooms(archive, Rejections()), settings), settings)
    server.start()
    yield server
    server.stop()
    objects.close()


@pytest.fixture
def connection(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        yield connection


def part(number, size_bytes=1_500_000):
    pixels = bytes(range(256)) * (size_bytes // 256)
    file = samples.part10(samples.ct(sop_uid=samples.uid(1, 1, number), changes={0x7FE00010: ("OW", pixels)}))
    return b"--frontier\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n"


def body(count=2):
    return b"".join(map(part, range(1, count + 1))) + b"--frontier--\r\n"


def request(content, *, promised=None, more=b""):
    return HEAD + TYPE + more + b"Content-Length: %d\r\n\r\n" % (promised or len(content)) + content


def head_of(connection):
    """Read one head, and no byte behind it; ``None`` when the connection ends first."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return None
        head += byte
    return head


def answer(connection):
    """Read one answer, and no byte of the next: its status and document, ``None`` when the connection ends first."""
    head = head_of(connection)
    if head is None:
        return None
    size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    content = b""
    while len(content) < size:
        content += connection.recv(size - len(content))
    return int(head.split()[1]), json.loads(content)


def stored(found):
    status, document = found
    return status, len(document.get("00081199", {}).get("Value", []))


def left_over(folder):
    return [path for path in (folder / ".incoming").rglob("*") if path.is_file() and path.stat().st_size]


def test_a_large_body_is_read_past_the_loop_and_the_connection_goes_on(connection, poured, folder):
    for _ in range(3):
        connection.sendall(request(body()))
        assert stored(answer(connection)) == (200, 2)

    assert len(poured) == 3
    assert left_over(folder) == []
    connection.sendall(b"GET /dicomweb/studies HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer(connection)[0] == 200


def test_a_client_that_expects_to_be_told_to_go_on_is(connection, poured):
    content = body()
    connection.sendall(request(b"", promised=len(content), more=b"Expect: 100-continue\r\n"))
    assert head_of(connection).startswith(b"HTTP/1.1 100")
    connection.sendall(content)

    assert stored(answer(connection)) == (200, 2)
    assert len(poured) == 1


def test_a_refused_body_is_read_so_that_the_client_learns_why(connection, poured):
    connection.sendall(request(b"--frontier\r\nno header\r\n\r\n" + body()))

    status, document = answer(connection)

    assert (status, len(poured)) == (400, 1)
    assert "no header" in document["detail"]
    connection.sendall(request(body(1)))
    assert stored(answer(connection)) == (200, 1)


@pytest.mark.parametrize("cut", [500_000, 2_000_000])
def test_a_client_that_leaves_half_way_leaves_only_whole_objects(server, folder, cut):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as rude:
        rude.sendall(request(body(3)[:cut], promised=len(body(3))))
        rude.shutdown(socket.SHUT_WR)
        while rude.recv(65536):
            pass

    assert len(list(folder.rglob("*.dcm"))) == (0 if cut < 1_500_000 else 1)
    assert left_over(folder) == []


@pytest.mark.parametrize("server", [1.0], indirect=True, ids=["a second"])
def test_a_client_that_falls_silent_is_given_up(connection, poured):
    connection.sendall(request(body()[:-1000], promised=len(body())))

    status, document = answer(connection)

    assert status == 202
    assert document["0008119A"]["Value"][0]["00000902"]["Value"][0].startswith("no byte of the body came")
    assert connection.recv(1) == b""
    assert len(poured) == 1


def test_a_body_shorter_than_it_should_be_is_cut_off(connection):
    content = body()
    connection.sendall(request(content[:-100], promised=len(content) - 100))

    status, document = answer(connection)

    assert status == 202
    assert "it ends within part 2" in document["0008119A"]["Value"][0]["00000902"]["Value"][0]


def test_a_slow_client_is_waited_for(connection, poured):
    content = request(body(1))
    for start in range(0, len(content), 200_000):
        connection.sendall(content[start : start + 200_000])

    assert stored(answer(connection)) == (200, 1)
    assert len(poured) == 1


def test_chunked_bodies_go_the_usual_way(connection, poured):
    content = body()
    connection.sendall(HEAD + TYPE + b"Transfer-Encoding: chunked\r\n\r\n")
    for start in range(0, len(content), 300_000):
        piece = content[start : start + 300_000]
        connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
    connection.sendall(b"0\r\n\r\n")

    assert stored(answer(connection)) == (200, 2)
    assert poured == []


def test_requests_sent_in_one_go_are_answered_one_after_the_other(connection):
    connection.sendall(b"GET /dicomweb/studies HTTP/1.1\r\nHost: x\r\n\r\n" + request(body()) + request(body(1)))

    assert answer(connection)[0] == 200
    assert stored(answer(connection)) == (200, 2)
    assert stored(answer(connection)) == (200, 1)
