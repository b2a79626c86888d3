"""The least that a retrieve SCP in Python can do: prepared commands, one read and one ``sendmsg`` for each object.

Whoever asks gets all files of a folder, as ``bench.floor`` keeps them; the next is read while an answer is under way.
No index, no selection, no state machine: what is left is the machine, its loopback and the receiving client.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

from bench.objects import CT
from bench.sender import Target, command_set, connect, even, release, status_of
from bench.sink import MAX_PDU_BYTES, fields

_GET_CONTEXT = 3


def answer(connection: socket.socket, command: bytes, folder: Path, peer_pdu_bytes: int) -> None:
    """Answer a C-GET-RQ or C-MOVE-RQ whose identifier has been read."""
    asked = fields(command)
    if asked[0x0100] == b"\x21\0":
        target = Target("127.0.0.1", int(os.environ["BENCH_SINK_PORT"]), "SINK")
        stream, max_pdu = connect(target, [(1, CT)], max_pdu=MAX_PDU_BYTES)
        _hand_out(stream, 1, folder, min(max_pdu, MAX_PDU_BYTES))
        release(stream)
    else:
        _hand_out(connection, _GET_CONTEXT, folder, min(peer_pdu_bytes, MAX_PDU_BYTES))
    response = command_set(
        [
            (0x0002, asked[0x0002]),
            (0x0100, bytes((asked[0x0100][0], 0x80))),
            (0x0120, asked[0x0110]),
            (0x0800, b"\x01\x01"),
            (0x0900, b"\0\0"),
        ]
    )
    connection.sendall(struct.pack(">BxIIBB", 4, len(response) + 6, len(response) + 2, 1, 3) + response)


def _hand_out(stream: socket.socket, context: int, folder: Path, max_pdu: int) -> None:
    stream.settimeout(None)
    buffer = memoryview(bytearray(1 << 20))
    paths = sorted(map(str, folder.iterdir()))
    size = _read(paths[0], buffer)
    for number, path in enumerate([*paths[1:], ""], 1):
        command = _store_request(number & 0xFFFF)
        parts: list[bytes | memoryview] = [
            struct.pack(">BxIIBB", 4, len(command) + 6, len(command) + 2, context, 3) + command
        ]
        room = max_pdu - 6
        for at in range(0, size, room):
            part = buffer[at : min(at + room, size)]
            parts.append(struct.pack(">BxIIBB", 4, len(part) + 6, len(part) + 2, context, 2 * (at + room >= size)))
            parts.append(part)
        if stream.sendmsg(parts) != sum(map(len, parts)):
            raise ConnectionError("an object was not taken whole")
        if path:
            # The kernel has its own copy of what was sent.
            size = _read(path, buffer)
        response = stream.recv(1024)
        while len(response) < 6 or len(response) < 6 + int.from_bytes(response[2:6], "big"):
            if not (more := stream.recv(1024)):
                raise ConnectionError("the client left")
            response += more
        if status_of(response[6:]) != 0:
            raise ConnectionError("an object was not taken")


def _store_request(message_id: int) -> bytes:
    return command_set(
        [
            (0x0002, even(CT)),
            (0x0100, b"\1\0"),
            (0x0110, struct.pack("<H", message_id)),
            (0x0700, b"\0\0"),
            (0x0800, b"\1\0"),
            (0x1000, even(f"1.2.826.0.1.3680043.10.9999.{message_id}")),
        ]
    )


def _read(path: str, buffer: memoryview) -> int:
    file = os.open(path, os.O_RDONLY)
    try:
        return os.preadv(file, [buffer], 0)
    finally:
        os.close(file)
