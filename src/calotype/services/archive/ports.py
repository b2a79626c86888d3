"""What the archive needs from below, in its own words: an object store and an index.

``stores.objects`` and ``stores.index`` implement these; each has an in-memory twin that passes the same contract
tests. Everything here is synchronous, and every method may be called from any thread at any time unless it says
otherwise. Errors that leave an implementation are ``calotype.errors``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from calotype.closing import Closing
from calotype.dicom.hierarchy import UID, InstanceRef, Selection
from calotype.dicom.query.model import Match, Query
from calotype.dicom.repair import Charsets, Evidence, Judgement, judge_study

ReadableBuffer = bytes | bytearray | memoryview


class Channel(StrEnum):
    """Through which door an object came."""

    DIMSE = "dimse"
    STOW = "stow"
    IMPORT = "import"
    REINDEX = "reindex"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who brought an object; empty strings where a channel has no such thing."""

    channel: Channel
    calling_ae_title: str = ""
    called_ae_title: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """Where objects are kept and how much room is there; below ``min_free_bytes`` nothing new is taken."""

    path: str
    total_bytes: int
    free_bytes: int
    min_free_bytes: int


class Flag(StrEnum):
    """What was not as the Standard wants it, yet did not stop an object from being kept."""

    NO_PATIENT_ID = "no-patient-id"
    BAD_DATE = "bad-date"
    BAD_TIME = "bad-time"
    BAD_UID = "bad-uid"
    BAD_TEXT = "bad-text"
    REPAIRED_TEXT = "repaired-text"
    BAD_NUMBER = "bad-number"
    ODD_LENGTH = "odd-length"
    HEADER_DAMAGED = "header-damaged"
    PATIENT_CONFLICT = "patient-conflict"
    VERSION_CONFLICT = "version-conflict"
    PIXELS_DAMAGED = "pixels-damaged"
    """Kept by :class:`PixelNotes`, not with the record: it is found out when somebody looks."""


@dataclass(frozen=True, slots=True)
class ObjectLocation:
    """Where an object's bytes are, and what they are.

    ``digest`` is BLAKE3 (32 bytes) over the data set as it is kept: as first received, or, compressed since then, as
    it was found to hold the same (what came then is told by ``predecessor``); ``data_offset`` is where the data set
    starts in the Part 10 file, ``data_bytes`` how long it is, ``size_bytes`` the whole file.
    """

    key: str
    size_bytes: int
    data_offset: int
    data_bytes: int
    digest: bytes
    transfer_syntax: UID

    @property
    def place(self) -> slice:
        """Where the data set stands in the file."""
        return slice(self.data_offset, self.data_offset + self.data_bytes)


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """Everything the index keeps of one object.

    ``attributes`` holds the non-empty indexed attributes (``dicom.query.attributes``) as DICOM text, decoded,
    computed ones left out. ``header`` is the object's DICOM JSON (PS3.18 Annex F), zlib-compressed, its
    ``BulkDataURI`` values relative. ``received_us`` is UTC, microseconds since 1970. ``is_to_compress`` puts a new
    object onto the list of what is to be compressed (``compression``), in the same commit.
    """

    ref: InstanceRef
    sop_class: UID
    attributes: Mapping[str, str]
    location: ObjectLocation
    header: bytes
    origin: Origin
    received_us: int
    flags: frozenset[Flag] = frozenset()
    is_to_compress: bool = False


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """What a retrieve needs to know of one object."""

    ref: InstanceRef
    sop_class: UID
    location: ObjectLocation


