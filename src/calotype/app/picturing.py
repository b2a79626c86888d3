"""Builds what works on the pixels of stored objects, from settings: pictures, and other transfer syntaxes."""

from __future__ import annotations

import os
from functools import partial

from calotype.app.opening import MIB, Stores
from calotype.app.settings import Settings
from calotype.errors import DamagedPixels, InvalidRequest
from calotype.services.archive.cine import Ffmpeg
from calotype.services.archive.fleet import Fleet, FleetSettings, processes_by_default
from calotype.services.archive.forms import Forms, Original
from calotype.services.archive.isolation import Isolation, IsolationSettings
from calotype.services.archive.pictures import HERE, Decoding, Pictures
from calotype.services.archive.shelf import Shelf
from calotype.services.archive.workshop import Workshop


def isolation_of(settings: Settings) -> Isolation:
    """Return the processes to decode in; none is started before it is needed."""
    pixels = settings.pixels
    return Isolation(
        IsolationSettings(
            processes=pixels.threads or os.cpu_count() or 1,
            memory_bytes=pixels.isolation_memory_mib * MIB,
            cpu_s=pixels.isolation_s,
            wall_s=3.0 * pixels.isolation_s,
        )
    )


def fleet_of(settings: Settings) -> Fleet:
    """Return the processes that convert whole objects; none is started before there is work for several."""
    pixels = settings.pixels
    return Fleet(
        FleetSettings(
            processes=processes_by_default() if pixels.processes < 0 else pixels.processes,
            memory_bytes=pixels.isolation_memory_mib * MIB,
            # What is allowed for a frame does for objects of several, too, as these are not large.
            cpu_s=3 * pixels.isolation_s,
            wall_s=9.0 * pixels.isolation_s,
        )
    )


def decoding_of(settings: Settings, isolation: Isolation) -> Decoding:
    """Return how frames are decoded. InvalidRequest for settings that contradict each other."""
    pixels = settings.pixels
    if pixels.isolation == "none":
        if pixels.damaged == "show":
            raise InvalidRequest('pixels.damaged = "show" decodes in other processes: pixels.isolation is "none"')
        return HERE
    forced = partial(isolation.decode, is_forced=True)
    decode = isolation.decode if pixels.isolation == "all" else HERE.decode
    return Decoding(decode, forced, is_always_forced=pixels.damaged == "show")


def pictures_over(stores: Stores, settings: Settings, workshop: Workshop, decoding: Decoding) -> Pictures:
    """Return the maker of pictures; what it makes is kept beside the objects, as far as settings allow."""
    return Pictures(
        stores.archive.retrieve,
        stores.index,
        findings=stores.archive.findings,
        cache=stores.pictures if settings.pixels.cache_mib else None,
        cine=Ffmpeg.found(),
        turn=workshop.turn,
        decoding=decoding,
    )


def forms_over(stores: Stores, settings: Settings, workshop: Workshop, decoding: Decoding, fleet: Fleet) -> Forms:
    """Return the maker of other transfer syntaxes; what costs much is kept beside the objects, as settings allow."""
    shelf = Shelf(stores.transcoded) if settings.pixels.transcoded_mib else None
    findings = stores.archive.findings

    def note_damage(original: Original, error: DamagedPixels) -> None:
        findings.note_damage(original.sop_instance, original.digest, error)

    return Forms(workshop.map, decode=decoding.decode, fleet=fleet, shelf=shelf, note_damage=note_damage)
