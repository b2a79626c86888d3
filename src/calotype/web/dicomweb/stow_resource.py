"""The HTTP side of STOW-RS: a request's body, gathered to large chunks, pushed through a session in a thread."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final, Protocol

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from calotype.errors import Cancelled
from calotype.services.archive.ports import Channel, Origin
from calotype.web.accept import parse_media_type
from calotype.web.addresses import path_uid
from calotype.web.dicomweb.context import JSON_FORMS, Context, accepted, negotiate
from calotype.web.dicomweb.stow import StowSession
from calotype.web.multipart_reader import MalformedMultipart, MultipartReader, PartLimits, boundary_of
from calotype.web.problems import RequestTimeout, UnsupportedMediaType
from calotype.web.settings import WebSettings

log = logging.getLogger(__name__)

_WANTED: Final = 'multipart/related; type="application/dicom"; boundary=...'


class BodyReader(Protocol):
    """Cuts a body into the parts of a session."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        ...

    def finish(self) -> None:
        """Tell that the body is over."""
        ...


class SinglePart:
    """A body that is one object: what ``curl --data-binary`` sends."""

    def __init__(self, session: StowSession) -> None:
        self._session = session
        self._session.begin({})

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the object."""
        self._session.data(memoryview(chunk))

    def finish(self) -> None:
        """Commit the object."""
        self._session.end()


class StoreResource:
    """Takes objects in, of any study or of the one that the path names."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, request: Request) -> Response:
        """Store every part, and answer for each: 200 all, 202 some, 409 none, 400 when the message is broken."""
        context = self._context
        form = negotiate(accepted(request), JSON_FORMS)
        origin = Origin(Channel.STOW, address=request.client.host if request.client else "")
        session = StowSession(
            context.archive.ingest,
            origin,
            study=path_uid(request, "study"),
            max_part_bytes=context.settings.max_part_bytes,
        )
        try:
            await self._receive(request, session)
        except Cancelled:
            log.info("STOW-RS from %s: the client left after %d objects were stored", origin.address, session.stored)
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await context.offload(session.close)
        status, body = session.answer(context.service_url(request))
        log.info("STOW-RS from %s: %d stored, %d failed", origin.address, session.stored, session.failed)
        return Response(body, status_code=status, media_type=form.essence)

    async def _receive(self, request: Request, session: StowSession) -> None:
        context = self._context
        reader = _reader_for(request.headers, session, context.settings)
        body = _Body(request.receive, context.settings)
        try:
            while chunks := await body.next():
                await context.offload(_feed, reader, chunks)
            await context.offload(reader.finish)
        except (MalformedMultipart, RequestTimeout) as error:
            await context.offload(session.broken, error)


def _reader_for(headers: Mapping[str, str], session: StowSession, settings: WebSettings) -> BodyReader:
    content_type = headers.get("content-type", "")
    media = parse_media_type(content_type)
    if media is not None and media.essence == "application/dicom":
        return SinglePart(session)
    if media is None or media.essence != "multipart/related":
        raise UnsupportedMediaType(f"Content-Type: objects are sent as {_WANTED}")
    if (media.parameter("type") or "application/dicom").lower() != "application/dicom":
        raise UnsupportedMediaType(f"Content-Type: only DICOM files are taken, as {_WANTED}")
    limits = PartLimits(settings.max_parts, settings.max_part_header_bytes)
    return MultipartReader(boundary_of(content_type), session, limits)


def _feed(reader: BodyReader, chunks: list[bytes]) -> None:
    for chunk in chunks:
        reader.feed(chunk)


class _Body:
    """A request's body in lists of about ``chunk_bytes``: a hop to a thread per packet would cost more than it."""

    def __init__(self, receive: Receive, settings: WebSettings) -> None:
        self._receive = receive
        self._chunk_bytes = settings.chunk_bytes
        self._idle_s = settings.idle_s
        self._over = False

    async def next(self) -> list[bytes]:
        """Return the next chunks, none at the end; Cancelled when the client leaves, RequestTimeout if it stalls."""
        chunks: list[bytes] = []
        size_bytes = 0
        while not self._over and size_bytes < self._chunk_bytes:
            try:
                with anyio.fail_after(self._idle_s):
                    message = await self._receive()
            except TimeoutError:
                raise RequestTimeout(f"no byte of the body came for {self._idle_s:g} s") from None
            if message["type"] == "http.disconnect":
                raise Cancelled("the client left in the middle of its request")
            self._over = not message.get("more_body", False)
            chunk = message.get("body", b"")
            if chunk:
                chunks.append(chunk)
                size_bytes += len(chunk)
        return chunks
