"""``/api/compression``: how compression in the background stands, and which objects stay as they came, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from calotype.services.archive.compression.ports import Left
from calotype.services.archive.compression.service import Compression, Standing
from calotype.web.offload import Offload


def router(compression: Compression, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["archive"], prefix="/compression")

    @routes.get("")
    async def standing() -> Standing:
        """Tell what waits, and what came of objects since the archive began."""
        return await offload(compression.standing)

    @routes.get("/left")
    async def left(limit: Annotated[int, Query(ge=1, le=10_000)] = 100) -> Sequence[Left]:
        """List objects that stay as they came for a reason, the latest first."""
        return await offload(compression.left, limit)

    return routes
