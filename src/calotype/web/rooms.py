"""What is behind the web's doors, handed in by whoever builds the house."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.services.archive.archive import Archive
from calotype.services.jobs.jobs import Jobs
from calotype.services.routing.exchange import Exchange
from calotype.services.worklist.performed import PerformedSteps
from calotype.services.worklist.worklist import Worklist
from calotype.web.api.rejections import RejectionLog


@dataclass(frozen=True, slots=True)
class Rooms:
    """The services that routes call. What is ``None`` is not there, and neither are its routes."""

    archive: Archive
    rejections: RejectionLog
    jobs: Jobs | None = None
    exchange: Exchange | None = None
    worklist: tuple[Worklist, PerformedSteps] | None = None
