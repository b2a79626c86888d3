"""The desk where a request says who sends it: what it shows becomes a grant, or nothing.

What is remembered is found at once; only the rest goes to a thread, and passwords to few of them.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from starlette.types import Scope

from calotype.services.access import secrets
from calotype.services.access.logins import Caller, Logins
from calotype.services.access.model import Grant
from calotype.web.credentials import (
    Basic,
    Bearer,
    authorization_of,
    header,
    launch_secret,
    read_authorization,
    session_secret,
)
from calotype.web.offload import Offload
from calotype.web.settings import WebSettings

LOOKUPS: Final = 4
"""Questions to the store of users at one time."""

PASSWORDS: Final = 2
"""Passwords tested at one time: each takes 64 MiB and all of a processor."""

_PROXIED: Final = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"via"}
)


class Desk:
    """Knows whose a request is. Used by the event loop.

    ``passwords`` is where passwords are tested, ``lookups`` where what is theirs is looked up.
    """

    def __init__(self, logins: Logins, settings: WebSettings) -> None:
        self.logins = logins
        self.passwords = Offload(PASSWORDS)
        self.lookups = Offload(LOOKUPS)
        self._settings = settings

    async def grant(self, scope: Scope, *, is_use: bool) -> tuple[Scope, Grant | None]:
        """Return what a request may do, and the request without what must not be handed on.

        ``is_use``: a person did something, which prolongs a session. Raises what testing a password does.
        """
        told = authorization_of(scope)
        if told is not None:
            return scope, await self._by_authorization(scope, told)
        secret = session_secret(scope, self._settings)
        if secret:
            return scope, await self._by_session(secret, is_use=is_use)
        secret, query = launch_secret(scope)
        if secret:
            return {**scope, "query_string": query}, await self._by_token(secret)
        return scope, None

    async def _by_authorization(self, scope: Scope, told: str) -> Grant | None:
        match read_authorization(told):
            case Bearer(secret):
                return await self._by_token(secret)
            case Basic(_, password) if secrets.is_token(password):
                return await self._by_token(password)
            case Basic(user, password):
                caller = caller_of(scope)
                known = self.logins.remembered(self.logins.key_of(user, password, caller))
                return known or await self.passwords(self.logins.by_password, user, password, caller)
            case _:
                return None

    async def _by_token(self, secret: str) -> Grant | None:
        tokens, digest = self.logins.tokens, secrets.digest(secret)
        return tokens.remembered(digest) or await self.lookups(tokens.look_up, digest)

    async def _by_session(self, secret: str, *, is_use: bool) -> Grant | None:
        sessions, digest = self.logins.sessions, secrets.digest(secret)
        known = sessions.remembered(digest, is_use=is_use)
        return known or await self.lookups(lambda: sessions.look_up(digest, is_use=is_use))


def caller_of(scope: Scope) -> Caller:
    """Return where a request comes from.

    Local is what is sent to this machine by its own name, from itself, with no proxy in between: those who sit behind
    a proxy, and pages that have their name lead here, come from elsewhere. A proxy that says nothing of itself is
    known by the HTTP/1.0 that many speak to those behind them, and no browser does.
    """
    client = scope.get("client")
    address = client[0] if client else ""
    is_local = (
        is_loopback(address)
        and is_loopback(host_of(header(scope, b"host")))
        and scope.get("http_version") != "1.0"
        and not any(name in _PROXIED for name, _ in scope["headers"])
    )
    return Caller(address, is_local)


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address is that of the machine itself."""
    if host == "localhost":
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def host_of(text: str) -> str:
    """Return the host of a ``Host`` header, without its port."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].lower()
