"""The feed of changes as it is kept: what a line says, and what the service needs from below.

A line is numbered in the transaction that writes it, so numbers are in the order of commits and without gaps. What
was stored is told per series, not per object: whoever listens asks the archive for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from calotype.dicom.hierarchy import UID, Level


class Action(StrEnum):
    """What has happened."""

    CREATED = "created"
    """Objects came into a series, which may be new."""
    UPDATED = "updated"
    """An object was overwritten by another, or a study was read again from its files."""
    DELETED = "deleted"
    """Objects went into the recycle bin."""
    RESTORED = "restored"
    """Objects came back out of it."""
    MARKED = "marked"
    """The labels or the remark of a study were changed; its objects were not, and it stays as stable as it was."""
    STABLE = "stable"
    """Nothing has come into a study for a while."""
    REBUILT = "rebuilt"
    """The index was made anew from the objects: what one knows is to be compared with what is there."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line. ``level`` is the deepest of which a UID is given, ``None`` when it concerns the whole archive.

    ``instances`` says how many objects came, changed or went; ``at_us`` is when the line was written, UTC,
    microseconds since 1970.
    """

    sequence: int
    action: Action
    level: Level | None
    study: UID
    series: UID
    instance: UID
    instances: int
    at_us: int


@dataclass(frozen=True, slots=True)
class Extent:
    """Which feed this is, and its oldest and newest line; both 0 while it is empty.

    ``token`` changes when the index is lost: numbers of another feed mean nothing in this one.
    """

    token: str
    oldest: int
    newest: int


class Feed(Protocol):
    """Keeps the lines. Every change is durable when its call returns; any thread may call at any time.

    The index writes the lines about what it changes itself, each in the transaction that changes it.
    """

    def tell(self, now_us: int) -> bool:
        """Write down what was stored since the last time, a line per series; tell whether there was anything.

        Cheap when there was not.
        """
        ...

    def settle(self, quiet_since_us: int, now_us: int) -> int | None:
        """Write a line about each study into which nothing came since ``quiet_since_us``.

        Return when something last came into the one of the others that has waited longest; ``None`` without others.
        """
        ...

    def extent(self) -> Extent:
        """Return which feed this is and how far it reaches."""
        ...

    def lines(self, since: int, limit: int) -> list[Change]:
        """Return up to ``limit`` lines after number ``since``, in order."""
        ...

    def trim(self, keep: int) -> int:
        """Forget all but the newest ``keep`` lines (at least one) and return how many went."""
        ...


__all__ = ["Action", "Change", "Extent", "Feed"]
