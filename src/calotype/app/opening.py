"""Opens what lasts: objects and index, and the stores in them. For ``compose``, and for commands without serving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from calotype.app.compression_rules import wanted
from calotype.app.index import open_index
from calotype.app.settings import Settings
from calotype.services.archive.archive import Archive, Bin
from calotype.services.archive.changes import ChangesSettings
from calotype.services.archive.ingest import DuplicatePolicy, IngestSettings
from calotype.services.archive.naming import forgetting
from calotype.services.archive.recycling import RecyclingSettings
from calotype.stores.cache import FolderCache
from calotype.stores.index.commitments import SqliteCommitments
from calotype.stores.index.pixels import SqlitePixelNotes
from calotype.stores.index.sqlite import SqliteIndex
from calotype.stores.objects.fs import FileObjectStore, FileStoreSettings

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stores:
    """What lasts, opened; and what lasts as long as there is room: pictures, and costly forms of objects."""

    archive: Archive
    index: SqliteIndex
    objects: FileObjectStore
    pictures: FolderCache
    transcoded: FolderCache


@contextmanager
def open_stores(settings: Settings) -> Iterator[Stores]:
    """Open objects and index, and close them after the block.

    Unavailable or Refused, in one line, when the storage folder cannot be used; InvalidRequest for a layout that
    cannot work.
    """
    storage, pixels = settings.storage, settings.pixels
    # Even a setting of nothing may find something that was kept before.
    pictures = FolderCache(storage.path / "cache", pixels.cache_mib * MIB)
    transcoded = FolderCache(storage.path / "transcoded", pixels.transcoded_mib * MIB)
    objects = FileObjectStore(
        FileStoreSettings(storage.path / "objects", storage.durable, min_free_bytes=storage.min_free_mib * MIB)
    )
    with closing(objects), closing(open_index(settings)) as index:
        archive = Archive.over(
            objects,
            index,
            IngestSettings(DuplicatePolicy(storage.duplicates), storage.layout, wanted(settings)),
            notes=SqlitePixelNotes(index),
            recycling=Bin(
                RecyclingSettings(settings.recycling.keep_days, settings.recycling.purge_promised),
                SqliteCommitments(index).promised,
            ),
            changes=ChangesSettings(settings.changes.stable_s, settings.changes.keep),
            forget=forgetting(pictures, transcoded),
        )
        yield Stores(archive, index, objects, pictures, transcoded)


@contextmanager
def open_archive(settings: Settings) -> Iterator[Archive]:
    """Open the archive alone; see :func:`open_stores`."""
    with open_stores(settings) as stores:
        yield stores.archive
