"""The write-ahead log is made long once, and loses nothing by it."""

import sqlite3
from pathlib import Path

from calotype.stores.index.connections import LOG_BYTES, SqliteSettings, lengthen_log
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.index.statements import BEGIN


def rows(path: Path) -> list[tuple[int]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT a FROM t ORDER BY a").fetchall()
    finally:
        connection.close()


def test_zeros_behind_the_frames_hide_none_and_are_written_over(tmp_path):
    path = tmp_path / "x.sqlite"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (a)")
    writer.execute("INSERT INTO t VALUES (1)")
    writer.execute(BEGIN)
    lengthen_log(path)
    writer.execute("INSERT INTO t VALUES (2)")
    writer.execute("COMMIT")
    log = tmp_path / "x.sqlite-wal"
    assert log.stat().st_size == LOG_BYTES
    assert rows(path) == [(1,), (2,)]

    # As after a crash: what another process recovers from the files alone.
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(path.read_bytes())
    Path(f"{copy}-wal").write_bytes(log.read_bytes())
    assert rows(copy) == [(1,), (2,)]
    writer.close()


def test_only_a_durable_index_is_lengthened(tmp_path):
    for durable in (True, False):
        path = tmp_path / f"{durable}.sqlite"
        index = SqliteIndex(SqliteSettings(path, durable=durable))
        assert (Path(f"{path}-wal").stat().st_size >= LOG_BYTES) is durable
        index.close()


def test_a_log_that_cannot_be_lengthened_is_no_error(tmp_path):
    lengthen_log(tmp_path / "nowhere" / "x.sqlite")
