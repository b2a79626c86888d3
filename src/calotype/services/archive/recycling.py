"""Deleting into the recycle bin, restoring out of it, and purging what has been there long enough.

Deleting and restoring are one transaction each (``recycled``); no file is touched. Purging gives up the rows that
could be restored first and removes files last, and each file's row goes only when the file is gone: a crash at any
point leaves work to go on with, never a file that nothing tells of.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from calotype.clock import DAY_US, SECOND_US, Clock
from calotype.dicom.hierarchy import UID, Selection
from calotype.errors import CalotypeError, Conflict, InvalidRequest, NotFound
from calotype.services.archive.events import Events, FeedGrown
from calotype.services.archive.inspection import modified_us
from calotype.services.archive.naming import Forget, nothing_kept
from calotype.services.archive.notes import Notes, new_key
from calotype.services.archive.ports import ObjectStore
from calotype.services.archive.recycled import (
    UNFINISHED,
    Deletion,
    HasBin,
    Recycled,
    RecycledObject,
    Ref,
    Restored,
    State,
    spoken,
)
from calotype.services.archive.rounds import Rounds
from calotype.services.archive.verify import ORPHAN_GRACE_S, current_keys

_logger = logging.getLogger(__name__)

_GRACE_US: Final = ORPHAN_GRACE_S * SECOND_US
_AT_ONCE: Final = 500
_ROUND_S: Final = 3600.0
_RETRY_S: Final = 60.0
MAX_TEXT_CHARS: Final = 500

RETENTION: Final = "retention"
"""Who purged what was purged by time."""

Promised = Callable[[Collection[UID]], Mapping[str, int]]
"""Tells to whom we committed to keep how many of these instances (PS3.4 J), by AE title."""


def nobody(_instances: Collection[UID]) -> Mapping[str, int]:
    """Know of no promise: the :data:`Promised` of an archive that gives none."""
    return {}


@dataclass(frozen=True, slots=True)
class RecyclingSettings:
    """How long what was deleted can be restored, in days; 0: until somebody purges it.

    ``purge_promised``: time also purges what we committed to keep; else that waits for a person.
    """

    keep_days: float = 30.0
    purge_promised: bool = False


@dataclass(frozen=True, slots=True)
class Emptied:
    """How many deletions are being purged now, and which are held back because of a promise."""

    purging: int
    held_back: tuple[int, ...]


class Recycling:
    """The recycle bin's verbs, and its worker between :meth:`start` and :meth:`stop`. Thread-safe."""

    def __init__(  # noqa: PLR0917 - made in one place only, by what builds the archive
        self,
        objects: ObjectStore,
        index: HasBin,
        events: Events,
        settings: RecyclingSettings,
        promised: Promised,
        clock: Clock,
        forget: Forget = nothing_kept,
    ) -> None:
        self._objects = objects
        self._index = index
        self._bin = index.recycle_bin
        self._notes = Notes(objects)
        self._events = events
        self._settings = settings
        self._promised = promised
        self._clock = clock
        self._forget = forget
        self._erasing = threading.Lock()
        self._rounds = Rounds(self._round, name="recycle-bin", what="the recycle bin", retry_s=_RETRY_S)
        self._held_back: set[int] = set()

    # Verbs

    def delete(self, ref: Ref, *, by: str, reason: str = "") -> Recycled:
        """Move a study, series or instance into the bin. NotFound when the archive holds nothing of it.

        When it returns, nothing of it is found or sent any more; what is being read may be read to its end.
        """
        now_us = self._clock()
        # Asked first, so that what is not there costs no note.
        selection = Selection.of(ref)
        if next(self._index.locate(selection), None) is None:
            raise NotFound(f"the archive holds nothing of {spoken(ref)}")
        deletion = Deletion(ref, _text(by), _text(reason), now_us, new_key())
        self._notes.write(deletion, self._keys(selection))
        try:
            taken = self._bin.take(deletion)
        except CalotypeError:
            self._notes.remove(deletion.note_key)
            raise
        _logger.info(
            "%s deleted %s: %d objects, deletion %d", taken.deleted_by, spoken(ref), taken.instances, taken.id
        )
        self._events.publish(FeedGrown())
        self._rounds.wake()
        return taken

    def get(self, number: int) -> Recycled:
        """Return one deletion. NotFound."""
        found = self._bin.get(number)
        if found is None:
            raise NotFound(f"there is no deletion {number} in the recycle bin")
        return found

    def list(
        self, states: Collection[State] = (State.KEPT,), before: int | None = None, limit: int = 100
    ) -> Sequence[Recycled]:
        """Return deletions in these states (none: all), newest first; ``before`` a number gives the next page."""
        return self._bin.list(states, before, limit)

    def restore(self, number: int, *, by: str) -> Restored:
        """Put a deletion's objects back, as they were. NotFound; Conflict when it is not kept any more."""
        restored = self._bin.restore(number, _text(by), self._clock())
        self._notes.remove(restored.recycled.note_key)
        _logger.info("%s restored deletion %d: %d objects", by, number, restored.served)
        self._events.publish(FeedGrown())
        self._rounds.wake()
        return restored

    def purge(self, number: int, *, by: str, force: bool = False) -> Recycled:
        """Begin to remove a deletion's files for good; the worker, or :meth:`work`, does it.

        NotFound. Conflict when it is not kept any more, or when we committed to keep some of it and ``force`` does
        not say that this is meant.
        """
        if not force and (promises := self.promises(number)):
            told = ", ".join(f"{peer} ({count} objects)" for peer, count in sorted(promises.items()))
            raise Conflict(f"deletion {number} holds what we committed to keep for {told}; purge it by force, or not")
        doomed = self._bin.doom(number, _text(by), self._clock())
        _logger.info("%s purges deletion %d", by, number)
        self._rounds.wake()
        return doomed

    def empty(self, *, by: str, force: bool = False) -> Emptied:
        """Purge everything that is kept; what we committed to keep only by ``force``."""
        purging, held_back = 0, []
        for item in self._every((State.KEPT,)):
            try:
                self.purge(item.id, by=by, force=force)
                purging += 1
            except Conflict:
                if self.get(item.id).state is State.KEPT:
                    held_back.append(item.id)
        return Emptied(purging, tuple(held_back))

    def promises(self, number: int) -> dict[str, int]:
        """Return to whom we committed to keep how many objects of a deletion. NotFound."""
        self.get(number)
        told: dict[str, int] = {}
        uids = iter(sorted({each.ref.instance for each in self._bin.objects(number)}))
        while part := list(islice(uids, _AT_ONCE)):
            for peer, count in self._promised(part).items():
                told[peer] = told.get(peer, 0) + count
        return told

    # The worker

    def start(self) -> None:
        """Begin to purge what is due, and what was being purged before a restart."""
        self._rounds.start()

    def stop(self, wait_s: float) -> None:
        """Stop after the file being removed now, waiting at most ``wait_s``. Idempotent."""
        self._rounds.stop(wait_s)

    def work(self) -> None:
        """Purge what time has come for, and remove the files of all that is being purged. Unavailable."""
        with self._erasing:
            self._expire()
            for item in self._every(UNFINISHED):
                if self._rounds.is_stopping:
                    return
                self._erase(item)
            self._sweep_notes()

    def _round(self) -> float:
        self.work()
        return _ROUND_S

    def _expire(self) -> None:
        if not self._settings.keep_days:
            return
        before_us = self._clock() - int(self._settings.keep_days * DAY_US)
        for item in self._every((State.KEPT,)):
            if item.deleted_us >= before_us:
                continue
            try:
                self.purge(item.id, by=RETENTION, force=self._settings.purge_promised)
            except Conflict as error:
                if item.id not in self._held_back:
                    self._held_back.add(item.id)
                    _logger.warning("not purged by time: %s", error)

    def _every(self, states: Collection[State]) -> Iterator[Recycled]:
        before: int | None = None
        while page := self._bin.list(states, before, _AT_ONCE):
            yield from page
            before = page[-1].id

    def _erase(self, item: Recycled) -> None:
        """Remove the files of a deletion, then their rows; what fails is tried again later."""
        is_first = self._bin.claim(item.id)
        gone: list[int] = []
        failure: CalotypeError | None = None
        for each in self._bin.objects(item.id):
            if self._rounds.is_stopping:
                break
            try:
                if self._removed(each, is_first=is_first):
                    # Before the row goes, so that a crash in between has it done again.
                    self._forget(each.location.digest)
                    gone.append(each.number)
            except CalotypeError as error:
                failure = error
            if len(gone) >= _AT_ONCE:
                self._bin.purged(item.id, gone, self._clock())
                gone.clear()
        if failure is not None:
            _logger.warning("some files of deletion %d could not be removed: %s", item.id, failure)
        if not self._bin.purged(item.id, gone, self._clock()):
            self._notes.remove(item.note_key)
            _logger.info("purged deletion %d", item.id)

    def _removed(self, each: RecycledObject, *, is_first: bool) -> bool:
        """Remove one file; tell whether it is gone.

        When somebody has begun before us, the file may have gone and its name have been given to a new object. Such
        a one has a row, or is too young for us to tell.
        """
        key = each.location.key
        try:
            if not is_first:
                if key in current_keys(self._index, each.ref.instance):
                    return True
                with self._objects.open(key) as reader:
                    written_us = modified_us(reader)
                if written_us is not None and self._clock() - written_us < _GRACE_US:
                    return False
            self._objects.delete(key)
        except NotFound:
            pass
        return True

    def _sweep_notes(self) -> None:
        """Remove notes of deletions that are over, and of those that were never committed."""
        keys = iter(list(self._notes.walk()))
        while part := list(islice(keys, _AT_ONCE)):
            states = self._bin.noted(part)
            for key in part:
                state = states.get(key)
                if state in (State.PURGED, State.RESTORED) or (state is None and self._is_stale(key)):
                    self._notes.remove(key)

    def _is_stale(self, note_key: str) -> bool:
        """Tell whether a note without a row was left by a crash; without an index all of them look like that."""
        try:
            with self._objects.open(note_key) as reader:
                written_us = modified_us(reader)
            note = self._notes.read(note_key)
        except (NotFound, InvalidRequest):
            return False
        if written_us is None or self._clock() - written_us < _GRACE_US:
            return False
        served = {stored.location.key for stored in self._index.locate(Selection.of(note.deletion.ref))}
        return not note.keys.isdisjoint(served)

    def _keys(self, selection: Selection) -> Iterator[str]:
        for stored in self._index.locate(selection):
            yield stored.location.key
            for version in self._index.versions(stored.ref.instance):
                yield version.key


def _text(text: str) -> str:
    """Return what a person wrote, on one line and of a bounded length."""
    line = " ".join(text.split())[:MAX_TEXT_CHARS]
    return line.encode("utf-8", "replace").decode("utf-8")


__all__ = [
    "RETENTION",
    "Emptied",
    "Promised",
    "Recycling",
    "RecyclingSettings",
    "nobody",
]
