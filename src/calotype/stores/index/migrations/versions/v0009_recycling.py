"""The recycle bin and the feed of changes."""

from __future__ import annotations

revision = "v0009"
down_revision = "v0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw what the revision is named after."""
