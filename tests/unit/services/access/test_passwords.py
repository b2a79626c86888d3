"""Passwords: which will do, and that only the right one is right."""

from __future__ import annotations

import subprocess
import sys

import argon2
import pytest

from calotype.errors import InvalidRequest
from calotype.services.access.passwords import MAX_CHARS, Cost, Passwords, check_new
from support.people import CHEAP


@pytest.fixture
def passwords():
    return Passwords(CHEAP)


def test_only_the_right_password_is_right(passwords):
    hashed = passwords.hash("salted paper")
    assert passwords.is_right(hashed, "salted paper")
    assert not passwords.is_right(hashed, "salted papers")
    assert not passwords.is_right(hashed, "")
    assert hashed != passwords.hash("salted paper")


def test_hashes_are_argon2id_at_what_rfc_9106_recommends():
    hashed = Passwords().hash("x")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=1$")


def test_nobodys_password_is_never_right(passwords):
    for password in ("", "nobody's", "x"):
        assert not passwords.is_right("", password)
    assert not passwords.is_right("no hash", "x")


def test_a_stranger_is_tested_at_the_same_cost_from_the_first_time_on(passwords, monkeypatch):
    """The time that it takes must not tell who there is."""
    real, tested = passwords.hash("salted paper"), []
    verify = argon2.PasswordHasher.verify

    def noted(hasher, hashed, password):
        tested.append(hashed)
        return verify(hasher, hashed, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", noted)
    monkeypatch.delattr(argon2.PasswordHasher, "hash")
    assert not passwords.is_right("", "salted paper")
    [decoy] = tested
    assert argon2.extract_parameters(decoy) == argon2.extract_parameters(real)
    # Tested to the end, and not thrown out for how it is written.
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        verify(argon2.PasswordHasher(), decoy, "x")


def test_a_password_has_one_spelling_however_it_is_typed(passwords):
    assert passwords.is_right(passwords.hash("Cafe\u0301 \u210c"), "Caf\u00e9 H")


def test_a_hash_made_at_another_cost_is_outdated(passwords):
    hashed = passwords.hash("salted paper")
    assert not passwords.is_outdated(hashed)
    assert Passwords(Cost(16, 1, 1)).is_outdated(hashed)


@pytest.mark.parametrize(
    "good", ["salted paper", "correct horse battery", "密码密码由十个字以上组成", "Tr0ub4dor&3x", "x" * 5 + "abcdefg"]
)
def test_good_passwords_will_do(good):
    check_new(good, "zhang")


@pytest.mark.parametrize(
    "weak",
    ["", "admin", "123456789", "1234567890", "1111111111", "password12", "PASSWORD12", "zhangzhang", "Zhang-2026",
     "calotype2026", "x" * (MAX_CHARS + 1), "nul\0 in the middle", "launch_abcdefghijk", "calotype_abcdefghijk"],
)  # fmt: skip
def test_weak_passwords_will_not(weak):
    with pytest.raises(InvalidRequest):
        check_new(weak, "zhang")


def test_a_start_without_a_password_loads_no_argon2():
    code = (
        "import sys; import calotype.services.access.logins, calotype.app.admitting; print('argon2' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
