"""The recycle bin in the index's file: implements ``services.archive.recycled.RecycleBin``.

Deleting and restoring move rows in one transaction, through the same ledger that writes what is received, so that
counters, patients and what a study says of itself are right at every commit; the feed gets its line in the same one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.errors import Conflict, NotFound
from calotype.services.archive.feed import Action
from calotype.services.archive.ports import Flag, InstanceRecord
from calotype.services.archive.recycled import (
    ABOUT,
    Deletion,
    Recycled,
    RecycledObject,
    Restored,
    State,
    narrowed,
    spoken,
    widened,
)
from calotype.stores.index import feed, rows
from calotype.stores.index import recycled_statements as sql
from calotype.stores.index.live_records import record
from calotype.stores.index.statements import Statements

if TYPE_CHECKING:
    from calotype.stores.index.ledger import Ledger
    from calotype.stores.index.transactions import Transactions

_CHUNK: Final = 500
_LIVE: Final = Statements()


class SqliteRecycleBin:
    """Implements ``services.archive.recycled.RecycleBin``."""

    def __init__(self, index: Transactions) -> None:
        self._index = index

    def take(self, deletion: Deletion) -> Recycled:
        """Move what is named out of the index; see the port."""

        def work(ledger: Ledger, connection: sqlite3.Connection) -> int:
            execute = connection.execute
            ref = widened(deletion.ref)
            named = {"study": ref.study, "series": ref.series, "instance": ref.instance}
            doomed = execute(sql.DOOMED, named).fetchall()
            if not doomed:
                raise NotFound(f"the archive holds nothing of {spoken(deletion.ref)}")
            number = _insert_item(connection, deletion, State.KEPT)
            _move_out(connection, number, [row[0] for row in doomed])
            conflicts = execute(sql.CONFLICTS, (ref.study,)).fetchall()
            patient = _patient(connection, doomed[0][3])
            about = _about(connection, number)
            ledger.take_away(doomed)
            if execute(sql.HAS_STUDY, (ref.study,)).fetchone() is not None:
                # They go on waiting for a decision with what is left of the study.
                conflicts = []
            (size_bytes,) = execute(sql.SIZE, (number,)).fetchone()
            texts = (_json(about), _json(patient), _json(conflicts))
            execute(sql.FILL_ITEM, (len(doomed), size_bytes, *texts, number))
            feed.note(execute, Action.DELETED, deletion.level, ref, len(doomed), deletion.at_us)
            return number

        return self._known(self._index.edit(work))

    def get(self, number: int) -> Recycled | None:
        """Return one deletion."""
        return next(iter(map(_recycled, self._index.read(sql.ITEM, (number,)))), None)

    def list(self, states: Collection[State], before: int | None, limit: int) -> Sequence[Recycled]:
        """Return deletions in these states, newest first."""
        values = {"states": json.dumps(sorted(states)), "before": before, "limit": limit}
        return [_recycled(row) for row in self._index.read(sql.ITEMS, values)]

    def restore(self, number: int, by: str, now_us: int) -> Restored:
        """Move a deletion's objects back; see the port."""

        def work(ledger: Ledger, connection: sqlite3.Connection) -> tuple[int, int, int]:
            execute = connection.execute
            item, patient, conflicts = _kept(connection, number)
            patient_row = None
            if execute(sql.HAS_STUDY, (item.study,)).fetchone() is None:
                patient_row = ledger.keep_patient(item.study, patient)
            served, versions, identical = _move_back(ledger, connection, number)
            if patient_row is not None:
                ledger.drop_empty_patient(patient_row)
            if identical:
                deletion = Deletion(
                    narrowed(item.study, item.series, item.instance),
                    by,
                    "the very same objects are in the archive already",
                    now_us,
                )
                twins = _insert_item(connection, deletion, State.PURGING)
                connection.executemany(sql.MOVE, ((twins, one) for one in identical))
                execute(sql.COUNT_ITEM, (twins,))
            execute(sql.LET_GO, (number,))
            if execute(sql.HAS_STUDY, (item.study,)).fetchone() is not None:
                connection.executemany(_LIVE.insert_patient_conflict, conflicts)
            execute(sql.CHANGE, (State.RESTORED, now_us, by, number))
            ref = InstanceRef(item.study, item.series, item.instance)
            feed.note(execute, Action.RESTORED, item.level, ref, served, now_us)
            return served, versions, len(identical)

        counts = self._index.edit(work)
        return Restored(self._known(number), *counts)

    def doom(self, number: int, by: str, now_us: int) -> Recycled:
        """Give up what could be restored."""

        def work(connection: sqlite3.Connection) -> None:
            _kept(connection, number)
            connection.execute(sql.CHANGE, (State.PURGING, now_us, by, number))
            connection.execute(sql.EMPTY, (number,))

        self._index.write(work)
        return self._known(number)

    def claim(self, number: int) -> bool:
        """Begin to remove files; tell whether nobody has before."""
        return self._index.write(lambda connection: connection.execute(sql.CLAIM, (number,)).rowcount == 1)

    def purged(self, number: int, objects: Collection[int], now_us: int) -> int:
        """Write down that the files of objects are gone; return how many are left."""

        def work(connection: sqlite3.Connection) -> int:
            connection.execute(sql.DROP_OBJECTS, (number, json.dumps(list(objects))))
            (left,) = connection.execute(sql.LEFT, (number,)).fetchone()
            if not left:
                connection.execute(sql.PURGED, (now_us, number))
                connection.execute(sql.FORGET_TEXT, (number,))
            return int(left)

        return self._index.write(work)

    def objects(self, number: int | None = None) -> Iterator[RecycledObject]:
        """Walk over the objects of one deletion, or of all."""
        last = 0
        while found := (
            self._index.read(sql.OBJECTS, (last, _CHUNK))
            if number is None
            else self._index.read(sql.OBJECTS_OF, (number, last, _CHUNK))
        ):
            for row in found:
                ref = InstanceRef(UID(row[1]), UID(row[2]), UID(row[3]))
                yield RecycledObject(row[0], ref, rows.location(row[4:]))
            last = found[-1][0]

    def holds(self, key: str) -> bool:
        """Tell whether the object under ``key`` is in the bin."""
        return bool(self._index.read(sql.HOLDS, (key,)))

    def noted(self, note_keys: Collection[str]) -> Mapping[str, State]:
        """Return the states of the deletions with these notes."""
        found = self._index.read(sql.NOTED, (json.dumps(list(note_keys)),))
        return {key: State(state) for key, state in found}

    def adopt(self, deletion: Deletion, records: Sequence[InstanceRecord]) -> int:
        """Put objects that no row tells of into the bin; see the port."""

        def work(connection: sqlite3.Connection) -> int:
            execute = connection.execute
            known = execute(sql.BY_NOTE, (deletion.note_key,)).fetchone()
            number = known[0] if known else _insert_item(connection, deletion, State.KEPT)
            connection.executemany(sql.INSERT_OBJECT, (_object_row(number, each) for each in records))
            execute(sql.COUNT_ITEM, (number,))
            if not known and records:
                told = records[0].attributes
                about = {keyword: told[keyword] for keyword in ABOUT if keyword in told}
                (size,) = execute(sql.SIZE, (number,)).fetchone()
                # Its patient is what its first object says.
                patient = {keyword: told[keyword] for keyword, _ in sql.PATIENT_COLUMNS if keyword in told}
                texts = (_json(about), _json(patient), _json([]))
                execute(sql.FILL_ITEM, (len(records), size, *texts, number))
            return int(number)

        return self._index.write(work)

    def _known(self, number: int) -> Recycled:
        found = self.get(number)
        assert found is not None  # noqa: S101 - deletions are never removed
        return found


