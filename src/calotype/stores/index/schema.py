"""The tables of an index, in SQLAlchemy Core, drawn from the one table of attributes.

One row per patient, study, series and instance; an attribute is a column, never a row of its own. A study carries
its own copy of the patient's attributes as its objects gave them, so that the study list is one table. Absent text
is the empty string: nothing here has three-valued logic, and absent sorts first in every database.

``header`` stands apart so that walks over ``instance`` stay short. ``version`` and ``patient_conflict`` wait for a
person's decision; they name objects by UID, because row numbers do not outlive a rebuild. What a row means is in
``ledger``; how text becomes a key is in ``keys``; a change here needs a migration.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.attributes import INDEXED, Attribute, Matching
from calotype.stores.index import (
    access_schema,
    annotations_schema,
    commitments_schema,
    compression_schema,
    feed_schema,
    jobs_schema,
    marks_schema,
    names,
    pieces,
    pixels_schema,
    recycled_schema,
    texts,
    worklist_schema,
)
from calotype.stores.index.columns import ROW
from calotype.stores.index.keys import key_columns


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _number(name: str, default: str | None = None) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=default)


def stored(level: Level) -> tuple[Attribute, ...]:
    """Return the attributes that come out of files and stand in the rows of ``level``'s table, in column order."""
    levels = (Level.PATIENT, Level.STUDY) if level is Level.STUDY else (level,)
    return tuple(a for a in INDEXED if a.level in levels and not a.computed)


GATHERED: Final = tuple(a for a in INDEXED if a.computed and key_columns(a))
"""What a study gathers from its series and instances as several values of text, in column order."""


def _attributes(level: Level) -> list[SchemaItem]:
    return _texts(stored(level))


def _texts(attributes: tuple[Attribute, ...]) -> list[SchemaItem]:
    columns: list[SchemaItem] = []
    for attribute in attributes:
        columns.append(_text(attribute.column))
        is_number = attribute.matching is Matching.INTEGER
        columns.extend(Column(name, BigInteger) if is_number else _text(name) for name in key_columns(attribute))
    return columns


def _object() -> list[SchemaItem]:
    """Return the columns that say where an object is and how it came."""
    return [
        Column("object_key", Text, nullable=False),
        _number("size_bytes"),
        _number("data_offset"),
        _number("data_bytes"),
        Column("digest", LargeBinary, nullable=False),
        Column("transfer_syntax", Text, nullable=False),
        _text("channel"),
        _text("calling_ae_title"),
        _text("called_ae_title"),
        _text("address"),
        _number("received_us"),
        _text("flags"),
    ]


_NEVER_INDEXED: Final = (Matching.NONE, Matching.UID, Matching.DECIMAL)
"""Kinds without an index of their own: returned only, unique already, or compared in a form that is not kept."""

_UNINDEXED: Final = frozenset(
    {"PatientSex", "Laterality", "PatientComments", "AdditionalPatientHistory", "StudyDate"}
)
"""Keys without an index of their own. Those of two or three values, or of prose, are found faster by walking the
study list's order; ``StudyDate`` leads that order."""

LISTED: Final = frozenset(
    {
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "ReferringPhysicianName",
        "StudyID",
        "StudyDescription",
        "ModalitiesInStudy",
    }
)
"""What the study list is sorted by, newest first among equals. The study's indexes of these hold every row and go on
with its date and time, so that a page is a walk along one of them (``walks``). The others hold the rows that have
something to be found by, so that an object's new study does not write a page for each thing it does not say."""

_WHOLE: Final = LISTED - {"PatientSex", "ReferringPhysicianName"} | {"StudyTime"}
"""Keys whose first index holds every row in other tables, too."""


def _indexes(table: str, level: Level) -> list[Index]:
    """Return one index per query key of a table; unique keys have theirs from their constraint.

    The first of a name holds all groups: in it names are sorted, and found by what stands in the middle of them,
    without reading the rows.
    """
    indexes = []
    for attribute in stored(level):
        is_listed = level is Level.STUDY and attribute.keyword in LISTED
        if attribute.matching not in _NEVER_INDEXED and (is_listed or attribute.keyword not in _UNINDEXED):
            first, *others = key_columns(attribute) or (attribute.column,)
            present = None if is_listed or attribute.keyword in _WHOLE else _present(attribute, first)
            then = _newest() if is_listed else ()
            indexes.append(Index(f"ix_{table}_{first}", first, *others, *then, sqlite_where=present))
            indexes += [
                Index(f"ix_{table}_{column}", column, sqlite_where=_present(attribute, column)) for column in others
            ]
    return indexes


def _newest() -> tuple[TextClause, TextClause]:
    return text("study_date_key DESC"), text("study_time_key DESC")


