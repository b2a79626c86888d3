"""Rendered resources and thumbnails at every level (PS3.18 10.4.1.1.3, 10.4.1.1.4).

What can be seen in which form, and how it looks, is for ``archive.pictures``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.errors import NotFound, Unsupported
from calotype.services.archive.pictures import STILLS, Picture, Pictures, Wish
from calotype.services.archive.ports import StoredInstance
from calotype.web.accept import Form
from calotype.web.addresses import path_uid
from calotype.web.dicomweb.context import Context, accepted, negotiate
from calotype.web.dicomweb.rendering_parameters import frame_list, thumbnail_wish, wish_of
from calotype.web.dicomweb.wado import selected
from calotype.web.parts import PartsWriter
from calotype.web.streams import ChunkedAnswer, gather

_RELATED = "multipart/related"


class RenderedResource:
    """A study, series, instance, or frames of one, as pictures."""

    def __init__(self, context: Context, pictures: Pictures) -> None:
        self._context = context
        self._pictures = pictures

    async def __call__(self, request: Request) -> Response:
        """Answer with one picture, or with several as parts.

        NotFound for what is not here, Unsupported when it cannot be seen in what the client takes.
        """
        context = self._context
        wish = wish_of(request.query_params)
        located = await context.offload(_located, context, request)
        ranges = accepted(request)
        if "instance" in request.path_params:
            listed = request.path_params.get("frames")
            wishes = [replace(wish, frame=number) for number in frame_list(listed)] if listed else [wish]
            offered = await context.offload(self._pictures.media_types, located[0])
            if listed:
                offered = tuple(each for each in offered if each in STILLS)
            parts = [(located[0], each) for each in wishes]
            single = located[0]
        else:
            offered = STILLS
            parts = [(each, wish) for each in located]
            single = self._pictures.representative(located)
        related = [Form(_RELATED, each) for each in offered]
        alone = [Form(each) for each in offered]
        if not offered:
            raise Unsupported("this object cannot be rendered")
        if "instance" not in request.path_params:
            forms = [*related, *alone]
        else:
            forms = [*alone, *related] if len(parts) == 1 else related
        form = negotiate(ranges, forms)
        if form.essence != _RELATED:
            chosen = replace(parts[0][1], media_type=form.essence)
            return _answer(request, await context.offload(self._pictures.rendered, single, chosen))
        return await self._several(parts, form.content)

    async def _several(self, parts: Sequence[tuple[StoredInstance, Wish]], media_type: str) -> Response:
        writer = PartsWriter(media_type)
        context = self._context
        chunks = gather(self._parts(parts, writer), context.settings.chunk_bytes)
        headers = {"Content-Type": writer.content_type, "Vary": "Accept"}
        return await ChunkedAnswer.start(context.offload, chunks, headers=headers, idle_s=context.settings.idle_s)

    def _parts(self, parts: Sequence[tuple[StoredInstance, Wish]], writer: PartsWriter) -> Iterator[bytes]:
        """Yield every picture that can be made; of many objects, those that cannot be seen are left out."""
        made = 0
        for stored, wish in parts:
            try:
                picture = self._pictures.rendered(stored, replace(wish, media_type=writer.media_type))
            except Unsupported:
                if len(parts) == 1 or wish.frame is not None:
                    raise
                continue
            made += 1
            yield writer.prefix(picture.media_type, len(picture.data))
            yield picture.data
        if not made:
            raise Unsupported("none of these objects can be rendered")
        yield writer.end


class ThumbnailResource:
    """A small picture that stands for a study, series, instance or frame."""

    def __init__(self, context: Context, pictures: Pictures) -> None:
        self._context = context
        self._pictures = pictures

    async def __call__(self, request: Request) -> Response:
        """Answer with a picture, whatever the object: of what has no pixels, a drawn one. NotFound."""
        wish = thumbnail_wish(request.query_params)
        if listed := request.path_params.get("frames"):
            wish = replace(wish, frame=frame_list(listed)[0])
        form = negotiate(accepted(request), [Form(each) for each in STILLS])
        return _answer(
            request, await self._context.offload(self._make, request, replace(wish, media_type=form.essence))
        )

    def _make(self, request: Request, wish: Wish) -> Picture:
        located = _located(self._context, request)
        return self._pictures.thumbnail(self._pictures.representative(located), wish)


def _located(context: Context, request: Request) -> list[StoredInstance]:
    if "study" in request.path_params:
        selection = selected(request)
    else:
        selection = Selection(Level.SERIES, series=(path_uid(request, "series") or UID(""),))
    located = list(context.archive.retrieve.locate(selection))
    if not located:
        raise NotFound("the archive has nothing there to make a picture of")
    return located


def _answer(request: Request, picture: Picture) -> Response:
    tag = f'"{picture.tag}"'
    headers = {"ETag": tag, "Vary": "Accept"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(picture.data, headers=headers, media_type=picture.media_type)
