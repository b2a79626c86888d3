"""Bulk data of stored objects, by the paths that headers refer to; read by places, never whole."""

from __future__ import annotations

from collections.abc import Iterator

from calotype.dicom import bulk
from calotype.dicom.bulk import BulkValue, Path, parse_path, paths_in
from calotype.dicom.datasets import swap_words
from calotype.dicom.sources import CHUNK_BYTES
from calotype.errors import DamagedPixels, Unsupported
from calotype.services.archive.inspection import mapped
from calotype.services.archive.ports import ObjectReader, StoredInstance
from calotype.services.archive.retrieve import Retrieve

__all__ = ["BulkValue", "Path", "find", "parse_path", "paths_in", "swapped"]


def find(retrieve: Retrieve, stored: StoredInstance, path: Path) -> tuple[StoredInstance, BulkValue]:
    """Return where a value is, and the object in which: ``stored``, or what took its place.

    NotFound when object or value is not here, Unsupported when the object is too damaged to look into.
    """
    current, reader = retrieve.open_current(stored)
    location = current.location
    with reader, mapped(reader, slice(location.data_offset, reader.size_bytes)) as data:
        try:
            return current, bulk.find(data, location.transfer_syntax, path)
        except DamagedPixels as error:
            raise Unsupported(f"the value is damaged: {error}") from error


def swapped(reader: ObjectReader, data_offset: int, value: BulkValue, start: int, stop: int) -> Iterator[bytes]:
    """Read bytes ``start`` to ``stop`` of a value whose words stand in the other byte order, in ours."""
    [(offset, length)] = value.places
    word = value.word_bytes
    at = start - start % word
    while at < stop:
        block = reader.read_at(data_offset + offset + at, min(CHUNK_BYTES, length - at))
        if not block:
            return
        ours = swap_words(block, word)
        yield ours[max(0, start - at) : stop - at]
        at += len(block)
