"""The upper layer protocol machine, without sockets or clocks (PS3.8 9.2): bytes and primitives in, events out.

Whoever drives it (``network.association``) tells it what happened - :meth:`UpperLayer.connected`, ``receive``,
``send``, ``artim_expired``, ``connection_closed`` - and does what the returned list says, in its order: hand
indications up, carry commands out. Association PDUs are collected whole (at most 1 MiB); of P-DATA-TF nothing is
kept or copied: each slice of a received chunk goes on as a :class:`DataFragment`. What fragments mean is for
``dimse``, whether an association is wanted for ``negotiation``.

Rule 1: no input raises. Whatever a peer sends ends in indications, or in an A-ABORT and silence.
Rule 2: after a PDU that cannot be read, the stream has no known boundaries; nothing more is read from it.
"""

from __future__ import annotations

import struct
from enum import Enum, auto

from calotype.dicom.wire.pdu import (
    REJECT_PROTOCOL_VERSION,
    Abort,
    AbortSource,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    PDataTF,
    Pdu,
    PduType,
    ReleaseRP,
    ReleaseRQ,
    decode_pdu,
)
from calotype.dicom.wire.pdu_items import AbortReason, InvalidPdu
from calotype.dicom.wire.primitives import (
    Aborted,
    AssociationAccepted,
    AssociationRejected,
    AssociationRequested,
    CloseConnection,
    Command,
    ConnectionLost,
    DataFragment,
    Indication,
    ReleaseConfirmed,
    ReleaseRequested,
    SendBytes,
    StartArtim,
    StopArtim,
)
from calotype.dicom.wire.states import ACTIONS, LOCAL_PRIMITIVES, TRANSITIONS, Action, Event, State, Step
from calotype.errors import CalotypeError

# The machine and the vocabulary it is spoken to in are imported from one place.
__all__ = [
    "DEFAULT_MAX_PDU_BYTES",
    "MAX_ASSOCIATE_BYTES",
    "Aborted",
    "AssociationAccepted",
    "AssociationRejected",
    "AssociationRequested",
    "CloseConnection",
    "Command",
    "ConnectionLost",
    "DataFragment",
    "Indication",
    "ReleaseConfirmed",
    "ReleaseRequested",
    "Role",
    "SendBytes",
    "StartArtim",
    "StopArtim",
    "UpperLayer",
    "WrongState",
]

DEFAULT_MAX_PDU_BYTES = 262144
MAX_ASSOCIATE_BYTES = 1 << 20
"""128 contexts with 40 transfer syntaxes each and all of user information stay well below this."""


class WrongState(CalotypeError):
    """A primitive was used in a state in which PS3.8 Table 9-10 has no room for it: a mistake on our side."""


class Role(Enum):
    """Which side of the association we are."""

    ACCEPTOR = auto()
    REQUESTOR = auto()


_P_DATA_TF = int(PduType.P_DATA_TF)
_PDU_HEADER = struct.Struct(">BxI")
_PDV_HEADER = struct.Struct(">IBB")
_PDU_AND_PDV_HEADER = struct.Struct(">BxIIBB")
_HEADER_BYTES = 6
"""The PDU's header and the PDV's happen to be equally long."""

_FIXED_BYTES = frozenset((PduType.ASSOCIATE_RJ, PduType.RELEASE_RQ, PduType.RELEASE_RP, PduType.ABORT))
_RECEIVED: dict[int, Event] = {
    PduType.ASSOCIATE_AC: Event.EVT3,
    PduType.ASSOCIATE_RJ: Event.EVT4,
    PduType.ASSOCIATE_RQ: Event.EVT6,
    PduType.RELEASE_RQ: Event.EVT12,
    PduType.RELEASE_RP: Event.EVT13,
    PduType.ABORT: Event.EVT16,
}
_SENT: dict[type[Pdu], Event] = {
    AssociateRQ: Event.EVT1,
    AssociateAC: Event.EVT7,
    AssociateRJ: Event.EVT8,
    PDataTF: Event.EVT9,
    ReleaseRQ: Event.EVT11,
    ReleaseRP: Event.EVT14,
    Abort: Event.EVT15,
}
_ALWAYS_THE_SAME: dict[Step, Indication | Command] = {
    Step.SEND_REJECT: SendBytes(REJECT_PROTOCOL_VERSION.encode()),
    Step.INDICATE_LOSS: ConnectionLost(),
    Step.START_ARTIM: StartArtim(),
    Step.STOP_ARTIM: StopArtim(),
    Step.CLOSE: CloseConnection(),
}
_TAKING_DATA = frozenset((State.STA6, State.STA7))
_GIVING_DATA = frozenset((State.STA6, State.STA8))


