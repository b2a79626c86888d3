"""A storage SCP that throws away what it receives: how fast the sender and the machine are without a server.

Also the receiving end for C-MOVE. ``python -m bench.sink PORT`` serves until it is ended.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Collection
from functools import cache

from bench.sender import even, item

_BUFFER = 1 << 20
MAX_PDU_BYTES = 1 << 20
"""What receivers of images offer to take at once; servers keep to their own limit, DCMTK and Orthanc to 128 KiB."""
_P_DATA_TF = 4
_HEADERS = struct.Struct(">BxIIBB")
"""A P-DATA-TF PDU's header and that of its first fragment."""
_SIP_BYTES = 256
"""Copied at a time where what follows is discarded: mostly a command and the headers of the PDU after it."""


class Stream:
    """Reads PDUs through one buffer, as much as is there at a time; data fragments are passed over in it.

    When it ``discards``, where the kernel can, fragments are thrown away there and never copied: for receivers of
    images, which must not be the bottleneck. Linux takes MSG_TRUNC for that on TCP (tcp(7)).
    """

    def __init__(self, connection: socket.socket, *, discards: bool = False) -> None:
        self.connection = connection
        self._view = memoryview(bytearray(_BUFFER))
        self._start = self._end = 0
        self._discards = discards and sys.platform == "linux"

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            if self._start == self._end:
                self._fill(max(size - len(data), _SIP_BYTES) if self._discards else _BUFFER)
            upto = min(self._start + size - len(data), self._end)
            data += self._view[self._start : upto]
            self._start = upto
        return data

    def discard(self, size: int) -> None:
        while size:
            if self._start == self._end:
                if self._discards:
                    size -= self._throw_away(size)
                    continue
                self._fill(_BUFFER)
            passed = min(size, self._end - self._start)
            self._start += passed
            size -= passed

    def _fill(self, limit: int) -> None:
        self._start, self._end = 0, self.connection.recv_into(self._view, limit)
        if not self._end:
            raise ConnectionError

    def _throw_away(self, size: int) -> int:
        gone = self.connection.recv_into(self._view, min(size, _BUFFER), socket.MSG_TRUNC | socket.MSG_WAITALL)
        if not gone:
            raise ConnectionError
        return gone

    def _headers(self) -> tuple[int, int, int, int, int]:
        """Return PDU type and length and, of P-DATA-TF, the first fragment's length, context and control byte."""
        if self._end - self._start >= _HEADERS.size and self._view[self._start] == _P_DATA_TF:
            # Both headers are in sight, as they nearly always are.
            found: tuple[int, int, int, int, int] = _HEADERS.unpack_from(self._view, self._start)
            self._start += _HEADERS.size
            return found
        kind, size = struct.unpack(">BxI", self.exactly(6))
        return kind, size, *(struct.unpack(">IBB", self.exactly(6)) if kind == _P_DATA_TF else (0, 0, 0))

    def message(self) -> tuple[int, int, bytes] | None:
        """Return (context, bytes of data set, command set) of the next message; ``None`` on release."""
        command, data_bytes, context = b"", 0, 0
        while True:
            kind, size, length, context, control = self._headers()
            if kind == 5:
                self.exactly(size)
                self.connection.sendall(struct.pack(">BxII", 6, 4, 0))
                return None
            if kind != _P_DATA_TF:
                raise ConnectionError
            while True:
                size -= length + 4
                if control & 1:
                    command += self.exactly(length - 2)
                    if control & 2 and _has_no_data(command):
                        return context, 0, command
                else:
                    self.discard(length - 2)
                    data_bytes += length - 2
                    if control & 2:
                        return context, data_bytes, command
                if not size:
                    break
                length, context, control = struct.unpack(">IBB", self.exactly(6))


def fields(command: bytes) -> dict[int, bytes]:
    out, at = {}, 0
    while at < len(command):
        number, size = struct.unpack_from("<2xHI", command, at)
        out[number] = command[at + 8 : at + 8 + size]
        at += 8 + size
    return out


def _has_no_data(command: bytes) -> bool:
    return _NO_DATA_SET in command


