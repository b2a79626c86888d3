"""Objects on their way to a neighbour that must not know whose they are: de-identified when their turn comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from calotype.dicom.deidentify.options import Wishes, options_of
from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.anonymous import lent
from calotype.services.archive.ports import ObjectLocation, ObjectReader, StoredInstance
from calotype.services.routing.ports import Parcel

Open = Callable[[], tuple[Parcel, ObjectReader]]
"""Opens an object, and says what is to be sent then."""


def wishes_to_json(wishes: Wishes | None) -> dict[str, Any] | None:
    """Return wishes as what JSON can hold; ``None`` is what settings say."""
    if wishes is None:
        return None
    return {
        "options": sorted(wishes.options),
        "patient_id": wishes.patient_id,
        "patient_name": wishes.patient_name,
    }


def wishes_from_json(told: Mapping[str, Any] | None) -> Wishes | None:
    """Return the wishes that :func:`wishes_to_json` wrote. InvalidRequest for what are none."""
    if told is None:
        return None
    return Wishes(options_of(" ".join(told["options"])), told["patient_id"], told["patient_name"])


def deidentified(opens: Open, anonymiser: Anonymiser, wishes: Wishes | None) -> Open:
    """Return what opens the same object without its patient; it raises what the anonymiser does."""
    return partial(_open, opens, anonymiser, wishes)


def _open(opens: Open, anonymiser: Anonymiser, wishes: Wishes | None) -> tuple[Parcel, ObjectReader]:
    parcel, reader = opens()
    place = ObjectLocation(
        key="",
        size_bytes=reader.size_bytes,
        data_offset=parcel.data_offset,
        data_bytes=parcel.data_bytes,
        digest=parcel.digest,
        transfer_syntax=parcel.kind.transfer_syntax,
    )
    # Its study and series are in the data set; nobody on this way asks for them.
    ref = InstanceRef(UID(""), UID(""), parcel.sop_instance)
    changed, changed_reader = lent(anonymiser, StoredInstance(ref, parcel.kind.sop_class, place), reader, wishes)
    return Parcel.of(changed), changed_reader
