"""Files that a build made: found once, sent packed where the client unpacks. Nothing outside of their folder is."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from calotype.errors import NotFound

FOREVER: Final = "public, max-age=31536000, immutable"
"""For a file whose name has its digest in it: it never changes."""

ASK_AGAIN: Final = "no-cache"

_MEDIA_TYPES: Final = {".wasm": "application/wasm", ".js": "text/javascript", ".woff2": "font/woff2"}
"""What the system's own table may not know, and a browser insists on."""


def content_policy(*, scripts: str, styles: str) -> str:
    """Return the policy of pages that load nothing from elsewhere, with what is allowed besides files of our own.

    Content Security Policy Level 3; ``blob:`` and ``data:`` are what viewers draw and start workers from.
    """
    return (
        f"default-src 'self'; script-src 'self' {scripts}; style-src 'self' {styles}; "
        "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self' data: blob:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    )


_REFUSED: Final = re.compile(r"q=0(?:\.0{0,3})?")
_TWINS: Final = {"br": ".br", "gzip": ".gz"}
"""Suffixes of packed twins by content coding (RFC 7932, RFC 1952), the smaller first."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    path: Path
    media_type: str
    codings: tuple[str, ...] = ()
    """Content codings in which a twin lies beside it, the smallest first."""


def find_assets(folder: Path) -> dict[str, Asset]:
    """Return every file below ``folder`` by its address: what is not in here is not sent, whatever a path says."""
    files = {path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}
    return {
        path.relative_to(folder).as_posix(): Asset(
            path, media_type_of(path), tuple(coding for coding in _TWINS if _twin(path, coding) in files)
        )
        for path in files
        if path.suffix not in _TWINS.values()
    }


def media_type_of(path: Path) -> str:
    """Return the media type that a file's name tells."""
    return _MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def send(asset: Asset, request: Request, caching: str) -> Response:
    """Answer with a file, packed where the client can unpack it.

    NotFound when it has gone since the start: an upgrade under a running server puts other names in its place.
    """
    headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"}
    path = asset.path
    taken = _codings(request.headers.get("accept-encoding", ""))
    coding = next((coding for coding in asset.codings if coding in taken), None)
    if coding is not None:
        headers["Content-Encoding"] = coding
        path = _twin(path, coding)
    if not path.is_file():
        raise NotFound("this file has been replaced; load the page again")
    return FileResponse(path, headers=headers, media_type=asset.media_type)


def _twin(path: Path, coding: str) -> Path:
    return path.with_name(path.name + _TWINS[coding])


def _codings(accepted: str) -> frozenset[str]:
    """Return what ``Accept-Encoding`` names (RFC 9110 12.5.3), without what it refuses by a weight of nothing."""
    steps = (step.partition(";") for step in accepted.lower().split(","))
    return frozenset(coding.strip() for coding, _, weight in steps if not _REFUSED.fullmatch(weight.strip()))
