"""The HTTP side of STOW-RS: what a request's body is, and its bytes on their way to a session, in threads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol, TypeAlias

from anyio import CancelScope, fail_after
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from calotype.dicom.hierarchy import UID
from calotype.dicom.xml_model import native_model
from calotype.errors import CalotypeError, Cancelled
from calotype.services.archive.building import Building, Notation
from calotype.services.archive.ports import Channel, Origin
from calotype.web.accept import Form, parse_media_type
from calotype.web.addresses import path_uid
from calotype.web.dicomweb.context import JSON_FORMS, Context, accepted, negotiate
from calotype.web.dicomweb.stow import StowSession
from calotype.web.dicomweb.stow_answer import StoreAnswer
from calotype.web.dicomweb.stow_metadata import NOTATIONS, MetadataSession
from calotype.web.dicomweb.stow_zip import ZipSession
from calotype.web.multipart_reader import Block, MultipartReader, PartLimits, PartSink, boundary_of
from calotype.web.problems import RequestTimeout, UnsupportedEncoding, UnsupportedMediaType
from calotype.web.settings import WebSettings
from calotype.web.uploads import inlet_of, pour

log = logging.getLogger(__name__)

_FILES: Final = "application/dicom"
_ZIP: Final = frozenset({"application/zip", "application/x-zip-compressed"})
_RELATED: Final = "multipart/related"
_TAKEN: Final = (
    'multipart/related; type="application/dicom"; boundary=... (or type="application/dicom+json", '
    '"application/dicom+xml"), as one application/dicom, or as application/zip'
)
_ANSWERS: Final = (*JSON_FORMS, Form("application/dicom+xml"))


class Session(PartSink, Protocol):
    """Takes the parts of a request, and makes objects of them."""

    def finish(self) -> None:
        """Do what can be done only when everything has come."""
        ...

    def close(self) -> None:
        """Discard what has not come to its end. Idempotent."""
        ...


class BodyReader(Protocol):
    """Cuts a body into the parts of a session."""

    def feed(self, block: Block, size_bytes: int | None = None) -> None:
        """Take the next bytes: the first ``size_bytes`` of ``block``, by default all."""
        ...

    def finish(self) -> None:
        """Tell that the body is over."""
        ...


class SinglePart:
    """A body that is one part: what ``curl --data-binary`` sends."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._session.begin({})

    def feed(self, block: Block, size_bytes: int | None = None) -> None:
        """Take the next bytes of the part."""
        with memoryview(block) as view, view[:size_bytes] as piece:
            self._session.data(piece)

    def finish(self) -> None:
        """Finish the part."""
        self._session.end()


class StoreResource:
    """Takes objects in, of any study or of the one that the path names."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, request: Request) -> Response:
        """Store what can be stored, and answer for each: 200 all, 202 some, 409 none, 400 for a broken message."""
        context = self._context
        form = negotiate(accepted(request), _ANSWERS)
        address = request.client.host if request.client else ""
        order = _Order(context, Origin(Channel.STOW, address=address), path_uid(request, "study"))
        session = await context.offload(_session_maker(request.headers), order)
        try:
            try:
                await self._receive(request, session)
            finally:
                # What has come whole is stored by then, so that the answer may speak of it.
                with CancelScope(shield=True):
                    await context.offload.lasting(session.close)
        except Cancelled:
            log.info("STOW-RS from %s: the client left after %d objects were stored", address, order.answer.stored)
            raise
        except CalotypeError as error:
            order.answer.broken(error)
        return self._response(request, order.answer, form)

    def _response(self, request: Request, answer: StoreAnswer, form: Form) -> Response:
        answer.check()
        log.info("STOW-RS: %d stored, %d failed", answer.stored, answer.failed)
        document = answer.document(self._context.service_url(request))
        if form.essence.endswith("xml"):
            document = native_model(document)
        return Response(document, status_code=answer.http_status(), media_type=form.essence)

    async def _receive(self, request: Request, session: Session) -> None:
        context, settings = self._context, self._context.settings
        reader = await context.offload(_reader_for, request.headers, session, settings)
        if (inlet := inlet_of(request.scope)) is not None:
            await pour(inlet, context.offload, reader.feed, settings.idle_s)
        else:
            body = _Body(request.receive, settings)
            while chunks := await body.next():
                await context.offload(_feed, reader, chunks)
        # What is built, or comes out of a zip file, may take long: that delays nobody's question.
        await context.offload.lasting(partial(_finish, reader, session))


class _Order:
    """One request to store, as its session needs to know it."""

    def __init__(self, context: Context, origin: Origin, study: UID | None) -> None:
        self.ingest = context.archive.ingest
        self.settings = context.settings
        self.origin = origin
        self.study = study
        self.answer = StoreAnswer()

    def files(self, *, passes_over_others: bool = False) -> StowSession:
        return StowSession(
            self.ingest,
            self.origin,
            self.answer,
            study=self.study,
            max_part_bytes=self.settings.max_part_bytes,
            passes_over_others=passes_over_others,
        )

    def zip_file(self) -> ZipSession:
        return ZipSession(self.ingest, self.files(passes_over_others=True), max_members=self.settings.max_parts)

    def metadata(self, notation: Notation) -> MetadataSession:
        building = Building(
            self.ingest, self.origin, study=self.study, max_metadata_bytes=self.settings.max_metadata_bytes
        )
        return MetadataSession(building, self.answer, notation, self.settings)


_SessionMaker: TypeAlias = Callable[[_Order], Session]


def _session_maker(headers: Mapping[str, str]) -> _SessionMaker:
    """Return what makes the session for a body of this type. UnsupportedMediaType when none does."""
    if headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
        raise UnsupportedEncoding("Content-Encoding: a body is taken only as it is; send it without")
    media = parse_media_type(headers.get("content-type", ""))
    essence = media.essence if media is not None else ""
    if essence in _ZIP:
        return _Order.zip_file
    if media is not None and essence == _RELATED:
        content = parse_media_type(media.parameter("type") or _FILES)
        essence = content.essence if content is not None else ""
    if essence == _FILES:
        return _Order.files
    if essence not in NOTATIONS:
        raise UnsupportedMediaType(f"Content-Type: objects are sent as {_TAKEN}")
    return lambda order: order.metadata(NOTATIONS[essence])


def _reader_for(headers: Mapping[str, str], session: Session, settings: WebSettings) -> BodyReader:
    content_type = headers.get("content-type", "")
    media = parse_media_type(content_type)
    if media is None or media.essence != _RELATED:
        return SinglePart(session)
    return MultipartReader(
        boundary_of(content_type), session, PartLimits(settings.max_parts, settings.max_part_header_bytes)
    )


def _feed(reader: BodyReader, chunks: list[bytes]) -> None:
    for chunk in chunks:
        reader.feed(chunk)


def _finish(reader: BodyReader, session: Session) -> None:
    reader.finish()
    session.finish()


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
                with fail_after(self._idle_s):
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
