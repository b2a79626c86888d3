"""The feed of changes in the index's file: implements ``services.archive.feed``.

What is stored costs nothing here: it is told afterwards from the rows of ``instance`` beyond the last one told,
whoever stored them, and before anything else happens to them (:func:`told`). So the lines stand in the order of the
commits. Row numbers are given again after a row was deleted; hence the mark is set anew after every such change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from calotype.clock import utc_now_us
from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.services.archive.feed import Action, Change, Extent

if TYPE_CHECKING:
    from calotype.stores.index.transactions import Transactions

Execute = Callable[..., sqlite3.Cursor]

_QUIET: Final = frozenset({Action.DELETED, Action.MARKED})
"""After these nothing is waited for: nothing more comes of them."""

_IS_NEWS: Final = "SELECT coalesce((SELECT max(id) FROM instance), 0) > told_row FROM change_feed"

_TELL: Final = """
    INSERT INTO change (action, level, study_instance_uid, series_instance_uid, sop_instance_uid, instances, at_us)
    SELECT 'created', 'SERIES', s.study_instance_uid, e.series_instance_uid, '', count(*), ?
    FROM instance i JOIN series e ON e.id = i.series_row JOIN study s ON s.id = e.study_row
    WHERE i.id > (SELECT told_row FROM change_feed)
    GROUP BY e.id ORDER BY min(i.id)"""
"""A line for each series into which something came, in the order in which they first got something."""

_UNSETTLE_NEW: Final = """
    INSERT INTO change_unsettled (study_instance_uid, changed_us)
    SELECT DISTINCT s.study_instance_uid, ?
    FROM instance i JOIN series e ON e.id = i.series_row JOIN study s ON s.id = e.study_row
    WHERE i.id > (SELECT told_row FROM change_feed)
    ON CONFLICT (study_instance_uid) DO UPDATE SET changed_us = excluded.changed_us"""
_UNSETTLE: Final = """
    INSERT INTO change_unsettled (study_instance_uid, changed_us) VALUES (?, ?)
    ON CONFLICT (study_instance_uid) DO UPDATE SET changed_us = excluded.changed_us"""

_MARK: Final = "UPDATE change_feed SET told_row = coalesce((SELECT max(id) FROM instance), 0)"

_NOTE: Final = """
    INSERT INTO change (action, level, study_instance_uid, series_instance_uid, sop_instance_uid, instances, at_us)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""

_DROP_GONE: Final = """
    DELETE FROM change_unsettled WHERE study_instance_uid = ? AND NOT EXISTS (
        SELECT 1 FROM study WHERE study.study_instance_uid = change_unsettled.study_instance_uid)"""

_SETTLE: Final = """
    INSERT INTO change (action, level, study_instance_uid, series_instance_uid, sop_instance_uid, instances, at_us)
    SELECT 'stable', 'STUDY', u.study_instance_uid, '', '',
        (SELECT coalesce(sum(t.instances), 0) FROM study s JOIN tally t ON t.study_row = s.id
            WHERE s.study_instance_uid = u.study_instance_uid), ?
    FROM change_unsettled u WHERE u.changed_us <= ? ORDER BY u.changed_us, u.study_instance_uid"""
_SETTLED: Final = "DELETE FROM change_unsettled WHERE changed_us <= ?"
_FIRST_UNSETTLED: Final = "SELECT min(changed_us) FROM change_unsettled"

_EXTENT: Final = (
    "SELECT f.token, coalesce((SELECT min(id) FROM change), 0), coalesce((SELECT max(id) FROM change), 0)"
    " FROM change_feed f"
)
_LINES: Final = """
    SELECT id, action, level, study_instance_uid, series_instance_uid, sop_instance_uid, instances, at_us
    FROM change WHERE id > ? ORDER BY id LIMIT ?"""

TRIM_AT_ONCE: Final = 10_000
"""Lines that are removed in one piece of work: who stores waits for it, a few ms."""
_OLDEST_OF: Final = "DELETE FROM change WHERE id IN (SELECT id FROM change WHERE id <= ? ORDER BY id LIMIT ?)"


def tell(execute: Execute, at_us: int) -> bool:
    """Write down what was stored since the last time. Inside a transaction."""
    (news,) = execute(_IS_NEWS).fetchone()
    if news:
        execute(_TELL, (at_us,))
        execute(_UNSETTLE_NEW, (at_us,))
        execute(_MARK)
    return bool(news)


def told(execute: Execute, work: Callable[[], Any]) -> Any:
    """Do ``work`` on rows of ``instance``, between what was stored before and what is stored after.

    A ``CalotypeError`` of ``work`` leaves what was told before it, which is true either way.
    """
    tell(execute, utc_now_us())
    outcome = work()
    execute(_MARK)
    return outcome


def note(  # noqa: PLR0917 - the columns of a line
    execute: Execute, action: Action, level: Level, ref: InstanceRef, instances: int, at_us: int | None = None
) -> None:
    """Write a line about a study, series or instance. Inside a transaction."""
    when_us = utc_now_us() if at_us is None else at_us
    series = ref.series if level.depth >= Level.SERIES.depth else ""
    instance = ref.instance if level is Level.IMAGE else ""
    execute(_NOTE, (action, level, ref.study, series, instance, instances, when_us))
    if action not in _QUIET:
        execute(_UNSETTLE, (ref.study, when_us))
    execute(_DROP_GONE, (ref.study,))


def rebuilt(execute: Execute) -> None:
    """Write down that all rows were made anew, and begin to tell after them. Inside a transaction."""
    execute(_NOTE, (Action.REBUILT, "", "", "", "", 0, utc_now_us()))
    execute(_MARK)


class SqliteFeed:
    """Implements ``services.archive.feed.Feed``."""

    def __init__(self, index: Transactions) -> None:
        self._index = index

    def tell(self, now_us: int) -> bool:
        """Write down what was stored since the last time; asks before it writes."""
        ((news,),) = self._index.read(_IS_NEWS)
        if not news:
            return False
        return self._index.write(lambda connection: tell(connection.execute, now_us))

    def settle(self, quiet_since_us: int, now_us: int) -> int | None:
        """Write a line about each study that is quiet by now; return when the next one was last changed."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_SETTLE, (now_us, quiet_since_us))
            connection.execute(_SETTLED, (quiet_since_us,))

        first = self._first_unsettled()
        if first is None or first > quiet_since_us:
            return first
        self._index.write(work)
        return self._first_unsettled()

    def extent(self) -> Extent:
        """Return which feed this is and how far it reaches."""
        (row,) = self._index.read(_EXTENT)
        return Extent(*row)

    def lines(self, since: int, limit: int) -> list[Change]:
        """Return lines after a number, in order."""
        return [_change(row) for row in self._index.read(_LINES, (since, limit))]

    def trim(self, keep: int) -> int:
        """Forget all but the newest lines, a part at a time."""
        extent = self.extent()
        oldest, last, gone = extent.oldest, extent.newest - max(keep, 1), 0
        while oldest <= last:
            gone += self._index.write(
                lambda connection: connection.execute(_OLDEST_OF, (last, TRIM_AT_ONCE)).rowcount
            )
            oldest = self.extent().oldest
        return gone

    def _first_unsettled(self) -> int | None:
        ((first,),) = self._index.read(_FIRST_UNSETTLED)
        return None if first is None else int(first)


def _change(row: Sequence[Any]) -> Change:
    number, action, level, study, series, instance, instances, at_us = row
    return Change(
        number,
        Action(action),
        Level(level) if level else None,
        UID(study),
        UID(series),
        UID(instance),
        instances,
        at_us,
    )
