"""What goes over the upper layer's edges: indications for its user, commands for whoever drives it (PS3.8 7).

Service primitives as plain data, made by ``upper_layer`` alone. What an indication is answered with stands in
its docstring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from calotype.dicom.wire.pdu import AssociateAC, AssociateRJ, AssociateRQ


@dataclass(frozen=True, slots=True)
class AssociationRequested:
    """A-ASSOCIATE indication; answer with ``send(AssociateAC | AssociateRJ)``."""

    pdu: AssociateRQ


@dataclass(frozen=True, slots=True)
class AssociationAccepted:
    """A-ASSOCIATE confirmation, accepted."""

    pdu: AssociateAC


@dataclass(frozen=True, slots=True)
class AssociationRejected:
    """A-ASSOCIATE confirmation, rejected."""

    pdu: AssociateRJ


@dataclass(slots=True)
class DataFragment:
    """A P-DATA indication, or a part of one: a slice of one PDV as it arrived.

    ``data`` is a view into the chunk given to ``receive`` and valid until the next one. ``is_last`` belongs to the
    PDV: the command or data set is complete after the slice which has both ``is_last`` and ``ends_pdv``. Not
    frozen because this is made for every slice of every image, and a frozen one costs four times as much.
    """

    context_id: int
    is_command: bool
    is_last: bool
    data: memoryview
    ends_pdv: bool


@dataclass(frozen=True, slots=True)
class ReleaseRequested:
    """A-RELEASE indication; answer with ``send(ReleaseRP())``."""


@dataclass(frozen=True, slots=True)
class ReleaseConfirmed:
    """A-RELEASE confirmation."""


@dataclass(frozen=True, slots=True)
class Aborted:
    """A-ABORT or A-P-ABORT indication; ``detail`` says what was wrong when we are the one who noticed."""

    source: int
    reason: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """A-P-ABORT indication: the transport connection closed under a living association."""


@dataclass(frozen=True, slots=True)
class SendBytes:
    """Write these bytes to the transport connection."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StartArtim:
    """Start the ARTIM timer, or start it anew; when it runs out, call ``artim_expired``."""


@dataclass(frozen=True, slots=True)
class StopArtim:
    """Stop the ARTIM timer if it runs."""


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close the transport connection; ``connection_closed`` need not be called for it."""


Indication: TypeAlias = (
    AssociationRequested
    | AssociationAccepted
    | AssociationRejected
    | DataFragment
    | ReleaseRequested
    | ReleaseConfirmed
    | Aborted
    | ConnectionLost
)
Command: TypeAlias = SendBytes | StartArtim | StopArtim | CloseConnection
