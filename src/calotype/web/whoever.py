"""Who asks, in words that are kept beside what was done: an address, until there are users to name."""

from __future__ import annotations

from starlette.requests import Request


def asker(request: Request) -> str:
    """Return whom a request is from, for a record."""
    host = request.client.host if request.client is not None else "unknown"
    return f"{host} (HTTP)"
