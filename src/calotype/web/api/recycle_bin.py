"""``/api/recycle-bin``: what was deleted, by whom and when; restoring and purging it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request

from calotype.dicom.hierarchy import Level
from calotype.services.archive.recycled import Recycled, State
from calotype.services.archive.recycling import Recycling
from calotype.web.offload import Offload
from calotype.web.whoever import asker

_HIGHEST: Final = 2**63 - 1

Number = Annotated[int, Path(ge=1, le=_HIGHEST, description="The number of the deletion.")]
States = Annotated[list[State], Query(alias="state", description="Only deletions in these states; default: kept.")]
Before = Annotated[int | None, Query(ge=1, le=_HIGHEST, description="Only older ones than this: the next page.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Force = Annotated[bool, Query(description="Also what we committed to keep (PS3.4 J).")]


@dataclass(frozen=True, slots=True)
class DeletionView:
    """A deletion. Times are UTC, microseconds since 1970; ``about`` is what a person knows the study by.

    ``changed_by`` is who restored or purged it, or ``retention``.
    """

    id: int
    level: Level
    study: str
    series: str
    instance: str
    state: State
    instances: int
    stored_bytes: int
    deleted_us: int
    deleted_by: str
    reason: str
    changed_us: int
    changed_by: str
    about: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DeletionDetail(DeletionView):
    """A deletion, and to whom (by AE title) we committed to keep how many of its objects."""

    promised: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RestoredView:
    """What came back: ``served`` again, ``versions`` beside what came since, ``identical`` to what came since."""

    deletion: DeletionView
    served: int
    versions: int
    identical: int


@dataclass(frozen=True, slots=True)
class EmptiedView:
    """How many deletions are being purged, and which are held back since we committed to keep some of them."""

    purging: int
    held_back: Sequence[int]


def router(recycling: Recycling, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/recycle-bin", tags=["recycle bin"])

    def listed(states: Sequence[State], before: int | None, limit: int) -> list[DeletionView]:
        return [DeletionView(**_fields(found)) for found in recycling.list(states, before, limit)]

    def shown(number: int) -> DeletionDetail:
        return DeletionDetail(**_fields(recycling.get(number)), promised=recycling.promises(number))

    def restored(number: int, by: str) -> RestoredView:
        came = recycling.restore(number, by=by)
        return RestoredView(DeletionView(**_fields(came.recycled)), came.served, came.versions, came.identical)

    def emptied(by: str, *, force: bool) -> EmptiedView:
        done = recycling.empty(by=by, force=force)
        return EmptiedView(done.purging, done.held_back)

    @routes.get("")
    async def list_deletions(
        state: States = [State.KEPT],  # noqa: B006 - FastAPI copies defaults
        before: Before = None,
        limit: Limit = 100,
    ) -> list[DeletionView]:
        """List deletions, newest first; the last one's number as ``before`` gives the next page."""
        return await offload(listed, state, before, limit)

    @routes.delete("", status_code=202)
    async def empty_recycle_bin(request: Request, *, force: Force = False) -> EmptiedView:
        """Purge everything that could be restored; its files are removed in the background."""
        by = asker(request)
        return await offload(lambda: emptied(by, force=force))

    @routes.get("/{number}")
    async def show_deletion(number: Number) -> DeletionDetail:
        """Return one deletion, and what we have promised of it."""
        return await offload(shown, number)

    @routes.post("/{number}/restore")
    async def restore_deletion(number: Number, request: Request) -> RestoredView:
        """Put the objects of a deletion back, as they were; 409 when it is not kept any more."""
        return await offload(restored, number, asker(request))

    @routes.post("/{number}/purge", status_code=202)
    async def purge_deletion(number: Number, request: Request, *, force: Force = False) -> DeletionView:
        """Remove the files of a deletion for good, in the background; 409 when we committed to keep some."""
        by = asker(request)
        return DeletionView(**_fields(await offload(lambda: recycling.purge(number, by=by, force=force))))

    return routes


def _fields(found: Recycled) -> dict[str, Any]:
    return {name: getattr(found, name) for name in DeletionView.__dataclass_fields__}
