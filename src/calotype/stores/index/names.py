"""The key of fuzzy matching: what the names of patients are found by (``dicom.query.name_parts``), one row for each.

Rows are about names, not about whoever bears them: the many studies of one patient share them, and a name that comes
back has them already. An object received costs nothing here: names are keyed when the index is quiet
(``name_keeper``), in order of rows. ``name_progress`` says how far that is; a question looks the names up that are
keyed, and through the others one by one (:data:`FUNCTION`). So an answer never depends on how far it is. What is
looked for within names and other texts (``pieces``) is kept on the same walk.

This module draws the tables and has the statements; it starts nothing and waits for nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from calotype.dicom.query import name_parts
from calotype.dicom.query.attributes import BY_KEYWORD
from calotype.dicom.query.name_parts import beginnings, begins
from calotype.stores.index import pieces
from calotype.stores.index.keys import SEVERAL, columns, key_columns

VERSION: Final = 10 * name_parts.VERSION + 1
"""Of all that is kept; the last digit is that of ``pieces``."""

KEYWORD: Final = "PatientName"
"""The attribute whose names are keyed. Physicians are few: looking through their names is fast enough."""

FUNCTION: Final = "part_begins"
"""In SQL: whether a key column's text has a part that begins with a word."""

SLICE: Final = 200
"""Rows of patients or studies in one piece of work: objects received meanwhile wait for it, about 10 ms."""

TABLES: Final = ("study", "patient")
"""Where patients' names stand."""

COLUMNS: Final = key_columns(BY_KEYWORD[KEYWORD])
"""What stands in a row of them for the groups of a name."""

Execute = Callable[..., sqlite3.Cursor]
Fetch = Callable[..., list[tuple[Any, ...]]]


