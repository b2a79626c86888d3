"""The address book that is edited while the house runs: the settings' nodes, read-only, and those in a store.

Asked for every request that comes in, so answers are looked up in a copy. The copy is new at once after an edit made
here, and after :data:`REFRESH_S` at most after one made by another process. What a node may do is said by its
permissions; who enforces them is ``services.access``.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from calotype.dicom.hierarchy import UID
from calotype.errors import CalotypeError, Conflict, NotFound, Refused
from calotype.services.access.permissions import Permissions, Right
from calotype.services.routing.nodes import EVERY_ROLE, FixedAddressBook, Node, Role
from calotype.services.routing.ports import NodeStore

_logger = logging.getLogger(__name__)

REFRESH_S: Final = 2.0
"""How old the copy may be: one short statement in so long, and only while somebody asks."""

RESOLVED_S: Final = 60.0
"""How long the addresses of a host name are believed."""

DICOM_PORT: Final = 104
"""PS3.8 9.1.1: the well-known port, which is the best guess for a node that has only ever called us."""

_FETCHING: Final = frozenset({Role.STORE})

Resolve = Callable[[str], Collection[str]]
"""Returns the IP addresses of a host; none when its name is not known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the address book; ``read_only`` when it stands in the settings."""

    node: Node
    read_only: bool


@dataclass(frozen=True, slots=True)
class _Copy:
    entries: MappingProxyType[str, Entry]
    read_at_s: float


class Nodes:
    """Implements ``AddressBook`` and ``services.access.ports.Acquaintances``. Thread-safe.

    ``resolve`` is asked for the addresses of nodes that are bound to their host.
    """

    def __init__(
        self,
        store: NodeStore,
        fixed: Iterable[Node] = (),
        *,
        resolve: Resolve = lambda host: (host,),
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._fixed = {node.title: Entry(node, read_only=True) for node in FixedAddressBook(fixed).nodes()}
        self._resolve = resolve
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._addresses: dict[str, tuple[float, frozenset[str]]] = {}
        self._wishes: dict[str, list[tuple[UID, ...]]] = {}
        self._copy = self._read()

    # Asking

    def find(self, ae_title: str) -> Node:
        """Return the node of this AE title, leading and trailing spaces ignored; NotFound when there is none."""
        return self.entry(ae_title).node

    def entry(self, ae_title: str) -> Entry:
        """Return the line of this AE title; NotFound when there is none."""
        title = ae_title.strip(" ")
        entry = self._entries().get(title)
        if entry is None:
            raise NotFound(f"AE title {title!r} is not in the address book: add it (`calotype nodes add`).")
        return entry

    def nodes(self) -> Sequence[Node]:
        """Return every node, by AE title."""
        return [entry.node for entry in self.entries()]

    def entries(self) -> Sequence[Entry]:
        """Return every line, by AE title."""
        return [entry for _, entry in sorted(self._entries().items())]

    def recognise(self, ae_title: str, address: str) -> Node | None:
        """Return the node that calls us by this AE title from this IP address, ``None`` for a stranger."""
        entry = self._entries().get(ae_title.strip(" "))
        if entry is None or (entry.node.permissions.bound_to_host and not self._is_at(entry.node.host, address)):
            return None
        return entry.node

    def permissions_of(self, ae_title: str, address: str) -> Permissions | None:
        """Return what this caller may do, ``None`` for a stranger."""
        node = self.recognise(ae_title, address)
        return None if node is None else node.permissions

    def incoming_wish(self, ae_title: str, address: str) -> Sequence[UID]:
        """Return the transfer syntaxes that we like best from this caller, best first; empty for no wish."""
        # Most callers have none, and a listener asks for each association.
        wishes = self._wishes.get(ae_title.strip(" "))
        if wishes:
            return wishes[-1]
        node = self.recognise(ae_title, address)
        return () if node is None else node.incoming_transfer_syntaxes

    @contextmanager
    def wishing(self, ae_title: str, transfer_syntaxes: Sequence[UID]) -> Iterator[None]:
        """While the block runs, like these best from a node: a retrieve may ask for a syntax of its own.

        Of several at a time the newest counts for all: an association does not say which retrieve it belongs to.
        """
        title, wish = ae_title.strip(" "), tuple(transfer_syntaxes)
        with self._lock:
            self._wishes[title] = [*self._wishes.get(title, []), wish]
        try:
            yield
        finally:
            with self._lock:
                left = list(self._wishes[title])
                left.remove(wish)
                self._wishes[title] = left
                if not left:
                    del self._wishes[title]

    # Editing

    def add(self, node: Node) -> None:
        """Put a new node into the book; Conflict when its AE title is taken."""
        if node.title in self._fixed:
            raise Conflict(f"AE title {node.title} stands in the settings' [[nodes]] already.")
        self._store.add(_trimmed(node))
        self._refresh()

    def replace(self, node: Node) -> None:
        """Put ``node`` in the place of the one with its AE title; NotFound, or Refused for one of the settings."""
        self._check_editable(node.title)
        self._store.replace(_trimmed(node))
        self._refresh()

    def remove(self, ae_title: str) -> None:
        """Take a node out of the book; NotFound, or Refused for one of the settings."""
        title = ae_title.strip(" ")
        self._check_editable(title)
        self._store.remove(title)
        self._refresh()

    def take_over(self, nodes: Iterable[Node]) -> Counter[str]:
        """Put many nodes into the book, replacing those of the same AE title; those of the settings stay.

        Returns how many were ``added``, ``replaced``, ``unchanged`` and ``kept`` as the settings have them.
        """
        counts: Counter[str] = Counter()
        known = self._entries()
        for node in map(_trimmed, nodes):
            before = known.get(node.title)
            if before is None:
                self._store.add(node)
                counts["added"] += 1
            elif before.node == node:
                counts["unchanged"] += 1
            elif before.read_only:
                counts["kept"] += 1
            else:
                self._store.replace(node)
                counts["replaced"] += 1
        self._refresh()
        return counts

    def admit(
        self,
        ae_title: str,
        address: str,
        rights: Iterable[Right],
        *,
        port: int | None = None,
        destination: str = "",
    ) -> Node:
        """Let a caller do more: add its rights to its node, or make it a node at the address that it calls from.

        A node that is bound to another host is not moved: Refused, because that is what binding is for. One of the
        settings is Refused too. ``destination`` joins those that it may move to. Without
        ``port`` that is a guess, and it is not known that the caller serves anything; who may fetch takes images at
        least.
        """
        title = ae_title.strip(" ")
        entry = self._entries().get(title)
        if entry is None:
            allows = frozenset(rights)
            note, roles = f"admitted; called from {address}", EVERY_ROLE
            if port is None:
                port, note = DICOM_PORT, f"{note}, the port is a guess"
                roles = _FETCHING if Right.MOVE in allows else frozenset[Role]()
            node = Node(title, address, port, note=note, roles=roles, permissions=Permissions(allows))
            self.add(node)
            return node
        before = entry.node
        permissions = before.permissions
        if permissions.bound_to_host and not self._is_at(before.host, address):
            raise Refused(
                f"AE title {title} is bound to {before.host} and was called from {address}: if the device has moved,"
                " change the node's host."
            )
        allowed = permissions.destinations
        if destination and allowed is not None:
            allowed = allowed | {destination.strip(" ")}
        node = replace(
            before,
            permissions=replace(permissions, rights=permissions.rights | frozenset(rights), destinations=allowed),
        )
        self.replace(node)
        return node

    def _check_editable(self, title: str) -> None:
        if title in self._fixed:
            raise Refused(f"AE title {title} stands in the settings' [[nodes]]: change it there.")

    # The copy

    def _entries(self) -> MappingProxyType[str, Entry]:
        copy = self._copy
        if self._clock_s() - copy.read_at_s < REFRESH_S:
            return copy.entries
        # One thread reads; the others need not wait for it.
        if self._lock.acquire(blocking=False):
            try:
                self._copy = self._read()
            except CalotypeError as error:
                _logger.warning("the address book could not be read again, the last copy stays in use: %s", error)
                self._copy = replace(copy, read_at_s=self._clock_s())
            finally:
                self._lock.release()
        return self._copy.entries

    def _refresh(self) -> None:
        with self._lock:
            self._copy = self._read()

    def _read(self) -> _Copy:
        now_s = self._clock_s()
        entries = {node.title: Entry(node, read_only=False) for node in self._store.nodes()}
        # A node written into the settings later takes the place of the one in the store.
        return _Copy(MappingProxyType(entries | self._fixed), now_s)

    def _is_at(self, host: str, address: str) -> bool:
        now_s = self._clock_s()
        known = self._addresses.get(host)
        if known is None or now_s - known[0] >= RESOLVED_S:
            known = now_s, frozenset(self._resolve(host))
            self._addresses[host] = known
        return address in known[1]


def _trimmed(node: Node) -> Node:
    return node if node.ae_title == node.title else replace(node, ae_title=node.title)
