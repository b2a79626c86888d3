"""What is to be sent: one object after the other, by reference, each opened when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from calotype.dicom.deidentify.options import Wishes
from calotype.dicom.hierarchy import Selection
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.ports import ObjectReader, StoredInstance
from calotype.services.archive.retrieve import Retrieve
from calotype.services.routing.deidentifying import deidentified
from calotype.services.routing.ports import Parcel


@dataclass(frozen=True, slots=True)
class Cargo:
    """One object to be carried, and how to open it when its turn comes.

    ``open`` returns what is to be sent then: an object may have been overwritten since it was located.
    """

    parcel: Parcel
    open: Callable[[], tuple[Parcel, ObjectReader]]
    is_deidentified: bool = False
    """Whether it opens without its patient."""


def deidentify_all(cargo: Sequence[Cargo], anonymiser: Anonymiser, wishes: Wishes | None = None) -> list[Cargo]:
    """Return cargo that opens without its patient."""
    opens = ((item, deidentified(item.open, anonymiser, wishes)) for item in cargo)
    return [replace(item, open=without, is_deidentified=True) for item, without in opens]


def cargo_of(retrieve: Retrieve, selection: Selection) -> list[Cargo]:
    """Return what a selection names: references and places, no bytes. Unavailable when the index is."""
    cargo = []
    for stored in retrieve.locate(selection):
        parcel = Parcel.of(stored)
        cargo.append(Cargo(parcel, partial(_open_stored, retrieve, stored, parcel)))
    return cargo


def _open_stored(retrieve: Retrieve, stored: StoredInstance, parcel: Parcel) -> tuple[Parcel, ObjectReader]:
    current, reader = retrieve.open_current(stored)
    return (parcel if current is stored else Parcel.of(current)), reader
