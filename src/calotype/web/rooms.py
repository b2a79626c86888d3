"""What is behind the web's doors, handed in by whoever builds the house."""

from __future__ import annotations

from dataclasses import dataclass, field

from calotype.services.access.access import Access
from calotype.services.access.logins import Logins
from calotype.services.archive.annotations import Annotations
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.archive import Archive
from calotype.services.archive.changes import Changes
from calotype.services.archive.compression.service import Compression
from calotype.services.archive.forms import Forms
from calotype.services.archive.marks import Marks
from calotype.services.archive.pictures import Pictures
from calotype.services.archive.recycling import Recycling
from calotype.services.jobs.jobs import Jobs
from calotype.services.routing.anonymising import Anonymising
from calotype.services.routing.commitment.service import Commitments
from calotype.services.routing.diagnosis import Prober
from calotype.services.routing.exchange import Exchange
from calotype.services.routing.live import Nodes
from calotype.services.worklist.performed import PerformedSteps
from calotype.services.worklist.worklist import Worklist
from calotype.web.api.rejections import RejectionLog
from calotype.web.api.status import Premises


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Who is known, whether they answer, and what they may do."""

    nodes: Nodes
    prober: Prober
    access: Access


@dataclass(frozen=True, slots=True)
class Rooms:
    """The services that routes call. What is ``None`` is not there, and neither are its routes."""

    archive: Archive
    rejections: RejectionLog
    jobs: Jobs | None = None
    exchange: Exchange | None = None
    neighbours: Neighbours | None = None
    commitments: Commitments | None = None
    worklist: tuple[Worklist, PerformedSteps] | None = None
    pictures: Pictures | None = None
    compression: Compression | None = None
    recycling: Recycling | None = None
    changes: Changes | None = None
    marks: Marks | None = None
    """Labels and remarks of studies."""
    annotations: Annotations | None = None
    """What users mark in the pictures of studies."""
    logins: Logins | None = None
    """Without it nobody logs in: whoever reaches us may do everything."""
    anonymiser: Anonymiser | None = None
    """Makes objects leave without their patient."""
    anonymising: Anonymising | None = None
    premises: Premises | None = None
    """What the status tells of."""
    forms: Forms = field(default_factory=Forms)
    """Makes other transfer syntaxes."""
