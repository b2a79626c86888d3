"""WADO-RS: retrieve studies, series and instances as they are stored, and their metadata (PS3.18 10.4).

Nothing here decodes: objects leave as their files are, metadata as it was made when they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.hierarchy import UID, InstanceRef, Selection, SeriesRef, StudyRef
from calotype.errors import NotFound, Unsupported
from calotype.services.archive.ports import ObjectReader, StoredInstance
from calotype.services.archive.retrieve import Retrieve
from calotype.web.accept import Form, Syntaxes, accepted_syntaxes
from calotype.web.addresses import instance_url, path_uid
from calotype.web.dicomweb.context import JSON_FORMS, Context, accepted, negotiate, takes_gzip
from calotype.web.multipart import RelatedWriter
from calotype.web.streams import ChunkedAnswer, Chunks, gather, gzip

MULTIPART: Final = Form("multipart/related", "application/dicom")
SINGLE_PART: Final = Form("application/dicom")

_BULK_DATA_KEY: Final = b'"BulkDataURI":"'


def selected(request: Request) -> Selection:
    """Return what the path names: a study, series or instance."""
    study, series, instance = (path_uid(request, name) or UID("") for name in ("study", "series", "instance"))
    if instance:
        return Selection.of(InstanceRef(study, series, instance))
    if series:
        return Selection.of(SeriesRef(study, series))
    return Selection.of(StudyRef(study))


class InstancesResource:
    """The objects of a study, of a series, or one alone."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, request: Request) -> Response:
        """Answer with every object in a transfer syntax that the client takes.

        200 with all, 206 with some (PS3.18 10.4.3.1); NotFound when there are none, Unsupported when the client
        takes none of them as they are.
        """
        context, selection = self._context, selected(request)
        ranges = accepted(request)
        form = negotiate(ranges, (MULTIPART, SINGLE_PART) if selection.instances else (MULTIPART,))
        syntaxes = accepted_syntaxes(ranges, form)
        # All locations first, some hundred bytes each: the status says whether the client takes all of them.
        found, stored = await context.offload(_locate, context.archive.retrieve, selection, syntaxes)
        if form is SINGLE_PART:
            return await self._single(stored[0])
        writer = RelatedWriter()
        return await ChunkedAnswer.start(
            context.offload,
            gather(related_parts(context.archive.retrieve, stored, writer, self._chunk_bytes), self._chunk_bytes),
            status=200 if len(stored) == found else 206,
            headers={"Content-Type": writer.content_type, "Vary": "Accept"},
            idle_s=context.settings.idle_s,
        )

    async def _single(self, stored: StoredInstance) -> Response:
        context = self._context
        current, reader = await context.offload(context.archive.retrieve.open_current, stored)
        return await ChunkedAnswer.start(
            context.offload,
            gather(_file(reader, self._chunk_bytes), self._chunk_bytes),
            headers={
                "Content-Type": f"application/dicom; transfer-syntax={_plain(current.location.transfer_syntax)}",
                "Content-Length": str(reader.size_bytes),
                "Vary": "Accept",
            },
            idle_s=context.settings.idle_s,
        )

    @property
    def _chunk_bytes(self) -> int:
        return self._context.settings.chunk_bytes


class MetadataResource:
    """The DICOM JSON of every object of a study, of a series, or of one alone (PS3.18 10.4.1.1.2)."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, request: Request) -> Response:
        """Answer with a JSON array, made of the headers kept in the index; no file is opened."""
        context, selection = self._context, selected(request)
        form = negotiate(accepted(request), JSON_FORMS)
        headers = {"Content-Type": form.essence, "Vary": "Accept, Accept-Encoding"}
        chunks = gather(
            metadata_pieces(context.archive.retrieve, selection, context.service_url(request)),
            context.settings.chunk_bytes,
        )
        if takes_gzip(request):
            headers["Content-Encoding"] = "gzip"
            chunks = gzip(chunks)
        return await ChunkedAnswer.start(context.offload, chunks, headers=headers, idle_s=context.settings.idle_s)


def related_parts(
    retrieve: Retrieve, instances: Iterable[StoredInstance], writer: RelatedWriter, chunk_bytes: int
) -> Iterator[bytes]:
    """Yield a multipart message of whole files, in pieces of at most ``chunk_bytes``; one file is open at a time."""
    for stored in instances:
        current, reader = retrieve.open_current(stored)
        with reader:
            yield writer.prefix(current.location.transfer_syntax, reader.size_bytes)
            yield from _blocks(reader, chunk_bytes)
    yield writer.end


def metadata_pieces(retrieve: Retrieve, selection: Selection, service: str) -> Iterator[bytes]:
    """Yield a JSON array of headers, their bulk data addresses made absolute. NotFound when it would be empty."""
    separator = b"["
    for ref, header in retrieve.headers(selection):
        yield separator
        separator = b","
        # A key of this name cannot hide in a value: quotes inside JSON strings are escaped.
        if _BULK_DATA_KEY in header:
            bulk = f"{instance_url(service, ref)}/bulkdata/".encode("ascii")
            yield header.replace(_BULK_DATA_KEY, _BULK_DATA_KEY + bulk)
        else:
            yield header
    if separator == b"[":
        raise NotFound(_nothing(selection))
    yield b"]"


def _locate(retrieve: Retrieve, selection: Selection, syntaxes: Syntaxes) -> tuple[int, list[StoredInstance]]:
    """Return how many objects there are, and those that the client takes."""
    located = list(retrieve.locate(selection))
    if not located:
        raise NotFound(_nothing(selection))
    taken = [stored for stored in located if syntaxes.accept(stored.location.transfer_syntax)]
    if not taken:
        kept = sorted({_plain(stored.location.transfer_syntax) for stored in located})
        raise Unsupported(
            f"Accept: objects are sent as they are stored, here in transfer syntax {', '.join(kept)}; "
            "ask for that, or for transfer-syntax=*"
        )
    return len(located), taken


def _file(reader: ObjectReader, chunk_bytes: int) -> Chunks:
    with reader:
        yield from _blocks(reader, chunk_bytes)


def _blocks(reader: ObjectReader, chunk_bytes: int) -> Iterator[bytes]:
    for offset in range(0, reader.size_bytes, chunk_bytes):
        yield reader.read_at(offset, chunk_bytes)


def _plain(uid: UID) -> str:
    """Keep a header line a header line: a stored file may claim anything as its transfer syntax."""
    return "".join(char for char in uid[:64] if char in "0123456789.")


def _nothing(selection: Selection) -> str:
    named = " of ".join(
        f"{name} {uids[0]}"
        for name, uids in (
            ("instance", selection.instances),
            ("series", selection.series),
            ("study", selection.studies),
        )
        if uids
    )
    return f"the archive has no {named}"
