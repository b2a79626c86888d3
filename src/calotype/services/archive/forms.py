"""In which form a stored object leaves: as it is, in another transfer syntax, or not at all.

What can be made of what is a table of ``dicom.pixels.plans``; every door that hands objects out asks it. Here an
open object becomes what the plan says, mapped and never whole in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from calotype.dicom.hierarchy import UID
from calotype.dicom.pixels.plans import AS_IS, AsIs, Plan, Reencode, Transcode, can_become, plan, plans, reachable
from calotype.dicom.pixels.transcode import Converted, Each, Transcoded, convert, one_by_one
from calotype.services.archive.inspection import mapped
from calotype.services.archive.ports import ObjectReader

__all__ = [
    "AS_IS",
    "AsIs",
    "Converted",
    "Each",
    "Plan",
    "Reencode",
    "Transcode",
    "Transcoded",
    "can_become",
    "converted",
    "one_by_one",
    "plan",
    "plans",
    "reachable",
]


@contextmanager
def converted(
    reader: ObjectReader, place: slice, stored: UID, to: UID, *, each: Each = one_by_one, ahead: bool = False
) -> Iterator[Converted]:
    """Lend the data set that stands at ``place`` of an open object, in ``to`` instead of ``stored``.

    Unsupported and InvalidRequest, raised at once, when that cannot be made of it. A file is mapped and never whole
    in memory; an object without a descriptor is read whole. ``each`` does the work on frames; ``ahead``: see
    ``dicom.pixels.transcode``.
    """
    with mapped(reader, place) as data, convert(data, stored, to, each=each, ahead=ahead) as new:
        yield new
