"""Pictures of stored objects: rendered frames, thumbnails, cine, documents. What WADO, the interface and print call.

Decides what is shown of what, keeps the results (:class:`PictureCache`) under names that say all of them, and bounds
the work on pixels, whatever the number of callers. Who draws is ``drawing``, what can be wished for ``wishes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol

from blake3 import blake3

from calotype.dicom.hierarchy import UID, Selection
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import InvalidRequest, NotFound, Unsupported
from calotype.services.archive.cine import Cine, NoCine
from calotype.services.archive.documents import read_document
from calotype.services.archive.drawing import HERE, Decoding, Drawing
from calotype.services.archive.findings import Findings
from calotype.services.archive.forms import is_costly, makers
from calotype.services.archive.kinds import is_image, is_presentation_state
from calotype.services.archive.looking import Looking, Opened
from calotype.services.archive.naming import name_of_result
from calotype.services.archive.ports import Index, StoredInstance
from calotype.services.archive.retrieve import Retrieve
from calotype.services.archive.wishes import (
    DEFAULT_QUALITY,
    DEFAULT_THUMBNAIL_PX,
    GIF,
    JP2,
    JPEG,
    MP4,
    PNG,
    STILLS,
    Burn,
    Wish,
)
from calotype.services.archive.workshop import Workshop

_THUMBNAIL_QUALITY: Final = 80
_PIXEL_TYPES: Final = frozenset({*STILLS, MP4})
_WITH_PROFILES: Final = frozenset({JPEG, PNG})
_VERSION: Final = b"2"
"""Change it when the same parameters make another picture, so that what was kept is not shown again."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished file. ``tag`` names exactly this one, as long as object and parameters are the same."""

    data: bytes
    media_type: str
    tag: str


@dataclass(frozen=True, slots=True)
class Visible:
    """What can be seen of an object: in which forms, the default first, and how many frames it has."""

    media_types: tuple[str, ...]
    number_of_frames: int = 0


class PictureCache(Protocol):
    """Keeps what was made under a key that says all of it. Thread-safe; never fails, it forgets."""

    def get(self, key: str) -> bytes | None:
        """Return what was kept, ``None`` when nothing is."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data``; the oldest goes when there is too much."""
        ...


class NoCache:
    """Keeps nothing."""

    def get(self, _key: str) -> bytes | None:
        """Return nothing."""
        return None

    def put(self, _key: str, _data: bytes) -> None:
        """Forget it."""