def draw(metadata: MetaData) -> tuple[Table, Table]:
    """Draw the tables on the index's metadata: the words of names, and how far names have words."""
    word = Table(
        "name_word",
        metadata,
        Column("word", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    progress = Table(
        "name_progress",
        metadata,
        Column("table_name", Text, primary_key=True),
        Column("row", BigInteger, nullable=False),
        Column("version", BigInteger, nullable=False),
    )
    return word, progress


BEHIND: Final = " UNION ALL ".join(
    f"SELECT 1 FROM name_progress WHERE table_name = '{table}' AND row < (SELECT max(id) FROM {table})"  # noqa: S608
    for table in TABLES
)
"""A row for each table that has names without words."""

_PROGRESS: Final = "SELECT row FROM name_progress WHERE table_name = ?"
_NEXT: Final = {
    table: f"SELECT id, {', '.join(pieces.COLUMNS[table])} FROM {table} WHERE id > ? ORDER BY id LIMIT {SLICE}"  # noqa: S608
    for table in TABLES
}
_KEEP: Final = "INSERT OR IGNORE INTO name_word VALUES (?, ?)"
_DROP: Final = "DELETE FROM name_word WHERE word = ? AND name = ?"
_REACHED: Final = "UPDATE name_progress SET row = ? WHERE table_name = ?"
_START: Final = "INSERT OR REPLACE INTO name_progress VALUES (?, 0, ?)"
_OTHER_VERSION: Final = "SELECT count(*) FROM name_progress WHERE version = ?"

_NUMBERS_GIVEN_AGAIN: Final = tuple(
    f"UPDATE name_progress SET row = min(row, (SELECT coalesce(max(id), 0) FROM {table}))"  # noqa: S608
    f" WHERE table_name = '{table}'"
    for table in TABLES
)
OF_STUDY: Final = f"SELECT {', '.join(pieces.COLUMNS['study'])} FROM study WHERE id = ?"  # noqa: S608
"""What is kept of a study: the keys of what its patient is called in it, then of other texts."""
_IS_BORNE: Final = " UNION ALL ".join(
    f"SELECT 1 FROM {table} WHERE {column} = ? AND {column} <> ''"  # noqa: S608
    for table in TABLES
    for column in COLUMNS
)
_STANDS_THERE: Final = " UNION ALL ".join(
    f"SELECT 1 FROM {table} WHERE {column} = :text AND {column} <> ''"  # noqa: S608
    for table in TABLES
    for column in pieces.COLUMNS[table]
)


def part_begins(name: str, word: str) -> bool:
    """Tell whether a name as a key column has it (``keys``) has a part that begins with ``word``."""
    return any(begins(word, group) for group in name.split(SEVERAL))


def teach(connection: sqlite3.Connection) -> None:
    """Make :data:`FUNCTION` known to a connection."""
    connection.create_function(FUNCTION, 2, part_begins, deterministic=True)


def prepare(execute: Execute) -> None:
    """Begin anew where the words are those of another version, or there are none yet. In a transaction."""
    (current,) = execute(_OTHER_VERSION, (VERSION,)).fetchone()
    if current != len(TABLES):
        start_anew(execute)


def start_anew(execute: Execute) -> None:
    """Forget all words: rows have other numbers. In a transaction."""
    execute("DELETE FROM name_word")
    pieces.start_anew(execute)
    for table in TABLES:
        execute(_START, (table, VERSION))


def key_some(execute: Execute) -> None:
    """Key the names of the next few rows. In a transaction."""
    for table in TABLES:
        (reached,) = execute(_PROGRESS, (table,)).fetchone()
        found = execute(_NEXT[table], (reached,)).fetchall()
        if found:
            for name in _names_in(found):
                for word in _words(name):
                    execute(_KEEP, (word, name))
            pieces.keep(execute, dict.fromkeys(text for row in found for text in row[1:] if text))
            execute(_REACHED, (found[-1][0], table))
            return


def read_some(fetch: Fetch) -> None:
    """Work out beforehand what :func:`key_some` will write: who reads the first hanzi loads the readings of all.

    That takes longer than anybody should wait for a transaction. What is worked out is remembered in ``name_parts``.
    """
    for table in TABLES:
        ((reached,),) = fetch(_PROGRESS, (table,))
        found = fetch(_NEXT[table], (reached,))
        if found:
            for name in _names_in(found):
                _words(name)
            return


def key(execute: Execute, texts: Sequence[str]) -> None:
    """Key the names and texts of one row that says something else now, as :data:`OF_STUDY` tells them.

    In a transaction; see :func:`read` for what is to be done before.
    """
    for name in texts[: len(COLUMNS)]:
        for word in _words(name) if name else ():
            execute(_KEEP, (word, name))
    pieces.keep(execute, dict.fromkeys(filter(None, texts)))


def read(name: str) -> None:
    """Work out beforehand what :func:`key` will write of a patient's name, as :func:`read_some` does."""
    for each in columns(KEYWORD, name)[1:]:
        if isinstance(each, str) and each:
            _words(each)


def released(execute: Execute, known_as: Sequence[str]) -> None:
    """Take note that rows are gone, and what :data:`OF_STUDY` told of one: forget what nobody has any more.

    In a transaction.
    """
    for sql in _NUMBERS_GIVEN_AGAIN:
        # SQLite gives the highest numbers again: who gets them has yet to be looked at.
        execute(sql)
    for text in known_as:
        if text and execute(_STANDS_THERE, {"text": text}).fetchone() is None:
            pieces.drop(execute, text)
    for name in known_as[: len(COLUMNS)]:
        if name and execute(_IS_BORNE, (name,) * (len(TABLES) * len(COLUMNS))).fetchone() is None:
            for word in _words(name):
                execute(_DROP, (word, name))


def _names_in(found: Iterable[Sequence[str]]) -> set[str]:
    """Return the names that stand in rows of row number and texts."""
    return {name for row in found for name in row[1 : 1 + len(COLUMNS)] if name}


def _words(name: str) -> set[str]:
    return {word for group in name.split(SEVERAL) for word in beginnings(group)}
