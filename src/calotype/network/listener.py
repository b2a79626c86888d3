"""One port that takes associations, each served by a thread (``door``).

Connections are managed here; who is let in is ``admission``'s decision, what is served ``handle``'s.
One log line for each association accepted, rejected and ended; none of them names a patient.
"""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from calotype.clock import utc_now_us
from calotype.dicom.wire.negotiation import AcceptancePolicy, accepted_contexts
from calotype.dicom.wire.pdu import REJECT_PROTOCOL_VERSION, AssociateAC, AssociateRQ
from calotype.dicom.wire.upper_layer import AssociationRequested, Role, UpperLayer
from calotype.errors import InvalidRequest, Unavailable
from calotype.network.admission import Admission, Refusal, Wish, no_wish, plain_address
from calotype.network.association import Association, send_limit
from calotype.network.door import Address, Door
from calotype.network.failures import AssociationEnded, ConnectionLost
from calotype.network.pump import Pump
from calotype.network.rejections import Rejections, contexts_in_words, in_words
from calotype.network.settings import ListenerSettings
from calotype.network.sockets import SERVED, Stream
from calotype.network.standing import LiveAssociation, Standing, Totals
from calotype.network.tls import why

_logger = logging.getLogger(__name__)

_NO_REQUEST = ("closed", "connection", "no association request")
"""What is remembered, in place of result, source and reason, of a connection that never became a request."""

_BACKLOG = 256
_SPARE_CONNECTIONS = 64
"""How many connections beyond the maximum of associations may be asking or being told no."""

_SPARE_CONNECTIONS_PER_PEER = 16
"""The same for one address: a few that say nothing are a load balancer's, hundreds are an attack on the others."""

_DRAIN_IDLE_S = 1.0
"""While stopping, an association that asks nothing for this long is done as far as we are concerned."""

_DRAIN_STEP_S = 0.02
_LAST_WORDS_S = 2.0


