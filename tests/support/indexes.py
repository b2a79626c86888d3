"""Empty indexes, copied from one that the migrations made.

Making one runs every migration that there ever was, and hundreds of tests want one. The migrations' own tests take
no copies.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from calotype.stores.index import migrations

upgrade: Final = migrations.upgrade
"""What makes an index step by step."""


def upgrade_or_copy(path: Path, revision: str = migrations.HEAD) -> None:
    """Do as :func:`upgrade` does, faster for an index that is empty."""
    with closing(sqlite3.connect(path)) as target:
        if migrations.current(target) is None and revision == migrations.HEAD:
            with closing(sqlite3.connect(":memory:")) as made:
                made.deserialize(_made())
                made.backup(target)
            return
    upgrade(path, revision)


@cache
def _made() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "index.sqlite"
        upgrade(path)
        with closing(sqlite3.connect(path)) as made:
            return made.serialize()
