"""The pinyin of the worklist's names, read after the fact: rows of an older release, and items with another name.

An item that is added brings its reading with it (``worklist_keys.reading``). All others are NULL until the keeper of
names has come by (``name_keeper``), and so they are when what hanzi are read as has changed. A question takes what
has not been read for a name that may answer (``worklist_compile``): no answer depends on how far this is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from calotype.stores.index.worklist_keys import READING, reading

Execute = Callable[..., Any]
Fetch = Callable[..., list[tuple[Any, ...]]]

SLICE: Final = 200
"""Steps in one piece of work: who stores meanwhile waits for it, a few milliseconds."""

_UNREAD: Final = f"{READING} IS NULL AND {READING} IS NOT ''"
"""In the very words of the index that holds these."""
BEHIND: Final = f"SELECT 1 FROM worklist_step WHERE {_UNREAD} LIMIT 1"  # noqa: S608 - names of ours
"""A row when there is something to be read."""
_NEXT: Final = f"""
SELECT s.id, i.attributes FROM worklist_step AS s LEFT JOIN worklist_item AS i ON i.id = s.item_row
WHERE {_UNREAD.replace(READING, f"s.{READING}")} LIMIT {SLICE}
"""  # noqa: S608 - names and a number of ours
_KEEP: Final = f"UPDATE worklist_step SET {READING} = ? WHERE id = ?"  # noqa: S608 - a name of ours

Readings = Mapping[str | None, str]
"""By the attributes of an item as its row has them; none for a step that has lost its item."""


def read_some(fetch: Fetch) -> Readings:
    """Read the names of the next few steps, outside of any transaction: the first hanzi loads the readings of all."""
    return {written: reading(orjson.loads(written or "{}")) for _, written in fetch(_NEXT)}


def keep(execute: Execute, readings: Readings) -> None:
    """Write down what was read, but for items that have changed since. In a transaction."""
    for number, written in execute(_NEXT).fetchall():
        if written in readings:
            execute(_KEEP, (readings[written], number))
