"""WADO-URI: one object by query parameters, as itself or as it can be seen (PS3.18 9), at ``/wado``.

Nothing is made here that WADO-RS does not make, too: objects leave as its ``departures``, pictures and text come from
``archive.pictures``, and whoever must not know the patient gets both through ``archive.anonymous``.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.pixels.codec_table import CODECS, Fidelity
from calotype.dicom.pixels.options import EncodeOptions
from calotype.errors import InvalidRequest, NotFound, Unsupported
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.anonymous import AnonymousRetrieve
from calotype.services.archive.kinds import is_presentation_state
from calotype.services.archive.pictures import MP4, STILLS, Pictures, Visible
from calotype.services.archive.ports import StoredInstance
from calotype.services.archive.retrieve import Retrieve
from calotype.web.accept import ANYTHING, Form, MediaRange, Syntaxes, choose, parse_accept
from calotype.web.addresses import instance_url, service_url
from calotype.web.charset import chosen_charset
from calotype.web.dicomweb.context import Context
from calotype.web.dicomweb.departures import Leaving, departures, leaving, leaving_lossily
from calotype.web.dicomweb.rendering import picture_answer
from calotype.web.dicomweb.wado import file_answer
from calotype.web.multipart import plain
from calotype.web.wado_uri_parameters import DICOM, UriRequest, uri_request

PATHS: Final = ("/wado", "/dicomweb/wado", "/dicom-web/wado")
"""Ours, and where clients look that know nothing but the address of DICOMweb."""

_EXTENSIONS: Final = {DICOM: ".dcm", "image/jpeg": ".jpg", "image/jp2": ".jp2", "model/stl": ".stl"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where an answer comes from: the archive, or the same without patients."""

    retrieve: Retrieve
    pictures: Pictures | None


class UriResource:
    """The one resource of WADO-URI."""

    def __init__(self, context: Context, pictures: Pictures | None, anonymiser: Anonymiser | None) -> None:
        self._context = context
        self._pictures = pictures
        self._anonymiser = anonymiser

    async def __call__(self, request: Request) -> Response:
        """Answer with an object, a picture of it, a film or text.

        InvalidRequest for parameters, NotFound for what is not here or not of that study and series, Unsupported
        when nothing fits ``contentType`` and ``Accept``, Refused when an object cannot leave without its patient.
        """
        asked = uri_request(request.query_params.multi_items())
        charset = chosen_charset(asked.charset, request.headers.get("accept-charset", ""))
        context = self._context
        source = self._source(asked)
        stored, visible = await context.offload(self._found, source, asked)
        media_type = _chosen(asked, _accepted(request), _forms(visible, asked))
        headers = self._headers(request, asked, stored, media_type)
        if media_type == DICOM:
            file = await context.offload(self._leaving, source, stored, asked)
            return await file_answer(context, file, headers)
        if source.pictures is None:
            raise Unsupported(f"pictures are not made here; ask for contentType={DICOM}")
        wish = replace(asked.asked.wish, media_type=media_type)
        frames = visible.number_of_frames
        if wish.frame is not None and (wish.frame > frames or media_type not in {*STILLS, MP4}):
            # 9.5.2.1 makes it 400, not 404: the resource is there, the parameter is wrong.
            raise InvalidRequest(f"frameNumber: {wish.frame}, of {frames}")
        if asked.presentation is not None:
            wish = replace(wish, presentation=await context.offload(self._presentation, *asked.presentation))
        picture = await context.offload(source.pictures.rendered, stored, wish)
        told = headers | asked.asked.headers
        return picture_answer(request, picture, charset=charset, headers=told, named=not asked.is_anonymous)

    def _found(self, source: Source, asked: UriRequest) -> tuple[StoredInstance, Visible]:
        found = next(iter(self._context.archive.retrieve.locate(Selection.of(asked.ref))), None)
        if found is None:
            raise NotFound(f"the archive has no object {asked.ref.instance} in that study and series")
        return found, self._visible(source, found, asked)

    def _source(self, asked: UriRequest) -> Source:
        retrieve, pictures = self._context.archive.retrieve, self._pictures
        if not asked.is_anonymous:
            return Source(retrieve, pictures)
        if self._anonymiser is None:
            raise Unsupported("anonymize: objects are not de-identified here")
        hidden = AnonymousRetrieve(retrieve, self._anonymiser, each=self._context.forms.each)
        return Source(hidden, None if pictures is None else pictures.through(hidden))

    def _visible(self, source: Source, stored: StoredInstance, asked: UriRequest) -> Visible:
        """Return what of an object can be seen; what is damaged can be had as it is."""
        if source.pictures is None or asked.wants_dicom:
            return Visible(())
        try:
            return source.pictures.visible(stored)
        except Unsupported:
            if asked.content_types:
                raise
            return Visible(())

    def _presentation(self, series: UID, instance: UID) -> UID:
        """Check that a presentation state is where the request says (9.5.2.3: else 400)."""
        retrieve = self._context.archive.retrieve
        found = next(iter(retrieve.locate(Selection(Level.IMAGE, series=(series,), instances=(instance,)))), None)
        if found is not None and is_presentation_state(found.sop_class):
            return instance
        raise InvalidRequest("presentationUID: the archive has no such presentation state in that series")

    def _leaving(self, source: Source, stored: StoredInstance, asked: UriRequest) -> AbstractContextManager[Leaving]:
        context, to = self._context, asked.transfer_syntax
        syntaxes = Syntaxes(frozenset({to})) if to else Syntaxes()
        # By the object itself: what is done to it for its patient's sake leaves the kind of its pixels alone.
        planned = departures(context.archive.retrieve, Selection.of(stored.ref), [stored], syntaxes)
        if planned:
            return leaving(source.retrieve, planned[0], context.forms)
        codec = CODECS.get(to)
        if codec is None or codec.encoder is None or codec.fidelity is not Fidelity.LOSSY:
            kept = plain(stored.location.transfer_syntax)
            raise Unsupported(f"transferSyntax: what is stored in {kept} cannot be had in {to}; * is the stored one")
        loss = EncodeOptions(jpeg_quality=asked.asked.wish.quality)
        return leaving_lossily(source.retrieve, stored, to, context.forms, loss)

    def _headers(
        self, request: Request, asked: UriRequest, stored: StoredInstance, media_type: str
    ) -> dict[str, str]:
        extension = _EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type) or ""
        if asked.is_anonymous:
            # The true UID would tell whose it is.
            return {"Content-Disposition": f'inline; filename="anonymous{extension}"'}
        service = service_url(request, self._context.settings.public_url)
        location = instance_url(service, stored.ref)
        return {
            "Content-Disposition": f'inline; filename="{plain(stored.ref.instance)}{extension}"',
            "Content-Location": location if media_type == DICOM else f"{location}/rendered",
        }


