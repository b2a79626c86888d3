"""The table of what users mark in the pictures of studies. Drawn on the index's metadata.

It names studies by UID: row numbers do not outlive a rebuild, which leaves annotations alone. A change needs a
migration.
"""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table, Text


def draw(metadata: MetaData) -> Table:
    """Draw the table and return it."""
    return Table(
        "annotation",
        metadata,
        Column("user_name", Text, primary_key=True),
        Column("study_instance_uid", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )
