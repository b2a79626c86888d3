"""Cross-origin resource sharing: which pages of other origins may read our answers (Fetch, 3.3). Off by default."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from calotype.web.settings import WebSettings

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

REQUEST_HEADERS: Final = (
    "Accept", "Accept-Charset", "Accept-Encoding", "Authorization", "Cache-Control", "Content-Type", "If-Match",
    "If-Modified-Since", "If-None-Match", "If-Range", "Last-Event-ID", "Pragma", "Range", "X-CSRF-Token",
    "X-Requested-With",
)  # fmt: skip
"""What viewers send beyond the headers that every page may."""

EXPOSED_HEADERS: Final = (
    "Accept-Ranges", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Location",
    "Content-Range", "ETag", "Link", "Location", "Retry-After", "Warning", "X-Total-Count",
    "X-Total-Count-Relation",
)  # fmt: skip
"""What viewers read of an answer: its length for a progress bar, pages and totals of a search, warnings."""

_PREFLIGHT_S: Final = 7200
"""The longest that browsers keep a preflight's answer; one less round trip for each frame."""


def add_cors(app: FastAPI, settings: WebSettings) -> None:
    """Let pages of the origins in ``settings`` read answers.

    An origin is echoed only if it is listed; with ``*`` the answer says ``*``, and credentials stay out.
    """
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=METHODS,
        allow_headers=REQUEST_HEADERS,
        allow_credentials=settings.cors_credentials and "*" not in settings.cors_origins,
        expose_headers=EXPOSED_HEADERS,
        max_age=_PREFLIGHT_S,
    )
