"""Keeps a launch token to its studies: what may be asked for with it, and what a search finds.

DICOMweb names the study in the path; a search names it as a key, or is given the studies as one; WADO-URI names it as
a parameter, and answers only with objects of that study. Names are understood at least as widely as by those who read
them, or a spelling would open what is closed.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, quote

from starlette.types import Scope

from calotype.services.access.secrets import LAUNCH_PREFIX

SERVICES: Final = ("dicomweb", "dicom-web")
MAX_PARAMETERS: Final = 1000

_SEARCHES: Final = frozenset({"studies", "series", "instances"})
_STUDY_KEYS: Final = frozenset({"studyinstanceuid", "0020000d"})
# A presentation state is named without its study, which may be another.
_ELSEWHERE: Final = frozenset({"presentationuid", "presentationseriesuid"})


def confined(scope: Scope, path: str, studies: frozenset[str]) -> Scope | None:
    """Return the request as it may be answered, ``None`` when it may not. ``path`` is below our root."""
    service, *steps = path.strip("/").split("/")
    query: bytes = scope.get("query_string", b"")
    try:
        asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return None
    is_elsewhere = any(_plain(name) in _ELSEWHERE for name, _ in asked)
    if (service, steps) == ("wado", []) or (service in SERVICES and steps == ["wado"]):
        named = _values(asked, frozenset({"studyuid"}))
        return scope if named and named <= studies and not is_elsewhere else None
    if service == "api" and steps[:2] == ["launch", "weasis"] and len(steps) == 3:
        # The manifest of a token, which lists what that token opens.
        return scope if steps[2].startswith(LAUNCH_PREFIX) else None
    if service not in SERVICES or is_elsewhere:
        return None
    if len(steps) == 1 and steps[0] in _SEARCHES:
        return _search(scope, _values(asked, _STUDY_KEYS), studies)
    return scope if len(steps) > 1 and steps[0] == "studies" and steps[1] in studies else None


def _search(scope: Scope, named: set[str], studies: frozenset[str]) -> Scope | None:
    if named:
        return scope if named <= studies else None
    query: bytes = scope.get("query_string", b"")
    narrowing = f"StudyInstanceUID={quote(','.join(sorted(studies)))}".encode("ascii")
    return {**scope, "query_string": query + b"&" + narrowing if query else narrowing}


def _values(asked: list[tuple[str, str]], names: frozenset[str]) -> set[str]:
    """Return what is asked for by any of these names; a list is so many values."""
    texts = (value for name, value in asked if _plain(name) in names)
    return {uid for text in texts for uid in text.replace("\\", ",").split(",")}


def _plain(name: str) -> str:
    """Return a name without case and signs: tags are written in many ways."""
    return "".join(each for each in name.lower() if each.isalnum())