_FOREIGN = {
    0x15: ", as a TLS alert begins: does the peer want TLS here?",
    0x16: ", as a TLS handshake begins: the peer wants TLS here",
    0x47: ", as an HTTP request begins",
    0x48: ", as an HTTP answer begins",
    0x50: ", as an HTTP request begins",
}
"""First bytes of other protocols that are met on DICOM's ports."""


class UpperLayer:
    """One association's protocol machine. Used by one thread at a time.

    ``max_pdu_bytes`` is what we announced: a P-DATA-TF PDU with a longer variable field ends in A-ABORT; 0 allows
    any length.
    """

    __slots__ = (
        "_abort_reason",
        "_body",
        "_body_left",
        "_context_id",
        "_fault",
        "_held",
        "_is_command",
        "_is_deaf",
        "_is_last",
        "_is_open",
        "_max_pdu_bytes",
        "_partial",
        "_pdu_left",
        "_pdu_type",
        "_pdv_left",
        "_role",
        "_skip_left",
        "_state",
        "_takes_data",
    )

    def __init__(self, role: Role, *, max_pdu_bytes: int = DEFAULT_MAX_PDU_BYTES) -> None:
        self._role = role
        self._max_pdu_bytes = max_pdu_bytes or 0xFFFFFFFF
        self._state = State.STA1
        self._takes_data = False
        self._fault = ""
        self._abort_reason = AbortReason.NOT_SPECIFIED
        self._held: AssociateRQ | None = None
        self._is_open = False
        # Where in the stream we are. All counters at zero: at the edge of a PDU. Otherwise the bytes that come next
        # belong to a PDU to be skipped, a body being collected, a PDV being passed on, or (only _pdu_left above
        # zero) to the header of the next PDV. _partial holds the part of a header that has come.
        self._partial = bytearray()
        self._body = bytearray()
        self._body_left = 0
        self._pdu_type = 0
        self._pdu_left = 0
        self._pdv_left = 0
        self._skip_left = 0
        self._context_id = 0
        self._is_command = False
        self._is_last = False
        self._is_deaf = False

    @property
    def state(self) -> State:
        """Where in PS3.8 Table 9-10 we are."""
        return self._state

    @property
    def can_send_data(self) -> bool:
        """Whether P-DATA may be sent: for drivers that write :mod:`dimse` PDUs to the socket themselves."""
        return self._state in _GIVING_DATA

    @property
    def fault(self) -> str:
        """What the peer sent that we aborted for, for the log; empty when it was nothing."""
        return self._fault

    def connected(self) -> list[Indication | Command]:
        """Tell that the transport connection is open: accepted, or opened by us (before or after ``send``)."""
        self._is_open = True
        if self._role is Role.ACCEPTOR:
            return self._occur(Event.EVT5)
        return self._occur(Event.EVT2, self._held)

    def send(self, pdu: Pdu) -> list[Indication | Command]:
        """Use a primitive. WrongState when the state machine has no room for it now."""
        event = _SENT[type(pdu)]
        if event is not Event.EVT1:
            return self._occur(event, pdu)
        if self._role is Role.ACCEPTOR:
            raise WrongState("the accepting side cannot request an association")
        out = self._occur(event)
        if self._is_open:
            return out + self._occur(Event.EVT2, pdu)
        self._held = pdu if isinstance(pdu, AssociateRQ) else None
        return out

    def artim_expired(self) -> list[Indication | Command]:
        """Tell that the ARTIM timer ran out."""
        return self._occur(Event.EVT18)

    def connection_closed(self) -> list[Indication | Command]:
        """Tell that the peer closed the transport connection, or that it broke."""
        return self._occur(Event.EVT17)

    def receive(self, chunk: memoryview) -> list[Indication | Command]:
        """Take what arrived, however it was cut; ``chunk`` may be reused once the result was dealt with."""
        out: list[Indication | Command] = []
        at, size = 0, len(chunk)
        while at < size and not self._is_deaf:
            if self._pdv_left:
                end = at + self._pdv_left
                if end > size:
                    self._pdv_left = end - size
                    out.append(
                        DataFragment(self._context_id, self._is_command, self._is_last, chunk[at:], ends_pdv=False)
                    )
                    break
                self._pdv_left = 0
                out.append(
                    DataFragment(self._context_id, self._is_command, self._is_last, chunk[at:end], ends_pdv=True)
                )
                at = end
            elif (
                self._takes_data
                and size - at > 12
                and not (self._pdu_left or self._partial or self._body_left or self._skip_left)
            ):
                # The short way for nearly every byte of a study: a PDU with one PDV, whose headers are in sight.
                pdu_type, pdu_bytes, pdv_bytes, context_id, control = _PDU_AND_PDV_HEADER.unpack_from(chunk, at)
                if pdu_type == _P_DATA_TF and pdu_bytes == pdv_bytes + 4 and 6 < pdu_bytes <= self._max_pdu_bytes:
                    self._context_id = context_id
                    self._is_command = control & 1 == 1
                    self._is_last = control & 2 == 2
                    self._pdv_left = pdv_bytes - 2
                    at += 12
                else:
                    at = self._advance(chunk, at, out)
            else:
                at = self._advance(chunk, at, out)
        return out

    def _advance(self, chunk: memoryview, at: int, out: list[Indication | Command]) -> int:
        """Go forward over anything but PDV data; return where in ``chunk`` to go on."""
        if self._skip_left:
            step = min(self._skip_left, len(chunk) - at)
            self._skip_left -= step
            return at + step
        if self._body_left:
            body = chunk[at : at + self._body_left]
            self._body += body
            self._body_left -= len(body)
            if not self._body_left:
                self._finish_body(out)
            return at + len(body)
        head = chunk[at : at + _HEADER_BYTES - len(self._partial)]
        self._partial += head
        if len(self._partial) == _HEADER_BYTES:
            header = bytes(self._partial)
            self._partial.clear()
            if self._pdu_left:
                self._begin_pdv(header, chunk, out)
            else:
                self._begin_pdu(header, out)
        return at + len(head)

    def _begin_pdu(self, header: bytes, out: list[Indication | Command]) -> None:
        pdu_type, length = _PDU_HEADER.unpack(header)
        if pdu_type == _P_DATA_TF:
            if not self._takes_data:
                out += self._hear(Event.EVT10, pdu_type)
                self._skip_left = length
            elif length > self._max_pdu_bytes:
                out += self._refuse(f"P-DATA-TF of {length} bytes; at most {self._max_pdu_bytes} were announced")
            elif length < _HEADER_BYTES:
                out += self._refuse(f"P-DATA-TF of {length} bytes: too short for a PDV")
            else:
                self._pdu_left = length
            return
        if pdu_type not in _RECEIVED:
            fault = f"PDU of unknown type {pdu_type:02X}H{_FOREIGN.get(pdu_type, '')}"
            out += self._refuse(fault, AbortReason.UNRECOGNIZED_PDU)
        elif pdu_type in _FIXED_BYTES and length != 4:
            out += self._refuse(f"{PduType(pdu_type).standard_name} of {length} bytes where 4 belong")
        elif not 0 < length <= MAX_ASSOCIATE_BYTES:
            out += self._refuse(
                f"{PduType(pdu_type).standard_name} of {length} bytes; at most {MAX_ASSOCIATE_BYTES} are taken"
            )
        else:
            self._pdu_type, self._body_left = pdu_type, length

    def _begin_pdv(self, header: bytes, chunk: memoryview, out: list[Indication | Command]) -> None:
        length, context_id, control = _PDV_HEADER.unpack(header)
        if not 2 <= length <= self._pdu_left - 4:
            out += self._refuse(f"a PDV claims {length} bytes, its P-DATA-TF has {self._pdu_left - 4} left")
            return
        self._context_id, self._is_command, self._is_last = context_id, control & 1 == 1, control & 2 == 2
        self._pdu_left -= 4 + length
        self._pdv_left = length - 2
        if 0 < self._pdu_left < _HEADER_BYTES:
            out += self._refuse(f"P-DATA-TF: {self._pdu_left} bytes are left over after the last PDV")
        elif not self._pdv_left:
            out.append(DataFragment(context_id, self._is_command, self._is_last, chunk[:0], ends_pdv=True))

    def _finish_body(self, out: list[Indication | Command]) -> None:
        body = bytes(self._body)
        self._body.clear()
        try:
            pdu = decode_pdu(self._pdu_type, body)
        except InvalidPdu as error:
            out += self._refuse(str(error), error.abort_reason)
            return
        out += self._hear(_RECEIVED[self._pdu_type], self._pdu_type, pdu)

    def _hear(self, event: Event, pdu_type: int, pdu: Pdu | None = None) -> list[Indication | Command]:
        """Let a PDU that can be read occur; one that the state has no place for is a fault."""
        self._abort_reason = AbortReason.UNEXPECTED_PDU
        if TRANSITIONS.get((event, self._state)) in {Action.AA_1, Action.AA_8}:
            self._fault = f"{PduType(pdu_type).standard_name} in {self._state}"
        return self._occur(event, pdu)

    def _refuse(
        self, fault: str, reason: AbortReason = AbortReason.INVALID_PDU_PARAMETER_VALUE
    ) -> list[Indication | Command]:
        self._abort_reason = reason
        if self._state is not State.STA13:
            self._fault = fault
        out = self._occur(Event.EVT19)
        self._is_deaf = True
        return out

    def _occur(self, event: Event, pdu: Pdu | None = None) -> list[Indication | Command]:
        """Look the event up in PS3.8 Table 9-10, do what its action says, go to the next state."""
        action = TRANSITIONS.get((event, self._state))
        if action is None:
            if event in LOCAL_PRIMITIVES:
                raise WrongState(f"{event} is not possible in {self._state}")
            # What is left are races: a timer that ran out while it was being stopped, a connection closed twice.
            return []
        row = ACTIONS[action]
        outcome = row.outcome
        if row.otherwise is not None and not self._condition_holds(action, pdu):
            outcome = row.otherwise
        out = [self._do(step, pdu) for step in outcome.steps]
        self._enter(outcome.next_state)
        return out

    def _condition_holds(self, action: Action, pdu: Pdu | None) -> bool:
        if action is Action.AR_8:
            return self._role is Role.REQUESTOR
        # PS3.8 9.3.2: "A receiver of this PDU implementing only this version of the DICOM UL protocol shall only
        # test that bit 0 is set."
        return isinstance(pdu, AssociateRQ) and pdu.protocol_version & 1 == 1

    def _enter(self, state: State) -> None:
        self._state = state
        self._takes_data = state in _TAKING_DATA
        if state is State.STA1:
            self._is_deaf = True
        if not self._takes_data and (self._pdu_left or self._pdv_left):
            # We aborted in the middle of a PDU that still arrives: its rest is nobody's any more.
            self._skip_left = self._pdv_left + self._pdu_left - len(self._partial)
            self._pdv_left = self._pdu_left = 0
            self._partial.clear()

    def _do(self, step: Step, pdu: Pdu | None) -> Indication | Command:
        if step in _ALWAYS_THE_SAME:
            return _ALWAYS_THE_SAME[step]
        match step:
            case Step.SEND_ABORT:
                return SendBytes((pdu if isinstance(pdu, Abort) else Abort()).encode())
            case Step.SEND_PROVIDER_ABORT:
                return SendBytes(Abort(AbortSource.SERVICE_PROVIDER, self._abort_reason).encode())
            case Step.INDICATE_PROVIDER_ABORT:
                return Aborted(AbortSource.SERVICE_PROVIDER, self._abort_reason, self._fault)
            case Step.INDICATE:
                return _indication(pdu)
            case _:
                return SendBytes(pdu.encode() if pdu is not None else b"")


def _indication(pdu: Pdu | None) -> Indication:
    match pdu:
        case AssociateRQ():
            return AssociationRequested(pdu)
        case AssociateAC():
            return AssociationAccepted(pdu)
        case AssociateRJ():
            return AssociationRejected(pdu)
        case ReleaseRQ():
            return ReleaseRequested()
        case ReleaseRP():
            return ReleaseConfirmed()
        case Abort(source, reason):
            return Aborted(source, reason)
        case _:
            raise WrongState(f"{type(pdu).__name__} has no indication")
