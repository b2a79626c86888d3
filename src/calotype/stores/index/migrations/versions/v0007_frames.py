"""What is known of the frames of an object, and which objects cannot be decoded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0007"
down_revision = "v0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw the tables of where things are in objects, and of damage."""
    op.create_table(
        "pixel_layout",
        sa.Column("sop_instance_uid", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("layout", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "pixel_damage",
        sa.Column("sop_instance_uid", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("noticed_us", sa.BigInteger, nullable=False),
    )
