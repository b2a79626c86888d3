"""uvicorn's HTTP protocol, which lends every request a :class:`lines.Line` and an :class:`uploads.Inlet`.

Nothing else is changed. The one place that knows how uvicorn is made: of a cycle (one request with its answer) its
``transport``, what it holds of the request's body, and how much of an answer of known length it still waits for; of a
protocol its ``parser``, its ``flow`` and which cycles wait in its ``pipeline``.
"""

from __future__ import annotations

import socket
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from calotype.web import uploads
from calotype.web.lines import CAN_LEND, EXTENSION

_WITHOUT_BODY: Final = "HEAD"


class LendingProtocol(HttpToolsProtocol):
    """One connection."""

    def on_headers_complete(self) -> None:
        """Start the request; its task runs later, so what is put into its scope here is there in time."""
        super().on_headers_complete()
        if CAN_LEND and self.scheme == "http" and self.scope["method"] != _WITHOUT_BODY:
            scope = cast("dict[str, Any]", self.scope)
            extensions = scope.setdefault("extensions", {})
            extensions[EXTENSION] = _Line(self.cycle)
            extensions[uploads.EXTENSION] = _Inlet(self, self.cycle)


class _Line:
    """See ``lines.Line``."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def is_clear(self) -> bool:
        return not self._cycle.transport.get_write_buffer_size()

    def duplicate(self) -> socket.socket:
        # The loop closes its own descriptor when the client leaves, and the system may give its number to the next
        # client at once: a thread that still sends must not do so by that number.
        lent: socket.socket = self._cycle.transport.get_extra_info("socket")
        return lent.dup()

    def settle(self, size_bytes: int) -> None:
        if not self._cycle.chunked_encoding:
            self._cycle.expected_content_length -= size_bytes

    def cut(self) -> None:
        self._cycle.transport.abort()


class _Inlet:
    """See ``uploads.Inlet``."""

    def __init__(self, protocol: LendingProtocol, cycle: RequestResponseCycle) -> None:
        self._protocol = protocol
        self._cycle = cycle

    def left_bytes(self) -> int:
        cycle = self._cycle
        headers = dict(cycle.scope["headers"])
        size = headers.get(b"content-length", b"")
        if b"transfer-encoding" in headers or not size.isdigit() or not cycle.more_body:
            return 0
        # Behind a request that is not answered yet, the body may not be the next thing to come.
        return int(size) - len(cycle.body) if self._protocol.cycle is cycle and not self._protocol.pipeline else 0

    def lend(self) -> tuple[socket.socket, bytearray]:
        cycle, protocol = self._cycle, self._protocol
        if cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        protocol.flow.pause_reading()
        first, cycle.body = cycle.body, bytearray()
        lent: socket.socket = protocol.transport.get_extra_info("socket")
        return lent.dup(), first

    def settle(self, left_bytes: int) -> None:
        cycle, protocol = self._cycle, self._protocol
        cycle.more_body = False
        if left_bytes:
            cycle.keep_alive = False
        # The parser has not seen the body's end: what comes next is the first byte of another request.
        protocol.parser = httptools.HttpRequestParser(protocol)
