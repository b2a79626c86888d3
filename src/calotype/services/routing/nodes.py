"""The neighbours that we know by name: the address book behind Move Destination (0000,0600).

What a neighbour is and how one is looked up stands here; nothing here connects to one. The book that is edited while
the house runs is in ``live``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from calotype.dicom import charsets
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import STORABLE_TRANSFER_SYNTAXES
from calotype.errors import InvalidRequest, NotFound
from calotype.services.access.permissions import EVERYTHING, Permissions

AE_TITLE_CHARACTERS = 16
"""PS3.5 Table 6.2-1: an AE has at most so many characters."""

MAX_HOST_CHARACTERS: Final = 253
"""RFC 1035 2.3.4: a host name has at most so many characters as text."""

MAX_NOTE_CHARACTERS: Final = 1000
MAX_TRANSFER_SYNTAXES: Final = 64
MAX_TIMEOUT_S: Final = 86_400.0


class Role(StrEnum):
    """What a neighbour serves, when we call it."""

    STORE = "store"
    QUERY = "query"
    WORKLIST = "worklist"
    PRINT = "print"
    COMMITMENT = "commitment"


EVERY_ROLE: Final = frozenset(Role)


@dataclass(frozen=True, slots=True)
class NodeTls:
    """How to call a node over TLS. Paths are PEM files on this machine.

    Without ``ca`` the system's authorities are trusted. Without ``check_hostname`` any certificate of theirs is good,
    whatever name it bears (many devices' bear none); without ``verify`` the peer may be anybody, and only who
    listens in on the way is kept out. ``certificate`` and ``key`` say who we are, when the node wants to know; a key
    that is not given is in the certificate's file. InvalidRequest for a path that is not absolute.
    """

    verify: bool = True
    check_hostname: bool = True
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        for path in (self.ca, self.certificate, self.key):
            if path is not None and not path.is_absolute():
                raise InvalidRequest(
                    f"{path}: name the PEM file by its whole path, from the root of the file system."
                )
        if self.key is not None and self.certificate is None:
            raise InvalidRequest(f"The key {self.key} has no certificate: name both, or neither.")


@dataclass(frozen=True, slots=True)
class NodeTimeouts:
    """Patience with one node in seconds; ``None`` is the setting that holds for all."""

    connect_s: float | None = None
    """For the TCP connection and the TLS handshake."""
    dimse_s: float | None = None
    """For an answer, to the association request too."""
    network_s: float | None = None
    """For the next bytes in the middle of a message."""

    def __post_init__(self) -> None:
        for seconds in (self.connect_s, self.dimse_s, self.network_s):
            if seconds is not None and not 0 < seconds <= MAX_TIMEOUT_S:
                raise InvalidRequest(f"A timeout of {seconds} s: give seconds above 0 and up to {MAX_TIMEOUT_S:g}.")


@dataclass(frozen=True, slots=True)
class Node:
    """A neighbour: its AE title, where it listens, how it wants to be called, and what it may do here.

    ``transfer_syntaxes`` are what it likes best of what we send to it, ``incoming_transfer_syntaxes`` what we like
    best of what it sends to us; best first, empty for no wish. ``character_set`` is the defined term of (0008,0005)
    that it is to be spoken to in when it does not say, empty for no wish. ``anonymise``: what is sent to it leaves
    without its patient. InvalidRequest when it cannot be a node.
    """

    ae_title: str
    host: str
    port: int
    tls: NodeTls | None = None
    roles: frozenset[Role] = EVERY_ROLE
    transfer_syntaxes: tuple[UID, ...] = ()
    incoming_transfer_syntaxes: tuple[UID, ...] = ()
    character_set: str = ""
    timeouts: NodeTimeouts = NodeTimeouts()
    note: str = ""
    permissions: Permissions = EVERYTHING
    anonymise: bool = False

    def __post_init__(self) -> None:
        check_ae_title(self.ae_title)
        who = f"Node {self.ae_title}"
        if not self.host.strip():
            raise InvalidRequest(f"{who} has no host: give its host name or address.")
        if len(self.host) > MAX_HOST_CHARACTERS or not self.host.isprintable() or " " in self.host:
            raise InvalidRequest(f"{who}: {self.host[:40]!r} is no host: give its host name or address.")
        if not 0 < self.port < 65536:
            raise InvalidRequest(f"{who}: port {self.port} is not between 1 and 65535.")
        for syntaxes in (self.transfer_syntaxes, self.incoming_transfer_syntaxes):
            _check_transfer_syntaxes(who, syntaxes)
        if self.character_set:
            unknown = [term for term in self.character_set.split("\\") if term and term not in charsets.BY_TERM]
            if unknown:
                raise InvalidRequest(f"{who}: {unknown[0][:40]!r} is no character set of PS3.3 C.12.1.1.2.")
        if len(self.note) > MAX_NOTE_CHARACTERS:
            raise InvalidRequest(f"{who}: the note has more than {MAX_NOTE_CHARACTERS} characters.")
        if any("\ud800" <= each <= "\udfff" for each in self.note):
            raise InvalidRequest(f"{who}: the note holds half a character; write it anew.")
        for destination in self.permissions.destinations or ():
            check_ae_title(destination)

    @property
    def title(self) -> str:
        """The AE title without the spaces around it, which mean nothing (PS3.5 6.2): what nodes are known by."""
        return self.ae_title.strip(" ")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.ae_title}@{host}:{self.port}"


class AddressBook(Protocol):
    """Who is known. Any thread may ask at any time; asking is as fast as looking into a dictionary."""

    def find(self, ae_title: str) -> Node:
        """Return the node of this AE title, leading and trailing spaces ignored; NotFound when there is none."""
        ...

    def recognise(self, ae_title: str, address: str) -> Node | None:
        """Return the node that calls us by this AE title from this IP address, ``None`` for a stranger."""
        ...

    def nodes(self) -> Sequence[Node]:
        """Return every node, by AE title."""
        ...


class FixedAddressBook:
    """An address book that is written once, from the settings."""

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._nodes: dict[str, Node] = {}
        for node in nodes:
            title = node.title
            if title in self._nodes:
                raise InvalidRequest(f"AE title {title} stands twice in the address book: remove one.")
            self._nodes[title] = node

    def find(self, ae_title: str) -> Node:
        """Return the node of this AE title; NotFound when there is none."""
        title = ae_title.strip(" ")
        try:
            return self._nodes[title]
        except KeyError:
            raise NotFound(f"AE title {title!r} is not in the address book: add it to [[nodes]].") from None

    def recognise(self, ae_title: str, address: str) -> Node | None:
        """Return the node that calls by this AE title; one bound to its host must call from that very address."""
        node = self._nodes.get(ae_title.strip(" "))
        return None if node is None or (node.permissions.bound_to_host and node.host != address) else node

    def nodes(self) -> Sequence[Node]:
        """Return every node, by AE title."""
        return [self._nodes[title] for title in sorted(self._nodes)]


def serving(nodes: AddressBook, ae_title: str, role: Role) -> Node:
    """Return a node that serves ``role``; InvalidRequest, before anybody is called, when it is said not to.

    NotFound when there is no such node.
    """
    node = nodes.find(ae_title)
    if role not in node.roles:
        raise InvalidRequest(
            f"{node.title} does not have the role {role.value!r} in the address book; add it if it does that."
        )
    return node


def check_ae_title(ae_title: str) -> None:
    """Raise InvalidRequest unless ``ae_title`` is one (PS3.5 6.2: 1 to 16 of the basic G0 set, no backslash)."""
    title = ae_title.strip(" ")
    if not title:
        raise InvalidRequest("An AE title must not be empty.")
    if len(ae_title) > AE_TITLE_CHARACTERS:
        raise InvalidRequest(f"AE title {ae_title!r} is longer than {AE_TITLE_CHARACTERS} characters.")
    if not (title.isascii() and title.isprintable()) or "\\" in title:
        raise InvalidRequest(f"AE title {ae_title!r} holds characters other than printable ASCII without backslash.")


def _check_transfer_syntaxes(who: str, syntaxes: Sequence[UID]) -> None:
    if len(syntaxes) > MAX_TRANSFER_SYNTAXES:
        raise InvalidRequest(f"{who}: more than {MAX_TRANSFER_SYNTAXES} transfer syntaxes.")
    for syntax in syntaxes:
        if syntax not in STORABLE_TRANSFER_SYNTAXES:
            raise InvalidRequest(f"{who}: {syntax[:64]!r} is the UID of no transfer syntax for stored objects.")
