"""The archive as its doors know it: its services over one object store and one index."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, Self

from calotype.clock import Clock, utc_now_us
from calotype.services.archive.changes import Changes, ChangesSettings, HasFeed
from calotype.services.archive.curate import Curate
from calotype.services.archive.custody import Custody
from calotype.services.archive.events import Events
from calotype.services.archive.findings import Findings
from calotype.services.archive.ingest import Ingest, IngestSettings
from calotype.services.archive.naming import Forget, nothing_kept
from calotype.services.archive.ports import ObjectStore, PixelNotes
from calotype.services.archive.recycled import HasBin
from calotype.services.archive.recycling import Promised, Recycling, RecyclingSettings, nobody
from calotype.services.archive.retrieve import Retrieve
from calotype.services.archive.search import Search
from calotype.services.archive.texts import Texts


class KeepingIndex(HasBin, HasFeed, Protocol):
    """An index with what stands beside it: its recycle bin and its feed of changes."""


@dataclass(frozen=True, slots=True)
class Bin:
    """What the recycle bin wants to be told: its settings, and who knows what we committed to keep."""

    settings: RecyclingSettings = field(default_factory=RecyclingSettings)
    promised: Promised = nobody


@dataclass(frozen=True, slots=True)
class Archive:
    """Everything a door may do with the archive."""

    ingest: Ingest
    search: Search
    retrieve: Retrieve
    curate: Curate
    custody: Custody
    events: Events
    texts: Texts
    findings: Findings
    recycling: Recycling
    changes: Changes

    @classmethod
    def over(
        cls,
        objects: ObjectStore,
        index: KeepingIndex,
        settings: IngestSettings | None = None,
        clock: Clock = utc_now_us,
        *,
        notes: PixelNotes | None = None,
        recycling: Bin | None = None,
        changes: ChangesSettings | None = None,
        forget: Forget = nothing_kept,
    ) -> Self:
        """Build the services over ``objects`` and ``index``. InvalidRequest when a setting is wrong.

        Without ``notes`` nothing of what is found out about pixels is kept. ``forget`` is told of every object that
        is gone for good.
        """
        events = Events()
        texts = Texts(objects, index)
        findings = Findings(notes, clock)
        told = recycling or Bin()
        return cls(
            ingest=Ingest(objects, index, events, texts, settings or IngestSettings(), clock, forget),
            search=Search(index),
            retrieve=Retrieve(objects, index),
            curate=Curate(objects, index, texts, clock, findings),
            custody=Custody(objects, index),
            events=events,
            texts=texts,
            findings=findings,
            recycling=Recycling(objects, index, events, told.settings, told.promised, clock, forget),
            changes=Changes(index, events, changes or ChangesSettings(), clock),
        )
