"""The address book's rows, in the same file as the index.

What is looked for or shown in lists has a column; how a node wants to be called and what it may do stands as one JSON
document, in the spelling of ``services.routing.notation``. The book is small and read as a whole.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from calotype.errors import CalotypeError, Conflict, NotFound
from calotype.services.routing.nodes import Node
from calotype.services.routing.notation import fields_of, node_of
from calotype.stores.index.sqlite import SqliteIndex

_logger = logging.getLogger(__name__)

ALL: Final = "SELECT ae_title, host, port, note, details FROM node ORDER BY ae_title"
IS_THERE: Final = "SELECT 1 FROM node WHERE ae_title = ?"
ADD: Final = "INSERT INTO node (host, port, note, details, ae_title) VALUES (?, ?, ?, ?, ?)"
REPLACE: Final = "UPDATE node SET host = ?, port = ?, note = ?, details = ? WHERE ae_title = ?"
REMOVE: Final = "DELETE FROM node WHERE ae_title = ?"

_COLUMNS: Final = ("ae_title", "host", "port", "note")


class SqliteNodes:
    """Implements ``services.routing.ports.NodeStore``."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def nodes(self) -> Sequence[Node]:
        """Return every node, by AE title; one that this release cannot read is left out, and logged."""
        return [node for row in self._index.read(ALL) if (node := _node(row)) is not None]

    def add(self, node: Node) -> None:
        """Keep a new node; Conflict when its AE title is taken."""
        row = _row(node)

        def work(connection: sqlite3.Connection) -> None:
            if _is_there(connection, node.title):
                raise Conflict(f"AE title {node.title} is in the address book already.")
            connection.execute(ADD, row)

        self._index.write(work)

    def replace(self, node: Node) -> None:
        """Keep ``node`` in the place of the one with its AE title; NotFound when there is none."""
        row = _row(node)

        def work(connection: sqlite3.Connection) -> None:
            _check_known(connection, node.title)
            connection.execute(REPLACE, row)

        self._index.write(work)

    def remove(self, ae_title: str) -> None:
        """Forget a node; NotFound when there is none."""

        def work(connection: sqlite3.Connection) -> None:
            _check_known(connection, ae_title)
            connection.execute(REMOVE, (ae_title,))

        self._index.write(work)


def _is_there(connection: sqlite3.Connection, title: str) -> bool:
    return connection.execute(IS_THERE, (title,)).fetchone() is not None


def _check_known(connection: sqlite3.Connection, title: str) -> None:
    if not _is_there(connection, title):
        raise NotFound(f"AE title {title!r} is not in the address book.")


def _row(node: Node) -> tuple[Any, ...]:
    details = {name: value for name, value in fields_of(node).items() if name not in _COLUMNS}
    return (node.host, node.port, node.note, json.dumps(details, separators=(",", ":")), node.title)


def _node(row: Sequence[Any]) -> Node | None:
    try:
        return node_of({**json.loads(row[4]), **dict(zip(_COLUMNS, row, strict=False))})
    except (CalotypeError, ValueError, TypeError) as error:
        # Written by another release, or by hand: the other nodes must be served all the same.
        _logger.warning("node %r of the address book cannot be read: %s", row[0], error)
        return None
