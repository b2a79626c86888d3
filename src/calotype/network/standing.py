"""How a listener stands now, as plain data for people to read: who is connected, and what has passed through.

Written by ``listener``; ``traffic`` makes rates of it. Nothing here decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import add, attrgetter, sub
from typing import Final, Self


@dataclass(frozen=True, slots=True)
class LiveAssociation:
    """An association that is open. ``since_us`` is UTC, microseconds since 1970; messages include responses."""

    calling_ae_title: str
    called_ae_title: str
    peer_address: str
    since_us: int
    messages_received: int
    messages_sent: int
    data_set_bytes_received: int
    data_set_bytes_sent: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What passed since the start, through associations that ended and those that are open."""

    associations: int = 0
    rejections: int = 0
    messages_received: int = 0
    messages_sent: int = 0
    data_set_bytes_received: int = 0
    data_set_bytes_sent: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(*map(add, _NUMBERS(self), _NUMBERS(other)))

    def __sub__(self, other: Totals) -> Totals:
        return Totals(*map(sub, _NUMBERS(self), _NUMBERS(other)))

    @classmethod
    def of(cls, association: LiveAssociation) -> Self:
        """Return what one association adds."""
        return cls(
            1,
            0,
            association.messages_received,
            association.messages_sent,
            association.data_set_bytes_received,
            association.data_set_bytes_sent,
        )


_NUMBERS: Final = attrgetter(*(field.name for field in fields(Totals)))
"""All of them in their order; ``astuple`` would copy each, and that for every association that ends."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One listener: whether its port is open, who is connected (longest first), and its totals."""

    is_open: bool
    associations: Sequence[LiveAssociation]
    totals: Totals
