"""QIDO-RS: search for studies, series and instances (PS3.18 10.6). Parsing and encoding: ``dicom.query.qido``."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.narrowing import is_sifted
from calotype.dicom.query.qido import QidoRequest, match_to_json, parse_qido
from calotype.errors import OutOfResources
from calotype.services.archive.ports import Total
from calotype.services.archive.search import Checkpoint, Search
from calotype.web.addresses import path_uid
from calotype.web.dicomweb.context import JSON_FORMS, Context, accepted, negotiate, takes_gzip

_WORTH_GZIP_BYTES: Final = 1400
"""Less fits one packet anyway."""
_LOOKING_S: Final = 60.0
"""For how long headers are looked through for one answer; who asked has mostly gone by then."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of matches as a JSON array, and how many there are in all."""

    body: bytes
    count: int
    total: Total


class SearchResource:
    """The search at one level; a study or series in the path narrows it."""

    def __init__(self, context: Context, level: Level) -> None:
        self._context = context
        self._level = level

    async def __call__(self, request: Request) -> Response:
        """Answer a search: 200 with a JSON array, empty when nothing matches."""
        context = self._context
        form = negotiate(accepted(request), JSON_FORMS)
        query = parse_qido(
            self._level,
            [pair for pair in request.query_params.multi_items() if pair[0] != "accept"],
            study=path_uid(request, "study"),
            series=path_uid(request, "series"),
            max_limit=context.settings.page_limit,
        )
        answer = await context.offload(
            _search, context.archive.search, query, context.service_url(request), context.settings.count_cap
        )
        headers = {"X-Total-Count": str(answer.total.count), "Vary": "Accept, Accept-Encoding"}
        if answer.total.at_least:
            headers["X-Total-Count-Relation"] = "at-least"
        headers |= _warnings(query, answer)
        body = answer.body
        if len(body) >= _WORTH_GZIP_BYTES and takes_gzip(request):
            body = zlib.compress(body, 1, wbits=31)
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers, media_type=form.essence)


def _search(search: Search, request: QidoRequest, service: str, cap: int) -> Answer:
    """Run in a thread of the pool: one page is bounded, so it is built whole."""
    checkpoint = deadline()
    matches = search.find(request.query, checkpoint)
    found = [match_to_json(match, request, service) for match in matches]
    page = request.query.page
    seen = page.offset + len(found)
    if page.limit is not None and len(found) < page.limit and (found or not page.offset):
        # The page is not full: it is the last, and there is nothing to count.
        total = Total(seen)
    else:
        # What no index answers is not looked through twice to its end: only whether there is more.
        total = search.count(request.query, seen if is_sifted(request.query) else max(cap, seen), checkpoint)
    return Answer(orjson.dumps(found), len(found), total)


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
    told: list[str] = list(request.warnings)
    remaining = answer.total.count - request.query.page.offset - answer.count
    if answer.count and remaining > 0:
        at_least = "at least " if answer.total.at_least else ""
        told.append(f"There are {at_least}{remaining} additional results that can be requested")
    return {"Warning": ", ".join(f'299 calotype "{_quotable(text)}"' for text in told)} if told else {}


def _quotable(text: str) -> str:
    """Keep a quoted-string of RFC 9110 5.6.4 one: a parameter's name may stand in the text."""
    return "".join(char for char in text if " " <= char <= "~" and char not in '"\\')
