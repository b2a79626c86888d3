"""Making the index's derived rows again from the objects, beside the old rows, and putting them in their place.

What a file cannot tell is kept from the old rows: origin, received time, the digest as first received, and which of
several versions is the one served. With an empty index the files tell all that can be known. What is not readable is
reported and left out; when that would lose more than a few known objects nothing is swapped, because then a disk is
missing rather than a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final

from blake3 import blake3

from calotype.dicom.hierarchy import UID
from calotype.errors import CalotypeError, NotFound, Unavailable
from calotype.services.archive.headers import compress_header
from calotype.services.archive.incoming import identify
from calotype.services.archive.inspection import digest_of, flags_of, inspect, key_number, modified_us
from calotype.services.archive.notes import Note, Notes, is_note
from calotype.services.archive.ports import (
    Channel,
    Flag,
    InstanceRecord,
    ObjectLocation,
    ObjectStore,
    Origin,
    Progress,
    Rebuild,
    StoredInstance,
)
from calotype.services.archive.predecessor import predecessor_of
from calotype.services.archive.recycled import HasBin, State
from calotype.services.archive.texts import Texts
from calotype.services.archive.verify import Problem, ProblemKind, current_keys

_TOLERATED_LOSS: Final = 100
"""One in so many known objects may be missing before we ask whether that is meant."""

_ADOPTED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """What a rebuild did: rows made again, objects that had no row and got one, and what was left out.

    ``recycled`` counts those that got theirs in the recycle bin, because a note tells that they were deleted.
    """

    rebuilt: int
    recovered: int
    problems: tuple[Problem, ...]
    recycled: int = 0


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What the old rows know of an object and its file does not."""

    origin: Origin
    received_us: int
    digest: bytes
    is_version: bool


