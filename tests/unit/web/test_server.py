"""The HTTP server's life: start, answer, drain, stop, and the ways in which it cannot start."""

from __future__ import annotations

import socket
import threading

import httpx
import pytest

from calotype.errors import Unavailable
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
