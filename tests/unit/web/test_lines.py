"""Answers on the client's own socket: chunked or of known length, files and bytes, slow clients and rude ones."""

from __future__ import annotations

import errno
import os
import socket
import threading
from contextlib import contextmanager

import httpx
import pytest

from calotype.errors import Unavailable
from calotype.stores.objects.fs import FileObjectReader
from calotype.web import lines
from calotype.web.lines import Outflow, Progress, Stretch
from calotype.web.offload import Offload
from calotype.web.server import WebServer
from calotype.web.settings import WebSettings
from calotype.web.streams import ChunkedAnswer

NOISE = bytes(range(256)) * 20_000


class Pieces:
    """Pieces that remember how many of them were taken, and that they were closed."""

    def __init__(self, *pieces, error=None):
        self.taken = 0
        self.closed = threading.Event()
        self._pieces = pieces
        self._error = error

    def __call__(self):
        try:
            for piece in self._pieces:
                self.taken += 1
                yield piece
            if self._error is not None:
                raise self._error
        finally:
            self.closed.set()


@contextmanager
def serving(pieces, *, headers=None, idle_s=10.0):
    offload = Offload(4)

    async def app(scope, receive, send):
        answer = await ChunkedAnswer.start(offload, pieces(), headers=headers or {}, idle_s=idle_s)
        await answer(scope, receive, send)

    server = WebServer(app, WebSettings(port=0))
    server.start()
    try:
        yield server
    finally:
        server.stop(1)


@pytest.fixture
def noise(tmp_path):
    path = tmp_path / "noise"
    path.write_bytes(NOISE)
    with FileObjectReader(os.open(path, os.O_RDONLY), len(NOISE)) as reader:
        yield reader


def test_files_and_bytes_come_in_order_and_the_connection_stays(noise):
    pieces = Pieces(b"head", Stretch(noise, 10, 1_000_000), b"", b"tail", Stretch(noise, 0, 3), NOISE, b"!")
    with serving(pieces) as server, httpx.Client(timeout=60) as client:
        for _ in range(2):
            answer = client.get(server.url)
            assert answer.content == b"head" + NOISE[10:1_000_010] + b"tail" + NOISE[:3] + NOISE + b"!"
            assert answer.headers["transfer-encoding"] == "chunked"


def test_a_body_of_known_length_is_sent_without_frames(noise):
    with (
        serving(Pieces(b"ab", Stretch(noise, 0, 100)), headers={"Content-Length": "102"}) as server,
        httpx.Client(timeout=60) as client,
    ):
        for _ in range(2):
            assert client.get(server.url).content == b"ab" + NOISE[:100]


def test_nothing_follows_the_headers_of_an_answer_to_head(noise):
    with serving(Pieces(Stretch(noise, 0, 5)), headers={"Content-Length": "5"}) as server:
        answer = httpx.head(server.url, timeout=60)
        assert (answer.headers["content-length"], answer.content) == ("5", b"")


def test_requests_in_one_go_are_answered_in_order(noise):
    pieces = Pieces(Stretch(noise, 0, 300_000))
    with serving(pieces) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(1 << 20), b""))
    assert received.count(b"\r\n\r\n493e0\r\n" + NOISE[:300_000] + b"\r\n0\r\n\r\n") == 3


def test_what_breaks_on_the_way_cuts_the_answer_short(noise):
    pieces = Pieces(Stretch(noise, 0, 1000), error=Unavailable("the disk went away"))
    with serving(pieces) as server, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(server.url, timeout=60)
    assert pieces.closed.wait(60)


def test_an_object_that_has_become_shorter_cuts_the_answer_short(noise):
    pieces = Pieces(b"a", Stretch(noise, len(NOISE) - 10, 20))
    with serving(pieces) as server, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(server.url, timeout=60)
    assert pieces.closed.wait(60)


def test_a_client_that_leaves_stops_the_work(noise):
    pieces = Pieces(*[Stretch(noise, 0, len(NOISE))] * 10_000)
    with serving(pieces) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as rude:
            rude.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            rude.recv(1000)
        assert pieces.closed.wait(60)
    assert pieces.taken < 1000


def test_a_client_that_takes_nothing_is_given_up(noise):
    pieces = Pieces(*[Stretch(noise, 0, len(NOISE))] * 100)
    with serving(pieces, idle_s=0.3) as server, socket.create_connection(("127.0.0.1", server.port)) as lazy:
        lazy.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert pieces.closed.wait(60)
    assert pieces.taken < 100


def test_many_slow_clients_hold_no_thread(noise):
    """Four threads; twelve clients take nothing, yet the thirteenth has everything."""
    pieces = Pieces(*[Stretch(noise, 0, len(NOISE))] * 2)
    with serving(pieces) as server:
        lazy = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(12)]
        for each in lazy:
            each.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            each.recv(1)
        assert httpx.get(server.url, timeout=60).content == NOISE * 2
        for each in lazy:
            each.close()


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def received(flow, theirs):
    """Take turns until all is sent, reading whenever the other end is full."""
    theirs.settimeout(0.01)
    got = bytearray()
    progress = Progress.BLOCKED
    while progress is not Progress.DONE:
        progress = flow.turn()
        try:
            while True:
                got += theirs.recv(1 << 20)
        except TimeoutError:
            continue
    return bytes(got)


class Memory:
    """An open object without a descriptor."""

    def __init__(self, content):
        self.size_bytes = len(content)
        self._content = content

    def read_at(self, offset, size_bytes):
        return self._content[offset : offset + size_bytes]

    def fileno(self):
        return None


@pytest.mark.parametrize("chunked", [True, False])
def test_objects_without_a_descriptor_are_read(pair, chunked):
    ours, theirs = pair
    stretch = Stretch(Memory(NOISE), 5, len(NOISE) - 5)
    sent = received(Outflow(ours, b"ab", iter([stretch, b"c"]), chunked=chunked), theirs)
    frames = [b"ab", NOISE[5:], b"c"]
    assert sent == b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) if chunked else frame for frame in frames)


def test_a_file_system_that_cannot_send_is_read(pair, noise, monkeypatch):
    def cannot(*_args):
        raise OSError(errno.EINVAL, "no")

    monkeypatch.setattr(lines.os, "sendfile", cannot)
    ours, theirs = pair
    assert received(Outflow(ours, Stretch(noise, 0, len(NOISE)), iter([]), chunked=False), theirs) == NOISE


def test_a_disk_that_fails_is_told(pair, noise, monkeypatch):
    def fails(*_args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(lines.os, "sendfile", fails)
    with pytest.raises(Unavailable, match="Input/output error"):
        Outflow(pair[0], Stretch(noise, 0, 10), iter([]), chunked=False).turn()


def test_who_has_left_is_noticed(pair):
    ours, theirs = pair
    theirs.close()
    assert Outflow(ours, NOISE, iter([]), chunked=False).turn() is Progress.GONE
