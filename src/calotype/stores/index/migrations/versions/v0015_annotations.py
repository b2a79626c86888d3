"""What users mark in the pictures of studies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0015"
down_revision = "v0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw the table of annotations."""
    op.create_table(
        "annotation",
        sa.Column("user_name", sa.Text, primary_key=True),
        sa.Column("study_instance_uid", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
