"""Users, sessions and tokens."""

from __future__ import annotations

revision = "v0011"
down_revision = "v0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw what the revision is named after."""
