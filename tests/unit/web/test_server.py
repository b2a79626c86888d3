"""The HTTP server's life: start, answer, drain, stop, and the ways in which it cannot start."""

from __future__ import annotations

import socket
import threading

import httpx
import pytest

from calotype.errors import Unavailable
from calotype.web import protocol
from calotype.web.protocol import LendingProtocol
from calotype.web.server import WebServer
from calotype.web.settings import WebSettings


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def test_server_answers_between_start_and_stop():
    server = WebServer(hello, WebSettings(port=0))
    server.start()
    try:
        port = server.port
        assert httpx.get(f"{server.url}/", timeout=60).text == "hello"
    finally:
        server.stop()

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/", timeout=60)


def test_server_can_be_started_again():
    server = WebServer(hello, WebSettings(port=0))
    for _ in range(2):
        server.start()
        assert httpx.get(f"{server.url}/", timeout=60).text == "hello"
        server.stop()


def test_stop_lets_a_request_finish():
    begun, finish = threading.Event(), threading.Event()

    async def slow(scope, receive, send):
        begun.set()
        while not finish.is_set():
            await __import__("asyncio").sleep(0.01)
        await hello(scope, receive, send)

    server = WebServer(slow, WebSettings(port=0))
    server.start()
    answers = []
    client = threading.Thread(target=lambda: answers.append(httpx.get(f"{server.url}/", timeout=60).text))
    client.start()
    assert begun.wait(60)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    finish.set()
    client.join(60)
    stopper.join(60)

    assert answers == ["hello"]
    assert not stopper.is_alive()


@pytest.fixture
def connection():
    server = WebServer(hello, WebSettings(port=0))
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        yield connection
    server.stop()


def answer_of(connection, *pieces):
    """Send pieces as far as they are taken; return all that is said before the connection ends."""
    said = b""
    try:
        for piece in pieces:
            connection.sendall(piece)
        while got := connection.recv(65536):
            said += got
    except (ConnectionResetError, BrokenPipeError):
        # Closed with something unread on the way, the system may take back even the answer.
        pass
    return said


def test_headers_that_do_not_end_are_not_gathered_for_ever(connection):
    said = answer_of(connection, b"GET / HTTP/1.1\r\nHost: a\r\nX: ", *(b"a" * 65536 for _ in range(1000)))

    assert said == b"" or said.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("long", [b"X: " + b"a" * 70_000, b"\r\n".join(b"X%d: 1" % n for n in range(9000))])
def test_too_long_headers_are_refused_with_a_problem_document(connection, long):
    # As much as is refused and not a byte more: nothing is unread when the connection ends.
    said = answer_of(connection, b"GET / HTTP/1.1\r\nHost: a\r\n" + long[:65_600])

    assert said.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in said
    assert b"longer than 65536 bytes" in said


def test_too_long_trailers_are_refused(connection):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    connection.sendall(head)
    said = b""
    while not said.endswith(b"hello"):
        said += connection.recv(65536)
    # A line is known to be over when the next has begun.
    said = answer_of(connection, *(b"X: " + b"a" * 40_000 + b"\r\n" for _ in range(2)), b"Y")

    assert said.startswith(b"HTTP/1.1 431 ")


def test_what_is_no_http_is_a_problem_document(connection):
    said = answer_of(connection, b"\0\1\2\3\r\n\r\n")

    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in said


@pytest.mark.parametrize(
    ("begun", "status"), [(b"", b""), (b"\r\n", b""), (b"GET / HTTP/1.1\r\nHo", b"HTTP/1.1 408 ")]
)
def test_whoever_does_not_say_what_it_wants_is_not_waited_for(monkeypatch, begun, status):
    monkeypatch.setattr(protocol, "_HEAD_S", 0.05)
    give_up, hear, heard = LendingProtocol._give_up, LendingProtocol.data_received, bytearray()

    def give_up_when_all_is_said(line):
        # A client of a busy machine may have connected, and not have said the little that it says.
        give_up(line) if heard == begun else line._be_patient()

    def hear_and_tell(line, data):
        heard.extend(data)
        hear(line, data)

    monkeypatch.setattr(LendingProtocol, "_give_up", give_up_when_all_is_said)
    monkeypatch.setattr(LendingProtocol, "data_received", hear_and_tell)
    server = WebServer(hello, WebSettings(port=0))
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            said = answer_of(connection, begun)
    finally:
        server.stop()

    assert said.startswith(status)
    assert bool(said) is bool(status)


def test_stop_is_idempotent():
    server = WebServer(hello, WebSettings(port=0))
    server.stop()
    server.start()
    server.stop()
    server.stop()


def test_a_taken_port_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable) as raised:
            WebServer(hello, WebSettings(port=port)).start()

    assert str(raised.value) == (
        f"HTTP: cannot listen on 127.0.0.1 port {port}: another program has it; "
        "stop that, or set another http.port (0 takes a free one)"
    )


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        (WebSettings(bind="203.0.113.7", port=0), "set http.bind to an address of this machine"),
        (WebSettings(bind="no.such.host.invalid", port=0), "set http.bind to an address of this machine"),
        (WebSettings(port=70_000), "70000 is no port"),
    ],
)
def test_an_address_that_cannot_be_bound_is_one_clear_line(settings, hint):
    with pytest.raises(Unavailable, match=hint):
        WebServer(hello, settings).start()


def test_ipv6_addresses_are_served():
    try:
        probe = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        return  # a machine without IPv6 has nothing to serve
    probe.close()
    server = WebServer(hello, WebSettings(bind="::1", port=0))
    server.start()
    try:
        assert server.url == f"http://[::1]:{server.port}"
        assert httpx.get(server.url, timeout=60).text == "hello"
    finally:
        server.stop()
