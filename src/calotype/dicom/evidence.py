"""Collects the text of a data set that can tell its character set: values with bytes above 7FH, nested ones too.

What they tell is ``repair``'s. Only called where there are any: a header in ASCII costs nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from calotype.dicom.json_model import Context
from calotype.dicom.layout import SEQUENCES
from calotype.dicom.repair import Evidence
from calotype.dicom.text import TEXT_VRS
from calotype.dicom.walk import Token, Walk

MAX_VALUES: Final = 64
"""Of one data set or study; more tell nothing new."""
MAX_VALUE_BYTES: Final = 1024
"""Longer values are passed over: cut, their last character would not be valid."""
NOTHING: Final[Evidence] = frozenset()

# Code strings and titles should be ASCII; in the field they hold Chinese, too.
_VRS: Final = TEXT_VRS | {"AE", "CS"}


def collect(walk: Walk, tokens: Iterable[Token], context: Context) -> Evidence:
    """Return the distinct values with high bytes among ``tokens`` and inside their sequences, at most MAX_VALUES."""
    found: set[tuple[tuple[str, ...], bytes]] = set()
    _collect(walk, tokens, context, found)
    return frozenset(found) if found else NOTHING


def united(one: Evidence, other: Evidence) -> Evidence:
    """Return what both say, ``one`` itself where ``other`` adds nothing; at most MAX_VALUES."""
    new = other - one
    if not new or len(one) >= MAX_VALUES:
        return one
    # In order, so that the same objects give the same evidence whatever the sets' own order is.
    return one | frozenset(sorted(new)[: MAX_VALUES - len(one)])


def _collect(
    walk: Walk, tokens: Iterable[Token], context: Context, found: set[tuple[tuple[str, ...], bytes]]
) -> None:
    for token in tokens:
        vr, start, end = token[1], token[3], token[4]
        if vr in SEQUENCES:
            for item in walk.items(token):
                _collect(walk, item, context.within(walk, item), found)
        elif vr in _VRS and start < end <= start + MAX_VALUE_BYTES:
            raw = bytes(walk.data[start:end])
            if not raw.isascii() and b"\x1b" not in raw:
                found.add((context.charsets, raw.rstrip(b" \0")))
        if len(found) >= MAX_VALUES:
            return
