"""The seven PDUs as frozen dataclasses <-> bytes (PS3.8 9.3), and their results and reasons in words.

A PDU is ``type, reserved, length (4 bytes, big endian), body``; ``encode`` returns the whole PDU, :func:`decode_pdu`
takes type and body. When a PDU may be sent or received is not known here (``states``), and received P-DATA-TF
PDUs do not pass through here at all: ``upper_layer`` hands their slices on without copying.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Self, TypeAlias, TypeVar

from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.pdu_items import (
    DICOM_APPLICATION_CONTEXT,
    AbortReason,
    InvalidPdu,
    ItemType,
    PresentationContextProposed,
    PresentationContextResult,
    UserInformation,
    encode_item,
    iterate_items,
)
from calotype.dicom.wire.values import decode_text, decode_uid, encode_ae_title, encode_text

PROTOCOL_VERSION = 1
"""Bit 0 of the version field says version 1, the only one there is (PS3.8 9.3.2)."""

_HEADER = struct.Struct(">BxI")
_PDV_HEADER = struct.Struct(">IBB")
_PDU_AND_PDV_HEADER = struct.Struct(">BxIIBB")
_ASSOCIATE_FIELDS = struct.Struct(">H2x16s16s32x")
_MAX_REMEMBERED_BYTES = 512
"""Of one context; a dozen transfer syntaxes fit, and all that is remembered stays within a megabyte or two."""


class PduType(IntEnum):
    """The first byte of each PDU."""

    ASSOCIATE_RQ = 0x01
    ASSOCIATE_AC = 0x02
    ASSOCIATE_RJ = 0x03
    P_DATA_TF = 0x04
    RELEASE_RQ = 0x05
    RELEASE_RP = 0x06
    ABORT = 0x07

    @property
    def standard_name(self) -> str:
        """The PDU's name as the Standard prints it."""
        name = self.name.replace("_", "-")
        return name if self is PduType.P_DATA_TF else f"A-{name}"


class RejectResult(IntEnum):
    """Result of an A-ASSOCIATE-RJ (PS3.8 Table 9-21)."""

    PERMANENT = 1
    TRANSIENT = 2


class RejectSource(IntEnum):
    """Source of an A-ASSOCIATE-RJ (PS3.8 Table 9-21)."""

    SERVICE_USER = 1
    SERVICE_PROVIDER_ACSE = 2
    SERVICE_PROVIDER_PRESENTATION = 3


class AbortSource(IntEnum):
    """Source of an A-ABORT (PS3.8 Table 9-26)."""

    SERVICE_USER = 0
    SERVICE_PROVIDER = 2


REJECT_REASONS: dict[tuple[int, int], str] = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognized",
    (1, 7): "called AE title not recognized",
    (2, 1): "no reason given",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
"""(source, reason) in words (PS3.8 Table 9-21)."""


@dataclass(frozen=True, slots=True)
class AssociateRQ:
    """A-ASSOCIATE-RQ (PS3.8 9.3.2): one AE asks another for an association."""

    called_ae_title: str
    calling_ae_title: str
    presentation_contexts: tuple[PresentationContextProposed, ...]
    user_information: UserInformation
    application_context: UID = DICOM_APPLICATION_CONTEXT
    protocol_version: int = PROTOCOL_VERSION

    def encode(self) -> bytes:
        """Return the PDU."""
        return _encode_associate(PduType.ASSOCIATE_RQ, self)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read the PDU's body."""
        return cls(*_decode_associate(body, ItemType.PRESENTATION_CONTEXT_PROPOSED, _decode_proposed))


@dataclass(frozen=True, slots=True)
class AssociateAC:
    """A-ASSOCIATE-AC (PS3.8 9.3.3): the association stands, with these contexts."""

    called_ae_title: str
    calling_ae_title: str
    presentation_contexts: tuple[PresentationContextResult, ...]
    user_information: UserInformation
    application_context: UID = DICOM_APPLICATION_CONTEXT
    protocol_version: int = PROTOCOL_VERSION

    def encode(self) -> bytes:
        """Return the PDU."""
        return _encode_associate(PduType.ASSOCIATE_AC, self)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read the PDU's body."""
        kind = ItemType.PRESENTATION_CONTEXT_RESULT
        return cls(*_decode_associate(body, kind, PresentationContextResult.decode))


