"""Pictures of stored objects: rendered frames, thumbnails, cine, documents. What WADO, the interface and print call.

Decides what is shown of what, and keeps the results (:class:`PictureCache`); how a frame looks is for
``dicom.pixels.render``, loaded with the first picture. Work on pixels is bounded, whatever the number of callers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from math import log2
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar

from blake3 import blake3

from calotype.dicom.hierarchy import UID, Selection
from calotype.dicom.pixels.subject import MODALITY, Decode, decode_here
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import DamagedPixels, InvalidRequest, NotFound, Unsupported
from calotype.services.archive.cine import Cine, NoCine, Reel
from calotype.services.archive.corner import corner_lines
from calotype.services.archive.documents import document_types, read_document
from calotype.services.archive.findings import Findings
from calotype.services.archive.forms import is_costly, makers
from calotype.services.archive.kinds import is_image, is_presentation_state, is_video
from calotype.services.archive.looking import Looking, Opened
from calotype.services.archive.naming import name_of_result
from calotype.services.archive.ports import Index, StoredInstance
from calotype.services.archive.retrieve import Retrieve
from calotype.services.archive.workshop import Workshop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calotype.dicom.pixels.description import PixelDescription
    from calotype.dicom.pixels.geometry import Region
    from calotype.dicom.pixels.luts import Window
    from calotype.dicom.pixels.render import Frame, RenderParameters

    Array: TypeAlias = NDArray[Any]

T = TypeVar("T")

JPEG, PNG, GIF, JP2, MP4 = "image/jpeg", "image/png", "image/gif", "image/jp2", "video/mp4"
STILLS: Final = (JPEG, PNG, GIF, JP2)
"""Media types of one frame, the Standard's default first (PS3.18 Table 8.7.3-1)."""

DEFAULT_QUALITY: Final = 90
DEFAULT_THUMBNAIL_PX: Final = 256
_THUMBNAIL_QUALITY: Final = 80
_MAX_REEL_PX: Final = 4_000_000_000
"""All pixels of a cine together; asked for in a smaller viewport it may have more frames."""

_PIXEL_TYPES: Final = frozenset({*STILLS, MP4})
_WITH_PROFILES: Final = frozenset({JPEG, PNG})
_VERSION: Final = b"2"
"""Change it when the same parameters make another picture, so that what was kept is not shown again."""


class Burn(StrEnum):
    """What may be written into a picture (PS3.18 8.3.5.1.1)."""

    PATIENT = "patient"
    TECHNIQUE = "technique"


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants to see an object. Everything here, and nothing else, decides how the picture looks."""

    media_type: str = JPEG
    frame: int | None = None
    """From 1; ``None``: the first of a picture, all of a cine."""
    window: Window | None = None
    region: Region | None = None
    fit: tuple[int, int] | None = None
    flip_horizontal: bool = False
    flip_vertical: bool = False
    quality: int = DEFAULT_QUALITY
    burn: frozenset[Burn] = frozenset()
    colour_space: str = ""
    """``no``, ``yes``, ``srgb``; empty: the object's own profile goes along if it has one."""
    presentation: UID | None = None
    """SOP Instance UID of a presentation state to apply."""
    is_forced: bool = False
    """Show what is left of a damaged frame, where that may be tried."""


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


@dataclass(frozen=True, slots=True)
class Decoding:
    """How frames are decoded. ``forced`` tries what is damaged, too; without it nobody does."""

    decode: Decode = decode_here
    forced: Decode | None = None
    is_always_forced: bool = False
    """Whether that is tried for everybody who looks at pictures."""


