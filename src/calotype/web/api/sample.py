"""``/api/sample``: a study that nobody had, for whoever sets up an archive."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from calotype.services.archive.ingest import Ingest
from calotype.services.archive.sample import put_sample
from calotype.web.offload import Offload


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample is in the archive as this study."""

    study: str


def router(ingest: Ingest, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/sample", tags=["archive"])

    @routes.post("")
    async def put() -> Sample:
        """Put a sample study into the archive, a CT of a head that never was; it may be deleted like any other."""
        return Sample(await offload(put_sample, ingest))

    return routes
