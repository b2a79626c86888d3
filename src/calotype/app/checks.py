"""Refuses settings that each field's type allows but that cannot work together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from calotype.app.settings import Compression, Http, Settings
from calotype.dicom.uids import STORABLE_TRANSFER_SYNTAXES
from calotype.errors import InvalidRequest
from calotype.services.access.passwords import check_new
from calotype.services.access.users import FIRST_USER
from calotype.services.archive.layout import DEFAULT_LAYOUT, Layout
from calotype.web.url_parts import is_base, is_origin, is_path
from calotype.web.viewers.templates import read as read_viewers

_HIGHEST_PORT = 65_535
_MOST_WORKERS = 256
_MOST_SECONDS = 7 * 86_400.0
_MOST_DAYS = 100_000.0
_MOST_MINUTES = 24 * 60.0
_MOST_HOURS = 30 * 24.0
_FEWEST_CHANGES, _MOST_CHANGES = 1000, 100_000_000
_LOSSES = (("jpeg_quality", 1, 100), ("near", 1, 255), ("psnr_db", 20, 120), ("distance", 0.05, 15))
_PDU_BYTES = range(4096, 16 * 1024 * 1024 + 1)
_MOST_MIB = 1024 * 1024 * 1024
_MOST_ASSOCIATIONS = 10_000
_MOST_PARTS = 10_000_000

_RANGES: tuple[tuple[str, float, float], ...] = (
    ("storage.min_free_mib", 0, _MOST_MIB),
    ("dicom.drain_s", 0, _MOST_SECONDS),
    ("http.threads", 1, _MOST_WORKERS),
    ("http.max_part_mib", 0, _MOST_MIB),
    ("http.max_parts", 1, _MOST_PARTS),
    ("http.max_metadata_mib", 1, _MOST_MIB),
    ("pixels.threads", 0, _MOST_WORKERS),
    ("pixels.processes", -1, _MOST_WORKERS),
    ("pixels.cache_mib", 0, _MOST_MIB),
    ("pixels.transcoded_mib", 0, _MOST_MIB),
    ("pixels.isolation_memory_mib", 1, _MOST_MIB),
    ("pixels.isolation_s", 1, _MOST_SECONDS),
    ("listeners.*.max_associations", 1, _MOST_ASSOCIATIONS),
    ("listeners.*.max_associations_per_peer", 1, _MOST_ASSOCIATIONS),
    ("nodes.*.connect_s", 0, _MOST_SECONDS),
    ("nodes.*.dimse_s", 0, _MOST_SECONDS),
    ("nodes.*.network_s", 0, _MOST_SECONDS),
    ("anonymise.regions.*.rows", 0, _MOST_MIB),
    ("anonymise.regions.*.columns", 0, _MOST_MIB),
)
"""Numbers that stand for themselves: (dotted key, least, most), ``*`` for each of a list."""


def check(settings: Settings) -> None:
    """Raise InvalidRequest with one line: the dotted key, what is wrong, what would be right."""
    _check_numbers(settings)
    _check_layout(settings.storage.layout)
    _check_transfer_syntaxes(settings)
    _check_ports(settings)
    _check_http(settings.http)
    _check_listeners(settings)
    _check_nodes(settings)
    for where, title in _ae_titles(settings):
        # PS3.5 6.2: AE is at most 16 characters of the default repertoire without backslash and control characters.
        if not 1 <= len(title.strip()) <= 16 or "\\" in title or not (title.isascii() and title.isprintable()):
            raise InvalidRequest(
                f"{where}: {title!r} is no AE title; give 1 to 16 ASCII characters without backslash"
            )
    _check_jobs(settings)
    _check_changing(settings)
    if settings.compression != Compression():
        _check_compression(settings)


def _check_numbers(settings: Settings) -> None:
    for pattern, least, most in _RANGES:
        for where, value in _values(settings, pattern.split(".")):
            if not least <= value <= most:
                raise InvalidRequest(f"{where}: give {least:g} to {most:g}")
    for name in ("artim_s", "idle_s", "dimse_s", "network_s"):
        if not 0 < getattr(settings.dicom, name) <= _MOST_SECONDS:
            raise InvalidRequest(f"dicom.{name}: give seconds above 0, up to {_MOST_SECONDS:g}")
    if settings.dicom.max_pdu_bytes not in _PDU_BYTES:
        raise InvalidRequest(f"dicom.max_pdu_bytes: give {_PDU_BYTES.start} to {_PDU_BYTES.stop - 1}")


def _values(value: Any, path: list[str], dotted: str = "") -> Iterator[tuple[str, float]]:
    """Yield (dotted key, number) of all that ``path`` names."""
    if not path:
        yield dotted, value
    elif path[0] == "*":
        for i, item in enumerate(value):
            yield from _values(item, path[1:], f"{dotted}.{i}")
    else:
        yield from _values(getattr(value, path[0]), path[1:], f"{dotted}.{path[0]}".lstrip("."))


def _check_layout(layout: str) -> None:
    if layout == DEFAULT_LAYOUT:
        return
    try:
        Layout(layout)
    except InvalidRequest as error:
        raise InvalidRequest(f"storage.layout: {error}") from error


def _check_transfer_syntaxes(settings: Settings) -> None:
    wishes = [("dicom.transfer_syntaxes", settings.dicom.transfer_syntaxes)]
    for i, node in enumerate(settings.nodes):
        wishes.append((f"nodes.{i}.transfer_syntaxes", node.transfer_syntaxes))
        wishes.append((f"nodes.{i}.incoming_transfer_syntaxes", node.incoming_transfer_syntaxes))
    for where, uids in wishes:
        for uid in uids:
            if uid not in STORABLE_TRANSFER_SYNTAXES:
                raise InvalidRequest(
                    f"{where}: {uid!r} is no transfer syntax that is known here; give UIDs of PS3.6 Table A-1, such"
                    " as 1.2.840.10008.1.2.1 (Explicit VR Little Endian)"
                )


def _check_changing(settings: Settings) -> None:
    if not 0 <= settings.recycling.keep_days <= _MOST_DAYS:
        raise InvalidRequest(f"recycling.keep_days: give 0 to {_MOST_DAYS:g}")
    if not 0 <= settings.anonymise.keep_zips_days <= _MOST_DAYS:
        raise InvalidRequest(f"anonymise.keep_zips_days: give 0 to {_MOST_DAYS:g}")
    if not 1 <= settings.changes.stable_s <= _MOST_SECONDS:
        raise InvalidRequest(f"changes.stable_s: give 1 to {_MOST_SECONDS:g} seconds")
    if not _FEWEST_CHANGES <= settings.changes.keep <= _MOST_CHANGES:
        raise InvalidRequest(f"changes.keep: give {_FEWEST_CHANGES} to {_MOST_CHANGES}")


def _check_jobs(settings: Settings) -> None:
    jobs = settings.jobs
    for name in ("workers", "max_attempts"):
        if not 1 <= getattr(jobs, name) <= _MOST_WORKERS:
            raise InvalidRequest(f"jobs.{name}: give 1 to {_MOST_WORKERS}")
    for name in ("retry_first_s", "retry_max_s"):
        if not 0 < getattr(jobs, name) <= _MOST_SECONDS:
            raise InvalidRequest(f"jobs.{name}: give seconds above 0, up to {_MOST_SECONDS:g}")
    if not 0 <= jobs.keep_days <= _MOST_DAYS:
        raise InvalidRequest(f"jobs.keep_days: give 0 to {_MOST_DAYS:g}")


def _check_compression(settings: Settings) -> None:
    from calotype.app.compression_rules import rules_of  # codecs: for those who compress

    section = settings.compression
    if not 1 <= section.workers <= _MOST_WORKERS:
        raise InvalidRequest(f"compression.workers: give 1 to {_MOST_WORKERS}")
    if not 0 <= section.delay_s <= _MOST_SECONDS:
        raise InvalidRequest(f"compression.delay_s: give seconds from 0, up to {_MOST_SECONDS:g}")
    for i, rule in enumerate(section.rules):
        for name, least, most in _LOSSES:
            if not least <= getattr(rule, name) <= most:
                raise InvalidRequest(f"compression.rules.{i}.{name}: give {least:g} to {most:g}")
        if not rule.keep_original and any("commitment" in listener.services for listener in settings.listeners):
            raise InvalidRequest(
                f"compression.rules.{i}.keep_original: originals that were committed to must be kept;"
                " keep them, or take commitment out of every listener's services"
            )
    rules_of(settings)


def _check_ports(settings: Settings) -> None:
    taken: dict[tuple[str, int], str] = {}
    ports = [(f"listeners.{i}", item.bind, item.port) for i, item in enumerate(settings.listeners)]
    if settings.http.enabled:
        ports.append(("http", settings.http.bind, settings.http.port))
    for where, bind, port in ports:
        if not 0 <= port <= _HIGHEST_PORT:
            raise InvalidRequest(f"{where}.port: {port} is no TCP port; give 0 (any free one) to {_HIGHEST_PORT}")
        if port and (bind, port) in taken:
            raise InvalidRequest(f"{where}.port: {port} is used by {taken[bind, port]} too; give each its own")
        taken[bind, port] = where


def _check_listeners(settings: Settings) -> None:
    for i, listener in enumerate(settings.listeners):
        if not listener.ae_titles:
            raise InvalidRequest(f"listeners.{i}.ae_titles: give at least one AE title")
        _check_networks(f"listeners.{i}.peers", listener.peers)


def _check_http(http: Http) -> None:
    _check_networks("http.trusted_proxies", http.trusted_proxies)
    if http.public_url and not is_base(http.public_url):
        raise InvalidRequest(
            f"http.public_url: {http.public_url!r}; give a URL without query and fragment (https://pacs.example/x)"
        )
    if http.root_path.rstrip("/") and not is_path(http.root_path.rstrip("/")):
        raise InvalidRequest(f"http.root_path: {http.root_path!r}; give a path from its first slash on (/pacs)")
    for origin in http.cors_origins:
        if origin != "*" and not is_origin(origin.rstrip("/")):
            raise InvalidRequest(
                f"http.cors_origins: {origin!r}; give scheme and host (https://viewer.example), or *"
            )
    if http.cors_credentials and "*" in http.cors_origins:
        # The Fetch standard forbids it, and echoing whatever origin asks instead would hand logins to every page.
        raise InvalidRequest("http.cors_credentials: not with * in http.cors_origins; name the origins")
    try:
        read_viewers(http.viewers)
    except InvalidRequest as error:
        raise InvalidRequest(f"http.viewers: {error}") from error
    _check_access(http)


def _check_access(http: Http) -> None:
    access = http.access
    if not 0 < access.idle_minutes <= _MOST_MINUTES:
        raise InvalidRequest(f"http.access.idle_minutes: give minutes above 0, up to {_MOST_MINUTES:g}")
    if not 0 < access.session_hours <= _MOST_HOURS:
        raise InvalidRequest(f"http.access.session_hours: give hours above 0, up to {_MOST_HOURS:g}")
    if access.admin_password:
        try:
            check_new(access.admin_password, FIRST_USER)
        except InvalidRequest as error:
            raise InvalidRequest(f"http.access.admin_password: {error}") from error
    if access.login == "off" and not _is_loopback(http.bind):
        raise InvalidRequest(
            f"http.access.login: off only where http.bind is this machine's own address (127.0.0.1), not {http.bind}:"
            " everybody there could see and delete everything"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_networks(where: str, networks: Iterable[str]) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError as error:
            raise InvalidRequest(
                f"{where}: {error}; give an address (10.1.2.3) or a network (10.1.0.0/16)"
            ) from error


def _check_nodes(settings: Settings) -> None:
    for i, node in enumerate(settings.nodes):
        if not node.host or not 1 <= node.port <= _HIGHEST_PORT:
            raise InvalidRequest(f"nodes.{i}: give host and port (1 to {_HIGHEST_PORT}) of {node.ae_title or 'it'}")


def _ae_titles(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "dicom.ae_title", settings.dicom.ae_title
    for i, listener in enumerate(settings.listeners):
        for title in listener.ae_titles:
            yield f"listeners.{i}.ae_titles", title
        for title in listener.calling_ae_titles:
            yield f"listeners.{i}.calling_ae_titles", title
    for i, node in enumerate(settings.nodes):
        yield f"nodes.{i}.ae_title", node.ae_title
