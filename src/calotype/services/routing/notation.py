"""A node as plain fields (what JSON can hold) and back: the one spelling that stores, HTTP and command line share.

Absent fields have their defaults, so that what was written down by an older release can be read. What may stand in a
field is decided by ``nodes``; here is only how it is spelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from calotype.dicom.hierarchy import UID
from calotype.errors import InvalidRequest
from calotype.services.access.permissions import EVERY_RIGHT, Permissions, Right
from calotype.services.routing.nodes import EVERY_ROLE, Node, NodeTimeouts, NodeTls, Role

Fields = Mapping[str, Any]
Word = TypeVar("Word", bound=StrEnum)

_PATHS: Final = ("ca", "certificate", "key")


def fields_of(node: Node) -> dict[str, Any]:
    """Return a node as strings, numbers, lists and dictionaries."""
    tls, timeouts, permissions = node.tls, node.timeouts, node.permissions
    return {
        "ae_title": node.title,
        "host": node.host,
        "port": node.port,
        "tls": None if tls is None else _tls_fields(tls),
        "roles": sorted(node.roles),
        "transfer_syntaxes": list(node.transfer_syntaxes),
        "incoming_transfer_syntaxes": list(node.incoming_transfer_syntaxes),
        "character_set": node.character_set,
        "timeouts": {item.name: getattr(timeouts, item.name) for item in fields(timeouts)},
        "note": node.note,
        "permissions": {
            "rights": sorted(permissions.rights),
            "destinations": None if permissions.destinations is None else sorted(permissions.destinations),
            "bound_to_host": permissions.bound_to_host,
        },
        "anonymise": node.anonymise,
    }


def node_of(given: Fields) -> Node:
    """Return the node that ``given`` spells. InvalidRequest, naming the field, for what cannot be one."""
    unknown = set(given) - _KNOWN
    if unknown:
        raise InvalidRequest(f"A node has no field {min(unknown)[:40]!r}; it has: {', '.join(sorted(_KNOWN))}.")
    tls, timeouts = _maybe(given, "tls"), _maybe(given, "timeouts") or {}
    permissions = _maybe(given, "permissions") or {}
    destinations = permissions.get("destinations")
    return Node(
        ae_title=_text(given, "ae_title").strip(" "),
        host=_text(given, "host").strip(),
        port=_port(given.get("port")),
        tls=None if tls is None else _tls_of(tls),
        roles=_words(given, "roles", Role, EVERY_ROLE),
        transfer_syntaxes=tuple(UID(text) for text in _texts(given, "transfer_syntaxes")),
        incoming_transfer_syntaxes=tuple(UID(text) for text in _texts(given, "incoming_transfer_syntaxes")),
        character_set=_text(given, "character_set"),
        timeouts=NodeTimeouts(**{item.name: _seconds(timeouts, item.name) for item in fields(NodeTimeouts)}),
        note=_text(given, "note"),
        permissions=Permissions(
            rights=_words(permissions, "rights", Right, EVERY_RIGHT),
            destinations=None if destinations is None else frozenset(_titles(permissions)),
            bound_to_host=_flag(permissions, "bound_to_host", default=False),
        ),
        anonymise=_flag(given, "anonymise", default=False),
    )


_KNOWN: Final = frozenset(item.name for item in fields(Node))


def _tls_fields(tls: NodeTls) -> dict[str, Any]:
    paths = {name: "" if (path := getattr(tls, name)) is None else str(path) for name in _PATHS}
    return {"verify": tls.verify, "check_hostname": tls.check_hostname, **paths}


def _tls_of(given: Fields) -> NodeTls:
    paths = {name: Path(text) if (text := _text(given, name)) else None for name in _PATHS}
    return NodeTls(
        verify=_flag(given, "verify", default=True),
        check_hostname=_flag(given, "check_hostname", default=True),
        **paths,
    )


def _maybe(given: Fields, name: str) -> Fields | None:
    value = given.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise InvalidRequest(f"{name}: give an object of its fields, or leave it out.")
    return value


def _text(given: Fields, name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidRequest(f"{name}: give text.")
    return value


def _texts(given: Fields, name: str) -> list[str]:
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InvalidRequest(f"{name}: give a list of texts.")
    return list(value)


def _titles(given: Fields) -> Iterable[str]:
    return (title.strip(" ") for title in _texts(given, "destinations"))


def _words(given: Fields, name: str, kind: Callable[[str], Word], default: frozenset[Word]) -> frozenset[Word]:
    if given.get(name) is None:
        return default
    try:
        return frozenset(kind(text) for text in _texts(given, name))
    except ValueError as error:
        known = ", ".join(sorted(default))
        raise InvalidRequest(f"{name}: {str(error)[:60]}; known are {known}.") from error


def _port(value: Any) -> int:
    # A bool is an int to Python, and no port.
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequest("port: give a number from 1 to 65535.")
    return value


def _seconds(given: Fields, name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidRequest(f"{name}: give seconds as a number, or leave it out.")
    return float(value)


def _flag(given: Fields, name: str, *, default: bool) -> bool:
    value = given.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InvalidRequest(f"{name}: give true or false.")
    return value
