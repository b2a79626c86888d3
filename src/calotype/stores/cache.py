"""A bounded folder of results that can be made again: pictures, transcoded objects. Losing it costs time only.

Each result is one file, named by a key that its maker derives from everything that decides it, so a file is never
stale: what changes gets another key. A file that is read becomes young again; the oldest go when there is too much.
Several processes may share a folder. Nothing here ever fails a request: what cannot be kept is not kept.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

_KEY: Final = re.compile(r"[0-9a-f]{8,64}")
_MARK: Final = ".tmp-"
_SPARE: Final = 0.8
"""What is left of the limit after the oldest have gone: sweeping is rare, and long enough to be worth its look."""
_YOUNGER_S: Final = 60


class FolderCache:
    """Files below one folder, ``max_bytes`` together. Thread-safe."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._used_bytes: int | None = None
        """About; counted when first needed, and anew by each sweep."""

    def get(self, key: str) -> bytes | None:
        """Return what was kept under ``key``, ``None`` when nothing is."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                data = file.read()
                changed_s = os.fstat(file.fileno()).st_mtime
        except OSError:
            return None
        if time.time() - changed_s > _YOUNGER_S:
            with suppress(OSError):
                os.utime(path)
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data`` under ``key``; what is larger than an eighth of everything is not kept."""
        if not data or len(data) > self._max_bytes // 8:
            return
        path = self._path(key)
        part = path.with_name(f"{key}{_MARK}{os.getpid()}-{threading.get_ident()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(path)
        except OSError as error:
            log.warning("the cache cannot keep a result: %s", error)
            with suppress(OSError):
                part.unlink()
            return
        with self._lock:
            if self._used_bytes is None:
                self._used_bytes = sum(size for _, size, _ in self._files())
            else:
                self._used_bytes += len(data)
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
