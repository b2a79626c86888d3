"""Importing files: folders, zip files, media with a DICOMDIR, single files.

Each file is one :class:`ImportOutcome`, in the order read; what is wrong with one never stops the rest. Only what
would fail for all of them does: a full disk, an index that does not answer.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from calotype.errors import CalotypeError, InvalidRequest, NotFound, OutOfResources, Unavailable
from calotype.services.archive.dicomdir import find_file, read_dicomdir
from calotype.services.archive.ingest import Ingest, Receipt
from calotype.services.archive.opening import NotAnObject
from calotype.services.archive.ports import Channel, Origin, Progress, ReadableBuffer, unseen
from calotype.services.archive.zips import DEFAULT_ZIP_LIMITS, BoundedZip, ZipLimits

CHUNK_BYTES: Final = 1 << 20

_ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")


class ImportStatus(StrEnum):
    """What became of one file."""

    IMPORTED = "imported"
    """It is in the archive; the receipt says whether it was before."""
    SKIPPED = "skipped"
    """It is no DICOM object."""
    FAILED = "failed"
    """It is, or is meant to be, and could not be kept."""


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """One file; ``reason`` is empty when it was imported, else says why not."""

    source: str
    status: ImportStatus
    receipt: Receipt | None
    reason: str

    @classmethod
    def of(cls, source: str, error: CalotypeError) -> Self:
        """Make the outcome of a file that was not imported."""
        status = ImportStatus.SKIPPED if isinstance(error, NotAnObject) else ImportStatus.FAILED
        return cls(source, status, None, str(error))


class Importer:
    """Reads files into the archive. Thread-safe; each iterator belongs to one thread.

    Files may be old or incomplete: meta or preamble may be missing, and the data set overrules a contradicting meta.
    """

    def __init__(
        self,
        ingest: Ingest,
        origin: Origin | None = None,
        zip_limits: ZipLimits = DEFAULT_ZIP_LIMITS,
    ) -> None:
        self._ingest = ingest
        self._origin = origin or Origin(Channel.IMPORT)
        self._zip_limits = zip_limits

    def path(self, path: Path, progress: Progress = unseen) -> Iterator[ImportOutcome]:
        """Import whatever ``path`` is. NotFound when it is nothing."""
        if path.is_dir():
            return self.folder(path, progress)
        if not path.is_file():
            raise NotFound(f"{path} is neither a file nor a folder")
        return self._whole(path, progress)

    def _whole(self, path: Path, progress: Progress) -> Iterator[ImportOutcome]:
        """Import a file by what it is; what is wrong with it as a whole is its one outcome."""
        source = _shown(str(path))
        try:
            with path.open("rb") as file:
                is_zip = file.read(4) in _ZIP_MAGIC
        except OSError as error:
            yield ImportOutcome.of(source, InvalidRequest(f"it cannot be read: {error.strerror}"))
            return
        try:
            if is_zip:
                yield from self.zip_file(path, progress)
            elif path.name.upper().startswith("DICOMDIR"):
                yield from self.dicomdir(path, progress)
            else:
                yield from self._files([path], progress)
        except InvalidRequest as error:
            yield ImportOutcome.of(source, error)

    def folder(self, path: Path, progress: Progress = unseen) -> Iterator[ImportOutcome]:
        """Import every DICOM file below a folder, sorted. Unavailable when the folder itself cannot be read.

        Folders that are links are not followed, which could lead round in circles.
        """
        try:
            os.scandir(path).close()
        except OSError as error:
            raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
        return self._files(list(_walk(path)), progress)

    def dicomdir(self, path: Path, progress: Progress = unseen) -> Iterator[ImportOutcome]:
        """Import the files that a DICOMDIR refers to, and no others. InvalidRequest when it is none."""
        try:
            file_ids = read_dicomdir(path)
        except OSError as error:
            raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
        for done, file_id in enumerate(file_ids, start=1):
            source = _shown("/".join(file_id))
            try:
                outcome = self._file(source, find_file(path.parent, file_id))
            except (NotFound, InvalidRequest) as error:
                outcome = ImportOutcome.of(source, error)
            yield outcome
            progress(done, len(file_ids), source)

    def zip_file(self, path: Path, progress: Progress = unseen) -> Iterator[ImportOutcome]:
        """Import every DICOM file in a zip file, sorted by name. InvalidRequest when it is none."""
        try:
            file = path.open("rb")
        except OSError as error:
            raise Unavailable(f"{path} cannot be read: {error.strerror}") from error
        with file:
            archive = BoundedZip(file, self._zip_limits)
            members = archive.members()
            for done, info in enumerate(members, start=1):
                source = _shown(f"{path}:{info.filename}")
                yield self._stream(source, archive.chunks(info, CHUNK_BYTES))
                progress(done, len(members), source)

    def _files(self, files: list[Path], progress: Progress) -> Iterator[ImportOutcome]:
        for done, path in enumerate(files, start=1):
            source = _shown(str(path))
            yield self._file(source, path)
            progress(done, len(files), source)

    def _file(self, source: str, path: Path) -> ImportOutcome:
        return self._stream(source, _chunks(path))

    def _stream(self, source: str, chunks: Iterable[ReadableBuffer]) -> ImportOutcome:
        """Import one file from its bytes."""
        try:
            with self._ingest.begin_part10(self._origin, tolerant=True) as incoming:
                for chunk in chunks:
                    incoming.write((chunk,))
                receipt = incoming.commit()
        except (OutOfResources, Unavailable):
            # Not this file's fault: the next would fail the same way.
            raise
        except CalotypeError as error:
            return ImportOutcome.of(source, error)
        return ImportOutcome(source, ImportStatus.IMPORTED, receipt, "")


def _chunks(path: Path) -> Iterator[ReadableBuffer]:
    """Read a file through one buffer, which is valid until the next chunk. InvalidRequest when it cannot be read."""
    buffer = memoryview(bytearray(CHUNK_BYTES))
    try:
        with path.open("rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NotAnObject("no ordinary file")
            while size_bytes := file.readinto(buffer):
                yield buffer[:size_bytes]
    except OSError as error:
        raise InvalidRequest(f"it cannot be read: {error.strerror}") from error


def _shown(name: str) -> str:
    """Return a stranger's file name fit for a terminal, a log or a page."""
    return "".join(char if char.isprintable() else "?" for char in name)


def _walk(folder: Path) -> Iterator[Path]:
    """Return the files below a folder, sorted; folders that cannot be listed come as themselves, to fail as such."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        yield folder
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)
