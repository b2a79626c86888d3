"""Objects out of metadata and bulk data that come apart: kept until all is there, built, taken in one by one.

Bulk data of any size wait in one private file beside the objects; metadata are bounded, and wait in memory. What an
object is made of is known to ``dicom.assembly``; building one goes the same way as receiving one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count
from typing import Final
from urllib.parse import urlsplit

from calotype.dicom.assembly import json_reader, xml_reader
from calotype.dicom.assembly.assemble import SOP_INSTANCE_UID, assemble, uid_in
from calotype.dicom.assembly.documents import SOP_CLASS_UID
from calotype.dicom.assembly.json_reader import JsonDataSet
from calotype.dicom.assembly.media import OCTETS, BulkPart
from calotype.dicom.hierarchy import UID
from calotype.dicom.sources import cut
from calotype.errors import InvalidRequest
from calotype.services.archive.incoming import Declared
from calotype.services.archive.ingest import Ingest, Receipt
from calotype.services.archive.ports import Origin, Spool


class Notation(Enum):
    """In which notation metadata are."""

    JSON = auto()
    """One or many data sets (PS3.18 Annex F)."""
    XML = auto()
    """One data set (PS3.19 A.1)."""


_READERS: Final[Mapping[Notation, Callable[[bytes], list[JsonDataSet]]]] = {
    Notation.JSON: json_reader.data_sets,
    Notation.XML: lambda document: [xml_reader.data_set(document)],
}


@dataclass(frozen=True, slots=True)
class Built:
    """What became of one instance: a receipt, or why not. Its UIDs are what the metadata say, possibly nothing."""

    sop_class: UID
    sop_instance: UID
    result: Receipt | Exception


@dataclass(frozen=True, slots=True)
class _Bulk:
    """What one part is, and where it lies in the file."""

    media_type: str
    transfer_syntax: UID
    start: int
    end: int


class Building:
    """Collects the parts of one request, then builds. One thread at a time; close it."""

    def __init__(self, ingest: Ingest, origin: Origin, *, study: UID | None, max_metadata_bytes: int) -> None:
        self._ingest = ingest
        self._origin = origin
        self._study = study
        self._left_bytes = max_metadata_bytes
        self._max_metadata_bytes = max_metadata_bytes
        self._data_sets: list[JsonDataSet] = []
        self._bulk: list[_Bulk] = []
        self._used: set[int] = set()
        self._spool: Spool | None = None
        self._view = memoryview(b"")
        self._named: dict[str, list[int]] = {}
        self._open: tuple[str, UID, int] | None = None

    def add_metadata(self, document: bytes, notation: Notation) -> None:
        """Add data sets. InvalidRequest when the document is none of its notation, or above the limit."""
        self._left_bytes -= len(document)
        if self._left_bytes < 0:
            raise InvalidRequest(f"the metadata of one request take at most {self._max_metadata_bytes} bytes here")
        self._data_sets += _READERS[notation](document)

    def begin_bulk(self, names: Iterable[str], media_type: str, transfer_syntax: UID) -> None:
        """Start a part of bulk data; ``names`` are the addresses that metadata may know it by."""
        if self._spool is None:
            self._spool = self._ingest.spool()
        for name in {_comparable(name) for name in names}:
            self._named.setdefault(name, []).append(len(self._bulk))
        self._open = (media_type or OCTETS, transfer_syntax, self._spool.size_bytes)

    def write_bulk(self, piece: memoryview) -> None:
        """Take the next bytes of the part. OutOfResources when there is no space."""
        assert self._spool is not None  # noqa: S101 - begin_bulk has made it
        self._spool.write((piece,))

    def end_bulk(self) -> None:
        """Finish the part."""
        assert self._spool is not None  # noqa: S101 - as above
        assert self._open is not None  # noqa: S101 - as above
        self._bulk.append(_Bulk(*self._open, self._spool.size_bytes))
        self._open = None

    def build(self) -> Iterator[Built]:
        """Build the instances, and take them in, one after the other. InvalidRequest when there are no metadata."""
        if not self._data_sets:
            raise InvalidRequest("the request holds no metadata: their part comes before those of bulk data")
        if self._spool is not None:
            self._view = self._spool.view()
        for data_set in self._data_sets:
            try:
                result: Receipt | Exception = self._store(data_set)
            except Exception as error:  # noqa: BLE001 - one that we stumble over must not take the others down
                result = error
            yield Built(uid_in(data_set, SOP_CLASS_UID), uid_in(data_set, SOP_INSTANCE_UID), result)

    @property
    def unused(self) -> int:
        """How many parts of bulk data no instance has referred to."""
        return len(self._bulk) - len(self._used)

    def close(self) -> None:
        """Forget what was collected. Idempotent, never raises."""
        self._view = memoryview(b"")
        if self._spool is not None:
            self._spool.discard()

    def _store(self, data_set: JsonDataSet) -> Receipt:
        built = assemble(data_set, self._find)
        declared = Declared(built.sop_class, built.sop_instance, built.transfer_syntax)
        with self._ingest.begin(declared, self._origin, study=self._study) as incoming:
            for piece in built.pieces:
                for part in cut(memoryview(piece)):
                    incoming.write((part,))
            return incoming.commit()

    def _find(self, uri: str) -> Sequence[BulkPart]:
        """Return the parts known by an address; frames of it, if those are parts with addresses, in their order."""
        name = _comparable(uri)
        numbers = self._named.get(name) or [*self._frames(name)]
        if not numbers:
            raise InvalidRequest(f"no part has the Content-Location that BulkDataURI names: {uri[:200]}")
        self._used.update(numbers)
        return [
            BulkPart(bulk.media_type, bulk.transfer_syntax, self._view[bulk.start : bulk.end])
            for bulk in (self._bulk[number] for number in numbers)
        ]

    def _frames(self, name: str) -> Iterator[int]:
        for frame in count(1):
            numbers = self._named.get(f"{name}/frames/{frame}")
            if not numbers:
                return
            yield numbers[0]


def _comparable(uri: str) -> str:
    """Return an address as it is compared: clients name the host in the one place and not in the other."""
    uri = uri.strip()
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    if parts.scheme not in {"", "http", "https"}:
        return uri
    path = parts.path.removeprefix("./").lstrip("/")
    return f"{path}?{parts.query}" if parts.query else path
