"""What a key may be, for every object store: checked where it enters, whoever made it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Final

from calotype.errors import InvalidRequest

MAX_KEY_BYTES: Final = 2048

_NAME: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"
_KEY: Final = re.compile(rf"(?:{_NAME}/)*{_NAME}", re.ASCII)
"""Relative, no empty name, none over 255 bytes, none that begins with a dot: neither ``..`` nor our own folders."""


def is_key(text: str) -> bool:
    """Tell whether ``text`` can be a key."""
    return len(text) <= MAX_KEY_BYTES and _KEY.fullmatch(text) is not None


def check_key(key: str) -> None:
    """Raise InvalidRequest unless ``key`` is a relative path of safe names."""
    if not is_key(key):
        raise InvalidRequest(f"{key[:300]!r} cannot name an object: relative path of letters, digits, '.', '_', '-'")


def candidates(key: str) -> Iterator[str]:
    """Return ``key``, then the names for when it is taken: ``a/b.dcm``, ``a/b.1.dcm``, ``a/b.2.dcm``, ..."""
    yield key
    folder, slash, name = key.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    for number in count(1):
        yield f"{folder}{slash}{stem}.{number}{dot}{suffix}"
