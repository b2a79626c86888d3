"""The tables of users, their sessions, their tokens and what they prefer. Drawn on the index's metadata.

They derive from nothing, so a rebuild leaves them alone. No secret stands in a row: of a password a hash, of every
other a digest. What a row means is in ``services.access.model``; a change needs a migration.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text

from calotype.stores.index.columns import ROW


def draw(metadata: MetaData) -> tuple[Table, Table, Table, Table]:
    """Draw the tables and return them: users, sessions, tokens, preferences."""
    account = Table(
        "account",
        metadata,
        Column("name", Text, primary_key=True),
        Column("role", Text, nullable=False),
        Column("password_hash", Text, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("must_change_password", BigInteger, nullable=False),
        Column("is_local_only", BigInteger, nullable=False),
        Column("seen_us", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    session = Table(
        "login_session",
        metadata,
        Column("id", ROW, primary_key=True),
        Column("user_name", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("seen_us", BigInteger, nullable=False),
        Column("address", Text, nullable=False),
        Column("client", Text, nullable=False),
        Index("ix_login_session_digest", "digest", unique=True),
        Index("ix_login_session_user", "user_name"),
        # A number is never given twice: who ends a session from an old list must not end another.
        sqlite_autoincrement=True,
    )
    token = Table(
        "access_token",
        metadata,
        Column("id", ROW, primary_key=True),
        Column("user_name", Text, nullable=False),
        Column("label", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("studies", Text),
        Column("created_us", BigInteger, nullable=False),
        Column("expires_us", BigInteger, nullable=False),
        Column("lasts_us", BigInteger, nullable=False),
        Column("used_us", BigInteger, nullable=False),
        Index("ix_access_token_digest", "digest", unique=True),
        Index("ix_access_token_user", "user_name"),
        Index("ix_access_token_expires", "expires_us"),
        sqlite_autoincrement=True,
    )
    preference = Table(
        "preference",
        metadata,
        Column("user_name", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    return account, session, token, preference