class Reindexing:
    """One rebuild. Used once, by one thread."""

    def __init__(self, objects: ObjectStore, index: HasBin, texts: Texts, now_us: int) -> None:
        self._objects = objects
        self._index = index
        self._texts = texts
        self._now_us = now_us
        self._judged_anew: set[UID] = set()
        self._known: set[int] = set()
        self._contents: set[int] = set()
        self._problems: list[Problem] = []
        self._rebuilt = 0
        self._recovered = 0
        self._recycled = 0
        self._lost = 0
        self._noted: dict[int, Note] = {}
        self._adopted: dict[Note, list[InstanceRecord]] = {}

    def run(self, progress: Progress, *, allow_loss: bool) -> ReindexReport:
        """Rebuild and swap. Unavailable when too much is missing, unless ``allow_loss`` says that this is meant."""
        rebuild = self._index.rebuild()
        try:
            self._known_objects(rebuild, progress)
            if not allow_loss:
                self._check_loss()
            self._unknown_objects(rebuild, progress)
            for note in list(self._adopted):
                self._put_in_bin(note)
        except BaseException:
            rebuild.abandon()
            raise
        rebuild.swap()
        self._read_again()
        return ReindexReport(self._rebuilt, self._recovered, tuple(self._problems), self._recycled)

    def _read_again(self) -> None:
        """Read studies again of which a later object has shown how the earlier ones should have been read."""
        for study in sorted(self._judged_anew):
            try:
                self._texts.reread(study)
            except CalotypeError as error:
                detail = f"its text is to be read otherwise, which failed: {error}"
                self._problems.append(Problem(ProblemKind.UNREADABLE, study, None, detail))

    def _known_objects(self, rebuild: Rebuild, progress: Progress) -> None:
        """Add what has a row: first what is served, then the further versions, so that none takes its place."""
        versions: list[tuple[StoredInstance, _Remembered]] = []
        total = self._index.statistics().instances
        for done, (stored, origin, received_us) in enumerate(self._index.records(), start=1):
            served = self._index.instance(stored.ref.instance)
            is_version = served is None or served.location.key != stored.location.key
            remembered = _Remembered(origin, received_us, stored.location.digest, is_version)
            self._known.add(key_number(stored.location.key))
            if is_version:
                versions.append((stored, remembered))
            else:
                self._again(rebuild, stored, remembered)
            progress(done, max(total, done), "reading known objects")
        for stored, remembered in versions:
            self._again(rebuild, stored, remembered)

    def _again(self, rebuild: Rebuild, stored: StoredInstance, remembered: _Remembered) -> None:
        key = stored.location.key
        try:
            record, content = self._read(key, remembered)
        except NotFound as error:
            if key not in current_keys(self._index, stored.ref.instance):
                # It was compressed, overwritten or removed while we read; the swap carries over what came instead.
                return
            self._lose(Problem(ProblemKind.MISSING, key, stored.ref, str(error)))
        except CalotypeError as error:
            self._lose(Problem(ProblemKind.UNREADABLE, key, stored.ref, str(error)))
        else:
            self._add(rebuild, record, content)
            self._rebuilt += 1

    def _unknown_objects(self, rebuild: Rebuild, progress: Progress) -> None:
        """Add what has no row, a folder at a time: of several versions in one the first has the shortest name."""
        self._read_notes()
        walk = groupby(self._objects.keys(), key=lambda key: key.rpartition("/")[0])
        keys = (key for _, folder in walk for key in sorted(folder, key=lambda key: (len(key), key)))
        for done, key in enumerate(keys, start=1):
            progress(done, None, "looking for further objects")
            if key_number(key) in self._known or is_note(key) or self._index.recycle_bin.holds(key):
                continue
            try:
                record, content = self._read(key, None)
            except CalotypeError as error:
                self._problems.append(Problem(ProblemKind.UNREADABLE, key, None, str(error)))
                continue
            if key in current_keys(self._index, record.ref.instance):
                # It was received while we read; the swap carries over what came meanwhile.
                continue
            if (note := self._noted.get(key_number(key))) is not None:
                self._adopt(note, record)
                continue
            if content in self._contents:
                detail = "another file with the same content is in the index"
                self._problems.append(Problem(ProblemKind.ORPHAN, key, record.ref, detail))
                continue
            self._known.add(key_number(key))
            self._add(rebuild, record, content)
            self._recovered += 1

    def _adopt(self, note: Note, record: InstanceRecord) -> None:
        """Take what a note tells of into the bin, together with others."""
        waiting = self._adopted.setdefault(note, [])
        waiting.append(record)
        if len(waiting) >= _ADOPTED_AT_ONCE:
            self._put_in_bin(note)

    def _put_in_bin(self, note: Note) -> None:
        records = self._adopted.pop(note)
        self._index.recycle_bin.adopt(note.deletion, records)
        self._recycled += len(records)

    def _read_notes(self) -> None:
        """Learn what was deleted from the notes of which this index, being another, knows nothing."""
        notes = Notes(self._objects)
        for key in notes.walk():
            state = self._index.recycle_bin.noted([key]).get(key)
            if state not in (None, State.KEPT):
                continue
            try:
                note = notes.read(key)
            except CalotypeError as error:
                self._problems.append(Problem(ProblemKind.UNREADABLE, key, None, str(error)))
                continue
            self._noted.update((key_number(each), note) for each in note.keys)

    def _add(self, rebuild: Rebuild, record: InstanceRecord, content: int) -> None:
        self._contents.add(content)
        rebuild.add(record)

    def _check_loss(self) -> None:
        if self._lost > len(self._known) // _TOLERATED_LOSS:
            raise Unavailable(
                f"{self._lost} of {len(self._known)} known objects are missing or damaged, so nothing was changed. "
                "Is the archive's disk mounted? If the loss is real, allow it and run this again"
            )

    def _lose(self, problem: Problem) -> None:
        self._lost += 1
        self._problems.append(problem)

    def _read(self, key: str, remembered: _Remembered | None) -> tuple[InstanceRecord, int]:
        """Make an object's record from its file, and what stands for its content. InvalidRequest when it is damaged.

        An object that was compressed has the content of the one that came: each may be left over from a crash.
        """
        with self._objects.open(key) as reader:
            found, settled = self._texts.inspected(inspect(reader), partial(inspect, reader))
            if settled.changed:
                self._judged_anew.add(UID(found.header.attributes["StudyInstanceUID"]))
            if remembered is None:
                remembered = _Remembered(
                    origin=Origin(Channel.REINDEX, calling_ae_title=found.meta.source_ae_title),
                    received_us=modified_us(reader) or self._now_us,
                    digest=digest_of(reader, found.meta.data_offset),
                    is_version=False,
                )
            size_bytes = reader.size_bytes
        ref, sop_class = identify(found.header.attributes)
        flags = flags_of(found.header) | settled.flags
        before = predecessor_of(found.meta)
        content = _content_number(ref.instance, remembered.digest if before is None else before.digest)
        record = InstanceRecord(
            ref=ref,
            sop_class=sop_class or found.meta.sop_class,
            attributes=found.header.attributes,
            location=ObjectLocation(
                key=key,
                size_bytes=size_bytes,
                data_offset=found.meta.data_offset,
                data_bytes=found.data_bytes,
                digest=remembered.digest,
                transfer_syntax=found.meta.transfer_syntax,
            ),
            header=compress_header(found.header_json),
            origin=remembered.origin,
            received_us=remembered.received_us,
            flags=flags | {Flag.VERSION_CONFLICT} if remembered.is_version else flags,
        )
        return record, content


def _content_number(instance: UID, digest: bytes) -> int:
    """Return 64 bits that stand for one content of one instance."""
    return int.from_bytes(blake3(instance.encode("utf-8", "surrogatepass") + digest).digest(8), "big")
