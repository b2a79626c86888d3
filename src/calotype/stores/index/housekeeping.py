"""Checkpoints, which SQLite would otherwise do in the middle of somebody's commit.

One quiet thread with a connection of its own, woken after so much has been written. What fails here is logged and
tried again: nothing is lost by it, since a commit checkpoints the log itself when it grows too long
(``connections.CHECKPOINT_PAGES``).
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from typing import Final

from calotype.errors import CalotypeError

CHECKPOINT_AFTER: Final = 256
"""Pieces of work between checkpoints: about 1,800 pages."""

_CUT_PATIENCE_MS: Final = 250
"""How long the writer may have to wait for readers, when the log is cut."""

_log = logging.getLogger(__name__)


class Housekeeper:
    """Runs checkpoints beside the writer."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._work = threading.Event()
        self._stopping = False
        self._written = 0
        self._thread = threading.Thread(target=self._run, name="calotype-index-housekeeper", daemon=True)
        self._thread.start()

    def wrote(self, pieces: int) -> None:
        """Tell how much has been committed. Called by one thread at a time."""
        self._written += pieces
        if self._written >= CHECKPOINT_AFTER:
            self._written = 0
            self._work.set()

    def tidy(self) -> None:
        """Move the whole log into the file and cut it to nothing: after one transaction that rewrote everything.

        Else the commits that follow would work through hundreds of megabytes of it. What readers hold back stays for
        the checkpoints to come.
        """
        try:
            connection = self._connect()
        except CalotypeError as error:
            _log.warning("the index's log could not be cut, the next checkpoint will do: %s", error)
            return
        try:
            # Copied beside the writer first, so that the writer waits for the cut only.
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            connection.execute(f"PRAGMA busy_timeout = {_CUT_PATIENCE_MS}").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            _log.warning("the index's log could not be cut, the next checkpoint will do: %s", error)
        finally:
            connection.close()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while self._work.wait() and not self._stopping:
            self._work.clear()
            try:
                connection = connection or self._connect()
                # PASSIVE waits for nobody and lets nobody wait.
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except (sqlite3.Error, CalotypeError) as error:
                _log.warning("a checkpoint of the index failed, it will be tried again: %s", error)
        if connection is not None:
            connection.close()

    def stop(self) -> None:
        """Return when the thread has ended."""
        self._stopping = True
        self._work.set()
        self._thread.join()
