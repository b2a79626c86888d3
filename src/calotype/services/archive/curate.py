"""Looking after what is kept: what waits for a decision, whether all is there, and making the index again."""

from __future__ import annotations

from collections.abc import Iterator

from calotype.clock import Clock
from calotype.dicom.pixels.transcode import Decode, decode
from calotype.services.archive.decoding import PixelCheck
from calotype.services.archive.findings import Findings
from calotype.services.archive.forms import Each, one_by_one
from calotype.services.archive.ports import ConflictRecord, DamageRecord, ObjectStore, Progress, unseen
from calotype.services.archive.recycled import HasBin
from calotype.services.archive.reindex import Reindexing, ReindexReport
from calotype.services.archive.texts import Texts
from calotype.services.archive.verify import Verification, VerifyReport


class Curate:
    """Works on the archive as a whole. Thread-safe."""

    def __init__(
        self, objects: ObjectStore, index: HasBin, texts: Texts, clock: Clock, findings: Findings | None = None
    ) -> None:
        self._objects = objects
        self._index = index
        self._texts = texts
        self._clock = clock
        self._findings = findings or Findings(None, clock)

    def conflicts(self) -> Iterator[ConflictRecord]:
        """Return what waits for a decision, newest first."""
        return self._index.conflicts()

    def damaged(self) -> Iterator[DamageRecord]:
        """Return the objects whose pixels could not be decoded, newest first; they are served as they came."""
        return self._findings.damaged()

    def verify(
        self,
        progress: Progress = unseen,
        *,
        digests: bool = True,
        delete_orphans: bool = False,
        pixels: bool = False,
        each: Each = one_by_one,
        decode: Decode = decode,
    ) -> VerifyReport:
        """Compare index and objects both ways; without ``digests`` only presence and size, which reads no content.

        ``delete_orphans`` removes files without a row that are older than an hour; the report still lists them.
        ``pixels`` also decodes every frame, which ``each`` may do in parallel and ``decode`` elsewhere, and marks
        what cannot be decoded.
        """
        return Verification(
            self._objects,
            self._index,
            self._clock(),
            digests=digests,
            delete_orphans=delete_orphans,
            pixels=PixelCheck(self._findings, each, decode) if pixels else None,
        ).run(progress)

    def reindex(self, progress: Progress = unseen, *, allow_loss: bool = False) -> ReindexReport:
        """Make all derived rows again from the objects, beside the old ones, and swap.

        Unavailable, and nothing changed, when more than one in a hundred known objects is missing or damaged and
        ``allow_loss`` does not say that this is meant.
        """
        return Reindexing(self._objects, self._index, self._texts, self._clock()).run(progress, allow_loss=allow_loss)
