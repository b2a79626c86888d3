"""Files being written: one private folder per store that runs, and the sweeping of those left by crashed ones.

Layout below the store's root: ``.incoming/<name>.lock`` is held locked for as long as its store lives, and
``.incoming/<name>/`` holds that store's files. A folder whose lock can be taken has no owner any more.
"""

from __future__ import annotations

import errno
import itertools
import mmap
import os
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from calotype.errors import Unavailable
from calotype.services.archive.ports import ReadableBuffer
from calotype.stores.objects.failures import translated
from calotype.stores.objects.syscalls import Syscalls

INCOMING: Final = ".incoming"
FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

_MAX_PARTS: Final = 1024
"""IOV_MAX of Linux, macOS and the BSDs."""
_MAX_READY: Final = 4
"""Spool files made before they are asked for: as many associations as are usually busy at one time."""

_LOCK_FILE: Final = os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
_CREATE: Final = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class FileSpool:
    """A private file being written; see ``ports.Spool``."""

    def __init__(self, system: Syscalls, path: str, prepare: Callable[[], None]) -> None:
        self._system = system
        self._path: str | None = path
        self._prepare = prepare
        self._moved = False
        self._map: mmap.mmap | None = None
        self._failed = False
        self.size_bytes = 0
        self._fd: int | None = system.open(path, _CREATE, FILE_MODE)

    def write(self, parts: Sequence[ReadableBuffer]) -> None:
        """Append all of ``parts``. OutOfResources when the disk is full."""
        if self._fd is None:
            raise Unavailable("the spool file is closed")
        try:
            self.size_bytes += _write_all(self._system, self._fd, parts)
        except OSError as error:
            # Some of the parts may be on disk: the file is no longer what its size says.
            self._failed = True
            raise translated(error, "writing to the spool") from error

    def view(self) -> memoryview:
        """Return what was written so far, mapped."""
        if self._fd is None:
            raise Unavailable("the spool file is closed")
        if not self.size_bytes:
            return memoryview(b"")
        self._unmap()
        self._map = mmap.mmap(self._fd, self.size_bytes, access=mmap.ACCESS_READ)
        return memoryview(self._map)

    def complete(self) -> str:
        """Return the path of the whole file, ready to be linked. OSError when an earlier write failed."""
        if self._failed:
            raise OSError(errno.EIO, "an earlier write to the spool failed")
        if self._path is None or self._moved:
            raise Unavailable("the spool file is gone")
        return self._path

    def settle(self, *, durable: bool) -> None:
        """Sync (if ``durable``) and close the file. Raises OSError."""
        if self._fd is not None:
            if durable:
                self._system.fsync(self._fd)
            self._close()

    def linked(self) -> None:
        """Remember that the file has a second name, its key; the first one goes with :meth:`discard`."""
        self._moved = True

    def renamed(self) -> None:
        """Remember that the file has its key as its only name."""
        self._moved = True
        self._path = None

    def discard(self) -> None:
        """Remove the file unless it was kept, and its spool name in any case. Idempotent, never raises.

        Of a kept object this is the moment after its sender was answered: so the next spool file is made here,
        where nobody waits for it.
        """
        self._close()
        path, self._path = self._path, None
        if path is not None:
            # What cannot be removed now is swept by the next start.
            with suppress(OSError):
                self._system.unlink(path)
        if self._moved:
            self._moved = False
            self._prepare()

    def _close(self) -> None:
        self._unmap()
        fd, self._fd = self._fd, None
        if fd is not None:
            self._system.close(fd)

    def _unmap(self) -> None:
        mapped, self._map = self._map, None
        if mapped is not None:
            # Whoever still holds a view keeps the mapping alive until then.
            with suppress(BufferError):
                mapped.close()


