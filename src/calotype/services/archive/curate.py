"""Looking after what is kept: verify what is there, rebuild what derives from it."""

from __future__ import annotations

from calotype.services.archive.ingest import Clock
from calotype.services.archive.ports import Index, ObjectStore


class Curate:
    """Works on the archive as a whole."""

    def __init__(self, objects: ObjectStore, index: Index, clock: Clock) -> None:
        self._objects = objects
        self._index = index
        self._clock = clock
