"""Tokens: secrets for programs. API tokens act for a user within scopes; launch tokens open some studies in a viewer.

Both are random and long, so a digest finds their row, and nothing slow stands between a program and its images.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from calotype.clock import DAY_US, SECOND_US, Clock, utc_now_us
from calotype.errors import InvalidRequest, NotFound
from calotype.services.access import secrets
from calotype.services.access.model import Grant, Role, Scope, Token, User, Way
from calotype.services.access.ports import TokenStore, UserStore
from calotype.services.access.sessions import KEEP_SEEN_S, MAX_REMEMBERED, RECHECK_S

_logger = logging.getLogger(__name__)

MAX_LABEL_CHARS: Final = 100
MAX_OF_USER: Final = 200
"""Tokens of one user that count; launch tokens go by themselves."""

MAX_STUDIES: Final = 100
"""Studies that one launch token opens."""

MAX_DAYS: Final = 3650.0


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """A launch token must be used within ``launch_s``, and lasts ``launched_s`` from then on."""

    launch_s: float = 15 * 60.0
    launched_s: float = 8 * 3600.0


@dataclass(frozen=True, slots=True)
class _Known:
    grant: Grant
    checked_us: int
    expires_us: int


class Tokens:
    """The tokens of an archive. Thread-safe."""

    def __init__(
        self,
        store: TokenStore,
        users: UserStore,
        settings: TokenSettings | None = None,
        clock_us: Clock = utc_now_us,
    ) -> None:
        self.settings = settings or TokenSettings()
        self._store = store
        self._users = users
        self._clock_us = clock_us
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def make(self, user: User, label: str, scopes: Collection[Scope], days: float) -> tuple[str, Token]:
        """Make an API token; return its secret, which is nowhere else, and what is kept.

        InvalidRequest for scopes that its user has not, for no label or too long a time.
        """
        wanted = frozenset(scopes)
        if not wanted or not wanted <= user.role.scopes:
            raise InvalidRequest(
                f"scopes: give some of {', '.join(sorted(user.role.scopes))}, which {user.name} has."
            )
        if not 0 < days <= MAX_DAYS:
            raise InvalidRequest(f"days: give how long it lasts, above 0 up to {MAX_DAYS:g}.")
        told = " ".join(label.split())
        if not 1 <= len(told) <= MAX_LABEL_CHARS or not told.isprintable():
            raise InvalidRequest(f"label: say what it is for, in 1 to {MAX_LABEL_CHARS} characters.")
        if len([each for each in self._store.tokens(user.name) if not each.is_launch]) >= MAX_OF_USER:
            raise InvalidRequest(f"{user.name} has {MAX_OF_USER} tokens; delete some that are not needed.")
        secret = secrets.new_api_token()
        now = self._clock_us()
        token = Token(user.name, told, secrets.digest(secret), wanted, now, now + int(days * DAY_US))
        self._store.purge(now)
        kept = self._store.add(token)
        _logger.info("token %d of %s was made: %s", kept.id, user.name, ", ".join(sorted(wanted)))
        return secret, kept

    def launch(self, user: str, studies: Collection[str], label: str = "") -> tuple[str, Token]:
        """Make a launch token that reads these studies, in a user's name. InvalidRequest for none, or too many."""
        if not 1 <= len(studies) <= MAX_STUDIES:
            raise InvalidRequest(f"Give 1 to {MAX_STUDIES} studies to open.")
        secret = secrets.new_launch_token()
        now = self._clock_us()
        settings = self.settings
        self._store.purge(now)
        token = Token(
            user,
            label[:MAX_LABEL_CHARS],
            secrets.digest(secret),
            frozenset({Scope.READ}),
            now,
            now + int(settings.launch_s * SECOND_US),
            frozenset(studies),
            int(settings.launched_s * SECOND_US),
        )
        return secret, self._store.add(token)

    def remembered(self, digest: bytes) -> Grant | None:
        """Return what the token of this digest may do, ``None`` when it must be looked up. Never waits."""
        now = self._clock_us()
        with self._lock:
            known = self._known.get(digest)
            if known is None or now - known.checked_us > RECHECK_S * SECOND_US or now > known.expires_us:
                return None
            return known.grant

    def look_up(self, digest: bytes) -> Grant | None:
        """Return what the token of this digest may do, ``None`` when there is none (any more)."""
        now = self._clock_us()
        token = self._store.get(digest)
        user = None if token is None else self._users.get(token.user)
        with self._lock:
            self._known.pop(digest, None)
        if token is None or user is None or now > token.expires_us:
            return None
        # Whoever has to choose a password first may not act through a program, either.
        if user.must_change_password and not token.is_launch:
            return None
        is_first = token.is_launch and not token.used_us
        expires_us = now + token.lasts_us if is_first else token.expires_us
        if is_first or now - token.used_us > KEEP_SEEN_S * SECOND_US:
            self._store.use(token.id, now, expires_us)
        role = Role.VIEWER if token.is_launch else user.role
        grant = Grant(
            user.name, role, token.scopes & user.role.scopes, Way.TOKEN, studies=token.studies, number=token.id
        )
        with self._lock:
            self._known[digest] = _Known(grant, now, expires_us)
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return grant

    def list(self, user: str | None = None) -> Sequence[Token]:
        """Return the API tokens of a user, or all, the newest first; without those that are over."""
        now = self._clock_us()
        return [token for token in self._store.tokens(user) if not token.is_launch and now <= token.expires_us]

    def remove(self, token_id: int, user: str | None = None) -> None:
        """Forget one, of this user if one is given. NotFound when there is none."""
        if not any(token.id == token_id for token in self._store.tokens(user)):
            raise NotFound(f"There is no token {token_id}.")
        self._store.remove(token_id)
        self.forget()
        _logger.info("token %d was removed", token_id)

    def forget(self) -> None:
        """Look all up again: something about them or their users has changed."""
        with self._lock:
            self._known.clear()
