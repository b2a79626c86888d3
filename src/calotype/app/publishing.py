"""From settings to the web server. Apart from ``compose``: without HTTP nobody waits until FastAPI is imported."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from calotype.app.opening import MIB
from calotype.app.settings import Settings
from calotype.web.app import create_app
from calotype.web.rooms import Rooms
from calotype.web.server import WebServer
from calotype.web.settings import WebSettings


def web_over(rooms: Rooms, settings: Settings) -> WebServer:
    """Return the server before ``rooms``, to be started."""
    served = web_settings(settings)
    return WebServer(create_app(rooms, served), served)


def web_settings(settings: Settings) -> WebSettings:
    """Return how HTTP is served, and what viewers are told of our DICOM."""
    http = settings.http
    # Whom viewers ask by DICOM.
    asked = next((each for each in settings.listeners if "find" in each.services), None)
    return WebSettings(
        bind=http.bind,
        port=http.port,
        threads=http.threads,
        drain_s=settings.dicom.drain_s,
        no_match_is_204=http.no_match_is_204,
        max_part_bytes=http.max_part_mib * MIB,
        max_parts=http.max_parts,
        max_metadata_bytes=http.max_metadata_mib * MIB,
        public_url=http.public_url,
        root_path=http.root_path.rstrip("/") or urlsplit(http.public_url).path.rstrip("/"),
        trusted_proxies=tuple(ipaddress.ip_network(proxy, strict=False) for proxy in http.trusted_proxies),
        cors_origins=tuple(origin.rstrip("/").lower() for origin in http.cors_origins),
        cors_credentials=http.cors_credentials,
        viewers=http.viewers,
        dicom_ae_title="" if asked is None else asked.ae_titles[0],
        dicom_port=0 if asked is None else asked.port,
        only_local=http.access.login == "off" and not http.trusted_proxies and not http.public_url,
    )
