"""What all subcommands share: the settings asked for on the command line, loaded when first needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from calotype.errors import InvalidRequest

if TYPE_CHECKING:
    from calotype.app.loading import Loaded
    from calotype.services.routing.nodes import Node


@dataclass
class Session:
    """One run of the command: ``--config`` and ``--set`` as given."""

    config: str | None
    flags: Sequence[str]

    @cached_property
    def loaded(self) -> Loaded:
        """The effective settings. Raises what ``app.loading.load`` raises."""
        from calotype.app.loading import load  # pydantic: not needed for --help

        pairs = {}
        for flag in self.flags:
            key, equals, value = flag.partition("=")
            if not equals:
                raise InvalidRequest(f"--set {flag}: write KEY=VALUE, for example -s http.port=8080")
            pairs[key.strip()] = value
        return load(Path(self.config) if self.config else None, flags=pairs)

    def node(self, text: str) -> Node:
        """Understand ``AETITLE@host:port``, or an AE title of the settings' nodes. InvalidRequest, NotFound."""
        from calotype.services.routing.nodes import FixedAddressBook, Node

        title, at, address = text.partition("@")
        if not at:
            book = FixedAddressBook(Node(n.ae_title, n.host, n.port) for n in self.loaded.settings.nodes)
            return book.find(text)
        host, colon, port = address.rpartition(":")
        if not colon or not port.isdecimal() or not host:
            raise InvalidRequest(f"{text}: write a node as AETITLE@host:port, for example CALOTYPE@localhost:11112")
        return Node(title, host.strip("[]"), int(port))
