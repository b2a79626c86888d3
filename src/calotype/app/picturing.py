"""Builds what works on the pixels of stored objects, from settings: pictures, and other transfer syntaxes."""

from __future__ import annotations

from calotype.app.opening import MIB, Stores
from calotype.app.settings import Settings
from calotype.errors import DamagedPixels
from calotype.services.archive.cine import Ffmpeg
from calotype.services.archive.forms import Forms, Original
from calotype.services.archive.pictures import Pictures
from calotype.services.archive.shelf import Shelf
from calotype.services.archive.workshop import Workshop
from calotype.stores.cache import FolderCache


def pictures_over(stores: Stores, settings: Settings, workshop: Workshop) -> Pictures:
    """Return the maker of pictures; what it makes is kept beside the objects, as far as settings allow."""
    max_bytes = settings.pixels.cache_mib * MIB
    return Pictures(
        stores.archive.retrieve,
        stores.index,
        findings=stores.archive.findings,
        cache=FolderCache(settings.storage.path / "cache", max_bytes) if max_bytes else None,
        cine=Ffmpeg.found(),
        turn=workshop.turn,
    )


def forms_over(stores: Stores, settings: Settings, workshop: Workshop) -> Forms:
    """Return the maker of other transfer syntaxes; what costs much is kept beside the objects, as settings allow."""
    max_bytes = settings.pixels.transcoded_mib * MIB
    cache = FolderCache(settings.storage.path / "transcoded", max_bytes) if max_bytes else None
    findings = stores.archive.findings

    def note_damage(original: Original, error: DamagedPixels) -> None:
        findings.note_damage(original.sop_instance, original.digest, error)

    return Forms(workshop.map, shelf=Shelf(cache) if cache else None, note_damage=note_damage)
