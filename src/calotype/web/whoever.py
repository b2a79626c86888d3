"""Who asks, in words that are kept beside what was done: the user where one logged in, and the address."""

from __future__ import annotations

from starlette.requests import Request

from calotype.services.access.model import Way
from calotype.web.guard import grant_of


def asker(request: Request) -> str:
    """Return whom a request is from, for a record."""
    host = request.client.host if request.client is not None else "unknown"
    grant = grant_of(request.scope)
    if grant is None or grant.way is Way.LOCAL:
        return f"{host} (HTTP)"
    by = ", by a token" if grant.way is Way.TOKEN else ""
    return f"{grant.user} at {host} (HTTP{by})"
