"""What stands within names, numbers and descriptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0013"
down_revision = "v0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw the texts and their trigrams: there are none yet."""
    op.create_table(
        "piece_text",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False, unique=True),
    )
    op.execute(
        "CREATE VIRTUAL TABLE piece USING"
        " fts5(text, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 1')"
    )
