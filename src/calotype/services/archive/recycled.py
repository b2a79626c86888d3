"""The recycle bin as it is kept: what a deletion is, and what the service needs from below.

Deleting moves rows out of the index into the bin, in one transaction; files stay where they are until the deletion
is purged. Rows of deletions are never removed: they are the record of who deleted what, and when.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from calotype.dicom.hierarchy import UID, InstanceRef, Level, SeriesRef, StudyRef
from calotype.services.archive.ports import Index, InstanceRecord, ObjectLocation

Ref = StudyRef | SeriesRef | InstanceRef


class State(StrEnum):
    """What became of a deletion."""

    KEPT = "kept"
    """It can be restored."""
    PURGING = "purging"
    """It cannot any more; its files are to be removed."""
    ERASING = "erasing"
    """Somebody has begun to remove its files."""
    PURGED = "purged"
    """Its files are gone."""
    RESTORED = "restored"
    """Its objects are in the archive again."""


UNFINISHED: Final = frozenset({State.PURGING, State.ERASING})


@dataclass(frozen=True, slots=True)
class Deletion:
    """What is deleted, by whom, why and when; ``note_key`` names the file that says so beside the objects."""

    ref: Ref
    by: str
    reason: str
    at_us: int
    note_key: str = ""

    @property
    def level(self) -> Level:
        """The level of what is deleted."""
        return level_of(self.ref)


@dataclass(frozen=True, slots=True)
class Recycled:
    """One deletion in the bin. Times are UTC, microseconds since 1970.

    ``about`` holds, until it is purged, what a person knows the study by: PatientID, PatientName, StudyDate,
    AccessionNumber, StudyDescription, Modality. ``changed_by`` is who restored or purged it.
    """

    id: int
    level: Level
    study: UID
    series: UID
    instance: UID
    state: State
    instances: int
    stored_bytes: int
    deleted_us: int
    deleted_by: str
    reason: str
    changed_us: int
    changed_by: str
    note_key: str
    about: Mapping[str, str]


ABOUT: Final = ("PatientID", "PatientName", "StudyDate", "AccessionNumber", "StudyDescription", "Modality")
"""What a person knows a study by."""


@dataclass(frozen=True, slots=True)
class RecycledObject:
    """One object in the bin; ``number`` is its place in the order of walks."""

    number: int
    ref: InstanceRef
    location: ObjectLocation


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of restoring a deletion's objects.

    ``served`` are served again. ``versions`` became further versions, because another object has their SOP Instance
    UID now; ``identical`` are left out, because the very same is here already.
    """

    recycled: Recycled
    served: int
    versions: int
    identical: int


class RecycleBin(Protocol):
    """Keeps what was deleted. Each verb is one transaction, durable when it returns; any thread may call."""

    def take(self, deletion: Deletion) -> Recycled:
        """Move what is named out of the index, with its further versions, conflicts and counters.

        NotFound when the archive holds nothing of it.
        """
        ...

    def get(self, number: int) -> Recycled | None:
        """Return one deletion."""
        ...

    def list(self, states: Collection[State], before: int | None, limit: int) -> Sequence[Recycled]:
        """Return deletions in these states (none: all), newest first, older than number ``before``."""
        ...

    def restore(self, number: int, by: str, now_us: int) -> Restored:
        """Move a deletion's objects back, as they were.

        What another object has taken the place of comes back as a further version; what is here already is left
        out and becomes a deletion of its own that is being purged. NotFound; Conflict when it is not kept any more.
        """
        ...

    def doom(self, number: int, by: str, now_us: int) -> Recycled:
        """Give up restoring, before files are removed. NotFound; Conflict when it is not kept any more."""
        ...

    def claim(self, number: int) -> bool:
        """Begin to remove files; tell whether this is the first time that anybody does."""
        ...

    def purged(self, number: int, objects: Collection[int], now_us: int) -> int:
        """Write down that these objects' files are gone; return how many are left.

        With the last one the deletion is purged.
        """
        ...

    def objects(self, number: int | None = None) -> Iterator[RecycledObject]:
        """Walk over the objects of one deletion, or of all."""
        ...

    def holds(self, key: str) -> bool:
        """Tell whether the object under ``key`` is in the bin."""
        ...

    def noted(self, note_keys: Collection[str]) -> Mapping[str, State]:
        """Return the states of the deletions with these notes."""
        ...

    def adopt(self, deletion: Deletion, records: Sequence[InstanceRecord]) -> int:
        """Put objects that no row tells of into the bin, under the deletion with this note, made if need be.

        Return its number.
        """
        ...


class HasBin(Index, Protocol):
    """An index with its recycle bin."""

    @property
    def recycle_bin(self) -> RecycleBin:
        """What was deleted."""
        ...


def level_of(ref: Ref) -> Level:
    """Return the level that ``ref`` is on."""
    match ref:
        case StudyRef():
            return Level.STUDY
        case SeriesRef():
            return Level.SERIES
        case InstanceRef():
            return Level.IMAGE


def spoken(ref: Ref) -> str:
    """Return how people are told of what ``ref`` names, the deepest level first."""
    names = type(ref).__slots__
    return " of ".join(f"{name} {getattr(ref, name)}" for name in reversed(names))


def widened(ref: Ref) -> InstanceRef:
    """Return the three UIDs of ``ref``, empty below its level."""
    match ref:
        case StudyRef(study):
            return InstanceRef(study, UID(""), UID(""))
        case SeriesRef(study, series):
            return InstanceRef(study, series, UID(""))
        case InstanceRef():
            return ref


def narrowed(study: UID, series: UID, instance: UID) -> Ref:
    """Return what three UIDs name, empty ones left out: the inverse of :func:`widened`."""
    if instance:
        return InstanceRef(study, series, instance)
    return SeriesRef(study, series) if series else StudyRef(study)


__all__ = [
    "ABOUT",
    "UNFINISHED",
    "Deletion",
    "HasBin",
    "RecycleBin",
    "Recycled",
    "RecycledObject",
    "Ref",
    "Restored",
    "State",
    "level_of",
    "narrowed",
    "spoken",
    "widened",
]
