"""``calotype serve``: start the house, say where it answers, and leave in good order when told to."""

from __future__ import annotations

import gc
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import click

from calotype import __version__
from calotype.app.compose import House
from calotype.app.listening import SERVED
from calotype.app.logs import start_logging
from calotype.app.opening import open_stores
from calotype.app.settings import Settings
from calotype.cli.session import Session
from calotype.services.access.users import FIRST_PASSWORD
from calotype.web import pages

PAGES_MISSING: Final = (
    "no pages: they have not been built. Node 20.19 or newer, then `make serve` or `pip install .`, builds them"
)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_YOUNG_OBJECTS = 20_000
"""How many containers are made before the collector looks for cycles among them: hundreds for each object received,
next to none of them in one."""


@click.command("serve")
@click.pass_obj
def serve_command(session: Session) -> None:
    """Start the archive: DICOM listeners and HTTP.

    SIGTERM or Ctrl-C closes the doors, lets what runs finish (dicom.drain_s), then leaves; a second one leaves at
    once. What was answered Success is safe either way.
    """
    started_s = time.monotonic()
    settings = session.loaded.settings
    start_logging(settings.logging)
    with told_to_stop() as wait_for_stop, open_stores(settings) as stores:
        house = House(settings, stores)
        # What is loaded by now lives until the end: the collector need not walk over it again and again.
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        house.start()
        try:
            click.echo(welcome(house, settings, time.monotonic() - started_s))
            wait_for_stop()
            click.echo("stopping: waiting for what runs to finish; again to leave at once")
        finally:
            house.stop()


@contextmanager
def told_to_stop() -> Iterator[Callable[[], None]]:
    """Yield what waits for the first signal; the second gets the system's own handling, which ends us.

    Python runs a handler between two of its own steps, so nothing that a handler does can be relied on here: the wait
    that it interrupts may hold the lock that it needs, and a signal that comes just before a wait begins is handled
    after it, which may be never. What does come at once is the byte that Python writes to a socket for each signal,
    and a socket can be waited for.
    """

    def take(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)

    hears, tells = socket.socketpair()
    with hears, tells:
        tells.setblocking(False)

        def wait() -> None:
            while hears.recv(1)[0] not in _SIGNALS:
                continue

        descriptor = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, take) for number in _SIGNALS}
        try:
            yield wait
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(descriptor)


def welcome(house: House, settings: Settings, took_s: float) -> str:
    """Return what is said at the start: where what answers, and what is missing for that."""
    lines = [f"calotype {__version__}, ready in {took_s:.1f} s; images in {settings.storage.path}"]
    for section, listener in zip(settings.listeners, house.listeners, strict=True):
        built = ["echo", *(name for name in section.services if SERVED[name])]
        titles = ", ".join(section.ae_titles)
        tls = " (TLS)" if section.tls.certificate else ""
        lines.append(f"  DICOM  {section.bind}:{listener.port}  {titles}{tls}: {', '.join(built)}")
    if house.web is not None:
        told = f"pages at {house.web.url}/ui/" if pages.are_built() else PAGES_MISSING
        lines.append(f"  HTTP   {house.web.url}/dicomweb, {told}")
    if house.first_user is not None:
        lines.append(
            f"  log in as {house.first_user} with the password {FIRST_PASSWORD}, on this machine, and change it"
        )
    return "\n".join(lines)
