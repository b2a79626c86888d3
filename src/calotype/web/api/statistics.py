"""``/api/statistics``: what the archive holds, from its counters."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from fastapi import APIRouter

from calotype.services.archive.compression.service import Compression, Standing
from calotype.services.archive.ports import Statistics
from calotype.services.archive.search import Search
from calotype.web.offload import Offload


@dataclass(frozen=True, slots=True)
class AllStatistics(Statistics):
    """The totals, and how much room compression has saved."""

    compression: Standing | None = None


def router(search: Search, offload: Offload, compression: Compression | None = None) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["archive"])

    def gathered() -> AllStatistics:
        standing = None if compression is None else compression.standing()
        return AllStatistics(**asdict(search.statistics()), compression=standing)

    @routes.get("/statistics", response_model_exclude_none=True)
    async def statistics() -> AllStatistics:
        """Count patients, studies, series, instances, open conflicts and bytes; tell what compression has saved."""
        return await offload(gathered)

    return routes
