"""How the text of each study was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0005"
down_revision = "v0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw the table of studies' text."""
    op.create_table(
        "study_text",
        sa.Column("study_instance_uid", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("override", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
    )
    op.create_index("ix_study_text_state", "study_text", ["state"])