class SpoolFolder:
    """The folder of one running store below ``.incoming``. Making one sweeps what crashed stores left there."""

    def __init__(self, root: Path, system: Syscalls) -> None:
        self._system = system
        self._numbers = itertools.count()
        parent = root / INCOMING
        parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        name = f"{os.getpid()}-{uuid4().hex[:12]}"
        self._lock = _FolderLock(parent / f"{name}.lock", system)
        self._folder = parent / name
        self._folder.mkdir(mode=FOLDER_MODE)
        self._prefix = f"{self._folder}{os.sep}"
        self._ready: deque[FileSpool] = deque()
        self.swept = _sweep(parent, system)

    def new(self) -> FileSpool:
        """Start a file, or hand out one that was made ready. Raises OSError."""
        try:
            return self._ready.popleft()
        except IndexError:
            return self._make()

    def prepare(self) -> None:
        """Make one file ready, unless there are enough. Never raises: who needs one will see what is wrong."""
        if len(self._ready) < _MAX_READY:
            with suppress(OSError):
                self._ready.append(self._make())

    def _make(self) -> FileSpool:
        return FileSpool(self._system, f"{self._prefix}{next(self._numbers):x}", self.prepare)

    def close(self) -> None:
        """Remove the folder and what is in it. Idempotent."""
        while self._ready:
            self._ready.pop().discard()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()


class _FolderLock:
    """A locked file that says "its folder is in use". Freed by the system when the process dies, however it dies."""

    def __init__(self, path: Path, system: Syscalls) -> None:
        self._path = path
        self._system = system
        self._fd: int | None = None
        while self._fd is None:
            fd = system.open(str(path), _LOCK_FILE, FILE_MODE)
            # A sweeper may take and remove the new file before we lock it; then what we hold has no name.
            if system.try_lock is None or (system.try_lock(fd) and _is_same_file(fd, path)):
                self._fd = fd
            else:
                system.close(fd)

    def release(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            self._system.close(fd)
            self._path.unlink(missing_ok=True)


def _sweep(parent: Path, system: Syscalls) -> int:
    """Remove the folders below ``parent`` that nobody owns; return how many."""
    swept = 0
    for entry in sorted(parent.iterdir()):
        if entry.suffix == ".lock":
            swept += _sweep_one(entry, system)
        elif not entry.with_name(f"{entry.name}.lock").exists():
            # The lock is made before its folder and removed after it: a folder without one was left half removed.
            shutil.rmtree(entry, ignore_errors=True)
            swept += 1
    return swept


def _sweep_one(lock: Path, system: Syscalls) -> bool:
    """Remove a lock and its folder if their owner is gone; tell whether it was."""
    try:
        fd = system.open(str(lock), _LOCK_FILE & ~os.O_CREAT, FILE_MODE)
    except OSError:
        return False
    try:
        if system.try_lock is not None and not system.try_lock(fd):
            return False
        if system.try_lock is None:
            # Windows: it refuses to remove what a living process has open, so removing is the question.
            system.close(fd)
            fd = -1
            lock.unlink()
        shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        lock.unlink(missing_ok=True)
    except PermissionError:
        return False
    finally:
        if fd >= 0:
            system.close(fd)
    return True


def _is_same_file(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _write_all(system: Syscalls, fd: int, parts: Sequence[ReadableBuffer]) -> int:
    """Write all of ``parts``; return how many bytes that were."""
    total = sum(map(len, parts))
    if system.writev is not None and len(parts) <= _MAX_PARTS:
        written = system.writev(fd, parts)
        if written == total:
            return total
        # Almost never: a signal came, or the disk ran full in the middle; the next call says which.
        parts = _after(parts, written)
    for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[system.write(fd, rest) :]
    return total


def _after(parts: Sequence[ReadableBuffer], written: int) -> list[ReadableBuffer]:
    """Return what is left of ``parts`` after ``written`` bytes."""
    rest: list[ReadableBuffer] = []
    for part in parts:
        skip = min(written, len(part))
        written -= skip
        rest.append(memoryview(part)[skip:])
    return rest
