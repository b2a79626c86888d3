"""Indexes to test with, and what stands in them; empty ones are copied from one that the migrations made.

Making one runs every migration that there ever was, and hundreds of tests want one. The migrations' own tests take
no copies.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.services.archive.ports import Channel, InstanceRecord, ObjectLocation, Origin
from calotype.stores.index import migrations
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.sqlite import SqliteIndex

upgrade: Final = migrations.upgrade
"""What makes an index step by step."""


def upgrade_or_copy(path: Path, revision: str = migrations.HEAD) -> None:
    """Do as :func:`upgrade` does, faster for an index that is empty."""
    with closing(sqlite3.connect(path)) as target:
        if migrations.current(target) is None and revision == migrations.HEAD:
            with closing(sqlite3.connect(":memory:")) as made:
                made.deserialize(_made())
                made.backup(target)
            return
    upgrade(path, revision)


@cache
def _made() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "index.sqlite"
        upgrade(path)
        with closing(sqlite3.connect(path)) as made:
            return made.serialize()


def in_folder(folder: Path) -> SqliteIndex:
    """Return an empty index in a folder; whoever asks closes it."""
    return SqliteIndex(SqliteSettings(folder / "index.sqlite", durable=False))


def record(study: UID, **said: str) -> InstanceRecord:
    """Return the record of the one object of a study; keywords are attributes, beside or instead of the usual."""
    return InstanceRecord(
        ref=InstanceRef(study, UID(f"{study}.1"), UID(f"{study}.1.1")),
        sop_class=UID("1.2.840.10008.5.1.4.1.1.2"),
        attributes={"PatientID": "P1", "PatientName": "Li^Na", "Modality": "CT", **said},
        location=ObjectLocation(f"{study}.dcm", 10, 3, 7, bytes(32), UID("1.2.840.10008.1.2.1")),
        header=b"",
        origin=Origin(Channel.DIMSE),
        received_us=7,
    )
