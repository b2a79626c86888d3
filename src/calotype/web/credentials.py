"""What a request says of who sends it: ``Authorization``, our cookie, a launch token. Read, and not judged.

Whatever cannot be understood is nobody's: a request that says nothing, which is refused like one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import Scope

from calotype.services.access.passwords import MAX_CHARS
from calotype.services.access.secrets import LAUNCH_PREFIX, MAX_SECRET_CHARS
from calotype.services.access.users import MAX_NAME_CHARS
from calotype.web.settings import WebSettings

MANIFESTS: Final = "/api/launch/weasis/"

_NAME: Final = "calotype"
_MAX_BASIC_CHARS: Final = 4 * 4 * (MAX_NAME_CHARS + MAX_CHARS)
"""Of a name and a password as long as can be, in UTF-8 and base64, and some more."""


@dataclass(frozen=True, slots=True)
class Basic:
    """A user's name and password (RFC 7617), or anything and a token."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token (RFC 6750)."""

    secret: str


Credentials: TypeAlias = Basic | Bearer


def read_authorization(value: str) -> Credentials | None:
    """Read the value of ``Authorization``; ``None`` for a scheme that we have not, or what cannot be read."""
    scheme, _, told = value.partition(" ")
    told = told.strip(" ")
    match scheme.lower():
        case "bearer":
            is_one = 0 < len(told) <= MAX_SECRET_CHARS and told.isascii() and " " not in told
            return Bearer(told) if is_one else None
        case "basic":
            return _basic(told)
        case _:
            return None


def _basic(told: str) -> Basic | None:
    if len(told) > _MAX_BASIC_CHARS:
        return None
    try:
        raw = base64.b64decode(told.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        # RFC 7617 2: without our saying so clients use what they like, which is Latin-1 where it is not UTF-8.
        text = raw.decode("latin-1")
    user, colon, password = text.partition(":")
    return Basic(user, password) if colon else None


def authorization_of(scope: Scope) -> str | None:
    """Return the one ``Authorization``, ``None`` without; of several none can be believed, so that is empty."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    if not found:
        return None
    return found[0].decode("latin-1") if len(found) == 1 else ""


def session_secret(scope: Scope, settings: WebSettings) -> str:
    """Return what our cookie holds, empty without it."""
    name = cookie_name(scope, settings)
    return cookie_value((value.decode("latin-1") for key, value in scope["headers"] if key == b"cookie"), name)


def cookie_value(headers: Iterable[str], name: str) -> str:
    """Return the first value of a cookie; empty when it is not there, or is none of ours."""
    for header in headers:
        for pair in header.split(";"):
            key, equals, value = pair.strip(" \t").partition("=")
            if equals and key == name:
                return value if len(value) <= MAX_SECRET_CHARS and value.isascii() else ""
    return ""


def cookie_name(scope: Scope, settings: WebSettings) -> str:
    """Return our cookie's name.

    Browsers do not tell the ports of a host apart, hence the number. Over TLS its beginning has them take it from
    this very host alone, and send it over TLS alone (RFC 6265bis 4.1.3).
    """
    port = (scope.get("server") or ("", 0))[1]
    if not is_secure(scope, settings):
        return f"{_NAME}-{port}"
    return f"{'__Secure' if scope.get('root_path') else '__Host'}-{_NAME}-{port}"


def give_cookie(response: Response, scope: Scope, settings: WebSettings, secret: str) -> None:
    """Have the browser keep a session's secret until it is closed; with an empty one, forget it.

    ``SameSite=Strict``: a link from another site opens the page without it, and the page then asks with it.
    """
    how: Mapping[str, Any] = {
        "path": scope.get("root_path") or "/",
        "secure": is_secure(scope, settings),
        "httponly": True,
        "samesite": "strict",
    }
    name = cookie_name(scope, settings)
    if secret:
        response.set_cookie(name, secret, **how)
    else:
        response.delete_cookie(name, **how)


def is_secure(scope: Scope, settings: WebSettings) -> bool:
    """Tell whether the browser sees TLS: by a trusted proxy's word, or by the address that we are known by."""
    return scope.get("scheme") == "https" or settings.public_url.startswith("https:")


def launch_secret(scope: Scope) -> tuple[str, bytes]:
    """Return the launch token of ``?token=``, empty without one, and the query without it.

    Or that which is the name of a manifest: the programs that fetch those send nothing else along.
    """
    query: bytes = scope.get("query_string", b"")
    _, is_manifest, name = scope.get("path", "").rpartition(MANIFESTS)
    if is_manifest and name.startswith(LAUNCH_PREFIX) and len(name) <= MAX_SECRET_CHARS:
        return name.removesuffix(".xml"), query
    mark = f"token={LAUNCH_PREFIX}".encode()
    pairs = query.split(b"&")
    found = [pair for pair in pairs if pair.startswith(mark)]
    if len(found) != 1 or len(found[0]) > MAX_SECRET_CHARS:
        return "", query
    return found[0].partition(b"=")[2].decode("latin-1"), b"&".join(pair for pair in pairs if pair != found[0])


def is_foreign(scope: Scope, settings: WebSettings, origin: str) -> bool:
    """Tell whether a request that says this ``Origin`` was made by a page that is neither ours nor listed."""
    allowed = settings.cors_origins
    if "*" in allowed or origin.lower() in allowed:
        return False
    ours = {f"{scope.get('scheme', 'http')}://{header(scope, b'host')}".lower()}
    if settings.public_url:
        known = urlsplit(settings.public_url)
        ours.add(f"{known.scheme}://{known.netloc}".lower())
    return origin.lower() not in ours


def header(scope: Scope, name: bytes) -> str:
    """Return the first header of this name (in small letters), empty without one."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
