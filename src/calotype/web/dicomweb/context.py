"""What every DICOMweb resource shares: the archive, the way to it, the settings, and the forms of JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from calotype.dicom.deidentify.options import Wishes, options_of
from calotype.dicom.query.switch import switch
from calotype.errors import InvalidRequest, Unsupported
from calotype.services.archive.anonymise import Anonymiser
from calotype.services.archive.anonymous import AnonymousRetrieve
from calotype.services.archive.archive import Archive
from calotype.services.archive.forms import Forms
from calotype.services.archive.pictures import Pictures
from calotype.services.archive.retrieve import Retrieve
from calotype.web.accept import ANYTHING, Form, MediaRange, choose, parse_accept, with_syntax
from calotype.web.addresses import service_url
from calotype.web.offload import Offload
from calotype.web.settings import WebSettings

DICOM_JSON: Final = Form("application/dicom+json")
JSON_FORMS: Final = (DICOM_JSON, Form("application/json"))

_MAX_OPTIONS_CHARS: Final = 1000
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
    anonymiser: Anonymiser | None = None
    """Makes objects leave without their patient."""

    def service_url(self, request: Request) -> str:
        """Return the absolute URL of the DICOMweb service as this client knows it."""
        return service_url(request, self.settings.public_url)

    def retrieve(self, request: Request) -> Retrieve:
        """Return where a request's objects come from: de-identified if it says so (``anonymize``).

        InvalidRequest for what is no option, Unsupported where nothing is de-identified.
        """
        wishes = self.deidentify(request)
        if wishes is None:
            return self.archive.retrieve
        assert self.anonymiser is not None  # noqa: S101 - deidentify has seen to it
        return AnonymousRetrieve(self.archive.retrieve, self.anonymiser, wishes, each=self.forms.each)

    def pictures(self, request: Request, pictures: Pictures) -> Pictures:
        """Return who looks into a request's objects: de-identified if it says so. Raises as :meth:`retrieve` does."""
        return pictures if self.deidentify(request) is None else pictures.through(self.retrieve(request))

    def deidentify(self, request: Request) -> Wishes | None:
        """Return how a request wants its objects de-identified, ``None`` when not at all. Raises as above."""
        text = request.query_params.get("anonymize", request.query_params.get("anonymise", "no"))
        word = text[:_MAX_OPTIONS_CHARS].strip().lower()
        is_wanted = switch(word)
        if is_wanted is False:
            return None
        if self.anonymiser is None:
            raise Unsupported("anonymize: objects are not de-identified here")
        return self.anonymiser.wishes(None if is_wanted else options_of(word))


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
