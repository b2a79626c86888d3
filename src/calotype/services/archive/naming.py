"""How results that can be made again are named: by the digest of the object, then by all that decided them."""

from __future__ import annotations

from typing import Final

from blake3 import blake3

_OBJECT_CHARS: Final = 16
_MADE_CHARS: Final = 32


def name_of_object(digest: bytes) -> str:
    """Return how the names of everything start that is made of the object with this digest."""
    return blake3(digest).hexdigest()[:_OBJECT_CHARS]


def name_of_result(digest: bytes, *decided: bytes) -> str:
    """Return a name for exactly this result of the object with this digest: another for any other ``decided``."""
    told = b"".join(len(part).to_bytes(4, "big") + part for part in (digest, *decided))
    return name_of_object(digest) + blake3(told).hexdigest()[:_MADE_CHARS]
