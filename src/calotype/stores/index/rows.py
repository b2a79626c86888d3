"""Records into rows and rows into records, in the order of the schema's columns.

No statement and no decision: only which value stands in which column.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.services.archive.ports import Channel, Flag, InstanceRecord, ObjectLocation, Origin, StoredInstance
from calotype.stores.index import schema
from calotype.stores.index.keys import KEYED, Key, clean, keys

Row = tuple[str | int | bytes | None, ...]

_ATTRIBUTES: Final = {
    level: tuple((a.keyword, a.vr, a.keyword in KEYED) for a in schema.stored(level)) for level in Level
}


def level_values(level: Level, attributes: Mapping[str, str]) -> list[Key]:
    """Return the values of a table's attribute columns, each followed by its keys."""
    values: list[Key] = []
    get = attributes.get
    for keyword, vr, is_keyed in _ATTRIBUTES[level]:
        text = get(keyword, "")
        if text:
            text = clean(text, vr)
        values.append(text)
        if is_keyed:
            values.extend(keys(keyword, text))
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
        location.key,
        location.size_bytes,
        location.data_offset,
        location.data_bytes,
        location.digest,
        location.transfer_syntax,
        origin.channel.value,
        origin.calling_ae_title,
        origin.called_ae_title,
        origin.address,
        record.received_us,
        flags_text(flags),
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
    return (series_row, *level_values(Level.IMAGE, named(record)), *object_values(record, flags))


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
