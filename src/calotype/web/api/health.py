"""``/api/health``: is the server alive. A busy disk must not look like a dead server: the archive is not asked."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from calotype import __version__


@dataclass(frozen=True, slots=True)
class Health:
    """The server answers."""

    status: str
    version: str


def router() -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["server"])

    @routes.get("/health")
    async def health() -> Health:
        """Say that the server is alive."""
        return Health("ok", __version__)

    return routes
