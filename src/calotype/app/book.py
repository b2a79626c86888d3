"""From settings to the address book and to who may do what; opens the book alone, for commands without serving."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing, contextmanager

from calotype.app.index import index_path, open_index
from calotype.app.settings import Node as NodeSection
from calotype.app.settings import Settings
from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest
from calotype.services.access.access import AccessSettings
from calotype.services.access.permissions import Permissions, Right
from calotype.services.routing.live import Nodes
from calotype.services.routing.nodes import FixedAddressBook, Node, NodeTimeouts, NodeTls, Role
from calotype.stores.index.nodes import SqliteNodes


def node_of(section: NodeSection) -> Node:
    """Return the node that a section describes. InvalidRequest when it cannot be one."""
    tls = section.tls
    return Node(
        section.ae_title.strip(" "),
        section.host,
        section.port,
        tls=NodeTls(tls.verify, tls.check_hostname, tls.ca, tls.certificate, tls.key) if tls.enabled else None,
        roles=frozenset(map(Role, section.roles)),
        transfer_syntaxes=tuple(map(UID, section.transfer_syntaxes)),
        incoming_transfer_syntaxes=tuple(map(UID, section.incoming_transfer_syntaxes)),
        character_set=section.character_set,
        timeouts=NodeTimeouts(section.connect_s or None, section.dimse_s or None, section.network_s or None),
        note=section.note,
        permissions=Permissions(
            frozenset(map(Right, section.rights)),
            frozenset(title.strip(" ") for title in section.destinations) or None,
            section.bound_to_host,
        ),
        anonymise=section.anonymise,
    )


def fixed_nodes(settings: Settings) -> list[Node]:
    """Return the nodes of the settings. InvalidRequest, naming the section, when one cannot be a node."""
    nodes = []
    for i, section in enumerate(settings.nodes):
        try:
            nodes.append(node_of(section))
        except InvalidRequest as error:
            raise InvalidRequest(f"nodes.{i}: {error}") from error
    return list(FixedAddressBook(nodes).nodes())


def access_of(settings: Settings) -> AccessSettings:
    """Return what is open to all, and who we are."""
    words = dataclasses.asdict(settings.access)
    return AccessSettings(frozenset(right for right in Right if words[right] == "all"), settings.dicom.ae_title)


@contextmanager
def open_book(settings: Settings) -> Iterator[Nodes]:
    """Open the address book, also beside a server that runs; make the index when there is none yet."""
    with closing(open_index(settings)) as index:
        yield Nodes(SqliteNodes(index), fixed_nodes(settings))


def find_node(settings: Settings, ae_title: str) -> Node:
    """Return one node of the settings or of the index; a machine without an archive has the settings' only.

    NotFound when it is in neither.
    """
    if any(section.ae_title.strip(" ") == ae_title.strip(" ") for section in settings.nodes) or not (
        index_path(settings).is_file()
    ):
        return FixedAddressBook(fixed_nodes(settings)).find(ae_title)
    with open_book(settings) as book:
        return book.find(ae_title)
