"""Migrations lead to the schema that the code draws, once, and a start without any is light."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from calotype.errors import Unavailable
from calotype.stores.index import migrations, pieces, schema
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.sqlite import SqliteIndex
from support import indexes


@pytest.fixture(autouse=True)
def no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "upgrade", indexes.upgrade)


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return ScriptDirectory.from_config(config)


def drawn(sql: str) -> str:
    return " ".join(sql.replace('"', "").split())


def test_head_is_the_newest_revision() -> None:
    assert scripts().get_heads() == [migrations.HEAD]


def test_the_migrated_schema_is_the_one_in_the_code(tmp_path: Path) -> None:
    SqliteIndex(SqliteSettings(tmp_path / "index.sqlite")).close()
    expected = set()
    for table in schema.metadata.tables.values():
        expected.add(drawn(str(CreateTable(table).compile(dialect=sqlite.dialect()))))
        expected |= {drawn(str(CreateIndex(index).compile(dialect=sqlite.dialect()))) for index in table.indexes}
    expected.add(pieces.CREATE)
    with sqlite3.connect(tmp_path / "index.sqlite") as connection:
        rows = connection.execute(
            "SELECT sql FROM sqlite_master"
            " WHERE sql IS NOT NULL AND tbl_name NOT IN ('alembic_version', 'sqlite_sequence')"
            # What the full-text table keeps its things in, as it likes.
            " AND tbl_name NOT IN ('piece_data', 'piece_idx', 'piece_config')"
        ).fetchall()
    connection.close()
    assert {drawn(sql) for (sql,) in rows} == expected


def test_an_index_is_migrated_once_and_then_alembic_is_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    SqliteIndex(SqliteSettings(path)).close()
    code = (
        "import sys; from pathlib import Path\n"
        "from calotype.stores.index.sqlite import SqliteIndex\n"
        "from calotype.stores.index.connections import SqliteSettings\n"
        f"SqliteIndex(SqliteSettings(Path({str(path)!r}))).close()\n"
        "print('alembic' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_what_was_done_is_one_line_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "calotype")
    old, new = tmp_path / "old.sqlite", tmp_path / "new.sqlite"
    migrations.upgrade(old, "v0012")
    for path in (old, new, new):
        SqliteIndex(SqliteSettings(path)).close()
    assert caplog.messages == [
        f"index {old} made, at revision v0012",
        f"index {old} upgraded from revision v0012 to {migrations.HEAD}",
        f"index {new} made, at revision {migrations.HEAD}",
    ]


def test_an_index_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    SqliteIndex(SqliteSettings(path)).close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9999'")
    connection.close()
    with pytest.raises(Unavailable, match="newer calotype"):
        SqliteIndex(SqliteSettings(path))
