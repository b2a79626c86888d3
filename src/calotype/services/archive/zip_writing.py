"""Writing a zip file to a stream, member by member (APPNOTE 6.3): never sought, of any size and number (ZIP64).

Members are not compressed, so that a file leaves as it is. One whose length and checksum are known stands as every
reader takes it. Of one that is made on the way the length follows it, which readers of streams (Java's) allow for
deflated members only: it stands as deflate blocks that hold it as it is. Names are ours, in ASCII; nothing here opens
a file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

_STORED, _DEFLATED = 0, 8
_LENGTH_FOLLOWS: Final = 1 << 3
_MAX_32: Final = 0xFFFFFFFF
_MAX_16: Final = 0xFFFF
_VERSION: Final = 45
"""4.5, the first with ZIP64."""
_MADE_BY_UNIX: Final = 3 << 8 | _VERSION
_PERMISSIONS: Final = 0o100644 << 16
_DAY_ONE: Final = 1 << 5 | 1
"""1980-01-01, as zip counts: when an image was made is told inside."""


@dataclass(frozen=True, slots=True)
class _Member:
    name: bytes
    method: int
    flags: int
    crc: int
    packed_bytes: int
    size_bytes: int
    offset: int


@dataclass(slots=True)
class ZipWriter:
    """Says what stands around members. Used by one thread, in the order of the file."""

    _members: list[_Member] = field(default_factory=list)
    _position: int = 0

    def head(self, name: str, size_bytes: int, crc: int) -> bytes:
        """Return what comes before a member of known length and checksum; its bytes must follow."""
        told = name.encode("ascii")
        member = _Member(told, _STORED, 0, crc, size_bytes, size_bytes, self._position)
        head = _local(member)
        self._members.append(member)
        self._position += len(head) + size_bytes
        return head

    def streamed(self, name: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a whole member that is made on the way."""
        told = name.encode("ascii")
        begun = _Member(told, _DEFLATED, _LENGTH_FOLLOWS, 0, 0, 0, self._position)
        # Told to be of 64 bits in any case: its length is not known yet.
        head = _local(begun, is_long=True)
        yield head
        packer = zlib.compressobj(0, zlib.DEFLATED, -zlib.MAX_WBITS)
        crc = size_bytes = packed_bytes = 0
        for chunk in chunks:
            crc = zlib.crc32(chunk, crc)
            size_bytes += len(chunk)
            packed = packer.compress(chunk)
            packed_bytes += len(packed)
            if packed:
                yield packed
        packed = packer.flush()
        packed_bytes += len(packed)
        tail = packed + struct.pack("<4sLQQ", b"PK\x07\x08", crc, packed_bytes, size_bytes)
        self._members.append(_Member(told, _DEFLATED, _LENGTH_FOLLOWS, crc, packed_bytes, size_bytes, begun.offset))
        self._position += len(head) + packed_bytes - len(packed) + len(tail)
        yield tail

    def end(self) -> Iterator[bytes]:
        """Yield the list of members and the end of the file."""
        start, size_bytes, count = self._position, 0, len(self._members)
        for member in self._members:
            entry = _central(member)
            size_bytes += len(entry)
            yield entry
        if count >= _MAX_16 or size_bytes >= _MAX_32 or start >= _MAX_32:
            end = start + size_bytes
            yield struct.pack(
                "<4sQHHLLQQQQ", b"PK\x06\x06", 44, _MADE_BY_UNIX, _VERSION, 0, 0, count, count, size_bytes, start
            ) + struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
        yield struct.pack(
            "<4sHHHHLLH",
            b"PK\x05\x06",
            0,
            0,
            min(count, _MAX_16),
            min(count, _MAX_16),
            min(size_bytes, _MAX_32),
            min(start, _MAX_32),
            0,
        )


def _local(member: _Member, *, is_long: bool = False) -> bytes:
    extra = b""
    is_long = is_long or member.size_bytes >= _MAX_32
    if is_long:
        extra = struct.pack("<HHQQ", 1, 16, member.size_bytes, member.packed_bytes)
    sizes = (_MAX_32, _MAX_32) if is_long else (member.packed_bytes, member.size_bytes)
    return (
        struct.pack(
            "<4sHHHHHLLLHH",
            b"PK\x03\x04",
            _VERSION,
            member.flags,
            member.method,
            0,
            _DAY_ONE,
            member.crc,
            *sizes,
            len(member.name),
            len(extra),
        )
        + member.name
        + extra
    )


def _central(member: _Member) -> bytes:
    numbers = (member.size_bytes, member.packed_bytes, member.offset)
    long = [number for number in numbers if number >= _MAX_32]
    extra = struct.pack(f"<HH{len(long)}Q", 1, 8 * len(long), *long) if long else b""
    size_bytes, packed_bytes, offset = (min(number, _MAX_32) for number in numbers)
    return (
        struct.pack(
            "<4sHHHHHHLLLHHHHHLL",
            b"PK\x01\x02",
            _MADE_BY_UNIX,
            _VERSION,
            member.flags,
            member.method,
            0,
            _DAY_ONE,
            member.crc,
            packed_bytes,
            size_bytes,
            len(member.name),
            len(extra),
            0,
            0,
            0,
            _PERMISSIONS,
            offset,
        )
        + member.name
        + extra
    )
