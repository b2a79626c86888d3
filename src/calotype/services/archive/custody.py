"""Whether an object is safely here: its row, its file, and every byte of it as it was received.

What is asked, and what a promise about it means, is ``routing.commitment``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from calotype.dicom.hierarchy import UID
from calotype.errors import CalotypeError, NotFound
from calotype.services.archive.inspection import digest_of
from calotype.services.archive.ports import Index, ObjectLocation, ObjectStore


class Condition(Enum):
    """What was found."""

    SAFE = auto()
    ABSENT = auto()
    """There is no row, or no file to it."""
    DAMAGED = auto()
    """The file is not what was received, or cannot be read to its end."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The condition of one instance, its SOP class as stored, and what is wrong, for the log."""

    condition: Condition
    sop_class: UID | None = None
    detail: str = ""


class Custody:
    """Looks after objects by their SOP Instance UIDs. Thread-safe."""

    def __init__(self, objects: ObjectStore, index: Index) -> None:
        self._objects = objects
        self._index = index

    def examine(self, sop_instance: UID) -> Finding:
        """Read an instance to its end and compare it with its digest, further versions too.

        Whoever sent one of several versions cannot say which it was, so all of them must be whole. Unavailable when
        the index does not answer.
        """
        stored = self._index.instance(sop_instance)
        if stored is None:
            return Finding(Condition.ABSENT, detail="the index does not know it")
        for location in (stored.location, *self._index.versions(sop_instance)):
            condition, detail = self._read(location)
            if condition is Condition.ABSENT and self._moved(sop_instance, location):
                # Overwritten while we looked: what took its place is looked at instead.
                return self.examine(sop_instance)
            if condition is not Condition.SAFE:
                return Finding(condition, stored.sop_class, detail)
        return Finding(Condition.SAFE, stored.sop_class)

    def _read(self, location: ObjectLocation) -> tuple[Condition, str]:
        try:
            with self._objects.open(location.key) as reader:
                if digest_of(reader, location.data_offset) == location.digest:
                    return Condition.SAFE, ""
        except NotFound as error:
            return Condition.ABSENT, str(error)
        except CalotypeError as error:
            return Condition.DAMAGED, str(error)
        return Condition.DAMAGED, f"{location.key} is not what was received"

    def _moved(self, sop_instance: UID, location: ObjectLocation) -> bool:
        now = self._index.instance(sop_instance)
        kept = {version.key for version in self._index.versions(sop_instance)}
        return location.key not in (kept | ({now.location.key} if now else set()))
