"""The DIMSE messages as frozen dataclasses (PS3.7 9.3, 10.3): one class per command, named like the Standard's.

How their command sets look as bytes is in ``command_sets``, how they travel in ``dimse``; which service a message
belongs to and how it is answered is decided in ``scp`` and ``scu``. All fields are given by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import VERIFICATION
from calotype.dicom.wire.values import NO_UID
from calotype.errors import InvalidRequest


class InvalidMessage(InvalidRequest):
    """A command set cannot be read, or fragments come in an order that no message has."""


class Priority(IntEnum):
    """Priority (0000,0700)."""

    MEDIUM = 0
    HIGH = 1
    LOW = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What all messages have. ``has_data_set`` is the Command Data Set Type (0000,0800)."""

    command_field: ClassVar[int]
    has_data_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Message):
    """What all requests but C-CANCEL have."""

    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(Message):
    """What all responses have; the last three fields tell more about a failure (PS3.7 Annex C)."""

    message_id_being_responded_to: int
    status: int
    affected_sop_class_uid: UID = NO_UID
    offending_elements: tuple[int, ...] = ()
    error_comment: str = ""
    error_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuboperationCounts(Response):
    """A response that counts C-STORE sub-operations; more than 65535 are sent as 65535."""

    number_of_remaining_suboperations: int | None = None
    number_of_completed_suboperations: int | None = None
    number_of_failed_suboperations: int | None = None
    number_of_warning_suboperations: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceResponse(Response):
    """A response about one SOP instance."""

    affected_sop_instance_uid: UID = NO_UID


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedInstance(Request):
    """A request about an instance that exists already."""

    requested_sop_class_uid: UID
    requested_sop_instance_uid: UID


@dataclass(frozen=True, slots=True, kw_only=True)
class CStoreRQ(Request):
    """C-STORE-RQ (PS3.7 9.3.1.1); the move originator is set in sub-operations of a C-MOVE."""

    command_field = 0x0001
    has_data_set: bool = True
    affected_sop_class_uid: UID
    affected_sop_instance_uid: UID
    priority: int = Priority.MEDIUM
    move_originator_ae_title: str = ""
    move_originator_message_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CStoreRSP(InstanceResponse):
    """C-STORE-RSP (PS3.7 9.3.1.2)."""

    command_field = 0x8001


@dataclass(frozen=True, slots=True, kw_only=True)
class CFindRQ(Request):
    """C-FIND-RQ (PS3.7 9.3.2.1)."""

    command_field = 0x0020
    has_data_set: bool = True
    affected_sop_class_uid: UID
    priority: int = Priority.MEDIUM


@dataclass(frozen=True, slots=True, kw_only=True)
class CFindRSP(Response):
    """C-FIND-RSP (PS3.7 9.3.2.2); a pending one has a data set."""

    command_field = 0x8020


@dataclass(frozen=True, slots=True, kw_only=True)
class CGetRQ(Request):
    """C-GET-RQ (PS3.7 9.3.3.1)."""

    command_field = 0x0010
    has_data_set: bool = True
    affected_sop_class_uid: UID
    priority: int = Priority.MEDIUM


@dataclass(frozen=True, slots=True, kw_only=True)
class CGetRSP(SuboperationCounts):
    """C-GET-RSP (PS3.7 9.3.3.2)."""

    command_field = 0x8010


@dataclass(frozen=True, slots=True, kw_only=True)
class CMoveRQ(Request):
    """C-MOVE-RQ (PS3.7 9.3.4.1)."""

    command_field = 0x0021
    has_data_set: bool = True
    affected_sop_class_uid: UID
    move_destination: str
    priority: int = Priority.MEDIUM


@dataclass(frozen=True, slots=True, kw_only=True)
class CMoveRSP(SuboperationCounts):
    """C-MOVE-RSP (PS3.7 9.3.4.2)."""

    command_field = 0x8021


@dataclass(frozen=True, slots=True, kw_only=True)
class CEchoRQ(Request):
    """C-ECHO-RQ (PS3.7 9.3.5.1)."""

    command_field = 0x0030
    affected_sop_class_uid: UID = VERIFICATION


@dataclass(frozen=True, slots=True, kw_only=True)
class CEchoRSP(Response):
    """C-ECHO-RSP (PS3.7 9.3.5.2)."""

    command_field = 0x8030


@dataclass(frozen=True, slots=True, kw_only=True)
class CCancelRQ(Message):
    """C-CANCEL-RQ (PS3.7 9.3.2.3): the C-FIND, C-GET or C-MOVE with this ID is no longer wanted. Not answered."""

    command_field = 0x0FFF
    message_id_being_responded_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NEventReportRQ(Request):
    """N-EVENT-REPORT-RQ (PS3.7 10.3.1.1)."""

    command_field = 0x0100
    affected_sop_class_uid: UID
    affected_sop_instance_uid: UID
    event_type_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NEventReportRSP(InstanceResponse):
    """N-EVENT-REPORT-RSP (PS3.7 10.3.1.2)."""

    command_field = 0x8100
    event_type_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NGetRQ(RequestedInstance):
    """N-GET-RQ (PS3.7 10.3.2.1); an empty list of attributes asks for all."""

    command_field = 0x0110
    attribute_identifiers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NGetRSP(InstanceResponse):
    """N-GET-RSP (PS3.7 10.3.2.2)."""

    command_field = 0x8110
    attribute_identifiers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NSetRQ(RequestedInstance):
    """N-SET-RQ (PS3.7 10.3.3.1)."""

    command_field = 0x0120
    has_data_set: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NSetRSP(InstanceResponse):
    """N-SET-RSP (PS3.7 10.3.3.2)."""

    command_field = 0x8120
    attribute_identifiers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NActionRQ(RequestedInstance):
    """N-ACTION-RQ (PS3.7 10.3.4.1)."""

    command_field = 0x0130
    action_type_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NActionRSP(InstanceResponse):
    """N-ACTION-RSP (PS3.7 10.3.4.2)."""

    command_field = 0x8130
    action_type_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NCreateRQ(Request):
    """N-CREATE-RQ (PS3.7 10.3.5.1); without an instance UID the performer makes one."""

    command_field = 0x0140
    affected_sop_class_uid: UID
    affected_sop_instance_uid: UID = NO_UID


@dataclass(frozen=True, slots=True, kw_only=True)
class NCreateRSP(InstanceResponse):
    """N-CREATE-RSP (PS3.7 10.3.5.2)."""

    command_field = 0x8140
    attribute_identifiers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NDeleteRQ(RequestedInstance):
    """N-DELETE-RQ (PS3.7 10.3.6.1)."""

    command_field = 0x0150


@dataclass(frozen=True, slots=True, kw_only=True)
class NDeleteRSP(InstanceResponse):
    """N-DELETE-RSP (PS3.7 10.3.6.2)."""

    command_field = 0x8150
