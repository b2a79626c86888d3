"""Bodies that are JSON: read strictly, and never without a bound.

What Python's own reader lets through (half a surrogate pair, NaN, nesting without end, numbers of any length) no
store and no answer could hold; here it is refused, before a route sees it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from calotype.web.problems import UnsupportedMediaType

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""A request may name 100,000 instances."""


class JsonRoute(APIRoute):
    """A route whose body, if it is JSON, is read by :class:`JsonRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, given our request."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_strictly


class JsonRequest(Request):
    """A request whose JSON is read strictly; 413 for a body of more than :data:`MAX_BODY_BYTES`."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Return the body in pieces."""
        size_bytes = 0
        async for piece in super().stream():
            size_bytes += len(piece)
            if size_bytes > MAX_BODY_BYTES:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have at most {MAX_BODY_BYTES} bytes."
                )
            yield piece

    async def json(self) -> Any:
        """Return the body as JSON. Raises the subclass of ``json.JSONDecodeError`` that FastAPI answers 400 to."""
        return orjson.loads(await self.body())


def check_type(request: Request, *media_types: str) -> None:
    """Raise UnsupportedMediaType (415) unless the body says that it is one of these.

    A page of another site may post any text, but neither of these without being asked about it first.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in media_types:
        raise UnsupportedMediaType(f"Send the body as {' or '.join(media_types)}, and say so in Content-Type.")
