"""``/api/dictionary``: the keyword of every attribute of the Standard, for pages that show headers."""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom import dictionary

_HEADERS: Final = {"Cache-Control": "private, max-age=86400", "Vary": "Accept-Encoding"}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}}}
}


def router() -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["archive"])

    @routes.get("/dictionary", response_class=Response, responses=_ANSWERS)
    async def show_dictionary(request: Request) -> Response:
        """Return the keyword of each attribute by its tag (``00100020``), for repeating groups by the first one's."""
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(_packed(), headers=_HEADERS | {"Content-Encoding": "gzip"}, media_type="application/json")
        return Response(_document(), headers=_HEADERS, media_type="application/json")

    return routes


@lru_cache(maxsize=1)
def _document() -> bytes:
    tags = {keyword: dictionary.tag_of(keyword) for keyword in dictionary.keywords() if keyword}
    return orjson.dumps({f"{tag:08X}": keyword for keyword, tag in tags.items() if tag is not None})


@lru_cache(maxsize=1)
def _packed() -> bytes:
    return gzip.compress(_document(), 9, mtime=0)
