"""The address book."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw the table of nodes."""
    op.create_table(
        "node",
        sa.Column("ae_title", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False, server_default=""),
        sa.Column("port", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("details", sa.Text, nullable=False, server_default=""),
    )
