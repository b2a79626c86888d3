"""Bulk data (PS3.18 10.4.1.1.5) and pixel data (10.4.1.1.7): values that metadata refer to by address.

One value comes as a part or alone, then by ranges too; all of an instance, series or study come as parts, each with
the address that metadata have for it. Values are bytes in little endian (8.7.3.3.2). Pixel Data in fragments is
frames: a part for each, or all of them uncompressed in one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import orjson
from blake3 import blake3
from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.pixels.description import PIXEL_DATA
from calotype.dicom.uids import transfer_syntax
from calotype.errors import InvalidRequest, NotFound, Unavailable, Unsupported
from calotype.services.archive import bulk
from calotype.services.archive.bulk import BulkValue, Path
from calotype.services.archive.looking import Opened
from calotype.services.archive.pictures import Pictures
from calotype.services.archive.ports import StoredInstance
from calotype.web.accept import Form, MediaRange, choose
from calotype.web.addresses import instance_url
from calotype.web.dicomweb.context import Context, accepted, negotiate
from calotype.web.dicomweb.departures import all_located, description_in
from calotype.web.dicomweb.wado import nothing_of, selected
from calotype.web.dicomweb.ways import OCTETS, RELATED, Making, Pixels, Way, choose_way, frame_parts
from calotype.web.lines import Pieces, Stretch
from calotype.web.multipart import PartsWriter
from calotype.web.ranges import is_known, not_modified, part_of
from calotype.web.streams import ChunkedAnswer

_AS_PARTS: Final = Form(RELATED, OCTETS)
_ALONE: Final = Form(OCTETS)
_PIXELS: Final = frozenset({"7FE00008", "7FE00009", "7FE00010"})


@dataclass(frozen=True, slots=True)
class _Frames:
    """Pixel Data in fragments, and the form in which it leaves."""

    way: Way
    numbers: Sequence[int]

    @property
    def is_one(self) -> bool:
        """Whether all is one part."""
        return self.way.making is Making.DECODE


class BulkdataResource:
    """One value of one object."""

    def __init__(self, context: Context, pictures: Pictures) -> None:
        self._context = context
        self._pictures = pictures

    async def __call__(self, request: Request) -> Response:
        """Answer with a value: as a part, or alone and by ranges where the client takes octets or asks for a range.

        NotFound when it is not here, Unsupported when the client takes no form that it can have.
        """
        context = self._context
        _check_open(context, request)
        path = bulk.parse_path(request.path_params["reference"])
        ranges = accepted(request)
        is_ranged = "range" in request.headers
        stored, found = await context.offload(partial(self._find, alone_first=is_ranged), request, path, ranges)
        if isinstance(found, _Frames):
            return await self._frames(request, stored, found)
        forms = (_ALONE, _AS_PARTS) if is_ranged else (_AS_PARTS, _ALONE)
        form = negotiate(ranges, forms)
        tag = _tag(stored, path, form.essence)
        headers = {"Vary": "Accept", "ETag": tag}
        if is_known(request, tag):
            return not_modified(headers)
        if form is _ALONE:
            part = part_of(request, found.size_bytes, tag)
            if isinstance(part, Response):
                return part
            pieces = value_pieces(context, stored, found, part.start, part.stop)
            return await self._answer(pieces, {**headers, **part.headers, "Content-Type": OCTETS}, part.status)
        writer = PartsWriter(OCTETS)
        here = str(request.url.path)

        def related() -> Pieces:
            yield writer.prefix(OCTETS, found.size_bytes, f"{context.service_url(request)}{_below(here)}")
            yield from value_pieces(context, stored, found, 0, found.size_bytes)
            yield writer.end

        return await self._answer(related(), {**headers, "Content-Type": writer.content_type})

    def _find(
        self, request: Request, path: Path, ranges: Sequence[MediaRange], *, alone_first: bool
    ) -> tuple[StoredInstance, BulkValue | _Frames]:
        stored = next(self._context.archive.retrieve.locate(selected(request)), None)
        if stored is None:
            raise NotFound(nothing_of(selected(request)))
        current, found = bulk.find(self._context.archive.retrieve, stored, path)
        if not found.in_fragments or path != (PIXEL_DATA,):
            return current, found
        with self._pictures.open(current) as opened:
            return current, _frames_of(opened, ranges, alone=True, alone_first=alone_first)

    async def _frames(self, request: Request, stored: StoredInstance, frames: _Frames) -> Response:
        way = frames.way
        headers = {"Vary": "Accept", "ETag": _tag(stored, (PIXEL_DATA,), f"{way.form} {way.syntax}")}
        if is_known(request, headers["ETag"]):
            return not_modified(headers)
        if way.is_related:
            writer = PartsWriter(way.media_type)
            pieces = _ended(_value_of_frames(self._pictures, stored, frames, writer, ""), writer)
            return await self._answer(pieces, {**headers, "Content-Type": writer.content_type})
        headers["Content-Type"] = way.part_type
        if way.making is not Making.NOTHING:
            return await self._answer(_value_of_frames(self._pictures, stored, frames, None, ""), headers)
        # The one frame, or a video, as it is stored: players ask for ranges of it.
        _, value = await self._context.offload(bulk.find, self._context.archive.retrieve, stored, (PIXEL_DATA,))
        part = part_of(request, value.size_bytes, headers["ETag"])
        if isinstance(part, Response):
            return part
        pieces = value_pieces(self._context, stored, value, part.start, part.stop)
        return await self._answer(pieces, {**headers, **part.headers}, part.status)

    async def _answer(self, pieces: Pieces, headers: dict[str, str], status: int = 200) -> Response:
        context = self._context
        return await ChunkedAnswer.start(
            context.offload, pieces, headers=headers, idle_s=context.settings.idle_s, status=status
        )


class AllBulkdataResource:
    """All bulk data of an instance, a series or a study; with ``pixels_only``, the pixels."""

    def __init__(self, context: Context, pictures: Pictures, *, pixels_only: bool) -> None:
        self._context = context
        self._pictures = pictures
        self._pixels_only = pixels_only

    async def __call__(self, request: Request) -> Response:
        """Answer with a part for each value, or for each frame of compressed pixels.

        200 with all, 206 with those that the client takes; NotFound when there are none, Unsupported when the client
        takes no form of them.
        """
        context = self._context
        _check_open(context, request)
        ranges = accepted(request)
        plan, media_type, complete = await context.offload(self._plan, request, ranges)
        writer = PartsWriter(media_type)
        return await ChunkedAnswer.start(
            context.offload,
            self._parts(plan, ranges, writer, context.service_url(request)),
            headers={"Content-Type": writer.content_type, "Vary": "Accept"},
            idle_s=context.settings.idle_s,
            status=200 if complete else 206,
        )

    def _plan(
        self, request: Request, ranges: Sequence[MediaRange]
    ) -> tuple[list[tuple[StoredInstance, str]], str, bool]:
        """Return which values leave, of which media type, and whether these are all. Nothing is opened."""
        retrieve, selection = self._context.archive.retrieve, selected(request)
        located = {stored.ref: stored for stored in all_located(retrieve, selection, nothing_of(selection))}
        takes_octets = choose(ranges, (_AS_PARTS,)) is not None
        found: list[tuple[StoredInstance, str, str]] = []
        refusal: Unsupported | None = None
        for ref, header in retrieve.headers(selection):
            stored = located.get(ref)
            if stored is None:
                continue
            for path in bulk.paths_in(header):
                if self._pixels_only and path not in _PIXELS:
                    continue
                media_type = OCTETS if takes_octets else ""
                if path == f"{PIXEL_DATA:08X}":
                    try:
                        media_type = choose_way(_pixels_in(stored, header), ranges, alone=False).media_type
                    except Unsupported as error:
                        media_type, refusal = "", error
                found.append((stored, path, media_type))
        if not found:
            raise NotFound("there are no pixels in it" if self._pixels_only else "there are no bulk data in it")
        chosen = next((media_type for _, _, media_type in found if media_type), "")
        if not chosen:
            raise refusal or Unsupported(f"Accept: bulk data come as {_AS_PARTS}")
        plan = [(stored, path) for stored, path, media_type in found if media_type == chosen]
        return plan, chosen, len(plan) == len(found)

    def _parts(
        self,
        plan: Sequence[tuple[StoredInstance, str]],
        ranges: Sequence[MediaRange],
        writer: PartsWriter,
        service: str,
    ) -> Pieces:
        retrieve = self._context.archive.retrieve
        for stored, reference in plan:
            location = f"{instance_url(service, stored.ref)}/bulkdata/{reference}"
            path = bulk.parse_path(reference)
            current, value = bulk.find(retrieve, stored, path)
            if value.in_fragments and path == (PIXEL_DATA,):
                with self._pictures.open(current) as opened:
                    frames = _frames_of(opened, ranges, alone=False)
                yield from _value_of_frames(self._pictures, current, frames, writer, location)
                continue
            yield writer.prefix(OCTETS, value.size_bytes, location)
            yield from value_pieces(self._context, current, value, 0, value.size_bytes)
        yield writer.end


def _check_open(context: Context, request: Request) -> None:
    """Refuse single values of what is to be de-identified: which of them may leave is decided for whole objects."""
    if context.deidentify(request) is not None:
        raise Unsupported("anonymize: bulk data are not de-identified one by one; ask for objects or frames")


def _frames_of(opened: Opened, ranges: Sequence[MediaRange], *, alone: bool, alone_first: bool = False) -> _Frames:
    _, index = opened.subject.checked()
    count = index.number_of_frames
    way = choose_way(Pixels.of(opened), ranges, alone=alone, alone_first=alone_first)
    if not way.is_related and count > 1 and way.making is not Making.DECODE:
        way = choose_way(Pixels.of(opened), ranges, alone=False)
    return _Frames(way, range(1, count + 1))


def _pixels_in(stored: StoredInstance, header: bytes) -> Pixels:
    """Return what a header in DICOM JSON says of pixels. Unsupported when that makes no sense."""
    syntax = stored.location.transfer_syntax
    try:
        return Pixels(syntax, transfer_syntax(syntax).encapsulated, description_in(orjson.loads(header)))
    except InvalidRequest as error:
        raise Unsupported(f"the object's pixels are damaged: {error}") from error


def _value_of_frames(
    pictures: Pictures, stored: StoredInstance, frames: _Frames, writer: PartsWriter | None, location: str
) -> Pieces:
    """Yield frames as parts, uncompressed ones as one; without a ``writer`` the bytes alone."""
    way = frames.way
    with pictures.open(stored) as opened:
        if not frames.is_one:
            yield from frame_parts(pictures, opened, frames.numbers, way, writer, location=location)
            return
        if writer is not None:
            yield writer.prefix(way.part_type, None, location)
        yield from _decoded(pictures, opened, frames.numbers)


def _ended(pieces: Pieces, writer: PartsWriter) -> Pieces:
    yield from pieces
    yield writer.end


def _decoded(pictures: Pictures, opened: Opened, numbers: Sequence[int]) -> Iterator[bytes]:
    """Yield frames as uncompressed Pixel Data has them: single bits without a gap."""
    from calotype.dicom.pixels.native import BitPacker  # numpy: loaded with the first pixels

    description, _ = opened.subject.checked()
    frame_bits = description.samples * description.bits_allocated
    packer = BitPacker() if frame_bits % 8 else None
    for number in numbers:
        frame = pictures.decoded_frame(opened, number)
        if joined := frame if packer is None else packer.add(frame, frame_bits):
            yield joined
    if packer is not None and (rest := packer.rest()):
        yield rest


def value_pieces(context: Context, stored: StoredInstance, value: BulkValue, start: int, stop: int) -> Pieces:
    """Yield bytes ``start`` to ``stop`` of a value of exactly this object. NotFound when it has gone."""
    with context.archive.retrieve.open(stored) as reader:
        base = stored.location.data_offset
        if value.inflated is not None:
            for at, length in _within(value, start, stop):
                yield value.inflated[at : at + length]
        elif value.word_bytes > 1:
            yield from _checked(bulk.swapped(reader, base, value, start, stop), stop - start)
        else:
            for at, length in _within(value, start, stop):
                yield Stretch(reader, base + at, length)


def _checked(blocks: Iterator[bytes], size_bytes: int) -> Iterator[bytes]:
    for block in blocks:
        size_bytes -= len(block)
        yield block
    if size_bytes:
        raise Unavailable(f"an object ends {size_bytes} bytes too early")


def _within(value: BulkValue, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the places of bytes ``start`` to ``stop`` of a value."""
    position = 0
    for offset, length in value.places:
        first, last = max(start, position), min(stop, position + length)
        if first < last:
            yield offset + first - position, last - first
        position += length


def _tag(stored: StoredInstance, path: Path, form: str) -> str:
    location = stored.location
    told = (
        location.digest,
        location.key.encode(),
        location.transfer_syntax.encode(),
        repr(path).encode(),
        form.encode(),
    )
    return f'"{blake3(b"|".join(told)).hexdigest()[:32]}"'


def _below(path: str) -> str:
    """Return what of a path stands below the service."""
    at = path.index("/studies/")
    return path[at:]
