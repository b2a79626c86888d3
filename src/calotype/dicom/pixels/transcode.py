"""An object in another transfer syntax, pixels and all, frame by frame.

What may be made of what is for ``plans``; here it is made. Frames are decoded and encoded by ``codecs``, some at a
time, so memory is flat whatever the object's size; elements that say nothing of how pixels are encoded flow by
(``anatomy``). A lossy form is made only for whoever hands in options for it: it is another object, with a UID of its
own (``derivation``). Headers whose layout changes go through ``reencode``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

from calotype.dicom.datasets import Element
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels import codecs, derivation
from calotype.dicom.pixels.anatomy import MAX_HELD_BYTES, Anatomy, Edits, dissect, edited, written
from calotype.dicom.pixels.codec_table import CODECS, Fidelity
from calotype.dicom.pixels.description import PIXEL_DATA, PixelDescription, described
from calotype.dicom.pixels.embedded import Extraction, planes_in, whole_cells
from calotype.dicom.pixels.fragments import NO_TABLE, ExtendedOffsetTable
from calotype.dicom.pixels.frames import FrameIndex, frame_index, native_index, read_frame
from calotype.dicom.pixels.icons import changes, decoded_icons
from calotype.dicom.pixels.native import has_bits_outside
from calotype.dicom.pixels.options import DEFAULT_OPTIONS, EncodeOptions
from calotype.dicom.pixels.padding import PADDING_TAGS, padding_of
from calotype.dicom.pixels.pixel_data import (
    EXTENDED_OFFSET_TABLE,
    EXTENDED_OFFSET_TABLE_LENGTHS,
    EncapsulatedPixelData,
    FrameStream,
    NativePixelData,
    Offsets,
    PixelData,
)
from calotype.dicom.pixels.plans import codec_of, why_not
from calotype.dicom.reencode import UNCOMPRESSED, Reencoded, deflated, reencode
from calotype.dicom.sources import cut, source_of
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax
from calotype.dicom.walk import FRAGMENTS
from calotype.errors import DamagedPixels, Unsupported

if TYPE_CHECKING:
    from calotype.dicom.pixels.native import Array

T = TypeVar("T")
R = TypeVar("R")

_TOTAL_LENGTH: Final = 0x7FE00003
_LOSSY_ONLY: Final = frozenset(UID(f"1.2.840.10008.1.2.4.{row}") for row in (50, 51))
"""Syntaxes that say by themselves that something was lost, so that objects need not."""


class Each(Protocol):
    """Applies work to every item, in order; may do some items ahead, elsewhere."""

    def __call__(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        """Return the results in the order of the items."""
        ...


def one_by_one(work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
    """Do each item when its result is asked for, here."""
    return map(work, items)


class Decode(Protocol):
    """Decodes one frame, as ``codecs.decode`` does; may do it elsewhere."""

    def __call__(self, data: bytes, description: PixelDescription, uid: UID, /) -> Array:
        """Return the stored values; raises what ``codecs.decode`` does."""
        ...


def decode(data: bytes, description: PixelDescription, uid: UID, /) -> Array:
    """Decode here."""
    return codecs.decode(data, description, uid)


class Transcoded:
    """A data set in its new form. ``size_bytes`` is its length, ``None`` where only the end will tell.

    ``sop_instance`` is the UID of the object that it is now, where that is another one than before.
    :meth:`chunks` reads the source, so call it while that is valid; each call begins anew. As a context manager it
    lets go of the source at the end.
    """

    def __init__(
        self,
        data: memoryview,
        to: UID,
        sides: tuple[_Side, _Side],
        pixels: PixelData | None,
        sop_instance: UID | None,
    ) -> None:
        self._data = data
        self._to = transfer_syntax(to)
        self._before, self._after = sides
        self._pixels = pixels
        self.sop_instance = sop_instance
        sizes = (self._before.size_bytes, 0 if pixels is None else pixels.size_bytes, self._after.size_bytes)
        known = [size for size in sizes if size is not None]
        self.size_bytes = sum(known) if len(known) == len(sizes) and not self._to.deflated else None

    def chunks(self) -> Iterator[bytes]:
        """Return the data set in pieces of at most 1 MiB, none of them empty; DamagedPixels when a frame is."""
        return deflated(self._written()) if self._to.deflated else self._written()

    def begin(self) -> None:
        """Wait for the first frame; what goes wrong with it is raised, as by :func:`transcode` without ``ahead``."""
        if self._pixels is not None:
            self._pixels.frames.begin()

    def parts(self) -> tuple[bytes, PixelData | None, bytes]:
        """Return what stands before the pixels, these, and what stands after, none of it deflated."""
        return b"".join(self._before.chunks()), self._pixels, b"".join(self._after.chunks())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._pixels is not None:
            self._pixels.frames.close()
        self._data.release()

    def _written(self) -> Iterator[bytes]:
        yield from self._before.chunks()
        for piece in self._pixels.written() if self._pixels is not None else ():
            yield from cut(piece)
        yield from self._after.chunks()


Converted = Transcoded | Reencoded


def convert(
    data: bytes | bytearray | memoryview,
    stored: UID,
    to: UID,
    *,
    lossy: EncodeOptions | None = None,
    offsets: Offsets = Offsets.NONE,
    each: Each = one_by_one,
    ahead: bool = False,
    decode: Decode = decode,
) -> Converted:
    """Return a data set in another syntax, by :func:`transcode` or, when both are uncompressed, by ``reencode``.

    Raises what these do.
    """
    if stored in UNCOMPRESSED and to in UNCOMPRESSED:
        return reencode(data, stored, to)
    return transcode(data, stored, to, lossy=lossy, offsets=offsets, each=each, ahead=ahead, decode=decode)


def transcode(
    data: bytes | bytearray | memoryview,
    stored: UID,
    to: UID,
    *,
    lossy: EncodeOptions | None = None,
    offsets: Offsets = Offsets.NONE,
    each: Each = one_by_one,
    ahead: bool = False,
    decode: Decode = decode,
) -> Transcoded:
    """Read a data set in ``stored`` and return it in ``to``; its first frame is made at once, to see that it can be.

    ``lossy`` allows a syntax that loses, and says how much. ``each`` may convert some frames ahead; with ``ahead``
    the first one is not waited for, see :meth:`Transcoded.begin`. ``decode`` decodes what is compressed. Raises
    Unsupported when these pixels cannot be brought to ``to`` (exactly, unless loss is allowed), InvalidRequest
    (DamagedPixels) when the data set or its first frame is damaged.
    """
    view = memoryview(data).cast("B")
    try:
        return _Conversion(view, stored, to, lossy, (each, decode)).make(offsets, ahead=ahead)
    except BaseException:
        view.release()
        raise


class _Side:
    """What stands before or after the pixels, in its new layout."""

    def __init__(self, anatomy: Anatomy, edits: Edits, to: UID, *, is_before: bool) -> None:
        self._anatomy = anatomy
        tokens = anatomy.before if is_before else anatomy.after
        here = {tag: new for tag, new in edits.items() if (tag < PIXEL_DATA) == is_before}
        self._pieces = edited(anatomy, tokens, here)
        self._new: Reencoded | None = None
        size_bytes = sum(map(len, self._pieces))
        self.size_bytes: int | None = size_bytes
        target = to if to in UNCOMPRESSED and not transfer_syntax(to).deflated else EXPLICIT_VR_LITTLE_ENDIAN
        if anatomy.syntax == target or not size_bytes:
            return
        if size_bytes > MAX_HELD_BYTES:
            raise Unsupported(f"a header of {size_bytes} bytes cannot change its layout together with its pixels")
        self._new = reencode(b"".join(written(anatomy, self._pieces)), anatomy.syntax, target, is_sure=True)
        self.size_bytes = self._new.size_bytes

    def chunks(self) -> Iterator[bytes]:
        return written(self._anatomy, self._pieces) if self._new is None else self._new.chunks()


class _Conversion:
    """Everything about one object that is being converted. Used once."""

    def __init__(
        self, data: memoryview, stored: UID, to: UID, lossy: EncodeOptions | None, workers: tuple[Each, Decode]
    ) -> None:
        self._data = data
        self._stored = stored
        self._to = to
        self._lossy = lossy
        self._each, self._decode = workers
        self._anatomy = dissect(data, stored)
        self._edits: dict[int, Element | bytes | None] = {}

    def make(self, offsets: Offsets, *, ahead: bool) -> Transcoded:
        """Return the object in its new form."""
        pixels, sop_instance = None, None
        if transfer_syntax(self._stored).encapsulated:
            self._edits |= decoded_icons(self._anatomy, self._stored)
        if self._anatomy.pixels is not None:
            pixels, sop_instance = self._pixels(offsets, ahead=ahead)
        elif not transfer_syntax(self._stored).encapsulated:
            raise Unsupported("there are no pixels in it that could be compressed")
        before, after = (_Side(self._anatomy, self._edits, self._to, is_before=each) for each in (True, False))
        return Transcoded(self._data, self._to, (before, after), pixels, sop_instance)

    def _pixels(self, offsets: Offsets, *, ahead: bool) -> tuple[PixelData, UID | None]:
        codec = self._codec_of_source()
        is_lossy = self._check_fidelity()
        assert self._anatomy.pixels is not None  # noqa: S101 - make has seen them
        old = described(self._anatomy.values, self._anatomy.pixels[0])
        if reason := why_not(codec, self._to, old):
            raise Unsupported(reason)
        decoded = codecs.decoded_description(old, codec)
        target = codec_of(self._to)
        new = codecs.encoded_description(decoded, target)
        index = self._index(codec, old)
        read = _Reading(index, self._anatomy)
        self._move_overlays(codec, old, read)
        check = self._check_of_bits(codec, old)
        options = self._lossy or DEFAULT_OPTIONS

        padding = padding_of(self._anatomy.values, old) if is_lossy else None

        def work(raw: bytes) -> bytes:
            check(raw)
            values = self._decode(raw, old, codec)
            data = codecs.encode(values, decoded, target, options).data
            if padding is not None:
                padding.check(values, codecs.decode(data, new, target), target)
            return data

        count = index.number_of_frames
        frames = FrameStream(lambda start: self._each(work, read.frames(start)), count)
        frames.start()
        if not ahead:
            frames.begin()
        self._edits |= dict.fromkeys((EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS, _TOTAL_LENGTH))
        self._edits |= {each.tag: each for each in changes(old, new, self._anatomy.values)}
        if codec in _LOSSY_ONLY:
            self._edits |= derivation.marked_lossy(self._anatomy)
        sop_instance = self._derive(frames, decoded.frame_bytes * count) if is_lossy else None
        to = transfer_syntax(self._to)
        if to.encapsulated:
            return EncapsulatedPixelData(frames, offsets), sop_instance
        return NativePixelData(frames, count, new, to), sop_instance

    def _codec_of_source(self) -> UID:
        """Return the syntax that frames really are in: some objects only claim to be compressed."""
        assert self._anatomy.pixels is not None  # noqa: S101 - make has seen them
        in_fragments = self._anatomy.pixels[1] == FRAGMENTS
        if in_fragments and not transfer_syntax(self._stored).encapsulated:
            raise Unsupported("its pixels are in fragments, and its transfer syntax does not say of what")
        return self._stored if in_fragments else self._anatomy.syntax

    def _check_fidelity(self) -> bool:
        codec = CODECS.get(self._to)
        is_lossy = codec is not None and codec.fidelity is Fidelity.LOSSY
        if is_lossy and self._lossy is None:
            raise Unsupported(f"{transfer_syntax(self._to).name} loses, which was not asked for")
        return is_lossy

    @property
    def _tags(self) -> frozenset[int]:
        return frozenset(each[0] for each in self._anatomy.tokens)

    def _index(self, codec: UID, description: PixelDescription) -> FrameIndex:
        assert self._anatomy.pixels is not None  # noqa: S101 - make has seen them
        _, vr, _, start, end = self._anatomy.pixels
        index: FrameIndex
        if transfer_syntax(codec).encapsulated:
            source = source_of(self._data, deflated=False)
            source.skip(start)
            index = frame_index(source, description, codec, self._extended_table())
        else:
            big_endian_vr = vr if codec == EXPLICIT_VR_BIG_ENDIAN else ""
            index = native_index(start, end - start, description, big_endian_vr=big_endian_vr)
            left = 8 * (end - start) - index.frame_bits * index.number_of_frames
            if left >= index.frame_bits and left > 8:
                raise DamagedPixels(f"Pixel Data has {left // 8} bytes more than its {index.number_of_frames} frames")
        if index.number_of_frames != description.number_of_frames:
            raise DamagedPixels(
                f"Number of Frames is {description.number_of_frames}; {index.number_of_frames} are there"
            )
        return index

    def _extended_table(self) -> ExtendedOffsetTable:
        tables = (EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS)
        offsets, lengths = (
            memoryview(value[: len(value) - len(value) % 8]).cast("Q")
            for value in (self._anatomy.values.get(tag, b"") for tag in tables)
        )
        return ExtendedOffsetTable(list(offsets), list(lengths)) if offsets else NO_TABLE

    def _move_overlays(self, codec: UID, description: PixelDescription, read: _Reading) -> None:
        planes = planes_in(self._anatomy.values, self._tags, description)
        if not planes:
            return
        cells = whole_cells(description)
        extraction = Extraction(planes)
        for frame in self._each(lambda raw: self._decode(raw, cells, codec), read.frames(0)):
            extraction.add(frame)
        self._edits |= extraction.elements()

    def _check_of_bits(self, codec: UID, description: PixelDescription) -> Callable[[bytes], None]:
        """Return what refuses a frame in which padding lies outside the stored bits, where a codec loses it."""
        values = (self._anatomy.values.get(tag, b"") for tag in PADDING_TAGS)
        if transfer_syntax(codec).encapsulated or all(_fits(value, description) for value in values):
            return _nothing

        def check(raw: bytes) -> None:
            if has_bits_outside(raw, description):
                raise Unsupported("its padding lies outside the bits stored, and would be lost")

        return check

    def _derive(self, frames: FrameStream, uncompressed_bytes: int) -> UID:
        frames.measure()
        assert frames.sizes is not None  # noqa: S101 - they have been measured
        before = self._anatomy.values.get(derivation.SOP_INSTANCE, b"").decode("latin-1").strip(" \0")
        new_uid = derivation.derived_uid(before, self._to, repr(self._lossy))
        ratio = uncompressed_bytes / sum(frames.sizes)
        self._edits |= derivation.derived(self._anatomy, self._to, new_uid, ratio)
        return new_uid


class _Reading:
    """Reads frames as they lie, in order."""

    def __init__(self, index: FrameIndex, anatomy: Anatomy) -> None:
        self._index = index
        self._read_at = anatomy.text.read_at

    def frames(self, start: int) -> Iterator[bytes]:
        for number in range(start + 1, self._index.number_of_frames + 1):
            yield read_frame(self._index, number, self._read_at)


def _fits(padding: bytes, description: PixelDescription) -> bool:
    if len(padding) < 2:
        return True
    value = int.from_bytes(padding[:2], "little", signed=description.is_signed)
    bits = description.bits_stored
    return -(1 << (bits - 1)) <= value < 1 << (bits - 1) if description.is_signed else value < 1 << bits


def _nothing(_raw: bytes) -> None:
    """Find nothing wrong."""
