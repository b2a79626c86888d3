"""How the text of each study was read."""

from __future__ import annotations

revision = "v0005"
down_revision = "v0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw nothing yet."""
