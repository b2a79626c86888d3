"""What every store of users and what is theirs must do: one suite, run over each implementation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from calotype.errors import Conflict, NotFound
from calotype.services.access.model import Role, Scope, Session, Token, User
from calotype.services.access.ports import PreferenceStore, SessionStore, TokenStore, UserStore
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.memory_users import (
    MemoryAccess,
    MemoryPreferences,
    MemorySessions,
    MemoryTokens,
    MemoryUsers,
)
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.index.users import SqlitePreferences, SqliteSessions, SqliteTokens, SqliteUsers

ADMIN = User("admin", Role.ADMIN, "$argon2id$...", 1, must_change_password=True, is_local_only=True)
ZHANG = User("张伟", Role.VIEWER, "$argon2id$2", 2)
FIRST = Session("admin", b"\x01" * 32, 10, 20, "192.0.2.7", "Firefox")
SECOND = Session("admin", b"\x02" * 32, 11, 21, "::1", 'a "client"\\')
THEIRS = Session("张伟", b"\x03" * 32, 12, 22, "", "")
API = Token("张伟", "CT 2 向", b"\x04" * 32, frozenset({Scope.READ, Scope.STORE}), 1, 100)
LAUNCH = Token("admin", "", b"\x05" * 32, frozenset({Scope.READ}), 2, 200, frozenset({"1.2", "1.3"}), 50)


@dataclass(frozen=True)
class Stores:
    users: UserStore
    sessions: SessionStore
    tokens: TokenStore
    preferences: PreferenceStore


def _memory(_folder: Path) -> tuple[Stores, Callable[[], None]]:
    kept = MemoryAccess()
    made = Stores(MemoryUsers(kept), MemorySessions(kept), MemoryTokens(kept), MemoryPreferences(kept))
    return made, lambda: None


def _sqlite(folder: Path) -> tuple[Stores, Callable[[], None]]:
    index = SqliteIndex(SqliteSettings(folder / "index.sqlite", durable=False))
    made = Stores(SqliteUsers(index), SqliteSessions(index), SqliteTokens(index), SqlitePreferences(index))
    return made, index.close


@pytest.fixture(params=[_memory, _sqlite], ids=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    made, close = request.param(tmp_path)
    yield made
    close()


def test_new_stores_are_empty(stores: Stores) -> None:
    assert (list(stores.users.users()), stores.users.get("admin")) == ([], None)
    assert (list(stores.sessions.sessions()), stores.sessions.get(FIRST.digest)) == ([], None)
    assert (list(stores.tokens.tokens()), stores.tokens.get(API.digest)) == ([], None)


def test_users_come_back_as_they_were(stores: Stores) -> None:
    stores.users.add(ZHANG)
    stores.users.add(ADMIN)
    assert list(stores.users.users()) == [ADMIN, ZHANG]
    assert (stores.users.get("张伟"), stores.users.get("admin")) == (ZHANG, ADMIN)


def test_a_name_is_given_once(stores: Stores) -> None:
    stores.users.add(ADMIN)
    with pytest.raises(Conflict, match="There is a user admin already"):
        stores.users.add(replace(ADMIN, role=Role.VIEWER))
    assert list(stores.users.users()) == [ADMIN]


def test_a_user_is_changed_in_all_but_the_name(stores: Stores) -> None:
    stores.users.add(ADMIN)
    changed = replace(
        ADMIN, role=Role.OPERATOR, password_hash="x", must_change_password=False, is_local_only=False, seen_us=7
    )
    assert stores.users.change("admin", lambda _user, _others: changed) == changed
    assert stores.users.get("admin") == changed


def test_who_changes_is_told_how_many_other_administrators_there_are(stores: Stores) -> None:
    told = []
    for name in ("a", "b"):
        stores.users.add(replace(ADMIN, name=name))
    stores.users.add(ZHANG)

    def change(user: User, others: int) -> User:
        told.append((user.name, others))
        return user

    for name in ("a", "张伟"):
        stores.users.change(name, change)
    assert told == [("a", 1), ("张伟", 2)]


def test_a_change_that_fails_changes_nothing(stores: Stores) -> None:
    stores.users.add(ADMIN)

    def change(_user: User, _others: int) -> User:
        raise Conflict("no")

    with pytest.raises(Conflict):
        stores.users.change("admin", change)
    with pytest.raises(NotFound, match="no user 'nobody'"):
        stores.users.change("nobody", lambda user, _others: user)
    assert list(stores.users.users()) == [ADMIN]


def test_who_is_removed_takes_sessions_and_tokens_along(stores: Stores) -> None:
    for user in (ADMIN, ZHANG):
        stores.users.add(user)
    kept = stores.sessions.add(FIRST), stores.tokens.add(LAUNCH)
    stores.sessions.add(THEIRS)
    stores.tokens.add(API)
    assert stores.users.change("张伟", lambda _user, _others: None) is None
    assert list(stores.users.users()) == [ADMIN]
    assert (list(stores.sessions.sessions()), list(stores.tokens.tokens())) == ([kept[0]], [kept[1]])


def test_of_two_administrators_who_remove_each_other_one_stays(stores: Stores) -> None:
    names = ["a", "b"]
    for name in names:
        stores.users.add(replace(ADMIN, name=name))
    start = threading.Barrier(2)

    def remove(name: str) -> None:
        def change(_user: User, others: int) -> User | None:
            if not others:
                raise Conflict("the last one")
            return None

        start.wait()
        try:
            stores.users.change(name, change)
        except Conflict:
            outcomes.append("kept")
        else:
            outcomes.append("removed")

    outcomes: list[str] = []
    threads = [threading.Thread(target=remove, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["kept", "removed"]
    assert len(stores.users.users()) == 1


def test_sessions_are_found_by_digest_and_listed_by_user(stores: Stores) -> None:
    first, second, theirs = (stores.sessions.add(each) for each in (FIRST, SECOND, THEIRS))
    assert first.id < second.id < theirs.id
    assert replace(first, id=0) == FIRST
    assert [stores.sessions.get(each.digest) for each in (FIRST, SECOND, THEIRS)] == [first, second, theirs]
    assert list(stores.sessions.sessions()) == [theirs, second, first]
    assert list(stores.sessions.sessions("admin")) == [second, first]


def test_a_session_is_touched_forward_only(stores: Stores) -> None:
    first = stores.sessions.add(FIRST)
    for seen_us in (30, 25):
        stores.sessions.touch(first.id, seen_us)
    stores.sessions.touch(first.id + 1, 99)
    assert list(stores.sessions.sessions()) == [replace(first, seen_us=30)]


def test_sessions_end_alone_or_all_but_one(stores: Stores) -> None:
    first, second, theirs = (stores.sessions.add(each) for each in (FIRST, SECOND, THEIRS))
    third = stores.sessions.add(replace(FIRST, digest=b"\x09" * 32))
    stores.sessions.remove(first.id)
    stores.sessions.remove(first.id)
    assert list(stores.sessions.sessions()) == [third, theirs, second]
    stores.sessions.remove_others("admin", third.id)
    assert list(stores.sessions.sessions()) == [third, theirs]
    stores.sessions.remove_others("admin")
    assert list(stores.sessions.sessions()) == [theirs]


def test_old_and_idle_sessions_are_purged(stores: Stores) -> None:
    _, second, theirs = (stores.sessions.add(each) for each in (FIRST, SECOND, THEIRS))
    stores.sessions.purge(11, 0)
    assert list(stores.sessions.sessions()) == [theirs, second]
    stores.sessions.purge(0, 22)
    assert list(stores.sessions.sessions()) == [theirs]


def test_tokens_come_back_as_they_were(stores: Stores) -> None:
    api, launch = stores.tokens.add(API), stores.tokens.add(LAUNCH)
    assert (replace(api, id=0), replace(launch, id=0)) == (API, LAUNCH)
    assert (stores.tokens.get(API.digest), stores.tokens.get(LAUNCH.digest)) == (api, launch)
    assert (list(stores.tokens.tokens()), list(stores.tokens.tokens("admin"))) == ([launch, api], [launch])


def test_a_token_is_used_removed_and_purged(stores: Stores) -> None:
    api, launch = stores.tokens.add(API), stores.tokens.add(LAUNCH)
    stores.tokens.use(launch.id, 150, 300)
    assert stores.tokens.get(LAUNCH.digest) == replace(launch, used_us=150, expires_us=300)
    stores.tokens.remove(api.id)
    stores.tokens.use(api.id, 1, 2)
    assert [token.id for token in stores.tokens.tokens()] == [launch.id]
    stores.tokens.purge(300)
    assert len(stores.tokens.tokens()) == 1
    stores.tokens.purge(301)
    assert list(stores.tokens.tokens()) == []


def test_numbers_are_never_given_twice(stores: Stores) -> None:
    first = stores.sessions.add(FIRST)
    stores.sessions.remove(first.id)
    token = stores.tokens.add(API)
    stores.tokens.remove(token.id)
    assert stores.sessions.add(FIRST).id > first.id
    assert stores.tokens.add(API).id > token.id


def test_preferences_are_each_users_own_and_change_one_by_one(stores: Stores) -> None:
    stores.users.add(ADMIN)
    stores.users.add(ZHANG)
    stores.preferences.prefer("admin", {"language": '"en"', "scheme": '"dark"'})
    stores.preferences.prefer("张伟", {"language": '"zh-CN"'})
    stores.preferences.prefer("admin", {"scheme": None, "language": '"zh-CN"', "nothing": None})
    stores.preferences.prefer("admin", {"columns": "[]"})
    assert stores.preferences.preferences("admin") == {"language": '"zh-CN"', "columns": "[]"}
    assert stores.preferences.preferences("张伟") == {"language": '"zh-CN"'}


def test_preferences_go_with_their_user_and_nobody_has_any_before(stores: Stores) -> None:
    stores.preferences.prefer("张伟", {"language": '"en"'})
    stores.users.add(ZHANG)
    assert stores.preferences.preferences("张伟") == {}
    stores.preferences.prefer("张伟", {"language": '"en"'})
    stores.users.change("张伟", lambda _user, _others: None)
    stores.users.add(ZHANG)
    assert stores.preferences.preferences("张伟") == {}


def test_all_outlive_the_process_and_a_rebuild(tmp_path: Path) -> None:
    settings = SqliteSettings(tmp_path / "index.sqlite", durable=False)
    with closing(SqliteIndex(settings)) as index:
        SqliteUsers(index).add(ZHANG)
        session, token = SqliteSessions(index).add(THEIRS), SqliteTokens(index).add(API)
        SqlitePreferences(index).prefer("张伟", {"language": '"zh-CN"'})
        index.rebuild().swap()
    with closing(SqliteIndex(settings)) as index:
        assert list(SqliteUsers(index).users()) == [ZHANG]
        assert (list(SqliteSessions(index).sessions()), list(SqliteTokens(index).tokens())) == ([session], [token])
        assert SqlitePreferences(index).preferences("张伟") == {"language": '"zh-CN"'}
