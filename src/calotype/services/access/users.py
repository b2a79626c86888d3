"""Keeps users: who there is, in which role, by which password; and the first one, who makes the others.

Whether an attempt to log in is taken at all is for ``logins``. There is always an administrator.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from calotype.clock import utc_now_us
from calotype.errors import Conflict, InvalidRequest, NotFound
from calotype.services.access.model import Role, User
from calotype.services.access.passwords import Passwords, check_new
from calotype.services.access.ports import SessionStore, UserStore

_logger = logging.getLogger(__name__)

FIRST_USER: Final = "admin"
FIRST_PASSWORD: Final = "admin"  # noqa: S105 - known to everybody, which is why it is good for one thing only
MAX_NAME_CHARS: Final = 64


_Change = Callable[[User, int], User]


class Users:
    """The users of an archive. Thread-safe; other processes may change the same rows."""

    def __init__(self, store: UserStore, sessions: SessionStore, passwords: Passwords | None = None) -> None:
        self.passwords = passwords or Passwords()
        self._store = store
        self._sessions = sessions

    def list(self) -> Sequence[User]:
        """Return everybody, by name."""
        return self._store.users()

    def get(self, name: str) -> User:
        """Return one; NotFound."""
        found = self.find(name)
        if found is None:
            raise NotFound(f"There is no user {name[:MAX_NAME_CHARS]!r}.")
        return found

    def find(self, name: str) -> User | None:
        """Return one, ``None`` when nobody has this name, or nobody can have it."""
        try:
            return self._store.get(name_of(name))
        except InvalidRequest:
            return None

    def add(self, name: str, password: str, role: Role, *, must_change_password: bool = True) -> User:
        """Add a user. InvalidRequest for a name or password that will not do, Conflict when the name is taken."""
        known_as = name_of(name)
        check_new(password, known_as)
        user = User(
            known_as, role, self.passwords.hash(password), utc_now_us(), must_change_password=must_change_password
        )
        self._store.add(user)
        _logger.info("user %s (%s) was added", user.name, user.role)
        return user

    def set_role(self, name: str, role: Role) -> User:
        """Put a user into a role. NotFound; Conflict for the last administrator."""

        def change(user: User, other_admins: int) -> User:
            if user.role is Role.ADMIN and role is not Role.ADMIN:
                _keep_one(user, other_admins)
            return replace(user, role=role)

        changed = self._changed(name, change)
        _logger.info("user %s is %s now", changed.name, role)
        return changed

    def set_password(self, name: str, password: str, *, must_change_password: bool = True) -> User:
        """Give a user a password, in an administrator's name: all sessions of the user end.

        InvalidRequest for one that will not do, NotFound.
        """
        user = self.get(name)
        changed = self._with_password(user, password, must_change_password=must_change_password)
        self._sessions.remove_others(changed.name)
        _logger.info("user %s got a new password", changed.name)
        return changed

    def change_password(self, user: User, new: str) -> User:
        """Give somebody who has just proved to know the old password one of their own. InvalidRequest."""
        if self.passwords.is_right(user.password_hash, new):
            raise InvalidRequest("This is the password that you have; choose another.")
        return self._with_password(user, new, must_change_password=False)

    def remove(self, name: str) -> None:
        """Remove a user with sessions and tokens. NotFound; Conflict for the last administrator."""

        def change(user: User, other_admins: int) -> None:
            if user.role is Role.ADMIN:
                _keep_one(user, other_admins)

        self._store.change(self.get(name).name, change)
        _logger.info("user %s was removed", name)

    def seen(self, user: User, password: str) -> User:
        """Note a login; a hash made at another cost is made anew, the password being at hand."""
        outdated = self.passwords.is_outdated(user.password_hash)
        hashed = self.passwords.hash(password) if outdated else user.password_hash

        def change(found: User, _other_admins: int) -> User:
            # Changed meanwhile: a hash that is older than it must not come back.
            kept = hashed if found.password_hash == user.password_hash else found.password_hash
            return replace(found, seen_us=utc_now_us(), password_hash=kept)

        return self._changed(user.name, change)

    def ensure_first(self, password: str = "") -> User | None:
        """Add the first administrator if there is none; return who may log in with the known password, if any.

        Without a password given it is the one that everybody knows: good for changing it, at this machine.
        InvalidRequest for a password that will not do.
        """
        if not any(user.role is Role.ADMIN for user in self._store.users()):
            if password:
                check_new(password, FIRST_USER)
            first = User(
                FIRST_USER,
                Role.ADMIN,
                self.passwords.hash(password or FIRST_PASSWORD),
                utc_now_us(),
                must_change_password=not password,
                is_local_only=not password,
            )
            try:
                self._store.add(first)
            except Conflict:
                # Another process was faster.
                _logger.info("user %s is there already", FIRST_USER)
        return next((user for user in self._store.users() if user.is_local_only), None)

    def _with_password(self, user: User, password: str, *, must_change_password: bool) -> User:
        check_new(password, user.name)
        hashed = self.passwords.hash(password)

        def change(found: User, _other_admins: int) -> User:
            return replace(
                found, password_hash=hashed, must_change_password=must_change_password, is_local_only=False
            )

        return self._changed(user.name, change)

    def _changed(self, name: str, change: _Change) -> User:
        changed = self._store.change(self.get(name).name, change)
        assert changed is not None  # noqa: S101 - the change removes nobody
        return changed


def name_of(text: str) -> str:
    """Return the one spelling of a user's name: NFKC, without case. InvalidRequest for what can be no name."""
    name = unicodedata.normalize("NFKC", text.strip()[: 4 * MAX_NAME_CHARS]).casefold()
    # RFC 7617 2: the name in HTTP Basic ends at the first colon.
    if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable() or any(each in ":/\\ " for each in name):
        raise InvalidRequest(
            f"A user's name has 1 to {MAX_NAME_CHARS} letters, digits and signs, without spaces, colons and slashes."
        )
    return name


def _keep_one(user: User, other_admins: int) -> None:
    if not other_admins:
        raise Conflict(f"{user.name} is the only administrator: make somebody else one first.")
