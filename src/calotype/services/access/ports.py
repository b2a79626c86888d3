"""What access needs to know from others: who is known among nodes, and the rows of users and what is theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from calotype.services.access.model import Session, Token, User
from calotype.services.access.permissions import Permissions


class Acquaintances(Protocol):
    """Who is known. Any thread may ask at any time; asking is as fast as looking into a dictionary."""

    def permissions_of(self, ae_title: str, address: str) -> Permissions | None:
        """Return what a caller by this AE title from this IP address may do, ``None`` for a stranger."""
        ...


UserChange = Callable[[User, int], User | None]
"""Gets a user and how many *other* administrators there are; returns what becomes of the user, ``None``: removed.

What it raises leaves everything as it was.
"""


class UserStore(Protocol):
    """Keeps users. Thread-safe; each call is one transaction."""

    def users(self) -> Sequence[User]:
        """Return everybody, by name."""
        ...

    def get(self, name: str) -> User | None:
        """Return one, ``None`` when there is none."""
        ...

    def add(self, user: User) -> None:
        """Keep a new one; Conflict when the name is taken."""
        ...

    def change(self, name: str, change: UserChange) -> User | None:
        """Change or remove one and return what is there now; one who is removed takes sessions and tokens along.

        NotFound.
        """
        ...


class SessionStore(Protocol):
    """Keeps sessions. Thread-safe."""

    def add(self, session: Session) -> Session:
        """Keep a new one and return it with its number."""
        ...

    def get(self, digest: bytes) -> Session | None:
        """Return the one of this digest, ``None`` when there is none."""
        ...

    def sessions(self, user: str | None = None) -> Sequence[Session]:
        """Return those of a user, or all; the one begun last first."""
        ...

    def touch(self, session_id: int, seen_us: int) -> None:
        """Note when it was last used; nothing when it is gone."""
        ...

    def remove(self, session_id: int) -> None:
        """End one; nothing when it is gone."""
        ...

    def remove_others(self, user: str, kept_id: int = 0) -> None:
        """End all of a user but one."""
        ...

    def purge(self, created_before_us: int, seen_before_us: int) -> None:
        """Forget those begun before, and those last used before."""
        ...


class TokenStore(Protocol):
    """Keeps tokens. Thread-safe."""

    def add(self, token: Token) -> Token:
        """Keep a new one and return it with its number."""
        ...

    def get(self, digest: bytes) -> Token | None:
        """Return the one of this digest, ``None`` when there is none."""
        ...

    def tokens(self, user: str | None = None) -> Sequence[Token]:
        """Return those of a user, or all; the newest first."""
        ...

    def use(self, token_id: int, used_us: int, expires_us: int) -> None:
        """Note when it was last used and how long it lasts now; nothing when it is gone."""
        ...

    def remove(self, token_id: int) -> None:
        """Forget one; nothing when it is gone."""
        ...

    def purge(self, expired_before_us: int) -> None:
        """Forget those that ended before."""
        ...


class PreferenceStore(Protocol):
    """Keeps what users prefer: texts by name, which go with their user. Thread-safe."""

    def preferences(self, user: str) -> Mapping[str, str]:
        """Return all of a user."""
        ...

    def prefer(self, user: str, changes: Mapping[str, str | None]) -> None:
        """Put some in the place of what was there, ``None``: take it away. Nothing is kept of who is no user."""
        ...
