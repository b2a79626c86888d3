"""Labels and remarks of studies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0012"
down_revision = "v0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw the tables of labels and remarks."""
    op.create_table(
        "study_label",
        sa.Column("study_instance_uid", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_study_label_key", "study_label", ["key", "study_instance_uid"])
    op.create_table(
        "study_remark",
        sa.Column("study_instance_uid", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("remark", sa.Text, nullable=False),
    )
