"""Users, sessions and tokens."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v0011"
down_revision = "v0010"
branch_labels = None
depends_on = None


def _row(name: str, **options: Any) -> sa.Column[int]:
    """Return a row number: SQLite gives one for free where the type is spelled INTEGER."""
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), **options)


def upgrade() -> None:
    """Draw the tables of users, of sessions and of tokens."""
    op.create_table(
        "account",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("must_change_password", sa.BigInteger, nullable=False),
        sa.Column("is_local_only", sa.BigInteger, nullable=False),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "login_session",
        _row("id", primary_key=True),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_login_session_digest", "login_session", ["digest"], unique=True)
    op.create_index("ix_login_session_user", "login_session", ["user_name"])
    op.create_table(
        "access_token",
        _row("id", primary_key=True),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("studies", sa.Text),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.Column("lasts_us", sa.BigInteger, nullable=False),
        sa.Column("used_us", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_access_token_digest", "access_token", ["digest"], unique=True)
    op.create_index("ix_access_token_user", "access_token", ["user_name"])
    op.create_index("ix_access_token_expires", "access_token", ["expires_us"])
