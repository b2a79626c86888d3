"""The tables of what was found out about pixels. Drawn on the index's metadata.

They name objects by SOP Instance UID and digest: row numbers do not outlive a rebuild, and what is known of other
bytes is worth nothing. A rebuild leaves them alone. A change needs a migration.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text


def draw(metadata: MetaData) -> tuple[Table, Table]:
    """Draw both tables and return them: where things are in objects, whose pixels are damaged."""
    layout = Table(
        "pixel_layout",
        metadata,
        Column("sop_instance_uid", Text, primary_key=True),
        Column("digest", LargeBinary, nullable=False),
        Column("layout", LargeBinary, nullable=False),
    )
    damage = Table(
        "pixel_damage",
        metadata,
        Column("sop_instance_uid", Text, primary_key=True),
        Column("digest", LargeBinary, nullable=False),
        Column("detail", Text, nullable=False),
        Column("noticed_us", BigInteger, nullable=False),
    )
    return layout, damage
