"""WADO-RS: retrieve studies, series and instances (PS3.18 10.4.1.1.1).

Objects leave as their files are, or in another transfer syntax that the client takes (``departures``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from functools import partial
from itertools import chain
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.hierarchy import UID, InstanceRef, Selection, SeriesRef, StudyRef
from calotype.errors import NotFound
from calotype.services.archive.forms import AS_IS, Forms
from calotype.services.archive.retrieve import Retrieve
from calotype.web.accept import Form, Syntaxes, accepted_syntaxes
from calotype.web.addresses import path_uid
from calotype.web.dicomweb.context import Context, accepted, negotiate
from calotype.web.dicomweb.departures import (
    Admitted,
    Departure,
    Leaving,
    admitted,
    all_located,
    departures,
    leaving,
    leaving_in_turn,
    none_taken,
)
from calotype.web.dicomweb.zipping import wants_dicomdir, zip_pieces
from calotype.web.lines import Piece, Pieces
from calotype.web.multipart import PartsWriter, object_type, plain
from calotype.web.streams import ChunkedAnswer

MULTIPART: Final = Form("multipart/related", "application/dicom")
SINGLE_PART: Final = Form("application/dicom")
ZIP: Final = Form("application/zip")


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
        form = negotiate(ranges, (MULTIPART, SINGLE_PART, ZIP) if selection.instances else (MULTIPART, ZIP))
        syntaxes = accepted_syntaxes(ranges, form)
        retrieve = context.retrieve(request)
        settle = partial(_planned, context.archive.retrieve, retrieve, selection, syntaxes)
        run = context.offload if retrieve is context.archive.retrieve else context.offload.lasting
        is_whole, objects, told = await run(settle)
        if form is SINGLE_PART:
            return await file_answer(context, leaving(retrieve, next(iter(objects)), context.forms))
        headers = {"Vary": "Accept", **told}
        if form is ZIP:
            dicomdir = wants_dicomdir(request.query_params.get("dicomdir"))
            pieces = zip_pieces(retrieve, objects, context.forms, dicomdir=dicomdir)
            headers["Content-Type"] = ZIP.essence
            headers["Content-Disposition"] = f'attachment; filename="{_file_name(request, selection)}.zip"'
        else:
            writer = PartsWriter(MULTIPART.content)
            pieces = related_parts(retrieve, objects, writer, context.forms)
            headers["Content-Type"] = writer.content_type
        return await ChunkedAnswer.start(
            context.offload,
            pieces,
            status=200 if is_whole else 206,
            headers=headers,
            idle_s=context.settings.idle_s,
        )


async def file_answer(
    context: Context, file: AbstractContextManager[Leaving], headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with one whole file, opened here and closed with the answer; what opening it raises passes through."""
    opened = await context.offload(file.__enter__)
    told = {"Content-Type": object_type(opened.transfer_syntax), "Vary": "Accept"}
    if opened.size_bytes is not None:
        told["Content-Length"] = str(opened.size_bytes)
    return await ChunkedAnswer.start(
        context.offload,
        _closing(opened.blocks, file),
        headers={**told, **(headers or {})},
        idle_s=context.settings.idle_s,
    )


def related_parts(retrieve: Retrieve, objects: Iterable[Departure], writer: PartsWriter, forms: Forms) -> Pieces:
    """Yield a multipart message of whole files."""
    with closing(leaving_in_turn(retrieve, objects, forms)) as files:
        for file in files:
            yield writer.prefix(object_type(file.transfer_syntax), file.size_bytes)
            yield from file.blocks
    yield writer.end


def _planned(
    archive: Retrieve, through: Retrieve, selection: Selection, syntaxes: Syntaxes
) -> tuple[bool, Iterable[Departure], Mapping[str, str]]:
    """Return whether all objects leave, how each does that the client takes, and headers that tell of the others.

    Where that is every one as it is stored, they are located as they leave. Otherwise all plans come first, some
    hundred bytes each: the status says whether the client gets all of them. ``through`` is where they leave.
    """
    if syntaxes.is_anything and through is archive:
        located = archive.locate(selection)
        first = next(located, None)
        if first is None:
            raise NotFound(nothing_of(selection))
        return True, (Departure(stored, AS_IS) for stored in chain((first,), located)), {}
    listed = all_located(archive, selection, nothing_of(selection))
    leave = Admitted(listed, {}) if through is archive else admitted(through, listed)
    planned = departures(archive, selection, leave.objects, syntaxes)
    if not planned:
        raise none_taken(leave.objects)
    return len(planned) == len(listed), planned, leave.headers


def _file_name(request: Request, selection: Selection) -> str:
    """Return a name for a file of all that is selected; of what is de-identified, none that tells its UIDs."""
    if "anonymize" in request.query_params or "anonymise" in request.query_params:
        return "dicom"
    return plain((selection.instances or selection.series or selection.studies)[0]) or "dicom"


def _closing(blocks: Iterator[Piece], file: AbstractContextManager[Leaving]) -> Pieces:
    with ExitStack() as stack:
        stack.push(file)
        yield from blocks


def nothing_of(selection: Selection) -> str:
    """Return in words that there is nothing of this name."""
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
