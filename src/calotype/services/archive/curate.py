"""Looking after what is kept: what waits for a decision, whether all is there, and making the index again."""

from __future__ import annotations

from collections.abc import Iterator

from calotype.services.archive.ingest import Clock
from calotype.services.archive.ports import ConflictRecord, Index, ObjectStore, Progress, unseen
from calotype.services.archive.reindex import Reindexing, ReindexReport
from calotype.services.archive.texts import Texts
from calotype.services.archive.verify import Verification, VerifyReport


class Curate:
    """Works on the archive as a whole. Thread-safe."""

    def __init__(self, objects: ObjectStore, index: Index, texts: Texts, clock: Clock) -> None:
        self._objects = objects
        self._index = index
        self._texts = texts
        self._clock = clock

    def conflicts(self) -> Iterator[ConflictRecord]:
        """Return what waits for a decision, newest first."""
        return self._index.conflicts()

    def verify(
        self, progress: Progress = unseen, *, digests: bool = True, delete_orphans: bool = False
    ) -> VerifyReport:
        """Compare index and objects both ways; without ``digests`` only presence and size, which reads no content.

        ``delete_orphans`` removes files without a row that are older than an hour; the report still lists them.
        """
        return Verification(
            self._objects, self._index, self._clock(), digests=digests, delete_orphans=delete_orphans
        ).run(progress)

    def reindex(self, progress: Progress = unseen, *, allow_loss: bool = False) -> ReindexReport:
        """Make all derived rows again from the objects, beside the old ones, and swap.

        Unavailable, and nothing changed, when more than one in a hundred known objects is missing or damaged and
        ``allow_loss`` does not say that this is meant.
        """
        return Reindexing(self._objects, self._index, self._texts, self._clock()).run(progress, allow_loss=allow_loss)