def install(app: FastAPI, context: Context, pictures: Pictures | None, anonymiser: Anonymiser | None) -> None:
    """Add the resource to ``app``."""
    resource = UriResource(context, pictures, anonymiser)
    for path in PATHS:
        app.add_route(path, resource.__call__, methods=["GET"], include_in_schema=False)


def _accepted(request: Request) -> tuple[MediaRange, ...]:
    headers = request.headers.getlist("accept")
    return parse_accept(", ".join(headers)) if headers else ANYTHING


def _forms(visible: Visible, asked: UriRequest) -> list[str]:
    """Return in which media types an object comes, the default first (PS3.18 9.3, Tables 8.7.2-1 and 8.7.4-1).

    One frame is shown, and so is whatever is wished to be seen in some way; of several frames, and of what is neither
    image nor text, the object itself is the default.
    """
    is_one = visible.number_of_frames <= 1 or asked.is_rendering
    return [*visible.media_types, DICOM] if is_one else [DICOM, *visible.media_types]


def _chosen(asked: UriRequest, accepted: Sequence[MediaRange], forms: Sequence[str]) -> str:
    """Return the media type to answer in. Unsupported (406) when none fits both ``contentType`` and ``Accept``.

    ``contentType`` decides, its first before its next; ``Accept`` must allow it (8.3.3.1).
    """
    if asked.wants_dicom:
        forms = [DICOM]
    allowed = [form for form in forms if choose(accepted, (Form(form),)) is not None]
    if not asked.content_types:
        best = choose(accepted, [Form(form) for form in allowed])
        if best is not None:
            return best.essence
    for wanted in sorted(asked.content_types, key=lambda each: -each.quality):
        for form in allowed:
            if wanted.quality and wanted.media.covers(form):
                return form
    raise Unsupported(f"contentType, Accept: this object comes as {', '.join(forms)}")
