"""Which presentation contexts objects need, and over how few associations they can go.

The stored syntax stands in an offer of its own, as the neighbour chooses one syntax per offer and might choose away
what needs no work. What a neighbour wishes stands alone for the same reason; the other uncompressed forms that an
object can be made into share one offer, and the compressed ones a last one, as they cost more. Nothing here sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from calotype.dicom.hierarchy import UID
from calotype.dicom.reencode import UNCOMPRESSED
from calotype.services.archive.forms import can_become, reachable
from calotype.services.routing.ports import Kind, Offer


@dataclass(slots=True)
class Part:
    """What goes over one association."""

    kinds: set[Kind] = field(default_factory=set)
    offers: list[Offer] = field(default_factory=list)


def offers_for(kinds: Sequence[Kind], wishes: Sequence[UID] = ()) -> list[Offer]:
    """Return what to offer for ``kinds``, all of one SOP class, in the order in which they are best taken."""
    stored = list(dict.fromkeys(kind.transfer_syntax for kind in kinds))
    possible = dict.fromkeys(syntax for each in stored for syntax in reachable(each))
    met = [
        wish
        for wish in dict.fromkeys(wishes)
        if wish not in stored and any(can_become(each, wish) for each in stored)
    ]
    alone = [*stored, *met]
    rest = [syntax for syntax in possible if syntax not in alone]
    shared = (
        tuple(syntax for syntax in rest if syntax in UNCOMPRESSED),
        tuple(syntax for syntax in rest if syntax not in UNCOMPRESSED),
    )
    offered = [*((syntax,) for syntax in alone), *(syntaxes for syntaxes in shared if syntaxes)]
    return [Offer(kinds[0].sop_class, syntaxes) for syntaxes in offered]


def parted(kinds: Iterable[Kind], limit: int, wishes: Sequence[UID] = ()) -> list[Part]:
    """Part ``kinds`` so that no part needs more than ``limit`` offers: first fit, a SOP class held together.

    A class that needs more than ``limit`` for itself is split; then, and only then, some of its objects may have
    fewer syntaxes to fall back on.
    """
    by_class: dict[UID, list[Kind]] = {}
    for kind in dict.fromkeys(kinds):
        by_class.setdefault(kind.sop_class, []).append(kind)
    parts: list[Part] = []
    for of_class in by_class.values():
        for group in _groups(of_class, limit, wishes):
            offers = offers_for(group, wishes)[:limit]
            part = next((part for part in parts if len(part.offers) + len(offers) <= limit), None)
            if part is None:
                part = Part()
                parts.append(part)
            part.kinds.update(group)
            part.offers += offers
    return parts


def _groups(kinds: list[Kind], limit: int, wishes: Sequence[UID]) -> list[list[Kind]]:
    if len(offers_for(kinds, wishes)) <= limit:
        return [kinds]
    return [kinds[start : start + limit] for start in range(0, len(kinds), limit)]
