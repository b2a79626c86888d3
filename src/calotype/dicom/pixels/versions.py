"""Which codecs are there: those of Python 3.12 and later do what those of 3.11 cannot do safely."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from typing import Final

CURRENT: Final = (2026, 10, 10)
"""imagecodecs: from here on precision can be told to JPEG-LS and HTJ2K, and OpenJPH survives damage."""


@cache
def has_current_codecs() -> bool:
    """Tell whether imagecodecs is :data:`CURRENT`."""
    return _version(metadata.version("imagecodecs")) >= CURRENT


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdecimal())
