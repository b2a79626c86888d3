"""``/api/status``: our ports and who is connected, the traffic of the last hour, the room on the disk.

All of it is looked up in memory, but the disk. What was turned away and why is ``/api/rejections`` and
``/api/access/refusals``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import APIRouter

from calotype import __version__
from calotype.clock import utc_now_us
from calotype.network.settings import ListenerSettings
from calotype.network.standing import LiveAssociation, Standing, Totals
from calotype.network.traffic import Span
from calotype.services.archive.ports import Disk
from calotype.web.offload import Offload


class OpenPort(Protocol):
    """A DICOM port: ``network.listener.Listener``, or a twin of it."""

    settings: ListenerSettings

    @property
    def port(self) -> int:
        """The port listened on."""
        ...

    def standing(self) -> Standing:
        """Say who is connected."""
        ...


class TrafficMemory(Protocol):
    """What remembers rates: ``network.traffic.Traffic``, or a twin of it."""

    span_s: float

    def spans(self) -> Sequence[Span]:
        """Return the last hour, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Door:
    """A port and what the settings say of it; the first AE title is its own name."""

    listener: OpenPort
    ae_titles: tuple[str, ...]
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Premises:
    """What the status is told of. ``addresses`` gives those under which others may reach this machine."""

    ae_title: str
    doors: Sequence[Door]
    traffic: TrafficMemory
    disk: Callable[[], Disk]
    addresses: Callable[[], Sequence[str]]
    started_us: int = field(default_factory=utc_now_us)


@dataclass(frozen=True, slots=True)
class DoorView:
    """One DICOM port. ``bind`` is the address listened on, empty or a wildcard for all of them."""

    name: str
    bind: str
    port: int
    ae_titles: list[str]
    services: list[str]
    is_tls: bool
    is_open: bool
    max_associations: int
    associations: list[LiveAssociation]
    totals: Totals


@dataclass(frozen=True, slots=True)
class Status:
    """How everything stands. Times are UTC, microseconds since 1970."""

    version: str
    started_us: int
    now_us: int
    ae_title: str
    addresses: list[str]
    listeners: list[DoorView]
    disk: Disk


@dataclass(frozen=True, slots=True)
class TrafficView:
    """The last hour, oldest first, in spans of ``span_s`` seconds."""

    span_s: float
    spans: list[Span]


def router(premises: Premises, offload: Offload) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/status", tags=["network"])

    def gathered() -> Status:
        return Status(
            version=__version__,
            started_us=premises.started_us,
            now_us=utc_now_us(),
            ae_title=premises.ae_title,
            addresses=list(premises.addresses()),
            listeners=[_view(door) for door in premises.doors],
            disk=premises.disk(),
        )

    @routes.get("")
    async def status() -> Status:
        """Tell our AE titles and ports, who is connected to them, and how much room there is."""
        return await offload(gathered)

    @routes.get("/traffic")
    async def traffic() -> TrafficView:
        """Tell what passed through the DICOM ports in the last hour."""
        memory = premises.traffic
        return TrafficView(memory.span_s, list(memory.spans()))

    return routes


def _view(door: Door) -> DoorView:
    listener, standing = door.listener, door.listener.standing()
    settings = listener.settings
    return DoorView(
        name=settings.name,
        bind=settings.host,
        port=listener.port,
        ae_titles=list(door.ae_titles),
        services=list(door.services),
        is_tls=settings.tls is not None,
        is_open=standing.is_open,
        max_associations=settings.max_associations,
        associations=list(standing.associations),
        totals=standing.totals,
    )
