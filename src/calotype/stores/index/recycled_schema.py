"""The tables of the recycle bin: a row per deletion, and one per object that it holds.

They derive from nothing, so a rebuild leaves them alone. What a row means is in ``recycled``; a change needs a
migration.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.schema import SchemaItem

from calotype.stores.index.columns import ROW


def draw(metadata: MetaData, object_columns: list[SchemaItem]) -> tuple[Table, Table]:
    """Draw both tables and return them: deletions, objects; the latter with the columns of every object."""
    recycled = Table(
        "recycled",
        metadata,
        Column("id", ROW, primary_key=True),
        Column("level", Text, nullable=False),
        Column("study_instance_uid", Text, nullable=False),
        Column("series_instance_uid", Text, nullable=False),
        Column("sop_instance_uid", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("instances", BigInteger, nullable=False),
        Column("stored_bytes", BigInteger, nullable=False),
        Column("deleted_us", BigInteger, nullable=False),
        Column("deleted_by", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("changed_us", BigInteger, nullable=False),
        Column("changed_by", Text, nullable=False),
        Column("note_key", Text, nullable=False),
        # JSON: what a person knows the study by; its patient's row and conflicts, to be put back.
        Column("about", Text, nullable=False),
        Column("patient", Text, nullable=False),
        Column("conflicts", Text, nullable=False),
        Index("ix_recycled_state", "state", "id"),
        Index("ix_recycled_note", "note_key"),
    )
    held = Table(
        "recycled_object",
        metadata,
        Column("id", ROW, primary_key=True),
        Column("recycled_row", ROW, nullable=False),
        Column("study_instance_uid", Text, nullable=False),
        Column("series_instance_uid", Text, nullable=False),
        Column("sop_instance_uid", Text, nullable=False),
        Column("sop_class_uid", Text, nullable=False),
        *object_columns,
        # 1 for a further version, which is a row of ``version`` when it is restored.
        Column("is_version", BigInteger, nullable=False),
        # JSON: every indexed attribute of all levels, by keyword; and the header as ``header`` has it.
        Column("attributes", Text, nullable=False),
        Column("json_zlib", LargeBinary, nullable=False),
        UniqueConstraint("object_key"),
        Index("ix_recycled_object_recycled", "recycled_row"),
    )
    return recycled, held
