"""``/api/sessions``: where one is logged in, and ending that; administrators see everybody's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request

from calotype.errors import Refused
from calotype.services.access.model import Grant, Role, Way
from calotype.web.desk import Desk
from calotype.web.guard import person

_HIGHEST: Final = 2**63 - 1

Number = Annotated[int, Path(ge=1, le=_HIGHEST)]
OfAll = Annotated[bool, Query(alias="all", description="Everybody's; for administrators.")]


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """A session. Times are UTC, microseconds since 1970; ``client`` is what the browser calls itself."""

    id: int
    user: str
    created_us: int
    seen_us: int
    address: str
    client: str
    is_current: bool


def whose(grant: Grant, *, everybody: bool) -> str | None:
    """Return whose entries a person may list: their own, or ``None`` for all. Refused."""
    if not everybody:
        return grant.user
    if grant.role is not Role.ADMIN:
        raise Refused("Only administrators see what others have.")
    return None


def theirs(grant: Grant) -> str | None:
    """Return whose entries a person may end: their own, ``None`` for all."""
    return None if grant.role is Role.ADMIN else grant.user


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/sessions", tags=["access"])
    sessions, offload = desk.logins.sessions, desk.passwords

    @routes.get("")
    async def list_sessions(request: Request, *, everybody: OfAll = False) -> list[SessionEntry]:
        """List sessions, the one begun last first."""
        grant = person(request)
        return [
            SessionEntry(
                each.id,
                each.user,
                each.created_us,
                each.seen_us,
                each.address,
                each.client,
                is_current=grant.way is Way.SESSION and each.id == grant.number,
            )
            for each in await offload(sessions.list, whose(grant, everybody=everybody))
        ]

    @routes.delete("", status_code=204)
    async def end_other_sessions(request: Request) -> None:
        """End all of one's own sessions but this one."""
        grant = person(request)
        kept = grant.number if grant.way is Way.SESSION else 0
        await offload(sessions.end_others, grant.user, kept)

    @routes.delete("/{number}", status_code=204)
    async def end_session(request: Request, number: Number) -> None:
        """End one session: one's own, or for administrators anybody's."""
        await offload(sessions.end, number, theirs(person(request)))

    return routes
