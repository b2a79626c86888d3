"""The index in one SQLite file.

Writing: every verb is a piece of work for one group commit on one connection (``groups``), done by a ``Ledger``.
Reading: connections lent per statement; a long answer is first a list of row numbers, then chunks of rows, so that
nobody holds a snapshot while a slow peer takes its time. What a verb has returned for is committed, and durable if
``SqliteSettings.durable``.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final, TypeVar, cast

from calotype.dicom.hierarchy import UID, InstanceRef, Level, Selection
from calotype.dicom.query.model import Match, Page, Query
from calotype.errors import CalotypeError, Unavailable
from calotype.services.archive.feed import Action
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
from calotype.stores.index import feed, migrations, names, pieces, reading, rows, texts, walks, worklist_readings
from calotype.stores.index.compile import Form, statement
from calotype.stores.index.connections import (
    MIN_SQLITE,
    Readers,
    SqliteSettings,
    connect,
    lengthen_log,
    translated,
    translating,
)
from calotype.stores.index.groups import GroupCommit
from calotype.stores.index.housekeeping import Housekeeper
from calotype.stores.index.ledger import Ledger
from calotype.stores.index.live_ledger import LiveLedger
from calotype.stores.index.name_keeper import NameKeeper
from calotype.stores.index.plan import Plan, Values, plan, within
from calotype.stores.index.rebuild import SqliteRebuild
from calotype.stores.index.recycled import SqliteRecycleBin
from calotype.stores.index.statements import BEGIN, DATA_VERSION

T = TypeVar("T")

Work = Callable[[], Any]
"""What one thread wants done inside the transaction."""

EVERYTHING: Final = Page()
FIRST: Final = 128
"""Matches of a question without end that are given before the others are looked for."""
ONE_FETCH: Final = 1000
"""Matches that are fetched at once; more come in chunks."""
FEW: Final = 2000
"""Matches up to which finding all and sorting them is cheaper than walking along the order until a page is full."""
CHUNK: Final = 500
HEADER_CHUNK: Final = 64


class SqliteIndex:
    """Implements ``services.archive.ports.Index``.

    Opening migrates the file, or makes it. Unavailable when it cannot be opened, is locked, damaged or newer than
    this release.
    """

    def __init__(self, settings: SqliteSettings) -> None:
        if sqlite3.sqlite_version_info < MIN_SQLITE:
            needed = ".".join(map(str, MIN_SQLITE))
            raise Unavailable(f"SQLite {sqlite3.sqlite_version} is too old, {needed} or later is needed")
        self._path = settings.path
        self._writer = connect(settings, cache_bytes=settings.writer_cache_bytes)
        try:
            with translating(self._path):
                if not migrations.is_current(self._writer):
                    migrations.upgrade(self._path)
                self._writer.execute(BEGIN)
                names.prepare(self._writer.execute)
                self._writer.execute("COMMIT")
                if settings.durable:
                    self._writer.execute(BEGIN)
                    lengthen_log(self._path)
                    self._writer.execute("COMMIT")
        except BaseException:
            self._writer.close()
            raise
        # One cursor for what ends and begins every commit: none of it leaves rows to fetch.
        self._execute = self._writer.cursor().execute
        self._ledger = LiveLedger(self._writer)
        self._data_version = 0
        self._readers = Readers(settings)
        self._groups: GroupCommit[Work, Any] = GroupCommit(self._run)
        self.feed = feed.SqliteFeed(self)
        self.recycle_bin = SqliteRecycleBin(self)
        self._housekeeper = Housekeeper(lambda: connect(settings, cache_bytes=settings.reader_cache_bytes))
        self._name_keeper = NameKeeper(self._names_are_behind, self._key_names)

    # Writing

    def add(self, record: InstanceRecord) -> frozenset[Flag]:
        """Commit one new instance; see the port."""
        return cast("frozenset[Flag]", self._groups.submit(lambda: self._ledger.add(record)))

    def add_version(self, record: InstanceRecord) -> None:
        """Commit a further version of a known instance. NotFound when it is not known (any more)."""
        self._groups.submit(lambda: self._ledger.add_version(record))

    def replace(self, record: InstanceRecord) -> Replacement:
        """Commit a record in the place of the instance with its SOP Instance UID; see the port."""
        names.read(record.attributes.get(names.KEYWORD, ""))

        def work(_: Ledger, connection: sqlite3.Connection) -> Replacement:
            replaced = self._ledger.replace(record)
            feed.note(connection.execute, Action.UPDATED, Level.IMAGE, record.ref, 1)
            return replaced

        return self.edit(work)

    def remove(self, ref: InstanceRef) -> StoredInstance:
        """Take an instance out, with what it leaves empty. NotFound; further versions stay."""

        def work(ledger: Ledger, connection: sqlite3.Connection) -> StoredInstance:
            removed = ledger.remove(ref)
            feed.note(connection.execute, Action.DELETED, Level.IMAGE, ref, 1)
            return removed

        return self.edit(work)

    def reread(self, study: UID, records: Sequence[InstanceRecord]) -> None:
        """Put new records of all instances of a study in the place of the old; see the port."""

        def work(ledger: Ledger, connection: sqlite3.Connection) -> None:
            ledger.reread(study, records)
            whole = InstanceRef(study, UID(""), UID(""))
            feed.note(connection.execute, Action.UPDATED, Level.STUDY, whole, len(records))

        self.edit(work)

    def keep_study_text(self, study: UID, text: StudyText) -> None:
        """Commit what is known of the text of a study."""
        values = texts.values(study, text)
        self._groups.submit(lambda: self._execute(texts.KEEP, values))

    def rehouse(
        self,
        was: StoredInstance,
        location: ObjectLocation,
        header: bytes,
        also: Callable[[sqlite3.Connection], None],
    ) -> None:
        """Commit that an object is kept elsewhere, and what ``also`` writes, for the store of compression.

        NotFound and Conflict as of the ledger, with nothing written.
        """

        def work() -> None:
            self._ledger.rehouse(was, location, header)
            also(self._writer)

        self._groups.submit(work)

    def retire(self, was: StoredInstance) -> None:
        """Take an instance out unless it has changed, for the store of compression. NotFound, Conflict."""

        def work(ledger: Ledger, connection: sqlite3.Connection) -> None:
            ledger.retire(was)
            feed.note(connection.execute, Action.DELETED, Level.IMAGE, was.ref, 1)

        self.edit(work)

    def rebuild(self) -> SqliteRebuild:
        """Start a second set of derived rows; one that was left half done is thrown away."""
        return SqliteRebuild(self._writer, self._groups.submit, self._ledger.forget, self._housekeeper.tidy)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work`` in the transaction of a group, for the other stores in this file; returns when it is committed.

        ``work`` MUST raise a ``CalotypeError`` only while it has not written yet, and never begin, commit or
        roll back.
        """
        return cast("T", self._groups.submit(lambda: work(self._writer)))

    def edit(self, work: Callable[[Ledger, sqlite3.Connection], T]) -> T:
        """Do ``work`` on rows of instances as :meth:`write` does; the feed is told first what was stored before.

        ``work`` writes its own line of the feed.
        """
        execute = self._writer.execute
        return cast("T", self._groups.submit(lambda: feed.told(execute, lambda: work(self._ledger, self._writer))))

    def read(self, sql: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement, for the other stores in this file; sees what was committed."""
        return self._readers.fetch(sql, values)

    def _run(self, works: Sequence[Work]) -> list[Any]:
        """Do the work of a group in one transaction; should one spoil it for all, each again alone."""
        try:
            return self._transaction(works)
        except Exception as error:  # noqa: BLE001 - each piece of work gets its own error below
            if len(works) == 1:
                return [self._translated(error)]
        return [self._run([work])[0] for work in works]

    def _transaction(self, works: Sequence[Work]) -> list[Any]:
        execute = self._execute
        try:
            execute(BEGIN)
            (data_version,) = execute(DATA_VERSION).fetchone()
            if data_version != self._data_version:
                self._ledger.forget()
                self._data_version = data_version
            outcomes: list[Any] = []
            for work in works:
                try:
                    outcomes.append(work())
                except CalotypeError as refusal:
                    # By the ledger's word nothing was written for this one; the others go on.
                    outcomes.append(refusal)
            self._ledger.settle()
            execute("COMMIT")
        except BaseException:
            self._ledger.forget()
            if self._writer.in_transaction:
                # The first error is the one to tell.
                with suppress(sqlite3.Error):
                    execute("ROLLBACK")
            raise
        self._housekeeper.wrote(len(works))
        self._name_keeper.wrote()
        return outcomes

    def key_all_names(self) -> None:
        """Key the names of all patients now, those of the worklist too, instead of when the index is quiet."""
        while self._names_are_behind():
            self._key_names()

    def _names_are_behind(self) -> bool:
        return any(self._readers.fetch(behind) for behind in (names.BEHIND, worklist_readings.BEHIND))

    def _key_names(self) -> None:
        names.read_some(self._readers.fetch)
        self._groups.submit(lambda: names.key_some(self._execute))
        if readings := worklist_readings.read_some(self._readers.fetch):
            self._groups.submit(lambda: worklist_readings.keep(self._execute, readings))

    def _translated(self, error: Exception) -> Exception:
        return translated(error, self._path) if isinstance(error, sqlite3.Error) else error

    # Reading

    def instance(self, sop_instance_uid: UID) -> StoredInstance | None:
        """Return the served version of one instance, or ``None``."""
        found = self._readers.fetch(reading.INSTANCE, (sop_instance_uid,))
        return rows.stored(found[0]) if found else None

    def versions(self, sop_instance_uid: UID) -> list[ObjectLocation]:
        """Return the further versions kept of one instance, oldest first."""
        return [rows.location(row) for row in self._readers.fetch(reading.VERSIONS, (sop_instance_uid,))]

    def find(self, query: Query) -> Iterator[Match]:
        """Answer a question; nothing is held between two matches but row numbers."""
        shape, values = plan(query)
        return (_match(shape, row) for row in self._found(query, shape, values))

    def _found(self, query: Query, shape: Plan, values: Values) -> Iterator[tuple[Any, ...]]:
        """Return row number and fields of what is on the page asked for."""
        shape = self._settled(shape, values)
        limit, offset = query.page.limit, query.page.offset
        if query.page == EVERYTHING and not query.order:
            return self._find_all(shape, values)
        if limit is None or limit > ONE_FETCH:
            return self._find_long(shape, {**values, "limit": -1 if limit is None else limit, "offset": offset})
        if shape.where and (shape.order or shape.has_kept_pieces):
            few = self._fetch(shape, Form.GATHER, {**values, "limit": FEW + 1})
            if len(few) <= FEW:
                numbers = array("q", (number for (number,) in few[offset : offset + limit]))
                return self._rows(shape, numbers)
        if shape.order:
            with self._readers.lease() as connection:
                numbers = array("q", walks.page(connection, shape, values, limit, offset))
            return self._rows(shape, numbers)
        return iter(self._fetch(shape, Form.PAGE, {**values, "limit": limit, "offset": offset}))

    def _settled(self, shape: Plan, values: Values) -> Plan:
        """Return a plan that looks up only pieces of text that few texts have: the others are met soon anyway."""
        common = set()
        for name in {term.grams for term in within(shape.where)}:
            limit = pieces.COMMON_TEXTS * 8
            ((count, texts),) = self._readers.fetch(pieces.COUNT, (values[name], limit))
            if pieces.is_common(count, texts):
                common.add(name)
        return shape.without(frozenset(common))

    def _find_all(self, shape: Plan, values: Values) -> Iterator[tuple[Any, ...]]:
        """Answer without page and order."""
        for numbers in self._all_numbers(shape, values):
            yield from self._rows(shape, numbers)

    def _all_numbers(self, shape: Plan, values: Values) -> Iterator[array[int]]:
        """Return the rows of all answers in no particular order: the first at once, then whatever else there is."""
        sql, constants = statement(shape, Form.ANY)
        first = self._numbers(sql, {**constants, **values, "limit": FIRST})
        yield first
        if len(first) == FIRST:
            given = frozenset(first)
            others = self._numbers(sql, {**constants, **values, "limit": -1})
            yield array("q", (number for number in others if number not in given))

    def _find_long(self, shape: Plan, values: Values) -> Iterator[tuple[Any, ...]]:
        sql, constants = statement(shape, Form.ROWS)
        yield from self._rows(shape, self._numbers(sql, {**constants, **values}))

    def _rows(self, shape: Plan, numbers: array[int]) -> Iterator[tuple[Any, ...]]:
        sql, constants = statement(shape, Form.CHUNK)
        return self._chunks(numbers, CHUNK, lambda listed: (sql, {**constants, "rows": listed}))

    def find_with_headers(self, query: Query) -> Iterator[tuple[Match, bytes]]:
        """Answer a question, each match with its representative's header; holds only row numbers in between."""
        shape, values = plan(query)
        found = self._found(query, shape, values)
        while some := list(islice(found, HEADER_CHUNK)):
            listed = json.dumps([row[0] for row in some])
            headers = dict(self._readers.fetch(reading.REPRESENTATIVE_CHUNK[shape.level], [listed]))
            for row in some:
                yield _match(shape, row), headers.get(row[0], b"")

    def _fetch(self, shape: Plan, form: Form, values: Values) -> list[tuple[Any, ...]]:
        sql, constants = statement(shape, form)
        return self._readers.fetch(sql, {**constants, **values})

    def count(self, query: Query, cap: int) -> Total:
        """Count the matches of a question, its page ignored, up to ``cap``."""
        shape, values = plan(query)
        shape = self._settled(shape, values)
        ((found,),) = self._fetch(shape, Form.COUNT, {**values, "cap": cap + 1})
        return Total(cap, at_least=True) if found > cap else Total(found)

    def locate(self, selection: Selection) -> Iterator[StoredInstance]:
        """Return what a retrieve asks for, by study, series and instance number."""
        numbers = self._numbers(*reading.selected_rows(selection))
        for row in self._chunks(numbers, CHUNK, lambda listed: (reading.STORED_CHUNK, [listed])):
            yield rows.stored(row[1:])

    def headers(self, selection: Selection) -> Iterator[tuple[InstanceRef, bytes]]:
        """Return the compressed DICOM JSON of each instance, in the order of :meth:`locate`."""
        numbers = self._numbers(*reading.selected_rows(selection))
        for row in self._chunks(numbers, HEADER_CHUNK, lambda listed: (reading.HEADER_CHUNK, [listed])):
            yield InstanceRef(UID(row[1]), UID(row[2]), UID(row[3])), row[4]

    def records(self) -> Iterator[tuple[StoredInstance, Origin, int]]:
        """Walk over every object that has a row: instances, then further versions."""
        for sql in (reading.RECORDS, reading.VERSION_RECORDS):
            last = 0
            while found := self._readers.fetch(sql, (last, CHUNK)):
                for row in found:
                    yield rows.stored(row[1:]), rows.origin(row[11:]), row[15]
                last = found[-1][0]

    def study_text(self, study: UID) -> StudyText | None:
        """Return what is known of the text of a study, ``None`` when nothing is."""
        found = self._readers.fetch(texts.ONE, (study,))
        return texts.text_of(found[0]) if found else None

    def study_texts(self, limit: int) -> list[tuple[UID, StudyText]]:
        """Return the studies that are not simply read as declared, by UID."""
        return [(UID(row[0]), texts.text_of(row[1:])) for row in self._readers.fetch(texts.NOTABLE, (limit,))]

    def conflicts(self) -> Iterator[ConflictRecord]:
        """Return what waits for a decision, newest first."""
        # One array for both kinds: versions have positive numbers, patient conflicts negative ones.
        with self._readers.lease() as connection:
            numbers = array("q", (sign * number for sign, number in connection.execute(reading.CONFLICT_ROWS)))
        for at in range(0, len(numbers), CHUNK):
            part = numbers[at : at + CHUNK]
            versions = json.dumps([number for number in part if number > 0])
            patients = json.dumps([-number for number in part if number < 0])
            found = {row[0]: row for row in self._readers.fetch(reading.VERSION_CHUNK, [versions])}
            found |= {-row[0]: row for row in self._readers.fetch(reading.PATIENT_CONFLICT_CHUNK, [patients])}
            yield from (_conflict(number, found[number]) for number in part if number in found)

    def statistics(self) -> Statistics:
        """Return the totals, from counters."""
        (row,) = self._readers.fetch(reading.TOTALS)
        return Statistics(*row)

    def _numbers(self, sql: str, values: Mapping[str, Any] | Sequence[Any]) -> array[int]:
        with self._readers.lease() as connection:
            return array("q", (number for (number,) in connection.execute(sql, values)))

    def _chunks(
        self, numbers: array[int], size: int, ask: Callable[[str], tuple[str, Any]]
    ) -> Iterator[tuple[Any, ...]]:
        """Return the listed rows in their order, ``size`` at a time; what has gone meanwhile is left out."""
        for at in range(0, len(numbers), size):
            part = numbers[at : at + size]
            found = {row[0]: row for row in self._readers.fetch(*ask(json.dumps(part.tolist())))}
            yield from (found[number] for number in part if number in found)

    def close(self) -> None:
        """Finish the transaction under way and free all connections. Idempotent."""
        self._name_keeper.stop()
        self._groups.close()
        self._housekeeper.stop()
        self._readers.close()
        # The last connection to close moves the log into the file, so that the file alone is a whole index.
        self._writer.close()


def _match(shape: Plan, row: Sequence[Any]) -> Match:
    return {
        keyword: value if isinstance(value, str) else str(value)
        for keyword, value in zip(shape.fields, row[1:], strict=True)
        if value not in ("", None)
    }


def _conflict(number: int, row: Sequence[Any]) -> ConflictRecord:
    ref = InstanceRef(UID(row[1]), UID(row[2]), UID(row[3]))
    if number < 0:
        return ConflictRecord(Flag.PATIENT_CONFLICT, ref, row[5], None, row[4])
    location = rows.location(row[5:])
    detail = f"another object with this SOP Instance UID is kept as {location.key}"
    return ConflictRecord(Flag.VERSION_CONFLICT, ref, detail, location, row[4])
