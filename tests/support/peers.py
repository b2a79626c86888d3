"""Nodes to talk to in tests: a listener of ours on a free port, with whatever handlers a test wants.

with serving({CEchoRQ: echo}, contexts={VERIFICATION: NATIVE}) as node: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from calotype.dicom.hierarchy import UID, InstanceRef, Selection
from calotype.dicom.uids import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    STORABLE_TRANSFER_SYNTAXES,
    STORAGE_CLASSES,
)
from calotype.dicom.wire.messages import CStoreRQ, CStoreRSP, Message
from calotype.dicom.wire.negotiation import AcceptancePolicy
from calotype.dicom.wire.pdu_items import PresentationContextProposed, RoleSelection
from calotype.errors import NotFound
from calotype.network.association import Association, Received
from calotype.network.dialer import dial
from calotype.network.listener import Listener
from calotype.network.rejections import Rejections
from calotype.network.settings import DialSettings, ListenerSettings, Timeouts
from calotype.scp.server import Handler, Server
from calotype.scu.calling import Caller
from calotype.services.access.access import Access
from calotype.services.archive.ports import ObjectLocation, StoredInstance
from calotype.services.routing.nodes import Node

NATIVE = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
TIMEOUTS = Timeouts(connect_s=60, artim_s=60, idle_s=60, dimse_s=60, network_s=60)
"""That no test should reach, on however busy a machine."""
CALLER = Caller("TESTER", DialSettings(timeouts=TIMEOUTS))
STORAGE = dict.fromkeys(STORAGE_CLASSES, STORABLE_TRANSFER_SYNTAXES)


@contextmanager
def serving(
    handlers: Mapping[type[Message], Handler],
    contexts: Mapping[UID, Sequence[UID]],
    *,
    ae_title: str = "NODE",
    scp_contexts: Mapping[UID, Sequence[UID]] | None = None,
    calling_ae_titles: frozenset[str] | None = None,
    access: Access | None = None,
) -> Iterator[Node]:
    """Listen on a free port of the loopback interface until the block ends."""
    policy = AcceptancePolicy(
        called_ae_titles=frozenset({ae_title}),
        calling_ae_titles=calling_ae_titles,
        abstract_syntaxes=contexts,
        scp_abstract_syntaxes=scp_contexts or {},
    )
    settings = ListenerSettings(name="test", host="127.0.0.1", port=0, timeouts=TIMEOUTS)
    listener = Listener(settings, policy, Server(handlers, access).serve, Rejections())
    listener.start()
    try:
        yield Node(ae_title, "127.0.0.1", listener.port)
    finally:
        listener.stop(drain_s=5)


def call(
    node: Node,
    *contexts: tuple[UID, Sequence[UID]],
    roles: Sequence[RoleSelection] = (),
    calling_ae_title: str = "TESTER",
) -> Association:
    """Dial ``node`` and propose ``contexts``, numbered 1, 3, 5 and so on."""
    return dial(
        node.host,
        node.port,
        calling_ae_title=calling_ae_title,
        called_ae_title=node.ae_title,
        contexts=[PresentationContextProposed(2 * i + 1, sop, tuple(ts)) for i, (sop, ts) in enumerate(contexts)],
        roles=roles,
        settings=DialSettings(timeouts=TIMEOUTS),
    )


@dataclass(slots=True)
class Sink:
    """A C-STORE handler that keeps what it gets and answers what ``judge`` says."""

    judge: Callable[[CStoreRQ], int] = lambda _request: 0x0000
    received: list[tuple[CStoreRQ, UID, bytes]] = field(default_factory=list)
    calling_ae_titles: set[str] = field(default_factory=set)

    def __call__(self, association: Association, received: Received) -> None:
        """Receive one object."""
        request = received.message
        assert isinstance(request, CStoreRQ)
        data = association.read_identifier(limit_bytes=1 << 30)
        self.calling_ae_titles.add(association.calling_ae_title)
        self.received.append((request, received.context.transfer_syntax, data))
        response = CStoreRSP(
            message_id_being_responded_to=request.message_id,
            affected_sop_class_uid=request.affected_sop_class_uid,
            affected_sop_instance_uid=request.affected_sop_instance_uid,
            status=self.judge(request),
        )
        association.send(received.context.context_id, response)


@dataclass(slots=True)
class BytesReader:
    """An open object in memory."""

    data: bytes
    closed: bool = False

    @property
    def size_bytes(self) -> int:
        """How long it is."""
        return len(self.data)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return a slice."""
        return self.data[offset : offset + size_bytes]

    def fileno(self) -> None:
        """Say that there is no descriptor."""

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


PREFIX = b"what stands before the data set"


@dataclass(slots=True)
class Shelf:
    """The retrieve service's twin: a list of objects, all of one study, that any selection finds."""

    objects: list[tuple[StoredInstance, bytes]] = field(default_factory=list)
    data: dict[UID, bytes] = field(default_factory=dict)
    selections: list[Selection] = field(default_factory=list)
    missing: set[UID] = field(default_factory=set)

    def add(self, sop_class: UID, transfer_syntax: UID, data: bytes) -> UID:
        """Keep one object and return its SOP Instance UID."""
        number = len(self.objects) + 1
        uid = UID(f"1.2.826.0.1.3680043.10.1839.9.{number}")
        location = ObjectLocation(str(number), len(PREFIX) + len(data), len(PREFIX), len(data), b"", transfer_syntax)
        stored = StoredInstance(InstanceRef(UID("1.2.3"), UID("1.2.3.4"), uid), sop_class, location)
        self.objects.append((stored, data))
        self.data[uid] = data
        return uid

    def locate(self, selection: Selection) -> Iterator[StoredInstance]:
        """Find everything."""
        self.selections.append(selection)
        return (stored for stored, _ in self.objects)

    def open_current(self, stored: StoredInstance) -> tuple[StoredInstance, BytesReader]:
        """Open an object, unless it is among the missing."""
        if stored.ref.instance in self.missing:
            raise NotFound("the object is gone")
        return stored, BytesReader(PREFIX + self.data[stored.ref.instance])
