"""Taking an object in: decide about duplicates, put it in its place, commit, tell.

The one way for C-STORE, STOW-RS and import. An object exists once its index row is committed; its file is durable
before that, so a crash leaves an orphan file at worst, never a row without a file. How bytes are received and checked
is in ``incoming``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Final

from calotype.clock import Clock, utc_now_us
from calotype.dicom.hierarchy import UID
from calotype.errors import CalotypeError, ClassMismatch, Conflict, NotFound, Unavailable
from calotype.services.archive.claims import Claims
from calotype.services.archive.events import Event, Events, InstanceReplaced, InstanceStored, VersionKept
from calotype.services.archive.incoming import Declared, Incoming, Outcome, Receipt, Received
from calotype.services.archive.layout import DEFAULT_LAYOUT, Layout
from calotype.services.archive.naming import Forget, nothing_kept
from calotype.services.archive.opening import Opening
from calotype.services.archive.ports import (
    Flag,
    Index,
    InstanceRecord,
    ObjectStore,
    Origin,
    Spool,
    StoredInstance,
)
from calotype.services.archive.predecessor import digest_as_received
from calotype.services.archive.texts import Texts

_log = logging.getLogger(__name__)

_MAX_DECISIONS: Final = 8
"""How often another process may come between our question and our answer before the sender is told to try later."""

_MAX_SENT_AGAIN: Final = 1024


class DuplicatePolicy(StrEnum):
    """What becomes of an object whose SOP Instance UID is known."""

    KEEP = "keep"
    """The first stays and whatever comes later is dropped; the sender is told Success."""
    OVERWRITE = "overwrite"
    """The last takes the place of the one before."""
    REFUSE = "refuse"
    """A second one is an error: Conflict (0111)."""
    KEEP_IF_IDENTICAL = "keep-if-identical"
    """Identical content is dropped; different content is kept as a further version until someone decides."""


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """How objects are taken in. ``layout`` is a template, see :class:`~calotype.services.archive.layout.Layout`."""

    duplicates: DuplicatePolicy = DuplicatePolicy.KEEP_IF_IDENTICAL
    layout: str = DEFAULT_LAYOUT
    to_compress: Callable[[InstanceRecord], bool] | None = None
    """Tells of a new object whether it goes onto the list of what is to be compressed."""


class _Overtaken(Exception):
    """Someone else changed the index between our question and our answer."""


class _SentAgain:
    """The series whose last object was here already. A hint: what it says wrongly costs time, nothing else."""

    def __init__(self) -> None:
        self._series: dict[UID, None] = {}

    def __contains__(self, series: UID) -> bool:
        return series in self._series

    def note(self, series: UID, *, again: bool) -> None:
        if again:
            if len(self._series) >= _MAX_SENT_AGAIN:
                self._series.clear()
            self._series[series] = None
        else:
            self._series.pop(series, None)


class Ingest:
    """Takes objects in. Thread-safe; each :class:`Incoming` belongs to one thread.

    Making one raises InvalidRequest when the layout cannot be used.
    """

    def __init__(  # noqa: PLR0917 - made in one place only, by what builds the archive
        self,
        objects: ObjectStore,
        index: Index,
        events: Events,
        texts: Texts,
        settings: IngestSettings | None = None,
        clock: Clock = utc_now_us,
        forget: Forget = nothing_kept,
    ) -> None:
        settings = settings or IngestSettings()
        self._objects = objects
        self._index = index
        self._events = events
        self._texts = texts
        self._duplicates = settings.duplicates
        self._layout = Layout(settings.layout)
        self._to_compress = settings.to_compress
        self._clock = clock
        self._forget = forget
        self._claims = Claims()
        self._sent_again = _SentAgain()

    def begin(self, declared: Declared, origin: Origin, *, study: UID | None = None) -> Incoming:
        """Start to receive a data set without file meta (C-STORE); ``study`` as in :meth:`begin_part10`."""
        return Incoming(self._objects, origin, declared, self._texts, self._keep_of(study), self._clock)

    def begin_part10(self, origin: Origin, *, tolerant: bool = False, study: UID | None = None) -> Incoming:
        """Start to receive a Part 10 file (STOW-RS, import).

        ``tolerant`` also takes files without preamble or meta, and lets the data set overrule a contradicting meta.
        ``study`` is the only study that is taken; its commit raises ClassMismatch for an object of another.
        """
        opening = Opening(tolerant=tolerant)
        return Incoming(self._objects, origin, opening, self._texts, self._keep_of(study), self._clock)

    def spool(self) -> Spool:
        """Start a private file for what objects will be made of. OutOfResources when there is no space."""
        return self._objects.spool()

    def _keep_of(self, study: UID | None) -> Callable[[Received], Receipt]:
        return self._keep if study is None else partial(self._keep_of_study, study)

    def _keep_of_study(self, study: UID, received: Received) -> Receipt:
        """Refuse an object of another study before anything is decided or written."""
        if received.ref.study != study:
            raise ClassMismatch(f"the object is of study {received.ref.study}, and only {study} is taken here")
        return self._keep(received)

    def _keep(self, received: Received) -> Receipt:
        """Decide about a checked object, commit, and tell the listeners."""
        with self._claims.hold(received.ref.instance):
            receipt, event = self._decide(received)
        if event is not None:
            self._events.publish(event)
        return receipt

    def _decide(self, received: Received) -> tuple[Receipt, Event | None]:
        """Apply the duplicate policy to what the index knows now.

        The claim keeps this process's senders apart; another process may still come between question and answer.
        Then the index refuses, and we ask again.
        """
        series = received.ref.series
        # Nearly all objects are new. Asking the index first would cost each of them a read; so a new one is found out
        # by adding it, and only a series that is being sent again is asked about, from its second object on.
        ask = series in self._sent_again
        for _ in range(_MAX_DECISIONS):
            known = self._index.instance(received.ref.instance) if ask else None
            self._sent_again.note(series, again=known is not None)
            try:
                if known is None:
                    return self._store(received)
                return self._duplicate(received, known)
            except _Overtaken:
                ask = True
        received.withdraw()
        raise Unavailable(f"{received.ref.instance} is being changed by others at this moment; send it again")

    def _store(self, received: Received) -> tuple[Receipt, Event]:
        record = self._placed(received)
        try:
            flags = self._index.add(record)
        except Conflict as error:
            raise _Overtaken from error
        if flags:
            _log.info("stored %s, flagged: %s", record.location.key, ", ".join(sorted(flags)))
        event = InstanceStored(record.ref, record.sop_class, record.origin, record.received_us, flags)
        return Receipt(record.ref, record.sop_class, Outcome.STORED, flags), event

    def _duplicate(self, received: Received, known: StoredInstance) -> tuple[Receipt, Event | None]:
        policy = self._duplicates
        if policy is DuplicatePolicy.REFUSE:
            received.withdraw()
            raise Conflict(
                f"{received.ref.instance} is in the archive already, and duplicates are refused by setting"
            )
        if self._is_as_received(known, received):
            return received.dropped(Outcome.IDENTICAL), None
        if policy is DuplicatePolicy.KEEP:
            return received.dropped(Outcome.KEPT), None
        if policy is DuplicatePolicy.OVERWRITE:
            return self._replace(received)
        return self._add_version(received)

    def _is_as_received(self, known: StoredInstance, received: Received) -> bool:
        """Tell whether an object is what came before; that may have been compressed since."""
        if known.location.digest == received.digest:
            return True
        return digest_as_received(self._objects, known.location) == received.digest

    def _placed(self, received: Received) -> InstanceRecord:
        record = received.place(self._layout)
        if self._to_compress is not None and self._to_compress(record):
            return replace(record, is_to_compress=True)
        return record

    def _replace(self, received: Received) -> tuple[Receipt, Event]:
        record = self._placed(received)
        try:
            replaced = self._index.replace(record)
        except NotFound as error:
            raise _Overtaken from error
        self._remove_replaced(replaced.was, record)
        for study in replaced.to_read_again:
            self._texts.catch_up(study)
        event = InstanceReplaced(record.ref, record.sop_class, record.origin, record.received_us, record.flags)
        return Receipt(record.ref, record.sop_class, Outcome.REPLACED, record.flags), event

    def _remove_replaced(self, replaced: StoredInstance, successor: InstanceRecord) -> None:
        """Remove the file of an instance that has no row any more.

        Its successor is committed, so the sender must hear Success whatever happens here: what stays behind is an
        orphan that verify finds.
        """
        try:
            # Where the old file had been lost, the new one may be kept under its very key.
            if replaced.location.key != successor.location.key:
                self._objects.delete(replaced.location.key)
        except CalotypeError as error:
            _log.warning("the overwritten %s could not be removed: %s", replaced.location.key, error)
        self._forget(replaced.location.digest)

    def _add_version(self, received: Received) -> tuple[Receipt, Event | None]:
        if any(version.digest == received.digest for version in self._index.versions(received.ref.instance)):
            return received.dropped(Outcome.IDENTICAL), None
        record = received.place(self._layout)
        record = replace(record, flags=record.flags | {Flag.VERSION_CONFLICT})
        try:
            self._index.add_version(record)
        except NotFound as error:
            raise _Overtaken from error
        _log.warning("%s came again with different content, kept as %s", record.ref.instance, record.location.key)
        event = VersionKept(record.ref, record.sop_class, record.origin, record.received_us, record.flags)
        return Receipt(record.ref, record.sop_class, Outcome.VERSION, record.flags), event


__all__ = [
    "Declared",
    "DuplicatePolicy",
    "Incoming",
    "Ingest",
    "IngestSettings",
    "Outcome",
    "Receipt",
]
