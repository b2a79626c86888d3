"""What this room wants to be told; ``app.publishing`` fills it from the settings file."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.web.forwarding import Network

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How HTTP is served. The limits are per request unless they say otherwise."""

    bind: str = "127.0.0.1"
    """Address to listen on; ``::`` is every interface of both IP versions."""

    port: int = 5000
    """TCP port; 0 takes a free one."""

    public_url: str = ""
    """The address that clients know us by, without ``/dicomweb``; empty: what each request was sent to."""

    root_path: str = ""
    """Path below which we are reached, ``/pacs``; a proxy may cut it off or leave it on."""

    trusted_proxies: tuple[Network, ...] = ()
    """Whose ``Forwarded`` and ``X-Forwarded-*`` are believed."""

    cors_origins: tuple[str, ...] = ()
    """Pages of which other origins may read answers: ``https://viewer.example``, or ``*`` for all; empty: none."""

    cors_credentials: bool = False
    """Let those pages send cookies and the like along; never with ``*``."""

    only_local: bool = False
    """Answer only what is sent to this machine by a name of its own, where nobody logs in."""

    threads: int = 16
    """Archive calls at one time, over all requests."""

    calls: int = 8
    """Questions to neighbours at one time, over all requests."""

    max_connections: int = 512
    """Connections and requests at one time; more are answered 503."""

    chunk_bytes: int = MIB
    """Bodies are read from the archive, and handed to it, in pieces of about this size."""

    idle_s: float = 60.0
    """Give up on a client that neither takes nor gives a byte for so long in the middle of a body."""

    drain_s: float = 30.0
    """On stop, let requests finish for so long."""

    max_part_bytes: int = 0
    """Largest object taken by STOW-RS; 0: no limit but the disk."""

    max_parts: int = 100_000
    """Objects taken by one STOW-RS request."""

    max_metadata_bytes: int = 16 * MIB
    """Size of all metadata of one STOW-RS request that sends them apart from bulk data: they are read in memory."""

    max_part_header_bytes: int = 16 * 1024
    """Size of all headers of one part."""

    page_limit: int = 1000
    """Matches in one QIDO-RS answer, whatever the client asks for."""

    no_match_is_204: bool = False
    """Answer a search that finds nothing with 204 and no body, as PS3.18 had it before CP-2473."""

    count_cap: int = 10_000
    """Where counting of QIDO-RS matches stops: ``X-Total-Count`` then says "at least"."""

    viewers: tuple[str, ...] = ()
    """Programs that studies can be opened in besides Weasis, as ``viewers.templates`` reads them."""

    dicom_ae_title: str = "CALOTYPE"
    """By what those programs call us, where they ask by DICOM; at ``dicom_port``."""

    dicom_port: int = 11112

    max_event_clients: int = 100
    """Clients that listen to events at one time; more are answered 503."""