class Pictures:
    """Makes pictures. Thread-safe.

    ``turn`` bounds how many work at one time (``Workshop.turn``); without it that is one per processor.
    """

    def __init__(
        self,
        retrieve: Retrieve,
        index: Index,
        *,
        findings: Findings | None = None,
        cache: PictureCache | None = None,
        cine: Cine | None = None,
        turn: Callable[[], AbstractContextManager[object]] | None = None,
        decoding: Decoding = HERE,
    ) -> None:
        self._index = index
        self._retrieve = retrieve
        self._looking = Looking(retrieve, findings, decode=decoding.decode)
        self._decoding = decoding
        self._cache = cache or NoCache()
        self._cine = cine or NoCine()
        self._drawing = Drawing(self._looking, decoding, self._cine, findings)
        self._turn = turn or Workshop().turn

    def through(self, retrieve: Retrieve) -> Pictures:
        """Return a maker of pictures of what ``retrieve`` opens in the place of what is stored; it keeps nothing."""
        return Pictures(retrieve, self._index, cine=self._cine, turn=self._turn, decoding=self._decoding)

    def visible(self, stored: StoredInstance) -> Visible:
        """Return what can be seen of an object.

        NotFound when it is gone, Unsupported when it is too damaged to look into.
        """
        if is_presentation_state(stored.sop_class):
            return Visible(STILLS)
        with self._looking.open(stored) as opened:
            return Visible(self._drawing.media_types(opened), opened.subject.number_of_frames)

    def media_types(self, stored: StoredInstance) -> tuple[str, ...]:
        """Return in which forms an object can be seen, see :meth:`visible`."""
        return self.visible(stored).media_types

    def rendered(self, stored: StoredInstance, wish: Wish) -> Picture:
        """Return an object as it is wished for.

        InvalidRequest for parameters that make no sense for it, NotFound when there is no such frame, Unsupported
        when it cannot be shown in that form.
        """
        if wish.media_type not in _PIXEL_TYPES:
            return self._document(stored, wish.media_type)
        if is_presentation_state(stored.sop_class) and wish.presentation is None:
            return self.rendered(*self._presented(stored, wish))
        if wish.colour_space not in {"", "no"} and wish.media_type not in _WITH_PROFILES:
            raise InvalidRequest(f"iccprofile={wish.colour_space}: {wish.media_type} carries no colour profile here")
        if self._decoding.is_always_forced:
            wish = replace(wish, is_forced=True)
        state = self._state(wish.presentation)
        key = _key(stored, wish, state)
        return self._kept(key, wish.media_type, lambda: self._drawing.draw(stored, wish, state))

    def thumbnail(self, stored: StoredInstance, wish: Wish) -> Picture:
        """Return a small picture of any object: its middle frame without overlays, or a drawn sheet of paper.

        ``fit`` is its size (default: :data:`DEFAULT_THUMBNAIL_PX` each way), ``media_type`` its form.
        """
        fit = wish.fit or (DEFAULT_THUMBNAIL_PX, DEFAULT_THUMBNAIL_PX)
        wish = Wish(wish.media_type, wish.frame, fit=fit, quality=min(wish.quality, _THUMBNAIL_QUALITY))
        key = _key(stored, wish, None, kind=b"thumbnail")
        return self._kept(key, wish.media_type, lambda: self._drawing.thumbnail(stored, wish))

    def representative(self, located: Sequence[StoredInstance]) -> StoredInstance:
        """Return the object that stands for a series or study: the middle one of the first series with images."""
        if not located:
            raise NotFound("there is nothing to make a picture of")
        images = [each for each in located if is_image(each.sop_class)] or list(located)
        first = [each for each in images if each.ref.series == images[0].ref.series]
        return first[len(first) // 2]

    @contextmanager
    def open(self, stored: StoredInstance) -> Iterator[Opened]:
        """Lend an object for its frames as they are stored. See ``looking``."""
        with self._looking.open(stored) as opened:
            yield opened

    def decoded_frame(self, opened: Opened, number: int) -> bytes:
        """Return one frame of an open object uncompressed, in little endian, colour by pixel.

        NotFound when there is no such frame, Unsupported when it cannot be decoded.
        """

        def make() -> bytes:
            from calotype.dicom.pixels import native  # numpy: loaded with the first pixels

            frame = opened.frame(number)
            return native.encode(frame.values, frame.description)

        return self._frame(opened, number, EXPLICIT_VR_LITTLE_ENDIAN, make)

    def encoded_frame(self, opened: Opened, number: int, to: UID) -> bytes:
        """Return one frame of an open object in another transfer syntax, exactly.

        NotFound when there is no such frame, Unsupported when it cannot be made.
        """

        def make() -> bytes:
            from calotype.dicom.pixels import codecs  # numpy: loaded with the first pixels
            from calotype.dicom.pixels.native import has_bits_outside

            frame = opened.frame(number)
            if frame.cells is not None and has_bits_outside(frame.cells, frame.description):
                raise Unsupported("its padding lies outside the bits stored, and would be lost")
            return codecs.encode(frame.values, frame.description, to).data

        return self._frame(opened, number, to, make)

    def _frame(self, opened: Opened, number: int, to: UID, make: Callable[[], bytes]) -> bytes:
        """Return a frame in another form; kept where it costs much to make."""
        location = opened.stored.location
        if not is_costly(location.transfer_syntax, to):
            with self._turn():
                return self._drawing.of_object(opened, make)
        told = (location.transfer_syntax, to, str(number))
        key = name_of_result(location.digest, _VERSION, b"frame", makers(), *(each.encode() for each in told))
        return self._kept(key, "", lambda: self._drawing.of_object(opened, make)).data

    def _kept(self, key: str, media_type: str, make: Callable[[], bytes]) -> Picture:
        data = self._cache.get(key)
        if data is None:
            with self._turn():
                data = make()
            self._cache.put(key, data)
        return Picture(data, media_type, key)

    def _document(self, stored: StoredInstance, media_type: str) -> Picture:
        """Return what is to be read. It is not kept: soon made, and text may be read anew under the same digest."""
        with self._looking.open(stored) as opened:

            def header() -> bytes:
                return next((json for _, json in self._retrieve.headers(Selection.of(stored.ref))), b"{}")

            data = read_document(opened, media_type, header)
        return Picture(data, media_type, blake3(data).hexdigest()[:40])

    def _state(self, uid: UID | None) -> StoredInstance | None:
        if uid is None:
            return None
        state = self._index.instance(uid)
        if state is None:
            raise NotFound(f"the archive has no presentation state {uid}")
        if not is_presentation_state(state.sop_class):
            raise NotFound(f"{uid} is no presentation state")
        return state

    def _presented(self, stored: StoredInstance, wish: Wish) -> tuple[StoredInstance, Wish]:
        """Return the first image that a presentation state is about, and to see it so."""
        if wish.window is not None or wish.region is not None or wish.frame is not None:
            # PS3.18 8.3.5.1.4, 9.5.2.3
            raise InvalidRequest("a presentation state says itself which frame, region and window are shown")
        from calotype.dicom.pixels.presentation import Presentation  # numpy: loaded with the first picture

        with self._looking.open(stored) as opened:
            references = Presentation(opened.subject.attributes).references
        for reference in references:
            image = self._index.instance(reference.instance)
            if image is not None and not is_presentation_state(image.sop_class):
                frame = wish.frame or min(reference.frames, default=None)
                return image, replace(wish, frame=frame, presentation=stored.ref.instance)
        raise Unsupported("the images that this presentation state is about are not here")


def _key(stored: StoredInstance, wish: Wish, state: StoredInstance | None, *, kind: bytes = b"rendered") -> str:
    """Return a name for exactly this picture: of what bytes, how, made by which version of us."""
    told = replace(wish, burn=frozenset())
    return name_of_result(
        stored.location.digest,
        *(_VERSION, kind, stored.location.transfer_syntax.encode(), repr(told).encode()),
        *(repr(sorted(wish.burn)).encode(), state.location.digest if state is not None else b""),
    )


__all__ = [
    "DEFAULT_QUALITY",
    "DEFAULT_THUMBNAIL_PX",
    "GIF",
    "HERE",
    "JP2",
    "JPEG",
    "MP4",
    "PNG",
    "STILLS",
    "Burn",
    "Decoding",
    "NoCache",
    "Picture",
    "PictureCache",
    "Pictures",
    "Visible",
    "Wish",
]
