"""The tables of the worklist: items, their scheduled steps, performed steps. Drawn on the index's metadata.

They derive from nothing, so a rebuild leaves them alone. A step's row holds every key that a worklist is asked by,
its item's too, so that one table answers; the attributes themselves stand as JSON. Keys are in the form that
``dicom.query.matching`` compares; how they are made is in ``worklist_keys``. A change here needs a migration, and
so does one of what hanzi are read as (``dicom.romanise``): it sets the readings NULL, which are then made anew.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint, literal_column
from sqlalchemy.sql import ColumnElement

from calotype.stores.index.columns import ROW
from calotype.stores.index.worklist_keys import COLUMNS, OF_ITEM, READ, READING

_NAME, *_OTHER_GROUPS = OF_ITEM[READ].columns
_ANSWERED: Final = ("item_row", "position", "status", "start_date", "start_time")
"""Whether a step answers, and when its turn is: behind a name these stand in the index too, so that the many steps
that one surname finds need not be read."""

_INDEXES: Final[tuple[tuple[str, ...], ...]] = (
    ("item_row",),
    # How a day's work is asked for: by station, by modality, by day alone.
    ("station_ae_title", "start_date", "start_time"),
    ("modality", "start_date", "start_time"),
    ("start_date", "start_time"),
    ("status", "start_date", "start_time"),
    ("patient_id",),
    # All groups in the first: in it names are sorted.
    (_NAME, *_OTHER_GROUPS, *_ANSWERED),
    ("accession_number",),
    ("requested_procedure_id",),
    ("study_instance_uid",),
    ("admission_id",),
    ("step_id",),
)


def is_there(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the very words of a partial index's condition: what is not empty, NULL included."""
    return column.is_distinct_from(literal_column("''"))


def draw(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Draw the tables and return them: items, steps, performed steps."""
    item = Table(
        "worklist_item",
        metadata,
        Column("id", ROW, primary_key=True),
        Column("item_id", Text, nullable=False, unique=True),
        Column("study_instance_uid", Text, nullable=False),
        Column("requested_procedure_id", Text, nullable=False),
        Column("attributes", Text, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("updated_us", BigInteger, nullable=False),
        UniqueConstraint("study_instance_uid", "requested_procedure_id"),
    )
    step = Table(
        "worklist_step",
        metadata,
        Column("id", ROW, primary_key=True),
        Column("item_row", ROW, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("status", Text, nullable=False),
        Column("attributes", Text, nullable=False),
        *(Column(name, Text, nullable=False) for name in COLUMNS),
        Column(READING, Text),
        *(Index(f"ix_worklist_step_{names[0]}", *names) for names in _INDEXES),
        # Most names have one group: these indexes hold the others, the last one also what has not been read yet.
        *(
            Index(f"ix_worklist_step_{name}", name, *_ANSWERED, sqlite_where=is_there(literal_column(name)))
            for name in (*_OTHER_GROUPS, READING)
        ),
    )
    performed = Table(
        "performed_step",
        metadata,
        Column("id", ROW, primary_key=True),
        Column("sop_instance_uid", Text, nullable=False, unique=True),
        Column("state", Text, nullable=False),
        Column("data_set", LargeBinary, nullable=False),
        Column("calling_ae_title", Text, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("updated_us", BigInteger, nullable=False),
    )
    return item, step, performed
