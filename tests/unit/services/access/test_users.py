"""Who there is, and that there is always an administrator."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from calotype.errors import Conflict, InvalidRequest, NotFound
from calotype.services.access.model import Role
from calotype.services.access.users import FIRST_PASSWORD, FIRST_USER, name_of
from support.people import PASSWORD, People


@pytest.fixture
def people():
    return People()


def test_a_user_is_added_and_found_in_any_case(people):
    added = people.users.add(" Zhang.Wei ", PASSWORD, Role.OPERATOR)
    assert (added.name, added.role, added.must_change_password) == ("zhang.wei", Role.OPERATOR, True)
    assert people.users.get("ZHANG.WEI") == people.users.find("zhang.wei") == added
    assert list(people.users.list()) == [added]
    assert PASSWORD not in repr(added)


def test_who_is_not_there_is_not_found(people):
    assert people.users.find("nobody") is None
    assert people.users.find("no:body") is None
    for act in (people.users.get, people.users.remove):
        with pytest.raises(NotFound, match="no user 'nobody'"):
            act("nobody")


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a:b", "a/b", "a\\b", "a\nb", "a\0", "x" * 65, "x" * 10_000, "\u200bx"]
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(InvalidRequest, match="1 to 64"):
        name_of(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [("Admin", "admin"), ("张伟", "张伟"), ("STRASSE", "strasse"), ("\uff21\uff22", "ab"), ("a@b.c", "a@b.c")],
)
def test_names_have_one_spelling(text, name):
    assert name_of(text) == name


def test_the_first_administrator_has_a_password_that_everybody_knows(people):
    first = people.users.ensure_first()
    assert (first.name, first.role) == (FIRST_USER, Role.ADMIN)
    assert (first.must_change_password, first.is_local_only) == (True, True)
    assert people.passwords.is_right(first.password_hash, FIRST_PASSWORD)
    assert people.users.ensure_first() == first
    assert people.users.ensure_first(PASSWORD) == first


def test_a_first_password_that_was_given_is_nobody_elses(people):
    assert people.users.ensure_first(PASSWORD) is None
    first = people.users.get(FIRST_USER)
    assert (first.must_change_password, first.is_local_only) == (False, False)
    assert people.passwords.is_right(first.password_hash, PASSWORD)


def test_a_first_password_that_will_not_do_is_refused(people):
    with pytest.raises(InvalidRequest):
        people.users.ensure_first("short")
    assert list(people.users.list()) == []


def test_no_first_administrator_is_made_where_there_is_one(people):
    people.users.add("li", PASSWORD, Role.ADMIN)
    assert people.users.ensure_first() is None
    assert [user.name for user in people.users.list()] == ["li"]


def test_of_many_processes_that_start_first_one_makes_the_administrator(people):
    threads = [threading.Thread(target=people.users.ensure_first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [user.name for user in people.users.list()] == [FIRST_USER]


def test_the_last_administrator_stays(people):
    people.users.add("li", PASSWORD, Role.ADMIN)
    people.users.add("zhang", PASSWORD, Role.VIEWER)
    for act in (people.users.remove, lambda name: people.users.set_role(name, Role.OPERATOR)):
        with pytest.raises(Conflict, match="li is the only administrator"):
            act("li")
    people.users.set_role("zhang", Role.ADMIN)
    people.users.remove("li")
    assert [user.name for user in people.users.list()] == ["zhang"]


def test_an_administrator_gives_a_password_that_is_to_be_changed(people):
    user = people.users.add("zhang", PASSWORD, Role.VIEWER, must_change_password=False)
    people.sessions.begin(user, "", "")
    changed = people.users.set_password("zhang", "wet collodion on glass")
    assert (changed.must_change_password, list(people.sessions.list())) == (True, [])
    assert people.passwords.is_right(changed.password_hash, "wet collodion on glass")


def test_ones_own_password_is_another_one(people):
    user = people.users.add("zhang", PASSWORD, Role.VIEWER)
    with pytest.raises(InvalidRequest, match="choose another"):
        people.users.change_password(user, PASSWORD)
    changed = people.users.change_password(user, "wet collodion on glass")
    assert not changed.must_change_password


def test_a_login_is_noted_and_brings_an_old_hash_up_to_date(people):
    user = people.users.add("zhang", PASSWORD, Role.VIEWER)
    outdated = user.password_hash.replace("m=8", "m=9")
    assert outdated != user.password_hash
    people.user_store.change("zhang", lambda found, _others: replace(found, password_hash=outdated))
    seen = people.users.seen(people.users.get("zhang"), PASSWORD)
    assert seen.seen_us > 0
    assert people.passwords.is_right(seen.password_hash, PASSWORD)


def test_a_login_does_not_bring_back_a_password_that_was_changed_meanwhile(people):
    before = people.users.add("zhang", PASSWORD, Role.VIEWER)
    changed = people.users.set_password("zhang", "wet collodion on glass")
    assert people.users.seen(before, PASSWORD).password_hash == changed.password_hash
