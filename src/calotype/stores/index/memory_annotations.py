"""What users mark in studies, in memory: the twin of ``annotations`` that tests use."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from calotype.dicom.hierarchy import UID
from calotype.stores.index.annotations import check_room


class MemoryAnnotations:
    """Implements ``services.archive.annotations.AnnotationStore``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, dict[UID, dict[str, str]]] = {}

    def annotations(self, user: str, study: UID) -> Mapping[str, str]:
        """Return those of a user in a study, by name."""
        with self._lock:
            return dict(sorted(self._kept.get(user, {}).get(study, {}).items()))

    def annotate(self, user: str, study: UID, changes: Mapping[str, str | None]) -> None:
        """Put some in the place of what was there; see the port."""
        with self._lock:
            theirs = self._kept.setdefault(user, {})
            known = theirs.get(study, {})
            check_room(set(known), sum(map(len, theirs.values())), changes)
            after = {**known, **changes}
            theirs[study] = {name: value for name, value in after.items() if value is not None}
