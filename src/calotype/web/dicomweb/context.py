"""What every DICOMweb resource shares: the archive, the way to it, the settings, and the forms of JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from calotype.errors import InvalidRequest, Unsupported
from calotype.services.archive.archive import Archive
from calotype.services.archive.forms import Forms
from calotype.web.accept import ANYTHING, Form, MediaRange, choose, parse_accept, with_syntax
from calotype.web.addresses import service_url
from calotype.web.offload import Offload
from calotype.web.settings import WebSettings

DICOM_JSON: Final = Form("application/dicom+json")
JSON_FORMS: Final = (DICOM_JSON, Form("application/json"))

_SYNTAX: Final = re.compile(r"(?:[0-9.]{1,64}|\*)\Z", re.ASCII)
_UNESCAPED: Final = re.compile("application/dicom (?=json|xml)")


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to every resource by ``routes``."""

    archive: Archive
    offload: Offload
    settings: WebSettings
    forms: Forms = field(default_factory=Forms)
    """Makes other transfer syntaxes."""

    def service_url(self, request: Request) -> str:
        """Return the absolute URL of the DICOMweb service as this client knows it."""
        return service_url(request, self.settings.public_url)


def accepted(request: Request) -> tuple[MediaRange, ...]:
    """Return what the client takes: query parameters before the header (PS3.18 8.3.3.1).

    ``accept`` stands in the place of the header; ``transfer-syntax``, also spelled ``transferSyntax`` as WADO-URI
    does, in the place of that parameter of every media type. InvalidRequest.
    """
    query = request.query_params
    if parameter := ", ".join(query.getlist("accept")):
        # A plus sign that was not escaped comes as a space, which no media type has inside.
        ranges = parse_accept(_UNESCAPED.sub("application/dicom+", parameter))
    else:
        headers = request.headers.getlist("accept")
        ranges = parse_accept(", ".join(headers)) if headers else ANYTHING
    syntax = query.get("transfer-syntax") or query.get("transferSyntax")
    if not syntax:
        return ranges
    if not _SYNTAX.match(syntax):
        raise InvalidRequest("transfer-syntax: the UID of one transfer syntax, or * for objects as they are stored")
    return with_syntax(ranges, syntax)


def negotiate(ranges: Sequence[MediaRange], forms: Sequence[Form]) -> Form:
    """Return the form that the client wants most. Unsupported (406) when none of ``forms`` will do."""
    form = choose(ranges, forms)
    if form is None:
        raise Unsupported(f"Accept: this resource comes as {' or '.join(map(str, forms))}")
    return form


def takes_gzip(request: Request) -> bool:
    """Whether the client takes a gzipped body (RFC 9110 12.5.3)."""
    for coding in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, parameters = coding.partition(";")
        if name.strip() == "gzip":
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
