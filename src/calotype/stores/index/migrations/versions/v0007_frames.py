"""What is known of the frames of an object."""

from __future__ import annotations

revision = "v0007"
down_revision = "v0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw what the revision is named after."""
