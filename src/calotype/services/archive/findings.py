"""What was found out about the pixels of stored objects: where frames lie, and which objects cannot be decoded.

Finding out where thousands of frames lie means to walk through an object; so it is kept with the instance, where it
was much work. Damage is told to whoever looks after the archive; the bytes are served as they came all the same.
Nothing here fails a request: what cannot be kept is found out again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Final

from calotype.clock import Clock
from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.kept import subject_from_bytes, subject_to_bytes
from calotype.dicom.pixels.subject import Subject
from calotype.errors import CalotypeError, DamagedPixels, InvalidRequest
from calotype.services.archive.ports import DamageRecord, PixelNotes, StoredInstance

_log = logging.getLogger(__name__)

WORTH_STEPS: Final = 32
"""What takes as many steps to find out is kept; fewer are done before the index has answered and committed."""
_MAX_KNOWN: Final = 10_000
_MAX_DETAIL_CHARS: Final = 500


class Findings:
    """Remembers what was found out. Thread-safe. Without ``notes`` it remembers nothing."""

    def __init__(self, notes: PixelNotes | None, clock: Clock) -> None:
        self._notes = notes
        self._clock = clock
        self._known_damage: set[tuple[UID, bytes]] = set()
        self._lock = threading.Lock()

    def subject(self, stored: StoredInstance) -> Subject | None:
        """Return what can be looked at in an object, where that was kept."""
        if self._notes is None:
            return None
        try:
            kept = self._notes.layout(stored.ref.instance, stored.location.digest)
            return None if kept is None else subject_from_bytes(kept)
        except InvalidRequest as error:
            _log.warning("%s: %s", stored.ref.instance, error)
        except CalotypeError as error:
            _log.warning("what is known of %s cannot be read: %s", stored.ref.instance, error)
        return None

    def keep(self, stored: StoredInstance, subject: Subject) -> None:
        """Keep what can be looked at in an object, if it was much work to find out."""
        if self._notes is None or subject.steps < WORTH_STEPS:
            return
        try:
            self._notes.keep_layout(stored.ref.instance, stored.location.digest, subject_to_bytes(subject))
        except CalotypeError as error:
            _log.warning("what is known of %s cannot be kept: %s", stored.ref.instance, error)

    def note_damage(self, sop_instance: UID, digest: bytes, error: DamagedPixels) -> None:
        """Mark an object: its pixels cannot be decoded."""
        key = (sop_instance, digest)
        with self._lock:
            if self._notes is None or key in self._known_damage:
                return
            if len(self._known_damage) >= _MAX_KNOWN:
                self._known_damage.clear()
            self._known_damage.add(key)
        detail = str(error)[:_MAX_DETAIL_CHARS]
        _log.warning("the pixels of %s are damaged: %s", sop_instance, detail)
        try:
            self._notes.note_damage(sop_instance, digest, detail, self._clock())
        except CalotypeError as failure:
            _log.warning("the damage of %s cannot be noted: %s", sop_instance, failure)

    def note_sound(self, sop_instance: UID) -> None:
        """Take the mark from an object whose pixels were all decoded. Unavailable when the index is."""
        if self._notes is not None:
            self._notes.forget_damage(sop_instance)
        with self._lock:
            self._known_damage = {key for key in self._known_damage if key[0] != sop_instance}

    def damaged(self) -> Iterator[DamageRecord]:
        """Return the objects whose pixels cannot be decoded, newest first."""
        return iter(()) if self._notes is None else self._notes.damaged()