# Below: pieces of work, inside a transaction


def _insert_item(connection: sqlite3.Connection, deletion: Deletion, state: State) -> int:
    ref = widened(deletion.ref)
    uids = (ref.study, ref.series, ref.instance)
    who = (deletion.at_us, deletion.by, deletion.reason, deletion.at_us, deletion.by, deletion.note_key)
    values = (deletion.level, *uids, state, 0, 0, *who, "{}", "{}", "[]")
    number = connection.execute(sql.INSERT_ITEM, values).lastrowid
    assert number is not None  # noqa: S101 - an INSERT gives its row a number
    return number


def _move_out(connection: sqlite3.Connection, number: int, instance_rows: list[int]) -> None:
    for at in range(0, len(instance_rows), _CHUNK):
        found = connection.execute(sql.RECORDS, (json.dumps(instance_rows[at : at + _CHUNK]),)).fetchall()
        connection.executemany(sql.INSERT_OBJECT, (_object_row(number, record(row)) for row in found))
    connection.execute(sql.TAKE_VERSIONS, (number,))
    connection.execute(sql.DROP_VERSIONS, (number,))


def _move_back(ledger: Ledger, connection: sqlite3.Connection, number: int) -> tuple[int, int, list[int]]:
    """Put objects back in the order in which they came; return how many, and those that are here already."""
    execute = connection.execute
    served = versions = 0
    identical = []
    for row in execute(sql.HELD, (number,)):
        held = _held(row)
        known = execute(_LIVE.select_instance, (held.ref.instance,)).fetchone()
        if known is None:
            ledger.put_back(held)
            served += 1
            continue
        digests = {rows.stored(known[4:]).location.digest}
        digests |= {digest for (digest,) in execute(sql.DIGESTS, (held.ref.instance,))}
        if held.location.digest in digests:
            identical.append(row[5])
            continue
        ledger.keep_version(replace(held, flags=held.flags | {Flag.VERSION_CONFLICT}))
        versions += 1
    return served, versions, identical


