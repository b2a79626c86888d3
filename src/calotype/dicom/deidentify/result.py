"""What a de-identification hands out: bytes that are new, ranges of the original, frames made anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

from calotype.dicom.deidentify.writing import Piece
from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.dicom.pixels.anatomy import Text
from calotype.dicom.pixels.pixel_data import PixelData
from calotype.dicom.reencode import deflated
from calotype.dicom.sources import cut
from calotype.dicom.uids import transfer_syntax
from calotype.errors import InvalidRequest


class Deidentified:
    """A data set without its patient. ``size_bytes`` is its length, ``None`` where only the end will tell.

    ``ref`` and ``transfer_syntax`` are those of what it is now. :meth:`chunks` reads the source, so call it while
    that is valid. As a context manager it lets go of the source at the end, and of ``covered``, what made its frames.
    """

    def __init__(
        self,
        data: memoryview,
        source: Text,
        body: Sequence[Piece | PixelData],
        named: tuple[InstanceRef, UID, UID],
        covered: AbstractContextManager[object] | None = None,
    ) -> None:
        self._data = data
        self._covered = nullcontext() if covered is None else covered
        self._source = source
        self._body = body
        self.ref, self.sop_class, self.transfer_syntax = named
        self._is_deflated = transfer_syntax(self.transfer_syntax).deflated
        sizes = [len(each) if isinstance(each, bytes | range) else each.size_bytes for each in body]
        known = [size for size in sizes if size is not None]
        self.size_bytes = sum(known) if len(known) == len(sizes) and not self._is_deflated else None

    def chunks(self) -> Iterator[bytes]:
        """Return the data set in pieces of at most 1 MiB, none of them empty; DamagedPixels when a frame is."""
        return deflated(self._written()) if self._is_deflated else self._written()

    def pieces(self) -> list[Piece] | None:
        """Return it as bytes and ranges of the original data set, ``None`` where more than these must be made."""
        found = [each for each in self._body if isinstance(each, bytes | range)]
        return found if len(found) == len(self._body) and not self._is_deflated else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        with self._data:
            self._covered.__exit__(kind, error, trace)

    def _written(self) -> Iterator[bytes]:
        for part in self._body:
            if isinstance(part, bytes | range):
                yield from self._cut(part)
                continue
            for piece in part.written():
                yield from self._cut(piece)

    def _cut(self, part: bytes | range) -> Iterator[bytes]:
        if isinstance(part, bytes):
            return cut(part)
        return map(self._read, cut(part))

    def _read(self, place: range) -> bytes:
        chunk = self._source.read_at(place.start, len(place))
        if len(chunk) != len(place):
            raise InvalidRequest(f"truncated: {len(place)} bytes are needed, {len(chunk)} are left")
        return chunk
