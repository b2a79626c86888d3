"""The web application's files: found once at the start, sent with a strict policy, the pages themselves per request.

What the pages do is for ``ui``; whether somebody may see data is decided where data are. Without built files the
server runs as well, and says here how to build them.
"""

from __future__ import annotations

import secrets
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI
from starlette._utils import get_route_path  # by which routes are found, too
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

import calotype
from calotype.errors import NotFound
from calotype.web.assets import ASK_AGAIN, FOREVER, Asset, content_policy, find_assets, send

FOLDER: Final = Path(calotype.__file__).parent / "static" / "ui"
"""Where the build puts the pages."""

PREFIX: Final = "/ui"

_INDEX: Final = "index.html"
_ENTRIES: Final = {"viewer": "viewer.html", "docs": "docs.html"}
"""Pages of their own, by the first segment of what they answer to; every other address is the application's."""
_SHORT: Final = {"/": "/", PREFIX: "/", "/docs": "/docs", "/swagger": "/docs"}
"""What people type, and where below the prefix that leads."""
_ASSETS: Final = "assets/"
_HTML: Final = "text/html"
_BASE_MARK: Final = '<base href="/" data-base />'
_NONCE_MARK: Final = 'content="" data-nonce'

_MISSING: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>calotype</title>
<h1>calotype is running</h1>
<p>Its pages have not been built. With Node 20.19 or newer: <code>make serve</code>, or <code>pip install .</code>
once more; a released wheel has them inside. DICOM and DICOMweb work without them.</p>
<p lang="zh-CN">网页尚未构建。请安装 Node 20.19 或更高版本后执行 <code>make serve</code>;或重新执行
<code>pip install .</code>。DICOM 与 DICOMweb 服务不受影响。</p></html>
"""


def are_built(folder: Path | None = None) -> bool:
    """Tell whether there are pages to serve."""
    return ((folder or FOLDER) / _INDEX).is_file()


class Pages:
    """Serves what lies in ``folder``, and the application's page for every other address below the prefix."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, request: Request) -> Response:
        """Answer with a file, or the page; NotFound for a file that is not there."""
        name: str = request.path_params.get("path", "")
        asset = self._assets.get(name)
        if asset is not None and asset.media_type != _HTML:
            return send(asset, request, FOREVER if name.startswith(_ASSETS) else ASK_AGAIN)
        if PurePosixPath(name).suffix and name.startswith(_ASSETS):
            raise NotFound("there is no such file")
        return self._page(request, _ENTRIES.get(name.split("/", 1)[0], _INDEX))

    def _page(self, request: Request, entry: str) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {
            "Content-Security-Policy": content_policy(scripts="'wasm-unsafe-eval'", styles=f"'nonce-{nonce}'"),
            "Cache-Control": "no-cache",
            "Referrer-Policy": "same-origin",
        }
        html = self._html.get(entry, "")
        if not html:
            return HTMLResponse(_MISSING, 503, headers)
        base = quote(request.scope.get("root_path", "") + PREFIX)
        page = html.replace(_BASE_MARK, f'<base href="{base}/" />', 1)
        return HTMLResponse(page.replace(_NONCE_MARK, f'content="{nonce}" data-nonce', 1), headers=headers)

    @cached_property
    def _html(self) -> dict[str, str]:
        pages = (self._folder / name for name in (_INDEX, *_ENTRIES.values()))
        return {page.name: page.read_text("utf-8") for page in pages if page.is_file()}

    @cached_property
    def _assets(self) -> dict[str, Asset]:
        return find_assets(self._folder)


async def _lead_on(request: Request) -> Response:
    target = PREFIX + _SHORT[get_route_path(request.scope)]
    return RedirectResponse(quote(request.scope.get("root_path", "") + target), 307)


def install(app: FastAPI, folder: Path | None = None) -> None:
    """Add the pages to ``app``, and the short ways to them."""
    pages = Pages(folder or FOLDER)
    for path in _SHORT:
        app.add_route(path, _lead_on, methods=["GET"], include_in_schema=False)
    app.add_route(PREFIX + "/{path:path}", pages.__call__, methods=["GET"], include_in_schema=False)
