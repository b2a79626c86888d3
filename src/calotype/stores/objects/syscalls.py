"""The calls that a file store makes to its operating system, as a value: what is fast or absent is chosen here.

Tests hand in a recorder that also performs the calls, so the order that durability rests on can be read and broken.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Final, Self

from calotype.services.archive.ports import ReadableBuffer

_FCNTL: Final[ModuleType | None] = import_module("fcntl") if find_spec("fcntl") else None
"""Absent on Windows."""


@dataclass(frozen=True, slots=True)
class Syscalls:
    """One function per call; ``None`` where the system has no such thing."""

    open: Callable[[str, int, int], int]
    close: Callable[[int], None]
    write: Callable[[int, ReadableBuffer], int]
    writev: Callable[[int, Sequence[ReadableBuffer]], int] | None
    fsync: Callable[[int], None]
    open_folder: Callable[[str], int] | None
    """Opens a folder for ``fsync``; Windows has no such thing and needs none."""
    link: Callable[[str, str], None] | None
    replace: Callable[[str, str], None]
    unlink: Callable[[str], None]
    mkdir: Callable[[str, int], None]
    rmdir: Callable[[str], None]
    try_lock: Callable[[int], bool] | None
    """Locks a file for its open descriptor alone; ``False`` when another has it locked."""
    free_bytes: Callable[[str], int]

    @classmethod
    def best(cls) -> Self:
        """Return the fastest calls of this system."""
        return cls(
            open=os.open,
            close=os.close,
            write=os.write,
            writev=getattr(os, "writev", None),
            fsync=_full_fsync if hasattr(_FCNTL, "F_FULLFSYNC") else os.fsync,
            open_folder=_open_folder if hasattr(os, "O_DIRECTORY") else None,
            link=getattr(os, "link", None),
            replace=os.replace,
            unlink=os.unlink,
            mkdir=os.mkdir,
            rmdir=os.rmdir,
            try_lock=_try_lock if _FCNTL else None,
            free_bytes=_free_bytes,
        )

    @classmethod
    def portable(cls) -> Self:
        """Return only what every system has: plain writes, no hard links."""
        return replace(cls.best(), writev=None, link=None)


def _open_folder(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


def _full_fsync(fd: int) -> None:
    """Sync as far as the medium: on macOS ``fsync`` stops at the drive's own cache."""
    if _FCNTL is not None:
        _FCNTL.fcntl(fd, _FCNTL.F_FULLFSYNC)


def _try_lock(fd: int) -> bool:
    if _FCNTL is not None:
        try:
            _FCNTL.flock(fd, _FCNTL.LOCK_EX | _FCNTL.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _free_bytes(path: str) -> int:
    if hasattr(os, "statvfs"):
        status = os.statvfs(path)
        return status.f_bavail * status.f_frsize
    return shutil.disk_usage(path).free