def _present(attribute: Attribute, column: str) -> TextClause:
    """Return the condition of an index over the rows that have a key; a question must repeat it (``compile``)."""
    return text(f"{column} IS NOT NULL" if attribute.matching is Matching.INTEGER else f"{column} <> ''")


metadata: Final = MetaData()

patient: Final = Table(
    "patient",
    metadata,
    Column("id", ROW, primary_key=True),
    *_attributes(Level.PATIENT),
    # Empty for a patient with an ID; else the one study that the patient without an ID was seen in.
    _text("only_study"),
    UniqueConstraint("patient_id", "issuer_of_patient_id", "only_study"),
    *[index for index in _indexes("patient", Level.PATIENT) if index.name != "ix_patient_patient_id"],
)

study: Final = Table(
    "study",
    metadata,
    Column("id", ROW, primary_key=True),
    Column("patient_row", ROW, nullable=False, index=True),
    *_attributes(Level.STUDY),
    *_texts(GATHERED),
    UniqueConstraint("study_instance_uid"),
    # The study list's order; the columns stand together so that a page is a walk along this index.
    Index("ix_study_newest", *_newest(), "id"),
    *_indexes("study", Level.STUDY),
    Index("ix_study_modalities_in_study_key", "modalities_in_study_key"),
    Index("ix_study_modalities_in_study", "modalities_in_study", *_newest()),
)

series: Final = Table(
    "series",
    metadata,
    Column("id", ROW, primary_key=True),
    Column("study_row", ROW, nullable=False),
    *_attributes(Level.SERIES),
    # Faulty devices use one Series Instance UID in two studies: unique within its study only.
    UniqueConstraint("study_row", "series_instance_uid"),
    Index("ix_series_series_instance_uid", "series_instance_uid"),
    *_indexes("series", Level.SERIES),
)

instance: Final = Table(
    "instance",
    metadata,
    Column("id", ROW, primary_key=True),
    Column("series_row", ROW, nullable=False),
    *_attributes(Level.IMAGE),
    *_object(),
    UniqueConstraint("sop_instance_uid"),
    # No index on further keys of an instance: each is one more page to write per object received, and questions
    # at this level name the series.
    Index("ix_instance_series", "series_row", "instance_number_key"),
)

header: Final = Table(
    "header",
    metadata,
    Column("instance_row", ROW, primary_key=True, autoincrement=False),
    Column("json_zlib", LargeBinary, nullable=False),
)

version: Final = Table(
    "version",
    metadata,
    Column("id", ROW, primary_key=True),
    Column("study_instance_uid", Text, nullable=False),
    Column("series_instance_uid", Text, nullable=False),
    Column("sop_instance_uid", Text, nullable=False, index=True),
    Column("sop_class_uid", Text, nullable=False),
    *_object(),
    UniqueConstraint("object_key"),
)

patient_conflict: Final = Table(
    "patient_conflict",
    metadata,
    Column("id", ROW, primary_key=True),
    Column("study_instance_uid", Text, nullable=False),
    Column("series_instance_uid", Text, nullable=False),
    Column("sop_instance_uid", Text, nullable=False),
    Column("detail", Text, nullable=False),
    _number("received_us"),
    # One row however many instances say the same.
    UniqueConstraint("study_instance_uid", "detail"),
)

tally: Final = Table(
    "tally",
    metadata,
    Column("study_row", ROW, primary_key=True, autoincrement=False),
    Column("series_row", ROW, primary_key=True, autoincrement=False),
    _number("instances"),
    _number("stored_bytes"),
    sqlite_with_rowid=False,
)
"""What each series holds: every counter there is, once. A study's are a short walk, the archive's a long one over
rows of twenty bytes; so an object received changes one counter, in one small page."""

node: Final = Table(
    "node",
    metadata,
    Column("ae_title", Text, primary_key=True),
    _text("host"),
    Column("port", BigInteger, nullable=False),
    _text("note"),
    _text("details"),
)
"""The address book's lines that were put in by hand; ``details`` is JSON (``services.routing.notation``)."""

job, job_outcome = jobs_schema.draw(metadata)
worklist_item, worklist_step, performed_step = worklist_schema.draw(metadata)
commitment, commitment_item = commitments_schema.draw(metadata)
study_text = texts.draw(metadata)
pixel_layout, pixel_damage = pixels_schema.draw(metadata)
name_word, name_progress = names.draw(metadata)
piece_text = pieces.draw(metadata)
recycled, recycled_object = recycled_schema.draw(metadata, _object())
change, change_feed, change_unsettled = feed_schema.draw(metadata)
compression, compression_tally = compression_schema.draw(metadata)
account, login_session, access_token, preference = access_schema.draw(metadata)
study_label, study_remark = marks_schema.draw(metadata)
annotation = annotations_schema.draw(metadata)

DERIVED: Final = (patient, study, series, instance, header, tally)
"""The tables that a rebuild makes anew from the objects; the others are kept."""
