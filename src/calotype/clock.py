"""The time of the archive: UTC in microseconds since 1970, as every record, row and answer bears it.

On a floor of its own above ``dicom``, which knows no clock. Whatever asks for the time is given a :data:`Clock`, so
that a test can say what it is; how long something took is for ``time.monotonic``, and not told here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Returns UTC in microseconds since 1970."""

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US


def utc_now_us() -> int:
    """Return the system's time: the :data:`Clock` of a running archive."""
    return time.time_ns() // 1000
