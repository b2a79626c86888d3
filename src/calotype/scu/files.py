"""Files as cargo: find the Part 10 files under some paths, read what each is, send them as they are.

Only headers are read beforehand (contexts are proposed from them); data sets go from file to socket. What does not
look like a Part 10 file is told, not guessed at.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from calotype.closing import Closing
from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import FileMeta, NeedMore, read_file_meta, scan
from calotype.dicom.uids import MEDIA_STORAGE_DIRECTORY
from calotype.errors import CalotypeError, InvalidRequest, NotFound, Unavailable, Unsupported
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.routing.cargo import Cargo, deidentify_all
from calotype.services.routing.nodes import Node
from calotype.services.routing.ports import Answer, Courier, Kind, Parcel
from calotype.services.routing.send import carry

_PREFIX_BYTES = 16 * 1024
_MAX_META_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that cannot be sent, and why. It may be an object all the same when nobody could look into it."""

    path: Path
    why: str
    was_read: bool = True


@dataclass(slots=True)
class Files:
    """What was found: files to send, in order, and what was left aside."""

    paths: list[Path] = field(default_factory=list)
    cargo: list[Cargo] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one file."""

    path: Path
    answer: Answer


class FileReader(Closing):
    """An open file as the archive's ``ObjectReader``. Used by one thread."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise _translated(path, error) from error
        self._path = path
        self.size_bytes = os.fstat(self._file.fileno()).st_size

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``. Unavailable when the file system fails."""
        try:
            self._file.seek(offset)
            parts = []
            while size_bytes > 0 and (part := self._file.read(size_bytes)):
                parts.append(part)
                size_bytes -= len(part)
            return b"".join(parts)
        except OSError as error:
            raise _translated(self._path, error) from error

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._file.fileno()

    def close(self) -> None:
        """Free the descriptor."""
        self._file.close()


class PartTenFiles:
    """Implements ``services.routing.peers.LocalFiles``."""

    def walk(self, paths: Iterable[Path]) -> Iterator[Path]:
        """Return the files among ``paths`` and in the folders among them. NotFound when one does not exist."""
        return _walk(paths)

    def read(self, path: Path) -> Parcel:
        """Read what a file holds; see :func:`read_parcel`."""
        return read_parcel(path)

    def open(self, path: Path) -> FileReader:
        """Open a file. NotFound, Unavailable."""
        return FileReader(path)


def gather(paths: Iterable[Path], on_file: Callable[[Path], None] = lambda _path: None) -> Files:
    """Find the DICOM files among ``paths``, folders searched through, and read what each of them is.

    ``on_file`` is told of each file looked at. NotFound when one of ``paths`` does not exist. A DICOMDIR is no
    object to be sent, the files that it lists are; so it is left aside like anything else that is no object.
    """
    files = Files()
    for path in _walk(paths):
        on_file(path)
        try:
            parcel = read_parcel(path)
        except CalotypeError as error:
            files.skipped.append(Skipped(path, str(error), was_read=not isinstance(error, NotFound | Unavailable)))
            continue
        files.paths.append(path)
        files.cargo.append(Cargo(parcel, partial(_open, path, parcel)))
    return files


def send_files(
    courier: Courier, node: Node, files: Files, anonymiser: Anonymiser | None = None
) -> Generator[Sent, None, None]:
    """Send ``files`` to ``node``, yielding what came of each; close the generator to stop.

    A node that must not know whose objects it gets needs an ``anonymiser``: Refused without.
    Nothing that the node does is raised: see :func:`calotype.services.routing.send.carry`.
    """
    cargo = deidentify_all(files.cargo, anonymiser) if node.anonymise and anonymiser is not None else files.cargo
    for handover in carry(cargo, courier, node):
        yield Sent(files.paths[handover.position], handover.answer)


def read_parcel(path: Path) -> Parcel:
    """Read what a Part 10 file holds.

    InvalidRequest when it is none, NotFound or Unavailable when it cannot be read.
    """
    with FileReader(path) as reader:
        prefix, meta = _read_meta(reader, path)
        data_bytes = reader.size_bytes - meta.data_offset
        if data_bytes <= 0:
            raise InvalidRequest(f"{path} has no data set.")
        sop_class, sop_instance = _uids_in_data_set(reader, memoryview(prefix)[meta.data_offset :], meta, data_bytes)
    if sop_class == MEDIA_STORAGE_DIRECTORY:
        raise InvalidRequest(f"{path} is a DICOMDIR, no object to be sent.")
    if not (sop_class and sop_instance and meta.transfer_syntax):
        raise InvalidRequest(f"{path} does not say its SOP Class, SOP Instance or Transfer Syntax UID.")
    return Parcel(Kind(sop_class, meta.transfer_syntax), sop_instance, meta.data_offset, data_bytes)


def _read_meta(reader: FileReader, path: Path) -> tuple[bytes, FileMeta]:
    """Return the file's first bytes, and the file meta information in them."""
    size_bytes = _PREFIX_BYTES
    while True:
        prefix = reader.read_at(0, size_bytes)
        meta = read_file_meta(prefix)
        if meta is not None:
            return prefix, meta
        if len(prefix) < size_bytes or size_bytes >= _MAX_META_BYTES:
            raise InvalidRequest(f"{path} is cut short: its file meta information does not end.")
        size_bytes *= 4


def _uids_in_data_set(reader: FileReader, prefix: memoryview, meta: FileMeta, data_bytes: int) -> tuple[UID, UID]:
    """Return SOP Class and Instance UID as the data set has them.

    File meta information may contradict the data set (files that were edited); a C-STORE whose command does so is
    refused with A900 (PS3.4 B.2.3), and it is the data set that is sent. A damaged one goes by its meta.
    """
    try:
        try:
            attributes = scan(prefix, meta.transfer_syntax, data_bytes=data_bytes).attributes
        except NeedMore:
            with (
                mmap.mmap(reader.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
                memoryview(mapped) as whole,
                whole[meta.data_offset :] as data,
            ):
                attributes = scan(data, meta.transfer_syntax, data_bytes=data_bytes).attributes
    except (InvalidRequest, Unsupported):
        attributes = {}
    sop_class, sop_instance = attributes.get("SOPClassUID"), attributes.get("SOPInstanceUID")
    return UID(sop_class or meta.sop_class), UID(sop_instance or meta.sop_instance)


def _open(path: Path, parcel: Parcel) -> tuple[Parcel, FileReader]:
    return parcel, FileReader(path)


def _walk(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                yield from (Path(folder, name) for name in sorted(names))
        elif path.exists():
            yield path
        else:
            raise NotFound(f"{path} does not exist.")


def _translated(path: Path, error: OSError) -> CalotypeError:
    kind = NotFound if isinstance(error, FileNotFoundError) else Unavailable
    return kind(f"{path} cannot be read: {error.strerror or error}.")
