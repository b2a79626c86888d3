"""From settings to what compresses: single objects, and all of them in the background."""

from __future__ import annotations

from calotype.app.compression_rules import rules_of
from calotype.app.opening import Stores
from calotype.app.settings import Settings
from calotype.services.archive.compression.compressor import Compressor
from calotype.services.archive.compression.service import Compression, CompressionSettings
from calotype.services.archive.forms import Each
from calotype.services.archive.naming import forgetting
from calotype.stores.index.compression import SqliteCompression


def compressor_over(stores: Stores, each: Each) -> Compressor:
    """Return what compresses single objects of ``stores``; ``each`` does the work on frames."""
    archive = stores.archive
    store = SqliteCompression(stores.index)
    forget = forgetting(stores.pictures, stores.transcoded)
    return Compressor(stores.objects, stores.index, archive.texts, archive.ingest, store, each, forget=forget)


def compression_over(stores: Stores, settings: Settings, each: Each) -> Compression:
    """Return what compresses in the background; nothing is done before it is started."""
    section = settings.compression
    return Compression(
        compressor_over(stores, each),
        SqliteCompression(stores.index),
        CompressionSettings(rules_of(settings), section.enabled, section.workers, section.delay_s),
    )
