"""Timezone query adjustment (PS3.4 C.2.2.2.5, C.4.1.1.3.1): dates and times of one zone held against another's.

A date and its time are moved together, by what (0008,0201) Timezone Offset From UTC of the object and that of the
request differ. A date without a time, a time without a date, and all of an object that does not say its zone stand
as they were written: there is nothing to move them by. DT values have an offset of their own and are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from calotype.dicom import dictionary
from calotype.dicom.query import values
from calotype.dicom.query.attributes import Matching
from calotype.dicom.query.matching import Attributes, kind_of
from calotype.dicom.query.model import AnyOf, Condition, DateTimeRange, Exact, Range
from calotype.errors import InvalidRequest

TIMEZONE_OFFSET: Final = "TimezoneOffsetFromUTC"

_OFFSET: Final = re.compile(r"([+-])(\d\d)([0-5]\d)", re.ASCII)
_MOST_MINUTES: Final = 14 * 60
_LONGEST: Final = timedelta(days=2)
"""From UTC-12 to UTC+14 is more than a day."""


def offset_minutes(text: str) -> int | None:
    """Read Timezone Offset From UTC, ``&ZZXX`` from -1200 to +1400 (PS3.3 C.12.1.1); ``None`` for anything else."""
    found = _OFFSET.fullmatch(text.strip(" \0"))
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return (-minutes if found[1] == "-" else minutes) if minutes <= _MOST_MINUTES else None


def required_offset(text: str) -> int:
    """Read the offset that a request names. InvalidRequest when it is none."""
    minutes = offset_minutes(text)
    if minutes is None:
        shown = text.strip(" \0")[:16]
        raise InvalidRequest(f"(0008,0201) TimezoneOffsetFromUTC is {shown!r}; write it as +0100 or -0530")
    return minutes


def offset_text(minutes: int) -> str:
    """Write an offset as (0008,0201) has it."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{rest:02d}"


@lru_cache(maxsize=256)
def partner(keyword: str) -> str | None:
    """Return the time that goes with a date, or the date that goes with a time."""
    for mine, other in (("Date", "Time"), ("Time", "Date")):
        if keyword.endswith(mine):
            name = keyword.removesuffix(mine) + other
            return name if dictionary.tag_of(name) is not None else None
    return None


def needed_for(keywords: Iterable[str]) -> frozenset[str]:
    """Return what has to be known of an entity to move these attributes."""
    partners = frozenset(other for keyword in keywords if _is_moved(keyword) and (other := partner(keyword)))
    return partners | {TIMEZONE_OFFSET}


def moved(attributes: Attributes, minutes: int, keywords: Iterable[str]) -> Mapping[str, str]:
    """Return which of these dates and times change when an entity is looked at from another zone, and the zone."""
    stored = attributes.get(TIMEZONE_OFFSET, "")
    own = offset_minutes(stored) if isinstance(stored, str) else None
    if own is None:
        return {}
    by = timedelta(minutes=minutes - own)
    found = {TIMEZONE_OFFSET: offset_text(minutes)}
    if by:
        for keyword in keywords:
            other = partner(keyword)
            if other is not None and keyword not in found:
                date, time = (keyword, other) if kind_of(keyword) is Matching.DATE else (other, keyword)
                found |= _moved_pair(attributes, date, time, by)
    return found


def _moved_pair(attributes: Attributes, date: str, time: str, by: timedelta) -> dict[str, str]:
    day, clock = attributes.get(date, ""), attributes.get(time, "")
    if not isinstance(day, str) or not isinstance(clock, str):
        return {}
    day_key, clock_key = values.date_key(day), values.time_key(clock)
    if day_key is None or clock_key is None:
        return {}
    # No other minute than its own has a leap second; the second before it is as near as can be.
    if clock_key[4:6] == "60":
        clock_key = f"{clock_key[:4]}59{clock_key[6:]}"
    try:
        moment = datetime.strptime(day_key + clock_key, "%Y%m%d%H%M%S.%f") + by  # noqa: DTZ007 - moved by hand
    except (ValueError, OverflowError):
        return {}
    # As precise as it was, and to the minute at least, since zones differ by parts of an hour.
    length = max(len(clock.replace(":", "")), 4)
    return {date: moment.strftime("%Y%m%d").zfill(8), time: moment.strftime("%H%M%S.%f")[:length]}


def widened(condition: Condition) -> Condition:
    """Return a condition that holds wherever this one does in any zone; the same one when it is about no time."""
    match condition:
        case AnyOf(alternatives):
            wider = tuple(widened(each) for each in alternatives)
            changed = any(new is not old for new, old in zip(wider, alternatives, strict=True))
            return AnyOf(wider) if changed else condition
        case Exact(keyword, value) if _is_moved(keyword):
            return _wide(keyword, value, value)
        case Range(keyword, low, high) if _is_moved(keyword):
            return _wide(keyword, low, high)
        case DateTimeRange(date, _, low, high):
            return _wide(date, low and low[:8], high and high[:8])
        case _:
            return condition


def _is_moved(keyword: str) -> bool:
    return kind_of(keyword) in (Matching.DATE, Matching.TIME) and partner(keyword) is not None


def _wide(keyword: str, low: str | None, high: str | None) -> Condition:
    if kind_of(keyword) is Matching.TIME:
        # At some place on Earth it is any time.
        return Range(keyword, None, None)
    return Range(keyword, low and _days_from(low, -_LONGEST), high and _days_from(high, _LONGEST))


def _days_from(day: str, by: timedelta) -> str | None:
    try:
        return (datetime.strptime(day, "%Y%m%d") + by).strftime("%Y%m%d").zfill(8)  # noqa: DTZ007 - a day, no moment
    except (ValueError, OverflowError):
        # 20240231 stands for the end of a month; the start of the next is within the two days.
        return None
