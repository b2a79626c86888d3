"""Secrets that we make: long random text, of which only digests are kept.

They hold 160 random bits and more, so one pass of a plain hash is as good as a slow one: there is nothing to guess
(OWASP ASVS 5.0, 11.4.2 speaks of passwords). What each begins with tells leaked ones from other text.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

API_PREFIX: Final = "calotype_"
LAUNCH_PREFIX: Final = "launch_"

_SESSION_BYTES: Final = 32
_API_BYTES: Final = 32
_LAUNCH_BYTES: Final = 24

MAX_SECRET_CHARS: Final = 128
"""What is longer is none of ours."""


def new_session() -> str:
    """Return the secret of a session: 43 characters that may stand in a cookie."""
    return secrets.token_urlsafe(_SESSION_BYTES)


def new_api_token() -> str:
    """Return the secret of an API token: 52 characters that may stand in a URL."""
    return API_PREFIX + secrets.token_urlsafe(_API_BYTES)


def new_launch_token() -> str:
    """Return the secret of a launch token: 39 characters that may stand in a URL, which Windows cuts when long."""
    return LAUNCH_PREFIX + secrets.token_urlsafe(_LAUNCH_BYTES)


def is_token(text: str) -> bool:
    """Tell whether text looks like one of our tokens; a password may not."""
    return text.startswith((API_PREFIX, LAUNCH_PREFIX))


def digest(secret: str) -> bytes:
    """Return what is kept of a secret: 32 bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def csrf_token(secret: str) -> str:
    """Return what a page must say with each change: who does not know the session's secret cannot make it."""
    return hmac.digest(secret.encode("utf-8", "surrogatepass"), b"calotype csrf", "sha256").hex()


def is_same(given: str, expected: str) -> bool:
    """Tell whether two secrets are the same, in a time that does not tell how much of them is."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))
