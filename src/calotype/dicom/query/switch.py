"""Yes and no, as query parameters say them: one reading for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[str, bool]] = {
    "true": True,
    "yes": True,
    "1": True,
    # A name alone, as in "?dicomdir".
    "": True,
    "false": False,
    "no": False,
    "0": False,
}
"""PS3.18 has true and false (8.3.4) and yes (9.5.1.1.2); people write all of these."""


def switch(text: str) -> bool | None:
    """Return what the value of a parameter says, ``None`` when that is neither yes nor no."""
    return _WORDS.get(text.strip().lower())
