"""A data set in another uncompressed transfer syntax: element headers are written anew, values pass through.

Between Implicit VR Little Endian, Explicit VR Little Endian, its deflated form, and Explicit VR Big Endian.
The source is read twice and never whole: the first time headers are rewritten and everything that can be wrong is
found, the second time values above 64 KiB flow by in chunks. Pixels are not decoded here, fragments not unwrapped.

What does not survive on purpose: group lengths, where element headers change their size (PS3.5 7.2 retires them);
that an unknown element was of undefined length and VR UN (it becomes the sequence that it is); bytes after the end
of a deflate stream. Sequences and items keep their kind of length. What ``walk`` forgives for reading is not all
forgiven here: what cannot be understood cannot be written in another form.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from calotype.dicom import dictionary
from calotype.dicom.datasets import LONG_FORM, SHORT_FORM, UNDEFINED_LENGTH, WORD_BYTES, swap_words
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import guess_transfer_syntax
from calotype.dicom.sources import CHUNK_BYTES, Source, cut, source_of
from calotype.dicom.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TransferSyntax,
)
from calotype.dicom.uids import transfer_syntax as syntax_of
from calotype.errors import InvalidRequest, Unsupported

ReadableBuffer = bytes | bytearray | memoryview

UNCOMPRESSED: Final = (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
)
"""What can be written and read here, the form that loses least and is understood best first."""

MAX_DEPTH: Final = 100
MAX_REWRITTEN_BYTES: Final = 256 * 1024 * 1024
"""What may be held between the two readings: element headers and values up to 64 KiB."""

_HEAD_BYTES: Final = 8
_BULK_BYTES: Final = 64 * 1024
_DEFLATE_LEVEL: Final = 6

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_REPRESENTATION, _BITS_ALLOCATED, _WAVEFORM_BITS = 0x00280103, 0x00280100, 0x54001004
_VRS: Final = {vr.encode("ascii"): vr for vr in SHORT_FORM | LONG_FORM}
_LIFTED: Final = frozenset({_PIXEL_REPRESENTATION, _BITS_ALLOCATED, _WAVEFORM_BITS})


class Reencoded:
    """A data set in its new form. ``size_bytes`` is its length, ``None`` where only the end will tell (deflate).

    :meth:`chunks` reads the source, so call it while that is valid; each call begins anew. As a context manager it
    lets go of the source at the end.
    """

    def __init__(self, data: memoryview, source: TransferSyntax, target: TransferSyntax, parts: list[_Part]) -> None:
        self._data = data
        self._source = source
        self._target = target
        self._parts = parts
        sizes = [part.size_bytes if isinstance(part, _Through) else len(part) for part in parts]
        whole = [size for size in sizes if size is not None]
        self.size_bytes = sum(whole) if len(whole) == len(sizes) and not target.deflated else None

    def chunks(self) -> Iterator[bytes]:
        """Return the data set in pieces of at most 1 MiB, none of them empty; InvalidRequest as in reencode."""
        return deflated(self._written()) if self._target.deflated else self._written()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._data.release()

    def _written(self) -> Iterator[bytes]:
        source = source_of(self._data, deflated=self._source.deflated)
        for part in self._parts:
            if isinstance(part, _Through):
                yield from part.chunks(source)
            else:
                yield from map(bytes, cut(part))


def reencode(data: ReadableBuffer, source: UID, target: UID, *, is_sure: bool = False) -> Reencoded:
    """Read a data set in ``source`` and return it in ``target``, both among :data:`UNCOMPRESSED`.

    A data set that is not laid out as ``source`` says is read as it is, unless ``is_sure``. Raises Unsupported for
    other syntaxes and for fragments, InvalidRequest when the data set is truncated or damaged so that its elements
    cannot be told apart.
    """
    to, claimed = _known(target), _known(source)
    view = memoryview(data).cast("B")
    try:
        return _planned(view, claimed if is_sure else _as_laid_out(view, claimed), to)
    except BaseException:
        view.release()
        raise


def _planned(view: memoryview, how: TransferSyntax, to: TransferSyntax) -> Reencoded:
    if (how.explicit_vr, how.little_endian) == (to.explicit_vr, to.little_endian):
        # The elements stay as they are; whether they are deflated is all that can differ.
        whole = _Through(0, None if how.deflated else len(view))
        return Reencoded(view, how, to, [whole])
    return Reencoded(view, how, to, _Rewriter(source_of(view, deflated=how.deflated), how, to).rewrite())


def _known(syntax: UID) -> TransferSyntax:
    if syntax not in UNCOMPRESSED:
        raise Unsupported(f"a data set in {syntax_of(syntax).name} cannot be re-encoded element by element")
    return syntax_of(syntax)


def _as_laid_out(view: memoryview, claimed: TransferSyntax) -> TransferSyntax:
    """Return how a data set really is laid out: some devices label implicit VR explicit, and the reverse."""
    first = bytes(view[:8])
    actual = guess_transfer_syntax(first)
    if claimed.deflated:
        # Only a data set that was never deflated begins with a low group and a VR.
        return syntax_of(actual) if first[4:6] in _VRS and first[:2] in {b"\2\0", b"\4\0", b"\x08\0"} else claimed
    return syntax_of(actual) if len(first) == _HEAD_BYTES else claimed


def deflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Return a raw deflate stream of even length (PS3.5 A.5: "a pad byte of 00H")."""
    packer = zlib.compressobj(_DEFLATE_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    size_bytes = 0
    for chunk in chunks:
        packed = packer.compress(chunk)
        if packed:
            size_bytes += len(packed)
            yield packed
    packed = packer.flush()
    yield packed + b"\0" * ((size_bytes + len(packed)) % 2)


@dataclass(frozen=True, slots=True)
class _Through:
    """Bytes of the source that pass, words of ``word_bytes`` swapped; ``None``: all that is left."""

    start: int
    size_bytes: int | None
    word_bytes: int = 1

    def chunks(self, source: Source) -> Iterator[bytes]:
        source.skip(self.start - source.position)
        if self.size_bytes is None:
            while chunk := source.take_some():
                yield chunk
            return
        left = self.size_bytes
        while left:
            chunk = source.take(min(left, CHUNK_BYTES))
            left -= len(chunk)
            yield swap_words(chunk, self.word_bytes)


_Part = bytearray | _Through


class _Context:
    """What the VR of other elements depends on; an item inherits what it does not say itself (PS3.5 A.1, A.2)."""

    __slots__ = ("outer", "unresolved", "values")

    def __init__(self, outer: _Context | None) -> None:
        self.outer = outer
        self.values: dict[int, int] = {}
        self.unresolved: list[tuple[bytearray, int]] = []
        """Where US was written and SS may be meant, as Pixel Representation has not come yet."""

    def get(self, tag: int) -> int | None:
        value = self.values.get(tag)
        return value if value is not None or self.outer is None else self.outer.get(tag)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How elements are laid out where we read."""

    explicit: bool
    little: bool

    @property
    def order(self) -> str:
        return "<" if self.little else ">"


_IMPLICIT = _Layout(explicit=False, little=True)


class _Rewriter:
    """One first reading: writes headers and short values, notes long ones. Used once."""

    def __init__(self, reader: Source, source: TransferSyntax, target: TransferSyntax) -> None:
        self._reader = reader
        self._from = _Layout(source.explicit_vr, source.little_endian)
        self._explicit = target.explicit_vr
        self._little = target.little_endian
        order = "<" if target.little_endian else ">"
        self._tag = struct.Struct(order + "HH").pack
        self._u16 = struct.Struct(order + "H").pack
        self._u32 = struct.Struct(order + "L").pack
        self._keeps_group_lengths = source.explicit_vr == target.explicit_vr
        self._out = bytearray()
        self._parts: list[_Part] = [self._out]
        self._written = 0
        self._rewritten = 0

    def rewrite(self) -> list[_Part]:
        context = _Context(None)
        while self._reader.more():
            if self._element(self._from, context, 0) == _ITEM_END:
                raise self._misplaced(_ITEM_END)
        return [part for part in self._parts if isinstance(part, _Through) or part]

    def _element(self, layout: _Layout, context: _Context, depth: int) -> int:
        """Rewrite one element and return its tag; of an item delimiter, which is not written, too."""
        head = self._reader.take(8)
        group, number = struct.unpack_from(layout.order + "HH", head)
        tag: int = group << 16 | number
        if group == 0xFFFE:
            if tag != _ITEM_END:
                raise self._misplaced(tag)
            return tag
        if depth == 0 and not any(head):
            self._only_zeros()
            return tag
        vr, length = self._vr_and_length(layout, head, tag)
        if vr == "SQ" or length == UNDEFINED_LENGTH:
            if vr not in {"SQ", "UN"}:
                raise Unsupported(f"{dictionary.describe(tag)} comes in fragments: no uncompressed syntax")
            # PS3.5 6.2.2: the items of an UN of undefined length are in Implicit VR Little Endian, always.
            self._sequence(tag, length, layout if vr == "SQ" else _IMPLICIT, context, depth + 1)
        else:
            self._value(tag, vr, length, layout, context)
        return tag

    def _vr_and_length(self, layout: _Layout, head: bytes, tag: int) -> tuple[str, int]:
        """Read the rest of an element's header; an ambiguous VR of implicit VR comes as the dictionary has it."""
        if not layout.explicit:
            return dictionary.vr_of(tag), struct.unpack_from(layout.order + "L", head, 4)[0]
        vr = _VRS.get(head[4:6])
        if vr is None:
            raise InvalidRequest(
                f"{dictionary.describe(tag)} at byte {self._reader.position - 8} has no value representation "
                "that can be understood"
            )
        if vr in LONG_FORM:
            return vr, struct.unpack(layout.order + "L", self._reader.take(4))[0]
        return vr, struct.unpack_from(layout.order + "H", head, 6)[0]

    def _value(self, tag: int, vr: str, length: int, layout: _Layout, context: _Context) -> None:
        if tag & 0xFFFF == 0 and not self._keeps_group_lengths:
            self._reader.skip(length)
            return
        chosen = _resolved(tag, vr, context)
        written_vr = chosen
        padded = length + length % 2
        if chosen in SHORT_FORM and padded > 0xFFFE:
            # PS3.5 6.2.2: a value too long for the 16-bit length of its explicit VR goes as UN.
            written_vr = "UN"
        # PS3.5 6.2.2 Note 2: what is UN is in little endian, whatever stands around it.
        little = self._little or (written_vr == "UN" and self._explicit)
        word_bytes = WORD_BYTES.get(chosen, 1) if layout.little != little else 1
        if vr == "US/SS" and context.get(_PIXEL_REPRESENTATION) is None and written_vr != "UN":
            context.unresolved.append((self._out, len(self._out) + 4))
        self._header(tag, written_vr, padded)
        if length > _BULK_BYTES:
            self._through(length, word_bytes)
        else:
            value = self._reader.take(length)
            if tag in _LIFTED and length == 2:
                self._learn(tag, int.from_bytes(value, "little" if layout.little else "big"), context)
            self._write(swap_words(value, word_bytes))
        if length % 2:
            self._write(b"\0" if chosen in {"UI", "OB", "UN"} else b" ")

    def _sequence(self, tag: int, length: int, layout: _Layout, context: _Context, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise InvalidRequest(f"sequences are nested deeper than {MAX_DEPTH} levels")
        self._header(tag, "SQ", length)
        length_at, start = (self._out, len(self._out) - 4), self._written
        end = None if length == UNDEFINED_LENGTH else self._reader.position + length
        while end is None or self._reader.position < end:
            group, number, item_length = struct.unpack(layout.order + "HHL", self._reader.take(8))
            if end is None and (group << 16 | number) == _SEQUENCE_END:
                self._write(self._tag(0xFFFE, 0xE0DD) + bytes(4))
                return
            if (group << 16 | number) != _ITEM:
                raise self._misplaced(group << 16 | number)
            self._item(item_length, layout, context, depth)
        self._check_end(tag, end)
        self._patch(length_at, self._written - start)

    def _item(self, length: int, layout: _Layout, outer: _Context, depth: int) -> None:
        context = _Context(outer)
        self._write(self._tag(0xFFFE, 0xE000) + self._u32(length))
        length_at, start = (self._out, len(self._out) - 4), self._written
        if length == UNDEFINED_LENGTH:
            tag = 0
            while tag != _ITEM_END:
                tag = self._element(layout, context, depth)
            self._write(self._tag(0xFFFE, 0xE00D) + bytes(4))
        else:
            end = self._reader.position + length
            while self._reader.position < end:
                if self._element(layout, context, depth) == _ITEM_END:
                    raise self._misplaced(_ITEM_END)
            self._check_end(_ITEM, end)
            self._patch(length_at, self._written - start)
        outer.unresolved += context.unresolved

    def _header(self, tag: int, vr: str, length: int) -> None:
        head = self._tag(tag >> 16, tag & 0xFFFF)
        if not self._explicit:
            self._write(head + self._u32(length))
        elif vr in SHORT_FORM:
            self._write(head + vr.encode("ascii") + self._u16(length))
        else:
            self._write(head + vr.encode("ascii") + b"\0\0" + self._u32(length))

    def _write(self, data: bytes) -> None:
        self._out += data
        self._written += len(data)
        self._rewritten += len(data)
        if self._rewritten > MAX_REWRITTEN_BYTES:
            raise InvalidRequest(f"the header of the data set takes more than {MAX_REWRITTEN_BYTES} bytes")

    def _through(self, size_bytes: int, word_bytes: int) -> None:
        self._parts.append(_Through(self._reader.position, size_bytes, word_bytes))
        self._reader.skip(size_bytes)
        self._written += size_bytes
        self._out = bytearray()
        self._parts.append(self._out)

    def _patch(self, length_at: tuple[bytearray, int], length: int) -> None:
        if length >= UNDEFINED_LENGTH:
            raise Unsupported("a sequence grows beyond 4 GiB in this transfer syntax")
        block, at = length_at
        block[at : at + 4] = self._u32(length)

    def _learn(self, tag: int, value: int, context: _Context) -> None:
        """Keep what other VRs depend on, and settle what waited for it."""
        context.values[tag] = value
        if tag == _PIXEL_REPRESENTATION:
            if value == 1 and self._explicit:
                for block, at in context.unresolved:
                    block[at : at + 2] = b"SS"
            context.unresolved.clear()

    def _check_end(self, tag: int, end: int | None) -> None:
        if end is not None and self._reader.position != end:
            what = "an item" if tag == _ITEM else f"sequence {dictionary.describe(tag)}"
            raise InvalidRequest(f"{what} ends {self._reader.position - end} bytes after the end it claims")

    def _only_zeros(self) -> None:
        """Pass over padding that some devices leave after the last element; it belongs to none."""
        while self._reader.more():
            if any(self._reader.take(1)):
                raise InvalidRequest("zeros stand where an element should")

    def _misplaced(self, tag: int) -> InvalidRequest:
        return InvalidRequest(
            f"{dictionary.describe(tag)} at byte {self._reader.position - 8} stands where it has no place"
        )


def _resolved(tag: int, vr: str, context: _Context) -> str:
    """Return the one VR that an ambiguous one means (PS3.5 Annex A.1 and A.2); others as they are."""
    if "/" not in vr:
        return vr
    if vr == "US/SS":
        return "SS" if context.get(_PIXEL_REPRESENTATION) == 1 else "US"
    if vr == "OB/OW":
        bits = context.get(_WAVEFORM_BITS if tag >> 16 == 0x5400 else _BITS_ALLOCATED)
        # A.2: Overlay Data is OW wherever it is not of fragments' kin; pixels and samples of one byte may be OB.
        return "OB" if bits is not None and bits <= 8 and tag >> 24 != 0x60 else "OW"
    # LUT data: any of them is words of two bytes, and only OW may be longer than 64 KiB.
    return "OW"
