"""Who says who they are: by a password, a session's secret or a token, and what they may do then.

Words and time tell nobody which users there are: a name that is none takes as long, and is slowed down alike. What a
password has opened is remembered for minutes, since programs send it with each request.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from calotype.errors import InvalidRequest, Refused
from calotype.services.access.model import Grant, Session, User, Way
from calotype.services.access.passwords import MAX_CHARS
from calotype.services.access.preferences import Likings
from calotype.services.access.sessions import MAX_REMEMBERED, RECHECK_S, Sessions
from calotype.services.access.throttle import Patience, Throttle, Throttled, place_of
from calotype.services.access.tokens import Tokens
from calotype.services.access.users import Users, name_of

_logger = logging.getLogger(__name__)

REMEMBERED_S: Final = 300.0
"""How long a password that was right is not hashed again."""

PER_ADDRESS: Final = Patience(free=20)
"""A department may sit behind one address."""

PER_USER: Final = Patience(free=50)
"""From all addresses together: more than one of them gets to try, or anybody could lock out everybody."""

_LOCKS: Final = 64


class WrongPassword(Refused):
    """Nobody has this name and password; which of them is wrong is not said."""

    def __init__(self) -> None:
        super().__init__("The user or the password is wrong.")


class NotFromHere(Refused):
    """The password is the first one, which counts at the archive's own machine alone."""

    def __init__(self) -> None:
        super().__init__(
            "The first password counts at the archive's own machine only: open the pages there, by localhost,"
            " or choose another with `calotype users password admin`."
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """Where an attempt comes from; ``is_local``: from this machine, with nobody in between."""

    address: str
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class _Proved:
    grant: Grant
    password_hash: str
    proved_s: float
    checked_s: float


class Logins:
    """The one place where a password is tested. Thread-safe."""

    def __init__(
        self,
        users: Users,
        sessions: Sessions,
        tokens: Tokens,
        likings: Likings,
        *,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.users = users
        self.sessions = sessions
        self.tokens = tokens
        self.likings = likings
        self._per_user_at_place = Throttle(clock_s=clock_s)
        self._per_user = Throttle(PER_USER, clock_s)
        self._per_address = Throttle(PER_ADDRESS, clock_s)
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._in_turn = tuple(threading.Lock() for _ in range(_LOCKS))
        # Of this process alone: who reads its memory later finds nothing to test passwords against.
        self._key = os.urandom(32)
        self._proved: OrderedDict[bytes, _Proved] = OrderedDict()

    def test(self, name: str, password: str, caller: Caller) -> User:
        """Return the user whose password this is. WrongPassword, Throttled, NotFromHere."""
        try:
            known_as = name_of(name)
        except InvalidRequest:
            known_as = ""
        # Apart, so that nobody from afar can lock out an administrator who sits at the machine.
        user_key = f"{'here' if caller.is_local else 'afar'} {known_as}"
        place = place_of(caller.address)
        at_place = f"{user_key} {place}"
        self._count((self._per_user_at_place, at_place), (self._per_user, user_key), (self._per_address, place))
        user = self.users.find(known_as)
        is_right = self.users.passwords.is_right(user.password_hash if user else "", password[: MAX_CHARS + 1])
        if user is None or not is_right:
            _logger.warning("a login as %r from %s failed", known_as, caller.address)
            raise WrongPassword
        self._per_user_at_place.clear(at_place)
        self._per_user.clear(user_key)
        self._per_address.take_back(place)
        if user.is_local_only and not caller.is_local:
            raise NotFromHere
        return user

    def log_in(self, name: str, password: str, caller: Caller, client: str = "") -> tuple[str, Session, User]:
        """Begin a session; return its secret, the session and whose it is. See :meth:`test`."""
        user = self.users.seen(self.test(name, password, caller), password)
        return (*self.sessions.begin(user, caller.address, client), user)

    def change_password(self, name: str, current: str, new: str, caller: Caller, kept_session: int = 0) -> User:
        """Give somebody a password of their own; all their sessions but one end. InvalidRequest; :meth:`test`."""
        user = self.users.change_password(self.test(name, current, caller), new)
        self.sessions.end_others(user.name, kept_session)
        self.forget(user.name)
        return user

    def by_password(self, name: str, password: str, caller: Caller) -> Grant:
        """Return what a user may do who sends the password with each request; see :meth:`test`."""
        key = self.key_of(name, password, caller)
        # In turn: a program that opens ten connections at once has its password hashed once.
        with self._in_turn[key[0] % _LOCKS]:
            now_s = self._clock_s()
            with self._lock:
                proved = self._proved.get(key)
            if proved is not None and now_s - proved.proved_s <= REMEMBERED_S:
                user = self.users.find(name)
                if user is not None and user.password_hash == proved.password_hash:
                    return self._remember(key, user, proved.proved_s, now_s)
            user = self.users.seen(self.test(name, password, caller), password)
            return self._remember(key, user, now_s, now_s)

    def remembered(self, key: bytes) -> Grant | None:
        """Return what a password that was right lately opens, ``None`` when it must be tested. Never waits."""
        now_s = self._clock_s()
        with self._lock:
            proved = self._proved.get(key)
        if proved is None or now_s - proved.checked_s > RECHECK_S or now_s - proved.proved_s > REMEMBERED_S:
            return None
        return proved.grant

    def key_of(self, name: str, password: str, caller: Caller) -> bytes:
        """Return the key of :meth:`remembered`; of a name and a password nothing can be learned from it."""
        told = f"{caller.is_local}\0{len(name)}\0{name}\0{password}"
        return blake2b(told.encode("utf-8", "surrogatepass"), key=self._key, digest_size=32).digest()

    def forget(self, user: str) -> None:
        """Look all of a user up again: something has changed."""
        self.sessions.forget(user)
        self.tokens.forget()
        with self._lock:
            for key in [key for key, proved in self._proved.items() if proved.grant.user == user]:
                del self._proved[key]

    @staticmethod
    def _count(*attempts: tuple[Throttle, str]) -> None:
        """Count an attempt with each, or with none when one of them has it wait."""
        with ExitStack() as undo:
            for throttle, key in attempts:
                try:
                    throttle.begin(key)
                except Throttled:
                    _logger.warning("logins by %r have to wait", key)
                    raise
                undo.callback(throttle.take_back, key)
            undo.pop_all()

    def _remember(self, key: bytes, user: User, proved_s: float, now_s: float) -> Grant:
        grant = Grant(
            user.name, user.role, user.role.scopes, Way.PASSWORD, must_change_password=user.must_change_password
        )
        with self._lock:
            self._proved[key] = _Proved(grant, user.password_hash, proved_s, now_s)
            if len(self._proved) > MAX_REMEMBERED:
                self._proved.popitem(last=False)
        return grant
