"""What proxies say of a request: whom it is from, what it was sent to, below which path.

By ``Forwarded`` (RFC 7239) or ``X-Forwarded-For, -Proto, -Host, -Port``, and by ``X-Forwarded-Prefix``. Only proxies
that the settings list are believed, hop by hop from ourselves outwards; whatever anybody else says changes nothing.
All other code sees one truth: the scope's client, scheme, host and root path.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from calotype.web.url_parts import is_host, is_path

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HEADER_CHARS: Final = 4096
MAX_HOPS: Final = 32

_PORTS: Final = {"http": "80", "https": "443"}
# RFC 7239 6: an address with or without port, or a name of the proxy's own making.
_NODE: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9A-Za-z._-]{1,64})?\Z")
_HIDDEN: Final = re.compile(r"(?:unknown|_[A-Za-z0-9._-]{1,62})\Z")
_PAIR: Final = re.compile(
    r'\s*(?:([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]*))?\s*([;,]|\Z)'  # RFC 7239 4, lenient with empty pairs
)


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy says of the request that it took; empty where it says nothing."""

    client: str = ""
    scheme: str = ""
    host: str = ""


class Forwarding:
    """ASGI middleware: rewrites the scope by what trusted proxies say, and puts us below ``root_path``.

    ``root_path`` is where we are reached when no proxy says so; proxies may cut it off or leave it on.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[Network] = (), root_path: str = "") -> None:
        self._app = app
        self._trusted = tuple(trusted)
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http":
            scope = self._seen(scope)
        await self._app(scope, receive, send)

    def _seen(self, scope: Scope) -> Scope:
        root_path = self._root_path
        peer = scope.get("client")
        if self._trusted and peer is not None and self._trusts(peer[0]):
            headers = Headers(scope=scope)
            hop = self._outermost(headers)
            prefix = headers.get("x-forwarded-prefix", "").strip().rstrip("/")
            root_path = prefix if is_path(prefix) else root_path
            scope = _rewritten(scope, hop)
        return _below(scope, root_path) if root_path else scope

    def _trusts(self, client: str) -> bool:
        address = _address(client)
        return address is not None and any(address in network for network in self._trusted)

    def _outermost(self, headers: Headers) -> Hop:
        """Return the word of the outermost proxy that is believed: each is believed of its peer, so of the next.

        A proxy knows one way to say it, and hands on what a client says in the other. Where both are there and name
        two clients, it cannot be told which is the proxy's, and neither is believed.
        """
        standard, custom = self._by_standard(headers), self._by_custom(headers)
        if standard is None:
            return custom
        return standard if custom.client in {"", standard.client} else Hop()

    def _by_standard(self, headers: Headers) -> Hop | None:
        hops = _forwarded(_joined(headers, "forwarded"))
        if not hops:
            return None
        for hop in reversed(hops[-MAX_HOPS:]):
            if not self._trusts(hop.client):
                return hop
        return hops[0]

    def _by_custom(self, headers: Headers) -> Hop:
        """Read the headers that everybody sends though no standard has them."""
        clients = _listed(headers, "x-forwarded-for")
        steps = 1
        while steps < min(len(clients), MAX_HOPS) and self._trusts(_node(clients[-steps])):
            steps += 1
        client, scheme, host, port = (
            # As far from the end as the client is; a proxy that sets a header anew leaves one value only.
            values[max(0, len(values) - steps)] if values else ""
            for values in (
                clients,
                _listed(headers, "x-forwarded-proto"),
                _listed(headers, "x-forwarded-host"),
                _listed(headers, "x-forwarded-port"),
            )
        )
        scheme = scheme.lower()
        if port.isascii() and port.isdecimal() and len(port) < 6:
            host = host or headers.get("host", "")
            has_port = host.rpartition(":")[2].isdecimal() and not host.endswith("]")
            if host and not has_port and port != _PORTS.get(scheme):
                host = f"{host}:{port}"
        return Hop(_node(client), scheme, host)


def _rewritten(scope: Scope, hop: Hop) -> Scope:
    """Return the scope as the proxy's client sent it. What makes no sense is passed over."""
    changes: dict[str, object] = {}
    if hop.client:
        changes["client"] = (hop.client, 0)
    if hop.scheme in _PORTS:
        changes["scheme"] = hop.scheme
    if is_host(hop.host):
        others = [pair for pair in scope["headers"] if pair[0] != b"host"]
        changes["headers"] = [*others, (b"host", hop.host.encode("ascii"))]
    return {**scope, **changes}


def _below(scope: Scope, root_path: str) -> Scope:
    """Return the scope with ``root_path`` in front of its path, as ASGI wants it, whether it came with it or not."""
    path: str = scope["path"]
    if path != root_path and not path.startswith(f"{root_path}/"):
        path = root_path + path
    return {**scope, "path": path, "root_path": root_path}


def _forwarded(text: str) -> list[Hop]:
    """Read ``Forwarded``; nothing where it cannot be read to its end."""
    hops: list[Hop] = []
    pairs: dict[str, str] = {}
    at = 0
    while at <= len(text):
        found = _PAIR.match(text, at)
        if found is None:
            return []
        if found[1]:
            value = found[2]
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            pairs.setdefault(found[1].lower(), value)
        if found[3] != ";":
            if pairs:
                hops.append(_hop(pairs))
            pairs = {}
        at = found.end() if found[3] else len(text) + 1
    return hops


def _hop(pairs: Mapping[str, str]) -> Hop:
    return Hop(_node(pairs.get("for", "")), pairs.get("proto", "").lower(), pairs.get("host", ""))


def _node(text: str) -> str:
    """Return the address, or the name that stands for one, without a port; empty for anything else."""
    if _HIDDEN.match(text):
        return text
    found = _NODE.match(text)
    # Without brackets an address of IPv6 has no port; not every proxy knows that it needs them.
    address = _address((found[1] or found[2]) if found else text)
    return str(address) if address is not None else ""


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        # Who listens on both IP versions with one socket sees IPv4 so.
        return address.ipv4_mapped
    return address


def _joined(headers: Headers, name: str) -> str:
    text = ", ".join(headers.getlist(name))
    return text if len(text) <= MAX_HEADER_CHARS else ""


def _listed(headers: Headers, name: str) -> list[str]:
    return [value.strip() for value in _joined(headers, name).split(",") if value.strip()]
