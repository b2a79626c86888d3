"""A bounded folder of results that can be made again: pictures, transcoded objects. Losing it costs time only.

Each result is one file, named by a key that its maker derives from everything that decides it, so a file is never
stale: what changes gets another key. Behind its content stands a digest of it: what a crash or a disk has left of a
file is not handed out. A file that is read becomes young again; the oldest go when there is too much. Several
processes may share a folder. Nothing here ever fails a request: what cannot be kept is not kept.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final

from blake3 import blake3

from calotype.closing import Closing

log = logging.getLogger(__name__)

_KEY: Final = re.compile(r"[0-9a-f]{8,64}")
_MARK: Final = ".tmp-"
_SPARE: Final = 0.8
"""What is left of the limit after the oldest have gone: sweeping is rare, and long enough to be worth its look."""
_YOUNGER_S: Final = 60
_LARGEST: Final = 8
"""What is larger than this part of everything is not kept: it would drive out too much."""
_DIGEST_BYTES: Final = 16
_BLOCK_BYTES: Final = 1024 * 1024


class FolderCache:
    """Files below one folder, ``max_bytes`` together. Thread-safe."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._used_bytes: int | None = None
        """About; counted when first needed, and anew by each sweep."""

    @property
    def largest_bytes(self) -> int:
        """How large a result may be that is kept."""
        return self._max_bytes // _LARGEST

    def get(self, key: str) -> bytes | None:
        """Return what was kept under ``key``, ``None`` when nothing is."""
        kept = self.open(key)
        if kept is None:
            return None
        with kept:
            return kept.read_at(0, kept.size_bytes)

    def open(self, key: str) -> KeptFile | None:
        """Open what was kept under ``key``, ``None`` when nothing is; it stays readable when it is swept away."""
        path = self._path(key)
        try:
            file = path.open("rb", buffering=0)
        except OSError:
            return None
        try:
            told = os.fstat(file.fileno())
            kept = KeptFile(file, told.st_size - _DIGEST_BYTES)
            if not kept.is_whole():
                file.close()
                log.warning("a result in the cache is damaged, it will be made again: %s", path)
                self._remove(path)
                return None
        except OSError:
            file.close()
            return None
        if time.time() - told.st_mtime > _YOUNGER_S:
            with suppress(OSError):
                os.utime(path)
        return kept

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data`` under ``key``; what is larger than :attr:`largest_bytes` is not kept."""
        if not data or len(data) > self.largest_bytes:
            return
        part = self.begin(key)
        if part is not None:
            with part:
                if part.write(data):
                    part.keep()

    def begin(self, key: str) -> GrowingFile | None:
        """Start a result that is kept once it is whole; ``None`` when there is no way to keep it."""
        path = self._path(key)
        part = path.with_name(f"{key}{_MARK}{os.getpid()}-{threading.get_ident()}-{time.monotonic_ns()}")
        try:
            # For the owner alone, as the objects are: these are pictures of patients.
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return GrowingFile(self, part, path)
        except OSError as error:
            log.warning("the cache cannot keep a result: %s", error)
            return None

    def forget(self, start: str) -> None:
        """Remove every result whose key starts with ``start``, which is no shorter than the shortest key."""
        folder = self._path(start).parent
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(start):
                    self._remove(Path(entry.path))

    def _added(self, size_bytes: int) -> None:
        """Count a file that has come, and make room when there is too much."""
        with self._lock:
            if self._used_bytes is None:
                self._used_bytes = sum(size for _, size, _ in self._files())
            else:
                self._used_bytes += size_bytes
            if self._used_bytes > self._max_bytes:
                self._sweep()

    def _sweep(self) -> None:
        """Remove the oldest files until there is room again."""
        files = sorted(self._files())
        used = sum(size for _, size, _ in files)
        for _, size, path in files:
            if used <= self._max_bytes * _SPARE:
                break
            with suppress(OSError):
                path.unlink()
                used -= size
        self._used_bytes = used

    @staticmethod
    def _remove(path: Path) -> None:
        with suppress(OSError):
            path.unlink()

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Return every file with its age and size."""
        try:
            folders = [entry.path for entry in os.scandir(self._folder) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return
        for folder in folders:
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    with suppress(OSError):
                        told = entry.stat(follow_symlinks=False)
                        yield told.st_mtime, told.st_size, Path(entry.path)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no key of a cache")
        return self._folder / key[:2] / key


class _Open(Closing):
    """A file that is open for reading at any place. Thread-safe; close it (it is a context manager)."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``; fewer when the disk does not give them."""
        pieces = []
        with suppress(OSError), self._lock:
            self._file.seek(offset)
            while size_bytes > 0 and (piece := self._file.read(size_bytes)):
                pieces.append(piece)
                size_bytes -= len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Free the descriptor. Idempotent."""
        self._file.close()


class KeptFile(_Open):
    """A result that is whole. ``size_bytes`` is that of its content."""

    def __init__(self, file: FileIO, size_bytes: int) -> None:
        super().__init__(file)
        self.size_bytes = size_bytes

    def is_whole(self) -> bool:
        """Tell whether the content is what was kept; reads all of it."""
        if self.size_bytes <= 0:
            return False
        digest = blake3()
        for offset in range(0, self.size_bytes, _BLOCK_BYTES):
            digest.update(self.read_at(offset, min(_BLOCK_BYTES, self.size_bytes - offset)))
        return digest.digest(_DIGEST_BYTES) == self.read_at(self.size_bytes, _DIGEST_BYTES)


class GrowingFile(_Open):
    """A result that is being written by one thread at a time, and may be read by others as far as it is there.

    Closed before it is kept it leaves nothing behind.
    """

    def __init__(self, cache: FolderCache, part: Path, path: Path) -> None:
        super().__init__(part.open("x+b", buffering=0))
        self._cache = cache
        self._part: Path | None = part
        self._path = path
        self._digest = blake3()
        self._size_bytes = 0

    def write(self, data: bytes) -> bool:
        """Append ``data``; tell whether that could be done. If not, nothing more can be."""
        if self._part is None:
            return False
        try:
            self._append(data)
        except OSError as error:
            log.warning("the cache cannot keep a result: %s", error)
            self._discard()
            return False
        self._digest.update(data)
        self._size_bytes += len(data)
        return True

    def keep(self) -> None:
        """Say that the result is whole. What is too large is left out; it stays readable here."""
        part = self._part
        if part is None or not 0 < self._size_bytes <= self._cache.largest_bytes:
            return
        try:
            self._append(self._digest.digest(_DIGEST_BYTES))
            part.replace(self._path)
        except OSError as error:
            log.warning("the cache cannot keep a result: %s", error)
            return
        self._part = None
        self._cache._added(self._size_bytes + _DIGEST_BYTES)  # noqa: SLF001 - the other half of the cache

    def close(self) -> None:
        """Free the descriptor, and remove the file unless it was kept. Idempotent."""
        super().close()
        self._discard()

    def _append(self, data: bytes) -> None:
        left = memoryview(data)
        with self._lock:
            self._file.seek(0, os.SEEK_END)
            while left:
                left = left[self._file.write(left) :]

    def _discard(self) -> None:
        if self._part is not None:
            with suppress(OSError):
                self._part.unlink()
            self._part = None
