"""Drawing what is stored: a frame, a cine, a thumbnail of one object, as a finished file.

What is wished for and for whom it is kept is for ``pictures``; how a frame looks for ``dicom.pixels.render``, loaded
with the first picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from math import log2
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.subject import MODALITY, Decode, decode_here
from calotype.errors import DamagedPixels, Unsupported
from calotype.services.archive.cine import Cine, Reel
from calotype.services.archive.corner import corner_lines
from calotype.services.archive.documents import document_types
from calotype.services.archive.findings import Findings
from calotype.services.archive.kinds import is_video
from calotype.services.archive.looking import Looking, Opened
from calotype.services.archive.ports import StoredInstance
from calotype.services.archive.wishes import GIF, MP4, STILLS, Wish

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calotype.dicom.pixels.description import PixelDescription
    from calotype.dicom.pixels.render import Frame, RenderParameters

    Array: TypeAlias = NDArray[Any]

T = TypeVar("T")

_MAX_REEL_PX: Final = 4_000_000_000
"""All pixels of a cine together; asked for in a smaller viewport it may have more frames."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How frames are decoded. ``forced`` tries what is damaged, too; without it nobody does."""

    decode: Decode = decode_here
    forced: Decode | None = None
    is_always_forced: bool = False
    """Whether that is tried for everybody who looks at pictures."""


HERE: Final = Decoding()
"""In this process, and nothing that is damaged."""


class Drawing:
    """Makes files of objects. Thread-safe; whoever calls bounds how many do at one time."""

    def __init__(self, looking: Looking, decoding: Decoding, cine: Cine, findings: Findings | None) -> None:
        self._looking = looking
        self._decoding = decoding
        self._cine = cine
        self._findings = findings

    def media_types(self, opened: Opened) -> tuple[str, ...]:
        """Return in which forms an open object can be seen, the default first."""
        subject = opened.subject
        if documents := document_types(opened):
            return documents
        if not subject.number_of_frames or is_video(opened.stored.location.transfer_syntax):
            return ()
        films = (MP4,) if subject.number_of_frames > 1 and self._cine.is_here else ()
        return STILLS + films

    def draw(self, stored: StoredInstance, wish: Wish, state: StoredInstance | None) -> bytes:
        """Return an object as it is wished for, under a presentation state.

        InvalidRequest for parameters that make no sense for it, NotFound when there is no such frame, Unsupported
        when it cannot be shown in that form.
        """
        with self._looking.open(stored) as found:
            opened = self._as_wished(found, wish)
            offered = self.media_types(opened)
            if wish.media_type not in offered:
                forms = f"comes as {', '.join(offered)}" if offered else "cannot be shown"
                raise Unsupported(f"this object {forms}, not as {wish.media_type}")
            parameters = self._parameters(wish, opened, state)
            if wish.frame is None and wish.media_type in {GIF, MP4} and opened.subject.number_of_frames > 1:
                return self._reel(opened, wish, parameters)
            return self.of_object(opened, lambda: _still(opened, wish, parameters))

    def thumbnail(self, stored: StoredInstance, wish: Wish) -> bytes:
        """Return a small picture of any object: its middle frame, or a drawn sheet of paper."""
        from calotype.dicom.pixels.images import to_image
        from calotype.dicom.pixels.pictograms import label_of, pictogram  # numpy: loaded with the first picture

        assert wish.fit is not None  # noqa: S101 - who asks for a thumbnail says how small
        try:
            with self._looking.open(stored) as opened:
                if opened.subject.number_of_frames:
                    return self.of_object(opened, lambda: _small(opened, wish))
                modality = opened.subject.attributes.text(MODALITY)
        except Unsupported:
            # What cannot be decoded gets its sheet of paper, as what has no pixels does.
            modality = ""
        return to_image(pictogram(label_of(stored.sop_class, modality), *wish.fit), wish.media_type)

    def of_object(self, opened: Opened, make: Callable[[], T]) -> T:
        """Make something of an object. What is wrong with the object is no fault of the request: Unsupported."""
        try:
            return make()
        except DamagedPixels as error:
            self._note(opened, error)
            raise Unsupported(f"the object's pixels are damaged: {error}") from error

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

        return self.of_object(opened, lambda: self._wound(pictures(), subject.durations_ms(), wish.media_type))

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
