"""Objects as files below one folder, written once and never changed.

Durability, when asked for, rests on the order in :meth:`FileObjectStore.put`: the file is linked to its name, then
synced, then its folder is synced, then every parent that is new, deepest first; only then may a row speak of it (ADR
0007 says why the link comes first). Linking never overwrites, so two writers of one key cannot lose an object. The
spool's own name goes last, when the sender has been answered. Needs a local file system or one with its semantics.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from calotype.closing import Closing
from calotype.errors import NotFound, OutOfResources, Unavailable
from calotype.services.archive.ports import Disk, ObjectReader, Spool
from calotype.stores.objects.failures import translated
from calotype.stores.objects.folders import Folders
from calotype.stores.objects.keys import candidates, check_key, is_key
from calotype.stores.objects.spools import FILE_MODE, FOLDER_MODE, FileSpool, SpoolFolder
from calotype.stores.objects.syscalls import Syscalls

_READ: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_PLACEHOLDER: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_CLOEXEC", 0)
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
"""How file systems without hard links say so."""
_MAX_ATTEMPTS: Final = 64
_SPACE_BELIEVED_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class FileStoreSettings:
    """Where and how files are kept.

    ``durable``: ``put`` returns when file and folder entries are on the medium. ``min_free_bytes``: below it nothing
    new is accepted, so that the index keeps room to work. ``max_known_folders`` bounds a cache.
    """

    root: Path
    durable: bool = True
    min_free_bytes: int = 0
    max_known_folders: int = 16_384


class FileObjectStore:
    """An object store over a folder; see ``ports.ObjectStore``. Thread-safe; several processes may share a folder.

    Making one creates the folder and sweeps what crashed processes left in ``.incoming``; Unavailable when the
    folder cannot be used. :meth:`close` it to leave nothing behind.
    """

    def __init__(self, settings: FileStoreSettings, system: Syscalls | None = None) -> None:
        self._system = system or Syscalls.best()
        self._durable = settings.durable
        self._min_free_bytes = settings.min_free_bytes
        self._root = str(settings.root)
        self._enough_until_s = 0.0
        self._links = self._system.link is not None
        self._folders = Folders(
            self._root, self._system, durable=settings.durable, max_known=settings.max_known_folders
        )
        try:
            self._make_root(settings.root)
            self._spools = SpoolFolder(settings.root, self._system)
        except OSError as error:
            raise Unavailable(f"the archive's folder {settings.root} cannot be used: {error.strerror}") from error

    @property
    def swept(self) -> int:
        """How many crashed processes' folders were swept at start."""
        return self._spools.swept

    def spool(self) -> FileSpool:
        """Start a private file. OutOfResources when there is less room than settings reserve."""
        try:
            if self._min_free_bytes:
                self._check_space()
            return self._spools.new()
        except OSError as error:
            raise translated(error, "starting a spool file") from error

    def put(self, spool: Spool, key: str) -> str:
        """Keep the spooled bytes under ``key``, or the next free name after it; return which."""
        check_key(key)
        if not isinstance(spool, FileSpool):
            raise TypeError("a spool belongs to the store that made it")
        try:
            return self._place(spool, key)
        except NotADirectoryError as error:
            raise Unavailable(
                f"storing {key}: an object stands where its folder should be; change the layout"
            ) from error
        except OSError as error:
            raise translated(error, f"storing {key}") from error

    def open(self, key: str) -> ObjectReader:
        """Open an object for reading. NotFound, Unavailable."""
        check_key(key)
        try:
            fd = os.open(f"{self._root}/{key}", _READ)
        except OSError as error:
            raise translated(error, f"opening {key}") from error
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(fd)
            raise NotFound(f"opening {key}: it is a folder")
        return FileObjectReader(fd, status.st_size)

    def delete(self, key: str) -> None:
        """Remove an object, and the folders that it leaves empty."""
        check_key(key)
        try:
            self._system.unlink(f"{self._root}/{key}")
        except OSError as error:
            raise translated(error, f"removing {key}") from error
        self._folders.prune(key.rpartition("/")[0])

    def keys(self, folder: str = "") -> Iterator[str]:
        """Walk over the objects in and below a folder; what cannot be a key is none of ours and passed over."""
        folders = [folder]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(f"{self._root}/{folder}") as entries:
                    found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
            except FileNotFoundError:
                # Its last object was deleted while we walked.
                continue
            except OSError as error:
                raise translated(error, f"listing {folder or 'the archive'}") from error
            for name, is_folder in found:
                key = f"{folder}/{name}" if folder else name
                if not is_key(key):
                    continue
                if is_folder:
                    folders.append(key)
                else:
                    yield key

    def close(self) -> None:
        """Remove the private folder of this store. Idempotent."""
        self._spools.close()

    def disk(self) -> Disk:
        """Say how much room there is. Unavailable when the folder cannot be asked."""
        try:
            usage = shutil.disk_usage(self._root)
        except OSError as error:
            raise translated(error, "asking how much room there is") from error
        return Disk(str(self._root), usage.total, usage.free, self._min_free_bytes)

    def _check_space(self) -> None:
        """Refuse new objects when room is short; when there was enough, it is believed for a moment."""
        now_s = time.monotonic()
        if now_s < self._enough_until_s:
            return
        free = self._system.free_bytes(self._root)
        if free < self._min_free_bytes:
            raise OutOfResources(
                f"the disk has {free >> 20} MiB left and {self._min_free_bytes >> 20} MiB are reserved; make room"
            )
        self._enough_until_s = now_s + _SPACE_BELIEVED_S

    def _make_root(self, root: Path) -> None:
        """Make the store's own folder, as durably as those in it."""
        new = [folder for folder in (root, *root.parents) if not folder.exists()]
        root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for folder in new:
            self._folders.sync_path(str(folder.parent))

    def _place(self, spool: FileSpool, key: str) -> str:
        source = spool.complete()
        folder = key.rpartition("/")[0]
        for _ in range(_MAX_ATTEMPTS):
            try:
                pending = self._folders.make(folder)
                kept = self._link(spool, source, key)
            except FileNotFoundError:
                # A folder was empty a moment ago and a delete pruned it, or someone removed it by hand.
                self._folders.forget(folder)
                continue
            self._folders.sync(folder)
            self._folders.settle(folder, pending)
            return kept
        raise Unavailable(f"storing {key}: its folder or the spooled file disappears again and again")

    def _link(self, spool: FileSpool, source: str, key: str) -> str:
        """Give ``source`` the first free name; return it. FileNotFoundError when the folder is not there."""
        for candidate in candidates(key):
            check_key(candidate)
            try:
                self._move(spool, source, f"{self._root}/{candidate}")
            except FileExistsError:
                continue
            return candidate
        raise AssertionError("candidates never end")

    def _move(self, spool: FileSpool, source: str, target: str) -> None:
        """Rename without replacing. FileExistsError when ``target`` is taken."""
        system = self._system
        if self._links and system.link is not None:
            try:
                system.link(source, target)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                self._links = False
            else:
                self._settle_linked(spool, target)
                return
        # Without hard links the name is reserved first; a crash between the two leaves an empty orphan.
        spool.settle(durable=self._durable)
        system.close(system.open(target, _PLACEHOLDER, FILE_MODE))
        try:
            system.replace(source, target)
        except OSError:
            system.unlink(target)
            raise
        spool.renamed()

    def _settle_linked(self, spool: FileSpool, target: str) -> None:
        """Sync the file under its new name: one journal transaction then holds the content and the folder's entry."""
        try:
            spool.settle(durable=self._durable)
        except OSError:
            with suppress(OSError):
                self._system.unlink(target)
            raise
        spool.linked()


class FileObjectReader(Closing):
    """An open file; see ``ports.ObjectReader``."""

    def __init__(self, fd: int, size_bytes: int) -> None:
        self._fd: int | None = fd
        self.size_bytes = size_bytes

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``; shorter only at the end of the object."""
        if self._fd is None:
            raise NotFound("the object is closed")
        chunks: list[bytes] = []
        try:
            while size_bytes > 0 and (chunk := _read_at(self._fd, size_bytes, offset)):
                chunks.append(chunk)
                offset += len(chunk)
                size_bytes -= len(chunk)
        except OSError as error:
            raise translated(error, "reading an object") from error
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def fileno(self) -> int | None:
        """Return the descriptor."""
        return self._fd

    def close(self) -> None:
        """Free the descriptor. Idempotent."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def _read_at(fd: int, size_bytes: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(fd, size_bytes, offset)
    os.lseek(fd, offset, os.SEEK_SET)
    return os.read(fd, size_bytes)