class Listener:
    """Listens on one port and runs ``handle`` for each association it accepts.

    ``handle`` returns when the peer has released; what it raises ends the association with A-ABORT. ``wish`` is
    admission's.
    """

    def __init__(
        self,
        settings: ListenerSettings,
        policy: AcceptancePolicy,
        handle: Callable[[Association], None],
        rejections: Rejections,
        wish: Wish = no_wish,
    ) -> None:
        self.settings = settings
        self._handle = handle
        self._rejections = rejections
        self._max_pdu_bytes = policy.max_pdu_bytes
        self._admission = Admission(settings, policy, wish)
        self._port = settings.port
        self._door: Door | None = None
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._connections_of: Counter[str] = Counter()
        # Since when each is open (UTC, microseconds since 1970).
        self._associations: dict[Association, int] = {}
        self._ended = Totals()
        self._is_open = False

    @property
    def port(self) -> int:
        """The port listened on (the one the system chose, when the setting is 0)."""
        return self._port

    def standing(self) -> Standing:
        """Say who is connected now, and what has passed through."""
        with self._lock:
            live = [_live(association, since_us) for association, since_us in self._associations.items()]
            return Standing(self._is_open, live, sum(map(Totals.of, live), self._ended))

    def start(self) -> None:
        """Bind and begin to accept. Unavailable or InvalidRequest, in one line, when the address cannot be had."""
        listening = _bind(self.settings)
        self._port = int(listening.getsockname()[1])
        self._door = Door(
            self.settings.name,
            listening,
            self._take_in,
            self._turn_away,
            wakes_one=self.settings.capabilities.wakes_one,
        )
        self._door.open()
        self._is_open = True
        _logger.info("listener %s: port %d is open", self.settings.name, self.port)

    def stop(self, drain_s: float = 30.0) -> None:
        """Accept no more, let what runs finish for ``drain_s`` seconds, then abort the rest. Idempotent."""
        self._admission.stop()
        if self._door is None:
            return
        self._door.close()
        self._is_open = False
        self._drain(time.monotonic() + drain_s)
        with self._lock:
            left = len(self._connections)
        self._kill_all()
        self._join(time.monotonic() + _LAST_WORDS_S)
        _logger.info("listener %s: stopped, %d associations aborted", self.settings.name, left)

    def _drain(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            with self._lock:
                if not self._connections:
                    return
                idle = [association for association in self._associations if association.idle_s() > _DRAIN_IDLE_S]
            for association in idle:
                association.kill()
            time.sleep(_DRAIN_STEP_S)

    def _kill_all(self) -> None:
        with self._lock:
            associations, connections = list(self._associations), list(self._connections.values())
        for association in associations:
            association.kill()
        for connection in connections:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _join(self, deadline: float) -> None:
        with self._lock:
            threads = list(self._connections)
        for thread in threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def _take_in(self, connection: socket.socket, address: Address) -> Callable[[], None] | None:
        """Register a connection and return what serves it in this thread, or close it when there is no room."""
        peer_address = plain_address(address[0])
        thread = threading.current_thread()
        if full := self._enter(thread, connection, peer_address):
            self._turn_away(connection, address, full)
            return None
        thread.name = f"{self.settings.name}-{address[1]}"
        return partial(self._run, connection, peer_address)

    def _turn_away(self, connection: socket.socket, address: Address, why_not: str) -> None:
        self._closed(plain_address(address[0]), why_not)
        connection.close()

    def _enter(self, thread: threading.Thread, connection: socket.socket, peer_address: str) -> str:
        """Make room for a connection; return why there is none."""
        settings = self.settings
        with self._lock:
            if len(self._connections) >= settings.max_associations + _SPARE_CONNECTIONS:
                return "too many connections"
            if self._connections_of[peer_address] >= settings.max_associations_per_peer + _SPARE_CONNECTIONS_PER_PEER:
                return "too many connections from this address"
            self._connections[thread] = connection
            self._connections_of[peer_address] += 1
        return ""

    def _leave(self, thread: threading.Thread, peer_address: str) -> None:
        with self._lock:
            del self._connections[thread]
            self._connections_of[peer_address] -= 1
            if not self._connections_of[peer_address]:
                del self._connections_of[peer_address]

    def _run(self, connection: socket.socket, peer_address: str) -> None:
        stream = None
        try:
            stream = self._secure(connection, peer_address)
            if stream is not None:
                self._establish(stream, peer_address)
        finally:
            if stream is not None:
                stream.close()
            self._leave(threading.current_thread(), peer_address)

    def _secure(self, connection: socket.socket, peer_address: str) -> Stream | None:
        settings = self.settings
        try:
            if settings.tls is not None:
                connection.settimeout(settings.timeouts.connect_s)
                connection = settings.tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._connections[threading.current_thread()] = connection
            return Stream(connection, settings.capabilities)
        except OSError as error:
            detail = f"no TLS handshake: {why(error)}" if settings.tls else f"the connection ended at once ({error})"
            self._closed(peer_address, detail)
            connection.close()
            return None

    def _establish(self, stream: Stream, peer_address: str) -> None:
        settings = self.settings
        pump = Pump(stream, UpperLayer(Role.ACCEPTOR, max_pdu_bytes=self._max_pdu_bytes), settings.timeouts)
        try:
            self._converse(pump, peer_address)
        finally:
            # Last: a peer that has closed may be asking for the next association already.
            pump.close()
            pump.leave()

    def _converse(self, pump: Pump, peer_address: str) -> None:
        settings = self.settings
        try:
            pump.connected()
            event = pump.next_event(settings.timeouts.artim_s)
        except AssociationEnded as error:
            self._no_request(pump, error, peer_address)
            return
        if not isinstance(event, AssociationRequested):
            return
        answer = self._admission.decide(event.pdu, peer_address)
        if isinstance(answer, Refusal):
            self._reject(pump, event.pdu, answer, peer_address)
            return
        try:
            association = _associate(pump, event.pdu, answer, peer_address)
            pump.context_ids.update(association.contexts)
            pump.transmit(answer)
            self._tell_refused_contexts(event.pdu, answer, peer_address)
        except AssociationEnded as error:
            # It did not wait for the answer, and what it sent instead ended everything (PS3.8 Table 9-10, Sta3).
            self._no_request(pump, error, peer_address)
        else:
            with SERVED:
                self._serve(association)
        finally:
            self._admission.leave(peer_address)

    def _tell_refused_contexts(self, request: AssociateRQ, answer: AssociateAC, peer_address: str) -> None:
        """Say what a device cannot do on this association: it seldom says it to anybody itself."""
        if refused := contexts_in_words(request, answer):
            nothing_left = not any(context.is_accepted for context in answer.presentation_contexts)
            _logger.log(
                logging.WARNING if nothing_left else logging.INFO,
                "listener %s: %r -> %r from %s: contexts not accepted: %s",
                *(self.settings.name, request.calling_ae_title, request.called_ae_title, peer_address, refused),
            )

    def _reject(self, pump: Pump, request: AssociateRQ, refusal: Refusal, peer_address: str) -> None:
        rejection = self._rejections.add(
            listener=self.settings.name,
            peer_address=peer_address,
            calling_ae_title=request.calling_ae_title,
            called_ae_title=request.called_ae_title,
            words=in_words(refusal.pdu),
            detail=refusal.detail,
        )
        _logger.warning(
            "listener %s: %s %r -> %r from %s: %s; %s",
            *(rejection.listener, rejection.result, rejection.calling_ae_title, rejection.called_ae_title),
            *(peer_address, rejection.reason, rejection.detail),
        )
        self._count_rejection()
        with suppress(AssociationEnded):
            pump.transmit(refusal.pdu)

    def _no_request(self, pump: Pump, error: AssociationEnded, peer_address: str) -> None:
        if pump.last_sent == REJECT_PROTOCOL_VERSION.encode():
            detail = "the peer does not speak version 1 of the upper layer protocol"
            self._closed(peer_address, detail, in_words(REJECT_PROTOCOL_VERSION))
        elif isinstance(error, ConnectionLost):
            # Load balancers and port scanners do this all day.
            _logger.debug("listener %s: %s connected and left", self.settings.name, peer_address)
        else:
            self._closed(peer_address, str(error))

    def _closed(self, peer_address: str, detail: str, words: tuple[str, str, str] = _NO_REQUEST) -> None:
        self._count_rejection()
        self._rejections.add(listener=self.settings.name, peer_address=peer_address, words=words, detail=detail)
        _logger.warning("listener %s: closed a connection from %s: %s", self.settings.name, peer_address, detail)

    def _count_rejection(self) -> None:
        with self._lock:
            self._ended += Totals(rejections=1)

    def _serve(self, association: Association) -> None:
        started = time.monotonic()
        label = (self.settings.name, association.calling_ae_title, association.called_ae_title)
        # One line an association is for everybody, and has it all: the one at the end.
        _logger.debug(
            "listener %s: accepted %r -> %r from %s, %d contexts",
            *(*label, association.peer_address, len(association.contexts)),
        )
        with self._lock:
            self._associations[association] = utc_now_us()
        try:
            outcome = self._handled(association)
        finally:
            with self._lock:
                since_us = self._associations.pop(association)
                self._ended += Totals.of(_live(association, since_us))
        counts = association.counts
        _logger.info(
            "listener %s: %r -> %r from %s %s after %.1f s: %d messages and %d data set bytes in, %d and %d out",
            *(*label, association.peer_address, outcome, time.monotonic() - started),
            *(counts.messages_received, counts.data_set_bytes_received),
            *(counts.messages_sent, counts.data_set_bytes_sent),
        )

    def _handled(self, association: Association) -> str:
        try:
            self._handle(association)
        except AssociationEnded as error:
            outcome = str(error)
        except Exception:
            _logger.exception("listener %s: aborting, our own mistake", self.settings.name)
            outcome = "aborted: our own mistake"
        else:
            outcome = "released" if association.released else "aborted: our side left"
        if not association.released:
            association.abort()
        return outcome


def _associate(pump: Pump, request: AssociateRQ, answer: AssociateAC, peer_address: str) -> Association:
    return Association(
        pump,
        calling_ae_title=request.calling_ae_title,
        called_ae_title=request.called_ae_title,
        peer_address=peer_address,
        contexts={context.context_id: context for context in accepted_contexts(request, answer)},
        max_send_pdu_bytes=send_limit(request.user_information.max_pdu_bytes),
        is_requestor=False,
    )


def _live(association: Association, since_us: int) -> LiveAssociation:
    counts = association.counts
    return LiveAssociation(
        association.calling_ae_title,
        association.called_ae_title,
        association.peer_address,
        since_us,
        counts.messages_received,
        counts.messages_sent,
        counts.data_set_bytes_received,
        counts.data_set_bytes_sent,
    )


def _bind(settings: ListenerSettings) -> socket.socket:
    """Return a listening socket; every way this can fail is an operator's one-line message."""
    where = f"listener {settings.name}: port {settings.port}"
    if not 0 <= settings.port <= 0xFFFF:
        raise InvalidRequest(f"{where} does not exist: choose one from 1 to 65535")
    try:
        if settings.host:
            family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
            return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
        if socket.has_dualstack_ipv6():
            try:
                return socket.create_server(
                    ("", settings.port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True
                )
            except OSError as error:
                # IPv6 may be built into a kernel and yet be switched off.
                if error.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
                    raise
        return socket.create_server(("", settings.port), backlog=_BACKLOG)
    except socket.gaierror as error:
        raise InvalidRequest(
            f"{where}: the host {settings.host!r} is no address of this machine: name one, or leave it empty"
        ) from error
    except OSError as error:
        raise _unbindable(where, settings.host, error) from error


def _unbindable(where: str, host: str, error: OSError) -> InvalidRequest | Unavailable:
    match error.errno:
        case errno.EADDRINUSE:
            return Unavailable(f"{where} is taken by another program: stop that one, or set another port")
        case errno.EACCES | errno.EPERM:
            return InvalidRequest(
                f"{where} needs privileges: set a port above 1023, or allow this program to bind it"
            )
        case errno.EADDRNOTAVAIL:
            return InvalidRequest(f"{where}: {host!r} is no address of this machine: name one, or leave it empty")
        case _:
            return Unavailable(f"{where} cannot be opened: {error.strerror}")
