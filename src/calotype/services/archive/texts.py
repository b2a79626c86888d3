"""How the text of each study is read: judged over all its objects, corrected by a person, the rows following.

Objects come one by one, and a later one may show what an earlier one could not (``dicom.repair``). So what a study
has shown is remembered in the index; when that changes how it is to be read, its rows are made again from its files,
which are never changed. An object whose header is ASCII never gets here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from calotype.dicom import charsets
from calotype.dicom.evidence import NOTHING, united
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.part10 import Header
from calotype.dicom.repair import AS_DECLARED, Evidence, Judgement, Reading
from calotype.errors import CalotypeError, Conflict, InvalidRequest, NotFound
from calotype.services.archive.headers import compress_header
from calotype.services.archive.inspection import Inspected, flags_of, inspect
from calotype.services.archive.ports import (
    Channel,
    Flag,
    Index,
    InstanceRecord,
    ObjectStore,
    Origin,
    StoredInstance,
    StudyText,
)

_log = logging.getLogger(__name__)

_STUDIES: Final = 512
"""Studies remembered."""
_FRESH_S: Final = 1.0
"""How long a study is taken to be as remembered: another process may have taken a person's decision."""
_OBJECTS: Final = 64
"""Objects of a study that are looked into again when one shows that it is not read as declared."""
_TRIES: Final = 8
"""How often a study is read again when objects come meanwhile."""


@dataclass(slots=True)
class _Known:
    """A study in work: what is known of it, what of that is in the index, and until when it holds."""

    text: StudyText
    judgement: Judgement
    kept: int
    fresh_until_s: float


@dataclass(frozen=True, slots=True)
class Settled:
    """A header as it is to be kept: ``document`` is its JSON, ``flags`` what its text is to be told of.

    ``judgement`` is how it was read; ``changed`` tells that the study was read otherwise before.
    """

    header: Header
    document: bytes
    flags: frozenset[Flag] = frozenset()
    judgement: Judgement = AS_DECLARED
    changed: bool = False


