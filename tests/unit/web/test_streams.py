"""Chunks from a blocking generator to a client: all of them, until it leaves, or until something breaks."""

from __future__ import annotations

import logging
import zlib

import anyio
import pytest

from calotype.errors import NotFound, Unavailable
from calotype.web.offload import Offload
from calotype.web.streams import ChunkedAnswer, gather, gzip


class Client:
    """The other end of one ASGI request: keeps what is sent, leaves or stalls when told."""

    def __init__(self, *, leave_after=None, stall=False):
        self.sent = []
        self.left = anyio.Event()
        self.leave_after = leave_after
        self.stall = stall

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)
        if self.leave_after == len(self.sent):
            self.left.set()
        if self.stall and message["type"] == "http.response.body":
            await anyio.sleep_forever()

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def complete(self):
        return bool(self.sent) and self.sent[-1].get("more_body") is False


class Source:
    """Yields chunks, and remembers that it was closed."""

    def __init__(self, chunks, *, error=None):
        self.closed = False
        self.produced = 0
        self._chunks = chunks
        self._error = error

    def __call__(self):
        try:
            for chunk in self._chunks:
                self.produced += 1
                yield chunk
            if self._error:
                raise self._error
        finally:
            self.closed = True


def pump(source, client_options=None, *, idle_s=5.0):
    async def run():
        client = Client(**(client_options or {}))
        answer = await ChunkedAnswer.start(
            Offload(2), source(), headers={"Content-Type": "text/plain"}, idle_s=idle_s, status=206
        )
        with anyio.fail_after(10):
            await answer({"type": "http", "path": "/p"}, client.receive, client.send)
        return client

    return anyio.run(run)


def test_an_answer_sends_every_chunk_and_closes_its_source():
    source = Source([b"one", b"two"])

    client = pump(source)

    assert client.sent[0] == {
        "type": "http.response.start",
        "status": 206,
        "headers": [(b"content-type", b"text/plain")],
    }
    assert client.body == b"onetwo"
    assert client.complete
    assert source.closed


def test_what_breaks_before_the_first_chunk_is_raised():
    source = Source([], error=NotFound("gone"))

    with pytest.raises(NotFound, match="gone"):
        pump(source)

    assert source.closed


def test_what_breaks_later_cuts_the_answer_short(caplog):
    source = Source([b"one"], error=Unavailable("disk went away"))

    with caplog.at_level(logging.ERROR):
        client = pump(source)

    assert client.body == b"one"
    assert not client.complete
    assert source.closed
    assert "disk went away" in caplog.text


def test_a_client_that_leaves_ends_the_work():
    source = Source(b"chunk" for _ in range(1_000_000))

    client = pump(source, {"leave_after": 5})

    assert not client.complete
    assert source.produced < 100
    assert source.closed


def test_a_client_that_takes_nothing_is_given_up():
    source = Source([b"one", b"two"])

    client = pump(source, {"stall": True}, idle_s=0.05)

    assert not client.complete
    assert source.closed


def test_small_pieces_are_gathered_and_large_ones_pass_uncopied():
    large = bytes(10)

    assert list(gather([b"a", b"b", b"c", b"d"], 3)) == [b"abc", b"d"]
    assert next(gather([large], 3)) is large
    assert list(gather([], 3)) == []


def test_gzip_gives_one_member():
    chunks = [b'{"a":"b"}' * 1000, b"end"]

    assert zlib.decompress(b"".join(gzip(chunks)), wbits=31) == b"".join(chunks)


def test_gzip_of_a_source_that_breaks_raises_and_closes():
    source = Source([], error=NotFound("gone"))

    with pytest.raises(NotFound):
        list(gzip(source()))

    assert source.closed
