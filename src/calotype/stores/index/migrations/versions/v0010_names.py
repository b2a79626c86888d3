"""How names are searched for: by pinyin, by parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0010"
down_revision = "v0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw the words that names are found by, and how far names have words: none has any yet."""
    op.create_table(
        "name_word",
        sa.Column("word", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "name_progress",
        sa.Column("table_name", sa.Text, primary_key=True),
        sa.Column("row", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
