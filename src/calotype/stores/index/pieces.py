"""Texts of studies by what stands within them: names, numbers and descriptions that are asked for as ``*piece*``.

Viewers ask so for everything that is typed into their study list, and no index in order helps there. Each different
text has one row, and its trigrams stand in SQLite's full-text table: those of a piece say which texts may hold it,
and the question's own pattern which do. A character that is not ASCII counts three times, in the text and in the
piece, so that one hanzi is enough to be looked up. Keyed with the names (``names``), when the index is quiet.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

from sqlalchemy import Column, ColumnElement, MetaData, Select, Table, Text, bindparam, select, table
from sqlalchemy import column as sql_column

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.attributes import BY_KEYWORD
from calotype.stores.index.columns import ROW
from calotype.stores.index.keys import key_columns

KEYWORDS: Final = ("PatientName", "PatientID", "AccessionNumber", "StudyDescription")
"""What study lists are searched by."""

COLUMNS: Final = {
    "study": tuple(chain.from_iterable(key_columns(BY_KEYWORD[keyword]) for keyword in KEYWORDS)),
    "patient": tuple(
        chain.from_iterable(
            key_columns(BY_KEYWORD[keyword]) for keyword in KEYWORDS if BY_KEYWORD[keyword].level is Level.PATIENT
        )
    ),
}
"""The key columns of each table whose texts are kept, those of the name first."""

FTS_TABLE: Final = "piece"
CREATE: Final = (
    f"CREATE VIRTUAL TABLE {FTS_TABLE} USING"
    " fts5(text, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 1')"
)
"""Trigrams and row numbers alone: the texts stand in ``piece_text``."""

MAX_TRIGRAMS: Final = 32
"""That a question is narrowed by."""
COMMON_TEXTS: Final = 4000
"""A piece of more texts than that, and of more than one in :data:`COMMON_SHARE`, is found by looking through rows."""
COMMON_SHARE: Final = 16

_GRAM: Final = 3
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_WILDCARDS: Final = re.compile(r"[*?]+")

_KEEP: Final = "INSERT OR IGNORE INTO piece_text (text) VALUES (?)"
_KEY: Final = f"INSERT INTO {FTS_TABLE} (rowid, text) VALUES (?, ?)"  # noqa: S608 - a name of ours
_ROW: Final = "SELECT id FROM piece_text WHERE text = ?"
_UNKEY: Final = f"INSERT INTO {FTS_TABLE} ({FTS_TABLE}, rowid, text) VALUES ('delete', ?, ?)"  # noqa: S608
_DROP: Final = "DELETE FROM piece_text WHERE id = ?"
_EMPTY: Final = (
    f"INSERT INTO {FTS_TABLE} ({FTS_TABLE}) VALUES ('delete-all')",  # noqa: S608
    "DELETE FROM piece_text",
)
COUNT: Final = (
    f"SELECT count(*), (SELECT coalesce(max(id), 0) FROM piece_text) FROM"  # noqa: S608
    f" (SELECT 1 FROM {FTS_TABLE} WHERE {FTS_TABLE} MATCH ? LIMIT ?)"
)
"""How many texts may hold a piece, up to a number; and how many texts there are."""

Execute = Callable[..., sqlite3.Cursor]


def draw(metadata: MetaData) -> Table:
    """Draw the table of texts; that of trigrams is none that SQLAlchemy can draw (:data:`CREATE`)."""
    return Table(
        "piece_text",
        metadata,
        Column("id", ROW, primary_key=True),
        Column("text", Text, nullable=False, unique=True),
    )


def grams(pattern: str) -> str:
    """Return the trigrams of a pattern's plain pieces as a question to the full-text table; empty without any."""
    found: dict[str, None] = {}
    for piece in _WILDCARDS.split(pattern):
        text = _spread(piece)
        found |= dict.fromkeys(text[at : at + _GRAM] for at in range(len(text) - _GRAM + 1))
    return " ".join('"' + gram.replace('"', '""') + '"' for gram in list(found)[:MAX_TRIGRAMS])


def candidates(texts: Table, match: str) -> Select[tuple[str]]:
    """Return the texts that may hold the piece whose trigrams are the value named ``match``."""
    trigrams = table(FTS_TABLE, sql_column("rowid"))
    asked: ColumnElement[bool] = sql_column(FTS_TABLE).op("MATCH")(bindparam(match))
    return select(texts.c.text).where(texts.c.id.in_(select(trigrams.c.rowid).where(asked)))


def keep(execute: Execute, texts: Iterable[str]) -> None:
    """Key texts, unless they are. In a transaction."""
    for text in texts:
        kept = execute(_KEEP, (text,))
        if kept.rowcount == 1:
            execute(_KEY, (kept.lastrowid, _spread(text)))


def drop(execute: Execute, text: str) -> None:
    """Forget a text, if it is known. In a transaction."""
    row = execute(_ROW, (text,)).fetchone()
    if row is not None:
        execute(_UNKEY, (row[0], _spread(text)))
        execute(_DROP, row)


def start_anew(execute: Execute) -> None:
    """Forget all texts. In a transaction."""
    for sql in _EMPTY:
        execute(sql)


def is_common(count: int, texts: int) -> bool:
    """Tell whether so many texts of all are too many to be looked up one by one."""
    return count > max(COMMON_TEXTS, texts // COMMON_SHARE)


def _spread(text: str) -> str:
    return _NOT_ASCII.sub(r"\g<0>\g<0>\g<0>", text)
