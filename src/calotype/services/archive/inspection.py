"""Reading a kept object again: its meta, its header, its digest. For looking after the archive, not for ingest."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from calotype.dicom.part10 import FileMeta, Header, NeedMore, read_file_meta, scan
from calotype.dicom.repair import Reading
from calotype.dicom.sources import CHUNK_BYTES
from calotype.errors import InvalidRequest, Unavailable
from calotype.services.archive.ports import Flag, ObjectReader, ReadableBuffer

HEAD_BYTES: Final = 64 * 1024
"""How much of a data set is read first; the headers of nearly all objects end earlier."""

_LARGE_HEAD_BYTES: Final = 2 << 20
"""Enough for the longest file meta information that ``dicom.part10`` reads."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a kept object says of itself; ``header_json`` is not compressed."""

    meta: FileMeta
    header: Header
    header_json: bytes
    data_bytes: int


def inspect(reader: ObjectReader, reading: Reading | None = None) -> Inspected:
    """Read meta and header of a kept object, its text by ``reading``. InvalidRequest when it is damaged."""
    file = reader.read_at(0, HEAD_BYTES)
    meta = read_file_meta(file)
    if meta is None and len(file) < reader.size_bytes:
        file = reader.read_at(0, _LARGE_HEAD_BYTES)
        meta = read_file_meta(file)
    if meta is None:
        raise InvalidRequest(f"the file ends within its meta information, after {reader.size_bytes} bytes")
    data_bytes = reader.size_bytes - meta.data_offset
    data: ReadableBuffer = memoryview(file)[meta.data_offset :]
    try:
        header = scan(data, meta.transfer_syntax, data_bytes=data_bytes, reading=reading)
    except NeedMore:
        data = _whole(reader)[meta.data_offset :]
        header = scan(data, meta.transfer_syntax, data_bytes=data_bytes, reading=reading)
    return Inspected(meta, header, header.json(), data_bytes)


@contextmanager
def mapped(reader: ObjectReader, place: slice, *, sparsely: bool = False) -> Iterator[memoryview]:
    """Lend what stands at ``place`` of an open object: mapped, or read whole where there is no file to map.

    ``sparsely`` is for whoever looks here and there: the system then reads no more than is looked at. Walking from
    fragment to fragment of a file on disk would read nearly all of it otherwise.
    """
    descriptor = reader.fileno()
    if descriptor is None:
        yield memoryview(reader.read_at(place.start, place.stop - place.start))
        return
    with (
        mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as file,
        memoryview(file) as whole,
        whole[place] as data,
    ):
        if sparsely and hasattr(mmap, "MADV_RANDOM"):
            file.madvise(mmap.MADV_RANDOM)
        yield data


def flags_of(header: Header) -> frozenset[Flag]:
    """Return what is odd about an object, as the index keeps it."""
    flags = frozenset(Flag(oddity) for oddity in header.oddities)
    return flags if "PatientID" in header.attributes else flags | {Flag.NO_PATIENT_ID}


def digest_of(reader: ObjectReader, offset: int) -> bytes:
    """Return BLAKE3 over an object's bytes from ``offset`` on."""
    digest = blake3()
    for block in read_through(reader, offset, reader.size_bytes):
        digest.update(block)
    return digest.digest()


def read_through(reader: ObjectReader, start: int, end: int) -> Iterator[bytes]:
    """Read an open object from ``start`` to ``end``, a block at a time. Unavailable when it ends before."""
    while start < end:
        block = reader.read_at(start, min(CHUNK_BYTES, end - start))
        if not block:
            raise Unavailable(f"the object ends {end - start} bytes too early")
        start += len(block)
        yield block


def modified_us(reader: ObjectReader) -> int | None:
    """Return when an object was written, in microseconds since 1970, where its store can tell."""
    fd = reader.fileno()
    return None if fd is None else os.fstat(fd).st_mtime_ns // 1000


def key_number(key: str) -> int:
    """Return 64 bits that stand for a key: a set of them takes a third of the memory of a set of keys."""
    return int.from_bytes(blake3(key.encode()).digest(8), "big")


def _whole(reader: ObjectReader) -> memoryview:
    fd = reader.fileno()
    if fd is None:
        return memoryview(reader.read_at(0, reader.size_bytes))
    return memoryview(mmap.mmap(fd, reader.size_bytes, access=mmap.ACCESS_READ))
