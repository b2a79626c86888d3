"""Bodies that are JSON: read strictly, and never without a bound.

What Python's own reader lets through (half a surrogate pair, NaN, nesting without end, numbers of any length) no
store and no answer could hold; here it is refused, before a route sees it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, ClassVar, Final

import anyio
import orjson
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from calotype.web.problems import UnsupportedMediaType

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""A request may name 100,000 instances."""

BODY_S: Final = 300.0
"""How long such a body may take, over a slow line."""

MAX_SMALL_BODY_BYTES: Final = 64 * 1024
SMALL_BODY_S: Final = 30.0
"""What is open to whoever asks costs little memory, and holds no connection for long."""


class JsonRoute(APIRoute):
    """A route whose body, if it is JSON, is read by :class:`JsonRequest`: so much of it, in so long a time."""

    max_body_bytes: ClassVar[int] = MAX_BODY_BYTES
    body_s: ClassVar[float] = BODY_S

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, given our request."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(
                JsonRequest(request.scope, request.receive, self.max_body_bytes, self.body_s),
            )

        return handle_strictly


class SmallJsonRoute(JsonRoute):
    """A :class:`JsonRoute` for what people type."""

    max_body_bytes = MAX_SMALL_BODY_BYTES
    body_s = SMALL_BODY_S


class JsonRequest(Request):
    """A request whose JSON is read strictly; 413 for too large a body, 408 for one that does not end."""

    def __init__(self, scope: Scope, receive: Receive, max_body_bytes: int, body_s: float) -> None:
        super().__init__(scope, receive)
        self._max_body_bytes = max_body_bytes
        self._body_s = body_s

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Return the body in pieces."""
        size_bytes = 0
        deadline_s = anyio.current_time() + self._body_s
        async with aclosing(super().stream()) as pieces:
            while True:
                try:
                    with anyio.fail_after(deadline_s - anyio.current_time()):
                        piece = await anext(pieces, None)
                except TimeoutError:
                    # What is sent of it later would be taken for another request.
                    raise HTTPException(
                        HTTPStatus.REQUEST_TIMEOUT,
                        f"The body did not come within {self._body_s:g} s.",
                        {"Connection": "close"},
                    ) from None
                if piece is None:
                    return
                size_bytes += len(piece)
                if size_bytes > self._max_body_bytes:
                    raise HTTPException(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have at most {self._max_body_bytes} bytes."
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
