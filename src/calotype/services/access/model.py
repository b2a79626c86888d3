"""People, their sessions and their tokens, as data; and what one request may do, which is made of them.

Nothing here asks a store or a clock. No secret stands here: of a password its hash, of a session's or a token's
secret its digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """One kind of doing; each route of HTTP belongs to one."""

    READ = "read"
    """See what the archive has and what goes on."""

    STORE = "store"
    """Put images in."""

    OPERATE = "operate"
    """Send, retrieve, edit, delete and restore, keep the worklist, run jobs."""

    ADMIN = "admin"
    """Users, nodes, and how the archive works."""


class Role(StrEnum):
    """What a person is here; each may all that the one before may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def scopes(self) -> frozenset[Scope]:
        """What a person of this role may do."""
        return _SCOPES[self]


_SCOPES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.OPERATOR: frozenset({Scope.READ, Scope.STORE, Scope.OPERATE}),
    Role.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in. Times are UTC, microseconds since 1970; ``seen_us`` is the last login, 0 for none.

    ``name`` is as :func:`users.name_of` writes it. Who ``must_change_password`` may do nothing else before; who
    ``is_local_only`` has a password that everybody knows, which counts at the archive's own machine alone.
    """

    name: str
    role: Role
    password_hash: str
    created_us: int
    must_change_password: bool = False
    is_local_only: bool = False
    seen_us: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """A login that lasts. ``digest`` is that of the secret in the cookie; ``id`` is 0 until it is kept.

    ``address`` and ``client`` (what the browser calls itself) are for people to recognise it by.
    """

    user: str
    digest: bytes
    created_us: int
    seen_us: int
    address: str
    client: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A secret for a program, which acts as ``user`` within ``scopes`` until ``expires_us``.

    A launch token opens ``studies`` alone, ``None`` is all; it lasts ``lasts_us`` from its first use on, and
    ``expires_us`` is by when that must be. For other tokens ``lasts_us`` is 0.
    """

    user: str
    label: str
    digest: bytes
    scopes: frozenset[Scope]
    created_us: int
    expires_us: int
    studies: frozenset[str] | None = None
    lasts_us: int = 0
    used_us: int = 0
    id: int = 0

    @property
    def is_launch(self) -> bool:
        """Whether it opens some studies in a viewer."""
        return self.studies is not None


class Way(StrEnum):
    """How somebody said who they are."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word, no secret
    PASSWORD = "password"  # noqa: S105 - as above
    LOCAL = "local"
    """Login is off: whoever reaches us is on this machine."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one request may do, and in whose name. ``number`` is the session's or the token's, 0 for neither."""

    user: str
    role: Role
    scopes: frozenset[Scope]
    way: Way
    must_change_password: bool = False
    studies: frozenset[str] | None = None
    number: int = 0


LOCAL: Final = Grant("local", Role.ADMIN, frozenset(Scope), Way.LOCAL)
"""What whoever is at this machine may do where nobody logs in."""
