"""Numbered migrations of the index, run at start; Alembic is imported only when there is one to run.

``HEAD`` names the newest; a test holds it against the folder, and the migrated schema against ``schema``. A revision
is never changed once released: it draws its own tables and imports nothing of ours.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Final, cast

from calotype.errors import Unavailable

HEAD: Final = "v0017"

_log = logging.getLogger(__name__)


def current(connection: sqlite3.Connection) -> str | None:
    """Return the revision that an index is at, ``None`` for an empty one."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def is_current(connection: sqlite3.Connection) -> bool:
    """Return whether there is nothing to migrate."""
    return current(connection) == HEAD


def upgrade(path: Path, revision: str = HEAD) -> None:
    """Bring the index at ``path`` to a revision, in one transaction; what was done is one line of the log.

    Unavailable when the index is at a revision that we do not know: it was written by a newer release.
    """
    # Imported here: a start without migrations, which is nearly every start, spends 0.2 s less.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy import URL, create_engine, event
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)

    # The driver would end its transaction before DDL; so a revision that fails half way would leave its half.
    @event.listens_for(engine, "connect")
    def _no_implicit_transactions(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]

    try:
        with engine.begin() as connection:
            before = current(cast("sqlite3.Connection", connection.connection.driver_connection))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except CommandError as error:
        raise Unavailable(
            f"the index {path} was written by a newer calotype ({error}); install that or a later one"
        ) from error
    finally:
        engine.dispose()
    if before is None:
        _log.info("index %s made, at revision %s", path, revision)
    elif before != revision:
        _log.info("index %s upgraded from revision %s to %s", path, before, revision)
