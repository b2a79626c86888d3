"""How each user likes the pages: language, colours, columns. A few known things, small, and nothing that others see.

Kept per user, each preference for itself: of two pages that change the same one the later wins, and neither undoes
what the other has changed beside it. What is kept and not understood (any more) counts as not chosen.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from calotype.errors import InvalidRequest
from calotype.services.access.ports import PreferenceStore

_logger = logging.getLogger(__name__)

MAX_COLUMNS: Final = 64
COLUMN_PATTERN: Final = "^[A-Za-z][A-Za-z0-9_.-]{0,63}$"
"""What a column is called: a DICOM keyword, or a word of the pages."""

_COLUMN: Final = re.compile(COLUMN_PATTERN, re.ASCII)


class Language(StrEnum):
    """What the pages are written in."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


class Scheme(StrEnum):
    """The pages' colours; ``auto`` is as the system has them."""

    LIGHT = "light"
    DARK = "dark"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a user has chosen; ``None`` is not chosen.

    ``study_columns`` are those of the study list, ``first_steps_done`` is whether an administrator has put the guide
    of the first day away.
    """

    language: Language | None = None
    scheme: Scheme | None = None
    study_columns: tuple[str, ...] | None = None
    first_steps_done: bool | None = None


NAMES: Final = tuple(field.name for field in fields(Preferences))


class Likings:
    """Keeps what users prefer. Thread-safe."""

    def __init__(self, store: PreferenceStore) -> None:
        self._store = store

    def of(self, user: str) -> Preferences:
        """Return what a user has chosen."""
        known: dict[str, Any] = {}
        for name, text in self._store.preferences(user).items():
            try:
                known[name] = _read(name, json.loads(text))
            except ValueError as error:
                # Of a later version that was here before this one.
                _logger.info("what %s prefers is not understood and passed over: %s", user, error)
        return Preferences(**known)

    def change(self, user: str, changes: Mapping[str, object]) -> Preferences:
        """Choose, or choose no longer (``None``), what is named; return what a user has chosen then.

        InvalidRequest for what is no preference, or no value of it.
        """
        try:
            chosen = {name: None if value is None else _read(name, value) for name, value in changes.items()}
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        self._store.prefer(
            user, {name: None if value is None else json.dumps(value) for name, value in chosen.items()}
        )
        return self.of(user)


def _read(name: str, value: object) -> object:
    """Return a value as :class:`Preferences` has it. ValueError."""
    reader = _READERS.get(name)
    if reader is None:
        raise ValueError(f"{name[:64]!r} is no preference; there are {', '.join(NAMES)}")
    return reader(value)


def _columns(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > MAX_COLUMNS:
        raise ValueError(f"study_columns is a list of at most {MAX_COLUMNS} names")
    if not all(isinstance(name, str) and _COLUMN.fullmatch(name) for name in value):
        raise ValueError("the name of a column has 1 to 64 letters, digits and signs")
    return tuple(dict.fromkeys(value))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("first_steps_done is true or false")  # noqa: TRY004 - one kind of error for all readers
    return value


_READERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "language": Language,
    "scheme": Scheme,
    "study_columns": _columns,
    "first_steps_done": _flag,
}
