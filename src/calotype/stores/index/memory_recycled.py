"""The recycle bin in memory: the twin of ``recycled``, for tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.errors import Conflict, NotFound
from calotype.services.archive.feed import Action
from calotype.services.archive.ports import ConflictRecord, Flag, InstanceRecord
from calotype.services.archive.recycled import (
    Deletion,
    Recycled,
    RecycledObject,
    Restored,
    State,
    level_of,
    narrowed,
    spoken,
    widened,
)
from calotype.stores.index.memory_feed import MemoryFeed
from calotype.stores.index.memory_rows import MemoryRows, PatientKey

T = TypeVar("T")

Locked = Callable[[Callable[[MemoryRows], T]], T]
"""Works on the live rows while nobody else does."""


@dataclass
class _Held:
    number: int
    record: InstanceRecord
    is_version: bool


@dataclass
class _Item:
    told: Recycled
    held: list[_Held] = field(default_factory=list)
    conflicts: list[ConflictRecord] = field(default_factory=list)
    patient: tuple[PatientKey, dict[str, str]] | None = None


class MemoryRecycleBin:
    """Implements ``services.archive.recycled.RecycleBin``."""

    def __init__(
        self,
        locked: Locked[object],
        changed: Callable[[UID], None],
        forget_text: Callable[[UID], object],
        feed: MemoryFeed,
    ) -> None:
        self._locked = locked
        self._changed = changed
        self._forget_text = forget_text
        self._feed = feed
        self._items: dict[int, _Item] = {}
        self._numbers = 0

    def take(self, deletion: Deletion) -> Recycled:
        """Move what is named out of the index."""
        ref = widened(deletion.ref)

        def work(live: MemoryRows) -> Recycled:
            doomed = [one for one in live.instances.values() if _is_named(one.ref, ref)]
            if not doomed:
                raise NotFound(f"the archive holds nothing of {spoken(deletion.ref)}")
            uids = {one.ref.instance for one in doomed}
            versions = [version for version in live.versions if version.ref.instance in uids]
            item = self._new(deletion, State.KEPT)
            item.conflicts = [kept for (study, _), kept in live.conflicts.items() if study == ref.study]
            item.held = [_Held(self._number(), one, is_version=False) for one in doomed]
            item.held += [_Held(self._number(), one, is_version=True) for one in versions]
            item.patient = live.patient_of(ref.study)
            about = live.about(doomed)
            live.versions = [version for version in live.versions if version.ref.instance not in uids]
            self._feed.note(Action.DELETED, deletion.level, ref, len(doomed), deletion.at_us)
            for one in doomed:
                live.remove(one.ref.instance)
                self._changed(one.ref.instance)
            if ref.study in live.studies:
                item.conflicts = []
            else:
                self._feed.gone(ref.study)
            item.told = replace(item.told, about=about)
            return self._counted(item)

        return self._do(work)

    def get(self, number: int) -> Recycled | None:
        """Return one deletion."""
        found = self._items.get(number)
        return None if found is None else found.told

    def list(self, states: Collection[State], before: int | None, limit: int) -> Sequence[Recycled]:
        """Return deletions in these states, newest first."""
        found = (item.told for number, item in sorted(self._items.items(), reverse=True))
        wanted = (told for told in found if not states or told.state in states)
        return [told for told in wanted if before is None or told.id < before][:limit]

    def restore(self, number: int, by: str, now_us: int) -> Restored:
        """Move a deletion's objects back."""

        def work(live: MemoryRows) -> Restored:
            item = self._kept(number)
            self._feed.tell(now_us)
            if item.patient is not None and item.told.study not in live.studies:
                live.keep_patient(*item.patient)
            served, versions, identical = 0, 0, []
            for held in sorted(item.held, key=lambda held: (held.is_version, held.number)):
                known = live.instances.get(held.record.ref.instance)
                if known is None:
                    live.put_back(held.record)
                    self._changed(held.record.ref.instance)
                    served += 1
                elif held.record.location.digest in live.digests(held.record.ref.instance):
                    identical.append(held)
                else:
                    flags = held.record.flags | {Flag.VERSION_CONFLICT}
                    live.versions.append(replace(held.record, flags=flags))
                    versions += 1
            live.drop_empty_patients()
            told = item.told
            if identical:
                ref = narrowed(told.study, told.series, told.instance)
                twins = self._new(Deletion(ref, by, "the same objects are here", now_us), State.PURGING)
                twins.held = identical
                self._counted(twins)
            if told.study in live.studies:
                for conflict in item.conflicts:
                    live.conflicts.setdefault((told.study, conflict.detail), conflict)
            item.held = []
            item.told = replace(told, state=State.RESTORED, changed_us=now_us, changed_by=by)
            self._feed.note(
                Action.RESTORED, told.level, InstanceRef(told.study, told.series, told.instance), served, now_us
            )
            return Restored(item.told, served, versions, len(identical))

        return self._do(work)

    def doom(self, number: int, by: str, now_us: int) -> Recycled:
        """Give up restoring."""

        def work(_: MemoryRows) -> Recycled:
            item = self._kept(number)
            item.told = replace(item.told, state=State.PURGING, changed_us=now_us, changed_by=by, about={})
            return item.told

        return self._do(work)

    def claim(self, number: int) -> bool:
        """Begin to remove files."""

        def work(_: MemoryRows) -> bool:
            item = self._items[number]
            is_first = item.told.state is State.PURGING
            if is_first:
                item.told = replace(item.told, state=State.ERASING)
            return is_first

        return self._do(work)

    def purged(self, number: int, objects: Collection[int], now_us: int) -> int:
        """Write down that the files of objects are gone."""

        def work(live: MemoryRows) -> int:
            item = self._items[number]
            item.held = [held for held in item.held if held.number not in objects]
            if not item.held:
                item.told = replace(item.told, state=State.PURGED, changed_us=now_us)
                study = item.told.study
                if study not in live.studies and all(each.ref.study != study for each in self.objects()):
                    self._forget_text(study)
            return len(item.held)

        return self._do(work)

    def objects(self, number: int | None = None) -> Iterator[RecycledObject]:
        """Walk over the objects of one deletion, or of all."""
        items = self._items.values() if number is None else filter(None, [self._items.get(number)])
        held = [held for item in items for held in item.held]
        return iter([RecycledObject(each.number, each.record.ref, each.record.location) for each in held])

    def holds(self, key: str) -> bool:
        """Tell whether the object under ``key`` is in the bin."""
        return any(held.record.location.key == key for item in self._items.values() for held in item.held)

    def noted(self, note_keys: Collection[str]) -> Mapping[str, State]:
        """Return the states of the deletions with these notes."""
        told = [item.told for item in self._items.values()]
        return {each.note_key: each.state for each in told if each.note_key in note_keys}

    def adopt(self, deletion: Deletion, records: Sequence[InstanceRecord]) -> int:
        """Put objects that no row tells of into the bin."""

        def work(live: MemoryRows) -> int:
            known = [item for item in self._items.values() if item.told.note_key == deletion.note_key]
            item = known[0] if known else self._new(deletion, State.KEPT)
            item.held += [_Held(self._number(), one, is_version=False) for one in records]
            if not known and records:
                item.told = replace(item.told, about=live.about(records))
            return self._counted(item).id

        return self._do(work)

    def _do(self, work: Callable[[MemoryRows], T]) -> T:
        return self._locked(work)  # type: ignore[return-value]

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _new(self, deletion: Deletion, state: State) -> _Item:
        ref = widened(deletion.ref)
        number = len(self._items) + 1
        told = Recycled(
            id=number,
            level=level_of(deletion.ref),
            study=ref.study,
            series=ref.series,
            instance=ref.instance,
            state=state,
            instances=0,
            stored_bytes=0,
            deleted_us=deletion.at_us,
            deleted_by=deletion.by,
            reason=deletion.reason,
            changed_us=deletion.at_us,
            changed_by=deletion.by,
            note_key=deletion.note_key,
            about={},
        )
        item = self._items[number] = _Item(told)
        return item

    def _counted(self, item: _Item) -> Recycled:
        served = [held for held in item.held if not held.is_version]
        size_bytes = sum(held.record.location.size_bytes for held in item.held)
        item.told = replace(item.told, instances=len(served), stored_bytes=size_bytes)
        return item.told

    def _kept(self, number: int) -> _Item:
        item = self._items.get(number)
        if item is None:
            raise NotFound(f"there is no deletion {number} in the recycle bin")
        if item.told.state is not State.KEPT:
            raise Conflict(
                f"deletion {number} is {item.told.state}: there is nothing to restore or to purge any more"
            )
        return item


def _is_named(ref: InstanceRef, named: InstanceRef) -> bool:
    return ref.study == named.study and named.series in ("", ref.series) and named.instance in ("", ref.instance)
