"""DICOMweb and WADO-URI in the OpenAPI document, drawn from the routes, beside what FastAPI says of ``/api``.

Their routes are plain ones, so FastAPI knows nothing of them. A path, its methods and what it is come from the route
and the resource behind it; what parameters mean stands here. The alias of the service is left out.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from fastapi import FastAPI
from starlette.routing import Route

from calotype.web.addresses import SERVICES
from calotype.web.dicomweb.rendering_parameters import RENDERED_PARAMETERS, THUMBNAIL_PARAMETERS
from calotype.web.wado_uri_parameters import OPTIONAL, REQUIRED

Schema: TypeAlias = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_UID: Final[Schema] = {"type": "string", "pattern": "^[0-9.]{1,64}$"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_NUMBER: Final[Schema] = {"type": "number"}
_ONE_UP: Final[Schema] = {"type": "integer", "minimum": 1}
_QUALITY: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 100}

_PATH: Final[Mapping[str, tuple[Schema, str]]] = {
    "study": (_UID, "Study Instance UID"),
    "series": (_UID, "Series Instance UID"),
    "instance": (_UID, "SOP Instance UID"),
    "frames": ({"type": "string", "pattern": "^[1-9][0-9]*(,[1-9][0-9]*)*$"}, "Frame numbers from 1, as 1,2,5"),
}
_QUERY: Final[Mapping[str, tuple[Schema, str]]] = {
    "accept": (_TEXT, "Media types, in the place of the Accept header"),
    "annotation": (_TEXT, "patient, technique, or both: written into the picture"),
    "anonymize": ({"type": "string", "enum": ["yes"]}, "De-identify what leaves"),
    "charset": (_TEXT, "Character set of text"),
    "columns": (_ONE_UP, "Greatest width of the picture"),
    "damaged": (_TEXT, "show: what is left of a damaged frame, too"),
    "contentType": (_TEXT, "application/dicom, or media types to render to"),
    "frameNumber": (_ONE_UP, "A frame, from 1"),
    "fuzzymatching": ({"type": "boolean"}, "Match names by their parts and sounds"),
    "iccprofile": (
        {"type": "string", "enum": ["no", "yes", "srgb", "adobergb", "rommrgb", "displayp3"]},
        "Colour profile in the picture",
    ),
    "imageAnnotation": (_TEXT, "As annotation"),
    "imageQuality": (_QUALITY, "Quality of lossy compression"),
    "includefield": (_TEXT, "Attributes to return besides, or all"),
    "limit": (_COUNT, "Most matches to return"),
    "objectUID": (_UID, "SOP Instance UID"),
    "offset": (_COUNT, "Matches to pass over first"),
    "presentationSeriesUID": (_UID, "Series Instance UID of a presentation state"),
    "presentationUID": (_UID, "SOP Instance UID of a presentation state"),
    "quality": (_QUALITY, "Quality of lossy compression"),
    "region": (_TEXT, "xmin,ymin,xmax,ymax as shares of the image"),
    "requestType": ({"type": "string", "enum": ["WADO"]}, "WADO"),
    "rows": (_ONE_UP, "Greatest height of the picture"),
    "seriesUID": (_UID, "Series Instance UID"),
    "size": (_ONE_UP, "Greatest width and height"),
    "studyUID": (_UID, "Study Instance UID"),
    "transfer-syntax": (_TEXT, "Transfer Syntax UID of what is sent, or * for the stored one"),
    "transferSyntax": (_TEXT, "Transfer Syntax UID of what is sent, or * for the stored one"),
    "viewport": (_TEXT, "Width and height, and the region of the image: vw,vh,sx,sy,sw,sh"),
    "window": (_TEXT, "center,width,function"),
    "windowCenter": (_NUMBER, "Window Center"),
    "windowWidth": (_NUMBER, "Window Width"),
    "PatientID": (_TEXT, "An example of a key: any attribute, by keyword or tag, with dots into sequences"),
}

_SEARCH: Final = ("PatientID", "limit", "offset", "fuzzymatching", "includefield", "accept")
_OBJECTS: Final = ("accept", "transfer-syntax")

_ROWS: Final[Sequence[tuple[re.Pattern[str], Sequence[str]]]] = (
    (re.compile(r"/wado\Z"), (*REQUIRED, *OPTIONAL)),
    (re.compile(r"/rendered\Z"), RENDERED_PARAMETERS),
    (re.compile(r"/thumbnail\Z"), THUMBNAIL_PARAMETERS),
    (re.compile(r"/(?:studies|series|instances)\Z"), _SEARCH),
    (re.compile(r"."), _OBJECTS),
)
"""Query parameters of GET, by how its path ends; the first row counts."""

_CONVERTER: Final = re.compile(r"\{([a-z_]+):[a-z]+\}")
_PROBLEM: Final = {
    "description": "What was wrong, and what to do (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_STORED: Final = {"202": "Some objects failed", "409": "All objects failed", "415": "Not a body that is taken"}
_BODY: Final = {"required": True, "content": {"multipart/related": _BINARY, "application/dicom": _BINARY}}


def meaning_of(parameter: str) -> str:
    """Return what a query parameter is for, in a line."""
    return _QUERY[parameter][1]


def describe(app: FastAPI) -> None:
    """Let the OpenAPI document of ``app`` tell of its plain routes, too. Call it when all routes are there."""
    drawn = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = drawn()
            document["paths"] = {**_paths(app), **document.get("paths", {})}
        return app.openapi_schema or {}

    # FastAPI's documented way to extend what it says.
    app.openapi = openapi  # type: ignore[method-assign]


def _paths(app: FastAPI) -> dict[str, Schema]:
    paths: dict[str, Schema] = {}
    for path, route in _plain_routes(app):
        for method in sorted((route.methods or set()) - {"HEAD"}):
            paths.setdefault(path, {})[method.lower()] = _operation(path, route, method)
    return paths


def _plain_routes(app: FastAPI) -> Iterator[tuple[str, Route]]:
    for route in app.routes:
        # FastAPI's own routes are a subclass that describes itself.
        if type(route) is not Route or route.path.endswith("/"):
            # With a slash at its end a path is the same resource again.
            continue
        if route.path.startswith((f"/{SERVICES[0]}", "/wado")):
            yield _CONVERTER.sub(r"{\1}", route.path), route


def _operation(path: str, route: Route, method: str) -> Schema:
    owner = getattr(route.endpoint, "__self__", route.endpoint)
    told = inspect.getdoc(owner) or ""
    operation: Schema = {
        "tags": ["WADO-URI" if path.endswith("/wado") else "DICOMweb"],
        "summary": " ".join(told.split("\n\n")[0].split()).rstrip("."),
        "operationId": f"{method.lower()}{re.sub('[^a-z]+', '_', path)}".strip("_"),
        "parameters": [
            *(_parameter("path", name, _PATH, required=True) for name in route.param_convertors),
            *(_query(path) if method == "GET" else ()),
        ],
        "responses": {
            "200": {"description": "As asked for"},
            **dict.fromkeys(("400", "403", "404", "406", "503"), _PROBLEM),
        },
    }
    if method in {"POST", "PUT"}:
        operation["requestBody"] = _BODY
        operation["responses"] |= {status: {"description": told} for status, told in _STORED.items()}
    return operation


def _query(path: str) -> Iterator[Schema]:
    names = next(names for pattern, names in _ROWS if pattern.search(path))
    for name in names:
        yield _parameter("query", name, _QUERY, required=names is not _SEARCH and name in REQUIRED)


def _parameter(place: str, name: str, known: Mapping[str, tuple[Schema, str]], *, required: bool) -> Schema:
    schema, told = known.get(name, (_TEXT, name))
    return {"name": name, "in": place, "required": required, "description": told, "schema": schema}
