"""What is to be compressed, what stays as it came, and how much room was saved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0008"
down_revision = "v0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw the tables of objects and of tallies."""
    op.create_table(
        "compression",
        sa.Column("sop_instance_uid", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_compression_state", "compression", ["state", "attempts", "at_us"])
    op.create_table(
        "compression_tally",
        sa.Column("result", sa.Text, primary_key=True),
        sa.Column("objects", sa.BigInteger, nullable=False),
        sa.Column("before_bytes", sa.BigInteger, nullable=False),
        sa.Column("after_bytes", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