class Texts:
    """Decides how studies are read. Thread-safe."""

    def __init__(self, objects: ObjectStore, index: Index, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._objects = objects
        self._index = index
        self._monotonic_s = monotonic_s
        self._studies: OrderedDict[UID, _Known] = OrderedDict()
        self._lock = threading.RLock()

    def settle(self, header: Header, document: bytes, again: Callable[[Reading], Header]) -> Settled:
        """Return a header as it is to be read; ``again`` scans the same bytes by a reading.

        Call it where ``document``, the JSON, is not ASCII, while the scanned buffer is there. Unavailable.
        """
        study = UID(header.attributes.get("StudyInstanceUID", ""))
        if not study:
            return Settled(header, document)
        judgement, changed = self._learn(study, header.evidence())
        if judgement.reading is None:
            flags = frozenset[Flag]() if judgement.certain else frozenset({Flag.BAD_TEXT})
            return Settled(header, document, flags, judgement, changed)
        header = again(judgement.reading)
        return Settled(header, header.json(), frozenset({Flag.REPAIRED_TEXT}), judgement, changed)

    def follow(self, study: UID, settled: Settled) -> None:
        """Let the rows of a study follow after an object was stored that changed, or missed, its judgement.

        Never raises: the object is stored. What could not be read again is so later, by hand.
        """
        known = self._studies.get(study)
        overtaken = known is not None and known.judgement.reading != settled.judgement.reading
        if settled.changed or overtaken:
            self.catch_up(study)

    def catch_up(self, study: UID) -> None:
        """Let the rows of a study follow after an object was kept that changes what the others are to say.

        Never raises: the object is kept.
        """
        try:
            count = self.reread(study)
        except CalotypeError as error:
            _log.warning("study %s is to be read again, which failed: %s", study, error)
        else:
            _log.info("read %d objects of study %s again", count, study)

    def of(self, study: UID) -> StudyText:
        """Return what is known of the text of a study. NotFound when there is no such study."""
        found = self._index.study_text(study)
        if found is None and next(self._located(study), None) is None:
            raise NotFound(f"no study {study} in the archive")
        return found or StudyText()

    def notable(self, limit: int = 1000) -> Sequence[tuple[UID, StudyText]]:
        """Return the studies that are not simply read as declared."""
        return self._index.study_texts(limit)

    def override(self, study: UID, value: str) -> int:
        """Read a study by the sets that ``value`` names as Specific Character Set does, whatever it declares.

        An empty ``value`` takes that back. Returns how many objects were read again. InvalidRequest for what names
        no set, NotFound, Conflict and Unavailable.
        """
        terms = _terms(value)
        with self._lock:
            known = self.of(study)
            self._index.keep_study_text(study, replace(known, override=terms))
            self._studies.pop(study, None)
        return self.reread(study)

    def reread(self, study: UID) -> int:
        """Make the rows of a study again from its files; return how many there are.

        NotFound when there is no such study or a file is gone, Conflict while objects of it keep coming.
        """
        records: dict[str, InstanceRecord] = {}
        judgement = self._known(study).judgement
        for _ in range(_TRIES):
            located = list(self._located(study))
            if not located:
                raise NotFound(f"no study {study} in the archive")
            current = self._known(study).judgement
            if current.reading != judgement.reading:
                records.clear()
                judgement = current
            keys = {stored.location.key: stored for stored in located}
            records = {
                key: records.get(key) or self._record(stored, judgement.reading) for key, stored in keys.items()
            }
            try:
                self._index.reread(study, list(records.values()))
            except Conflict:
                continue
            return len(records)
        raise Conflict(f"objects of study {study} keep coming; read it again when they are all there")

    def inspected(self, found: Inspected, again: Callable[[Reading], Inspected]) -> tuple[Inspected, Settled]:
        """Settle a kept object that was read in full, as :meth:`settle` does one on its way in."""
        document = found.header_json
        if document.isascii():
            return found, Settled(found.header, document)
        settled = self.settle(found.header, document, lambda reading: again(reading).header)
        return replace(found, header=settled.header, header_json=settled.document), settled

    def _located(self, study: UID) -> Iterator[StoredInstance]:
        return self._index.locate(Selection(Level.STUDY, studies=(study,)))

    def _record(self, stored: StoredInstance, reading: Reading | None) -> InstanceRecord:
        with self._objects.open(stored.location.key) as reader:
            found = inspect(reader, reading)
        flags = flags_of(found.header)
        return InstanceRecord(
            ref=stored.ref,
            sop_class=stored.sop_class,
            attributes=found.header.attributes,
            location=stored.location,
            header=compress_header(found.header_json),
            origin=Origin(Channel.REINDEX),
            received_us=0,
            flags=flags if reading is None or found.header_json.isascii() else flags | {Flag.REPAIRED_TEXT},
        )

    def _learn(self, study: UID, told: Evidence) -> tuple[Judgement, bool]:
        """Add evidence to what is known of a study; return its judgement, and whether that has changed."""
        known = self._known(study)
        evidence = united(known.text.evidence, told)
        if evidence is known.text.evidence:
            return known.judgement, False
        with self._lock:
            known = self._known(study)
            before = known.judgement.reading
            had_any = bool(known.text.evidence)
            known.text = replace(known.text, evidence=united(known.text.evidence, told))
            known.judgement = known.text.judgement
            if known.judgement == AS_DECLARED and not known.kept:
                # Nearly every study. What it has shown stands in its objects; a commit more for each is not worth it.
                return known.judgement, False
            if not known.kept:
                shown = self._shown(study)
                had_any = had_any or bool(shown)
                known.text = replace(known.text, evidence=united(shown, known.text.evidence))
                known.judgement = known.text.judgement
            changed = had_any and known.judgement.reading != before
            # Values that differ from object to object must not cost a commit each.
            if changed or len(known.text.evidence) >= 2 * known.kept:
                self._index.keep_study_text(study, known.text)
                known.kept = len(known.text.evidence)
            return known.judgement, changed

    def _shown(self, study: UID) -> Evidence:
        """Return what the first objects of a study show, which was not kept while all of it was as declared."""
        shown: Evidence = NOTHING
        for stored in islice(self._located(study), _OBJECTS):
            try:
                with self._objects.open(stored.location.key) as reader:
                    shown = united(shown, inspect(reader).header.evidence())
            except CalotypeError as error:
                # The object on its way in must not fail for another's sake; without it less is known, that is all.
                _log.warning("could not look into %s for the text of study %s: %s", stored.location.key, study, error)
        return shown

    def _known(self, study: UID) -> _Known:
        now_s = self._monotonic_s()
        known = self._studies.get(study)
        if known is not None and now_s < known.fresh_until_s:
            return known
        with self._lock:
            kept = self._index.study_text(study) or StudyText()
            text = kept
            if known is not None:
                text = replace(kept, evidence=united(kept.evidence, known.text.evidence))
            fresh = _Known(text, text.judgement, len(kept.evidence), now_s + _FRESH_S)
            self._studies[study] = fresh
            self._studies.move_to_end(study)
            while len(self._studies) > _STUDIES:
                self._studies.popitem(last=False)
            return fresh


def _terms(value: str) -> tuple[str, ...]:
    if not value.strip():
        return ()
    terms, in_order = charsets.terms(value)
    if not in_order and terms == ("ISO_IR 6",):
        raise InvalidRequest(f"{value!r} names no character set; write a defined term, for example GB18030")
    return terms
