"""The tables of jobs: one row per job, one per item that has an outcome. Drawn on the index's metadata.

They derive from nothing, so a rebuild leaves them alone. What a row means is in ``jobs``; a change needs a migration.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text, UniqueConstraint

from calotype.stores.index.columns import ROW


def draw(metadata: MetaData) -> tuple[Table, Table]:
    """Draw both tables and return them: jobs, outcomes."""
    job = Table(
        "job",
        metadata,
        Column("id", ROW, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("arguments", Text, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
        Column("done", BigInteger, nullable=False),
        Column("failed", BigInteger, nullable=False),
        Column("warned", BigInteger, nullable=False),
        Column("total", BigInteger),
        Column("attempts", BigInteger, nullable=False),
        Column("not_before_us", BigInteger, nullable=False),
        Column("started_us", BigInteger),
        Column("ended_us", BigInteger),
        Column("error", Text, nullable=False),
        Column("is_cancelling", BigInteger, nullable=False),
        Index("ix_job_due", "state", "not_before_us", "id"),
        # A number is never given twice: whoever still watches a removed job must not see another's.
        sqlite_autoincrement=True,
    )
    outcome = Table(
        "job_outcome",
        metadata,
        Column("job_row", ROW, primary_key=True, autoincrement=False),
        # In the order recorded, within its job: pages are walks along the table itself.
        Column("number", ROW, primary_key=True, autoincrement=False),
        Column("item", Text, nullable=False),
        Column("result", Text, nullable=False),
        Column("comment", Text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        UniqueConstraint("job_row", "item"),
        sqlite_with_rowid=False,
    )
    return job, outcome
