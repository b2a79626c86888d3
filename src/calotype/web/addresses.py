"""The two ends of an address: UIDs out of a request's path, and absolute URLs for answers."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from starlette.requests import Request

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.errors import InvalidRequest

MAX_UID_CHARS: Final = 256

# A Host header is the client's word and comes back in answers: a name or address with a port, nothing else.
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")


def path_uid(request: Request, name: str) -> UID | None:
    """Return the UID that the path gives for ``name``, ``None`` where the route has no such place.

    Lenient, since devices make UIDs that PS3.5 9.1 forbids and the archive keeps them verbatim: whatever could be
    a key is looked for, and not found if it is none. InvalidRequest for what no UID can be.
    """
    text = request.path_params.get(name)
    if text is None:
        return None
    if len(text) > MAX_UID_CHARS:
        raise InvalidRequest(f"{name}: a UID has at most 64 characters, not {len(text)}")
    if not text.isascii() or not text.isprintable() or any(char in text for char in "\\*? "):
        raise InvalidRequest(f"{name}: a UID is made of digits and dots")
    return UID(text)


def service_url(request: Request, public_url: str) -> str:
    """Return the absolute URL of the DICOMweb service as this client knows it, without a slash at the end."""
    root: str = request.scope.get("root_path", "")
    # The first segment of our own path: /dicomweb or its alias, so that a client stays with the name it knows.
    segment = request.scope["path"].removeprefix(root).split("/", 2)[1]
    if public_url:
        return f"{public_url.rstrip('/')}/{segment}"
    host = request.headers.get("host", "")
    if not _HOST.match(host):
        address, port = request.scope.get("server") or ("localhost", None)
        host = f"[{address}]" if ":" in address else address
        host = f"{host}:{port}" if port else host
    return f"{request.scope['scheme']}://{host}{quote(root)}/{segment}"


def study_url(service: str, study: UID) -> str:
    """Return the absolute URL of a study."""
    return f"{service}/studies/{quote(study, safe='')}"


def instance_url(service: str, ref: InstanceRef) -> str:
    """Return the absolute URL of an instance."""
    series, instance = quote(ref.series, safe=""), quote(ref.instance, safe="")
    return f"{study_url(service, ref.study)}/series/{series}/instances/{instance}"
