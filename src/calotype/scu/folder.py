"""A receiver that writes Part 10 files into one folder: the data set as it came, under new file meta information.

File names come from UIDs that a peer chose, so nothing but digits and dots becomes one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from calotype.dicom.hierarchy import UID
from calotype.dicom.part10 import write_file_meta
from calotype.dicom.uids import is_valid_uid
from calotype.errors import InvalidRequest, OutOfResources
from calotype.services.archive.ports import ReadableBuffer


class FolderReceiver:
    """Writes each object as ``<SOP Instance UID>.dcm``; an object that is there already is written anew.

    The folder is made when it is missing. OutOfResources when it cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with _words(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def begin(self, sop_class: UID, sop_instance: UID, transfer_syntax: UID, source_ae_title: str) -> IncomingFile:
        """Open a file for one object. InvalidRequest when it has no SOP Instance UID."""
        if not sop_instance:
            raise InvalidRequest("the object came without a SOP Instance UID")
        meta = write_file_meta(sop_class, sop_instance, transfer_syntax, source_ae_title=source_ae_title)
        incoming = IncomingFile(self.folder / file_name(sop_instance))
        incoming.write([meta])
        return incoming


class IncomingFile:
    """A file being written beside its final name; visible under that only when complete."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path.with_suffix(".part")
        with _words(path):
            self._file = self._partial.open("wb", buffering=1024 * 1024)

    def write(self, parts: Sequence[ReadableBuffer]) -> None:
        """Append all of ``parts``."""
        with _words(self.path):
            self._file.writelines(parts)

    def commit(self) -> Path:
        """Give the file its name and return it."""
        with _words(self.path):
            self._file.close()
            self._partial.replace(self.path)
        return self.path

    def discard(self) -> None:
        """Remove what is not committed. Idempotent, never raises."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.discard()


def file_name(sop_instance: UID) -> str:
    """Return a safe file name: the UID when it is one, otherwise a digest of whatever it is."""
    if is_valid_uid(sop_instance):
        return f"{sop_instance}.dcm"
    digest = hashlib.blake2b(sop_instance.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"uid-{digest}.dcm"


@contextmanager
def _words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutOfResources(f"{path} cannot be written: {error.strerror or error}.") from error
