"""Storage commitments asked for and promised."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v0006"
down_revision = "v0005"
branch_labels = None
depends_on = None


def _row(name: str, **options: Any) -> sa.Column[int]:
    """Return a row number: SQLite gives one for free where the type is spelled INTEGER."""
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), **options)


def upgrade() -> None:
    """Draw the tables of transactions and of their instances."""
    op.create_table(
        "commitment",
        _row("id", primary_key=True),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("transaction_uid", sa.Text, nullable=False),
        sa.Column("peer_ae_title", sa.Text, nullable=False),
        sa.Column("our_ae_title", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("requested_us", sa.BigInteger, nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
        sa.Column("due_us", sa.BigInteger, nullable=False),
        sa.Column("committed", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("ix_commitment_transaction", "commitment", ["transaction_uid"])
    op.create_index("ix_commitment_state", "commitment", ["state", "due_us"])
    op.create_table(
        "commitment_item",
        _row("commitment_row", primary_key=True, autoincrement=False),
        _row("position", primary_key=True, autoincrement=False),
        sa.Column("sop_class_uid", sa.Text, nullable=False),
        sa.Column("sop_instance_uid", sa.Text, nullable=False),
        sa.Column("outcome", sa.BigInteger),
        sqlite_with_rowid=False,
    )
