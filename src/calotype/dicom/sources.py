"""Reads a data set from front to back, whether it is deflated or not; positions are those of the inflated one.

Bytes only: what they mean is for ``reencode``. Memory is bounded whatever the data set inflates to, and what flows by
does so in pieces (:func:`cut`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, Protocol, TypeVar

from calotype.dicom.part10 import MAX_INFLATED_BYTES
from calotype.errors import InvalidRequest

CHUNK_BYTES: Final = 1024 * 1024
"""How much is read at a time where a value flows by."""

_FED_BYTES: Final = 64 * 1024

Sliced = TypeVar("Sliced", bytes, bytearray, memoryview, range)


def cut(whole: Sliced) -> Iterator[Sliced]:
    """Return bytes, or the places of some, in pieces of at most :data:`CHUNK_BYTES`, none of them empty."""
    for start in range(0, len(whole), CHUNK_BYTES):
        yield whole[start : start + CHUNK_BYTES]


class Source(Protocol):
    """A data set being read. Used by one thread."""

    position: int

    def more(self) -> bool:
        """Tell whether anything is left."""
        ...

    def take(self, size_bytes: int) -> bytes:
        """Return exactly so many bytes. InvalidRequest when there are fewer."""
        ...

    def take_some(self) -> bytes:
        """Return up to :data:`CHUNK_BYTES`, at the end nothing."""
        ...

    def skip(self, size_bytes: int) -> None:
        """Pass over exactly so many bytes. InvalidRequest when there are fewer."""
        ...


def source_of(data: memoryview, *, deflated: bool) -> Source:
    """Return a new reading of ``data`` from its start."""
    return _Inflating(data) if deflated else _Plain(data)


def _truncated(needed: int, left: int) -> InvalidRequest:
    return InvalidRequest(f"truncated: {needed} bytes are needed, {left} are left")


class _Plain:
    """Reads what is not deflated."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.position = 0

    def more(self) -> bool:
        return self.position < len(self._data)

    def take(self, size_bytes: int) -> bytes:
        start = self.position
        self.skip(size_bytes)
        return bytes(self._data[start : self.position])

    def take_some(self) -> bytes:
        return self.take(min(CHUNK_BYTES, len(self._data) - self.position))

    def skip(self, size_bytes: int) -> None:
        if size_bytes > len(self._data) - self.position:
            raise _truncated(size_bytes, len(self._data) - self.position)
        self.position += size_bytes


class _Inflating:
    """Reads what a deflated data set inflates to (PS3.5 A.5), with a zlib header too."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._fed = 0
        # Senders that call a zlib library's defaults put its header in front (RFC 1950); PS3.5 A.5 wants none.
        is_wrapped = bytes(data[:1]) == b"\x78" and not _inflates_raw(data)
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS if is_wrapped else -zlib.MAX_WBITS)
        self._window = b""
        self._at = 0
        self._inflated = 0
        self.position = 0

    def more(self) -> bool:
        return self._at < len(self._window) or self._fill()

    def take(self, size_bytes: int) -> bytes:
        at = self._at
        if at + size_bytes <= len(self._window):
            self._at = at + size_bytes
            self.position += size_bytes
            return self._window[at : self._at]
        pieces, left = [], size_bytes
        while left:
            if not self.more():
                raise _truncated(size_bytes, size_bytes - left)
            piece = self._window[self._at : self._at + left]
            self._at += len(piece)
            left -= len(piece)
            pieces.append(piece)
        self.position += size_bytes
        return b"".join(pieces)

    def take_some(self) -> bytes:
        return self.take(len(self._window) - self._at) if self.more() else b""

    def skip(self, size_bytes: int) -> None:
        while size_bytes:
            size_bytes -= len(self.take(min(size_bytes, CHUNK_BYTES)))

    def _fill(self) -> bool:
        """Inflate some more; tell whether there was any."""
        while not self._inflater.eof:
            rest = self._inflater.unconsumed_tail
            if not rest:
                rest = bytes(self._data[self._fed : self._fed + _FED_BYTES])
                self._fed += len(rest)
            try:
                piece = self._inflater.decompress(rest, CHUNK_BYTES)
            except zlib.error as error:
                raise InvalidRequest(f"the data set is not deflated as its transfer syntax says: {error}") from None
            if piece:
                self._window, self._at = piece, 0
                self._inflated += len(piece)
                if self._inflated > MAX_INFLATED_BYTES:
                    raise InvalidRequest(f"the deflated data set inflates to more than {MAX_INFLATED_BYTES} bytes")
                return True
            if not rest and not self._inflater.eof:
                raise InvalidRequest("truncated: the deflated data set does not come to its end")
        return False


def _inflates_raw(data: memoryview) -> bool:
    try:
        zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[:_FED_BYTES], 1)
    except zlib.error:
        return False
    return True
