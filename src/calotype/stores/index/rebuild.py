# ruff: noqa: S608 - the parts that SQL is put together from are the schema's names and this module's prefix
"""A second set of derived rows, made beside the live one and put in its place in one transaction.

While it is being made, triggers write down which instances come, change and go in the live rows, whichever process
does it; the swap does the same to the new rows. What does not derive from objects is kept: received time and origin
of an object that was known, further versions and which version is the one served, patient conflicts.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import MetaData
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from calotype.clock import utc_now_us
from calotype.dicom.hierarchy import UID
from calotype.errors import Conflict
from calotype.services.archive.ports import InstanceRecord
from calotype.stores.index import feed, names, rows, schema
from calotype.stores.index.ledger import Ledger
from calotype.stores.index.live_records import LIVE_RECORDS
from calotype.stores.index.live_records import record as record_of
from calotype.stores.index.statements import ORIGIN_COLUMNS, Statements, column_names

BATCH: Final = 200
"""Records in one piece of work: objects received meanwhile wait for it, about 20 ms."""

PREFIX: Final = "next_"

_MERGED: Final = (schema.version, schema.patient_conflict)
"""Tables that keep their rows and take the new ones in."""
_NEW: Final = (*schema.DERIVED, *_MERGED)
_DIALECT: Final = sqlite.dialect()

_JOURNAL: Final = f"{PREFIX}journal"
_OWNER: Final = f"{PREFIX}owner"
_START: Final = (
    *(f"DROP TRIGGER IF EXISTS {PREFIX}{event}" for event in ("insert", "update", "delete")),
    *(f"DROP TABLE IF EXISTS {name}" for name in (*(PREFIX + table.name for table in _NEW), _JOURNAL, _OWNER)),
)
_WATCH: Final = (
    f"CREATE TABLE {_JOURNAL} (sop_instance_uid TEXT PRIMARY KEY) WITHOUT ROWID",
    f"""CREATE TRIGGER {PREFIX}insert AFTER INSERT ON instance BEGIN
        INSERT OR IGNORE INTO {_JOURNAL} VALUES (new.sop_instance_uid); END""",
    f"""CREATE TRIGGER {PREFIX}update AFTER UPDATE ON instance BEGIN
        INSERT OR IGNORE INTO {_JOURNAL} VALUES (new.sop_instance_uid); END""",
    f"""CREATE TRIGGER {PREFIX}delete AFTER DELETE ON instance BEGIN
        INSERT OR IGNORE INTO {_JOURNAL} VALUES (old.sop_instance_uid); END""",
    f"CREATE TABLE {_OWNER} (token TEXT)",
)

_KEPT: Final = ", ".join(("object_key", "received_us", *ORIGIN_COLUMNS))
_KNOWN_INSTANCES: Final = f"SELECT {_KEPT} FROM instance WHERE sop_instance_uid IN (SELECT value FROM json_each(?))"
_KNOWN_VERSIONS: Final = f"SELECT {_KEPT} FROM version WHERE object_key IN (SELECT value FROM json_each(?))"
_SERVED_KEY: Final = f"SELECT object_key FROM {PREFIX}instance WHERE sop_instance_uid = ?"
_WHOLE: Final = f"""
    INSERT OR IGNORE INTO {_JOURNAL}
    SELECT o.sop_instance_uid FROM {_JOURNAL} j
        JOIN {PREFIX}instance n ON n.sop_instance_uid = j.sop_instance_uid
        JOIN instance i ON i.sop_instance_uid = j.sop_instance_uid JOIN series e ON e.id = i.series_row
        JOIN series f ON f.study_row = e.study_row JOIN instance o ON o.series_row = f.id
    WHERE n.object_key <> i.object_key"""
"""What stands in a study with something that was overwritten after it was read: other objects speak for it now."""
_CHANGED: Final = f"""
    SELECT j.sop_instance_uid FROM {_JOURNAL} j LEFT JOIN instance i ON i.sop_instance_uid = j.sop_instance_uid
    ORDER BY i.id"""
"""In the order of arrival."""

_LIVE_RECORD: Final = f"{LIVE_RECORDS} WHERE i.sop_instance_uid = ?"

Submit = Callable[[Callable[[], Any]], Any]
"""Have work done on the write connection, inside a transaction."""


class SqliteRebuild:
    """Implements ``services.archive.ports.Rebuild``; used by one thread."""

    def __init__(
        self,
        writer: sqlite3.Connection,
        submit: Submit,
        forget_live: Callable[[], None],
        tidy: Callable[[], None],
    ) -> None:
        self._execute = writer.execute
        self._submit = submit
        self._forget_live = forget_live
        self._tidy = tidy
        self._ledger = Ledger(writer, Statements(PREFIX), are_live=False)
        self._batch: list[InstanceRecord] = []
        self._versions: list[InstanceRecord] = []
        self._token = uuid4().hex
        submit(self._start)

    def add(self, record: InstanceRecord) -> None:
        """Add one object. Of several with one SOP Instance UID the one served until now is served, else the first."""
        self._batch.append(record)
        if len(self._batch) >= BATCH:
            self._flush()

    def swap(self) -> None:
        """Put the new rows in the place of the old in one transaction."""
        self._flush()
        # What was a further version comes last, so that it is served only where nothing else is left.
        self._batch, self._versions = self._versions, []
        self._flush(defer=False)
        self._submit(self._exchange)
        self._tidy()

    def abandon(self) -> None:
        """Remove the new rows; the old ones stay."""
        self._batch.clear()
        self._versions.clear()
        self._submit(self._give_up)

    # Below: pieces of work, each inside a transaction; a piece may be run again after a rollback

    def _remove(self) -> None:
        for sql in _START:
            self._execute(sql)

    def _give_up(self) -> None:
        if self._is_ours():
            self._remove()

    def _is_ours(self) -> bool:
        """Tell whether the new rows are (still) this rebuild's: the latest one to start takes over."""
        if self._execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_OWNER,)).fetchone() is None:
            return False
        return bool(self._execute(f"SELECT token FROM {_OWNER}").fetchone() == (self._token,))

    def _check(self) -> None:
        if not self._is_ours():
            raise Conflict("another rebuild of this index has started meanwhile and takes the place of this one")

    def _start(self) -> None:
        self._remove()
        apart = MetaData()
        for table in _NEW:
            copy = table.to_metadata(apart, name=PREFIX + table.name)
            self._execute(str(CreateTable(copy).compile(dialect=_DIALECT)))
        for sql in _WATCH:
            self._execute(sql)
        self._execute(f"INSERT INTO {_OWNER} VALUES (?)", (self._token,))

    def _flush(self, *, defer: bool = True) -> None:
        batch, self._batch = self._batch, []
        for at in range(0, len(batch), BATCH):
            part = batch[at : at + BATCH]
            self._versions += self._submit(partial(self._write, part, defer=defer))

    def _write(self, batch: list[InstanceRecord], *, defer: bool) -> list[InstanceRecord]:
        """Write records; return those that wait because they are further versions in the live rows."""
        self._check()
        self._ledger.forget()
        instances = self._known(_KNOWN_INSTANCES, [record.ref.instance for record in batch])
        versions = self._known(_KNOWN_VERSIONS, [record.location.key for record in batch])
        waiting = []
        for record in batch:
            key = record.location.key
            known = instances.get(key) or versions.get(key)
            kept = replace(record, received_us=known[0], origin=rows.origin(known[1:])) if known else record
            if defer and key in versions and key not in instances:
                waiting.append(kept)
            else:
                self._add(kept)
        self._ledger.settle()
        return waiting

    def _known(self, sql: str, wanted: list[str]) -> dict[str, tuple[Any, ...]]:
        return {row[0]: row[1:] for row in self._execute(sql, (json.dumps(wanted),))}

    def _add(self, record: InstanceRecord) -> None:
        try:
            self._ledger.add(record)
        except Conflict:
            if self._served_key(record.ref.instance) != record.location.key:
                self._ledger.keep_version(record)

    def _served_key(self, uid: UID) -> str | None:
        row = self._execute(_SERVED_KEY, (uid,)).fetchone()
        return None if row is None else str(row[0])

    def _exchange(self) -> None:
        self._check()
        self._ledger.forget()
        feed.tell(self._execute, utc_now_us())
        self._catch_up()
        self._ledger.settle()
        for event in ("insert", "update", "delete"):
            self._execute(f"DROP TRIGGER {PREFIX}{event}")
        for table in schema.DERIVED:
            self._execute(f"DROP TABLE {table.name}")
            self._execute(f"ALTER TABLE {PREFIX}{table.name} RENAME TO {table.name}")
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                self._execute(str(CreateIndex(index).compile(dialect=_DIALECT)))
        for table in _MERGED:
            columns = ", ".join(column_names(table))
            self._execute(
                f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {PREFIX}{table.name} WHERE 1"
                " ON CONFLICT DO NOTHING"
            )
        # What is served now is no further version any more.
        self._execute(
            "DELETE FROM version WHERE object_key = (SELECT i.object_key FROM instance i"
            " WHERE i.sop_instance_uid = version.sop_instance_uid)"
        )
        # A version may have been deleted, and a study with it, after it was read.
        self._execute("DELETE FROM version WHERE object_key IN (SELECT object_key FROM recycled_object)")
        self._execute(
            "DELETE FROM patient_conflict WHERE study_instance_uid NOT IN (SELECT study_instance_uid FROM study)"
        )
        feed.rebuilt(self._execute)
        self._remove()
        names.start_anew(self._execute)
        self._forget_live()

    def _catch_up(self) -> None:
        """Do to the new rows what has happened to the live ones since the start."""
        self._execute(_WHOLE)
        changed = [uid for (uid,) in self._execute(_CHANGED)]
        # All go before any comes: what a study says of itself is what its first object says, and a study that was
        # read again says something else.
        for uid in changed:
            if self._served_key(uid) is not None:
                self._ledger.discard(uid)
        for uid in changed:
            row = self._execute(_LIVE_RECORD, (uid,)).fetchone()
            if row is not None:
                self._ledger.add(record_of(row))