HERE: Final = Decoding()
"""In this process, and nothing that is damaged."""


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
        self._findings = findings
        self._looking = Looking(retrieve, findings, decode=decoding.decode)
        self._decoding = decoding
        self._cache = cache or NoCache()
        self._cine = cine or NoCine()
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
            return Visible(self._media_types(opened), opened.subject.number_of_frames)

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
        return self._kept(key, wish.media_type, lambda: self._make(stored, wish, state))

    def thumbnail(self, stored: StoredInstance, wish: Wish) -> Picture:
        """Return a small picture of any object: its middle frame without overlays, or a drawn sheet of paper.

        ``fit`` is its size (default: :data:`DEFAULT_THUMBNAIL_PX` each way), ``media_type`` its form.
        """
        fit = wish.fit or (DEFAULT_THUMBNAIL_PX, DEFAULT_THUMBNAIL_PX)
        wish = Wish(wish.media_type, wish.frame, fit=fit, quality=min(wish.quality, _THUMBNAIL_QUALITY))
        key = _key(stored, wish, None, kind=b"thumbnail")
        return self._kept(key, wish.media_type, lambda: self._thumbnail(stored, wish))

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
                return self._of_object(opened, make)
        told = (location.transfer_syntax, to, str(number))
        key = name_of_result(location.digest, _VERSION, b"frame", makers(), *(each.encode() for each in told))
        return self._kept(key, "", lambda: self._of_object(opened, make)).data

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

    def _media_types(self, opened: Opened) -> tuple[str, ...]:
        subject = opened.subject
        if documents := document_types(opened):
            return documents
        if not subject.number_of_frames or is_video(opened.stored.location.transfer_syntax):
            return ()
        films = (MP4,) if subject.number_of_frames > 1 and self._cine.is_here else ()
        return STILLS + films

    def _make(self, stored: StoredInstance, wish: Wish, state: StoredInstance | None) -> bytes:
        with self._looking.open(stored) as found:
            opened = self._as_wished(found, wish)
            offered = self._media_types(opened)
            if wish.media_type not in offered:
                forms = f"comes as {', '.join(offered)}" if offered else "cannot be shown"
                raise Unsupported(f"this object {forms}, not as {wish.media_type}")
            parameters = self._parameters(wish, opened, state)
            if wish.frame is None and wish.media_type in {GIF, MP4} and opened.subject.number_of_frames > 1:
                return self._reel(opened, wish, parameters)
            return self._of_object(opened, lambda: _still(opened, wish, parameters))

    def _as_wished(self, opened: Opened, wish: Wish) -> Opened:
        """Return an open object, its frames decoded as far as they go where that is wished for."""
        forced = self._decoding.forced
        if not wish.is_forced or forced is None:
            return opened
        return replace(opened, decode=self._forced(opened, forced))

    def _forced(self, opened: Opened, forced: Decode) -> Decode:
        def decode(data: bytes, description: PixelDescription, uid: UID, /, *, levels: int = 0) -> Array:
            try:
                return opened.decode(data, description, uid, levels=levels)
            except DamagedPixels as error:
                self._note(opened, error)
                return forced(data, description, uid, levels=levels)

        return decode

    def _note(self, opened: Opened, error: DamagedPixels) -> None:
        if self._findings is not None:
            stored = opened.stored
            self._findings.note_damage(stored.ref.instance, stored.location.digest, error)

    def _reel(self, opened: Opened, wish: Wish, parameters: RenderParameters) -> bytes:
        from calotype.dicom.pixels.render import render, view_for  # numpy: loaded with the first picture

        subject = opened.subject
        description, index = subject.checked()
        view = view_for(description, subject.frame_attributes(1, opened.read_at), 1, parameters)
        if view.width * view.height * index.number_of_frames > _MAX_REEL_PX:
            raise Unsupported(
                f"{index.number_of_frames} frames of this size are too much; ask for a smaller viewport"
            )

        def pictures() -> Iterator[Array]:
            for number in range(1, index.number_of_frames + 1):
                yield render(opened.frame(number), parameters)

        return self._of_object(opened, lambda: self._wound(pictures(), subject.durations_ms(), wish.media_type))

    def _wound(self, pictures: Iterator[Array], durations_ms: list[float], media_type: str) -> bytes:
        from calotype.dicom.pixels.images import to_gif

        if media_type == GIF:
            return to_gif(pictures, durations_ms)
        first = next(pictures)
        frames = (picture.tobytes() for picture in chain((first,), pictures))
        rate = 1000 * len(durations_ms) / sum(durations_ms)
        return self._cine.film(Reel(frames, first.shape[1], first.shape[0], first.ndim == 3, rate))

    def _parameters(self, wish: Wish, opened: Opened, state: StoredInstance | None) -> RenderParameters:
        from calotype.dicom.pixels.geometry import Turn
        from calotype.dicom.pixels.render import RenderParameters  # numpy: loaded with the first picture

        presentation = None
        if state is not None:
            from calotype.dicom.pixels.presentation import Presentation

            with self._looking.open(state) as open_state:
                presentation = Presentation(open_state.subject.attributes)
        return RenderParameters(
            window=wish.window,
            region=wish.region,
            fit=wish.fit,
            turn=Turn(0, wish.flip_horizontal, wish.flip_vertical),
            presentation=presentation,
            lines=corner_lines(opened.subject.attributes, frozenset(map(str, wish.burn))),
        )

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

    def _of_object(self, opened: Opened, make: Callable[[], T]) -> T:
        """Make something of an object. What is wrong with the object is no fault of the request: Unsupported."""
        try:
            return make()
        except DamagedPixels as error:
            self._note(opened, error)
            raise Unsupported(f"the object's pixels are damaged: {error}") from error

    def _thumbnail(self, stored: StoredInstance, wish: Wish) -> bytes:
        from calotype.dicom.pixels.images import to_image
        from calotype.dicom.pixels.pictograms import label_of, pictogram  # numpy: loaded with the first picture

        assert wish.fit is not None  # noqa: S101 - thumbnail has set it
        try:
            with self._looking.open(stored) as opened:
                if opened.subject.number_of_frames:
                    return self._of_object(opened, lambda: _small(opened, wish))
                modality = opened.subject.attributes.text(MODALITY)
        except Unsupported:
            # What cannot be decoded gets its sheet of paper, as what has no pixels does.
            modality = ""
        return to_image(pictogram(label_of(stored.sop_class, modality), *wish.fit), wish.media_type)


