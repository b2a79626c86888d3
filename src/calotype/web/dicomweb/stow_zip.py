"""A zip file as the body of a store request: kept until its list of members, at its end, has come.

Members that are no DICOM files are passed over, as there are always some. Not of the Standard, but of browsers and
scripts, whose folders of thousands of files are one file then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from calotype.errors import CalotypeError, InvalidRequest
from calotype.services.archive.ingest import Ingest
from calotype.services.archive.ports import Spool
from calotype.services.archive.zips import ZipLimits, zip_in
from calotype.web.dicomweb.stow import StowSession

_CHUNK_BYTES: Final = 1 << 20
_LIMITS: Final = ZipLimits(max_directory_bytes=16 << 20)


class ZipSession:
    """Receives one zip file (a ``PartSink`` of one part). One thread at a time."""

    def __init__(self, ingest: Ingest, files: StowSession, *, max_members: int) -> None:
        self._files = files
        self._max_members = max_members
        self._spool: Spool = ingest.spool()

    def begin(self, _headers: Mapping[str, str]) -> None:
        """Start the file."""

    def data(self, piece: memoryview) -> None:
        """Take the next bytes of the file. OutOfResources when there is no space."""
        self._spool.write((piece,))

    def end(self) -> None:
        """Take note that the file is complete."""

    def finish(self) -> None:
        """Store every DICOM file in it. InvalidRequest when it is no zip file."""
        archive = zip_in(self._spool.view(), _LIMITS)
        members = archive.members()
        if len(members) > self._max_members:
            raise InvalidRequest(f"the zip file has more than {self._max_members} members; send several")
        for info in members:
            self._files.begin({})
            try:
                for chunk in archive.chunks(info, _CHUNK_BYTES):
                    self._files.data(memoryview(chunk))
            except CalotypeError as error:
                self._files.abandon(error)
            else:
                self._files.end()

    def close(self) -> None:
        """Forget the file. Idempotent."""
        self._files.close()
        self._spool.discard()
