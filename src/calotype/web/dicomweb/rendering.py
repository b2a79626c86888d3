"""Rendered resources and thumbnails at every level (PS3.18 10.4.1.1.3, 10.4.1.1.4).

What can be seen in which form, and how it looks, is for ``archive.pictures``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from blake3 import blake3
from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.errors import NotFound, Unsupported
from calotype.services.archive.documents import HTML, PDF, REPORT_TYPES, XML
from calotype.services.archive.kinds import is_seen_as, is_video
from calotype.services.archive.pictures import MP4, STILLS, Picture, Pictures, Wish
from calotype.services.archive.ports import StoredInstance
from calotype.web.accept import Form
from calotype.web.addresses import instance_url, path_uid
from calotype.web.charset import UTF_8, chosen_charset, encoded
from calotype.web.dicomweb.context import Context, accepted, negotiate
from calotype.web.dicomweb.departures import admitted
from calotype.web.dicomweb.rendering_parameters import (
    RENDERED_PARAMETERS,
    THUMBNAIL_PARAMETERS,
    asked_of,
    frame_list,
    single_values,
    thumbnail_wish,
)
from calotype.web.dicomweb.wado import selected
from calotype.web.multipart import PartsWriter
from calotype.web.ranges import is_known, not_modified
from calotype.web.streams import ChunkedAnswer, gather
from calotype.web.warnings import together

_RELATED: Final = "multipart/related"
_OF_SEVERAL: Final = (*STILLS, *REPORT_TYPES, PDF, MP4)
"""Media types of the parts in which a study or series is rendered, the default first."""

_HARMLESS: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""What a browser may do with text out of a file: show it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One object, or frame of one, and how to see it."""

    stored: StoredInstance
    wish: Wish
    location: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one request has settled. Not ``named``: nothing may tell whose objects these are."""

    request: Request
    pictures: Pictures
    wish: Wish
    charset: str
    headers: Mapping[str, str]
    named: bool
    is_whole: bool = True
    """Whether nothing of what was asked for stays behind."""


class RenderedResource:
    """A study, series, instance, or frames of one, as pictures, films or text."""

    def __init__(self, context: Context, pictures: Pictures) -> None:
        self._context = context
        self._pictures = pictures

    async def __call__(self, request: Request) -> Response:
        """Answer with one picture, or with several as parts.

        NotFound for what is not here, Unsupported when it cannot be seen in what the client takes. 206 when some of
        a study or series cannot (PS3.18 10.4.3.1).
        """
        parameters = single_values(request.query_params.multi_items(), RENDERED_PARAMETERS)
        asked = asked_of(parameters)
        charset = chosen_charset(parameters.get("charset"), request.headers.get("accept-charset", ""))
        pictures = self._context.pictures(request, self._pictures)
        answer = _Answer(request, pictures, asked.wish, charset, asked.headers, named=pictures is self._pictures)
        located = await self._context.offload(_located, self._context, request)
        if not answer.named and len(located) > 1:
            leave = await self._context.offload.lasting(partial(admitted, self._context.retrieve(request), located))
            answer = replace(answer, headers=together(answer.headers, leave.headers), is_whole=not leave.headers)
            located = list(leave.objects)
        if "instance" in request.path_params:
            return await self._of_one(answer, located[0])
        return await self._of_several(answer, located)

    async def _of_one(self, answer: _Answer, stored: StoredInstance) -> Response:
        context, request = self._context, answer.request
        offered = await context.offload(answer.pictures.media_types, stored)
        frames: list[int | None] = [None]
        if listed := request.path_params.get("frames"):
            frames = list(frame_list(listed))
            offered = tuple(each for each in offered if each in STILLS)
        if not offered:
            raise Unsupported(_why_not(stored))
        alone = [Form(each) for each in offered] if len(frames) == 1 else []
        form = negotiate(accepted(request), [*alone, *(Form(_RELATED, each) for each in offered)])
        if form.essence != _RELATED:
            return await self._alone(answer, stored, replace(answer.wish, media_type=form.essence, frame=frames[0]))
        parts = [
            Part(stored, replace(answer.wish, frame=frame), self._location(answer, stored, frame)) for frame in frames
        ]
        return await self._as_parts(answer, parts, form.content, status=200)

    async def _of_several(self, answer: _Answer, located: Sequence[StoredInstance]) -> Response:
        related = [Form(_RELATED, each) for each in _OF_SEVERAL]
        form = negotiate(accepted(answer.request), [*related, *(Form(each) for each in STILLS)])
        if form.essence != _RELATED:
            # Whoever wants one picture of many gets the one that stands for them.
            one = answer.pictures.representative(located)
            return await self._alone(answer, one, replace(answer.wish, media_type=form.essence))
        seen = [each for each in located if is_seen_as(each, form.content)]
        if not seen:
            raise Unsupported(f"none of these objects can be rendered as {form.content}")
        parts = [Part(each, answer.wish, self._location(answer, each)) for each in seen]
        is_whole = answer.is_whole and len(seen) == len(located)
        return await self._as_parts(answer, parts, form.content, status=200 if is_whole else 206)

    async def _alone(self, answer: _Answer, stored: StoredInstance, wish: Wish) -> Response:
        picture = await self._context.offload(answer.pictures.rendered, stored, wish)
        return picture_answer(
            answer.request, picture, charset=answer.charset, headers=answer.headers, named=answer.named
        )

    def _location(self, answer: _Answer, stored: StoredInstance, frame: int | None = None) -> str:
        """Return the URL of a part; none where it would tell whose it is."""
        if not answer.named:
            return ""
        instance = instance_url(self._context.service_url(answer.request), stored.ref)
        return f"{instance}/frames/{frame}/rendered" if frame else f"{instance}/rendered"

    async def _as_parts(self, answer: _Answer, parts: Sequence[Part], media_type: str, *, status: int) -> Response:
        writer, context = PartsWriter(media_type), self._context
        return await ChunkedAnswer.start(
            context.offload,
            gather(_pieces(answer.pictures, parts, writer), context.settings.chunk_bytes),
            headers={"Content-Type": writer.content_type, "Vary": "Accept", **answer.headers},
            idle_s=context.settings.idle_s,
            status=status,
        )


class ThumbnailResource:
    """A small picture that stands for a study, series, instance or frame."""

    def __init__(self, context: Context, pictures: Pictures) -> None:
        self._context = context
        self._pictures = pictures

    async def __call__(self, request: Request) -> Response:
        """Answer with a picture, whatever the object: of what has no pixels, a drawn one. NotFound."""
        wish = thumbnail_wish(single_values(request.query_params.multi_items(), THUMBNAIL_PARAMETERS))
        if listed := request.path_params.get("frames"):
            wish = replace(wish, frame=frame_list(listed)[0])
        form = negotiate(accepted(request), [Form(each) for each in STILLS])
        pictures = self._context.pictures(request, self._pictures)
        wish = replace(wish, media_type=form.essence)
        picture = await self._context.offload(self._make, pictures, request, wish)
        return picture_answer(request, picture, named=pictures is self._pictures)

    def _make(self, pictures: Pictures, request: Request, wish: Wish) -> Picture:
        return pictures.thumbnail(pictures.representative(_located(self._context, request)), wish)


def _pieces(pictures: Pictures, parts: Sequence[Part], writer: PartsWriter) -> Iterator[bytes]:
    """Yield every picture that can be made; of many objects, those that turn out damaged are left out."""
    made = 0
    for part in parts:
        try:
            picture = pictures.rendered(part.stored, replace(part.wish, media_type=writer.media_type))
        except Unsupported:
            if len(parts) == 1 or part.wish.frame is not None:
                raise
            continue
        made += 1
        yield writer.prefix(picture.media_type, len(picture.data), part.location)
        yield picture.data
    if not made:
        raise Unsupported("none of these objects can be rendered")
    yield writer.end


def picture_answer(
    request: Request,
    picture: Picture,
    *,
    charset: str = UTF_8,
    headers: Mapping[str, str] | None = None,
    named: bool = True,
) -> Response:
    """Return a picture or text as an answer, or 304 when the client has it already.

    Text leaves in ``charset``, XML always in UTF-8. What came out of a file may be shown, and do nothing else. Not
    ``named``, its tag is made of what is seen alone: that of the object would tell which it is.
    """
    data, content_type = picture.data, picture.media_type
    tag = picture.tag if named else blake3(data).hexdigest()[:40]
    answer = dict(headers or {})
    if content_type.startswith("text/"):
        if content_type == XML:
            charset = UTF_8
        elif charset != UTF_8:
            data, charset = encoded(data.decode(), charset, is_html=content_type == HTML)
        content_type, tag = f"{content_type}; charset={charset}", f"{tag}-{charset}"
        answer |= _HARMLESS
    answer |= {"ETag": f'"{tag}"', "Vary": "Accept, Accept-Charset"}
    if is_known(request, answer["ETag"]):
        return not_modified(answer)
    return Response(data, headers={**answer, "Content-Type": content_type})


def _why_not(stored: StoredInstance) -> str:
    """Return why nothing can be seen of an object, and what to do instead."""
    if is_video(stored.location.transfer_syntax):
        return "video is not decoded here: ask for the object, its frames or its bulk data as they are stored"
    return "this object cannot be rendered: there is nothing in it to be seen; ask for the object itself"


def _located(context: Context, request: Request) -> list[StoredInstance]:
    if "study" in request.path_params:
        selection = selected(request)
    else:
        selection = Selection(Level.SERIES, series=(path_uid(request, "series") or UID(""),))
    located = list(context.archive.retrieve.locate(selection))
    if not located:
        raise NotFound("the archive has nothing there to make a picture of")
    return located
