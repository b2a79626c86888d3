"""Answers that are too large for memory: a blocking iterator of chunks, pumped to the client.

Each chunk is one hop to a thread and one ASGI message, so chunks are large (about 1 MiB). The server holds at most
two: one on its way to the client, one being read. A client that leaves, or stalls, ends the iterator, which closes
what it had open.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Generator, Iterable, Mapping
from typing import Final

import anyio
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from calotype.errors import CalotypeError
from calotype.web.offload import Offload

log = logging.getLogger(__name__)

Chunks = Generator[bytes, None, None]
"""A blocking generator of chunks; ``close()`` frees what it has open. One thread at a time, not always the same."""

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


class ChunkedAnswer(Response):
    """An ASGI response that sends what a blocking generator yields.

    Made by :meth:`start`, which reads the first chunk: what goes wrong before it becomes a problem document; what
    goes wrong after it can only cut the connection, so that no client takes half an answer for a whole one.
    """

    def __init__(
        self,
        offload: Offload,
        chunks: Chunks,
        first: bytes,
        *,
        status: int,
        headers: Mapping[str, str],
        idle_s: float,
    ) -> None:
        self.status_code = status
        self.background = None
        self.init_headers(headers)
        self._offload = offload
        self._chunks = chunks
        self._first = first
        self._idle_s = idle_s

    @classmethod
    async def start(
        cls, offload: Offload, chunks: Chunks, *, headers: Mapping[str, str], idle_s: float, status: int = 200
    ) -> ChunkedAnswer:
        """Read the first chunk; what that raises passes through, with everything closed."""
        try:
            first = await offload(next, chunks, _END)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await offload(chunks.close)
            raise
        return cls(offload, chunks, first, status=status, headers=headers, idle_s=idle_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, unless the client leaves first."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_cancel_on_disconnect, receive, tasks.cancel_scope)
                await self._pump(scope, send)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._offload(self._chunks.close)

    async def _pump(self, scope: Scope, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            chunk = self._first
            while chunk:
                with anyio.fail_after(self._idle_s):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                chunk = await self._offload(next, self._chunks, _END)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except CalotypeError as error:
            log.error("%s cut short: %s", scope["path"], error)  # noqa: TRY400 - the message says all, a trace nothing
        except TimeoutError:
            log.warning("%s given up: the client took nothing for %g s", scope["path"], self._idle_s)


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
    scope.cancel()