@dataclass(frozen=True, slots=True)
class AssociateRJ:
    """A-ASSOCIATE-RJ (PS3.8 9.3.4): no association, and why."""

    result: int
    source: int
    reason: int

    @property
    def is_transient(self) -> bool:
        """Whether trying again later may help."""
        return self.result == RejectResult.TRANSIENT

    @property
    def in_words(self) -> str:
        """The reason as a person reads it, with its numbers for those who search for them."""
        words = REJECT_REASONS.get((self.source, self.reason), "reserved reason")
        return f"{words} (result {self.result}, source {self.source}, reason {self.reason})"

    def encode(self) -> bytes:
        """Return the PDU."""
        return _HEADER.pack(PduType.ASSOCIATE_RJ, 4) + bytes((0, self.result, self.source, self.reason))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read the PDU's body."""
        _check_length(PduType.ASSOCIATE_RJ, body)
        return cls(*body[1:4])


def _user_rejection(reason: int) -> AssociateRJ:
    return AssociateRJ(RejectResult.PERMANENT, RejectSource.SERVICE_USER, reason)


REJECT_NO_REASON = _user_rejection(1)
REJECT_APPLICATION_CONTEXT = _user_rejection(2)
REJECT_CALLING_AE_TITLE = _user_rejection(3)
REJECT_CALLED_AE_TITLE = _user_rejection(7)
REJECT_PROTOCOL_VERSION = AssociateRJ(RejectResult.PERMANENT, RejectSource.SERVICE_PROVIDER_ACSE, 2)
REJECT_TEMPORARY_CONGESTION = AssociateRJ(RejectResult.TRANSIENT, RejectSource.SERVICE_PROVIDER_PRESENTATION, 1)
REJECT_LOCAL_LIMIT_EXCEEDED = AssociateRJ(RejectResult.TRANSIENT, RejectSource.SERVICE_PROVIDER_PRESENTATION, 2)


@dataclass(frozen=True, slots=True)
class PresentationDataValue:
    """One PDV (PS3.8 9.3.5.1): a fragment of a command set or a data set."""

    context_id: int
    is_command: bool
    is_last: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class PDataTF:
    """P-DATA-TF (PS3.8 9.3.5)."""

    pdvs: tuple[PresentationDataValue, ...]

    def encode(self) -> bytes:
        """Return the PDU."""
        body = b"".join(
            _PDV_HEADER.pack(len(pdv.data) + 2, pdv.context_id, pdv.is_command | pdv.is_last << 1) + pdv.data
            for pdv in self.pdvs
        )
        return _HEADER.pack(PduType.P_DATA_TF, len(body)) + body

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read the PDU's body."""
        pdvs, at = [], 0
        while at < len(body):
            if len(body) - at < _PDV_HEADER.size:
                raise InvalidPdu(f"P-DATA-TF: {len(body) - at} bytes are left over after the last PDV")
            length, context_id, control = _PDV_HEADER.unpack_from(body, at)
            end = at + 4 + length
            if length < 2 or end > len(body):
                raise InvalidPdu(f"P-DATA-TF: a PDV claims {length} bytes, {len(body) - at - 4} are left")
            data = body[at + _PDV_HEADER.size : end]
            pdvs.append(PresentationDataValue(context_id, bool(control & 1), bool(control & 2), data))
            at = end
        if not pdvs:
            raise InvalidPdu("P-DATA-TF: no PDV in it")
        return cls(tuple(pdvs))


@dataclass(frozen=True, slots=True)
class ReleaseRQ:
    """A-RELEASE-RQ (PS3.8 9.3.6)."""

    def encode(self) -> bytes:
        """Return the PDU."""
        return _HEADER.pack(PduType.RELEASE_RQ, 4) + bytes(4)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read the PDU's body, which is reserved."""
        _check_length(PduType.RELEASE_RQ, body)
        return cls()


@dataclass(frozen=True, slots=True)
class ReleaseRP:
    """A-RELEASE-RP (PS3.8 9.3.7)."""

    def encode(self) -> bytes:
        """Return the PDU."""
        return _HEADER.pack(PduType.RELEASE_RP, 4) + bytes(4)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read the PDU's body, which is reserved."""
        _check_length(PduType.RELEASE_RP, body)
        return cls()


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT (PS3.8 9.3.8); the reason means something only when the source is the service-provider."""

    source: int = AbortSource.SERVICE_USER
    reason: int = AbortReason.NOT_SPECIFIED

    @property
    def in_words(self) -> str:
        """Source and reason as a person reads them."""
        if self.source == AbortSource.SERVICE_USER:
            return "aborted by the application"
        known = self.reason in AbortReason.__members__.values()
        reason = AbortReason(self.reason).name.lower().replace("_", " ") if known else f"reserved {self.reason}"
        return f"aborted by the protocol layer: {reason}"

    def encode(self) -> bytes:
        """Return the PDU."""
        return _HEADER.pack(PduType.ABORT, 4) + bytes((0, 0, self.source, self.reason))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read the PDU's body."""
        _check_length(PduType.ABORT, body)
        return cls(body[2], body[3])