def _small(opened: Opened, wish: Wish) -> bytes:
    from calotype.dicom.pixels.images import to_image
    from calotype.dicom.pixels.render import RenderParameters, render  # numpy: loaded with the first picture

    number = wish.frame or (opened.subject.number_of_frames + 1) // 2
    parameters = RenderParameters(fit=wish.fit, has_overlays=False)
    picture = render(_cheap_frame(opened, number, parameters), parameters)
    return to_image(picture, wish.media_type, quality=wish.quality)


def _still(opened: Opened, wish: Wish, parameters: RenderParameters) -> bytes:
    from calotype.dicom.pixels.images import converted, to_image
    from calotype.dicom.pixels.profiles import ColourSpace
    from calotype.dicom.pixels.render import render  # numpy: loaded with the first picture

    number = wish.frame or 1
    picture = render(_cheap_frame(opened, number, parameters), parameters)
    profile = opened.subject.icc_profile if picture.ndim == 3 else b""
    if wish.colour_space:
        picture, profile = converted(picture, profile, ColourSpace(wish.colour_space))
    return to_image(picture, wish.media_type, quality=wish.quality, profile=profile)


def _cheap_frame(opened: Opened, number: int, parameters: RenderParameters) -> Frame:
    """Decode a frame no larger than what will be seen of it, where its syntax has that cheaper."""
    from calotype.dicom.pixels.render import view_for

    subject = opened.subject
    description, _ = subject.checked()
    levels = 0
    if parameters.fit is not None:
        view = view_for(description, subject.frame_attributes(number, opened.read_at), number, parameters)
        levels = int(log2(max(1.0, view.spare)))
    return opened.frame(number, levels=levels)


def _key(stored: StoredInstance, wish: Wish, state: StoredInstance | None, *, kind: bytes = b"rendered") -> str:
    """Return a name for exactly this picture: of what bytes, how, made by which version of us."""
    told = replace(wish, burn=frozenset())
    return name_of_result(
        stored.location.digest,
        *(_VERSION, kind, stored.location.transfer_syntax.encode(), repr(told).encode()),
        *(repr(sorted(wish.burn)).encode(), state.location.digest if state is not None else b""),
    )