def _object_row(number: int, kept: InstanceRecord) -> tuple[Any, ...]:
    ref = kept.ref
    attributes = _json(dict(kept.attributes))
    uids = (ref.study, ref.series, ref.instance, kept.sop_class)
    return (number, *uids, *rows.object_values(kept, kept.flags), 0, attributes, kept.header)


def _held(row: Sequence[Any]) -> InstanceRecord:
    """Read a row of ``sql.HELD``: as it was, or as a further version, should it come back as one."""
    sop_class, is_version, study, series, instance, _, header, flags, received_us, *rest = row
    location, origin, attributes = rest[:6], rest[6:10], rest[10]
    return InstanceRecord(
        ref=InstanceRef(UID(study), UID(series), UID(instance)),
        sop_class=UID(sop_class),
        attributes={} if is_version else json.loads(attributes),
        location=rows.location(location),
        header=header,
        origin=rows.origin(origin),
        received_us=received_us,
        flags=frozenset(Flag(flag) for flag in flags.split()),
    )


def _kept(connection: sqlite3.Connection, number: int) -> tuple[Recycled, dict[str, str], list[Any]]:
    row = connection.execute(sql.ITEM, (number,)).fetchone()
    if row is None:
        raise NotFound(f"there is no deletion {number} in the recycle bin")
    item = _recycled(row)
    if item.state is not State.KEPT:
        raise Conflict(f"deletion {number} is {item.state}: there is nothing to restore or to purge any more")
    return item, json.loads(row[-2]), json.loads(row[-1])


def _patient(connection: sqlite3.Connection, patient_row: int) -> dict[str, str]:
    row = connection.execute(sql.PATIENT, (patient_row,)).fetchone()
    return {keyword: text for (keyword, _), text in zip(sql.PATIENT_COLUMNS, row, strict=True) if text}


def _about(connection: sqlite3.Connection, number: int) -> dict[str, str]:
    """Return what a person knows the objects of a deletion by: their study, and what modalities they are of."""
    modalities: set[str] = set()
    told: dict[str, str] = {}
    for (attributes,) in connection.execute(sql.SAID, (number,)):
        said = json.loads(attributes)
        told = told or said
        modalities |= set(filter(None, said.get("Modality", "").split("\\")))
    told = {**told, "Modality": "\\".join(sorted(modalities))}
    return {keyword: told[keyword] for keyword in ABOUT if told.get(keyword)}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _recycled(row: Sequence[Any]) -> Recycled:
    (number, level, study, series, instance, state, instances, stored_bytes, *who, about, _, _) = row
    deleted_us, deleted_by, reason, changed_us, changed_by, note_key = who
    return Recycled(
        id=number,
        level=Level(level),
        study=UID(study),
        series=UID(series),
        instance=UID(instance),
        state=State(state),
        instances=instances,
        stored_bytes=stored_bytes,
        deleted_us=deleted_us,
        deleted_by=deleted_by,
        reason=reason,
        changed_us=changed_us,
        changed_by=changed_by,
        note_key=note_key,
        about=json.loads(about),
    )
