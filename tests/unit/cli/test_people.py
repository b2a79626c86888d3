"""``calotype users`` and ``calotype tokens``: rows in, one line out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from calotype.app.admitting import open_logins
from calotype.app.settings import Settings, Storage
from calotype.cli import calotype
from calotype.errors import Conflict, InvalidRequest, NotFound
from calotype.services.access import secrets
from calotype.services.access.model import Role, Scope

PASSWORD = "salted paper in the dark"


@pytest.fixture
def settings(tmp_path):
    return Settings(storage=Storage(path=tmp_path / "data", durable=False, min_free_mib=1))


@pytest.fixture
def run(settings):
    def call(*arguments, said=""):
        where = ("-s", f"storage.path={settings.storage.path}", "-s", "storage.durable=false")
        return CliRunner().invoke(calotype, [*where, *arguments], input=said)

    return call


def test_users_are_added_listed_changed_and_removed(run, settings):
    added = run("users", "add", "Zhang", "--role", "admin", "--stdin", said=f"{PASSWORD}\n")
    assert (added.exit_code, added.stdout) == (0, "zhang  admin  not logged in yet\n")
    run("users", "add", "li", "--temporary", said=f"{PASSWORD}\n{PASSWORD}\n")
    listed = [json.loads(line) for line in run("users", "list", "--json").stdout.splitlines()]
    assert listed == [
        {"name": "li", "role": "viewer", "must_change_password": True, "seen_us": 0},
        {"name": "zhang", "role": "admin", "must_change_password": False, "seen_us": 0},
    ]
    assert (
        run("users", "role", "LI", "operator").stdout == "li  operator  not logged in yet, must change the password\n"
    )
    assert run("users", "password", "li", "--stdin", said="wet collodion on glass\n").exit_code == 0
    with open_logins(settings) as logins:
        user = logins.users.get("li")
        assert (user.role, user.must_change_password) == (Role.OPERATOR, False)
        assert logins.users.passwords.is_right(user.password_hash, "wet collodion on glass")
    assert run("users", "remove", "li").exit_code == 0
    assert run("users", "list").stdout == "zhang  admin  not logged in yet\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("users", "add", "a b", "--stdin"), InvalidRequest),
        (("users", "password", "nobody", "--stdin"), NotFound),
        (("users", "role", "zhang", "viewer"), Conflict),
        (("users", "remove", "zhang"), Conflict),
        (("tokens", "add", "nobody", "x", "-s", "read"), NotFound),
        (("tokens", "add", "zhang", "x", "-s", "read", "--days", "0"), InvalidRequest),
        (("tokens", "remove", "7"), NotFound),
    ],
)
def test_what_cannot_be_done_is_told(run, arguments, error):
    run("users", "add", "zhang", "--role", "admin", "--stdin", said=f"{PASSWORD}\n")
    assert isinstance(run(*arguments, said=f"{PASSWORD}\n").exception, error)


def test_a_password_that_is_guessed_soon_is_not_taken(run):
    assert isinstance(run("users", "add", "zhang", "--stdin", said="zhang2026\n").exception, InvalidRequest)
    assert run("users", "list").stdout == ""


def test_a_token_is_printed_alone_and_once(run, settings):
    run("users", "add", "zhang", "--role", "operator", "--stdin", said=f"{PASSWORD}\n")
    made = run("tokens", "add", "zhang", "CT 2", "-s", "store", "--days", "1")
    secret = made.stdout.strip()
    with open_logins(settings) as logins:
        assert logins.tokens.look_up(secrets.digest(secret)).scopes == {Scope.STORE}
    (listed,) = map(json.loads, run("tokens", "list", "--json").stdout.splitlines())
    assert (listed["user"], listed["label"], listed["scopes"]) == ("zhang", "CT 2", ["store"])
    assert secret not in run("tokens", "list").stdout
    assert run("tokens", "remove", str(listed["id"])).exit_code == 0
    assert run("tokens", "list").stdout == ""
