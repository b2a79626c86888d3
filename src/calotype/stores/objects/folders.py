"""Which folders are known to exist durably, so that most objects cost one folder sync and no ``mkdir``.

A folder is *known* once its own entry, and that of every folder above it, was synced by this process. Whoever finds
a folder that is there but not known syncs its parents too: another thread may have made it a moment ago and not have
come to its own sync yet, and Success may not rest on that.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from calotype.stores.objects.spools import FOLDER_MODE
from calotype.stores.objects.syscalls import Syscalls


@dataclass(frozen=True, slots=True)
class Pending:
    """Folders, deepest first, whose entries in their parents must be synced before they are known."""

    folders: tuple[str, ...]
    epoch: int


class Folders:
    """Makes, syncs and removes the folders below ``root``. Thread-safe.

    Folders are named by keys; ``""`` is the root. The cache is bounded: a folder that fell out of it costs some
    syncs when it is met again.
    """

    def __init__(self, root: str, system: Syscalls, *, durable: bool, max_known: int) -> None:
        self._prefix: Final = f"{root}/"
        self._system = system
        self._durable = durable
        self._max_known = max_known
        self._known: dict[str, None] = {}
        self._lock = threading.Lock()
        self._epoch = 0

    def knows(self, folder: str) -> bool:
        """Tell whether ``folder`` is there to stay."""
        return not folder or folder in self._known

    def make(self, folder: str) -> Pending:
        """Make ``folder`` and its parents; return those that are not known. Raises OSError."""
        epoch = self._epoch
        pending: list[str] = []
        while not self.knows(folder):
            pending.append(folder)
            folder = folder.rpartition("/")[0]
        for new in reversed(pending):
            with suppress(FileExistsError):
                self._system.mkdir(self._prefix + new, FOLDER_MODE)
        return Pending(tuple(pending), epoch)

    def sync(self, folder: str) -> None:
        """Make the entries of ``folder`` durable. Raises OSError."""
        self.sync_path(self._prefix + folder)

    def sync_path(self, path: str) -> None:
        """Make the entries of a folder that may stand outside the root durable. Raises OSError."""
        if not self._durable or self._system.open_folder is None:
            return
        fd = self._system.open_folder(path)
        try:
            self._system.fsync(fd)
        finally:
            self._system.close(fd)

    def settle(self, folder: str, pending: Pending) -> None:
        """Sync the parents of what :meth:`make` returned, deepest first, and know them from here on. Raises OSError.

        When a folder was removed since then, ``folder`` may be one that another thread made anew: then its parents
        are synced again.
        """
        while True:
            for new in pending.folders:
                self.sync(new.rpartition("/")[0])
            with self._lock:
                if pending.epoch == self._epoch:
                    for new in reversed(pending.folders):
                        self._remember(new)
            if self.knows(folder):
                return
            pending = self.make(folder)

    def forget(self, folder: str) -> None:
        """Know nothing any more of ``folder`` and its parents: one of them is not there."""
        with self._lock:
            self._epoch += 1
            while folder:
                self._known.pop(folder, None)
                folder = folder.rpartition("/")[0]

    def prune(self, folder: str) -> None:
        """Remove ``folder`` and its parents as far as they are empty. Never raises."""
        while folder:
            with self._lock:
                try:
                    self._system.rmdir(self._prefix + folder)
                except OSError:
                    # Not empty, or not ours to remove: either way it stays.
                    return
                self._epoch += 1
                self._known.pop(folder, None)
            folder = folder.rpartition("/")[0]

    def _remember(self, folder: str) -> None:
        if len(self._known) >= self._max_known:
            self._known.pop(next(iter(self._known)))
        self._known[folder] = None
