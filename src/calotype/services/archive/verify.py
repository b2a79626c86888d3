"""Comparing index and objects both ways: every row has its file, unchanged, and every file has its row.

May run while the archive works: what looks wrong is asked again before it is reported, since objects come, are
overwritten and go meanwhile. Nothing is changed, except that orphans are deleted when that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from calotype.clock import SECOND_US
from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.errors import CalotypeError, NotFound
from calotype.services.archive.decoding import PixelCheck
from calotype.services.archive.inspection import digest_of, inspect, key_number, modified_us
from calotype.services.archive.notes import is_note
from calotype.services.archive.ports import Index, ObjectStore, Progress, StoredInstance
from calotype.services.archive.recycled import UNFINISHED, HasBin, State

ORPHAN_GRACE_S: Final = 3600
"""How old an orphan must be to be deleted: a younger one may be an object whose row is being committed."""

_PAGE: Final = 500


class ProblemKind(StrEnum):
    """In which way index and objects disagree."""

    MISSING = "missing"
    """A row whose file is not there."""
    UNREADABLE = "unreadable"
    """A row whose file cannot be read."""
    WRONG_SIZE = "wrong-size"
    """A file that is longer or shorter than it was when it was received."""
    WRONG_DIGEST = "wrong-digest"
    """A file whose content is not what was received."""
    DAMAGED_PIXELS = "damaged-pixels"
    """A file as it was received whose pixels cannot be decoded; it is served as it came."""
    ORPHAN = "orphan"
    """A file without a row: most often of an object whose sender was never told Success."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One disagreement; ``ref`` is ``None`` where nothing says what the file is."""

    kind: ProblemKind
    key: str
    ref: InstanceRef | None
    detail: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a verification found."""

    objects: int
    checked_bytes: int
    problems: tuple[Problem, ...]
    orphans_deleted: int

    @property
    def is_sound(self) -> bool:
        """Whether index and objects agree."""
        return not self.problems


class Verification:
    """One walk over index and objects. Used once, by one thread."""

    def __init__(
        self,
        objects: ObjectStore,
        index: HasBin,
        now_us: int,
        *,
        digests: bool,
        delete_orphans: bool,
        pixels: PixelCheck | None = None,
    ) -> None:
        self._objects = objects
        self._index = index
        self._now_us = now_us
        self._digests = digests
        self._delete_orphans = delete_orphans
        self._pixels = pixels
        self._known: set[int] = set()
        self._checked_bytes = 0
        self._deleted = 0

    def run(self, progress: Progress) -> VerifyReport:
        """Check all rows, then all files."""
        problems: list[Problem] = []
        total = self._index.statistics().instances
        done = 0
        for done, (stored, _, _) in enumerate(self._index.records(), start=1):
            self._known.add(key_number(stored.location.key))
            if (problem := self._check(stored, self._pixels)) is not None and self._is_current(stored):
                problems.append(problem)
            progress(done, max(total, done), "checking objects")
        problems.extend(self._recycled())
        problems.extend(self._orphans(progress))
        return VerifyReport(done, self._checked_bytes, tuple(problems), self._deleted)

    def _recycled(self) -> Iterator[Problem]:
        """Check what lies in the recycle bin; what is being purged is only known."""
        before: int | None = None
        while page := self._index.recycle_bin.list(UNFINISHED | {State.KEPT}, before, _PAGE):
            before = page[-1].id
            for item in page:
                for each in self._index.recycle_bin.objects(item.id):
                    key = each.location.key
                    self._known.add(key_number(key))
                    if item.state is not State.KEPT:
                        continue
                    # Of no class: its pixels are nobody's concern.
                    problem = self._check(StoredInstance(each.ref, UID(""), each.location), pixels=None)
                    if problem is not None and self._index.recycle_bin.holds(key):
                        yield replace(problem, detail=f"in the recycle bin, deletion {item.id}: {problem.detail}")

    def _check(self, stored: StoredInstance, pixels: PixelCheck | None) -> Problem | None:
        location = stored.location
        try:
            with self._objects.open(location.key) as reader:
                if reader.size_bytes != location.size_bytes:
                    detail = f"{reader.size_bytes} bytes, received {location.size_bytes}"
                    return Problem(ProblemKind.WRONG_SIZE, location.key, stored.ref, detail)
                if self._digests:
                    found = digest_of(reader, location.data_offset)
                    self._checked_bytes += location.size_bytes
                    if found != location.digest:
                        detail = f"BLAKE3 {found.hex()}, received {location.digest.hex()}"
                        return Problem(ProblemKind.WRONG_DIGEST, location.key, stored.ref, detail)
                if pixels is not None and (detail := pixels.damage(stored, reader)):
                    return Problem(ProblemKind.DAMAGED_PIXELS, location.key, stored.ref, detail)
        except NotFound as error:
            return Problem(ProblemKind.MISSING, location.key, stored.ref, str(error))
        except CalotypeError as error:
            return Problem(ProblemKind.UNREADABLE, location.key, stored.ref, str(error))
        return None

    def _is_current(self, stored: StoredInstance) -> bool:
        """Tell whether the index still says of this object what it said when the walk came by."""
        return stored.location.key in current_keys(self._index, stored.ref.instance)

    def _orphans(self, progress: Progress) -> Iterator[Problem]:
        for done, key in enumerate(self._objects.keys(), start=1):
            if key_number(key) not in self._known and (problem := self._orphan(key)) is not None:
                yield problem
            progress(done, None, "looking for orphans")

    def _orphan(self, key: str) -> Problem | None:
        """Tell what a file without a row is; ``None`` when it got its row meanwhile, or is gone."""
        if self._index.recycle_bin.holds(key) or (is_note(key) and self._index.recycle_bin.noted([key])):
            return None
        ref: InstanceRef | None = None
        written_us: int | None = None
        try:
            with self._objects.open(key) as reader:
                written_us = modified_us(reader)
                if is_note(key):
                    detail = "a note of a deletion that the index does not know"
                else:
                    ref, detail = _name(inspect(reader).header.attributes), "an object that the index does not know"
        except NotFound:
            return None
        except CalotypeError as error:
            detail = str(error)
        if ref is not None and key in current_keys(self._index, ref.instance):
            return None
        if self._delete_orphans:
            detail += f"; {self._delete(key, written_us)}"
        return Problem(ProblemKind.ORPHAN, key, ref, detail)

    def _delete(self, key: str, written_us: int | None) -> str:
        if written_us is None or self._now_us - written_us < ORPHAN_GRACE_S * SECOND_US:
            return "left, since it may still be on its way in"
        try:
            self._objects.delete(key)
        except CalotypeError as error:
            return f"left: {error}"
        self._deleted += 1
        return "deleted"


def current_keys(index: Index, sop_instance_uid: UID) -> set[str]:
    """Return the keys of every version that the index now knows of an instance."""
    keys = {location.key for location in index.versions(sop_instance_uid)}
    served = index.instance(sop_instance_uid)
    return keys | {served.location.key} if served else keys


def _name(attributes: dict[str, str]) -> InstanceRef | None:
    uids = [
        UID(attributes.get(keyword, "")) for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    ]
    return InstanceRef(*uids) if all(uids) else None
