"""Scheduled and performed procedure steps."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"
branch_labels = None
depends_on = None


def _row(name: str, **options: Any) -> sa.Column[int]:
    """Return a row number: SQLite gives one for free where the type is spelled INTEGER."""
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), **options)


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    """Draw the tables of items, their steps, and performed steps."""
    op.create_table(
        "worklist_item",
        _row("id", primary_key=True),
        _text("item_id", unique=True),
        _text("study_instance_uid"),
        _text("requested_procedure_id"),
        _text("attributes"),
        _number("created_us"),
        _number("updated_us"),
        sa.UniqueConstraint("study_instance_uid", "requested_procedure_id"),
    )
    op.create_table(
        "worklist_step",
        _row("id", primary_key=True),
        _row("item_row", nullable=False),
        _number("position"),
        _text("status"),
        _text("attributes"),
        _text("patient_id"),
        _text("patient_name"),
        _text("patient_name_ideographic"),
        _text("patient_name_phonetic"),
        _text("accession_number"),
        _text("requested_procedure_id"),
        _text("study_instance_uid"),
        _text("admission_id"),
        _text("referring_physician"),
        _text("referring_physician_ideographic"),
        _text("referring_physician_phonetic"),
        _text("station_ae_title"),
        _text("station_name"),
        _text("modality"),
        _text("start_date"),
        _text("start_time"),
        _text("performing_physician"),
        _text("performing_physician_ideographic"),
        _text("performing_physician_phonetic"),
        _text("step_id"),
    )
    for names in (
        ["item_row"],
        ["station_ae_title", "start_date", "start_time"],
        ["modality", "start_date", "start_time"],
        ["start_date", "start_time"],
        ["status", "start_date", "start_time"],
        ["patient_id"],
        ["patient_name", "patient_name_ideographic", "patient_name_phonetic"],
        ["patient_name_ideographic"],
        ["patient_name_phonetic"],
        ["accession_number"],
        ["requested_procedure_id"],
        ["study_instance_uid"],
        ["admission_id"],
        ["step_id"],
    ):
        op.create_index(f"ix_worklist_step_{names[0]}", "worklist_step", names)
    op.create_table(
        "performed_step",
        _row("id", primary_key=True),
        _text("sop_instance_uid", unique=True),
        _text("state"),
        sa.Column("data_set", sa.LargeBinary, nullable=False),
        _text("calling_ae_title"),
        _number("created_us"),
        _number("updated_us"),
    )
