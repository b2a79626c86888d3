"""Frames of one object (PS3.18 10.4.1.1.6): as they are stored, uncompressed, or in another transfer syntax."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from calotype.errors import NotFound
from calotype.services.archive.pictures import Pictures
from calotype.services.archive.ports import StoredInstance
from calotype.web.accept import MediaRange
from calotype.web.dicomweb.context import Context, accepted
from calotype.web.dicomweb.rendering_parameters import frame_list
from calotype.web.dicomweb.wado import selected
from calotype.web.dicomweb.ways import Pixels, Way, choose_way, frame_parts
from calotype.web.lines import Pieces
from calotype.web.multipart import PartsWriter
from calotype.web.streams import ChunkedAnswer


class FramesResource:
    """One or several frames of one object."""

    def __init__(self, context: Context, pictures: Pictures) -> None:
        self._context = context
        self._pictures = pictures

    async def __call__(self, request: Request) -> Response:
        """Answer with a part for each frame, or with one frame alone where the client asks for that.

        NotFound when object or frame is not here, Unsupported when the client takes no form that it can have.
        """
        context = self._context
        numbers = frame_list(request.path_params["frames"])
        ranges = accepted(request)
        pictures = context.pictures(request, self._pictures)
        stored, way = await context.offload(self._agree, request, pictures, ranges, numbers)
        writer = PartsWriter(way.media_type) if way.is_related else None
        headers = {"Content-Type": writer.content_type if writer else way.part_type, "Vary": "Accept"}
        pieces = _pieces(pictures, stored, numbers, way, writer)
        return await ChunkedAnswer.start(context.offload, pieces, headers=headers, idle_s=context.settings.idle_s)

    def _agree(
        self, request: Request, pictures: Pictures, ranges: Sequence[MediaRange], numbers: Sequence[int]
    ) -> tuple[StoredInstance, Way]:
        """Return the object and the form that the client wants most of those that it can have."""
        stored = next(self._context.archive.retrieve.locate(selected(request)), None)
        if stored is None:
            raise NotFound("the archive has no such instance")
        with pictures.open(stored) as opened:
            way = choose_way(Pixels.of(opened), ranges, alone=len(numbers) == 1)
            _, index = opened.subject.checked()
            for number in numbers:
                index.frame(number)  # all of them are there, or nothing is sent
        return stored, way


def _pieces(
    pictures: Pictures, stored: StoredInstance, numbers: Sequence[int], way: Way, writer: PartsWriter | None
) -> Pieces:
    with pictures.open(stored) as opened:
        yield from frame_parts(pictures, opened, numbers, way, writer)
        if writer is not None:
            yield writer.end
