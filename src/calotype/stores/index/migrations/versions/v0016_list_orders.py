"""Every order of the study list is kept by an index, newest first among equals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0016"
down_revision = "v0015"
branch_labels = None
depends_on = None

_LED_BY = {
    "ix_study_patient_id_key": ("patient_id_key",),
    "ix_study_patient_name_key": ("patient_name_key", "patient_name_ideographic_key", "patient_name_phonetic_key"),
    "ix_study_patient_birth_date_key": ("patient_birth_date_key",),
    "ix_study_accession_number_key": ("accession_number_key",),
    "ix_study_study_id_key": ("study_id_key",),
    "ix_study_study_description_key": ("study_description_key",),
    "ix_study_referring_physician_name_key": (
        "referring_physician_name_key",
        "referring_physician_name_ideographic_key",
        "referring_physician_name_phonetic_key",
    ),
}
_NEW = {
    "ix_study_patient_sex_key": ("patient_sex_key",),
    "ix_study_modalities_in_study": ("modalities_in_study",),
}


def upgrade() -> None:
    """Draw the indexes of the list's columns anew, with date and time behind."""
    for name in _LED_BY:
        op.drop_index(name, "study")
    for name, led_by in (_LED_BY | _NEW).items():
        op.create_index(name, "study", [*led_by, sa.text("study_date_key DESC"), sa.text("study_time_key DESC")])
