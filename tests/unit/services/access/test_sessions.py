"""Sessions last while a person uses them, and end in every other case."""

from __future__ import annotations

import pytest

from calotype.errors import NotFound
from calotype.services.access import secrets
from calotype.services.access.model import Role, Way
from calotype.services.access.sessions import KEEP_SEEN_S, MAX_OF_USER, MAX_REMEMBERED, RECHECK_S
from support.people import PASSWORD, People


@pytest.fixture
def people():
    return People()


@pytest.fixture
def zhang(people):
    return people.users.add("zhang", PASSWORD, Role.OPERATOR, must_change_password=False)


def ask(people, secret, *, is_use=True):
    """Ask as a request does."""
    digest = secrets.digest(secret)
    return people.sessions.remembered(digest, is_use=is_use) or people.sessions.look_up(digest, is_use=is_use)


def test_a_session_grants_what_its_user_may(people, zhang):
    secret, session = people.sessions.begin(zhang, "192.0.2.7", "Firefox\r\n\x00" + "x" * 500)
    grant = ask(people, secret)
    assert (grant.user, grant.role, grant.way, grant.number) == ("zhang", Role.OPERATOR, Way.SESSION, session.id)
    assert grant.scopes == Role.OPERATOR.scopes
    assert session.client == "Firefox   " + "x" * 190
    assert secret not in repr(people.kept)
    assert ask(people, secret + "x") is None


def test_what_is_remembered_asks_no_store(people, zhang):
    secret, session = people.sessions.begin(zhang, "", "")
    digest = secrets.digest(secret)
    assert people.sessions.remembered(digest, is_use=True) is None
    grant = people.sessions.look_up(digest, is_use=True)
    people.session_store.remove(session.id)
    assert people.sessions.remembered(digest, is_use=True) == grant
    people.now_s += RECHECK_S + 0.1
    assert people.sessions.remembered(digest, is_use=True) is None
    assert ask(people, secret) is None


def test_a_session_that_is_used_goes_on_and_one_that_is_not_ends(people, zhang):
    secret, _ = people.sessions.begin(zhang, "", "")
    for _ in range(10):
        people.now_s += 29 * 60
        assert ask(people, secret) is not None
    people.now_s += 31 * 60
    assert ask(people, secret) is None
    assert list(people.sessions.list()) == []


def test_what_a_page_asks_by_itself_keeps_no_session_alive(people, zhang):
    secret, _ = people.sessions.begin(zhang, "", "")
    for _ in range(30 * 60):
        people.now_s += 1
        assert ask(people, secret, is_use=False) is not None
    people.now_s += 1
    assert ask(people, secret, is_use=False) is None
    assert ask(people, secret) is None


def test_a_session_ends_after_its_time_however_much_it_is_used(people, zhang):
    secret, _ = people.sessions.begin(zhang, "", "")
    for _ in range(12 * 4):
        assert ask(people, secret) is not None
        people.now_s += 15 * 60
    people.now_s += 1
    assert ask(people, secret) is None


def test_the_last_use_is_written_down_now_and_then(people, zhang):
    secret, session = people.sessions.begin(zhang, "", "")
    people.now_s += KEEP_SEEN_S - 1
    ask(people, secret)
    assert people.session_store.sessions()[0].seen_us == session.seen_us
    assert people.sessions.list()[0].seen_us == people.now_us()
    people.now_s += 2 + RECHECK_S
    ask(people, secret)
    assert people.session_store.sessions()[0].seen_us == people.now_us()


def test_each_session_has_a_secret_of_its_own(people, zhang):
    first, second = (people.sessions.begin(zhang, "", "")[0] for _ in range(2))
    assert first != second
    assert secrets.csrf_token(first) != secrets.csrf_token(second)
    assert len(first) == 43


def test_sessions_end_one_by_one_and_by_their_owner_only(people, zhang):
    secret, session = people.sessions.begin(zhang, "", "")
    ask(people, secret)
    with pytest.raises(NotFound, match="it has ended"):
        people.sessions.end(session.id, "li")
    people.sessions.end(session.id, "zhang")
    assert ask(people, secret) is None
    with pytest.raises(NotFound):
        people.sessions.end(session.id)


def test_all_but_one_end(people, zhang):
    kept, ended = (people.sessions.begin(zhang, "", "") for _ in range(2))
    for secret, _ in (kept, ended):
        ask(people, secret)
    people.sessions.end_others("zhang", kept[1].id)
    assert (ask(people, kept[0]) is not None, ask(people, ended[0])) == (True, None)
    people.sessions.end_secret(kept[0])
    people.sessions.end_secret("nobody's")
    assert ask(people, kept[0]) is None


def test_another_role_counts_at_once_where_it_was_given(people, zhang):
    secret, _ = people.sessions.begin(zhang, "", "")
    ask(people, secret)
    people.users.set_role("zhang", Role.VIEWER)
    people.sessions.forget("zhang")
    assert ask(people, secret).scopes == Role.VIEWER.scopes


def test_what_another_process_did_counts_within_seconds(people, zhang):
    people.users.add("li", PASSWORD, Role.ADMIN)
    secret, _ = people.sessions.begin(zhang, "", "")
    ask(people, secret)
    people.users.remove("zhang")
    people.now_s += RECHECK_S + 0.1
    assert ask(people, secret) is None


def test_a_user_has_so_many_sessions_and_a_further_one_ends_the_oldest(people, zhang):
    begun = [people.sessions.begin(zhang, "", "")[0] for _ in range(MAX_OF_USER + 1)]
    assert [ask(people, secret) is not None for secret in begun] == [False] + [True] * MAX_OF_USER


def test_a_login_clears_away_what_has_ended(people, zhang):
    people.sessions.begin(zhang, "", "")
    people.now_s += 31 * 60
    people.sessions.begin(zhang, "", "")
    assert len(people.session_store.sessions()) == 1


def test_memory_is_bounded(people, zhang):
    for _ in range(3):
        secret, _ = people.sessions.begin(zhang, "", "")
        ask(people, secret)
    people.sessions._live.update(
        (number, next(iter(people.sessions._live.values()))) for number in range(MAX_REMEMBERED)
    )
    secret, _ = people.sessions.begin(zhang, "", "")
    before = len(people.sessions._live)
    assert ask(people, secret) is not None
    assert len(people.sessions._live) == before
