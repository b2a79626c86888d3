"""The two ends of an address: UIDs out of a request's path, and absolute URLs for answers.

Where a request was sent to is what its scope says: ``forwarding`` has put there what proxies may tell.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import quote

from starlette.requests import Request

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.errors import InvalidRequest
from calotype.web.url_parts import is_host

MAX_UID_CHARS: Final = 256

SERVICES: Final = ("dicomweb", "dicom-web")
"""The first segment of every DICOMweb path, and the one that Orthanc's users have in their viewers."""


def path_uid(request: Request, name: str) -> UID | None:
    """Return the UID that the path gives for ``name``, ``None`` where the route has no such place. InvalidRequest."""
    text = request.path_params.get(name)
    return None if text is None else uid_of(name, text)


def uid_of(name: str, text: str) -> UID:
    """Return the UID that a request gives for ``name``.

    Lenient, since devices make UIDs that PS3.5 9.1 forbids and the archive keeps them verbatim: whatever could be
    a key is looked for, and not found if it is none. InvalidRequest for what no UID can be.
    """
    if len(text) > MAX_UID_CHARS:
        raise InvalidRequest(f"{name}: a UID has at most 64 characters, not {len(text)}")
    if not text.isascii() or not text.isprintable() or any(char in text for char in "\\*? "):
        raise InvalidRequest(f"{name}: a UID is made of digits and dots")
    return UID(text)


def base_url(request: Request, public_url: str) -> str:
    """Return the absolute URL that all our paths start with as this client knows it, without a slash at the end."""
    if public_url:
        return public_url.rstrip("/")
    host = request.headers.get("host", "")
    address, port = request.scope.get("server") or ("localhost", None)
    bare = f"[{address}]" if ":" in address else address
    # dicomweb-client leaves the port out. Where it names the very IP address that was connected to, no proxy stands
    # between us that could have another port.
    if not is_host(host) or (host == bare and _is_ip(address)):
        host = f"{bare}:{port}" if port else bare
    return f"{request.scope['scheme']}://{host}{quote(request.scope.get('root_path', ''))}"


def _is_ip(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True


def service_url(request: Request, public_url: str) -> str:
    """Return the absolute URL of the DICOMweb service as this client knows it, without a slash at the end."""
    root: str = request.scope.get("root_path", "")
    path: str = request.scope["path"]
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    # The first segment of our own path: the service or its alias, so that a client stays with the name it knows.
    segment = path.split("/", 2)[1] if path.startswith("/") else ""
    return f"{base_url(request, public_url)}/{segment if segment in SERVICES else SERVICES[0]}"


def study_url(service: str, study: UID) -> str:
    """Return the absolute URL of a study."""
    return f"{service}/studies/{quote(study, safe='')}"


def instance_url(service: str, ref: InstanceRef) -> str:
    """Return the absolute URL of an instance."""
    series, instance = quote(ref.series, safe=""), quote(ref.instance, safe="")
    return f"{study_url(service, ref.study)}/series/{series}/instances/{instance}"
