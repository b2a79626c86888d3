"""Sessions: logins that last while they are used, and end when they are not, when told to, and after some hours.

A request asks ``remembered`` first, which looks into a dictionary; what is not there, or is older than
:data:`RECHECK_S`, is looked up in the store, so that what another process ended ends here within seconds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from calotype.clock import SECOND_US, Clock, utc_now_us
from calotype.errors import NotFound
from calotype.services.access import secrets
from calotype.services.access.model import Grant, Session, User, Way
from calotype.services.access.ports import SessionStore, UserStore

RECHECK_S: Final = 2.0
"""How long what was looked up is believed."""

KEEP_SEEN_S: Final = 60.0
"""How far what the store knows of the last use may lie behind."""

MAX_REMEMBERED: Final = 4096
MAX_OF_USER: Final = 50
"""Sessions of one user; a further login ends the oldest."""

MAX_ADDRESS_CHARS: Final = 64
MAX_CLIENT_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """A session ends ``idle_s`` after its last use, and ``lasts_s`` after its login in any case."""

    idle_s: float = 30 * 60.0
    lasts_s: float = 12 * 3600.0


@dataclass(slots=True)
class _Live:
    session: Session
    grant: Grant
    checked_us: int
    seen_us: int


class Sessions:
    """The sessions of an archive. Thread-safe."""

    def __init__(
        self,
        store: SessionStore,
        users: UserStore,
        settings: SessionSettings | None = None,
        clock_us: Clock = utc_now_us,
    ) -> None:
        self.settings = settings or SessionSettings()
        self._store = store
        self._users = users
        self._clock_us = clock_us
        self._lock = threading.Lock()
        self._live: OrderedDict[bytes, _Live] = OrderedDict()

    def begin(self, user: User, address: str, client: str) -> tuple[str, Session]:
        """Begin one; return its secret, which is nowhere else, and the session."""
        now = self._clock_us()
        settings = self.settings
        self._store.purge(now - _us(settings.lasts_s), now - _us(settings.idle_s))
        for old in self._store.sessions(user.name)[MAX_OF_USER - 1 :]:
            self._store.remove(old.id)
        secret = secrets.new_session()
        session = Session(user.name, secrets.digest(secret), now, now, address[:MAX_ADDRESS_CHARS], _plain(client))
        return secret, self._store.add(session)

    def remembered(self, digest: bytes, *, is_use: bool) -> Grant | None:
        """Return what the session of this digest may do, ``None`` when it must be looked up. Never waits.

        ``is_use`` is whether a person did something: only that keeps a session alive.
        """
        now = self._clock_us()
        with self._lock:
            live = self._live.get(digest)
            if (
                live is None
                or now - live.checked_us > _us(RECHECK_S)
                or self._is_over(live.session, live.seen_us, now)
            ):
                return None
            if is_use:
                live.seen_us = now
            return live.grant

    def look_up(self, digest: bytes, *, is_use: bool) -> Grant | None:
        """Return what the session of this digest may do, ``None`` when there is none (any more)."""
        now = self._clock_us()
        session = self._store.get(digest)
        user = None if session is None else self._users.get(session.user)
        with self._lock:
            before = self._live.pop(digest, None)
        if session is None or user is None:
            return None
        seen = max(session.seen_us, before.seen_us if before else 0)
        if self._is_over(session, seen, now):
            self._store.remove(session.id)
            return None
        if is_use:
            seen = now
        if seen - session.seen_us > _us(KEEP_SEEN_S):
            self._store.touch(session.id, seen)
            session = replace(session, seen_us=seen)
        grant = Grant(
            user.name,
            user.role,
            user.role.scopes,
            Way.SESSION,
            must_change_password=user.must_change_password,
            number=session.id,
        )
        with self._lock:
            self._live[digest] = _Live(session, grant, now, seen)
            if len(self._live) > MAX_REMEMBERED:
                self._live.popitem(last=False)
        return grant

    def list(self, user: str | None = None) -> Sequence[Session]:
        """Return those of a user, or all, the one begun last first; without those that are over."""
        now = self._clock_us()
        with self._lock:
            seen = {live.session.id: live.seen_us for live in self._live.values()}
        found = (
            replace(session, seen_us=max(session.seen_us, seen.get(session.id, 0)))
            for session in self._store.sessions(user)
        )
        return [session for session in found if not self._is_over(session, session.seen_us, now)]

    def end(self, session_id: int, user: str | None = None) -> None:
        """End one, of this user if one is given. NotFound when there is none."""
        if not any(session.id == session_id for session in self._store.sessions(user)):
            raise NotFound(f"There is no session {session_id}: it has ended.")
        self._store.remove(session_id)
        self._forget(lambda live: live.session.id == session_id)

    def end_secret(self, secret: str) -> None:
        """End the one of this secret; nothing when there is none."""
        session = self._store.get(secrets.digest(secret))
        if session is not None:
            self.end(session.id)

    def end_others(self, user: str, kept_id: int = 0) -> None:
        """End all of a user but one."""
        self._store.remove_others(user, kept_id)
        self._forget(lambda live: live.session.user == user and live.session.id != kept_id)

    def forget(self, user: str) -> None:
        """Look a user's sessions up again: something about the user has changed."""
        self._forget(lambda live: live.session.user == user)

    def _forget(self, chosen: Callable[[_Live], bool]) -> None:
        with self._lock:
            for digest in [digest for digest, live in self._live.items() if chosen(live)]:
                # What a person did lately is in memory alone.
                live = self._live[digest]
                live.checked_us = 0

    def _is_over(self, session: Session, seen_us: int, now: int) -> bool:
        settings = self.settings
        return now - seen_us > _us(settings.idle_s) or now - session.created_us > _us(settings.lasts_s)


def _us(seconds: float) -> int:
    return int(seconds * SECOND_US)


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text[:MAX_CLIENT_CHARS])
