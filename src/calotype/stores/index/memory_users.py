"""Users, and what is theirs, in memory, for tests: twins over one :class:`MemoryAccess`, as over one file."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from calotype.errors import Conflict, NotFound
from calotype.services.access.model import Role, Session, Token, User
from calotype.services.access.ports import UserChange


@dataclass
class MemoryAccess:
    """What the stores keep."""

    users: dict[str, User] = field(default_factory=dict)
    sessions: dict[int, Session] = field(default_factory=dict)
    tokens: dict[int, Token] = field(default_factory=dict)
    preferences: dict[str, dict[str, str]] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.Lock = field(default_factory=threading.Lock)


class MemoryUsers:
    """Implements ``services.access.ports.UserStore``."""

    def __init__(self, kept: MemoryAccess | None = None) -> None:
        self._kept = kept or MemoryAccess()

    def users(self) -> Sequence[User]:
        """Return everybody, by name."""
        with self._kept.lock:
            return [user for _, user in sorted(self._kept.users.items())]

    def get(self, name: str) -> User | None:
        """Return one, ``None`` when there is none."""
        return self._kept.users.get(name)

    def add(self, user: User) -> None:
        """Keep a new one; Conflict."""
        with self._kept.lock:
            if user.name in self._kept.users:
                raise Conflict(f"There is a user {user.name} already.")
            self._kept.users[user.name] = user

    def change(self, name: str, change: UserChange) -> User | None:
        """Change or remove one; see the port."""
        kept = self._kept
        with kept.lock:
            user = kept.users.get(name)
            if user is None:
                raise NotFound(f"There is no user {name!r}.")
            others = sum(each.role is Role.ADMIN and each.name != name for each in kept.users.values())
            changed = change(user, others)
            if changed is None:
                del kept.users[name]
                kept.preferences.pop(name, None)
                kept.sessions = {n: each for n, each in kept.sessions.items() if each.user != name}
                kept.tokens = {n: each for n, each in kept.tokens.items() if each.user != name}
            else:
                kept.users[name] = changed
            return changed


class MemorySessions:
    """Implements ``services.access.ports.SessionStore``."""

    def __init__(self, kept: MemoryAccess | None = None) -> None:
        self._kept = kept or MemoryAccess()

    def add(self, session: Session) -> Session:
        """Keep a new one and return it with its number."""
        with self._kept.lock:
            session = replace(session, id=next(self._kept.numbers))
            self._kept.sessions[session.id] = session
            return session

    def get(self, digest: bytes) -> Session | None:
        """Return the one of this digest."""
        return next((each for each in self.sessions() if each.digest == digest), None)

    def sessions(self, user: str | None = None) -> Sequence[Session]:
        """Return those of a user, or all; the one begun last first."""
        with self._kept.lock:
            return [each for _, each in sorted(self._kept.sessions.items())[::-1] if user in (None, each.user)]

    def touch(self, session_id: int, seen_us: int) -> None:
        """Note when it was last used."""
        with self._kept.lock:
            found = self._kept.sessions.get(session_id)
            if found is not None:
                self._kept.sessions[session_id] = replace(found, seen_us=max(found.seen_us, seen_us))

    def remove(self, session_id: int) -> None:
        """End one."""
        with self._kept.lock:
            self._kept.sessions.pop(session_id, None)

    def remove_others(self, user: str, kept_id: int = 0) -> None:
        """End all of a user but one."""
        with self._kept.lock:
            for number in [n for n, each in self._kept.sessions.items() if each.user == user and n != kept_id]:
                del self._kept.sessions[number]

    def purge(self, created_before_us: int, seen_before_us: int) -> None:
        """Forget those begun before, and those last used before."""
        with self._kept.lock:
            self._kept.sessions = {
                number: each
                for number, each in self._kept.sessions.items()
                if each.created_us >= created_before_us and each.seen_us >= seen_before_us
            }


class MemoryTokens:
    """Implements ``services.access.ports.TokenStore``."""

    def __init__(self, kept: MemoryAccess | None = None) -> None:
        self._kept = kept or MemoryAccess()

    def add(self, token: Token) -> Token:
        """Keep a new one and return it with its number."""
        with self._kept.lock:
            token = replace(token, id=next(self._kept.numbers))
            self._kept.tokens[token.id] = token
            return token

    def get(self, digest: bytes) -> Token | None:
        """Return the one of this digest."""
        return next((each for each in self.tokens() if each.digest == digest), None)

    def tokens(self, user: str | None = None) -> Sequence[Token]:
        """Return those of a user, or all; the newest first."""
        with self._kept.lock:
            return [each for _, each in sorted(self._kept.tokens.items())[::-1] if user in (None, each.user)]

    def use(self, token_id: int, used_us: int, expires_us: int) -> None:
        """Note when it was last used and how long it lasts now."""
        with self._kept.lock:
            found = self._kept.tokens.get(token_id)
            if found is not None:
                self._kept.tokens[token_id] = replace(found, used_us=used_us, expires_us=expires_us)

    def remove(self, token_id: int) -> None:
        """Forget one."""
        with self._kept.lock:
            self._kept.tokens.pop(token_id, None)

    def purge(self, expired_before_us: int) -> None:
        """Forget those that ended before."""
        with self._kept.lock:
            self._kept.tokens = {
                number: each for number, each in self._kept.tokens.items() if each.expires_us >= expired_before_us
            }


class MemoryPreferences:
    """Implements ``services.access.ports.PreferenceStore``."""

    def __init__(self, kept: MemoryAccess | None = None) -> None:
        self._kept = kept or MemoryAccess()

    def preferences(self, user: str) -> Mapping[str, str]:
        """Return all of a user."""
        with self._kept.lock:
            return dict(self._kept.preferences.get(user, {}))

    def prefer(self, user: str, changes: Mapping[str, str | None]) -> None:
        """Put some in the place of what was there; see the port."""
        with self._kept.lock:
            if user not in self._kept.users:
                return
            known = {**self._kept.preferences.get(user, {}), **changes}
            self._kept.preferences[user] = {name: value for name, value in known.items() if value is not None}
