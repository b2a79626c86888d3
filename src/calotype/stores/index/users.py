"""Users, and what is theirs, in the index's file: implements ``services.access.ports``; statements at the top."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from calotype.errors import Conflict, NotFound
from calotype.services.access.model import Role, Scope, Session, Token, User
from calotype.services.access.ports import UserChange
from calotype.stores.index.sqlite import SqliteIndex

_USER: Final = "name, role, password_hash, created_us, must_change_password, is_local_only, seen_us"
_SESSION: Final = "user_name, digest, created_us, seen_us, address, client, id"
_TOKEN: Final = "user_name, label, digest, scopes, created_us, expires_us, studies, lasts_us, used_us, id"  # noqa: S105 - columns

USERS: Final = f"SELECT {_USER} FROM account ORDER BY name"  # noqa: S608 - our own column names
ONE_USER: Final = f"SELECT {_USER} FROM account WHERE name = ?"  # noqa: S608 - as above
ADD_USER: Final = f"INSERT INTO account ({_USER}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - as above
OTHER_ADMINS: Final = "SELECT count(*) FROM account WHERE role = 'admin' AND name <> ?"
CHANGE_USER: Final = (
    "UPDATE account SET role = ?, password_hash = ?, must_change_password = ?, is_local_only = ?, seen_us = ?"
    " WHERE name = ?"
)
REMOVE_USER: Final = (
    "DELETE FROM annotation WHERE user_name = ?",
    "DELETE FROM preference WHERE user_name = ?",
    "DELETE FROM access_token WHERE user_name = ?",
    "DELETE FROM login_session WHERE user_name = ?",
    "DELETE FROM account WHERE name = ?",
)

SESSIONS: Final = f"SELECT {_SESSION} FROM login_session WHERE :user IS NULL OR user_name = :user ORDER BY id DESC"  # noqa: S608 - as above
ONE_SESSION: Final = f"SELECT {_SESSION} FROM login_session WHERE digest = ?"  # noqa: S608 - as above
ADD_SESSION: Final = f"INSERT INTO login_session ({_SESSION}) VALUES (?, ?, ?, ?, ?, ?, NULL)"  # noqa: S608 - as above
TOUCH: Final = "UPDATE login_session SET seen_us = max(seen_us, ?) WHERE id = ?"
END: Final = "DELETE FROM login_session WHERE id = ?"
END_OTHERS: Final = "DELETE FROM login_session WHERE user_name = ? AND id <> ?"
PURGE_SESSIONS: Final = "DELETE FROM login_session WHERE created_us < ? OR seen_us < ?"

TOKENS: Final = f"SELECT {_TOKEN} FROM access_token WHERE :user IS NULL OR user_name = :user ORDER BY id DESC"  # noqa: S608 - as above
ONE_TOKEN: Final = f"SELECT {_TOKEN} FROM access_token WHERE digest = ?"  # noqa: S608 - as above
ADD_TOKEN: Final = f"INSERT INTO access_token ({_TOKEN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"  # noqa: S608 - as above
USE: Final = "UPDATE access_token SET used_us = ?, expires_us = ? WHERE id = ?"
FORGET: Final = "DELETE FROM access_token WHERE id = ?"
PURGE_TOKENS: Final = "DELETE FROM access_token WHERE expires_us < ?"

PREFERENCES: Final = "SELECT name, value FROM preference WHERE user_name = ?"
PREFER: Final = (
    "INSERT OR REPLACE INTO preference (user_name, name, value) SELECT name, ?, ? FROM account WHERE name = ?"
)
PREFER_NOTHING: Final = "DELETE FROM preference WHERE user_name = ? AND name = ?"


class SqliteUsers:
    """Users over an open index; closed with it."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def users(self) -> Sequence[User]:
        """Return everybody, by name."""
        return [_user(row) for row in self._index.read(USERS)]

    def get(self, name: str) -> User | None:
        """Return one, ``None`` when there is none."""
        return _first_user(self._index.read(ONE_USER, (name,)))

    def add(self, user: User) -> None:
        """Keep a new one; Conflict."""
        row = (user.name, user.role.value, user.password_hash, user.created_us, *_changing(user)[2:])

        def work(connection: sqlite3.Connection) -> None:
            if _first_user(connection.execute(ONE_USER, (user.name,)).fetchall()) is not None:
                raise Conflict(f"There is a user {user.name} already.")
            connection.execute(ADD_USER, row)

        self._index.write(work)

    def change(self, name: str, change: UserChange) -> User | None:
        """Change or remove one; see the port."""

        def work(connection: sqlite3.Connection) -> User | None:
            user = _first_user(connection.execute(ONE_USER, (name,)).fetchall())
            if user is None:
                raise NotFound(f"There is no user {name!r}.")
            ((other_admins,),) = connection.execute(OTHER_ADMINS, (name,)).fetchall()
            changed = change(user, other_admins)
            if changed is None:
                for statement in REMOVE_USER:
                    connection.execute(statement, (name,))
            else:
                connection.execute(CHANGE_USER, (*_changing(changed), name))
            return changed

        return self._index.write(work)


