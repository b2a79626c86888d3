"""QIDO-RS: search for studies, series and instances (PS3.18 10.6). Parsing and encoding: ``dicom.query.qido``."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.narrowing import is_sifted
from calotype.dicom.query.qido import InvalidParameter, QidoRequest, parse_qido
from calotype.dicom.query.qido_json import match_to_json
from calotype.dicom.xml_model import native_model
from calotype.errors import OutOfResources
from calotype.services.archive.ports import Total
from calotype.services.archive.search import Checkpoint, Search
from calotype.web.accept import Form
from calotype.web.addresses import path_uid
from calotype.web.dicomweb.context import JSON_FORMS, Context, accepted, negotiate, takes_gzip
from calotype.web.multipart import related_documents
from calotype.web.warnings import warning

_DICOM_XML: Final = "application/dicom+xml"
_FORMS: Final = (*JSON_FORMS, Form("multipart/related", _DICOM_XML))

_OF_THE_ANSWER: Final = frozenset({"accept", "charset"})
"""Query parameters that say how to answer, not what is asked (PS3.18 8.3.3)."""

_RESOURCES: Final = {Level.STUDY: "studies", Level.SERIES: "series", Level.IMAGE: "instances"}

_WORTH_GZIP_BYTES: Final = 1400
"""Less fits one packet anyway."""
_LOOKING_S: Final = 60.0
"""For how long headers are looked through for one answer; who asked has mostly gone by then."""

_IN_ACCESSION_NUMBERS: Final = "Nothing has this Study ID; these have it as Accession Number"

DataSet = Mapping[str, Any]
"""A match as DICOM JSON."""
Write = Callable[[Sequence[DataSet]], tuple[bytes, str]]
"""Makes a body of matches, and says of what type it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of matches in the form asked for, and how many there are in all."""

    body: bytes
    content_type: str
    count: int
    total: Total
    note: str = ""
    """What has to be said about how it was found."""


class SearchResource:
    """The search at one level; a study or series in the path narrows it."""

    def __init__(self, context: Context, level: Level) -> None:
        self._context = context
        self._level = level

    async def __call__(self, request: Request) -> Response:
        """Answer a search: 200 with the matches.

        Without any, 200 with an empty JSON array; in XML, whose message has one part at least, and by setting, 204.
        """
        context = self._context
        form = negotiate(accepted(request), _FORMS)
        params = request.query_params.multi_items()
        study, series = path_uid(request, "study"), path_uid(request, "series")
        query = parse_qido(
            self._level,
            _questions(params),
            study=study,
            series=series,
            max_limit=context.settings.page_limit,
        )
        service = context.service_url(request)
        write = _as_xml if form.content else partial(_as_json, form.essence)
        answer = await context.offload(
            _search, context.archive.search, query, service, context.settings.count_cap, write
        )
        headers = {"X-Total-Count": str(answer.total.count), "Vary": "Accept, Accept-Encoding"}
        if answer.total.at_least:
            headers["X-Total-Count-Relation"] = "at-least"
        headers |= _warnings(query, answer)
        if links := _links(service + _path(self._level, study, series), params, query, answer):
            headers["Link"] = links
        if not answer.count and (form.content or context.settings.no_match_is_204):
            return Response(status_code=204, headers=headers)
        body = answer.body
        if len(body) >= _WORTH_GZIP_BYTES and takes_gzip(request):
            body = zlib.compress(body, 1, wbits=31)
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers | {"Content-Type": answer.content_type})


def _questions(params: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parameters that say what is asked. InvalidParameter for NUL, which is padding to DICOM alone."""
    found = [pair for pair in params if pair[0].lower() not in _OF_THE_ANSWER]
    for name, text in found:
        if "\0" in text:
            raise InvalidParameter(name, "a value holds no NUL")
    return found


def _as_json(content_type: str, found: Sequence[DataSet]) -> tuple[bytes, str]:
    return orjson.dumps(found), content_type


