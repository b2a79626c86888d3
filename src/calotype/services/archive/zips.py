"""Reading the members of a zip file that a stranger made: bounded, and never by name.

Names are only shown. A member is read as a stream, so what it inflates to costs time and never memory, and every
member and the whole file have their limits.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final

from calotype.errors import InvalidRequest, OutOfResources, Unsupported

_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_LOCATOR_64: Final = b"PK\x06\x07"
_END_BYTES: Final = 22
_MAX_COMMENT_BYTES: Final = 65_535
_LOCATOR_BYTES: Final = 20

_DEFLATE_RATIO: Final = 1040
"""Deflate cannot exceed 1032:1; whoever claims more is not deflate, or is a bomb of another method."""
_RATIO_GRACE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """What a zip file may come to."""

    max_member_bytes: int = 16 << 30
    max_total_bytes: int = 1 << 40
    max_directory_bytes: int = 128 << 20
    """The list of members is read into memory: this is some million names."""


DEFAULT_ZIP_LIMITS: Final = ZipLimits()


class BoundedZip:
    """The members of one zip file; counts what all of them inflate to."""

    def __init__(self, file: IO[bytes], limits: ZipLimits = DEFAULT_ZIP_LIMITS) -> None:
        _check_directory(file, limits)
        with _ours("the zip file"):
            self._zip = zipfile.ZipFile(file)
        self._limits = limits
        self._inflated_bytes = 0

    def members(self) -> list[zipfile.ZipInfo]:
        """Return the files in it, sorted by name."""
        return sorted((info for info in self._zip.infolist() if not info.is_dir()), key=lambda info: info.filename)

    def chunks(self, info: zipfile.ZipInfo, chunk_bytes: int) -> Iterator[bytes]:
        """Inflate one member.

        InvalidRequest when it is damaged or passes its limit, Unsupported when it is encrypted, OutOfResources when
        the whole zip file passes its own.
        """
        if info.flag_bits & 1:
            raise Unsupported("it is encrypted; unpack the zip file and import the folder")
        size_bytes = 0
        with _ours("the member"), self._zip.open(info) as member:
            while chunk := member.read(chunk_bytes):
                size_bytes += len(chunk)
                self._inflated_bytes += len(chunk)
                self._check(info, size_bytes)
                yield chunk

    def _check(self, info: zipfile.ZipInfo, size_bytes: int) -> None:
        if size_bytes > info.compress_size * _DEFLATE_RATIO + _RATIO_GRACE_BYTES:
            raise InvalidRequest(f"{info.compress_size} bytes inflate to more than {size_bytes}: a zip bomb")
        if size_bytes > self._limits.max_member_bytes:
            raise InvalidRequest(f"it inflates to more than {self._limits.max_member_bytes} bytes")
        if self._inflated_bytes > self._limits.max_total_bytes:
            raise OutOfResources(f"the zip file inflates to more than {self._limits.max_total_bytes} bytes")


def zip_in(view: memoryview, limits: ZipLimits = DEFAULT_ZIP_LIMITS) -> BoundedZip:
    """Return the zip file that lies in mapped memory, without a copy. Raises what :class:`BoundedZip` does."""
    return BoundedZip(io.BufferedReader(_Window(view)), limits)


class _Window(io.RawIOBase):
    """A file over a view of memory."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        into = memoryview(buffer).cast("B")
        piece = self._view[self._at : self._at + len(into)]
        into[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = (0, self._at, len(self._view))[whence]
        self._at = max(0, start + offset)
        return self._at


@contextmanager
def _ours(what: str) -> Iterator[None]:
    """Translate what reading a damaged or unusual zip raises."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, struct.error) as error:
        raise InvalidRequest(f"{what} is damaged: {error}") from error
    except (NotImplementedError, RuntimeError) as error:
        raise Unsupported(f"{what} cannot be read: {error}") from error


def _check_directory(file: IO[bytes], limits: ZipLimits) -> None:
    """Refuse a list of members that is too long, before it is read into memory (APPNOTE 4.3.14 to 4.3.16)."""
    end = file.seek(0, 2)
    start = max(0, end - _END_BYTES - _MAX_COMMENT_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise InvalidRequest("this file is no zip file, or its end is missing")
    (directory_bytes,) = struct.unpack_from("<L", tail, at + 12)
    locator = tail[max(0, at - _LOCATOR_BYTES) : at]
    if locator[:4] == _LOCATOR_64 and len(locator) == _LOCATOR_BYTES:
        (offset,) = struct.unpack_from("<Q", locator, 8)
        file.seek(min(offset, end))
        record = file.read(56)
        if record[:4] != _END_64 or len(record) < 56:
            raise InvalidRequest("the zip file's end is damaged")
        (directory_bytes,) = struct.unpack_from("<Q", record, 40)
    if directory_bytes > limits.max_directory_bytes:
        raise InvalidRequest(f"the zip file lists more members than fit {limits.max_directory_bytes} bytes")
    file.seek(0)
