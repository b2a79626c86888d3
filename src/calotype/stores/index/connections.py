"""Connections to one SQLite file: how they are set, how readers share them, and what its errors mean.

Write-ahead logging lets many readers and one writer work side by side. Nothing here knows a table.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from calotype.errors import CalotypeError, InvalidRequest, OutOfResources, Unavailable
from calotype.stores.index import names

MIN_SQLITE: Final = (3, 35, 0)
"""json_each, upserts and window functions as we use them."""


CHECKPOINT_PAGES: Final = 4096
"""The log's length at which a commit finishes the background's checkpoint, so that the log begins anew."""

LOG_BYTES: Final = CHECKPOINT_PAGES * 5120
"""What the log file is made long enough for: that many pages with their frames, and one large transaction more."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """Where the index is and how it is kept.

    ``durable``: a commit returns when it is on the disk (``synchronous=FULL``); otherwise a power cut may lose the
    last commits, never the file's consistency (``NORMAL``).
    """

    path: Path
    durable: bool = True
    busy_timeout_s: float = 30.0
    writer_cache_bytes: int = 8 * 2**20
    """Bounds what a growing index adds to the process: pages that do not fit come from the system's file cache."""
    reader_cache_bytes: int = 4 * 2**20
    idle_readers: int = 16
    """Reading connections kept open for the next reader."""


def connect(settings: SqliteSettings, *, cache_bytes: int, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection that any one thread at a time may use; transactions are begun and ended by hand."""
    _make_private(settings.path)
    with translating(settings.path):
        connection = sqlite3.connect(
            settings.path,
            timeout=settings.busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            names.teach(connection)
            for pragma in (
                "journal_mode = WAL",
                f"synchronous = {'FULL' if settings.durable else 'NORMAL'}",
                f"cache_size = {-(cache_bytes // 1024)}",
                f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
                # After a checkpoint the log is cut back to this, however long one large transaction has made it.
                f"journal_size_limit = {LOG_BYTES}",
                "temp_store = MEMORY",
                f"query_only = {'ON' if read_only else 'OFF'}",
            ):
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except BaseException:
            connection.close()
            raise
        return connection


def _make_private(path: Path) -> None:
    """Make the file when there is none, for its owner alone: it names patients, and holds hashes of passwords.

    SQLite gives its log the mode of the file. One that is there is not opened: closing it would drop SQLite's locks.
    """
    with suppress(OSError):  # SQLite says better what is wrong
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def lengthen_log(path: Path) -> None:
    """Write the log out to the length it will have, once, so that no later commit makes it longer.

    A commit that makes a file longer has to sync the file system's journal too, twice the price of one that writes
    where there is something already. Zeros are no frames: SQLite stops at them, as at whatever an older log left. The
    caller MUST hold the write lock, or they could fall on another's frames. That it did not work costs time alone.
    """
    try:
        with Path(f"{path}-wal").open("r+b") as log:
            log.seek(0, os.SEEK_END)
            log.write(bytes(max(0, LOG_BYTES - log.tell())))
            log.flush()
            os.fsync(log.fileno())
    except OSError as error:
        _log.info("the index's log could not be made longer beforehand: %s", error)


class Readers:
    """Reading connections, each lent to one thread for one statement, so that no reader holds a snapshot for long."""

    def __init__(self, settings: SqliteSettings) -> None:
        self._settings = settings
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    def fetch(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of one statement."""
        connection = self._take()
        try:
            return connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise translated(error, self._settings.path) from error
        finally:
            self._give_back(connection)

    @contextmanager
    def lease(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for several statements."""
        connection = self._take()
        try:
            with translating(self._settings.path):
                yield connection
        finally:
            self._give_back(connection)

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise Unavailable("the index is closed")
            if self._idle:
                return self._idle.pop()
        return connect(self._settings, cache_bytes=self._settings.reader_cache_bytes, read_only=True)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < self._settings.idle_readers:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is idle; what is lent closes when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


_MEANINGS: Final[dict[int, tuple[type[CalotypeError], str]]] = {
    sqlite3.SQLITE_FULL: (OutOfResources, "no space left for the index {path}; free some and try again"),
    sqlite3.SQLITE_NOMEM: (OutOfResources, "not enough memory for the index {path}"),
    sqlite3.SQLITE_TOOBIG: (InvalidRequest, "a value is too large for the index {path}"),
    sqlite3.SQLITE_BUSY: (Unavailable, "the index {path} is locked by another process; stop it or try again later"),
    sqlite3.SQLITE_LOCKED: (Unavailable, "the index {path} is locked by another process; stop it or try again later"),
    sqlite3.SQLITE_CORRUPT: (
        Unavailable,
        "the index {path} is damaged; move it away and rebuild it with `calotype reindex`",
    ),
    sqlite3.SQLITE_NOTADB: (
        Unavailable,
        "{path} is not an index; name another file or move it away and rebuild the index with `calotype reindex`",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        Unavailable,
        "cannot open the index {path}; its folder must exist and be readable and writable",
    ),
    sqlite3.SQLITE_READONLY: (Unavailable, "the index {path} may not be written; check its owner and permissions"),
    sqlite3.SQLITE_PERM: (Unavailable, "the index {path} may not be opened; check its owner and permissions"),
    sqlite3.SQLITE_IOERR: (Unavailable, "the disk under the index {path} does not answer rightly; check it"),
}


def translated(error: sqlite3.Error, path: Path) -> CalotypeError:
    """Return what an error of the driver means to us."""
    # The extended code carries the primary one in its low byte.
    code = getattr(error, "sqlite_errorcode", None)
    kind, words = _MEANINGS.get(code & 0xFF if code is not None else -1, (Unavailable, "the index {path} failed"))
    return kind(f"{words.format(path=path)} ({error})")


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """Let no error of the driver out."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error, path) from error
