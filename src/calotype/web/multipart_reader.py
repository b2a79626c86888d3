"""Reading ``multipart/related`` as it arrives: bounded, part by part, never a whole part in memory.

The state machine is python-multipart's; here are the limits, the preamble that it does not know (RFC 2046 5.1.1),
and the end that it does not check. What a part means is the sink's affair.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from calotype.errors import InvalidRequest
from calotype.web.accept import parse_media_type

MAX_PREAMBLE_BYTES: Final = 64 * 1024
MAX_PART_HEADERS: Final = 7
"""Real parts have one to four; python-multipart itself ends at 8, with fewer words."""

# RFC 2046 5.1.1: 1 to 70 of these, the last not a space. Devices were seen to send longer ones.
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,199}[0-9A-Za-z'()+_,./:=?-]\Z")


class MalformedMultipart(InvalidRequest):
    """The body is not the multipart message that its Content-Type promises."""


@dataclass(frozen=True, slots=True)
class PartLimits:
    """How much one message may ask for."""

    max_parts: int
    max_header_bytes: int


class PartSink(Protocol):
    """Takes the parts of a message, one after the other."""

    def begin(self, headers: Mapping[str, str]) -> None:
        """Start a part; header names in lower case."""
        ...

    def data(self, piece: memoryview) -> None:
        """Take the next piece of the part; it may be reused after the call."""
        ...

    def end(self) -> None:
        """Finish the part: all of it has come."""
        ...


def boundary_of(content_type: str) -> str:
    """Return the boundary parameter of a Content-Type. InvalidRequest when there is none or it is not one."""
    media = parse_media_type(content_type)
    boundary = media.parameter("boundary") if media else None
    if not boundary:
        raise MalformedMultipart("Content-Type: a multipart message needs a boundary parameter")
    if not _BOUNDARY.match(boundary):
        raise MalformedMultipart(
            "Content-Type: boundary holds characters that RFC 2046 does not allow, or is too long"
        )
    return boundary


class MultipartReader:
    """Turns the chunks of a body into calls of a sink. Used by one thread at a time."""

    def __init__(self, boundary: str, sink: PartSink, limits: PartLimits) -> None:
        self._delimiter = f"--{boundary}".encode("ascii")
        self._sink = sink
        self._limits = limits
        self._preamble: bytearray | None = bytearray()
        self._parts = 0
        self._headers: dict[str, str] = {}
        self._name = bytearray()
        self._value = bytearray()
        self._header_bytes = 0
        self._header_count = 0
        self._ended = False
        self._parser = MultipartParser(
            boundary.encode("ascii"),
            {
                "on_part_begin": self._part_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._sink.end,
                "on_end": self._end,
            },
        )

    @property
    def parts(self) -> int:
        """How many parts have begun."""
        return self._parts

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body.

        Raises MalformedMultipart when they cannot go on what came before, or break a limit; the part under way is
        then without end. What the sink raises passes through.
        """
        if self._preamble is not None:
            chunk = self._skip_preamble(chunk)
        if not chunk:
            return
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MalformedMultipart(f"multipart body, part {self._parts}: {error}") from error

    def finish(self) -> None:
        """Tell that the body is over. MalformedMultipart when its closing delimiter has not come."""
        if self._preamble is not None:
            raise MalformedMultipart("multipart body: the boundary named in Content-Type does not occur in it")
        if not self._ended:
            raise MalformedMultipart(
                f"multipart body: it ends within part {self._parts}, before the closing delimiter; was it cut short?"
            )

    def _skip_preamble(self, chunk: bytes) -> bytes:
        assert self._preamble is not None  # noqa: S101 - the one caller has looked
        self._preamble += chunk
        head = bytes(self._preamble)
        at = head.find(self._delimiter)
        while at > 0 and head[at - 1 : at] != b"\n":
            at = head.find(self._delimiter, at + 1)
        if at < 0:
            if len(head) > MAX_PREAMBLE_BYTES:
                raise MalformedMultipart("multipart body: the boundary named in Content-Type does not occur in it")
            return b""
        self._preamble = None
        return head[at:]

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > self._limits.max_parts:
            raise MalformedMultipart(
                f"multipart body: more than {self._limits.max_parts} parts; send them in several requests"
            )
        self._headers = {}
        self._header_bytes = 0
        self._header_count = 0

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count_header_bytes(end - start)
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header_bytes(end - start)
        self._value += data[start:end]

    def _count_header_bytes(self, count: int) -> None:
        self._header_bytes += count
        if self._header_bytes > self._limits.max_header_bytes:
            raise MalformedMultipart(
                f"multipart body: headers of part {self._parts} are longer than {self._limits.max_header_bytes} bytes"
            )

    def _header_end(self) -> None:
        self._header_count += 1
        if self._header_count > MAX_PART_HEADERS:
            raise MalformedMultipart(f"multipart body: part {self._parts} has more than {MAX_PART_HEADERS} headers")
        name = self._name.decode("latin-1").lower()
        self._headers[name] = self._value.decode("latin-1").strip()
        self._name.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        self._sink.begin(self._headers)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._sink.data(memoryview(data)[start:end])

    def _end(self) -> None:
        self._ended = True
