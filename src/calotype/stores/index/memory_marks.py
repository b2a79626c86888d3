"""Labels and remarks of studies, in memory: the twin of ``marks`` that tests use."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.dicom.query.model import Query
from calotype.dicom.text import fold
from calotype.services.archive.feed import Action
from calotype.services.archive.marks import LABELS, Edit, Mark, label_key
from calotype.stores.index.memory import MemoryIndex


class MemoryMarks:
    """Implements ``services.archive.marks.MarkStore`` beside an index in memory."""

    def __init__(self, index: MemoryIndex) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._labels: dict[UID, dict[str, str]] = {}
        self._remarks: dict[UID, str] = {}
        index.marks_of = self._sorted_by

    def marks(self, studies: Sequence[UID]) -> Mapping[UID, Mark]:
        """Return the marks of those studies that have any."""
        with self._lock:
            found = {study: self._mark(study) for study in studies}
        return {study: mark for study, mark in found.items() if mark != Mark()}

    def edit(self, studies: Sequence[UID], edit: Edit) -> None:
        """Change the marks of studies; see the port."""
        with self._lock:
            for study in studies:
                before = self._mark(study)
                labels = self._labels.setdefault(study, {})
                for label in edit.remove:
                    labels.pop(label_key(label), None)
                for label in edit.add:
                    labels.setdefault(label_key(label), label)
                if edit.remark is not None:
                    self._remarks[study] = edit.remark
                if self._mark(study) != before:
                    whole = InstanceRef(study, UID(""), UID(""))
                    self._index.feed.note(Action.MARKED, Level.STUDY, whole, 0)

    def labels(self) -> Sequence[tuple[str, int]]:
        """Return each label that studies of the archive have, and how many have it."""
        held = [UID(match["StudyInstanceUID"]) for match in self._index.find(Query(Level.STUDY))]
        spelled: dict[str, list[str]] = {}
        with self._lock:
            for study in held:
                for key, label in self._labels.get(study, {}).items():
                    spelled.setdefault(key, []).append(label)
        return sorted((min(each), len(each)) for each in spelled.values())

    def labelled(self, labels: Sequence[str], limit: int) -> Sequence[UID]:
        """Return studies that have all of these labels."""
        keys = set(map(label_key, labels))
        with self._lock:
            return sorted(study for study, have in self._labels.items() if keys <= have.keys())[:limit]

    def mentioning(self, text: str, limit: int) -> Sequence[UID]:
        """Return studies whose remark, or one of whose labels, holds ``text``."""
        with self._lock:
            labelled = {study for study, have in self._labels.items() if any(text in key for key in have)}
            return sorted(labelled | self._remarked(text))[:limit]

    def remarked(self, text: str, limit: int) -> Sequence[UID]:
        """Return studies whose remark holds ``text``."""
        with self._lock:
            return sorted(self._remarked(text))[:limit]

    def _sorted_by(self, study: UID, kind: str) -> str:
        with self._lock:
            return (
                "\x1f".join(sorted(self._labels.get(study, ())))
                if kind == LABELS
                else fold(self._remarks.get(study, ""))
            )

    def _remarked(self, text: str) -> set[UID]:
        return {study for study, remark in self._remarks.items() if remark and text in fold(remark)}

    def _mark(self, study: UID) -> Mark:
        return Mark(tuple(sorted(self._labels.get(study, {}).values())), self._remarks.get(study, ""))
