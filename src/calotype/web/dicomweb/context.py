"""What every DICOMweb resource shares: the archive, the way to it, the settings, and the forms of JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from calotype.errors import Unsupported
from calotype.services.archive.archive import Archive
from calotype.services.archive.forms import Forms
from calotype.web.accept import ANYTHING, Form, MediaRange, choose, parse_accept
from calotype.web.addresses import service_url
from calotype.web.offload import Offload
from calotype.web.settings import WebSettings

DICOM_JSON: Final = Form("application/dicom+json")
JSON_FORMS: Final = (DICOM_JSON, Form("application/json"))


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
    """Return what the client takes: the ``accept`` query parameter before the header (PS3.18 8.3.3.1)."""
    parameter = request.query_params.get("accept")
    if parameter:
        return parse_accept(parameter)
    headers = request.headers.getlist("accept")
    return parse_accept(", ".join(headers)) if headers else ANYTHING


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