_NO_DATA_SET = struct.pack("<HHI", 0, 0x0800, 2) + b"\x01\x01"
_STORE_RQ = struct.pack("<HHIH", 0, 0x0100, 2, 1)
_MESSAGE_ID = struct.pack("<HHI", 0, 0x0110, 2)
_SOP_CLASS = struct.pack("<HH", 0, 0x0002)
_INSTANCE = struct.pack("<HH", 0, 0x1000)


def is_store(command: bytes) -> bool:
    """Tell whether a command set is a C-STORE-RQ."""
    return _STORE_RQ in command


def store_response(context: int, command: bytes) -> bytes:
    """Return the P-DATA-TF PDU of a C-STORE-RSP with Success: prepared bytes but for message and instance."""
    at = command.index(_MESSAGE_ID) + len(_MESSAGE_ID)
    message_id = command[at : at + 2]
    at = command.index(_INSTANCE, at)
    # Even lengths below 256, as UIDs have: one byte says them.
    instance = command[at : at + 8 + command[at + 4]]
    at = command.index(_SOP_CLASS)
    before, after = _response(context, command[at : at + 8 + command[at + 4]], len(instance))
    return b"".join((before, message_id, after, instance))


@cache
def _response(context: int, sop_class: bytes, instance_bytes: int) -> tuple[bytes, bytes]:
    """Return what of a C-STORE-RSP stands before the message's ID and between that and the instance."""
    start = sop_class + struct.pack("<HHIH", 0, 0x0100, 2, 0x8001) + struct.pack("<HHI", 0, 0x0120, 2)
    after = _NO_DATA_SET + struct.pack("<HHIH", 0, 0x0900, 2, 0)
    size = len(start) + 2 + len(after) + instance_bytes
    head = struct.pack(">BxIIBB", 4, size + 18, size + 14, context, 3)
    return head + struct.pack("<HHII", 0, 0, 4, size) + start, after


def accept(connection: socket.socket, *, max_pdu: int, syntaxes: Collection[str] = ()) -> None:
    """Read an A-ASSOCIATE-RQ and accept each context with the first transfer syntax (of ``syntaxes``)."""
    taken = {uid.encode() for uid in syntaxes}
    stream = Stream(connection)
    _, size = struct.unpack(">BxI", stream.exactly(6))
    body = stream.exactly(size)
    answer, at = body[:68] + item(0x10, b"1.2.840.10008.3.1.1.1"), 68
    while at < len(body):
        kind, length = struct.unpack_from(">BxH", body, at)
        if kind == 0x20:
            context = body[at + 4 : at + 4 + length]
            syntax, inner = b"", 4
            while inner < length and not syntax:
                sub, sub_length = struct.unpack_from(">BxH", context, inner)
                offered = context[inner + 4 : inner + 4 + sub_length]
                if sub == 0x40 and (not taken or offered.rstrip(b"\0") in taken):
                    syntax = offered
                inner += 4 + sub_length
            result = 0 if syntax else 4
            answer += item(0x21, bytes([context[0], 0, result, 0]) + item(0x40, syntax or even("1.2.840.10008.1.2")))
        at += 4 + length
    answer += item(0x50, item(0x51, struct.pack(">I", max_pdu)) + item(0x52, even("1.2.826.0.1.3680043.10.9999.2")))
    connection.sendall(struct.pack(">BxI", 2, len(answer)) + answer)


class Sink:
    """Serves in threads of this process; counts objects and bytes. Takes only ``syntaxes`` where some are given."""

    def __init__(self, port: int = 0, *, max_pdu: int = MAX_PDU_BYTES, syntaxes: Collection[str] = ()) -> None:
        self._syntaxes = syntaxes
        self.objects = 0
        self.data_bytes = 0
        self._max_pdu = max_pdu
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._associate, args=(connection,), daemon=True).start()

    def _associate(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            accept(connection, max_pdu=self._max_pdu, syntaxes=self._syntaxes)
            stream = Stream(connection, discards=True)
            while (message := stream.message()) is not None:
                context, data_bytes, command = message
                connection.sendall(store_response(context, command))
                self.objects += 1
                self.data_bytes += data_bytes
        except (ConnectionError, OSError):
            return
        finally:
            connection.close()

    def close(self) -> None:
        self._listener.close()


if __name__ == "__main__":
    Sink(int(sys.argv[1]))
    threading.Event().wait()
