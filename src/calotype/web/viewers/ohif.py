"""``/ohif/``: the OHIF Viewer on our DICOMweb, its files as ``tools/ohif.py`` made them, its settings made here.

It has a policy of its own, since its codecs make functions of text; nothing else is served under that. Which studies
it shows is decided where DICOMweb is: it has the reader's session, or the token that it was opened with.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

import calotype
from calotype.errors import NotFound
from calotype.web.assets import FOREVER, Asset, content_policy, find_assets, send

FOLDER: Final = Path(calotype.__file__).parent / "static" / "ohif"
PREFIX: Final = "/ohif"

_INDEX: Final = "index.html"
_CONFIG: Final = "app-config.js"
_BASE_MARK: Final = "__BASE__"
_HASHED: Final = re.compile(r".*\.[0-9a-f]{16}\.[a-z0-9]+|[0-9a-f]{16}\.[a-z0-9]+")
_AN_HOUR: Final = "public, max-age=3600"

_POLICY: Final = content_policy(scripts="'unsafe-eval'", styles="'unsafe-inline'")

_MISSING: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>calotype</title>
<h1>OHIF is not in this installation</h1>
<p>It is fetched when the package is built. With node and a way to an npm registry: <code>python tools/ohif.py</code>
in the sources, and start the server again; a released wheel has it inside. The viewer of our own works without.</p>
<p lang="zh-CN">此安装未包含 OHIF。请在源代码目录执行 <code>python tools/ohif.py</code>(需要 node 与 npm 源),
再重启服务;内置阅片器不受影响。</p></html>
"""


class Ohif:
    """Serves what lies in ``folder``, and OHIF's page for every other address below the prefix."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    async def __call__(self, request: Request) -> Response:
        """Answer with a file, the settings, or the page; NotFound for a file that is not there."""
        name: str = request.path_params.get("path", "")
        root = quote(request.scope.get("root_path", ""))
        if not self._page:
            return HTMLResponse(_MISSING, 503, {"Cache-Control": "no-cache"})
        if name == _CONFIG:
            return Response(_script(root), headers={"Cache-Control": "no-cache"}, media_type="text/javascript")
        asset = self._assets.get(name)
        if asset is not None and name != _INDEX:
            answer = send(asset, request, FOREVER if _HASHED.fullmatch(PurePosixPath(name).name) else _AN_HOUR)
            # A worker runs under the policy of its own file.
            answer.headers["Content-Security-Policy"] = _POLICY
            return answer
        if PurePosixPath(name).suffix in {".js", ".css", ".wasm", ".map", ".json"}:
            raise NotFound("there is no such file")
        page = self._page.replace(_BASE_MARK, f"{root}{PREFIX}/")
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache", "Referrer-Policy": "same-origin"}
        return HTMLResponse(page, headers=headers)

    @property
    def is_here(self) -> bool:
        """Whether OHIF was built into this installation."""
        return bool(self._page)

    @cached_property
    def _page(self) -> str:
        page = self._folder / _INDEX
        return page.read_text("utf-8") if page.is_file() else ""

    @cached_property
    def _assets(self) -> dict[str, Asset]:
        return find_assets(self._folder)


def settings(root: str) -> dict[str, Any]:
    """Return OHIF's settings (``window.config``) for a server below ``root``."""
    dicomweb = f"{root}/dicomweb"
    return {
        "routerBasename": f"{root}{PREFIX}",
        "extensions": [],
        "modes": [],
        "showStudyList": True,
        "maxNumberOfWebWorkers": 4,
        "investigationalUseDialog": {"option": "never"},
        "customizationService": [{"ohif.tours": {"$set": []}}],
        "defaultDataSourceName": "calotype",
        "dataSources": [
            {
                "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
                "sourceName": "calotype",
                "configuration": {
                    "friendlyName": "calotype",
                    "name": "calotype",
                    "qidoRoot": dicomweb,
                    "wadoRoot": dicomweb,
                    "wadoUriRoot": f"{root}/wado",
                    "imageRendering": "wadors",
                    "thumbnailRendering": "wadors",
                    "enableStudyLazyLoad": True,
                    "qidoSupportsIncludeField": False,
                    "supportsWildcard": True,
                    "supportsFuzzyMatching": False,
                    "dicomUploadEnabled": True,
                    "singlepart": "bulkdata,video",
                    "bulkDataURI": {"enabled": True, "relativeResolution": "studies"},
                    "omitQuotationForMultipartRequest": True,
                },
            }
        ],
    }


def _script(root: str) -> bytes:
    base = orjson.dumps(f"{root}{PREFIX}/")
    return (
        b"window.PUBLIC_URL=%s;\nfunction browserImportFunction(name){return import(name)}\nwindow.config=%s;\n"
        % (base, orjson.dumps(settings(root)))
    )


async def _to_ohif(request: Request) -> Response:
    return RedirectResponse(quote(request.scope.get("root_path", "") + PREFIX) + "/", 307)


def install(app: FastAPI, folder: Path = FOLDER) -> Ohif:
    """Add OHIF to ``app``."""
    ohif = Ohif(folder)
    app.add_route(PREFIX, _to_ohif, methods=["GET"], include_in_schema=False)
    app.add_route(PREFIX + "/{path:path}", ohif.__call__, methods=["GET"], include_in_schema=False)
    return ohif
