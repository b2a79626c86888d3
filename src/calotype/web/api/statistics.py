"""``/api/statistics``: what the archive holds, from its counters."""

from __future__ import annotations

from fastapi import APIRouter

from calotype.services.archive.ports import Statistics
from calotype.services.archive.search import Search
from calotype.web.offload import Offload


def router(search: Search, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["archive"])

    @routes.get("/statistics")
    async def statistics() -> Statistics:
        """Count patients, studies, series, instances, open conflicts and bytes."""
        return await offload(search.statistics)

    return routes
