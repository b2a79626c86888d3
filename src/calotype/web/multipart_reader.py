"""Reading ``multipart/related`` as it arrives: bounded, part by part, never a whole part in memory.

Blocks may be of any size and are cut, not copied: what a part is handed are views of them. Lines end as the first
delimiter's does, which is with CR LF (RFC 2046 4.1.1), or with LF as some clients write. A line that only starts like
a delimiter is content, so that the messages of others may stand inside. What a part means is the sink's affair.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from calotype.errors import InvalidRequest
from calotype.web.accept import parse_media_type

MAX_PREAMBLE_BYTES: Final = 64 * 1024
MAX_PART_HEADERS: Final = 32
"""Real parts have one to four."""

# RFC 2046 5.1.1: 1 to 70 of these, the last not a space. Devices were seen to send longer ones.
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,199}[0-9A-Za-z'()+_,./:=?-]\Z")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_HEADERS_END: Final = re.compile(rb"(?:\A|\r?\n)\r?\n")
_LINE_END: Final = re.compile(r"\r?\n")
# RFC 2046 5.1.1: the last delimiter has two hyphens more, the others end their line, perhaps after blanks.
_AFTER: Final = re.compile(rb"--|[ \t]{0,256}(\r?\n)")
_UNDECIDED: Final = re.compile(rb"(?:-?|[ \t]{0,256}\r?)\Z")

_JOINED_BYTES: Final = 1024
"""How much of a block is joined to what was held of the one before; all the rest of it is never copied."""

Block: TypeAlias = bytes | bytearray


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
    """Turns the blocks of a body into calls of a sink. Used by one thread at a time."""

    def __init__(self, boundary: str, sink: PartSink, limits: PartLimits) -> None:
        self._line = f"\n--{boundary}".encode("ascii")
        self._delimiter = self._line
        self._sink = sink
        self._limits = limits
        self._parts = 0
        self._lines = b""
        self._part_headers: Mapping[str, str] = {}
        self._preamble_bytes = 0
        # What cannot be understood without what comes next. A message starts as if a line had ended before it.
        self._held = b"\n"
        self._read: Callable[[Block, int, int], int] = self._preamble

    @property
    def parts(self) -> int:
        """How many parts have begun."""
        return self._parts

    def feed(self, block: Block, size_bytes: int | None = None) -> None:
        """Take the next bytes of the body: the first ``size_bytes`` of ``block``, by default all.

        The block may be reused after the call. Raises MalformedMultipart when they cannot go on what came before, or
        break a limit; the part under way is then without end. What the sink raises passes through.
        """
        end = len(block) if size_bytes is None else size_bytes
        at = 0
        while self._held and at < end:
            joined = self._held + block[at : min(at + _JOINED_BYTES, end)]
            at += len(joined) - len(self._held)
            self._held = b""
            self._run(joined, 0, len(joined))
        self._run(block, at, end)

    def finish(self) -> None:
        """Tell that the body is over. MalformedMultipart when its closing delimiter has not come."""
        if self._read == self._preamble:
            raise MalformedMultipart("multipart body: the boundary named in Content-Type does not occur in it")
        if self._read != self._epilogue:
            raise MalformedMultipart(
                f"multipart body: it ends within part {self._parts}, before the closing delimiter; was it cut short?"
            )

    def _run(self, block: Block, at: int, end: int) -> None:
        while at < end:
            at = self._read(block, at, end)

    def _preamble(self, block: Block, at: int, end: int) -> int:
        """Pass over what stands before the first delimiter (RFC 2046 5.1.1)."""
        found = block.find(self._line, at, end)
        while found >= 0:
            self._preamble_bytes += found - at
            after = self._after_delimiter(block, found, found + len(self._line), end)
            if after:
                return after
            at, found = found + 1, block.find(self._line, found + 1, end)
        kept = max(at, end - len(self._line) + 1)
        self._preamble_bytes += kept - at
        if self._preamble_bytes > MAX_PREAMBLE_BYTES:
            raise MalformedMultipart("multipart body: the boundary named in Content-Type does not occur in it")
        self._held = bytes(block[kept:end])
        return end

    def _headers(self, block: Block, at: int, end: int) -> int:
        """Read the headers of a part, up to the empty line."""
        limit = self._limits.max_header_bytes
        region = bytes(block[at : min(end, at + limit + 4)])
        found = _HEADERS_END.search(region)
        if (found.start() if found else len(region)) > limit:
            raise MalformedMultipart(f"multipart body: headers of part {self._parts} are longer than {limit} bytes")
        if found is None:
            self._held = region
            return end
        lines = region[: found.start()]
        if lines != self._lines:
            # Most messages have the same headers in all their parts.
            self._part_headers, self._lines = self._parsed(lines.decode("latin-1")), lines
        self._read = self._data
        self._sink.begin(self._part_headers)
        return at + found.end()

    def _parsed(self, text: str) -> dict[str, str]:
        headers: dict[str, str] = {}
        # RFC 5322 2.2.3: a line that starts with a blank goes on the one before.
        lines = _LINE_END.sub("\n", text).replace("\n ", " ").replace("\n\t", " ").split("\n") if text else []
        if len(lines) > MAX_PART_HEADERS:
            raise MalformedMultipart(f"multipart body: part {self._parts} has more than {MAX_PART_HEADERS} headers")
        for line in lines:
            name, colon, value = line.partition(":")
            value = value.strip(" \t")
            if not colon or not _NAME.match(name) or any(char < " " and char != "\t" for char in value):
                raise MalformedMultipart(f"multipart body: part {self._parts} has a line that is no header")
            headers.setdefault(name.lower(), value)
        return headers

    def _data(self, block: Block, at: int, end: int) -> int:
        """Hand on the content of a part, up to the next delimiter."""
        delimiter = self._delimiter
        found = block.find(delimiter, at, end)
        while found >= 0:
            after = _AFTER.match(block, found + len(delimiter), end)
            if after or _UNDECIDED.match(block, found + len(delimiter), end):
                self._hand_on(block, at, found)
                if after:
                    self._sink.end()
                return self._after_delimiter(block, found, found + len(delimiter), end)
            found = block.find(delimiter, found + 1, end)
        # A delimiter has its first byte nowhere else: at most one can start in what is left.
        start = block.rfind(delimiter[:1], max(at, end - len(delimiter) + 1), end)
        kept = start if start >= 0 and delimiter.startswith(bytes(block[start:end])) else end
        self._hand_on(block, at, kept)
        self._held = bytes(block[kept:end])
        return end

    def _hand_on(self, block: Block, start: int, end: int) -> None:
        if end > start:
            with memoryview(block) as view, view[start:end] as piece:
                self._sink.data(piece)

    def _after_delimiter(self, block: Block, start: int, at: int, end: int) -> int:
        """Go on after a delimiter, which starts at ``start`` and stops at ``at``; 0 when it is only text like one."""
        after = _AFTER.match(block, at, end)
        if after is None:
            if not _UNDECIDED.match(block, at, end):
                return 0
            self._held = bytes(block[start:end])
            return end
        newline = after[1]
        if newline is None:
            self._read = self._epilogue
            return after.end()
        if not self._parts:
            self._delimiter = b"\r" + self._line if newline == b"\r\n" else self._line
        self._parts += 1
        if self._parts > self._limits.max_parts:
            raise MalformedMultipart(
                f"multipart body: more than {self._limits.max_parts} parts; send them in several requests"
            )
        self._read = self._headers
        return after.end()

    def _epilogue(self, _block: Block, _at: int, end: int) -> int:
        """Pass over what stands behind the last delimiter."""
        return end