def _as_xml(found: Sequence[DataSet]) -> tuple[bytes, str]:
    return related_documents(map(native_model, found), _DICOM_XML)


def _search(search: Search, request: QidoRequest, service: str, cap: int, write: Write) -> Answer:
    """Run in a thread of the pool: one page is bounded, so it is built whole."""
    checkpoint = deadline()
    found, total = _page(search, request, service, cap, checkpoint)
    note = ""
    if not found and request.otherwise is not None and not search.count(request.query, 1, checkpoint).count:
        found, total = _page(search, replace(request, query=request.otherwise), service, cap, checkpoint)
        note = _IN_ACCESSION_NUMBERS if total.count else ""
    body, content_type = write(found)
    return Answer(body, content_type, len(found), total, note)


def _page(
    search: Search, request: QidoRequest, service: str, cap: int, checkpoint: Checkpoint
) -> tuple[list[DataSet], Total]:
    found: list[DataSet] = [
        match_to_json(match, request, service) for match in search.find(request.query, checkpoint)
    ]
    page = request.query.page
    seen = page.offset + len(found)
    if page.limit is not None and len(found) < page.limit and (found or not page.offset):
        # The page is not full: it is the last, and there is nothing to count.
        return found, Total(seen)
    # What no index answers is not looked through twice to its end: only whether there is more.
    return found, search.count(request.query, seen if is_sifted(request.query) else max(cap, seen), checkpoint)


def deadline() -> Checkpoint:
    """Return a checkpoint that ends a search which takes too long: OutOfResources, never a part of the answer."""
    until_s = time.monotonic() + _LOOKING_S

    def checkpoint() -> None:
        if time.monotonic() > until_s:
            raise OutOfResources(
                f"looking through stored headers took more than {_LOOKING_S:.0f} s: the search is by attributes that"
                " no index keeps; add a date, a patient or another indexed attribute"
            )

    return checkpoint


def _warnings(request: QidoRequest, answer: Answer) -> Mapping[str, str]:
    """PS3.18 8.3.4.4: tell a client that there is more. RFC 9111 5.5 gives the form of the header."""
    told: list[str] = [*request.warnings, *([answer.note] if answer.note else [])]
    remaining = _remaining(request, answer)
    if answer.count and remaining > 0:
        at_least = "at least " if answer.total.at_least else ""
        told.append(f"There are {at_least}{remaining} additional results that can be requested")
    return {"Warning": warning(*told)} if told else {}


def _remaining(request: QidoRequest, answer: Answer) -> int:
    """Return how many matches come after the page; where counting has stopped, one at least is known of."""
    return answer.total.count - request.query.page.offset - answer.count + (1 if answer.total.at_least else 0)


def _links(resource: str, params: Iterable[tuple[str, str]], request: QidoRequest, answer: Answer) -> str:
    """Return where the pages before and after this one are, as the value of ``Link`` (RFC 8288); empty without."""
    page = request.query.page
    if not page.limit:
        return ""
    links = []
    kept = [(name, text) for name, text in params if name.lower() not in ("limit", "offset")]

    def link(relation: str, limit: int, offset: int) -> None:
        query = urlencode([*kept, ("limit", str(limit)), ("offset", str(offset))])
        links.append(f'<{resource}?{query}>; rel="{relation}"')

    if answer.count and _remaining(request, answer) > 0:
        link("next", page.limit, page.offset + answer.count)
    # Behind the end of all matches the page before is the last that has some.
    end = page.offset if answer.count or answer.total.at_least else min(page.offset, answer.total.count)
    if end > 0:
        link("prev", min(page.limit, end), max(0, end - page.limit))
    return ", ".join(links)


def _path(level: Level, study: UID | None, series: UID | None) -> str:
    """Return the path of a search below the service."""
    named = (("studies", study), ("series", series))
    return "".join(f"/{segment}/{quote(uid, safe='')}" for segment, uid in named if uid) + f"/{_RESOURCES[level]}"
