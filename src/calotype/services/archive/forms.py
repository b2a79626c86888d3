"""In which form a stored object leaves: as it is, in another transfer syntax, or not at all.

:func:`plan` is the one table of what can be made of what; every door that hands objects out asks it. Today the
uncompressed forms can be made of each other (``dicom.reencode``); what is compressed leaves as it is stored.
"""

from __future__ import annotations

import mmap
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from calotype.dicom.hierarchy import UID
from calotype.dicom.reencode import UNCOMPRESSED, Reencoded, reencode
from calotype.services.archive.ports import ObjectReader


@dataclass(frozen=True, slots=True)
class AsIs:
    """The stored bytes."""


@dataclass(frozen=True, slots=True)
class Reencode:
    """Element by element, values unchanged."""

    to: UID


Plan = AsIs | Reencode

_AS_IS = AsIs()


def reachable(stored: UID) -> tuple[UID, ...]:
    """Return the transfer syntaxes, other than its own, that an object can be given, the best first."""
    return tuple(syntax for syntax in UNCOMPRESSED if syntax != stored) if stored in UNCOMPRESSED else ()


def plan(stored: UID, accepted: Container[UID], wishes: Sequence[UID] = ()) -> Plan | None:
    """Decide how an object stored in ``stored`` becomes one in ``accepted``; ``None`` when it cannot.

    The first of ``wishes`` that is accepted and can be met is met; else the object leaves as it is, if it may.
    """
    possible = reachable(stored)
    for wish in wishes:
        if wish in accepted and (wish == stored or wish in possible):
            return _AS_IS if wish == stored else Reencode(wish)
    if stored in accepted:
        return _AS_IS
    return next((Reencode(syntax) for syntax in possible if syntax in accepted), None)


@contextmanager
def reencoded(reader: ObjectReader, place: slice, stored: UID, to: UID) -> Iterator[Reencoded]:
    """Lend the data set that stands at ``place`` of an open object, in ``to`` instead of ``stored``.

    Unsupported and InvalidRequest, raised at once, when the object is too damaged for that. A file is mapped and
    never whole in memory; an object without a descriptor is read whole.
    """
    descriptor = reader.fileno()
    if descriptor is None:
        with reencode(reader.read_at(place.start, place.stop - place.start), stored, to) as new:
            yield new
        return
    with (
        mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as whole,
        whole[place] as data,
        reencode(data, stored, to) as new,
    ):
        yield new
