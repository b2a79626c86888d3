"""Address books of other servers, as nodes of ours.

Read are Orthanc's ``DicomModalities`` (a configuration file, that section alone, or what its REST interface gives)
and DicomSCP's ``appsettings.json`` (``RemoteNodes``, ``MoveDestinations``, ``Printers``). Both kinds of file may hold
comments and commas behind the last item. What cannot be a node is told and left out; the others are taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from calotype.errors import CalotypeError, InvalidRequest
from calotype.services.access.permissions import EVERY_RIGHT, Permissions, Right
from calotype.services.routing.nodes import EVERY_ROLE, MAX_NOTE_CHARACTERS, Node, NodeTimeouts, NodeTls, Role

MAX_CHARACTERS: Final = 4 * 1024 * 1024
MAX_NODES: Final = 10_000

# Each alternative takes something whatever follows, so that this is linear in what a hostile text is long.
_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?', re.DOTALL)
_LAST_COMMAS: Final = re.compile(r'("(?:[^"\\]|\\.)*"?)|,(?=\s{0,1000}[\]}])', re.DOTALL)

_ORTHANC_RIGHTS: Final[Mapping[str, tuple[Right, ...]]] = {
    "AllowStore": (Right.STORE,),
    "AllowFind": (Right.FIND,),
    "AllowMove": (Right.MOVE,),
    "AllowGet": (Right.GET,),
    "AllowFindWorklist": (Right.WORKLIST, Right.MPPS),
    "AllowStorageCommitment": (Right.COMMITMENT,),
    "AllowNAction": (Right.COMMITMENT,),
}
"""Orthanc's permissions, all of them given where nothing is said."""

_DICOMSCP_ROLES: Final[Mapping[str, frozenset[Role]]] = {
    "store": frozenset({Role.STORE}),
    "qr": frozenset({Role.QUERY}),
    "all": EVERY_ROLE,
}
_DICOMSCP_LISTS: Final = (
    (("QueryRetrieveConfig", "RemoteNodes"), None),
    (("DicomSettings", "QRSCP", "MoveDestinations"), frozenset({Role.STORE})),
    (("DicomSettings", "PrintSCU", "Printers"), frozenset({Role.PRINT})),
)
"""Where its lists stand, and what they are lists of; None where each item has a ``Type``."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """What was found, one node an AE title, and a line for each entry that is left out."""

    nodes: tuple[Node, ...]
    problems: tuple[str, ...]


def read_foreign(text: str) -> Takeover:
    """Read an address book of Orthanc or DicomSCP. InvalidRequest when it is neither."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidRequest(f"The file has more than {MAX_CHARACTERS} characters: give the part with the nodes.")
    document = _parse(text)
    if not isinstance(document, dict):
        raise InvalidRequest(
            "This is a JSON file, but no object: give Orthanc's DicomModalities or an appsettings.json."
        )
    items = list(_dicomscp(document)) or list(_orthanc(document))
    if not items:
        raise InvalidRequest(
            "There are no nodes in it: give Orthanc's DicomModalities, or DicomSCP's RemoteNodes or MoveDestinations."
        )
    if len(items) > MAX_NODES:
        raise InvalidRequest(f"There are more than {MAX_NODES} nodes in it.")
    return _gather(items)


def _parse(text: str) -> Any:
    bare = _TOKENS.sub(lambda found: found[0] if found[0].startswith('"') else " ", text.removeprefix("\ufeff"))
    bare = _LAST_COMMAS.sub(lambda found: found[1] or "", bare)
    try:
        return json.loads(bare)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"This is no JSON: {error}.") from error


Item = tuple[str, Node | str]
"""Where an entry stands, and the node it gives or what is wrong with it."""


def _gather(items: list[Item]) -> Takeover:
    nodes: dict[str, Node] = {}
    problems: list[str] = []
    for where, found in items:
        if isinstance(found, str):
            problems.append(f"{where}: {found}")
            continue
        before = nodes.setdefault(found.title, found)
        if (before.host, before.port) != (found.host, found.port):
            problems.append(f"{where}: {found} has the AE title of {before}; the first is taken.")
        elif before is not found:
            # One server in two lists: it serves what both say.
            nodes[found.title] = replace(before, roles=before.roles | found.roles)
    return Takeover(tuple(nodes.values()), tuple(problems))


def _dicomscp(document: Mapping[str, Any]) -> Iterator[Item]:
    for path, roles in _DICOMSCP_LISTS:
        for section in (document, *_inside(document, path[:-1])):
            given = section.get(path[-1])
            for number, entry in enumerate(given if isinstance(given, list) else ()):
                yield _tried(f"{path[-1]}[{number}]", entry, lambda entry, roles=roles: _of_dicomscp(entry, roles))


def _inside(document: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    section: Any = document
    for name in path:
        section = section.get(name)
        if not isinstance(section, dict):
            return
    yield section


def _of_dicomscp(entry: Any, roles: frozenset[Role] | None) -> Node:
    if not isinstance(entry, dict):
        raise InvalidRequest("is no object")
    if roles is None:
        roles = _DICOMSCP_ROLES.get(str(entry.get("Type", "all")).lower(), EVERY_ROLE)
    note = " ".join(str(entry[name]) for name in ("Name", "Description") if entry.get(name))
    title, host = _words(entry, "AeTitle"), _words(entry, "HostName")
    return Node(title, host, _port(entry.get("Port")), roles=roles, note=note[:MAX_NOTE_CHARACTERS])


def _orthanc(document: Mapping[str, Any]) -> Iterator[Item]:
    section = document.get("DicomModalities", document)
    if not isinstance(section, dict):
        return
    for name, entry in section.items():
        # Without the section's name around it, it could be any file: only what looks like a modality is read as one.
        looks_right = "AET" in entry if isinstance(entry, dict) else isinstance(entry, list)
        if looks_right or section is not document:
            yield _tried(name[:64], entry, lambda entry, name=name: _of_orthanc(entry, name))


def _of_orthanc(entry: Any, name: str) -> Node:
    if isinstance(entry, list):
        if len(entry) not in {3, 4}:
            raise InvalidRequest("has not the form [AE title, host, port, manufacturer]")
        entry = dict(zip(("AET", "Host", "Port", "Manufacturer"), entry, strict=False))
    if not isinstance(entry, dict):
        raise InvalidRequest("is neither a list nor an object")
    title, host, port = _words(entry, "AET"), _words(entry, "Host"), _port(entry.get("Port"))
    denied = {right for key, rights in _ORTHANC_RIGHTS.items() if entry.get(key) is False for right in rights}
    timeout_s = entry.get("Timeout")
    has_timeout = isinstance(timeout_s, int | float) and not isinstance(timeout_s, bool) and timeout_s > 0
    return Node(
        title,
        host,
        port,
        tls=NodeTls() if entry.get("UseDicomTls") is True else None,
        timeouts=NodeTimeouts(connect_s=timeout_s, dimse_s=timeout_s) if has_timeout else NodeTimeouts(),
        note=name[:MAX_NOTE_CHARACTERS],
        permissions=Permissions(EVERY_RIGHT - denied),
    )


def _tried(where: str, entry: Any, read: Any) -> Item:
    try:
        return where, read(entry)
    except CalotypeError as error:
        return where, str(error)


def _words(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} is missing, or no text")
    return value.strip()


def _port(value: Any) -> int:
    # Orthanc takes a port as text, too.
    if isinstance(value, str) and value.isdecimal() and len(value) <= 5:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequest("Port is missing, or no number")
    return value
