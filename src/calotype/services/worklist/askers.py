"""Who asked the worklist, and what came of it: for people who wonder why a modality shows nothing.

The last question of every caller, in memory; nothing here decides.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from calotype.clock import Clock, utc_now_us
from calotype.dicom.query.model import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    PartBegins,
    Range,
    Romanised,
    UidList,
    Wildcard,
)

KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class Asker:
    """One caller, by AE title and address. ``last_us`` is UTC, microseconds since 1970.

    ``keys`` are the matching keys of its last question (keyword -> value), ``answers`` the steps it got, ``count``
    its questions since the start.
    """

    calling_ae_title: str
    address: str
    last_us: int
    count: int
    answers: int
    keys: Mapping[str, str]


class Askers:
    """A bounded, thread-safe memory of callers."""

    def __init__(self, clock_us: Clock = utc_now_us) -> None:
        self._clock_us = clock_us
        self._lock = threading.Lock()
        # In the order of their last question, oldest first.
        self._askers: dict[tuple[str, str], Asker] = {}

    def add(self, calling_ae_title: str, address: str, conditions: Sequence[Condition], answers: int) -> None:
        """Remember a question that was answered."""
        who = (calling_ae_title.strip(" "), address)
        keys = dict(pair for condition in conditions for pair in _told(condition))
        with self._lock:
            before = self._askers.pop(who, None)
            count = 1 if before is None else before.count + 1
            self._askers[who] = Asker(*who, self._clock_us(), count, answers, keys)
            if len(self._askers) > KEPT:
                del self._askers[next(iter(self._askers))]

    def recent(self) -> list[Asker]:
        """Return them, the last one first."""
        with self._lock:
            return list(reversed(self._askers.values()))


def _told(condition: Condition) -> list[tuple[str, str]]:
    """Return a condition as matching keys are written."""
    match condition:
        case InSequence(_, conditions):
            return [pair for each in conditions for pair in _told(each)]
        case AnyOf(conditions):
            told = [pair for each in conditions for pair in _told(each)]
            return [(told[0][0], "\\".join(value for _, value in told))] if told else []
        case Romanised(_, condition):
            return _told(condition)
        case DateTimeRange(keyword, _, low, high):
            return [(keyword, f"{low or ''}-{high or ''}")]
        case _:
            return [(condition.keyword, _value(condition))]


def _value(condition: Exact | Wildcard | PartBegins | Range | UidList | Empty) -> str:
    match condition:
        case Exact(_, value) | Wildcard(_, value):
            return value
        case PartBegins(_, word):
            return f"{word}*"
        case Range(_, low, high):
            return low if low and low == high else f"{low or ''}-{high or ''}"
        case UidList(_, values):
            return "\\".join(values)
        case Empty():
            return '""'
