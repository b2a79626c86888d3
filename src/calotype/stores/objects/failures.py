"""What an operating system's error means for whoever asked: one table."""

from __future__ import annotations

import errno
import os
from typing import Final

from calotype.errors import CalotypeError, NotFound, OutOfResources, Unavailable

_MEANINGS: Final[dict[int, tuple[type[CalotypeError], str]]] = {
    errno.ENOSPC: (OutOfResources, "the disk is full; make room and send again"),
    errno.EDQUOT: (OutOfResources, "the disk quota is used up; raise it and send again"),
    errno.EFBIG: (OutOfResources, "the file system does not allow files of this size"),
    errno.EMFILE: (OutOfResources, "too many files are open; raise the process's limit (ulimit -n)"),
    errno.ENFILE: (OutOfResources, "too many files are open on this machine"),
    errno.ENOMEM: (OutOfResources, "the machine is out of memory"),
    errno.ENAMETOOLONG: (Unavailable, "the path is too long for the file system; choose a shorter layout"),
    errno.ENOENT: (NotFound, "no such object"),
    errno.ENOTDIR: (NotFound, "no such object"),
    errno.EISDIR: (NotFound, "no such object"),
    errno.EACCES: (Unavailable, "permission denied; the archive's folder must belong to the user who runs it"),
    errno.EPERM: (Unavailable, "not permitted; the archive's folder must belong to the user who runs it"),
    errno.EROFS: (Unavailable, "the file system is mounted read-only"),
    errno.EIO: (Unavailable, "the disk reports an input/output error; check its health"),
}


def translated(error: OSError, doing: str) -> CalotypeError:
    """Return our own error for a system's, with what was being done and what to do about it."""
    number = error.errno or 0
    kind, meaning = _MEANINGS.get(number, (Unavailable, os.strerror(number) if number else str(error)))
    return kind(f"{doing}: {meaning}")
