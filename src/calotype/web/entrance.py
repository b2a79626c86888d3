"""The way to the login page and back: for people who open an address before they have logged in.

Only for what a browser opens as a page of its own. Programs, and what a page asks for itself, are told 401 as ever.
Whoever comes from another site has no cookie on the way (``SameSite=Strict``); the page that they are led to has, and
leads on at once.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from calotype.web.credentials import header
from calotype.web.pages import PREFIX

LOGIN: Final = f"{PREFIX}/login"
"""The page that leads on to ``next``: a path of our own, which is checked there once more."""

MAX_NEXT_CHARS: Final = 2000


def is_visit(scope: Scope) -> bool:
    """Tell whether a browser opens an address as a page.

    By Fetch Metadata, which browsers send to hosts that they trust (W3C Fetch Metadata 2.2); elsewhere by what they
    say and take: Java's clients take HTML as well, but do not call themselves Mozilla.
    """
    if scope["method"] != "GET" or header(scope, b"authorization"):
        return False
    mode = header(scope, b"sec-fetch-mode")
    if mode:
        return mode == "navigate"
    takes_pages = "text/html" in header(scope, b"accept")
    return takes_pages and header(scope, b"user-agent").startswith("Mozilla/")


def to_login(scope: Scope) -> Response:
    """Lead to the login page, with the way back."""
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = quote(scope["path"]) + (f"?{query}" if query else "")
    # "//x" would be a host.
    is_path = wanted.startswith("/") and not wanted.startswith("//") and len(wanted) <= MAX_NEXT_CHARS
    way_back = f"?next={quote(wanted, safe='')}" if is_path else ""
    where = quote(scope.get("root_path", "")) + LOGIN + way_back
    return RedirectResponse(where, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
