"""The neighbours that we know by name: the address book behind Move Destination (0000,0600).

What a neighbour is and how one is looked up stands here; nothing here connects to one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from calotype.errors import InvalidRequest, NotFound

AE_TITLE_CHARACTERS = 16
"""PS3.5 Table 6.2-1: an AE has at most so many characters."""


@dataclass(frozen=True, slots=True)
class Node:
    """A neighbour: its AE title and where it listens. InvalidRequest when it cannot be one."""

    ae_title: str
    host: str
    port: int

    def __post_init__(self) -> None:
        check_ae_title(self.ae_title)
        if not self.host.strip():
            raise InvalidRequest(f"Node {self.ae_title} has no host: give its host name or address.")
        if not 0 < self.port < 65536:
            raise InvalidRequest(f"Node {self.ae_title}: port {self.port} is not between 1 and 65535.")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.ae_title}@{host}:{self.port}"


class AddressBook(Protocol):
    """Who is known. Any thread may ask at any time."""

    def find(self, ae_title: str) -> Node:
        """Return the node of this AE title, leading and trailing spaces ignored; NotFound when there is none."""
        ...

    def nodes(self) -> Sequence[Node]:
        """Return every node, by AE title."""
        ...


class FixedAddressBook:
    """An address book that is written once, from the settings."""

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._nodes: dict[str, Node] = {}
        for node in nodes:
            title = node.ae_title.strip(" ")
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

    def nodes(self) -> Sequence[Node]:
        """Return every node, by AE title."""
        return [self._nodes[title] for title in sorted(self._nodes)]


def check_ae_title(ae_title: str) -> None:
    """Raise InvalidRequest unless ``ae_title`` is one (PS3.5 6.2: 1 to 16 of the basic G0 set, no backslash)."""
    title = ae_title.strip(" ")
    if not title:
        raise InvalidRequest("An AE title must not be empty.")
    if len(ae_title) > AE_TITLE_CHARACTERS:
        raise InvalidRequest(f"AE title {ae_title!r} is longer than {AE_TITLE_CHARACTERS} characters.")
    if not (title.isascii() and title.isprintable()) or "\\" in title:
        raise InvalidRequest(f"AE title {ae_title!r} holds characters other than printable ASCII without backslash.")
