"""DELETE of a study, series or instance: into the recycle bin.

PS3.18 has no such transaction; this is what clients of other archives send, and what they take for done: 204, or 404
when there is nothing of it.
"""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.hierarchy import UID
from calotype.services.archive.recycled import narrowed
from calotype.services.archive.recycling import Recycling
from calotype.web.addresses import path_uid
from calotype.web.dicomweb.context import Context
from calotype.web.dicomweb.routes import INSTANCE, PREFIXES, SERIES, STUDY
from calotype.web.whoever import asker


class DeleteResource:
    """A study, series or instance, to be deleted into the recycle bin."""

    def __init__(self, context: Context, recycling: Recycling) -> None:
        self._offload = context.offload
        self._recycling = recycling

    async def __call__(self, request: Request) -> Response:
        """Delete what the path names; ``reason`` is kept with it."""
        study, series, instance = (path_uid(request, name) or UID("") for name in ("study", "series", "instance"))
        by, reason = asker(request), request.query_params.get("reason", "")
        await self._offload(lambda: self._recycling.delete(narrowed(study, series, instance), by=by, reason=reason))
        return Response(status_code=204)


def install(app: FastAPI, context: Context, recycling: Recycling) -> None:
    """Add the resource to ``app`` at its three levels."""
    resource = DeleteResource(context, recycling)
    for prefix in PREFIXES:
        for path in (STUDY, SERIES, INSTANCE):
            app.add_route(prefix + path, resource.__call__, methods=["DELETE"], include_in_schema=False)
