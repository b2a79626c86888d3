"""Records into rows and rows into records, in the order of the schema's columns.

No statement and no decision: only which value stands in which column.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.services.archive.ports import Channel, Flag, InstanceRecord, ObjectLocation, Origin, StoredInstance
from calotype.stores.index import schema
from calotype.stores.index.keys import KEYED, Key, absent_columns, clean, columns, keys

Row = tuple[str | int | bytes | None, ...]

_Stored = tuple[tuple[str, str, bool, tuple[Key, ...]], ...]
"""Keyword, VR, whether it has keys, and what stands in its columns when an object says nothing."""

_ATTRIBUTES: Final[dict[Level, _Stored]] = {
    level: tuple((a.keyword, a.vr, a.keyword in KEYED, absent_columns(a)) for a in schema.stored(level))
    for level in Level
}
_OWN_IDENTITY: Final = 2
"""SOP Instance UID and SOP Class UID, the first attributes of an instance."""
_OF_AN_INSTANCE: Final = _ATTRIBUTES[Level.IMAGE][_OWN_IDENTITY:]


def level_values(level: Level, attributes: Mapping[str, str]) -> list[Key]:
    """Return the values of a table's attribute columns, each followed by its keys."""
    return _values(_ATTRIBUTES[level], attributes)


def _values(stored: _Stored, attributes: Mapping[str, str]) -> list[Key]:
    values: list[Key] = []
    get = attributes.get
    for keyword, vr, is_keyed, nothing in stored:
        text = get(keyword)
        if not text:
            values += nothing
        elif is_keyed:
            values += columns(keyword, text)
        else:
            values.append(clean(text, vr))
    return values


def gathered(keyword: str, values: Collection[str]) -> tuple[Key, ...]:
    """Return what a study has gathered of an attribute, as kept and as compared."""
    text = "\\".join(sorted(values))
    return text, *keys(keyword, text)


def flags_text(flags: frozenset[Flag]) -> str:
    """Return flags as they stand in a row."""
    return " ".join(sorted(flags)) if flags else ""


def object_values(record: InstanceRecord, flags: frozenset[Flag]) -> Row:
    """Return the values of the columns that say where an object is and how it came."""
    location, origin = record.location, record.origin
    return (
        *location_values(location),
        origin.channel.value,
        origin.calling_ae_title,
        origin.called_ae_title,
        origin.address,
        record.received_us,
        flags_text(flags),
    )


def location_values(location: ObjectLocation) -> Row:
    """Return the values of the six columns that :func:`location` reads."""
    return (
        location.key,
        location.size_bytes,
        location.data_offset,
        location.data_bytes,
        location.digest,
        location.transfer_syntax,
    )


def named(record: InstanceRecord) -> dict[str, str]:
    """Return a record's attributes with the unique keys as the record names them."""
    return {
        **record.attributes,
        "StudyInstanceUID": record.ref.study,
        "SeriesInstanceUID": record.ref.series,
        "SOPInstanceUID": record.ref.instance,
        "SOPClassUID": record.sop_class,
    }


def instance_values(record: InstanceRecord, series_row: int, flags: frozenset[Flag]) -> Row:
    """Return a row of ``instance``."""
    # One row for every object received: no merging of names as for the other levels, which are written once.
    return (
        series_row,
        clean(record.ref.instance, "UI"),
        clean(record.sop_class, "UI"),
        *_values(_OF_AN_INSTANCE, record.attributes),
        *object_values(record, flags),
    )


def version_values(record: InstanceRecord) -> Row:
    """Return a row of ``version``."""
    ref = record.ref
    return (ref.study, ref.series, ref.instance, record.sop_class, *object_values(record, record.flags))


def conflict_values(record: InstanceRecord, detail: str) -> Row:
    """Return a row of ``patient_conflict``."""
    ref = record.ref
    return (ref.study, ref.series, ref.instance, detail, record.received_us)


def stored(row: Sequence[Any]) -> StoredInstance:
    """Read study, series and instance UID, SOP class and location; further columns are left alone."""
    return StoredInstance(InstanceRef(UID(row[0]), UID(row[1]), UID(row[2])), UID(row[3]), location(row[4:]))


def location(row: Sequence[Any]) -> ObjectLocation:
    """Read the six columns of an ObjectLocation; further columns are left alone."""
    return ObjectLocation(row[0], row[1], row[2], row[3], row[4], UID(row[5]))


def origin(row: Sequence[Any]) -> Origin:
    """Read the four columns of an Origin; further columns are left alone."""
    return Origin(Channel(row[0]), row[1], row[2], row[3])
