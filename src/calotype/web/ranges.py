"""Parts of an answer: ``Range``, ``If-Range`` and entity tags (RFC 9110 8.8.3, 13, 14).

One range of bytes at a time: a client that asks for several gets the whole, as the RFC allows, and so does one whose
request makes no sense. Nothing here knows what is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from calotype.web.problems import problem

_RANGE: Final = re.compile(r"bytes\s*=\s*([0-9]{0,20})-([0-9]{0,20})\s*\Z", re.ASCII | re.IGNORECASE)
_TAG: Final = re.compile(r'(?:W/)?"[^"]*"|\*')
_MAX_TAGS_CHARS: Final = 8192


@dataclass(frozen=True, slots=True)
class Part:
    """What of a representation is sent: bytes from ``start`` up to, not including, ``stop``."""

    start: int
    stop: int
    status: int
    headers: Mapping[str, str]


def part_of(request: Request, size_bytes: int, tag: str) -> Part | Response:
    """Return which part a client asks for, all if none; 416 where that does not exist.

    ``tag`` is the representation's entity tag, in quotes. The headers have its length.
    """
    headers = {"Accept-Ranges": "bytes", "ETag": tag}
    whole = Part(0, size_bytes, HTTPStatus.OK, {**headers, "Content-Length": str(size_bytes)})
    asked = _RANGE.match(request.headers.get("range", ""))
    if asked is None or asked.group(0).endswith("=-") or not (asked[1] or asked[2]):
        return whole
    # Strong comparison; a date never matches, as no answer has one.
    if request.headers.get("if-range", tag) != tag:
        return whole
    if asked[1]:
        start, last = int(asked[1]), int(asked[2]) if asked[2] else size_bytes - 1
        if asked[2] and last < start:
            return whole
    else:
        start, last = max(0, size_bytes - int(asked[2])), size_bytes - 1
        if not int(asked[2]):
            start = size_bytes
    if start >= size_bytes:
        return problem(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            f"Range: there are {size_bytes} bytes",
            headers={**headers, "Content-Range": f"bytes */{size_bytes}"},
        )
    stop = min(last + 1, size_bytes)
    return Part(
        start,
        stop,
        HTTPStatus.PARTIAL_CONTENT,
        {
            **headers,
            "Content-Length": str(stop - start),
            "Content-Range": f"bytes {start}-{stop - 1}/{size_bytes}",
        },
    )


def is_known(request: Request, tag: str) -> bool:
    """Tell whether the client has this representation already (``If-None-Match``, weak comparison)."""
    listed = request.headers.get("if-none-match", "")[:_MAX_TAGS_CHARS]
    return any(each.removeprefix("W/") in (tag.removeprefix("W/"), "*") for each in _TAG.findall(listed))


def not_modified(headers: Mapping[str, str]) -> Response:
    """Return a 304 with the headers that the whole answer would have."""
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=dict(headers))
