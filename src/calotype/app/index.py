"""Where the index is, and how it is opened; apart from ``opening`` for commands that need nothing of the archive."""

from __future__ import annotations

from pathlib import Path

from calotype.app.settings import Settings
from calotype.errors import Refused
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.sqlite import SqliteIndex


def index_path(settings: Settings) -> Path:
    """Return where the index is."""
    return settings.storage.path / "index.sqlite"


def open_index(settings: Settings) -> SqliteIndex:
    """Open the index, also beside a server that runs; make it, and its folder, when there is none yet.

    Refused when the folder cannot be made; Unavailable as :class:`SqliteIndex` says.
    """
    storage = settings.storage
    try:
        storage.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{storage.path}: cannot be made ({error.strerror})") from error
    return SqliteIndex(SqliteSettings(index_path(settings), durable=storage.durable))
