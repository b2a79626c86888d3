"""What compression on receive has done."""

from __future__ import annotations

revision = "v0008"
down_revision = "v0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw what the revision is named after."""
