"""Metadata of a study, a series or an instance (PS3.18 10.4.1.1.2): as it was made when the objects came.

No object is opened. The entity tag is a digest of the headers kept, so it changes when an object comes, goes, is
replaced or is read anew, and costs a walk over the index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from blake3 import blake3
from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.hierarchy import InstanceRef, Selection
from calotype.dicom.xml_model import native_model
from calotype.errors import NotFound
from calotype.services.archive.retrieve import Retrieve
from calotype.web.accept import Form
from calotype.web.addresses import instance_url
from calotype.web.dicomweb.context import JSON_FORMS, Context, accepted, negotiate, takes_gzip
from calotype.web.dicomweb.departures import admitted, all_located
from calotype.web.dicomweb.wado import nothing_of, selected
from calotype.web.multipart import PartsWriter, fresh_boundary
from calotype.web.ranges import is_known, not_modified
from calotype.web.streams import ChunkedAnswer, gather, gzip

_XML: Final = "application/dicom+xml"
_RELATED_XML: Final = Form("multipart/related", _XML)
_FORMS: Final = (*JSON_FORMS, _RELATED_XML)
_VERSION: Final = b"1"
"""Change it when the same header becomes another document, so that nobody believes to have it already."""
_BULK_DATA_KEY: Final = b'"BulkDataURI":"'
_BULK_DATA: Final = re.compile(rb',"BulkDataURI":"[^"]*"')


class MetadataResource:
    """The metadata of every object of a study, of a series, or of one alone, as JSON or XML."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, request: Request) -> Response:
        """Answer with a JSON array, or with an XML document in each part; 304 to whoever has it already.

        206 with what there is when some objects cannot leave without their patient, as was wished.
        """
        context, selection = self._context, selected(request)
        form = negotiate(accepted(request), _FORMS)
        retrieve, service = context.retrieve(request), context.service_url(request)
        gzipped, deidentify = takes_gzip(request), context.deidentify(request)
        told = f"{form.essence} {form.content} {gzipped} {service}".encode()
        headers, status = {"Vary": "Accept, Accept-Encoding"}, 200
        if deidentify is None:
            headers["ETag"] = await context.offload(_tag, context.archive.retrieve, selection, told)
            if is_known(request, headers["ETag"]):
                return not_modified(headers)
        else:
            # No address leads to bulk data under the UIDs that are told here.
            service = ""
            listed = await context.offload(all_located, context.archive.retrieve, selection, nothing_of(selection))
            leave = await context.offload.lasting(partial(admitted, retrieve, listed))
            if leave.headers:
                selection = replace(selection, instances=tuple(stored.ref.instance for stored in leave.objects))
                headers |= leave.headers
                status = 206
        if form is _RELATED_XML:
            # A boundary that is the same each time: the tag is that of these very bytes.
            boundary = f"calotype-{headers['ETag'][1:-1]}" if deidentify is None else fresh_boundary()
            writer = PartsWriter(_XML, boundary=boundary)
            headers["Content-Type"] = writer.content_type
            pieces = xml_pieces(retrieve, selection, service, writer)
        else:
            headers["Content-Type"] = form.essence
            pieces = json_pieces(retrieve, selection, service)
        chunks = gather(pieces, context.settings.chunk_bytes)
        if gzipped:
            headers["Content-Encoding"] = "gzip"
            chunks = gzip(chunks)
        return await ChunkedAnswer.start(
            context.offload, chunks, headers=headers, idle_s=context.settings.idle_s, status=status
        )


def json_pieces(retrieve: Retrieve, selection: Selection, service: str) -> Iterator[bytes]:
    """Yield a JSON array of headers, their bulk data addresses made absolute. NotFound when it would be empty."""
    separator = b"["
    for ref, header in retrieve.headers(selection):
        yield separator
        separator = b","
        yield absolute(ref, header, service)
    if separator == b"[":
        raise NotFound(nothing_of(selection))
    yield b"]"


def xml_pieces(retrieve: Retrieve, selection: Selection, service: str, writer: PartsWriter) -> Iterator[bytes]:
    """Yield a part for each header, in the Native DICOM Model. NotFound when there are none."""
    found = False
    for ref, header in retrieve.headers(selection):
        found = True
        document = native_model(absolute(ref, header, service))
        yield writer.prefix(_XML, len(document))
        yield document
    if not found:
        raise NotFound(nothing_of(selection))
    yield writer.end


def absolute(ref: InstanceRef, header: bytes, service: str) -> bytes:
    """Return a header in DICOM JSON with absolute addresses of its bulk data; without a service, with none."""
    # A key of this name cannot hide in a value: quotes inside JSON strings are escaped.
    if _BULK_DATA_KEY not in header:
        return header
    if not service:
        return _BULK_DATA.sub(b"", header)
    bulk = f"{instance_url(service, ref)}/bulkdata/".encode("ascii")
    return header.replace(_BULK_DATA_KEY, _BULK_DATA_KEY + bulk)


def _tag(retrieve: Retrieve, selection: Selection, told: bytes) -> str:
    """Return the entity tag of all headers in this form. NotFound when there are none."""
    digest, found = blake3(_VERSION + told), False
    for ref, header in retrieve.kept_headers(selection):
        found = True
        digest.update(f"|{ref.study}|{ref.series}|{ref.instance}|{len(header)}|".encode())
        digest.update(header)
    if not found:
        raise NotFound(nothing_of(selection))
    return f'"{digest.hexdigest()[:32]}"'
