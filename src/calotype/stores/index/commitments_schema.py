"""The tables of storage commitments: one row per transaction, one per instance of it. Drawn on the index's metadata.

They derive from nothing, so a rebuild leaves them alone. What a row means is in ``commitments``; a change needs a
migration.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from calotype.stores.index.columns import ROW


def draw(metadata: MetaData) -> tuple[Table, Table]:
    """Draw both tables and return them: transactions, instances."""
    commitment = Table(
        "commitment",
        metadata,
        Column("id", ROW, primary_key=True),
        Column("direction", Text, nullable=False),
        Column("transaction_uid", Text, nullable=False),
        Column("peer_ae_title", Text, nullable=False),
        Column("our_ae_title", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("total", BigInteger, nullable=False),
        Column("requested_us", BigInteger, nullable=False),
        Column("changed_us", BigInteger, nullable=False),
        Column("due_us", BigInteger, nullable=False),
        Column("committed", BigInteger, nullable=False),
        Column("failed", BigInteger, nullable=False),
        Column("attempts", BigInteger, nullable=False),
        Column("error", Text, nullable=False),
        Index("ix_commitment_transaction", "transaction_uid"),
        Index("ix_commitment_state", "state", "due_us"),
    )
    item = Table(
        "commitment_item",
        metadata,
        Column("commitment_row", ROW, primary_key=True, autoincrement=False),
        Column("position", ROW, primary_key=True, autoincrement=False),
        Column("sop_class_uid", Text, nullable=False),
        Column("sop_instance_uid", Text, nullable=False),
        # Null: unknown. 0: committed. Anything else: Failure Reason (0008,1197).
        Column("outcome", BigInteger),
        # Asked before anything is purged: who was promised it?
        Index("ix_commitment_item_instance", "sop_instance_uid"),
        sqlite_with_rowid=False,
    )
    return commitment, item
