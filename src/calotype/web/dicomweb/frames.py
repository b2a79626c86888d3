"""Frames of one object (PS3.18 10.4.1.1.6): as they are stored, or uncompressed.

A frame is read by offset and length, never the object; several are sent one after the other, one in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.codecs import can_decode
from calotype.dicom.pixels.frames import EncapsulatedFrames, read_frame
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, TRANSFER_SYNTAXES
from calotype.errors import DamagedPixels, NotFound, Unsupported
from calotype.services.archive.looking import Opened
from calotype.services.archive.pictures import Pictures
from calotype.services.archive.ports import StoredInstance
from calotype.web.accept import Form, MediaRange, choose
from calotype.web.dicomweb.context import Context, accepted
from calotype.web.dicomweb.rendering_parameters import frame_list
from calotype.web.dicomweb.wado import selected
from calotype.web.parts import PartsWriter
from calotype.web.streams import ChunkedAnswer, gather

OCTETS: Final = "application/octet-stream"
_RELATED: Final = "multipart/related"
_TYPES: Final = (
    ("image/jpeg", ("50", "51", "57", "70")),
    ("image/jls", ("80", "81")),
    ("image/jp2", ("90", "91")),
    ("image/jpx", ("92", "93")),
    ("image/jxl", ("110", "111", "112")),
    ("image/jphc", ("201", "202", "203")),
    ("video/mpeg", ("100", "100.1", "101", "101.1")),
    ("video/mp4", ("102", "102.1", "103", "103.1", "104", "104.1", "105", "105.1", "106", "106.1", "107", "108")),
)
"""PS3.18 Table 8.7.3-5: media types by the last part of 1.2.840.10008.1.2.4.x."""
MEDIA_TYPES: Final = {
    **{UID("1.2.840.10008.1.2.4." + last): media for media, ends in _TYPES for last in ends},
    UID("1.2.840.10008.1.2.5"): "image/x-dicom-rle",
}
"""The media type of a frame by its transfer syntax; of all others it is octets."""


@dataclass(frozen=True, slots=True)
class _Way:
    """In which form frames leave: ``form`` is what was agreed on, ``syntax`` what they are in."""

    form: Form
    media_type: str
    syntax: UID
    is_decoded: bool

    @property
    def part_type(self) -> str:
        return f"{self.media_type}; transfer-syntax={self.syntax}"


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
        stored, way = await context.offload(self._agree, request, ranges, len(numbers))
        writer = PartsWriter(way.media_type) if way.form.essence == _RELATED else None
        chunks = gather(self._pieces(stored, numbers, way, writer), context.settings.chunk_bytes)
        headers = {"Content-Type": writer.content_type if writer else way.part_type, "Vary": "Accept"}
        return await ChunkedAnswer.start(context.offload, chunks, headers=headers, idle_s=context.settings.idle_s)

    def _agree(self, request: Request, ranges: Sequence[MediaRange], count: int) -> tuple[StoredInstance, _Way]:
        """Return the object and the form that the client wants most of those that it can have."""
        located = list(self._context.archive.retrieve.locate(selected(request)))
        if not located:
            raise NotFound("the archive has no such instance")
        with self._pictures.open(located[0]) as opened:
            description, index = opened.subject.checked()
            codec = opened.subject.codec
            is_encapsulated = isinstance(index, EncapsulatedFrames)
            decodable = not is_encapsulated or can_decode(codec, description)
        ways = list(_ways(codec, ranges, count, is_encapsulated=is_encapsulated, decodable=decodable))
        form = choose(ranges, [way.form for way in ways])
        if form is None:
            told = codec if codec in TRANSFER_SYNTAXES else "an unknown transfer syntax"
            raise Unsupported(
                f"Accept: frames stored in {told} come as they are, by {_RELATED}; type="
                f'"{MEDIA_TYPES.get(codec, OCTETS)}" or by {OCTETS} with transfer-syntax=*'
                + (f"; and as {OCTETS} uncompressed" if decodable else "")
            )
        return located[0], next(way for way in ways if way.form is form)

    def _pieces(
        self, stored: StoredInstance, numbers: Sequence[int], way: _Way, writer: PartsWriter | None
    ) -> Iterator[bytes]:
        with self._pictures.open(stored) as opened:
            _, index = opened.subject.checked()
            for number in numbers:
                index.frame(number)  # all of them are there, or nothing is sent
            for number in numbers:
                size_bytes, pieces = self._frame(opened, number, way)
                if writer is not None:
                    yield writer.prefix(way.part_type, size_bytes)
                yield from pieces
            if writer is not None:
                yield writer.end

    def _frame(self, opened: Opened, number: int, way: _Way) -> tuple[int, Iterator[bytes]]:
        """Return the length of a frame and its bytes."""
        _, index = opened.subject.checked()
        if way.is_decoded:
            frame = self._pictures.decoded_frame(opened, number)
            return len(frame), iter((frame,))
        whole_bytes = isinstance(index, EncapsulatedFrames) or index.frame_bits % 8 == 0
        if not whole_bytes or opened.subject.codec == EXPLICIT_VR_BIG_ENDIAN:
            frame = read_frame(index, number, opened.read_at)
            return len(frame), iter((frame,))
        places = index.frame(number)
        return sum(length for _, length in places), _blocks(opened, places, self._context.settings.chunk_bytes)


def _ways(
    codec: UID, ranges: Sequence[MediaRange], count: int, *, is_encapsulated: bool, decodable: bool
) -> Iterator[_Way]:
    """Yield the forms that frames can leave in and whose transfer syntax the client takes, the default first.

    PS3.18 8.7.3.3.2: octets are uncompressed unless another transfer syntax is asked for.
    """
    for related in (True, False) if count == 1 else (True,):
        octets = Form(_RELATED, OCTETS) if related else Form(OCTETS)
        asked = _syntaxes(ranges, octets)
        if not is_encapsulated:
            if asked & {"", "*", EXPLICIT_VR_LITTLE_ENDIAN}:
                yield _Way(octets, OCTETS, EXPLICIT_VR_LITTLE_ENDIAN, is_decoded=False)
            continue
        if asked & {"*", codec}:
            yield _Way(octets, OCTETS, codec, is_decoded=False)
        elif decodable and asked & {"", EXPLICIT_VR_LITTLE_ENDIAN}:
            yield _Way(octets, OCTETS, EXPLICIT_VR_LITTLE_ENDIAN, is_decoded=True)
        media_type = MEDIA_TYPES.get(codec)
        if media_type is not None:
            named = Form(_RELATED, media_type) if related else Form(media_type)
            if _syntaxes(ranges, named) & {"", "*", codec}:
                yield _Way(named, media_type, codec, is_decoded=False)


def _syntaxes(ranges: Sequence[MediaRange], form: Form) -> set[str]:
    """Return the transfer syntaxes that a client asks for with ``form``; empty text where it names none."""
    return {
        each.media.parameter("transfer-syntax") or "" for each in ranges if each.quality and each.specificity(form)
    }


def _blocks(opened: Opened, places: Sequence[tuple[int, int]], chunk_bytes: int) -> Iterator[bytes]:
    for start, length in places:
        for offset in range(start, start + length, chunk_bytes):
            size_bytes = min(chunk_bytes, start + length - offset)
            piece = opened.read_at(offset, size_bytes)
            if len(piece) != size_bytes:
                raise DamagedPixels(f"a frame needs {size_bytes} bytes at {offset}; {len(piece)} are left")
            yield piece
