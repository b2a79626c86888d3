"""How results that can be made again are named and forgotten: by the digest of the object, then by what decided them.

A result is never stale, as other bytes have another name; but an object that is gone for good takes along what was
made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from blake3 import blake3

_OBJECT_CHARS: Final = 16
_MADE_CHARS: Final = 32

Forget: TypeAlias = Callable[[bytes], None]
"""Removes whatever was made of the object with this digest. Never fails."""


class Results(Protocol):
    """Keeps results under names of :func:`name_of_result`. Thread-safe; never fails."""

    def forget(self, start: str) -> None:
        """Remove every result whose name starts so."""
        ...


def forgetting(*kept: Results) -> Forget:
    """Return what makes all of ``kept`` forget an object."""

    def forget(digest: bytes) -> None:
        for results in kept:
            results.forget(name_of_object(digest))

    return forget


def nothing_kept(_digest: bytes) -> None:
    """Have nothing to forget."""


def name_of_object(digest: bytes) -> str:
    """Return how the names of everything start that is made of the object with this digest."""
    return blake3(digest).hexdigest()[:_OBJECT_CHARS]


def name_of_result(digest: bytes, *decided: bytes) -> str:
    """Return a name for exactly this result of the object with this digest: another for any other ``decided``."""
    told = b"".join(len(part).to_bytes(4, "big") + part for part in (digest, *decided))
    return name_of_object(digest) + blake3(told).hexdigest()[:_MADE_CHARS]
