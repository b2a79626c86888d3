"""uvicorn's HTTP protocol, which lends every request a :class:`lines.Line` and an :class:`uploads.Inlet`.

It also bounds what comes before a request is one, which uvicorn does not: how long its headers are, and how long they
take. Nothing else is changed. The one place that knows how uvicorn is made: of a cycle (one request with its answer)
its ``transport``, what it holds of the request's body, and how much of an answer of known length it still waits for;
of a protocol its ``parser``, its ``flow`` and which cycles wait in its ``pipeline``.
"""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from calotype.web import uploads
from calotype.web.lines import CAN_LEND, EXTENSION
from calotype.web.problems import problem

_WITHOUT_BODY: Final = "HEAD"

_MAX_HEAD_BYTES: Final = 64 * 1024
"""Request line and headers together; a browser with many cookies sends some kilobytes."""
_HEAD_S: Final = 60.0
"""How long a client may take to say what it wants, from when it connects or begins."""


class LendingProtocol(HttpToolsProtocol):
    """One connection."""

    _is_in_head = False
    _head_bytes = 0
    _is_too_large = False
    _has_ended = False
    """Whether a request has come to its end in the bytes that are being read."""
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request, but not for ever."""
        super().connection_made(transport)
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._lose_patience()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; refuse headers that do not end."""
        was_in_head, self._has_ended = self._is_in_head, False
        if was_in_head:
            self._head_bytes += len(data)
        if self._head_bytes <= _MAX_HEAD_BYTES:
            super().data_received(data)
        if self._is_in_head and not was_in_head:
            # Behind the end of another request it is not known where this one began.
            self._head_bytes = 0 if self._has_ended else len(data)
        if self._is_in_head and self._head_bytes > _MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE)
            return
        if self._patience is None and (self._is_in_head or not self._is_answering()):
            self._be_patient()

    def on_message_begin(self) -> None:
        """Start to read a request."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or what comes like one behind a body in chunks."""
        self._head_bytes += 0 if self._is_in_head else len(name) + len(value)
        if len(value) > _MAX_HEAD_BYTES or self._head_bytes > _MAX_HEAD_BYTES:
            self._is_too_large = True
            raise ValueError(_TOO_LARGE)
        super().on_header(name, value)

    def on_message_complete(self) -> None:
        """Finish to read a request."""
        self._has_ended = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or too much of it."""
        if self._is_too_large:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE)
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        if self._is_answering():
            # In the middle of an answer there is no room for another.
            self.transport.abort()
            return
        answer = problem(status, detail, headers={"Connection": "close", "X-Content-Type-Options": "nosniff"})
        head = b"".join(b"%b: %b\r\n" % pair for pair in answer.raw_headers)
        line = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii")
        self.transport.write(line + head + b"\r\n" + bytes(answer.body))
        self.transport.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _be_patient(self) -> None:
        if not self.transport.is_closing():
            self._patience = self.loop.call_later(_HEAD_S, self._give_up)

    def _lose_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if self._is_answering():
            self._be_patient()
        elif self._is_in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"no whole request came within {_HEAD_S:g} s")
        else:
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Start the request; its task runs later, so what is put into its scope here is there in time."""
        self._is_in_head, self._head_bytes = False, 0
        self._lose_patience()
        super().on_headers_complete()
        if CAN_LEND and self.scheme == "http" and self.scope["method"] != _WITHOUT_BODY:
            scope = cast("dict[str, Any]", self.scope)
            extensions = scope.setdefault("extensions", {})
            extensions[EXTENSION] = _Line(self.cycle)
            extensions[uploads.EXTENSION] = _Inlet(self, self.cycle)


_TOO_LARGE: Final = f"request line and headers are longer than {_MAX_HEAD_BYTES} bytes"


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
