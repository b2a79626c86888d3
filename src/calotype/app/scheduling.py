"""What the settings mean for the worklist: one place for the server and for commands that work without it."""

from __future__ import annotations

from calotype.app.opening import Stores
from calotype.app.settings import Settings
from calotype.services.worklist.items import StepStatus
from calotype.services.worklist.performed import PerformedSteps
from calotype.services.worklist.performed_rules import Strictness
from calotype.services.worklist.worklist import Worklist, WorklistSettings
from calotype.stores.index.worklist import SqliteWorklist


def worklist_settings(settings: Settings) -> WorklistSettings:
    """Return the worklist's settings."""
    return WorklistSettings(unasked=frozenset(map(StepStatus, settings.worklist.statuses)))


def performed_over(kept: SqliteWorklist, settings: Settings) -> PerformedSteps:
    """Return the performed steps that are kept beside the worklist."""
    return PerformedSteps(kept, kept, strictness=Strictness(settings.worklist.performed_steps))


def worklist_of(settings: Settings, stores: Stores) -> Worklist:
    """Return the worklist that is kept beside the index."""
    return Worklist(SqliteWorklist(stores.index), worklist_settings(settings))
