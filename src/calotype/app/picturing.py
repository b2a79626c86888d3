"""Builds what makes pictures of stored objects, from settings."""

from __future__ import annotations

from calotype.app.opening import MIB, Stores
from calotype.app.settings import Settings
from calotype.services.archive.cine import Ffmpeg
from calotype.services.archive.pictures import Pictures
from calotype.stores.cache import FolderCache


def pictures_over(stores: Stores, settings: Settings) -> Pictures:
    """Return the maker of pictures; what it makes is kept beside the objects, as far as settings allow."""
    max_bytes = settings.pixels.cache_mib * MIB
    return Pictures(
        stores.archive.retrieve,
        stores.index,
        cache=FolderCache(settings.storage.path / "cache", max_bytes) if max_bytes else None,
        cine=Ffmpeg.found(),
        threads=settings.pixels.threads,
    )
