"""The least that Success may mean: a file synced under its name, and its rows committed (``bench.floor`` with both).

Nothing is read of the object, nothing is asked: a row with two keys, a header of the length that ours have, a count.
What a server of ours does above this is to understand what it takes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from calotype.stores.index.groups import GroupCommit

_HEADER_BYTES: Final = 1500
_ROW: Final = "x" * 250
_TABLES: Final = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE instance (id INTEGER PRIMARY KEY, uid TEXT UNIQUE, series INTEGER, number INTEGER, rest TEXT);
    CREATE INDEX by_series ON instance (series, number);
    CREATE TABLE header (instance INTEGER PRIMARY KEY, json BLOB);
    CREATE TABLE tally (series INTEGER PRIMARY KEY, instances INTEGER);
    INSERT INTO tally VALUES (1, 0);
"""

_Row = tuple[str, int]


class Committed:
    """One folder of files and the index beside it, for all associations."""

    def __init__(self, folder: Path) -> None:
        self._index = sqlite3.connect(folder.parent / "index", isolation_level=None, check_same_thread=False)
        self._index.executescript(_TABLES)
        self._header = os.urandom(_HEADER_BYTES)
        self._folder = str(folder)
        self._commits: GroupCommit[_Row, None] = GroupCommit(self._commit)
        self._number = 0
        self._lock = threading.Lock()

    def keep(self, file: int, path: str) -> None:
        """Return when what was written to ``path`` is synced under its name, and its rows are committed."""
        with self._lock:
            self._number = number = self._number + 1
        os.link(path, f"{path}.kept")
        os.fsync(file)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._commits.submit((f"{path:>60}", number))

    def _commit(self, rows: Sequence[_Row]) -> list[None]:
        execute = self._index.execute
        execute("BEGIN IMMEDIATE")
        for uid, number in rows:
            row = execute(
                "INSERT INTO instance (uid, series, number, rest) VALUES (?, 1, ?, ?)", (uid, number, _ROW)
            ).lastrowid
            execute("INSERT INTO header VALUES (?, ?)", (row, self._header))
        execute("UPDATE tally SET instances = instances + ? WHERE series = 1", (len(rows),))
        execute("COMMIT")
        return [None] * len(rows)
