"""``/api/changes`` and ``/dicomweb/changes``: what has changed in the archive, by pages that can be gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query

from calotype.services.archive.changes import MAX_LINES, ChangePage, Changes
from calotype.services.archive.feed import Action, Change
from calotype.web.offload import Offload

_HIGHEST: Final = 2**63 - 1

Since = Annotated[int, Query(ge=0, le=_HIGHEST, description="Only changes after this number; 0: from the oldest.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LINES)]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change. ``level``: STUDY, SERIES or IMAGE, the deepest UID that is given; null: the whole archive.

    ``instances`` says how many objects it concerns; ``at_us`` is UTC, microseconds since 1970.
    """

    sequence: int
    action: Action
    level: str | None
    study: str
    series: str
    instance: str
    instances: int
    at_us: int


@dataclass(frozen=True, slots=True)
class ChangesView:
    """A page of changes, in the order of their commits; ``last`` is the ``since`` of the next.

    ``feed`` names the feed: numbers of another mean nothing in this one. ``is_cut``: what comes next after ``since``
    is not kept any more; list what is there and go on after ``last``.
    """

    feed: str
    changes: Sequence[ChangeView]
    oldest: int
    newest: int
    last: int
    is_complete: bool
    is_cut: bool


def router(changes: Changes, offload: Offload) -> APIRouter:
    """Return the route."""
    routes = APIRouter(prefix="/changes", tags=["changes"])

    def asked(since: int, limit: int) -> ChangesView:
        return page_view(changes.page(since, limit))

    @routes.get("")
    async def list_changes(since: Since = 0, limit: Limit = 100) -> ChangesView:
        """List what was created, updated, deleted, restored, marked or became stable after a number."""
        return await offload(asked, since, limit)

    return routes


def view(change: Change) -> ChangeView:
    """Return what is told of a change."""
    return ChangeView(
        sequence=change.sequence,
        action=change.action,
        level=None if change.level is None else change.level.value,
        study=change.study,
        series=change.series,
        instance=change.instance,
        instances=change.instances,
        at_us=change.at_us,
    )


def page_view(page: ChangePage) -> ChangesView:
    """Return a page as it is sent."""
    return ChangesView(
        feed=page.token,
        changes=[view(change) for change in page.changes],
        oldest=page.oldest,
        newest=page.newest,
        last=page.last,
        is_complete=page.is_complete,
        is_cut=page.is_cut,
    )
