"""How names are searched for: by pinyin, by parts."""

from __future__ import annotations

revision = "v0010"
down_revision = "v0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw what the revision is named after."""
