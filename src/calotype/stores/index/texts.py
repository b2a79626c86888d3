"""How the text of each study is read: a row for each that has shown text beyond ASCII, or that a person decided on.

The row holds what was seen, not what follows from it: evidence as JSON, by declared sets, its bytes in base64. It
does not derive from one object, so a rebuild leaves it alone.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any, Final

from sqlalchemy import Column, Index, MetaData, Table, Text

from calotype.dicom.hierarchy import UID
from calotype.dicom.repair import Evidence
from calotype.services.archive.ports import StudyText

ONE: Final = "SELECT override, evidence FROM study_text WHERE study_instance_uid = ?"
NOTABLE: Final = "SELECT study_instance_uid, override, evidence FROM study_text WHERE state != '' ORDER BY 1 LIMIT ?"
"""Those that are not simply read as declared."""
KEEP: Final = """
    INSERT INTO study_text (study_instance_uid, state, override, evidence) VALUES (?, ?, ?, ?)
    ON CONFLICT (study_instance_uid) DO UPDATE
        SET state = excluded.state, override = excluded.override, evidence = excluded.evidence"""


def draw(metadata: MetaData) -> Table:
    """Draw the table on the index's metadata."""
    return Table(
        "study_text",
        metadata,
        Column("study_instance_uid", Text, primary_key=True),
        Column("state", Text, nullable=False),
        Column("override", Text, nullable=False),
        Column("evidence", Text, nullable=False),
        Index("ix_study_text_state", "state"),
    )


def values(study: UID, text: StudyText) -> tuple[str, str, str, str]:
    """Return the values of :data:`KEEP`."""
    told: dict[str, list[str]] = {}
    for declared, value in sorted(text.evidence):
        told.setdefault("\\".join(declared), []).append(b64encode(value).decode("ascii"))
    return study, text.state, "\\".join(text.override), json.dumps(told)


def text_of(row: tuple[Any, ...]) -> StudyText:
    """Read override and evidence."""
    override, evidence = row
    told: Evidence = frozenset(
        (tuple(declared.split("\\")), b64decode(value))
        for declared, found in json.loads(evidence).items()
        for value in found
    )
    return StudyText(told, tuple(filter(None, override.split("\\"))))
