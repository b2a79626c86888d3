"""In which character set a caller is spoken to that does not say: by what the address book knows of it."""

from __future__ import annotations

from calotype.dicom import text
from calotype.network.association import Association
from calotype.services.routing.nodes import AddressBook


def charsets_of_caller(association: Association, nodes: AddressBook | None) -> tuple[str, ...]:
    """Return the sets of the node that calls; the default repertoire (ASCII) of one without, and of a stranger.

    PS3.4 C.4.1.1.3.2 has a request without Specific Character Set (0008,0005) mean the default repertoire. Devices
    exist that leave it out and can show more; an administrator says so of the node.
    """
    node = nodes and nodes.recognise(association.calling_ae_title, association.peer_address)
    if not node or not node.character_set:
        return text.DEFAULT_CHARSETS
    return text.charsets_of(node.character_set.encode("ascii"))[0]
