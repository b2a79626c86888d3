"""What was found out about pixels, in memory: the twin of ``pixels`` that tests use."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from calotype.dicom.hierarchy import UID
from calotype.services.archive.ports import DamageRecord, Index


class MemoryPixelNotes:
    """Implements ``services.archive.ports.PixelNotes`` beside any index."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._layouts: dict[tuple[UID, bytes], bytes] = {}
        self._damage: dict[tuple[UID, bytes], tuple[str, int]] = {}

    def layout(self, sop_instance: UID, digest: bytes) -> bytes | None:
        """Return what was kept of where things are in the object; see the port."""
        return self._layouts.get((sop_instance, digest)) if self._is_here(sop_instance, digest) else None

    def keep_layout(self, sop_instance: UID, digest: bytes, layout: bytes) -> None:
        """Keep where things are in an object; see the port."""
        if self._is_here(sop_instance, digest):
            with self._lock:
                self._layouts[sop_instance, digest] = layout

    def note_damage(self, sop_instance: UID, digest: bytes, detail: str, noticed_us: int) -> None:
        """Keep that an object's pixels cannot be decoded; see the port."""
        if self._is_here(sop_instance, digest):
            with self._lock:
                self._damage.setdefault((sop_instance, digest), (detail, noticed_us))

    def forget_damage(self, sop_instance: UID) -> None:
        """Keep that an object's pixels can be decoded after all."""
        with self._lock:
            self._damage = {key: kept for key, kept in self._damage.items() if key[0] != sop_instance}

    def damaged(self) -> Iterator[DamageRecord]:
        """Return the objects whose pixels cannot be decoded, newest first."""
        with self._lock:
            newest = sorted(self._damage.items(), key=lambda each: -each[1][1])
        for (uid, digest), (detail, noticed_us) in newest:
            stored = self._index.instance(uid)
            if stored is not None and stored.location.digest == digest:
                yield DamageRecord(stored.ref, detail, noticed_us)

    def _is_here(self, sop_instance: UID, digest: bytes) -> bool:
        stored = self._index.instance(sop_instance)
        return stored is not None and stored.location.digest == digest
