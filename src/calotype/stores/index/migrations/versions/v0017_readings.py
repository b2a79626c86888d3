"""What names in hanzi are read as, for the worklist; its indexes of names hold all that a surname is asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0017"
down_revision = "v0016"
branch_labels = None
depends_on = None

_ANSWERED = ("item_row", "position", "status", "start_date", "start_time")
_SPARSE = ("patient_name_ideographic", "patient_name_phonetic", "patient_name_romanised")


def upgrade() -> None:
    """Draw the column; names in hanzi are left NULL, for whoever reads them when the index is quiet."""
    op.add_column("worklist_step", sa.Column("patient_name_romanised", sa.Text))
    # The same test as of those who read: a name with letters is not read in pinyin.
    op.execute(
        "UPDATE worklist_step SET patient_name_romanised = '' WHERE NOT"
        " (patient_name >= '\u3007' OR (patient_name = '' AND patient_name_ideographic > ''))"
    )
    for name in ("patient_name", "patient_name_ideographic", "patient_name_phonetic"):
        op.drop_index(f"ix_worklist_step_{name}", "worklist_step")
    groups = ["patient_name", "patient_name_ideographic", "patient_name_phonetic"]
    op.create_index("ix_worklist_step_patient_name", "worklist_step", [*groups, *_ANSWERED])
    for name in _SPARSE:
        present = sa.text(f"{name} IS NOT ''")
        op.create_index(f"ix_worklist_step_{name}", "worklist_step", [name, *_ANSWERED], sqlite_where=present)
