"""``/api/rejections``: associations that were turned away, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import APIRouter, Query

from calotype.network.rejections import Rejection


class RejectionLog(Protocol):
    """What remembers rejections: ``network.rejections.Rejections``, or a twin of it."""

    def recent(self, limit: int = 100) -> Sequence[Rejection]:
        """Return the last rejections, newest first."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Return how many there were since the start, by reason."""
        ...


@dataclass(frozen=True, slots=True)
class RejectionPage:
    """The last rejections, newest first, and how many there were since the start, by reason."""

    counts: dict[str, int]
    recent: list[Rejection]


def router(log: RejectionLog) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["network"])

    @routes.get("/rejections")
    async def rejections(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> RejectionPage:
        """List associations that were turned away, with result, source and reason in words."""
        # In memory, behind a lock that nobody holds for long: no thread is needed.
        return RejectionPage(dict(log.counts()), list(log.recent(limit)))

    return routes
