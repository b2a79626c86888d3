"""What suites over every index share: an empty one of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.sqlite import SqliteIndex
from support import indexes


@pytest.fixture(params=["memory", "sqlite"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryIndex | SqliteIndex]:
    made = MemoryIndex() if request.param == "memory" else indexes.in_folder(tmp_path)
    yield made
    made.close()
