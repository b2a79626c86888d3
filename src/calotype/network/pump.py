"""The pump between a socket and the sans-IO core: bytes in, events out; commands of the core carried out.

The ARTIM timer and every other wait live here. What the events mean to a user of an association is
``association``'s business; nothing here knows of DIMSE services.

One thread pumps. :meth:`Pump.kill` alone may be called from another.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from calotype.dicom.wire.dimse import CommandReceived, DataSetEnd, DataSetFragment, MessageAssembler
from calotype.dicom.wire.messages import InvalidMessage
from calotype.dicom.wire.pdu import Abort, Pdu
from calotype.dicom.wire.upper_layer import (
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
    UpperLayer,
)
from calotype.network.settings import MAX_PDU_BYTES, Timeouts
from calotype.network.sockets import Stream

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
    | ConnectionLost
)
