"""Durable jobs and what came of each of their items."""

from __future__ import annotations

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Draw nothing yet."""
