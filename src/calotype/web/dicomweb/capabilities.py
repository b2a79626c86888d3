"""What the DICOMweb service can do, told by itself (PS3.18 8.9): as WADL or JSON, of all or of one resource.

Drawn from the routes, by way of the OpenAPI document, which knows what they take; what they give stands here. The
conformance statement's table is printed from the same (:func:`services`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from xml.etree import ElementTree as ET

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from calotype.web.accept import Form
from calotype.web.dicomweb.context import Context, accepted, negotiate
from calotype.web.dicomweb.routes import PREFIXES

WADL: Final = Form("application/vnd.sun.wadl+xml")
_FORMS: Final = (WADL, Form("application/json"), Form("application/xml"))
_NAMESPACE: Final = "http://wadl.dev.java.net/2009/02"

_JSON: Final = ("application/dicom+json", "application/json")
_TREE: Final = (*_JSON, 'multipart/related; type="application/dicom+xml"')
_PICTURES: Final = ("image/jpeg", "image/png", "image/gif")

_SERVICES: Final[Sequence[tuple[str, re.Pattern[str], str, Sequence[str]]]] = (
    ("DELETE", re.compile(r"."), "Delete", ()),
    ("POST", re.compile(r"."), "Store", (*_JSON, "application/dicom+xml")),
    ("GET", re.compile(r"\A/?\Z"), "Capabilities", (WADL.essence, "application/json")),
    ("GET", re.compile(r"\A/wado\Z"), "WADO-URI", (*_PICTURES, "application/dicom")),
    ("GET", re.compile(r"/changes\Z"), "Change feed", ("application/json",)),
    ("GET", re.compile(r"/(?:studies|series|instances)\Z"), "Search", _TREE),
    ("GET", re.compile(r"/metadata\Z"), "Retrieve metadata", _TREE),
    ("GET", re.compile(r"/thumbnail\Z"), "Retrieve thumbnail", _PICTURES[:2]),
    ("GET", re.compile(r"/rendered\Z"), "Retrieve rendered", (*_PICTURES, "video/mp4", "application/pdf")),
    (
        "GET",
        re.compile(r"/(?:frames/\{frames\}|bulkdata|pixeldata|bulkdata/\{reference\})\Z"),
        "Retrieve bulk data",
        ("multipart/related", "application/octet-stream"),
    ),
    (
        "GET",
        re.compile(r"."),
        "Retrieve instances",
        ('multipart/related; type="application/dicom"', "application/dicom", "application/zip"),
    ),
)
"""Method, how the path ends, service and media types of answers; the first row that fits counts."""

_UNCONVERTED: Final = frozenset({"Capabilities", "Retrieve metadata"})
"""What has no transfer syntax to be asked for."""


@dataclass(frozen=True, slots=True)
class Method:
    """What may be done with a resource: a service, by a method, with parameters, answered in one of media types."""

    name: str
    service: str
    parameters: tuple[str, ...]
    media_types: tuple[str, ...]


Resources = Mapping[str, tuple[Method, ...]]
"""Methods of each resource by its path below the service, beginning with a slash; the service itself is empty."""


def services(app: FastAPI) -> Resources:
    """Return what the DICOMweb routes of ``app`` do."""
    prefix = PREFIXES[0]
    found: dict[str, tuple[Method, ...]] = {}
    for path, operations in app.openapi()["paths"].items():
        if path == prefix or path.startswith(f"{prefix}/"):
            methods = tuple(_methods(path[len(prefix) :], operations))
            if methods:
                found[path[len(prefix) :]] = methods
    return dict(sorted(found.items()))


def _methods(path: str, operations: Mapping[str, Any]) -> Iterator[Method]:
    for name, operation in sorted(operations.items()):
        for method, pattern, service, media_types in _SERVICES:
            if method == name.upper() and pattern.search(path or "/"):
                asked = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
                parameters = tuple(name for name in asked if service not in _UNCONVERTED or name == "accept")
                yield Method(method, service, parameters, tuple(media_types))
                break


class Capabilities:
    """What the service can do, drawn when first asked for."""

    def __init__(self, app: FastAPI, context: Context) -> None:
        self._app = app
        self._context = context

    @cached_property
    def _resources(self) -> Resources:
        return services(self._app)

    def answer(self, request: Request, template: str) -> Response:
        """Describe the resource whose path is ``template``, and what is below it."""
        form = negotiate(accepted(request), _FORMS)
        resources = {path: methods for path, methods in self._resources.items() if _is_below(path, template)}
        base = self._context.service_url(request)
        body = _json(resources, base) if form.essence == "application/json" else _wadl(resources, base)
        own = {method.name for method in resources.get(template, ())}
        own |= {"OPTIONS"} | ({"HEAD"} if "GET" in own else set())
        return Response(body, headers={"Allow": ", ".join(sorted(own))}, media_type=form.essence)


def _is_below(path: str, template: str) -> bool:
    return path == template or path.startswith(f"{template}/") or not template


def _json(resources: Resources, base: str) -> bytes:
    told = [
        {
            "path": path or "/",
            "methods": [
                {
                    "name": method.name,
                    "service": method.service,
                    "parameters": method.parameters,
                    "mediaTypes": method.media_types,
                }
                for method in methods
            ],
        }
        for path, methods in resources.items()
    ]
    return orjson.dumps({"base": base, "resources": told})


def _wadl(resources: Resources, base: str) -> bytes:
    """Return a WADL document: resources one within the other, by the segments of their paths."""
    root = ET.Element("application", xmlns=_NAMESPACE)
    top = ET.SubElement(root, "resources", base=f"{base}/")
    made: dict[str, ET.Element] = {"": top}
    for path, methods in resources.items():
        element = _element(made, path)
        for method in methods:
            told = ET.SubElement(element, "method", name=method.name, id=_identifier(method, path))
            ET.SubElement(told, "doc", title=method.service)
            asked = ET.SubElement(told, "request")
            for name in method.parameters:
                ET.SubElement(asked, "param", name=name, style="query")
            answered = ET.SubElement(told, "response", status="204" if method.name == "DELETE" else "200")
            for media_type in method.media_types:
                ET.SubElement(answered, "representation", mediaType=media_type)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _element(made: dict[str, ET.Element], path: str) -> ET.Element:
    """Return the element of a path, made with those above it; the service itself is a resource of its own."""
    if not path:
        return made.setdefault("/", ET.SubElement(made[""], "resource", path=""))
    if path not in made:
        above, _, segment = path.rpartition("/")
        parent = made[""] if not above else _element(made, above)
        made[path] = element = ET.SubElement(parent, "resource", path=segment)
        if segment.startswith("{"):
            ET.SubElement(element, "param", name=segment.strip("{}"), style="template")
    return made[path]


def _identifier(method: Method, path: str) -> str:
    words = re.findall(r"[A-Za-z]+", f"{method.service} {path}")
    return "".join(word.capitalize() for word in words)


class ResourceCapabilities:
    """What one resource can do (PS3.18 8.9)."""

    def __init__(self, template: str, capabilities: Capabilities) -> None:
        self._template = template
        self._capabilities = capabilities

    async def __call__(self, request: Request) -> Response:
        """Describe it."""
        return self._capabilities.answer(request, self._template)


def install(app: FastAPI, context: Context) -> None:
    """Add ``OPTIONS`` to every DICOMweb resource there is, and the service's own; call it after all others."""
    resource = Capabilities(app, context)
    for prefix in PREFIXES:
        paths = {route.path for route in app.routes if isinstance(route, Route) and _is_of(route.path, prefix)}
        for path in sorted(paths | {prefix}):
            template = re.sub(r"\{([a-z_]+):[a-z]+\}", r"{\1}", path[len(prefix) :])
            methods = ["GET", "OPTIONS"] if path == prefix else ["OPTIONS"]
            answer = ResourceCapabilities(template, resource).__call__
            app.add_route(path, answer, methods=methods, include_in_schema=False)
        whole = ResourceCapabilities("", resource).__call__
        app.add_route(f"{prefix}/", whole, methods=["GET", "OPTIONS"], include_in_schema=False)


def _is_of(path: str, prefix: str) -> bool:
    return path.startswith(f"{prefix}/")


__all__ = ["Capabilities", "Method", "Resources", "install", "services"]
