"""What all subcommands share: the settings asked for on the command line, loaded when first needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from calotype.errors import InvalidRequest

if TYPE_CHECKING:
    from calotype.app.loading import Loaded
    from calotype.services.routing.nodes import Node, NodeTls


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

    def node(self, text: str, tls: NodeTls | None = None) -> Node:
        """Understand ``AETITLE@host:port``, or an AE title of the address book. InvalidRequest, NotFound.

        ``tls`` is what the command line says, before what the settings say.
        """
        node = self._node(text)
        return node if tls is None else replace(node, tls=tls)

    def _node(self, text: str) -> Node:
        if "@" in text:
            return node_in(text)
        from calotype.app.book import find_node  # the index's libraries: not needed for an address

        return find_node(self.loaded.settings, text)


def node_in(text: str) -> Node:
    """Understand ``AETITLE@host:port``. InvalidRequest."""
    from calotype.services.routing.nodes import Node

    title, _, address = text.partition("@")
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or not host:
        raise InvalidRequest(f"{text}: write a node as AETITLE@host:port, for example CALOTYPE@localhost:11112")
    return Node(title, host.strip("[]"), int(port))
