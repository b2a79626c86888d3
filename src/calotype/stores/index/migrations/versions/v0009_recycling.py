"""The recycle bin and the feed of changes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v0009"
down_revision = "v0008"
branch_labels = None
depends_on = None


def _row(name: str, **options: Any) -> sa.Column[int]:
    """Return a row number: SQLite gives one for free where the type is spelled INTEGER."""
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), **options)


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)


def _number(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, **options)


def upgrade() -> None:
    """Draw the tables; the feed begins with what comes after."""
    op.create_table(
        "recycled",
        _row("id", primary_key=True),
        _text("level"),
        _text("study_instance_uid"),
        _text("series_instance_uid"),
        _text("sop_instance_uid"),
        _text("state"),
        _number("instances"),
        _number("stored_bytes"),
        _number("deleted_us"),
        _text("deleted_by"),
        _text("reason"),
        _number("changed_us"),
        _text("changed_by"),
        _text("note_key"),
        _text("about"),
        _text("patient"),
        _text("conflicts"),
    )
    op.create_index("ix_recycled_state", "recycled", ["state", "id"])
    op.create_index("ix_recycled_note", "recycled", ["note_key"])
    op.create_table(
        "recycled_object",
        _row("id", primary_key=True),
        _row("recycled_row", nullable=False),
        _text("study_instance_uid"),
        _text("series_instance_uid"),
        _text("sop_instance_uid"),
        _text("sop_class_uid"),
        _text("object_key"),
        _number("size_bytes"),
        _number("data_offset"),
        _number("data_bytes"),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        _text("transfer_syntax"),
        _text("channel", server_default=""),
        _text("calling_ae_title", server_default=""),
        _text("called_ae_title", server_default=""),
        _text("address", server_default=""),
        _number("received_us"),
        _text("flags", server_default=""),
        _number("is_version"),
        _text("attributes"),
        sa.Column("json_zlib", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("object_key"),
    )
    op.create_index("ix_recycled_object_recycled", "recycled_object", ["recycled_row"])
    op.create_table(
        "change",
        _row("id", primary_key=True),
        _text("action"),
        _text("level"),
        _text("study_instance_uid"),
        _text("series_instance_uid"),
        _text("sop_instance_uid"),
        _number("instances"),
        _number("at_us"),
    )
    op.create_table("change_feed", _text("token"), _number("told_row"))
    op.create_table(
        "change_unsettled",
        sa.Column("study_instance_uid", sa.Text, primary_key=True),
        _number("changed_us"),
    )
    op.create_index("ix_change_unsettled_changed", "change_unsettled", ["changed_us"])
    op.create_index("ix_commitment_item_instance", "commitment_item", ["sop_instance_uid"])
    op.execute(
        "INSERT INTO change_feed SELECT lower(hex(randomblob(8))), coalesce((SELECT max(id) FROM instance), 0)"
    )
