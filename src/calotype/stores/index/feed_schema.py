"""The tables of the feed of changes: its lines, how far it has come, and the studies that are not quiet yet.

They derive from nothing, so a rebuild leaves them alone. What a row means is in ``feed``; a change needs a migration.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from calotype.stores.index.columns import ROW


def draw(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Draw the tables and return them: lines, state, studies that are not quiet."""
    change = Table(
        "change",
        metadata,
        # No AUTOINCREMENT: the newest line is never removed, so no number is given twice.
        Column("id", ROW, primary_key=True),
        Column("action", Text, nullable=False),
        Column("level", Text, nullable=False),
        Column("study_instance_uid", Text, nullable=False),
        Column("series_instance_uid", Text, nullable=False),
        Column("sop_instance_uid", Text, nullable=False),
        Column("instances", BigInteger, nullable=False),
        Column("at_us", BigInteger, nullable=False),
    )
    state = Table(
        "change_feed",
        metadata,
        Column("token", Text, nullable=False),
        # The newest row of ``instance`` that a line has been written about.
        Column("told_row", BigInteger, nullable=False),
    )
    unsettled = Table(
        "change_unsettled",
        metadata,
        Column("study_instance_uid", Text, primary_key=True),
        Column("changed_us", BigInteger, nullable=False),
        Index("ix_change_unsettled_changed", "changed_us"),
    )
    return change, state, unsettled
