# ruff: noqa: S608 - the parts that SQL is put together from are the schema's names
"""Everything a record holds, read out of the live rows: for a rebuild that catches up, and for the recycle bin."""

from __future__ import annotations

from typing import Any, Final

from calotype.dicom.hierarchy import UID, InstanceRef, Level
from calotype.services.archive.ports import Flag, InstanceRecord
from calotype.stores.index import rows, schema
from calotype.stores.index.statements import LOCATION_COLUMNS, ORIGIN_COLUMNS, columns_of

_LEVELS: Final = {Level.STUDY: "s", Level.SERIES: "e", Level.IMAGE: "i"}
_KEYWORDS: Final = tuple(
    (a.keyword, f"{alias}.{a.column}") for lv, alias in _LEVELS.items() for a in schema.stored(lv)
)

LIVE_RECORDS: Final = f"""
    SELECT h.json_zlib, i.flags, i.received_us, {columns_of("i", LOCATION_COLUMNS)},
        {columns_of("i", ORIGIN_COLUMNS)}, {", ".join(column for _, column in _KEYWORDS)}
    FROM instance i JOIN series e ON e.id = i.series_row JOIN study s ON s.id = e.study_row
        JOIN header h ON h.instance_row = i.id"""
"""Rows for :func:`record`; a condition on ``i``, ``e`` and ``s`` is to be added."""


def record(row: tuple[Any, ...]) -> InstanceRecord:
    """Read a record out of a row of :data:`LIVE_RECORDS`."""
    texts = zip((keyword for keyword, _ in _KEYWORDS), row[13:], strict=True)
    attributes = {keyword: text for keyword, text in texts if text}
    ref = InstanceRef(
        UID(attributes["StudyInstanceUID"]), UID(attributes["SeriesInstanceUID"]), UID(attributes["SOPInstanceUID"])
    )
    return InstanceRecord(
        ref=ref,
        sop_class=UID(attributes["SOPClassUID"]),
        attributes=attributes,
        location=rows.location(row[3:9]),
        header=row[0],
        origin=rows.origin(row[9:13]),
        received_us=row[2],
        flags=frozenset(Flag(flag) for flag in row[1].split()),
    )
