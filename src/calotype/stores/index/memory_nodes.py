"""The address book's store in memory, for tests."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from calotype.errors import Conflict, NotFound
from calotype.services.routing.nodes import Node


class MemoryNodes:
    """Implements ``services.routing.ports.NodeStore``."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._lock = threading.Lock()

    def nodes(self) -> Sequence[Node]:
        """Return every node, by AE title."""
        with self._lock:
            return [self._nodes[title] for title in sorted(self._nodes)]

    def add(self, node: Node) -> None:
        """Keep a new node; Conflict when its AE title is taken."""
        with self._lock:
            if node.title in self._nodes:
                raise Conflict(f"AE title {node.title} is in the address book already.")
            self._nodes[node.title] = node

    def replace(self, node: Node) -> None:
        """Keep ``node`` in the place of the one with its AE title; NotFound when there is none."""
        with self._lock:
            self._check_known(node.title)
            self._nodes[node.title] = node

    def remove(self, ae_title: str) -> None:
        """Forget a node; NotFound when there is none."""
        with self._lock:
            self._check_known(ae_title)
            del self._nodes[ae_title]

    def _check_known(self, title: str) -> None:
        if title not in self._nodes:
            raise NotFound(f"AE title {title!r} is not in the address book.")