class SqliteSessions:
    """Sessions over an open index; closed with it."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def add(self, session: Session) -> Session:
        """Keep a new one and return it with its number."""
        row = (
            session.user, session.digest, session.created_us, session.seen_us, session.address, session.client,
        )  # fmt: skip
        return replace(session, id=_inserted(self._index, ADD_SESSION, row))

    def get(self, digest: bytes) -> Session | None:
        """Return the one of this digest."""
        return next((Session(*row) for row in self._index.read(ONE_SESSION, (digest,))), None)

    def sessions(self, user: str | None = None) -> Sequence[Session]:
        """Return those of a user, or all; the one begun last first."""
        return [Session(*row) for row in self._index.read(SESSIONS, {"user": user})]

    def touch(self, session_id: int, seen_us: int) -> None:
        """Note when it was last used."""
        _execute(self._index, TOUCH, (seen_us, session_id))

    def remove(self, session_id: int) -> None:
        """End one."""
        _execute(self._index, END, (session_id,))

    def remove_others(self, user: str, kept_id: int = 0) -> None:
        """End all of a user but one."""
        _execute(self._index, END_OTHERS, (user, kept_id))

    def purge(self, created_before_us: int, seen_before_us: int) -> None:
        """Forget those begun before, and those last used before."""
        _execute(self._index, PURGE_SESSIONS, (created_before_us, seen_before_us))


class SqliteTokens:
    """Tokens over an open index; closed with it."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def add(self, token: Token) -> Token:
        """Keep a new one and return it with its number."""
        row = (
            token.user,
            token.label,
            token.digest,
            json.dumps(sorted(token.scopes)),
            token.created_us,
            token.expires_us,
            None if token.studies is None else json.dumps(sorted(token.studies)),
            token.lasts_us,
            token.used_us,
        )
        return replace(token, id=_inserted(self._index, ADD_TOKEN, row))

    def get(self, digest: bytes) -> Token | None:
        """Return the one of this digest."""
        return next((_token(row) for row in self._index.read(ONE_TOKEN, (digest,))), None)

    def tokens(self, user: str | None = None) -> Sequence[Token]:
        """Return those of a user, or all; the newest first."""
        return [_token(row) for row in self._index.read(TOKENS, {"user": user})]

    def use(self, token_id: int, used_us: int, expires_us: int) -> None:
        """Note when it was last used and how long it lasts now."""
        _execute(self._index, USE, (used_us, expires_us, token_id))

    def remove(self, token_id: int) -> None:
        """Forget one."""
        _execute(self._index, FORGET, (token_id,))

    def purge(self, expired_before_us: int) -> None:
        """Forget those that ended before."""
        _execute(self._index, PURGE_TOKENS, (expired_before_us,))


class SqlitePreferences:
    """What users prefer, over an open index; closed with it."""

    def __init__(self, index: SqliteIndex) -> None:
        self._index = index

    def preferences(self, user: str) -> Mapping[str, str]:
        """Return all of a user."""
        return {str(name): str(value) for name, value in self._index.read(PREFERENCES, (user,))}

    def prefer(self, user: str, changes: Mapping[str, str | None]) -> None:
        """Put some in the place of what was there; see the port."""
        chosen = [(name, value, user) for name, value in changes.items() if value is not None]
        dropped = [(user, name) for name, value in changes.items() if value is None]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(PREFER, chosen)
            connection.executemany(PREFER_NOTHING, dropped)

        self._index.write(work)


def _execute(index: SqliteIndex, statement: str, values: Sequence[Any]) -> None:
    index.write(lambda connection: connection.execute(statement, values).rowcount)


def _inserted(index: SqliteIndex, statement: str, values: Sequence[Any]) -> int:
    def work(connection: sqlite3.Connection) -> int:
        number = connection.execute(statement, values).lastrowid
        assert number is not None  # noqa: S101 - a row was inserted
        return number

    return index.write(work)


def _first_user(rows: Sequence[Sequence[Any]]) -> User | None:
    return _user(rows[0]) if rows else None


def _user(row: Sequence[Any]) -> User:
    name, role, password_hash, created_us, must_change, is_local_only, seen_us = row
    return User(name, Role(role), password_hash, created_us, bool(must_change), bool(is_local_only), seen_us)


def _changing(user: User) -> tuple[Any, ...]:
    return (
        user.role.value, user.password_hash, int(user.must_change_password), int(user.is_local_only), user.seen_us,
    )  # fmt: skip


def _token(row: Sequence[Any]) -> Token:
    user, label, digest, scopes, created_us, expires_us, studies, lasts_us, used_us, number = row
    return Token(
        user,
        label,
        digest,
        frozenset(map(Scope, json.loads(scopes))),
        created_us,
        expires_us,
        None if studies is None else frozenset(json.loads(studies)),
        lasts_us,
        used_us,
        number,
    )
