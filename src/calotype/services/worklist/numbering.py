"""Numbers for items that come without any: the day, and how many there were on it.

What an information system gives is never touched; these are for what people type in by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from calotype.clock import SECOND_US
from calotype.dicom.query.model import Order, Page, Wildcard
from calotype.errors import OutOfResources
from calotype.services.worklist.items import text
from calotype.services.worklist.ports import StepQuery, WorklistStore

_MOST: Final = 9999
_AT_ONCE: Final = 1000


class Numbered(StrEnum):
    """What can be numbered: Accession Number (0008,0050) and Patient ID (0010,0020)."""

    ACCESSION = "AccessionNumber"
    PATIENT = "PatientID"


PREFIXES: Final[Mapping[Numbered, str]] = {Numbered.ACCESSION: "", Numbered.PATIENT: "T"}
"""A patient's number says that it is a temporary one; an SH takes 16 characters (PS3.5 Table 6.2-1)."""


def next_number(store: WorklistStore, kind: Numbered, now_us: int) -> str:
    """Return the number after the highest that an item has today, by this machine's calendar.

    Two callers get the same one unless whoever calls keeps the item before the next is asked for. OutOfResources
    after :data:`_MOST` on a day.
    """
    day = datetime.fromtimestamp(now_us / SECOND_US, UTC).astimezone().strftime("%Y%m%d")
    begin = PREFIXES[kind] + day
    query = StepQuery((Wildcard(kind, f"{begin}????"),), order=(Order(kind, descending=True),), page=Page(_AT_ONCE))
    ends = (text(entry.attributes, kind).removeprefix(begin) for entry in store.find(query))
    highest = max((int(end) for end in ends if end.isascii() and end.isdecimal()), default=0)
    if highest >= _MOST:
        raise OutOfResources(f"{kind}: all {_MOST} numbers of the day are given; enter one by hand")
    return f"{begin}{highest + 1:04}"
