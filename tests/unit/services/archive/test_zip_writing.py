"""Zip files as others read them: stored and streamed members, more than 16 bits count, lengths above 4 GiB."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest

from calotype.services.archive.zip_writing import ZipWriter


def written(*members):
    """Return a zip file: of bytes stored members are made, of lists streamed ones."""
    writer, out = ZipWriter(), []
    for number, member in enumerate(members):
        if isinstance(member, bytes):
            out += [writer.head(f"A/{number}", len(member), zlib.crc32(member)), member]
        else:
            out += writer.streamed(f"A/{number}", member)
    return b"".join([*out, *writer.end()])


@pytest.mark.parametrize(
    "members", [(), (b"one",), (b"", b"two"), ([b"a", b"b" * 100_000], b"between", []), ([bytes(70_000)] * 5,)]
)
def test_what_goes_in_comes_out(members):
    with zipfile.ZipFile(io.BytesIO(written(*members))) as file:
        assert file.testzip() is None
        assert file.namelist() == [f"A/{number}" for number in range(len(members))]
        assert [file.read(name) for name in file.namelist()] == [
            b"".join([m] if isinstance(m, bytes) else m) for m in members
        ]


def test_readers_of_streams_find_every_member():
    """They see no list: a stored member must tell its length before it, one that does not must be deflated."""
    file, at, found = written(b"stored", [b"made", b" on the way"], b"again"), 0, []
    while file[at : at + 4] == b"PK\x03\x04":
        flags, method, _, crc, packed, size, name, extra = struct.unpack_from("<HHLLLLHH", file, at + 6)
        start = at + 30 + name + extra
        if flags & 8:
            assert (method, packed, size) == (8, 0xFFFFFFFF, 0xFFFFFFFF)
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            found.append(inflater.decompress(file[start:]))
            at = len(file) - len(inflater.unused_data)
            told = struct.unpack_from("<4sLQQ", file, at)
            assert told == (b"PK\x07\x08", zlib.crc32(found[-1]), at - start, len(found[-1]))
            at += 24
        else:
            assert (method, packed, zlib.crc32(file[start : start + size])) == (0, size, crc)
            found.append(file[start : start + size])
            at = start + size
    assert found == [b"stored", b"made on the way", b"again"]


def test_more_members_than_16_bits_count():
    with zipfile.ZipFile(io.BytesIO(written(*[b"x"] * 70_000))) as file:
        assert len(file.namelist()) == 70_000
        assert file.read("A/69999") == b"x"


class Huge(io.RawIOBase):
    """A zip file of which a member is only thought to be there."""

    def __init__(self, before, gap, after):
        self._parts = [(0, before), (len(before) + gap, after)]
        self._end = len(before) + gap + len(after)
        self._at = 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=0):
        self._at = (0, self._at, self._end)[whence] + offset
        return self._at

    def tell(self):
        return self._at

    def read(self, size=-1):
        stop = self._end if size < 0 else min(self._end, self._at + size)
        out = bytearray(stop - self._at)
        for start, data in self._parts:
            first, last = max(start, self._at), min(start + len(data), stop)
            if first < last:
                out[first - self._at : last - self._at] = data[first - start : last - start]
        self._at = stop
        return bytes(out)


def test_members_and_places_above_4_gib():
    writer, gap = ZipWriter(), 5 << 30
    before = writer.head("LARGE", gap, 0)
    after = writer.head("SMALL", 5, zlib.crc32(b"small")) + b"small" + b"".join(writer.end())
    with zipfile.ZipFile(Huge(before, gap, after)) as file:
        large, small = file.infolist()
        assert (large.file_size, large.header_offset) == (gap, 0)
        assert (small.file_size, small.header_offset) == (5, len(before) + gap)
        assert file.read("SMALL") == b"small"
