"""The first tables: patients, studies, series, instances, and what waits for a decision.

There is no way back from a revision: an older release rebuilds its index from the objects.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None


def _row(name: str, **options: Any) -> sa.Column[int]:
    """Return a row number: SQLite gives one for free where the type is spelled INTEGER."""
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), **options)


def _text(name: str) -> sa.Column[str]:
    """Return text that is empty when absent."""
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _key(name: str) -> sa.Column[int]:
    """Return a number to compare, that text may not have."""
    return sa.Column(name, sa.BigInteger)


def _given(name: str, type_: Any) -> sa.Column[Any]:
    """Return a value that every row has."""
    return sa.Column(name, type_, nullable=False)


def _partial(table: str, column: str, others: tuple[str, ...] = (), where: str = "<> ''") -> None:
    """Make an index over the rows that have something in a column."""
    op.create_index(f"ix_{table}_{column}", table, [column, *others], sqlite_where=sa.text(f"{column} {where}"))


def _name_groups(name: str) -> tuple[str, str]:
    """Return the further columns of the first index of a person name, which holds all its groups."""
    return f"{name}_ideographic_key", f"{name}_phonetic_key"


def upgrade() -> None:
    """Make all tables."""
    _patient()
    _study()
    _series()
    _instance()
    _header()
    _version()
    _patient_conflict()
    _tally()


def _patient() -> None:
    op.create_table(
        "patient",
        _row("id", primary_key=True),
        _text("patient_id"),
        _text("patient_id_key"),
        _text("issuer_of_patient_id"),
        _text("issuer_of_patient_id_key"),
        _text("patient_name"),
        _text("patient_name_key"),
        _text("patient_name_ideographic_key"),
        _text("patient_name_phonetic_key"),
        _text("patient_birth_date"),
        _text("patient_birth_date_key"),
        _text("patient_birth_time"),
        _text("patient_birth_time_key"),
        _text("patient_sex"),
        _text("patient_sex_key"),
        _text("other_patient_ids"),
        _text("other_patient_ids_key"),
        _text("ethnic_group"),
        _text("ethnic_group_key"),
        _text("patient_comments"),
        _text("patient_comments_key"),
        _text("only_study"),
        sa.UniqueConstraint("patient_id", "issuer_of_patient_id", "only_study"),
    )
    for name in ("patient_birth_date_key", "patient_id_key"):
        op.create_index(f"ix_patient_{name}", "patient", [name])
    op.create_index("ix_patient_patient_name_key", "patient", ["patient_name_key", *_name_groups("patient_name")])
    for name in (
        "ethnic_group_key",
        "issuer_of_patient_id_key",
        "other_patient_ids_key",
        "patient_birth_time_key",
        "patient_name_ideographic_key",
        "patient_name_phonetic_key",
    ):
        _partial("patient", name)


def _study() -> None:
    op.create_table(
        "study",
        _row("id", primary_key=True),
        _row("patient_row", nullable=False),
        _text("patient_id"),
        _text("patient_id_key"),
        _text("issuer_of_patient_id"),
        _text("issuer_of_patient_id_key"),
        _text("patient_name"),
        _text("patient_name_key"),
        _text("patient_name_ideographic_key"),
        _text("patient_name_phonetic_key"),
        _text("patient_birth_date"),
        _text("patient_birth_date_key"),
        _text("patient_birth_time"),
        _text("patient_birth_time_key"),
        _text("patient_sex"),
        _text("patient_sex_key"),
        _text("other_patient_ids"),
        _text("other_patient_ids_key"),
        _text("ethnic_group"),
        _text("ethnic_group_key"),
        _text("patient_comments"),
        _text("patient_comments_key"),
        _text("study_instance_uid"),
        _text("study_date"),
        _text("study_date_key"),
        _text("study_time"),
        _text("study_time_key"),
        _text("accession_number"),
        _text("accession_number_key"),
        _text("study_id"),
        _text("study_id_key"),
        _text("study_description"),
        _text("study_description_key"),
        _text("referring_physician_name"),
        _text("referring_physician_name_key"),
        _text("referring_physician_name_ideographic_key"),
        _text("referring_physician_name_phonetic_key"),
        _text("name_of_physicians_reading_study"),
        _text("name_of_physicians_reading_study_key"),
        _text("name_of_physicians_reading_study_ideographic_key"),
        _text("name_of_physicians_reading_study_phonetic_key"),
        _text("admitting_diagnoses_description"),
        _text("admitting_diagnoses_description_key"),
        _text("patient_age"),
        _text("patient_age_key"),
        _text("patient_size"),
        _text("patient_weight"),
        _text("occupation"),
        _text("occupation_key"),
        _text("additional_patient_history"),
        _text("additional_patient_history_key"),
        _text("timezone_offset_from_utc"),
        _text("modalities_in_study"),
        _text("modalities_in_study_key"),
        _text("sop_classes_in_study"),
        _text("sop_classes_in_study_key"),
        sa.UniqueConstraint("study_instance_uid"),
    )
    for name in (
        "accession_number_key",
        "modalities_in_study_key",
        "patient_birth_date_key",
        "patient_id_key",
        "patient_row",
        "study_description_key",
        "study_id_key",
        "study_time_key",
    ):
        op.create_index(f"ix_study_{name}", "study", [name])
    op.create_index("ix_study_patient_name_key", "study", ["patient_name_key", *_name_groups("patient_name")])
    for name in (
        "admitting_diagnoses_description_key",
        "ethnic_group_key",
        "issuer_of_patient_id_key",
        "name_of_physicians_reading_study_ideographic_key",
        "name_of_physicians_reading_study_phonetic_key",
        "occupation_key",
        "other_patient_ids_key",
        "patient_age_key",
        "patient_birth_time_key",
        "patient_name_ideographic_key",
        "patient_name_phonetic_key",
        "referring_physician_name_ideographic_key",
        "referring_physician_name_phonetic_key",
    ):
        _partial("study", name)
    for name in ("name_of_physicians_reading_study", "referring_physician_name"):
        _partial("study", f"{name}_key", _name_groups(name))
    op.create_index(
        "ix_study_newest", "study", [sa.text("study_date_key DESC"), sa.text("study_time_key DESC"), "id"]
    )


def _series() -> None:
    op.create_table(
        "series",
        _row("id", primary_key=True),
        _row("study_row", nullable=False),
        _text("series_instance_uid"),
        _text("modality"),
        _text("modality_key"),
        _text("series_number"),
        _key("series_number_key"),
        _text("series_description"),
        _text("series_description_key"),
        _text("series_date"),
        _text("series_date_key"),
        _text("series_time"),
        _text("series_time_key"),
        _text("body_part_examined"),
        _text("body_part_examined_key"),
        _text("laterality"),
        _text("laterality_key"),
        _text("protocol_name"),
        _text("protocol_name_key"),
        _text("operators_name"),
        _text("operators_name_key"),
        _text("operators_name_ideographic_key"),
        _text("operators_name_phonetic_key"),
        _text("performing_physician_name"),
        _text("performing_physician_name_key"),
        _text("performing_physician_name_ideographic_key"),
        _text("performing_physician_name_phonetic_key"),
        _text("manufacturer"),
        _text("manufacturer_key"),
        _text("manufacturer_model_name"),
        _text("manufacturer_model_name_key"),
        _text("institution_name"),
        _text("institution_name_key"),
        _text("institutional_department_name"),
        _text("institutional_department_name_key"),
        _text("station_name"),
        _text("station_name_key"),
        _text("performed_procedure_step_start_date"),
        _text("performed_procedure_step_start_date_key"),
        _text("performed_procedure_step_start_time"),
        _text("performed_procedure_step_start_time_key"),
        sa.UniqueConstraint("study_row", "series_instance_uid"),
    )
    op.create_index("ix_series_series_instance_uid", "series", ["series_instance_uid"])
    for name in (
        "body_part_examined_key",
        "institution_name_key",
        "institutional_department_name_key",
        "manufacturer_key",
        "manufacturer_model_name_key",
        "modality_key",
        "operators_name_ideographic_key",
        "operators_name_phonetic_key",
        "performed_procedure_step_start_date_key",
        "performed_procedure_step_start_time_key",
        "performing_physician_name_ideographic_key",
        "performing_physician_name_phonetic_key",
        "protocol_name_key",
        "series_date_key",
        "series_description_key",
        "series_time_key",
        "station_name_key",
    ):
        _partial("series", name)
    _partial("series", "series_number_key", where="IS NOT NULL")
    for name in ("operators_name", "performing_physician_name"):
        _partial("series", f"{name}_key", _name_groups(name))


def _instance() -> None:
    op.create_table(
        "instance",
        _row("id", primary_key=True),
        _row("series_row", nullable=False),
        _text("sop_instance_uid"),
        _text("sop_class_uid"),
        _text("instance_number"),
        _key("instance_number_key"),
        _text("content_date"),
        _text("content_date_key"),
        _text("content_time"),
        _text("content_time_key"),
        _text("acquisition_date"),
        _text("acquisition_date_key"),
        _text("acquisition_time"),
        _text("acquisition_time_key"),
        _text("image_type"),
        _text("image_type_key"),
        _text("rows"),
        _key("rows_key"),
        _text("columns"),
        _key("columns_key"),
        _text("bits_allocated"),
        _key("bits_allocated_key"),
        _text("number_of_frames"),
        _key("number_of_frames_key"),
        _given("object_key", sa.Text),
        _given("size_bytes", sa.BigInteger),
        _given("data_offset", sa.BigInteger),
        _given("data_bytes", sa.BigInteger),
        _given("digest", sa.LargeBinary),
        _given("transfer_syntax", sa.Text),
        _text("channel"),
        _text("calling_ae_title"),
        _text("called_ae_title"),
        _text("address"),
        _given("received_us", sa.BigInteger),
        _text("flags"),
        sa.UniqueConstraint("sop_instance_uid"),
    )
    op.create_index("ix_instance_series", "instance", ["series_row", "instance_number_key"])


def _header() -> None:
    op.create_table(
        "header",
        _row("instance_row", primary_key=True, autoincrement=False),
        _given("json_zlib", sa.LargeBinary),
    )


def _version() -> None:
    op.create_table(
        "version",
        _row("id", primary_key=True),
        _given("study_instance_uid", sa.Text),
        _given("series_instance_uid", sa.Text),
        _given("sop_instance_uid", sa.Text),
        _given("sop_class_uid", sa.Text),
        _given("object_key", sa.Text),
        _given("size_bytes", sa.BigInteger),
        _given("data_offset", sa.BigInteger),
        _given("data_bytes", sa.BigInteger),
        _given("digest", sa.LargeBinary),
        _given("transfer_syntax", sa.Text),
        _text("channel"),
        _text("calling_ae_title"),
        _text("called_ae_title"),
        _text("address"),
        _given("received_us", sa.BigInteger),
        _text("flags"),
        sa.UniqueConstraint("object_key"),
    )
    for name in ("sop_instance_uid",):
        op.create_index(f"ix_version_{name}", "version", [name])


def _patient_conflict() -> None:
    op.create_table(
        "patient_conflict",
        _row("id", primary_key=True),
        _given("study_instance_uid", sa.Text),
        _given("series_instance_uid", sa.Text),
        _given("sop_instance_uid", sa.Text),
        _given("detail", sa.Text),
        _given("received_us", sa.BigInteger),
        sa.UniqueConstraint("study_instance_uid", "detail"),
    )


def _tally() -> None:
    op.create_table(
        "tally",
        _row("study_row", primary_key=True, autoincrement=False),
        _row("series_row", primary_key=True, autoincrement=False),
        _given("instances", sa.BigInteger),
        _given("stored_bytes", sa.BigInteger),
        sqlite_with_rowid=False,
    )
