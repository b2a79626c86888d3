"""Passwords: which are good enough, and their hashes (argon2id, RFC 9106).

The library is loaded when the first password is hashed or tested: a start of an archive with users needs none.
"""

from __future__ import annotations

import os
import unicodedata
from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from calotype.errors import InvalidRequest
from calotype.services.access.secrets import is_token

if TYPE_CHECKING:
    import argon2

MIN_CHARS: Final = 10
MAX_CHARS: Final = 200
"""Longer ones would only cost time; NIST SP 800-63B 3.1.1.2 asks for 64 at least."""

_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32

_FEWEST_KINDS: Final = 5
"""Different characters in a password, or it is 1111111111."""

_COMMON: Final = (
    "password",
    "passw0rd",
    "1234567890",
    "0123456789",
    "qwertyuiop",
    "calotype",
    "dicom",
    "pacs",
    "admin",
)
"""What is tried first, and here. A password may contain one and must be more."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash takes. RFC 9106 4, second choice: 64 MiB and three passes; one lane, as others work here too."""

    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 1


class Passwords:
    """Hashes and tests passwords. Thread-safe; how many work at one time is for whoever calls."""

    def __init__(self, cost: Cost | None = None) -> None:
        self._cost = cost or Cost()

    @cached_property
    def _hasher(self) -> argon2.PasswordHasher:
        import argon2  # not needed by who only starts

        cost = self._cost
        return argon2.PasswordHasher(cost.passes, cost.memory_kib, cost.lanes)

    def hash(self, password: str) -> str:
        """Return the hash to keep."""
        return self._hasher.hash(_normal(password))

    def is_right(self, password_hash: str, password: str) -> bool:
        """Tell whether a password is the one that was hashed; an empty hash takes as long, and is nobody's."""
        import argon2  # as above

        try:
            return self._hasher.verify(password_hash or self._any_hash(), _normal(password)) and bool(password_hash)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made at another cost, hence should be made anew when its password is at hand."""
        return self._hasher.check_needs_rehash(password_hash)

    def _any_hash(self) -> str:
        """Return what looks like a hash, of no password, for users that are not there.

        Put together and not hashed: the first stranger after a start would wait for two hashes, and tell by it.
        """
        cost = self._cost
        salt, digest = (
            b64encode(os.urandom(size)).decode("ascii").rstrip("=") for size in (_SALT_BYTES, _HASH_BYTES)
        )
        return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"


def check_new(password: str, user: str) -> None:
    """Raise InvalidRequest, in words for its owner, unless a password may be chosen (NIST SP 800-63B 3.1.1)."""
    plain = _normal(password)
    if not MIN_CHARS <= len(plain) <= MAX_CHARS:
        raise InvalidRequest(f"A password has {MIN_CHARS} to {MAX_CHARS} characters; a few words make a good one.")
    if "\0" in plain:
        raise InvalidRequest("A password cannot hold a NUL character.")
    if is_token(plain):
        raise InvalidRequest("A password cannot begin as tokens do; choose another.")
    left = plain.casefold()
    for known in (user, *_COMMON):
        left = left.replace(known, "")
    if len(set(left)) < _FEWEST_KINDS:
        raise InvalidRequest("This password would be guessed soon: choose one with other words and characters.")


def _normal(password: str) -> str:
    """Return the one spelling of a password, whichever way a keyboard composes it (SP 800-63B 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
