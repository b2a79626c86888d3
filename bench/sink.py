"""A storage SCP that throws away what it receives: how fast the sender and the machine are without a server.

Also the receiving end for C-MOVE. ``python -m bench.sink PORT`` serves until it is ended.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Collection

from bench.sender import even, item

_BUFFER = 1 << 20
_HEADERS = 12
"""Bytes of a P-DATA-TF PDU before its first fragment's data."""


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
                self._fill(max(size - len(data), _HEADERS) if self._discards else _BUFFER)
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

    def message(self) -> tuple[int, int, bytes] | None:
        """Return (context, bytes of data set, command set) of the next message; ``None`` on release."""
        command, data_bytes, context = b"", 0, 0
        while True:
            kind, size = struct.unpack(">BxI", self.exactly(6))
            if kind == 5:
                self.exactly(size)
                self.connection.sendall(struct.pack(">BxII", 6, 4, 0))
                return None
            if kind != 4:
                raise ConnectionError
            while size:
                length, context, control = struct.unpack(">IBB", self.exactly(6))
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
_STORE_RSP = struct.pack("<HHI", 0, 0x0100, 2) + b"\x01\x80" + struct.pack("<HHI", 0, 0x0120, 2)
_SUCCESS = _NO_DATA_SET + struct.pack("<HHI", 0, 0x0900, 2) + b"\0\0"


def store_response(context: int, command: bytes) -> bytes:
    """Return the P-DATA-TF PDU of a C-STORE-RSP with Success."""
    asked = fields(command)
    # Put together by hand, as it is made for every object.
    sop_class, instance = asked[0x0002], asked[0x1000]
    body = b"".join(
        (
            struct.pack("<HHI", 0, 0x0002, len(sop_class)),
            sop_class,
            _STORE_RSP,
            asked[0x0110],
            _SUCCESS,
            struct.pack("<HHI", 0, 0x1000, len(instance)),
            instance,
        )
    )
    head = struct.pack(">BxIIBB", 4, len(body) + 18, len(body) + 14, context, 3)
    return head + struct.pack("<HHII", 0, 0, 4, len(body)) + body


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

    def __init__(self, port: int = 0, *, max_pdu: int = 131_072, syntaxes: Collection[str] = ()) -> None:
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
