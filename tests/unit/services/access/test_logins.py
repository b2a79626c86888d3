"""Passwords are tested in one place: slowed down, alike for everybody, and once for many requests."""

from __future__ import annotations

import threading

import pytest

from calotype.services.access.logins import REMEMBERED_S, Caller, NotFromHere, WrongPassword
from calotype.services.access.model import Role, Way
from calotype.services.access.sessions import RECHECK_S
from calotype.services.access.throttle import Throttled
from support.people import PASSWORD, People

WARD, HERE = Caller("192.0.2.7"), Caller("127.0.0.1", is_local=True)


@pytest.fixture
def people():
    return People()


@pytest.fixture
def logins(people):
    people.users.add("zhang", PASSWORD, Role.OPERATOR, must_change_password=False)
    people.passwords.tested = 0
    return people.logins


def fail(logins, name="zhang", caller=WARD):
    with pytest.raises((WrongPassword, Throttled)) as caught:
        logins.test(name, "guess", caller)
    return type(caught.value), str(caught.value)


def test_the_right_password_is_taken_in_any_case_of_the_name(logins):
    assert logins.test("ZHANG", PASSWORD, WARD).name == "zhang"


def test_nobody_learns_who_there_is(logins, people):
    answers = {name: [fail(logins, name) for _ in range(7)] for name in ("zhang", "nobody")}
    assert answers["zhang"] == answers["nobody"]
    assert [kind for kind, _ in answers["zhang"]] == [WrongPassword] * 5 + [Throttled] * 2
    # As many hashes for either: time tells nothing, too.
    assert people.passwords.tested == 10


def test_what_can_be_no_name_is_tested_like_one(logins, people):
    assert fail(logins, "a b")[0] is WrongPassword
    assert people.passwords.tested == 1


def test_who_is_slowed_down_has_to_wait_even_with_the_right_password(logins, people):
    for _ in range(5):
        fail(logins)
    with pytest.raises(Throttled):
        logins.test("zhang", PASSWORD, WARD)
    people.now_s += 5
    assert logins.test("zhang", PASSWORD, WARD).name == "zhang"
    assert [fail(logins)[0] for _ in range(5)] == [WrongPassword] * 5


def test_nobody_from_afar_locks_out_who_sits_at_the_machine(logins):
    for _ in range(9):
        fail(logins)
    assert logins.test("zhang", PASSWORD, HERE).name == "zhang"


def test_nobody_locks_somebody_out_from_elsewhere(logins):
    assert [fail(logins)[0] for _ in range(6)] == [WrongPassword] * 5 + [Throttled]
    assert logins.test("zhang", PASSWORD, Caller("192.0.2.8")).name == "zhang"


def test_many_addresses_together_are_slowed_down_too(logins):
    kinds = [fail(logins, caller=Caller(f"192.0.2.{number}"))[0] for number in range(51)]
    assert kinds == [WrongPassword] * 50 + [Throttled]
    with pytest.raises(Throttled):
        logins.test("zhang", PASSWORD, WARD)
    # One of them does not count against others that it stops.
    assert fail(logins, "li", Caller("192.0.2.99"))[0] is WrongPassword


def test_an_address_that_tries_many_names_is_slowed_down(logins):
    kinds = [fail(logins, f"user{number}")[0] for number in range(21)]
    assert kinds == [WrongPassword] * 20 + [Throttled]
    with pytest.raises(Throttled):
        logins.test("zhang", PASSWORD, WARD)
    assert logins.test("zhang", PASSWORD, Caller("192.0.2.8")).name == "zhang"


def test_an_address_does_not_clear_itself_with_a_password_that_it_knows(logins):
    for number in range(20):
        logins.test("zhang", PASSWORD, WARD)
        fail(logins, f"user{number}")
    assert fail(logins, "another")[0] is Throttled


def test_an_attempt_that_its_address_stops_is_no_failure_of_the_user(logins, people):
    for number in range(20):
        fail(logins, f"user{number}")
    for _ in range(10):
        assert fail(logins, "zhang")[0] is Throttled
    assert logins.test("zhang", PASSWORD, Caller("192.0.2.8")).name == "zhang"


def test_the_first_password_counts_here_only(people):
    people.users.ensure_first()
    with pytest.raises(NotFromHere, match="own machine only"):
        people.logins.test("admin", "admin", WARD)
    assert people.logins.test("admin", "admin", HERE).is_local_only
    people.logins.change_password("admin", "admin", PASSWORD, HERE)
    assert not people.logins.test("admin", PASSWORD, WARD).is_local_only


def test_a_session_begins_with_the_right_password(logins, people):
    secret, session, user = logins.log_in("Zhang", PASSWORD, WARD, "Firefox")
    assert (user.name, session.address, session.client, len(secret)) == ("zhang", "192.0.2.7", "Firefox", 43)
    assert people.users.get("zhang").seen_us > 0
    with pytest.raises(WrongPassword):
        logins.log_in("zhang", "guess", WARD)


def test_a_password_sent_with_each_request_is_hashed_once(logins, people):
    key = logins.key_of("zhang", PASSWORD, WARD)
    assert logins.remembered(key) is None
    grant = logins.by_password("zhang", PASSWORD, WARD)
    assert (grant.user, grant.way) == ("zhang", Way.PASSWORD)
    assert logins.remembered(key) == grant
    people.now_s += RECHECK_S + 0.1
    assert logins.remembered(key) is None
    assert logins.by_password("zhang", PASSWORD, WARD) == grant
    assert people.passwords.tested == 1
    people.now_s += REMEMBERED_S
    logins.by_password("zhang", PASSWORD, WARD)
    assert people.passwords.tested == 2


def test_many_connections_at_once_are_one_attempt(logins, people):
    grants = []
    threads = [
        threading.Thread(target=lambda: grants.append(logins.by_password("zhang", PASSWORD, WARD))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(grants), people.passwords.tested) == (20, 1)


def test_what_is_remembered_is_of_this_name_and_password_alone(logins):
    logins.by_password("zhang", PASSWORD, WARD)
    for name, password in (("zhang", PASSWORD + " "), ("zhan", "g" + PASSWORD), ("li", PASSWORD)):
        assert logins.remembered(logins.key_of(name, password, WARD)) is None
    assert logins.remembered(logins.key_of("zhang", PASSWORD, HERE)) is None


@pytest.mark.parametrize("forgets", [True, False], ids=["here", "in another process"])
def test_another_password_ends_what_the_old_one_opened(logins, people, forgets):
    logins.by_password("zhang", PASSWORD, WARD)
    people.users.set_password("zhang", "wet collodion on glass", must_change_password=False)
    if forgets:
        logins.forget("zhang")
    else:
        people.now_s += RECHECK_S + 0.1
    assert logins.remembered(logins.key_of("zhang", PASSWORD, WARD)) is None
    with pytest.raises(WrongPassword):
        logins.by_password("zhang", PASSWORD, WARD)


def test_a_changed_password_ends_all_sessions_but_the_one_kept(logins, people):
    first, kept = (logins.log_in("zhang", PASSWORD, WARD) for _ in range(2))
    logins.change_password("zhang", PASSWORD, "wet collodion on glass", WARD, kept[1].id)
    assert [session.id for session in people.sessions.list()] == [kept[1].id]
    with pytest.raises(WrongPassword):
        logins.change_password("zhang", PASSWORD, "albumen and silver", WARD)
    assert first[1].id != kept[1].id
