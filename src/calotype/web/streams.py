"""Answers that are too large for memory: a blocking iterator of pieces, pumped to the client.

Where the server lends the client's socket (``lines``), a thread sends on it. Elsewhere each piece is one hop to a
thread and one ASGI message, so pieces are large (about 1 MiB), and the server holds at most two: one on its way to
the client, one being read. A client that leaves, or stalls, ends the iterator, which closes what it had open.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Generator, Iterable, Mapping
from itertools import chain
from typing import Final

import anyio
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from calotype.errors import CalotypeError
from calotype.web.lines import EXTENSION, Line, Outflow, Piece, Pieces, Progress, clear, writable
from calotype.web.offload import Offload

log = logging.getLogger(__name__)

Chunks = Generator[bytes, None, None]
"""A blocking generator of bytes; ``close()`` frees what it has open. One thread at a time, not always the same."""

_END: Final = b""
"""What ``next`` returns in a thread in the place of StopIteration; no chunk is empty."""


def gather(pieces: Iterable[bytes], chunk_bytes: int) -> Chunks:
    """Join pieces, however small, to chunks of at least ``chunk_bytes`` (the last one may be smaller)."""
    pending: list[bytes] = []
    size_bytes = 0
    for piece in pieces:
        pending.append(piece)
        size_bytes += len(piece)
        if size_bytes >= chunk_bytes:
            # join() of a single bytes object is that object: large pieces are not copied.
            yield b"".join(pending)
            pending, size_bytes = [], 0
    if pending:
        yield b"".join(pending)


def gzip(chunks: Iterable[bytes]) -> Chunks:
    """Compress chunks to one gzip member, fast rather than small: DICOM JSON shrinks to a sixth even so."""
    packer = zlib.compressobj(level=1, wbits=31)
    for chunk in chunks:
        packed = packer.compress(chunk)
        if packed:
            yield packed
    yield packer.flush()


def read(pieces: Iterable[Piece]) -> Chunks:
    """Read what stands in files."""
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        else:
            yield from piece.blocks()


class ChunkedAnswer(Response):
    """An ASGI response that sends what a blocking generator yields.

    Made by :meth:`start`, which takes the first piece: what goes wrong before it becomes a problem document; what
    goes wrong after it can only cut the connection, so that no client takes half an answer for a whole one.
    """

    def __init__(
        self,
        offload: Offload,
        pieces: Pieces | Chunks,
        first: Piece,
        *,
        status: int,
        headers: Mapping[str, str],
        idle_s: float,
    ) -> None:
        self.status_code = status
        self.background = None
        self.init_headers(headers)
        self._offload = offload
        self._pieces = pieces
        self._first = first
        self._idle_s = idle_s

    @classmethod
    async def start(
        cls,
        offload: Offload,
        pieces: Pieces | Chunks,
        *,
        headers: Mapping[str, str],
        idle_s: float,
        status: int = 200,
    ) -> ChunkedAnswer:
        """Take the first piece; what making it raises passes through, with everything closed."""
        try:
            first: Piece = await offload(next, pieces, _END)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await offload(pieces.close)
            raise
        return cls(offload, pieces, first, status=status, headers=headers, idle_s=idle_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, unless the client leaves first."""
        line: Line | None = scope.get("extensions", {}).get(EXTENSION)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancel_on_disconnect, receive, tasks.cancel_scope)
                try:
                    await send(
                        {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
                    )
                    await (self._pump(send) if line is None else self._flow(line, send))
                except CalotypeError as error:
                    # The message says all, a trace nothing.
                    log.error("%s cut short: %s", scope["path"], error)  # noqa: TRY400
                except TimeoutError:
                    log.warning("%s given up: the client took nothing for %g s", scope["path"], self._idle_s)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._offload(self._pieces.close)

    async def _pump(self, send: Send) -> None:
        """Send by messages."""
        chunks = read(chain((self._first,), self._pieces))
        while chunk := await self._offload(next, chunks, _END):
            with anyio.fail_after(self._idle_s):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _flow(self, line: Line, send: Send) -> None:
        """Send on the client's own socket."""
        await clear(line, self._idle_s)
        with line.duplicate() as connection:
            flow = Outflow(connection, self._first, self._pieces, chunked="content-length" not in self.headers)
            while (progress := await self._offload.lasting(flow.turn)) is not Progress.DONE:
                if progress is Progress.BLOCKED:
                    await writable(connection, self._idle_s)
                elif progress is Progress.GONE:
                    line.cut()
                    await anyio.sleep_forever()  # until the server tells that the client has left
        line.settle(flow.body_bytes)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    """Wait for the client to leave, then cancel what is done for it."""
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
    scope.cancel()
