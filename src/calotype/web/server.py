"""Runs an ASGI application on uvicorn in a thread of its own: start, stop, port. Knows no route."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from calotype.errors import OutOfResources, Refused, Unavailable
from calotype.web.desk import is_loopback
from calotype.web.protocol import LendingProtocol
from calotype.web.settings import WebSettings

log = logging.getLogger(__name__)

_START_S: Final = 30.0
_BACKLOG: Final = 512


class WebServer:
    """An HTTP server that is started and stopped like a listener. Used by one thread."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self.app = app
        self._settings = settings
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._port = settings.port
        self._failure: BaseException | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; the one asked for until started."""
        return self._port

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._settings.bind, self._settings.bind)
        return f"http://[{host}]:{self._port}" if ":" in host and "[" not in host else f"http://{host}:{self._port}"

    def start(self) -> None:
        """Bind, and return when requests are answered.

        Raises Unavailable when the address is taken or not ours, Refused when the port needs rights we lack: the
        message says what to change.
        """
        self._socket = _bind(self._settings.bind, self._settings.port)
        self._port = self._socket.getsockname()[1]
        self._server = uvicorn.Server(self._config())
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise Unavailable(f"the HTTP server did not start: {self._failure or 'see the log'}")
            time.sleep(0.005)
        log.info("HTTP on %s port %d", self._settings.bind, self._port)
        if is_bare(self._settings):
            log.warning(
                "HTTP on %s is not encrypted: everybody on the way reads passwords and images. Put a TLS proxy before"
                " it (http.trusted_proxies, http.public_url), and bind to where only that reaches us",
                self._settings.bind,
            )

    def stop(self, drain_s: float | None = None) -> None:
        """Stop accepting, let requests finish for ``drain_s`` seconds (by setting), and return. Idempotent."""
        server, thread = self._server, self._thread
        if server is not None and thread is not None:
            wait_s = self._settings.drain_s if drain_s is None else drain_s
            server.config.timeout_graceful_shutdown = max(1, round(wait_s))
            server.should_exit = True
            thread.join(wait_s + _START_S)
            if thread.is_alive():
                log.error("the HTTP server still works on a request after %g s; leaving it behind", wait_s)
        if self._socket is not None:
            self._socket.close()
        self._socket = self._server = self._thread = None

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app,
            http=LendingProtocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            # Logging belongs to the program; one line per request, and one per step of the start, bury what matters.
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            # It would believe anybody on this machine; whom we believe is a setting (``forwarding``).
            proxy_headers=False,
            limit_concurrency=self._settings.max_connections,
            backlog=_BACKLOG,
        )

    def _run(self) -> None:
        assert self._server is not None  # noqa: S101 - start() has made it
        assert self._socket is not None  # noqa: S101 - as above
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as error:
            self._failure = error
            log.critical("the HTTP server ended: %s", error, exc_info=error)


def is_bare(settings: WebSettings) -> bool:
    """Tell whether others may reach us with nothing that encrypts in between, as far as the settings say."""
    return not (is_loopback(settings.bind) or settings.trusted_proxies or settings.public_url.startswith("https:"))


def _bind(address: str, port: int) -> socket.socket:
    """Return a listening socket. Every way that this fails is an administrator's to mend: one clear line."""
    if not 0 <= port <= 65535:
        raise Unavailable(f"HTTP: {port} is no port; http.port is 0 to 65535")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listening = socket.create_server(
            (address, port),
            family=family,
            backlog=_BACKLOG,
            dualstack_ipv6=address == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        where = f"HTTP: cannot listen on {address} port {port}"
        if error.errno == errno.EADDRINUSE:
            raise Unavailable(
                f"{where}: another program has it; stop that, or set another http.port (0 takes a free one)"
            ) from error
        if error.errno == errno.EACCES:
            raise Refused(f"{where}: ports below 1024 need more rights; set an http.port above") from error
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise OutOfResources(f"{where}: too many open files; raise the limit (ulimit -n)") from error
        raise Unavailable(
            f"{where}: {error.strerror or error}; set http.bind to an address of this machine"
        ) from error
    # Connections inherit it. asyncio would set it on sockets that name their protocol, which create_server's do not;
    # without it an answer whose headers and body are two writes waits 40 ms for the client's delayed ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
