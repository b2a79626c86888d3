"""The index in memory: the twin that tests use, and the plainest reading of the port.

Everything is found by walking over everything, ``dicom.query.matching`` being asked of each. Nothing is fast, nothing
lasts, and nothing is shared with the SQL but the rules on patients.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from calotype.dicom.hierarchy import UID, InstanceRef, Level, Selection
from calotype.dicom.query.attributes import INDEXED, UNIQUE_KEYS
from calotype.dicom.query.matching import SortKey, matches, order_key
from calotype.dicom.query.model import Match, Order, Query
from calotype.errors import Conflict, NotFound, Unavailable
from calotype.services.archive.feed import Action
from calotype.services.archive.marks import SORTABLE
from calotype.services.archive.ports import (
    ConflictRecord,
    Flag,
    InstanceRecord,
    ObjectLocation,
    Origin,
    Replacement,
    Statistics,
    StoredInstance,
    StudyText,
    Total,
)
from calotype.stores.index.memory_feed import MemoryFeed
from calotype.stores.index.memory_recycled import MemoryRecycleBin
from calotype.stores.index.memory_rows import (
    MemoryRows,
    keep_version,
    of_patient,
    only,
    own,
    stored_of,
    version_conflict,
)


class MemoryIndex:
    """Implements ``services.archive.ports.Index``."""

    def __init__(self) -> None:
        self._rows = MemoryRows()
        self._rebuilds: list[MemoryRebuild] = []
        self._texts: dict[UID, StudyText] = {}
        self.to_compress: dict[UID, int] = {}
        """When each object was received that came to be compressed; for the store of compression."""
        self._lock = threading.RLock()
        self._closed = False
        self.marks_of: Callable[[UID, str], str] = lambda _study, _kind: ""
        """What studies have of ``services.archive.marks.SORTABLE``, as it is sorted; for the store of marks."""
        self.feed = MemoryFeed()
        self.recycle_bin = MemoryRecycleBin(
            self._locked, self._changed, lambda study: self._texts.pop(study, None), self.feed
        )

    def _locked(self, work: Callable[[MemoryRows], Any]) -> Any:
        with self._lock:
            return work(self._open())

    def _open(self) -> MemoryRows:
        if self._closed:
            raise Unavailable("the index is closed")
        return self._rows

    def add(self, record: InstanceRecord) -> frozenset[Flag]:
        """Add one new instance; see the port."""
        with self._lock:
            flags = self._open().add(record)
            self._changed(record.ref.instance)
            self._list(record)
            self.feed.stored(record.ref)
            return flags

    def add_version(self, record: InstanceRecord) -> None:
        """Add a further version. NotFound when the instance is not known."""
        with self._lock:
            held = self._open()
            if record.ref.instance not in held.instances:
                raise NotFound(f"no instance {record.ref.instance} that this could be a further version of")
            keep_version(held, record)

    def replace(self, record: InstanceRecord) -> Replacement:
        """Put a record in the place of the instance with its SOP Instance UID. NotFound when there is none."""
        with self._lock:
            held = self._open()
            gone = held.instances.get(record.ref.instance)
            if gone is None:
                raise NotFound(f"no instance {record.ref.instance} in the index")
            to_read_again = held.replace(record)
            self.feed.note(Action.UPDATED, Level.IMAGE, record.ref, 1)
            self._changed(record.ref.instance)
            self._list(record)
            return Replacement(stored_of(gone), to_read_again)

    def remove(self, ref: InstanceRef) -> StoredInstance:
        """Take an instance out, with what it leaves empty. NotFound; further versions stay."""
        with self._lock:
            held = self._open()
            known = held.instances.get(ref.instance)
            if known is None or known.ref != ref:
                raise NotFound(f"no instance {ref.instance} in series {ref.series} of study {ref.study}")
            self._changed(ref.instance)
            self.feed.note(Action.DELETED, Level.IMAGE, ref, 1)
            return held.remove(ref.instance)

    def rehouse(self, was: StoredInstance, location: ObjectLocation, header: bytes) -> None:
        """Say that an object is kept elsewhere, in another form. NotFound; Conflict when not where it ``was``."""
        with self._lock:
            record = self._kept_as(was)
            self._open().instances[was.ref.instance] = replace(record, location=location, header=header)
            self._changed(was.ref.instance)

    def retire(self, was: StoredInstance) -> None:
        """Take an instance out. NotFound; Conflict when it is not where it ``was``, or has further versions."""
        with self._lock:
            ref = self._kept_as(was).ref
            if any(each.ref.instance == ref.instance for each in self._open().versions):
                raise Conflict(f"of {ref.instance} further versions are kept")
            self.remove(ref)

    def served(self) -> list[InstanceRecord]:
        """Return every instance, in the order of arrival."""
        with self._lock:
            return list(self._open().instances.values())

    def _kept_as(self, was: StoredInstance) -> InstanceRecord:
        record = self._open().instances.get(was.ref.instance)
        if record is None:
            raise NotFound(f"no instance {was.ref.instance} in the index")
        if record.location.key != was.location.key:
            raise Conflict(f"{was.ref.instance} is not kept as {was.location.key} any more")
        return record

    def _list(self, record: InstanceRecord) -> None:
        if record.is_to_compress:
            self.to_compress[record.ref.instance] = record.received_us

    def _changed(self, uid: UID) -> None:
        for rebuild in self._rebuilds:
            rebuild.changed.add(uid)

    def instance(self, sop_instance_uid: UID) -> StoredInstance | None:
        """Return the served version of one instance, or ``None``."""
        with self._lock:
            record = self._open().instances.get(sop_instance_uid)
            return None if record is None else stored_of(record)

    def versions(self, sop_instance_uid: UID) -> list[ObjectLocation]:
        """Return the further versions kept of one instance, oldest first."""
        with self._lock:
            return [each.location for each in self._open().versions if each.ref.instance == sop_instance_uid]

    def find(self, query: Query) -> Iterator[Match]:
        """Answer a question from what is there now."""
        return (match for match, _ in self._found(query))

    def find_with_headers(self, query: Query) -> Iterator[tuple[Match, bytes]]:
        """Answer a question, each match with its representative's header."""
        return iter(self._found(query))

    def count(self, query: Query, cap: int) -> Total:
        """Count the matches of a question, its page ignored, up to ``cap``."""
        found = len(self._matching(query))
        return Total(cap, at_least=True) if found > cap else Total(found)

    def _found(self, query: Query) -> list[tuple[Match, bytes]]:
        found = self._matching(query)
        found.sort(key=lambda each: [key for order in query.order for key in self._keys(order, each[0])])
        page = query.page
        until = None if page.limit is None else page.offset + page.limit
        fields = query.fields | {UNIQUE_KEYS[level].keyword for level in Level if level.depth <= query.level.depth}
        return [(only(fields, attributes), header) for attributes, header in found[page.offset : until]]

    def _keys(self, order: Order, attributes: dict[str, str]) -> tuple[SortKey, ...]:
        if order.keyword not in SORTABLE:
            return order_key((order,), attributes)
        mark = self.marks_of(UID(attributes.get("StudyInstanceUID", "")), order.keyword)
        return SortKey(int(not mark)), SortKey(mark, is_descending=order.descending)

    def _matching(self, query: Query) -> list[tuple[dict[str, str], bytes]]:
        visible = {a.keyword for a in INDEXED if a.level.depth <= query.level.depth}
        with self._lock:
            rows = self._open()
            everything = zip(rows.entities(query.level), rows.headers(query.level), strict=True)
            seen = [(only(visible, attributes), header) for attributes, header in everything]
        return [each for each in seen if matches(query, each[0])]

    def locate(self, selection: Selection) -> Iterator[StoredInstance]:
        """Return what a retrieve asks for, by study, series and instance number."""
        with self._lock:
            return iter([stored_of(record) for record in self._open().selected(selection)])

    def headers(self, selection: Selection) -> Iterator[tuple[InstanceRef, bytes]]:
        """Return the compressed DICOM JSON of each instance, in the order of :meth:`locate`."""
        with self._lock:
            return iter([(record.ref, record.header) for record in self._open().selected(selection)])

    def records(self) -> Iterator[tuple[StoredInstance, Origin, int]]:
        """Walk over every object that has a row: instances, then further versions."""
        with self._lock:
            held = self._open()
            everything = [*held.instances.values(), *held.versions]
        return iter([(stored_of(record), record.origin, record.received_us) for record in everything])

    def conflicts(self) -> Iterator[ConflictRecord]:
        """Return what waits for a decision, newest first."""
        with self._lock:
            held = self._open()
            patients = list(held.conflicts.values())[::-1]
            versions = [version_conflict(record) for record in held.versions[::-1]]
        return iter(sorted([*patients, *versions], key=lambda each: each.received_us, reverse=True))

    def statistics(self) -> Statistics:
        """Return the totals."""
        with self._lock:
            held = self._open()
            return Statistics(
                patients=len(held.patients),
                studies=len(held.studies),
                series=len(held.series),
                instances=len(held.instances),
                conflicts=len(held.versions) + len(held.conflicts),
                stored_bytes=sum(r.location.size_bytes for r in (*held.instances.values(), *held.versions)),
            )

    def study_text(self, study: UID) -> StudyText | None:
        """Return what is known of the text of a study, ``None`` when nothing is."""
        with self._lock:
            self._open()
            return self._texts.get(study)

    def keep_study_text(self, study: UID, text: StudyText) -> None:
        """Keep what is known of the text of a study."""
        with self._lock:
            self._open()
            self._texts[study] = text

    def study_texts(self, limit: int) -> list[tuple[UID, StudyText]]:
        """Return the studies that are not simply read as declared, by UID."""
        with self._lock:
            self._open()
            return [(study, text) for study, text in sorted(self._texts.items()) if text.state][:limit]

    def reread(self, study: UID, records: Sequence[InstanceRecord]) -> None:
        """Put new records of all instances of a study in the place of the old; see the port."""
        with self._lock:
            held = self._open()
            old = [record for record in held.instances.values() if record.ref.study == study]
            fresh = {record.ref.instance: record for record in records}
            if {each.ref.instance: each.location.key for each in old} != {
                uid: record.location.key for uid, record in fresh.items()
            }:
                raise Conflict(f"study {study} has changed while it was read again")
            if not old:
                return
            known = held.studies[study]
            for each in old:
                held.remove(each.ref.instance)
            patient, first = held.patients.get(known.patient), own(Level.PATIENT, fresh[old[0].ref.instance])
            is_called_so = patient is not None and patient.attributes == of_patient(known.attributes)
            if patient and is_called_so and first.get("PatientID") == known.attributes.get("PatientID"):
                patient.attributes = first
            for each in old:
                kept = replace(fresh[each.ref.instance], received_us=each.received_us, origin=each.origin)
                held.add(kept)
                self._changed(each.ref.instance)
            self.feed.note(Action.UPDATED, Level.STUDY, InstanceRef(study, UID(""), UID("")), len(old))

    def rebuild(self) -> MemoryRebuild:
        """Start a second set of rows."""
        with self._lock:
            self._open()
            rebuild = MemoryRebuild(self)
            self._rebuilds = [rebuild]
            return rebuild

    def close(self) -> None:
        """Refuse everything from now on. Idempotent."""
        with self._lock:
            self._closed = True

    def exchange(self, rebuild: MemoryRebuild, rows: MemoryRows) -> None:
        """Put rebuilt rows in the place of the old ones, with what has changed since the start."""
        with self._lock:
            live = self._open()
            if rebuild not in self._rebuilds:
                raise Conflict("another rebuild of this index has started meanwhile and takes the place of this one")
            overwritten = {
                live.instances[uid].ref.study
                for uid in rebuild.changed & rows.instances.keys() & live.instances.keys()
                if live.instances[uid].location.key != rows.instances[uid].location.key
            }
            # Other objects speak for those studies now.
            changed = rebuild.changed | {uid for uid, each in live.instances.items() if each.ref.study in overwritten}
            for uid in changed & rows.instances.keys():
                rows.remove(uid)
            for uid, came in live.instances.items():
                if uid in changed:
                    rows.add(came)
            served = {record.location.key for record in rows.instances.values()}
            kept = {record.location.key: record for record in (*rows.versions, *live.versions)}
            deleted = {each.location.key for each in self.recycle_bin.objects()}
            rows.versions = [record for key, record in kept.items() if key not in served | deleted]
            rows.versions.sort(key=lambda record: record.received_us)
            conflicts = {**rows.conflicts, **live.conflicts}
            rows.conflicts = {key: kept for key, kept in conflicts.items() if key[0] in rows.studies}
            self.feed.note(Action.REBUILT, None, InstanceRef(UID(""), UID(""), UID("")), 0)
            self._rows = rows
            self._rebuilds.clear()

    def live(self) -> tuple[dict[str, InstanceRecord], dict[str, InstanceRecord]]:
        """Return instances and further versions by the keys of their objects."""
        with self._lock:
            held = self._open()
            instances = {record.location.key: record for record in held.instances.values()}
            return instances, {record.location.key: record for record in held.versions}


class MemoryRebuild:
    """Implements ``services.archive.ports.Rebuild``."""

    def __init__(self, index: MemoryIndex) -> None:
        self._index = index
        self._rows = MemoryRows()
        self._later: list[InstanceRecord] = []
        self.changed: set[UID] = set()

    def add(self, record: InstanceRecord) -> None:
        """Add one object. Of several with one SOP Instance UID the one served until now is served, else the first."""
        instances, versions = self._index.live()
        known = instances.get(record.location.key) or versions.get(record.location.key)
        if known is not None:
            record = replace(record, received_us=known.received_us, origin=known.origin)
        if record.location.key in versions:
            self._later.append(record)
        else:
            self._add(record)

    def _add(self, record: InstanceRecord) -> None:
        served = self._rows.instances.get(record.ref.instance)
        if served is None:
            self._rows.add(record)
        elif served.location.key != record.location.key:
            keep_version(self._rows, record)

    def swap(self) -> None:
        """Put the new rows in the place of the old."""
        for record in self._later:
            self._add(record)
        self._index.exchange(self, self._rows)

    def abandon(self) -> None:
        """Forget the new rows."""
        self._rows = MemoryRows()
        self._later.clear()
