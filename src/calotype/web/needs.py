"""What each address asks of whoever wants it: the one table of who may do what over HTTP.

What is not in the table is for administrators: a route that was forgotten is closed. A test holds the table against
every route there is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from calotype.services.access.model import Grant, Scope, Way


class Need(StrEnum):
    """What is needed; the last four are the scopes of a role or a token."""

    OPEN = "open"
    """Nothing: whoever reaches us."""

    SELF = "self"
    """To have logged in, even if with a password that must be changed first."""

    PERSON = "person"
    """To be a person, not a program: what concerns one's own sessions and tokens."""

    READ = "read"
    STORE = "store"
    OPERATE = "operate"
    ADMIN = "admin"


Needs = Mapping[str, Need]
"""Method -> need; HEAD and OPTIONS are as GET."""


@dataclass(frozen=True, slots=True)
class Row:
    """A pattern of whole paths, and what each method needs there."""

    path: re.Pattern[str]
    needs: Needs


def _row(path: str, **needs: Need) -> Row:
    return Row(re.compile(path), needs)


_READ: Final = {"GET": Need.READ}
_DICOMWEB: Final = {"GET": Need.READ, "POST": Need.STORE, "DELETE": Need.OPERATE}

BY_FIRST: Final[Mapping[str, Needs]] = {
    "": {"GET": Need.OPEN},
    "ui": {"GET": Need.OPEN},
    "docs": {"GET": Need.OPEN},
    "swagger": {"GET": Need.OPEN},
    "dicomweb": _DICOMWEB,
    "dicom-web": _DICOMWEB,
    "wado": _READ,
    "ohif": _READ,
    "weasis": _READ,
    "IHEInvokeImageDisplay": _READ,
}
"""By the first step of a path, whatever follows. Pages, their files and the ways to them hold no data."""

BY_NOUN: Final[Mapping[str, tuple[Row, ...]]] = {
    "health": (_row("", GET=Need.OPEN),),
    "openapi.json": (_row("", GET=Need.READ),),
    "session": (
        _row("", GET=Need.SELF, POST=Need.OPEN, DELETE=Need.SELF),
        _row("/password", PUT=Need.SELF),
        _row("/preferences", GET=Need.SELF, PATCH=Need.SELF),
    ),
    "sessions": (_row("(?:/[0-9]+)?", GET=Need.PERSON, DELETE=Need.PERSON),),
    "tokens": (_row("(?:/[0-9]+)?", GET=Need.PERSON, POST=Need.PERSON, DELETE=Need.PERSON),),
    "access": (_row("(?:/refusals)?", GET=Need.READ),),
    "anonymised": (_row("/[^/]+", GET=Need.OPERATE, DELETE=Need.OPERATE),),
    "changes": (_row("", GET=Need.READ),),
    "commitments": (_row(".*", GET=Need.READ, POST=Need.OPERATE),),
    "compression": (_row(".*", GET=Need.READ),),
    "conflicts": (_row("", GET=Need.READ),),
    "damaged": (_row("", GET=Need.READ),),
    "dictionary": (_row("", GET=Need.READ),),
    "events": (_row("", GET=Need.READ),),
    "jobs": (_row(".*", GET=Need.READ, POST=Need.OPERATE, DELETE=Need.OPERATE),),
    "labels": (_row("", GET=Need.READ, POST=Need.OPERATE),),
    "launch": (_row("", GET=Need.READ, POST=Need.READ), _row("/weasis/[^/]+", GET=Need.READ)),
    "nodes": (
        _row("/.+/(?:echo|find|worklist|send|retrieve)", POST=Need.OPERATE),
        _row(".*", GET=Need.OPERATE),
    ),
    "recycle-bin": (
        _row("/[0-9]+/restore", POST=Need.OPERATE),
        _row(".*", GET=Need.OPERATE),
    ),
    "rejections": (_row("", GET=Need.READ),),
    "sample": (_row("", POST=Need.STORE),),
    "statistics": (_row("", GET=Need.READ),),
    "status": (_row(".*", GET=Need.READ),),
    "studies": (
        # What one has marked is one's own, whoever else may change the study.
        _row("/[^/]+/annotations", GET=Need.READ, PATCH=Need.READ),
        _row(".*", GET=Need.READ, POST=Need.OPERATE, PUT=Need.OPERATE, PATCH=Need.OPERATE, DELETE=Need.OPERATE),
    ),
    "texts": (_row("", GET=Need.READ),),
    "worklist": (_row(".*", GET=Need.READ, POST=Need.OPERATE, PUT=Need.OPERATE, DELETE=Need.OPERATE),),
}
"""Below ``/api``, by noun: the rows that a path after it is held against; the first that knows the method counts."""

PASSIVE: Final = frozenset(
    {"session", "health", "changes", "statistics", "status", "events", "rejections", "compression"}
)
"""Nouns that pages ask for by themselves: to ask for these keeps no session alive."""

_AS_GET: Final = frozenset({"HEAD", "OPTIONS"})


def need_of(method: str, path: str) -> Need:
    """Return what a request needs; ``path`` is below our root."""
    method = "GET" if method in _AS_GET else method
    before, _, below = path.partition("/")
    first, _, rest = below.partition("/")
    if before or (below and not first):
        # "*" and "//x" are none of our paths.
        return Need.ADMIN
    if first != "api":
        return BY_FIRST.get(first, {}).get(method, Need.ADMIN)
    noun, slash, more = rest.partition("/")
    for row in BY_NOUN.get(noun, ()):
        if method in row.needs and row.path.fullmatch(slash + more):
            return row.needs[method]
    return Need.ADMIN


def is_stream(path: str) -> bool:
    """Tell whether a path is a stream of events, which lasts, and may last longer than its session."""
    return path.startswith("/api/") and path.endswith("/events")


def is_passive(method: str, path: str) -> bool:
    """Tell whether a page asks this by itself, so that it says nothing of a person at the screen."""
    if method not in {"GET", "HEAD"} or not path.startswith("/api/"):
        return False
    return path.split("/", 3)[2] in PASSIVE or is_stream(path)


def is_met(need: Need, grant: Grant | None) -> bool:
    """Tell whether a grant meets a need."""
    if need is Need.OPEN:
        return True
    if grant is None:
        return False
    if need is Need.SELF:
        return True
    if grant.must_change_password:
        return False
    if need is Need.PERSON:
        return grant.way is not Way.TOKEN
    return Scope(need.value) in grant.scopes