Pdu: TypeAlias = AssociateRQ | AssociateAC | AssociateRJ | PDataTF | ReleaseRQ | ReleaseRP | Abort


def decode_pdu(pdu_type: int, body: bytes) -> Pdu:
    """Return the PDU of a body. InvalidPdu when the type is unknown or the body cannot be read."""
    decode = _DECODERS.get(pdu_type)
    if decode is None:
        raise InvalidPdu(f"there is no PDU of type {pdu_type:02X}H", AbortReason.UNRECOGNIZED_PDU)
    return decode(body)


def pdv_prefix(context_id: int, data_bytes: int, *, is_command: bool, is_last: bool) -> bytes:
    """Return the 12 bytes before a fragment that travels as the only PDV of its P-DATA-TF PDU."""
    control = is_command | is_last << 1
    return _PDU_AND_PDV_HEADER.pack(PduType.P_DATA_TF, data_bytes + 6, data_bytes + 2, context_id, control)


def _encode_associate(pdu_type: PduType, pdu: AssociateRQ | AssociateAC) -> bytes:
    called, calling = encode_ae_title(pdu.called_ae_title), encode_ae_title(pdu.calling_ae_title)
    body = b"".join(
        (
            _ASSOCIATE_FIELDS.pack(pdu.protocol_version, called, calling),
            encode_item(ItemType.APPLICATION_CONTEXT, encode_text(pdu.application_context)),
            *(context.encode() for context in pdu.presentation_contexts),
            pdu.user_information.encode(),
        )
    )
    return _HEADER.pack(pdu_type, len(body)) + body


def _decode_proposed(value: bytes) -> PresentationContextProposed:
    """Read a proposed context: a device proposes the same ones for each of its associations."""
    if len(value) > _MAX_REMEMBERED_BYTES:
        return PresentationContextProposed.decode(value)
    return _remembered_proposed(value)


_remembered_proposed = lru_cache(maxsize=1024)(PresentationContextProposed.decode)

_Context = TypeVar("_Context", PresentationContextProposed, PresentationContextResult)


def _decode_associate(
    body: bytes, kind_of_context: ItemType, decode_context: Callable[[bytes], _Context]
) -> tuple[str, str, tuple[_Context, ...], UserInformation, UID, int]:
    """Return the fields of an A-ASSOCIATE-RQ or -AC, in the order of their classes."""
    if len(body) < _ASSOCIATE_FIELDS.size:
        raise InvalidPdu(f"an A-ASSOCIATE body of {len(body)} bytes lacks its {_ASSOCIATE_FIELDS.size} fixed ones")
    version, called, calling = _ASSOCIATE_FIELDS.unpack_from(body)
    contexts: list[_Context] = []
    application_context, user_information = UID(""), UserInformation()
    for kind, value in iterate_items(body, _ASSOCIATE_FIELDS.size):
        if kind == kind_of_context:
            contexts.append(decode_context(value))
        elif kind == ItemType.APPLICATION_CONTEXT:
            application_context = decode_uid(value)
        elif kind == ItemType.USER_INFORMATION:
            user_information = UserInformation.decode(value)
    _check_distinct(context.context_id for context in contexts)
    return decode_text(called), decode_text(calling), tuple(contexts), user_information, application_context, version


def _check_distinct(context_ids: Iterable[int]) -> None:
    seen: set[int] = set()
    for context_id in context_ids:
        if context_id in seen:
            raise InvalidPdu(f"presentation context ID {context_id} stands for two contexts")
        seen.add(context_id)


def _check_length(pdu_type: PduType, body: bytes) -> None:
    if len(body) != 4:
        raise InvalidPdu(f"{pdu_type.standard_name}: the body has {len(body)} bytes where 4 belong")


_DECODERS: dict[int, Callable[[bytes], Pdu]] = {
    PduType.ASSOCIATE_RQ: AssociateRQ.decode,
    PduType.ASSOCIATE_AC: AssociateAC.decode,
    PduType.ASSOCIATE_RJ: AssociateRJ.decode,
    PduType.P_DATA_TF: PDataTF.decode,
    PduType.RELEASE_RQ: ReleaseRQ.decode,
    PduType.RELEASE_RP: ReleaseRP.decode,
    PduType.ABORT: Abort.decode,
}
