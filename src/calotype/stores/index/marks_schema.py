"""The tables of what people put to studies. Drawn on the index's metadata.

They name studies by UID: row numbers do not outlive a rebuild, which leaves marks alone. ``key`` is the text as it is
compared (``dicom.text.fold``). A change needs a migration.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, MetaData, Table, Text


def draw(metadata: MetaData) -> tuple[Table, Table]:
    """Draw both tables and return them: labels, one row for each of a study; remarks."""
    label = Table(
        "study_label",
        metadata,
        Column("study_instance_uid", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("label", Text, nullable=False),
        Index("ix_study_label_key", "key", "study_instance_uid"),
        sqlite_with_rowid=False,
    )
    remark = Table(
        "study_remark",
        metadata,
        Column("study_instance_uid", Text, primary_key=True),
        Column("key", Text, nullable=False),
        Column("remark", Text, nullable=False),
    )
    return label, remark
