"""An association as its user sees it: receive a message, read its data set, answer, leave.

Both sides use this class: a listener hands one to its service classes, :func:`~calotype.network.dialer.dial`
returns one. It is used by one thread; only :meth:`Association.kill` may be called from another.

What a service class means does not live here, nor do sockets (``sockets``) or the protocol (``dicom.wire``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn, Self

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.dimse import (
    MAX_SEND_PDU_BYTES,
    CommandReceived,
    DataSetEnd,
    DataSetFragment,
    command_pdus,
    data_set_pdus,
)
from calotype.dicom.wire.messages import CCancelRQ, Message, Request
from calotype.dicom.wire.negotiation import AcceptedContext
from calotype.dicom.wire.pdu import Abort, ReleaseRP, ReleaseRQ
from calotype.dicom.wire.upper_layer import Aborted, ReleaseConfirmed, ReleaseRequested
from calotype.dicom.wire.upper_layer import ConnectionLost as TransportLost
from calotype.errors import InvalidRequest
from calotype.network import outgoing
from calotype.network.failures import AssociationAborted, ConnectionLost
from calotype.network.pump import Event, Pump
from calotype.network.sockets import ObjectSource

MIN_SEND_PDU_BYTES = 128
"""The shortest maximum that we put up with: an object in PDUs of a few bytes would keep a core busy for hours."""

IDENTIFIER_LIMIT_BYTES = 1024 * 1024
"""The longest identifier taken into memory; a list of 10,000 UIDs fits."""


def send_limit(peer_max_pdu_bytes: int) -> int:
    """Return how long our PDUs may be for a peer that announced this maximum (PS3.8 D.1; 0 is no limit)."""
    return min(peer_max_pdu_bytes or MAX_SEND_PDU_BYTES, MAX_SEND_PDU_BYTES)


@dataclass(frozen=True, slots=True)
class Received:
    """A DIMSE command; when ``message.has_data_set``, its data set waits to be read."""

    context: AcceptedContext
    message: Message


@dataclass(slots=True)
class Counts:
    """What passed through an association."""

    messages_received: int = 0
    messages_sent: int = 0
    data_set_bytes_received: int = 0
    data_set_bytes_sent: int = 0


class Association:
    """One established association. As a context manager it releases at the end, and aborts on an exception."""

    def __init__(
        self,
        pump: Pump,
        *,
        calling_ae_title: str,
        called_ae_title: str,
        peer_address: str,
        contexts: Mapping[int, AcceptedContext],
        max_send_pdu_bytes: int,
        is_requestor: bool,
    ) -> None:
        self.calling_ae_title = calling_ae_title
        self.called_ae_title = called_ae_title
        self.peer_address = peer_address
        self.contexts = contexts
        self.max_send_pdu_bytes = max_send_pdu_bytes
        self.is_requestor = is_requestor
        self.counts = Counts()
        self.released = False
        self._pump = pump
        self._data_set_open = False
        self._awaits_response = False
        self._waiting_since: float | None = None
        self._cancelled: set[int] = set()
        self._message_id = 0

    def receive(self, meanwhile: Callable[[], None] | None = None) -> Received | None:
        """Return the next message, or ``None`` when the peer released the association.

        A data set that was not read is skipped. C-CANCEL requests are kept for :meth:`cancel_requested` and not
        returned. ``meanwhile`` is called about every second as long as nothing comes. AssociationEnded when the peer
        aborts, breaks the protocol, vanishes or is silent for too long.
        """
        if self.released:
            return None
        self.skip_data_set()
        timeouts = self._pump.timeouts
        timeout_s = timeouts.dimse_s if self.is_requestor or self._awaits_response else timeouts.idle_s
        self._waiting_since = None if self.is_requestor or self._awaits_response else time.monotonic()
        try:
            while True:
                event = self._pump.next_event(timeout_s, meanwhile)
                if type(event) is CommandReceived:
                    received = self._take(event)
                    if received is not None:
                        return received
                elif type(event) is ReleaseRequested:
                    # A peer may abort or hang up in the same breath: nobody is left to answer then.
                    if not self._pump.closed:
                        self._pump.transmit(ReleaseRP())
                    self.released = True
                    return None
                else:
                    self._end(event)
        finally:
            self._waiting_since = None

    def read_data_set(self, sink: Callable[[Sequence[memoryview]], None]) -> int:
        """Feed the data set of the message just received to ``sink`` as it arrives; return its length in bytes.

        The slices lie in the receive buffer and are only valid during the call. When ``sink`` raises, the error
        passes through and the rest of the data set is skipped later; the association goes on.
        """
        pump = self._pump
        events = pump.events
        parts: list[memoryview] = []
        size_bytes = 0
        while self._data_set_open:
            while events:
                event = events.popleft()
                if type(event) is DataSetFragment:
                    parts.append(event.data)
                    size_bytes += len(event.data)
                elif type(event) is DataSetEnd:
                    self._data_set_open = False
                    break
                else:
                    self._end(event)
            if parts:
                sink(parts)
                parts = []
            if self._data_set_open:
                pump.fill(pump.timeouts.network_s)
        self.counts.data_set_bytes_received += size_bytes
        return size_bytes

    def read_identifier(self, limit_bytes: int = IDENTIFIER_LIMIT_BYTES) -> bytes:
        """Return the whole data set. InvalidRequest when it is longer than ``limit_bytes``."""
        identifier = bytearray()

        def collect(parts: Sequence[memoryview]) -> None:
            if len(identifier) + sum(map(len, parts)) > limit_bytes:
                raise InvalidRequest(f"the identifier is longer than {limit_bytes} bytes: ask for less at once")
            for part in parts:
                identifier.extend(part)

        self.read_data_set(collect)
        return bytes(identifier)

    def skip_data_set(self) -> None:
        """Read what is left of the current data set and forget it."""
        if self._data_set_open:
            self.read_data_set(lambda _: None)

    def send(self, context_id: int, message: Message, data_set: bytes | None = None) -> None:
        """Send a message and its data set in one call. AssociationEnded when the peer is gone."""
        pdus: list[bytes | memoryview] = [*command_pdus(context_id, message, self.max_send_pdu_bytes)]
        if data_set is not None:
            pdus.extend(data_set_pdus(context_id, data_set, self.max_send_pdu_bytes))
            self.counts.data_set_bytes_sent += len(data_set)
        self._pump.send_parts(pdus)
        self._sent(message)

    def send_object(
        self, context_id: int, message: Message, source: ObjectSource, offset: int, size_bytes: int
    ) -> None:
        """Send a message whose data set is ``size_bytes`` of ``source`` from ``offset``, never whole in memory.

        AssociationEnded when the peer is gone, or when the object is shorter than announced: a P-DATA stream
        cannot take back a length, so that aborts.
        """
        with self._pump.sending() as stream:
            head = b"".join(command_pdus(context_id, message, self.max_send_pdu_bytes))
            outgoing.send_object(
                stream,
                head,
                source,
                outgoing.Slice(context_id, offset, size_bytes, self.max_send_pdu_bytes),
                self._pump.timeouts.network_s,
            )
        self.counts.data_set_bytes_sent += size_bytes
        self._sent(message)

    def send_chunks(self, context_id: int, message: Message, chunks: Iterator[bytes]) -> None:
        """Send a message whose data set is made while it is sent, in ``chunks`` of any length but none.

        AssociationEnded as for :meth:`send_object`; an error that ``chunks`` raises aborts, and is raised.
        """
        with self._pump.sending() as stream:
            head = b"".join(command_pdus(context_id, message, self.max_send_pdu_bytes))
            size_bytes = outgoing.send_chunks(
                stream, head, chunks, (context_id, self.max_send_pdu_bytes), self._pump.timeouts.network_s
            )
        self.counts.data_set_bytes_sent += size_bytes
        self._sent(message)

    def cancel_requested(self, message_id: int, *, look: bool = True) -> bool:
        """Tell whether a C-CANCEL for this message has come, without waiting. AssociationEnded as in receive.

        Looking for one costs system calls; without ``look`` only what :meth:`receive` came across is told.
        """
        if look and message_id not in self._cancelled and not self._data_set_open:
            events = self._pump.events
            # With other messages in hand nothing more is read: their data sets lie in the one receive buffer.
            if not events:
                self._pump.poll()
            while events and type(events[0]) is not ReleaseRequested:
                event = events[0]
                if type(event) is not CommandReceived:
                    self._end(event)
                if type(event.message) is not CCancelRQ:
                    break
                self._take(event)
                events.popleft()
        return message_id in self._cancelled

    def hears(self, timeout_s: float = 0.0) -> bool:
        """Tell whether the peer says something within ``timeout_s``, to be had from :meth:`receive`.

        What is left of the current data set is skipped. Silence does not end the association here. AssociationEnded
        when it has ended already.
        """
        self.skip_data_set()
        return self._pump.wait(timeout_s)

    def next_message_id(self) -> int:
        """Return a Message ID (0000,0110) that no recent request of this association had, 1 to 65535."""
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def find_context(
        self, abstract_syntax: UID, transfer_syntax: UID | None = None, *, as_scp: bool = False
    ) -> AcceptedContext | None:
        """Return an accepted context in which *we* may act as SCU (or as SCP) of ``abstract_syntax``."""
        # The roles of a context are the requestor's (PS3.7 D.3.3.4): an acceptor has the opposite one.
        wants_scp_role = as_scp is self.is_requestor
        for context in self.contexts.values():
            if (
                context.abstract_syntax == abstract_syntax
                and transfer_syntax in {None, context.transfer_syntax}
                and (context.scp_role if wants_scp_role else context.scu_role)
            ):
                return context
        return None

    def release(self) -> None:
        """End the association with A-RELEASE and close. AssociationEnded when the peer does not agree in time."""
        pump = self._pump
        if self.released or pump.closed:
            return
        if any(type(event) is ReleaseRequested for event in pump.events):
            # The peer was faster, and we have only not looked yet.
            pump.transmit(ReleaseRP())
        else:
            self._request_release()
        self.released = True
        self.close()

    def abort(self) -> None:
        """End the association with A-ABORT and close. Never raises."""
        self._pump.abort(Abort())

    def close(self) -> None:
        """Wait for the peer to close, at most the ARTIM time, then free the connection. Never raises."""
        self._pump.close()

    def kill(self) -> None:
        """Abort from another thread; the association's own thread sees AssociationAborted."""
        self._pump.kill()

    def idle_s(self) -> float:
        """Return for how long an acceptor has been waiting for the next request; 0 while something runs."""
        since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if kind is None:
            self.release()
        else:
            self.abort()

    def _request_release(self) -> None:
        pump = self._pump
        pump.transmit(ReleaseRQ())
        collided = False
        while True:
            event = pump.next_event(pump.timeouts.dimse_s)
            if type(event) is ReleaseConfirmed:
                break
            if type(event) is ReleaseRequested:
                # PS3.8 9.2.2: both asked at once; the requestor of the association answers first.
                collided = not self.is_requestor
                if self.is_requestor:
                    pump.transmit(ReleaseRP())
            elif type(event) in {Aborted, TransportLost}:
                self._end(event)
        if collided:
            pump.transmit(ReleaseRP())

    def _take(self, event: CommandReceived) -> Received | None:
        context = self.contexts.get(event.context_id)
        if context is None:
            self._violated(f"a message in presentation context {event.context_id}, which was not accepted")
        message = event.message
        self.counts.messages_received += 1
        if type(message) is CCancelRQ:
            self._cancelled.add(message.message_id_being_responded_to)
            return None
        if isinstance(message, Request):
            # Message IDs may be used again; a cancel that came too late must not stop a later request.
            self._cancelled.clear()
        else:
            self._awaits_response = False
        self._data_set_open = message.has_data_set
        return Received(context, message)

    def _sent(self, message: Message) -> None:
        self.counts.messages_sent += 1
        if isinstance(message, Request):
            self._awaits_response = True

    def _end(self, event: Event) -> NoReturn:
        """Raise what ``event`` means where no such event may come."""
        if type(event) is Aborted:
            detail = f"aborted: {event.detail}" if event.detail else Abort(event.source, event.reason).in_words
            raise AssociationAborted(detail)
        if type(event) is TransportLost:
            raise ConnectionLost("the peer closed the connection without releasing the association")
        self._violated(f"something out of order ({type(event).__name__})")

    def _violated(self, what: str) -> NoReturn:
        self._pump.abort(Abort())
        raise AssociationAborted(f"aborted: the peer sent {what}")
