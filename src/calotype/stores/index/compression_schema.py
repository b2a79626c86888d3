"""The tables of compression: what waits, what stays as it came and why, and how much room was saved.

They derive from nothing, so a rebuild leaves them alone. What a row means is in ``compression``; a change needs a
migration.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text


def draw(metadata: MetaData) -> tuple[Table, Table]:
    """Draw both tables and return them: objects, tallies."""
    objects = Table(
        "compression",
        metadata,
        Column("sop_instance_uid", Text, primary_key=True),
        Column("state", Text, nullable=False),
        Column("attempts", BigInteger, nullable=False),
        # When it was received; for what stays as it came, when that was found.
        Column("at_us", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Index("ix_compression_state", "state", "attempts", "at_us"),
        sqlite_with_rowid=False,
    )
    tally = Table(
        "compression_tally",
        metadata,
        Column("result", Text, primary_key=True),
        Column("objects", BigInteger, nullable=False),
        Column("before_bytes", BigInteger, nullable=False),
        Column("after_bytes", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    return objects, tally
