"""Work that SQLite would otherwise do in the middle of somebody's commit: checkpoints and the planner's statistics.

One quiet thread with a connection of its own, woken after so much has been written. What fails here is logged and
tried again: nothing is lost by it, since the log is checkpointed by a commit when it grows too long.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from typing import Final

from calotype.errors import CalotypeError

CHECKPOINT_AFTER: Final = 512
"""Pieces of work between checkpoints: about 4,000 pages."""
ANALYSE_GROWTH: Final = 2
"""The planner's statistics are taken anew when there are this many times as many studies as then."""
ANALYSE_FROM: Final = 1000
"""Studies below which any plan is fast."""

_log = logging.getLogger(__name__)


class Housekeeper:
    """Runs checkpoints beside the writer."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._work = threading.Event()
        self._stopping = False
        self._written = 0
        self._analysed_studies = 0
        self._thread = threading.Thread(target=self._run, name="calotype-index-housekeeper", daemon=True)
        self._thread.start()

    def wrote(self, pieces: int) -> None:
        """Tell how much has been committed. Called by one thread at a time."""
        self._written += pieces
        if self._written >= CHECKPOINT_AFTER:
            self._written = 0
            self._work.set()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while self._work.wait() and not self._stopping:
            self._work.clear()
            try:
                connection = connection or self._connect()
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                self._analyse(connection)
            except (sqlite3.Error, CalotypeError) as error:
                _log.warning("housekeeping of the index failed, will be tried again: %s", error)
        if connection is not None:
            connection.close()

    def _analyse(self, connection: sqlite3.Connection) -> None:
        """Let the planner know how telling each key is: without this it takes every key for a rare one."""
        (studies,) = connection.execute("SELECT studies FROM total").fetchone()
        if studies >= ANALYSE_FROM and studies >= ANALYSE_GROWTH * self._analysed_studies:
            connection.execute("PRAGMA analysis_limit = 400").fetchall()
            connection.execute("ANALYZE")
            self._analysed_studies = studies

    def stop(self) -> None:
        """Return when the thread has ended."""
        self._stopping = True
        self._work.set()
        self._thread.join()
