"""Objects that are made ready while the one before them leaves.

For whoever sends them one after the other, over an association or as parts of a body. What "ready" is (opened, read,
being converted) is for who sends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, Generic, Protocol, TypeVar

from calotype.closing import Closing

MADE_AHEAD: Final = 8
MADE_AHEAD_BYTES: Final = 16 * 1000 * 1000
"""So many objects up to this size are converted at one time for one who takes them one after the other: enough for
all cores to have work while one leaves. Frames of a larger one that nobody takes yet are memory that others want."""


class Ready(Closing, Protocol):
    """An object whose turn is near."""

    @property
    def is_being_made(self) -> bool:
        """Whether others work on it, so that there is time for one more."""
        ...


Turn = TypeVar("Turn", bound=Ready)


class Queue(Closing, Generic[Turn]):
    """The object at hand and, once prepared, those after it. Used by one thread; close what it gives."""

    def __init__(self, turns: Iterator[Turn]) -> None:
        self._turns = turns
        self._ready: deque[Turn | None] = deque()

    def prepare(self) -> None:
        """Make the next object ready, unless it is; while others work on that, the ones after it, too."""
        while not self._ready or (
            len(self._ready) < MADE_AHEAD and self._ready[-1] is not None and self._ready[-1].is_being_made
        ):
            self._ready.append(next(self._turns, None))

    def next(self) -> Turn | None:
        """Return the next object; ``None`` when there is none."""
        self.prepare()
        return self._ready.popleft()

    def close(self) -> None:
        """Close what was not asked for."""
        for turn in self._ready:
            if turn is not None:
                turn.close()
