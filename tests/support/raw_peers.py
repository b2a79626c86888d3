"""A peer that is nothing but a socket and PDUs: it can say what no proper peer would."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from calotype.dicom.wire.command_sets import decode_message, encode_message
from calotype.dicom.wire.messages import Message
from calotype.dicom.wire.pdu import (
    AssociateRQ,
    PDataTF,
    Pdu,
    PresentationDataValue,
    decode_pdu,
)
from calotype.dicom.wire.pdu_items import PresentationContextProposed, UserInformation

PATIENCE_S: Final = 60
"""For anything to come: a loaded machine is slow, and what fails has time."""

CT = UID("1.2.840.10008.5.1.4.1.1.2")
CONTEXTS = (
    PresentationContextProposed(1, VERIFICATION, (EXPLICIT_VR_LITTLE_ENDIAN,)),
    PresentationContextProposed(3, CT, (EXPLICIT_VR_LITTLE_ENDIAN,)),
)


def request(called="NODE", calling="RAW", contexts=CONTEXTS, max_pdu_bytes=16384, roles=(), **more) -> AssociateRQ:
    return AssociateRQ(called, calling, contexts, UserInformation(max_pdu_bytes, UID("1.2.3"), roles=roles), **more)


def command(message: Message, context_id: int = 1) -> bytes:
    return PDataTF((PresentationDataValue(context_id, True, True, encode_message(message)),)).encode()


def data(fragment: bytes, context_id: int = 3, *, is_last: bool = True) -> bytes:
    return PDataTF((PresentationDataValue(context_id, False, is_last, fragment),)).encode()


@contextmanager
def closed_port() -> Iterator[int]:
    """Yield a port of the loopback interface that nobody listens on, nor can while it is bound here."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


class RawPeer:
    """The other end of a connection; :meth:`receive` gives PDUs, ``None`` at the end of the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection

    @classmethod
    def connect(cls, port: int, host: str = "127.0.0.1", *, source: str = "") -> Self:
        source_address = (source, 0) if source else None
        return cls(socket.create_connection((host, port), timeout=PATIENCE_S, source_address=source_address))

    def send(self, *pdus: Pdu | bytes) -> None:
        self.socket.sendall(b"".join(pdu if isinstance(pdu, bytes) else pdu.encode() for pdu in pdus))

    def receive(self) -> Pdu | None:
        try:
            header = self._exactly(6)
            return decode_pdu(header[0], self._exactly(int.from_bytes(header[2:], "big")))
        except (EOFError, ConnectionError):
            return None

    def receive_message(self) -> Message:
        pdu = self.receive()
        assert isinstance(pdu, PDataTF), pdu
        return decode_message(b"".join(pdv.data for pdv in pdu.pdvs if pdv.is_command))

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exactly(self, size_bytes: int) -> bytes:
        received = bytearray()
        while len(received) < size_bytes:
            chunk = self.socket.recv(size_bytes - len(received))
            if not chunk:
                raise EOFError
            received += chunk
        return bytes(received)
