"""Tokens act for a user, within scopes or studies, until they end."""

from __future__ import annotations

import re

import pytest

from calotype.errors import InvalidRequest, NotFound
from calotype.services.access import secrets
from calotype.services.access.model import Role, Scope, Way
from calotype.services.access.tokens import MAX_DAYS, MAX_OF_USER, MAX_STUDIES
from support.people import PASSWORD, People

DAY_S = 86_400


@pytest.fixture
def people():
    return People()


@pytest.fixture
def zhang(people):
    return people.users.add("zhang", PASSWORD, Role.OPERATOR, must_change_password=False)


def ask(people, secret):
    digest = secrets.digest(secret)
    return people.tokens.remembered(digest) or people.tokens.look_up(digest)


def test_a_token_grants_its_scopes_until_it_expires(people, zhang):
    secret, token = people.tokens.make(zhang, "  CT  2 ", [Scope.STORE, Scope.READ], 1)
    assert secrets.is_token(secret)
    assert (token.label, token.user, secret in repr(people.kept)) == ("CT 2", "zhang", False)
    grant = ask(people, secret)
    assert (grant.way, grant.scopes, grant.studies) == (Way.TOKEN, {Scope.STORE, Scope.READ}, None)
    people.now_s += DAY_S - 1
    assert ask(people, secret) is not None
    people.now_s += 2
    assert ask(people, secret) is None
    assert list(people.tokens.list()) == []


def test_a_token_may_no_more_than_its_user(people, zhang):
    with pytest.raises(InvalidRequest, match="operate, read, store, which zhang has"):
        people.tokens.make(zhang, "x", [Scope.READ, Scope.ADMIN], 1)
    secret, _ = people.tokens.make(zhang, "x", [Scope.READ, Scope.OPERATE], 1)
    people.users.set_role("zhang", Role.VIEWER)
    assert ask(people, secret).scopes == {Scope.READ}


def test_who_must_choose_a_password_acts_through_no_token(people, zhang):
    secret, _ = people.tokens.make(zhang, "x", [Scope.READ], 1)
    assert ask(people, secret) is not None
    people.users.set_password("zhang", "wet collodion on glass")
    people.tokens.forget()
    assert ask(people, secret) is None


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (("", [Scope.READ], 1), "label"), (("x" * 101, [Scope.READ], 1), "label"),
        (("a\0", [Scope.READ], 1), "label"), (("x", [], 1), "scopes"), (("x", [Scope.READ], 0), "days"),
        (("x", [Scope.READ], MAX_DAYS + 1), "days"), (("x", [Scope.READ], float("nan")), "days"),
    ],
)  # fmt: skip
def test_what_is_no_token_is_refused(people, zhang, given, what):
    with pytest.raises(InvalidRequest, match=f"^{what}:"):
        people.tokens.make(zhang, *given)


def test_a_user_has_so_many_tokens(people, zhang):
    for _ in range(MAX_OF_USER):
        people.tokens.make(zhang, "x", [Scope.READ], 1)
    people.tokens.launch("zhang", ["1.2"])
    with pytest.raises(InvalidRequest, match="has 200 tokens"):
        people.tokens.make(zhang, "x", [Scope.READ], 1)


def test_a_token_is_listed_with_its_last_use_and_removed_by_its_owner_only(people, zhang):
    secret, token = people.tokens.make(zhang, "x", [Scope.READ], 1)
    ask(people, secret)
    assert [(each.id, each.used_us) for each in people.tokens.list("zhang")] == [(token.id, people.now_us())]
    assert list(people.tokens.list("li")) == []
    with pytest.raises(NotFound):
        people.tokens.remove(token.id, "li")
    people.tokens.remove(token.id, "zhang")
    assert ask(people, secret) is None


def test_a_launch_token_fits_into_any_address(people, zhang):
    secret, _ = people.tokens.launch("zhang", ["1.2"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{20,40}", secret)


def test_a_launch_token_reads_its_studies(people, zhang):
    secret, _ = people.tokens.launch("zhang", ["1.2", "1.3"])
    grant = ask(people, secret)
    assert (grant.scopes, grant.studies, grant.role) == ({Scope.READ}, {"1.2", "1.3"}, Role.VIEWER)
    assert list(people.tokens.list()) == []


def test_a_launch_token_must_be_used_soon_and_lasts_for_hours_then(people, zhang):
    used, unused = (people.tokens.launch("zhang", ["1.2"])[0] for _ in range(2))
    people.now_s += 14 * 60
    assert ask(people, used) is not None
    people.now_s += 2 * 60
    assert (ask(people, unused), ask(people, used) is not None) == (None, True)
    people.now_s += 7.7 * 3600
    assert ask(people, used) is not None
    people.now_s += 0.3 * 3600
    assert ask(people, used) is None


@pytest.mark.parametrize("count", [0, MAX_STUDIES + 1])
def test_a_launch_token_opens_some_studies(people, zhang, count):
    with pytest.raises(InvalidRequest, match="1 to 100 studies"):
        people.tokens.launch("zhang", [str(number) for number in range(count)])


def test_a_token_of_nobody_opens_nothing(people, zhang):
    people.users.add("li", PASSWORD, Role.ADMIN)
    secret, _ = people.tokens.launch("zhang", ["1.2"])
    people.users.remove("zhang")
    assert ask(people, secret) is None
