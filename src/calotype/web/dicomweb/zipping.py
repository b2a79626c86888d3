"""Objects in one zip file (``application/zip``), with a DICOMDIR where it is wanted; sent as it is made.

Files are named as media want them (PS3.10 8.2): ``DICOM/ST000001/SE000001/IM000001``. One that leaves as it is stored
is read twice, for its checksum and to be sent, and is not held.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain, count
from typing import Final
from uuid import uuid4

import orjson

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.dicom.query.switch import switch
from calotype.dicom.uids import uid_of_uuid
from calotype.errors import InvalidRequest
from calotype.services.archive.dicomdir_writing import DicomdirWriter
from calotype.services.archive.forms import Forms
from calotype.services.archive.inspection import inspect
from calotype.services.archive.retrieve import Retrieve
from calotype.services.archive.zip_writing import ZipWriter
from calotype.web.dicomweb.departures import Departure, leaving_in_turn
from calotype.web.lines import Piece, Pieces, Stretch

_DICOMDIR: Final = "DICOMDIR"


def wants_dicomdir(text: str | None) -> bool:
    """Read the parameter ``dicomdir``. InvalidRequest for what is neither yes nor no."""
    wanted = switch("no" if text is None else text)
    if wanted is None:
        raise InvalidRequest("dicomdir: yes or no")
    return wanted


def zip_pieces(retrieve: Retrieve, objects: Iterable[Departure], forms: Forms, *, dicomdir: bool) -> Pieces:
    """Yield a zip file of whole objects."""
    writer, names = ZipWriter(), _Names()
    directory = DicomdirWriter(uid_of_uuid(uuid4())) if dicomdir else None
    named: deque[tuple[str, ...]] = deque()
    with closing(leaving_in_turn(retrieve, _noting(objects, names, named), forms)) as files:
        for file in files:
            file_id = named.popleft()
            if directory is not None:
                header = orjson.loads(inspect(file.reader).header_json)
                directory.add(file_id, file.stored.sop_class, file.stored.ref.instance, file.transfer_syntax, header)
            yield from _member(writer, "/".join(file_id), file.blocks)
    if directory is not None:
        written = directory.written()
        yield writer.head(_DICOMDIR, len(written), zlib.crc32(written)) + written
    yield b"".join(writer.end())


def _noting(objects: Iterable[Departure], names: _Names, named: deque[tuple[str, ...]]) -> Iterator[Departure]:
    """Note which name each object has, by its true UIDs, as it is taken."""
    for departure in objects:
        named.append(names.of(departure.stored.ref))
        yield departure


def _member(writer: ZipWriter, name: str, blocks: Iterator[Piece]) -> Iterator[Piece]:
    first = next(blocks)
    if isinstance(first, Stretch):
        crc = 0
        for block in first.blocks():
            crc = zlib.crc32(block, crc)
        yield writer.head(name, first.size_bytes, crc)
        yield first
        return
    rest = (block for block in blocks if isinstance(block, bytes))
    yield from writer.streamed(name, chain((first,), rest))


class _Names:
    """Numbers studies, series and objects in the order in which they come."""

    def __init__(self) -> None:
        self._studies: dict[UID, str] = {}
        self._series: dict[tuple[UID, UID], tuple[str, Iterator[int]]] = {}

    def of(self, ref: InstanceRef) -> tuple[str, ...]:
        """Return the File ID of the next object."""
        study = self._studies.setdefault(ref.study, f"ST{len(self._studies) + 1:06d}")
        key = (ref.study, ref.series)
        if key not in self._series:
            self._series[key] = (f"SE{len(self._series) + 1:06d}", count(1))
        series, numbers = self._series[key]
        return ("DICOM", study, series, f"IM{next(numbers):06d}")
