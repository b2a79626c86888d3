"""The pump between a socket and the sans-IO core: bytes in, events out; the core's commands carried out.

The ARTIM timer and every other wait live here. What an event means to the user of an association is
``association``'s business; nothing here knows a DIMSE service.

One thread pumps. :meth:`Pump.kill` alone may be called from another.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn, TypeAlias

from calotype.dicom.wire.dimse import CommandReceived, DataSetEnd, DataSetFragment, MessageAssembler
from calotype.dicom.wire.messages import InvalidMessage
from calotype.dicom.wire.pdu import Abort, AbortSource, Pdu
from calotype.dicom.wire.states import State
from calotype.dicom.wire.upper_layer import (
    Aborted,
    AssociationAccepted,
    AssociationRejected,
    AssociationRequested,
    CloseConnection,
    Command,
    DataFragment,
    Indication,
    ReleaseConfirmed,
    ReleaseRequested,
    SendBytes,
    StartArtim,
    StopArtim,
    UpperLayer,
    WrongState,
)
from calotype.dicom.wire.upper_layer import ConnectionLost as TransportLost
from calotype.network.failures import AssociationAborted, AssociationEnded, AssociationTimedOut, ConnectionLost
from calotype.network.settings import Timeouts
from calotype.network.sockets import Buffer, Stream
from calotype.network.tls import why

Event: TypeAlias = (
    CommandReceived
    | DataSetFragment
    | DataSetEnd
    | AssociationRequested
    | AssociationAccepted
    | AssociationRejected
    | ReleaseRequested
    | ReleaseConfirmed
    | Aborted
    | TransportLost
)
"""What comes out of the pump, in order of arrival."""


_BUFFER_BYTES = 768 * 1024
"""Room for a CT slice and the command before it: two receives for it, where 256 KiB take three, and as many fewer
writes and digests. On two cores that is worth little: medians of 25 runs are the same within the noise, the shortest
are 5 to 7 % shorter. Pages that nothing comes into cost no memory."""


_FAREWELL_S = 3.0
"""How much of the ARTIM time a peer gets to close after the end: nothing is left to be said but goodbye."""


_spare_buffers: deque[memoryview] = deque(maxlen=8)
"""Receive buffers of associations that have ended: of new ones the system has to find and zero every page."""


_OVER = frozenset((State.STA1, State.STA13))
"""Where no association is left to say anything in: closed, or waiting for the peer to close."""


_ROUND_S = 1.0
"""How often, while nothing comes, there is time for something else."""


class Pump:
    """Owns the stream, the upper layer and the receive buffer of one connection.

    The data of fragments in :attr:`events` lies in the buffer: MUST be consumed before the next :meth:`fill`.
    """

    def __init__(self, stream: Stream, upper_layer: UpperLayer, timeouts: Timeouts) -> None:
        self.events: deque[Event] = deque()
        self.timeouts = timeouts
        self.closed = False
        self.context_ids: set[int] = set()
        """The presentation contexts that messages may come on; filled in by whoever negotiates, before they can."""
        self._stream = stream
        self._upper_layer = upper_layer
        self._assembler = MessageAssembler(self.context_ids)
        try:
            self._buffer = _spare_buffers.pop()
        except IndexError:
            self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._artim_deadline: float | None = None
        self._send_lock = threading.Lock()
        self._killed = False
        self._artim_ran_out = False
        self.tls_fault = ""
        """Why TLS broke, as TLS 1.3 tells a client only after the handshake; empty when it did not."""
        self.last_sent = b""
        """The last PDU of the association itself that went out."""

    def connected(self) -> None:
        """Tell the core that the transport connection stands."""
        self._carry_out(self._upper_layer.connected())

    def fill(self, timeout_s: float) -> None:
        """Receive once, waiting at most ``timeout_s`` (less when ARTIM ends first), and queue what it means.

        AssociationTimedOut when nothing came: the association is then aborted. Another AssociationEnded when it is
        closed already.
        """
        if self.closed:
            raise self._over()
        wait_s = timeout_s
        if self._artim_deadline is not None:
            wait_s = max(min(timeout_s, self._artim_deadline - time.monotonic()), 0.001)
        try:
            received = self._receive(wait_s)
        except TimeoutError:
            self._timed_out(timeout_s)
            return
        self._received(received)

    def wait(self, timeout_s: float) -> bool:
        """Tell whether anything comes within ``timeout_s``, and queue it; unlike in :meth:`fill` silence is no end.

        AssociationEnded when it is closed already.
        """
        if self.events:
            return True
        if self.closed or timeout_s <= 0:
            self.poll()
        deadline = time.monotonic() + timeout_s
        left_s = timeout_s
        while not self.closed and not self.events and left_s > 0:
            try:
                received = self._receive(left_s)
            except TimeoutError:
                break
            self._received(received)
            left_s = deadline - time.monotonic()
        return bool(self.events)

    def poll(self) -> None:
        """Queue what has already come, without waiting. AssociationEnded when it is closed already."""
        if self.closed:
            raise self._over()
        try:
            received = self._stream.try_recv_into(self._buffer)
        except OSError:
            received = 0
        if received is not None:
            self._received(received)

    def next_event(self, timeout_s: float, meanwhile: Callable[[], None] | None = None) -> Event:
        """Return the next event; once its first bytes are there, the rest is due within the network time.

        ``meanwhile`` is called after each second in which nothing came.
        """
        if meanwhile is not None:
            self._wait_in_rounds(timeout_s, meanwhile)
        if not self.events:
            self.fill(timeout_s)
        if not self.events:
            deadline = time.monotonic() + self.timeouts.network_s
            while not self.events:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    self._give_up(self.timeouts.network_s)
                self.fill(left_s)
        return self.events.popleft()

    def transmit(self, pdu: Pdu) -> None:
        """Send a PDU of the association itself, by way of the state machine.

        AssociationEnded when what the peer sent behind its last PDU has ended the association already.
        """
        try:
            steps = self._upper_layer.send(pdu)
        except WrongState:
            if self._upper_layer.state in _OVER:
                raise self._over() from None
            raise
        self._carry_out(steps)

    def send_parts(self, parts: Sequence[Buffer]) -> None:
        """Send P-DATA in one call. AssociationEnded when the peer is gone or takes nothing."""
        with self.sending() as stream:
            stream.send_parts(parts, self.timeouts.network_s)

    @contextmanager
    def sending(self) -> Iterator[Stream]:
        """Lend the stream for sending P-DATA; any error closes it, as it leaves half a PDU behind."""
        with self._send_lock:
            if self.closed or not self._upper_layer.can_send_data:
                raise self._over()
            try:
                yield self._stream
            except TimeoutError as error:
                self._close()
                raise AssociationTimedOut(f"the peer took no data for {self.timeouts.network_s:g} s") from error
            except OSError as error:
                self._close()
                raise self._over() from error
            except EOFError as error:
                self._close()
                raise AssociationAborted(f"aborted: {error}") from error
            except BaseException:
                self._close()
                raise

    def abort(self, pdu: Abort) -> None:
        """Send A-ABORT, wait for the peer to close, close. Never raises."""
        if not self.closed:
            # The state machine knows no A-ABORT before a request came, nor after the end: then closing is all.
            with suppress(WrongState, AssociationEnded):
                self.transmit(pdu)
        self.close()

    def close(self) -> None:
        """Close; while ARTIM runs, first give the peer a moment to read our last PDU and close. Never raises.

        Closing with unread bytes would make TCP reset the connection, and the peer might never see our answer.
        """
        if self._artim_deadline is not None:
            self._artim_deadline = min(self._artim_deadline, time.monotonic() + _FAREWELL_S)
        while not self.closed and self._artim_deadline is not None:
            self.events.clear()
            try:
                self.fill(self.timeouts.artim_s)
            except AssociationEnded:
                break
        self.events.clear()
        self._close()

    def leave(self) -> None:
        """Give the receive buffer to the next association. The last call: nobody may hold data of this one."""
        self.events.clear()
        self._close()
        buffer, self._buffer = self._buffer, memoryview(b"")
        if buffer:
            _spare_buffers.append(buffer)

    def kill(self) -> None:
        """Abort from another thread: the pumping thread wakes with AssociationAborted."""
        self._killed = True
        # In the middle of a PDU of ours an A-ABORT would be read as data; the closed connection says enough.
        if self._send_lock.acquire(blocking=False):
            try:
                self._stream.try_send(Abort().encode())
            finally:
                self._send_lock.release()
        self._stream.shut()

    def _receive(self, wait_s: float) -> int:
        """Receive once into the buffer; 0 when the transport closed or broke. TimeoutError when nothing came."""
        try:
            return self._stream.recv_into(self._buffer, wait_s)
        except TimeoutError:
            raise
        except OSError as error:
            # Reset, unreachable, broken TLS: to the state machine all of them are a transport that closed.
            self.tls_fault = why(error) if isinstance(error, ssl.SSLError) else ""
            return 0

    def _received(self, size_bytes: int) -> None:
        if size_bytes:
            self._carry_out(self._upper_layer.receive(self._buffer[:size_bytes]))
        else:
            self._carry_out(self._upper_layer.connection_closed())
            self._close()
            if self._killed:
                raise self._over()

    def _timed_out(self, timeout_s: float) -> None:
        if self._artim_deadline is not None and time.monotonic() >= self._artim_deadline:
            self._artim_deadline = None
            self._artim_ran_out = True
            self._carry_out(self._upper_layer.artim_expired())
            return
        self._give_up(timeout_s)

    def _wait_in_rounds(self, timeout_s: float, meanwhile: Callable[[], None]) -> None:
        deadline = time.monotonic() + timeout_s
        while not self.wait(min(_ROUND_S, timeout_s)):
            if time.monotonic() >= deadline:
                self._give_up(timeout_s)
            meanwhile()

    def _give_up(self, timeout_s: float) -> NoReturn:
        self.abort(Abort(AbortSource.SERVICE_PROVIDER))
        raise AssociationTimedOut(f"aborted: nothing whole came from the peer for {timeout_s:.3g} s")

    def _carry_out(self, steps: Iterable[Indication | Command]) -> None:
        for step in steps:
            # Fragments first: of all steps they alone are many.
            if isinstance(step, DataFragment):
                self._assemble(step)
            elif isinstance(step, SendBytes):
                self._send(step.data)
            elif isinstance(step, StartArtim):
                self._artim_deadline = time.monotonic() + self.timeouts.artim_s
            elif isinstance(step, StopArtim):
                self._artim_deadline = None
            elif isinstance(step, CloseConnection):
                self._close()
            else:
                self.events.append(step)

    def _assemble(self, fragment: DataFragment) -> None:
        try:
            self.events.extend(self._assembler.receive(fragment))
        except InvalidMessage as error:
            self.abort(Abort())
            raise AssociationAborted(f"aborted: {error}") from error

    def _send(self, data: bytes) -> None:
        self.last_sent = data
        with self._send_lock:
            try:
                self._stream.send(data, self.timeouts.network_s)
            except OSError:
                # Whoever reads next finds the transport closed and takes that way through the state machine.
                self._stream.shut()

    def _close(self) -> None:
        if not self.closed:
            self.closed = True
            self._artim_deadline = None
            self._stream.close()

    def _over(self) -> AssociationEnded:
        """Return why nothing more can be done, as the error to raise."""
        if self._killed:
            return AssociationAborted("aborted: we are stopping")
        if self._upper_layer.fault:
            return AssociationAborted(f"aborted: {self._upper_layer.fault}")
        if self._artim_ran_out:
            return AssociationTimedOut(f"closed: the peer was silent for {self.timeouts.artim_s:g} s")
        if self.tls_fault:
            return ConnectionLost(f"the TLS connection broke: {self.tls_fault}")
        return ConnectionLost("the connection was lost")