@dataclass(frozen=True, slots=True)
class Replacement:
    """What became of an object that was overwritten: ``was`` is what was there before.

    ``to_read_again`` are studies of which further objects are to be judged anew (:meth:`Index.reread`), because the
    one that spoke for them says something else of the patient now, or is gone.
    """

    was: StoredInstance
    to_read_again: tuple[UID, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """How many matches there are; ``at_least`` when counting stopped at its cap."""

    count: int
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the archive holds."""

    patients: int
    studies: int
    series: int
    instances: int
    conflicts: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class ConflictRecord:
    """A disagreement that waits for a person: a further version of an instance, or a patient with two faces."""

    flag: Flag
    ref: InstanceRef
    detail: str
    location: ObjectLocation | None
    received_us: int


@dataclass(frozen=True, slots=True)
class StudyText:
    """What is known of the text of a study: values that can tell its character sets, and what a person has said.

    ``override`` are the defined terms that take the place of all declarations, none where nobody has decided.
    """

    evidence: Evidence = frozenset()
    override: Charsets = ()

    @property
    def judgement(self) -> Judgement:
        """How the study is to be read."""
        return judge_study(self.evidence, self.override)

    @property
    def state(self) -> str:
        """``overridden``, ``repaired`` or ``uncertain``; empty for a study that is simply read as declared."""
        if self.override:
            return "overridden"
        judgement = self.judgement
        return "repaired" if judgement.reading else "" if judgement.certain else "uncertain"


@dataclass(frozen=True, slots=True)
class DamageRecord:
    """An object whose pixels could not be decoded: what went wrong, and when that was first found.

    ``noticed_us`` is UTC, microseconds since 1970.
    """

    ref: InstanceRef
    detail: str
    noticed_us: int


class Spool(Protocol):
    """A private file being written, on the same file system as the objects. Used by one thread."""

    @property
    def size_bytes(self) -> int:
        """How much was written so far."""
        ...

    def write(self, parts: Sequence[ReadableBuffer]) -> None:
        """Append all of ``parts``; they may be reused after the call. OutOfResources when there is no space."""
        ...

    def view(self) -> memoryview:
        """Return all bytes written so far, mapped, read-only; released by :meth:`discard` or ``put``."""
        ...

    def discard(self) -> None:
        """Remove the file. Idempotent, never raises; does nothing after the object store's ``put``."""
        ...


class ObjectReader(Closing, Protocol):
    """An open object. Used by one thread; close it (it is a context manager)."""

    size_bytes: int

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to ``size_bytes`` from ``offset``; shorter only at the end of the object."""
        ...

    def fileno(self) -> int | None:
        """Return the open file's descriptor, for what only the system knows of it; ``None`` where there is none."""
        ...


class ObjectStore(Protocol):
    """Keeps immutable objects under keys: relative paths with ``/``, chosen by the archive, safe characters only."""

    def spool(self) -> Spool:
        """Start a private file. OutOfResources when there is no space."""
        ...

    def put(self, spool: Spool, key: str) -> str:
        """Keep the spooled bytes and return the key they are kept under.

        An existing object is never overwritten: when ``key`` is taken, ``.1``, ``.2`` ... is put before its
        suffix. On return the object is durable (if the store was told to be): file synced, renamed, directory
        and every parent newly made synced, in this order.
        """
        ...

    def open(self, key: str) -> ObjectReader:
        """Open an object. NotFound when it is not there, Unavailable when the store does not answer."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; NotFound when it is not there."""
        ...

    def keys(self, folder: str = "") -> Iterator[str]:
        """Walk over all keys, or those in and below ``folder``, in no particular order (for verify and reindex)."""
        ...


class Rebuild(Protocol):
    """A second set of derived rows, made beside the live one. Used by one thread."""

    def add(self, record: InstanceRecord) -> None:
        """Add one object; rows are committed in batches. The first of several versions becomes the served one."""
        ...

    def swap(self) -> None:
        """Put the new rows in the place of the old in one transaction.

        What was received, replaced or removed while they were made is in them afterwards; what does not derive from
        objects is kept. Conflict when a newer rebuild has taken over.
        """
        ...

    def abandon(self) -> None:
        """Remove the new rows; the old ones stay."""
        ...


class Index(Protocol):
    """Finds objects. A row here is what makes an object exist."""

    def add(self, record: InstanceRecord) -> frozenset[Flag]:
        """Commit one new instance, its series, study and patient as needed, and their counters.

        Returns when the row is durable (group commit: concurrent callers share one transaction), with the flags
        found while adding (``PATIENT_CONFLICT``) united with the record's. Conflict when the SOP Instance UID
        is known already: nothing is written then.
        """
        ...

    def add_version(self, record: InstanceRecord) -> None:
        """Commit a further version of a known instance as a conflict; the first stays the one served."""
        ...

    def replace(self, record: InstanceRecord) -> Replacement:
        """Commit ``record`` in the place of the instance with its SOP Instance UID; return what it replaced.

        NotFound when there is none. In its series it keeps the place of the other in the order of arrival, and what
        the rows of series, study and patient say of themselves by the first object is as the new one says it, in
        the same commit. The new object may stand in another series or study: there it comes last.
        """
        ...

    def remove(self, ref: InstanceRef) -> StoredInstance:
        """Take an instance out of index and counters; empty series, studies and patients go with it."""
        ...

    def instance(self, sop_instance_uid: UID) -> StoredInstance | None:
        """Return the served version of one instance, or ``None``. Fast: asked before every store."""
        ...

    def versions(self, sop_instance_uid: UID) -> Sequence[ObjectLocation]:
        """Return the further versions kept of one instance, oldest first."""
        ...

    def find(self, query: Query) -> Iterator[Match]:
        """Answer a question, streaming; closing the iterator frees what it holds.

        Studies may be sorted by what people put to them, too: ``services.archive.marks.SORTABLE``.
        """
        ...

    def find_with_headers(self, query: Query) -> Iterator[tuple[Match, bytes]]:
        """Answer a question as :meth:`find` does, each match with its representative's header.

        That is the compressed DICOM JSON of the first instance, by number, of the entity's first series.
        """
        ...

    def count(self, query: Query, cap: int) -> Total:
        """Count the matches of a question (its page ignored), stopping at ``cap``."""
        ...

    def locate(self, selection: Selection) -> Iterator[StoredInstance]:
        """Return what a retrieve asks for, grouped by study and series, by instance number within."""
        ...

    def headers(self, selection: Selection) -> Iterator[tuple[InstanceRef, bytes]]:
        """Return the compressed DICOM JSON header of each instance, in the order of :meth:`locate`."""
        ...

    def records(self) -> Iterator[tuple[StoredInstance, Origin, int]]:
        """Walk over every object that has a row, further versions included, with origin and received time."""
        ...

    def conflicts(self) -> Iterator[ConflictRecord]:
        """Return what waits for a decision, newest first."""
        ...

    def study_text(self, study: UID) -> StudyText | None:
        """Return what is known of the text of a study, ``None`` when nothing is."""
        ...

    def keep_study_text(self, study: UID, text: StudyText) -> None:
        """Commit what is known of the text of a study. A rebuild leaves it alone."""
        ...

    def study_texts(self, limit: int) -> Sequence[tuple[UID, StudyText]]:
        """Return the studies that are not simply read as declared, by UID."""
        ...

    def reread(self, study: UID, records: Sequence[InstanceRecord]) -> None:
        """Put new records of all instances of a study in the place of the old, in one transaction.

        Origin and received time stay as they were. Conflict, and nothing is done, when the instances and where they
        are kept are not exactly those of the study.
        """
        ...

    def statistics(self) -> Statistics:
        """Return the totals, from counters."""
        ...

    def rebuild(self) -> Rebuild:
        """Start a second set of derived rows."""
        ...

    def close(self) -> None:
        """Finish the transaction under way and free all connections."""
        ...


class PixelNotes(Protocol):
    """Keeps what was found out about the pixels of instances, under SOP Instance UID and digest.

    Of an instance that is gone, or whose bytes are others now, nothing is known any more; so nothing here is stale.
    """

    def layout(self, sop_instance: UID, digest: bytes) -> bytes | None:
        """Return what was kept of where things are in the object, ``None`` when nothing is."""
        ...

    def keep_layout(self, sop_instance: UID, digest: bytes, layout: bytes) -> None:
        """Commit where things are in an object; nothing is done when it is not there any more."""
        ...

    def note_damage(self, sop_instance: UID, digest: bytes, detail: str, noticed_us: int) -> None:
        """Commit that an object's pixels cannot be decoded; what was noted first stays."""
        ...

    def forget_damage(self, sop_instance: UID) -> None:
        """Commit that an object's pixels can be decoded after all."""
        ...

    def damaged(self) -> Iterator[DamageRecord]:
        """Return the objects whose pixels cannot be decoded, newest first."""
        ...


Progress = Callable[[int, int | None, str], None]
"""Called during long work with (done, total or None when unknown, what is being done)."""


def unseen(_done: int, _total: int | None, _what: str) -> None:
    """Take progress that nobody looks at: the :data:`Progress` of whoever gives none."""


__all__ = [
    "Channel",
    "ConflictRecord",
    "DamageRecord",
    "Flag",
    "Index",
    "InstanceRecord",
    "ObjectLocation",
    "ObjectReader",
    "ObjectStore",
    "Origin",
    "PixelNotes",
    "Progress",
    "ReadableBuffer",
    "Rebuild",
    "Replacement",
    "Spool",
    "Statistics",
    "StoredInstance",
    "StudyText",
    "Total",
    "unseen",
]
