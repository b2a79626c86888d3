"""What may stand in an address of ours: hosts, paths, whole URLs. Loads nothing: settings are checked by it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

# A Host header is the client's word and comes back in answers: a name or address with a port, nothing else.
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}){1,16}\Z")


def is_host(text: str) -> bool:
    """Whether ``text`` is a name or address, perhaps with a port."""
    return _HOST.match(text) is not None


def is_path(text: str) -> bool:
    """Whether ``text`` is a path that we may be reached below: ``/pacs``, without a slash at its end."""
    return _PATH.match(text) is not None


def is_origin(text: str) -> bool:
    """Whether ``text`` is the origin of web pages: ``https://viewer.example:8080``."""
    scheme, _, host = text.partition("://")
    return scheme in {"http", "https"} and is_host(host)


def is_base(text: str) -> bool:
    """Whether ``text`` is a URL that ours may start with: an origin, perhaps with a path below it."""
    try:
        parts = urlsplit(text.rstrip("/"))
    except ValueError:
        return False
    # Put together anew, so that what urlsplit passes over (query, user, control characters) does not pass here.
    origin = f"{parts.scheme}://{parts.netloc}"
    return text.rstrip("/") == origin + parts.path and is_origin(origin) and (not parts.path or is_path(parts.path))
