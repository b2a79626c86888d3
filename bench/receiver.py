"""Retrieval clients of our own: C-GET and C-MOVE that discard what they get, WADO-RS that reads and forgets."""

from __future__ import annotations

import http.client
import struct
import time

from bench.objects import CT
from bench.sender import Target, command_set, connect, even, item, release
from bench.sink import MAX_PDU_BYTES, Sink, Stream, fields, is_store, store_response

STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"


def _identifier(study: str) -> bytes:
    values = [(0x0008, 0x0052, b"CS", b"STUDY "), (0x0020, 0x000D, b"UI", even(study))]
    return b"".join(struct.pack("<HH2sH", group, number, vr, len(raw)) + raw for group, number, vr, raw in values)


def p_data(context: int, control: int, data: bytes) -> bytes:
    return struct.pack(">BxIIBB", 4, len(data) + 6, len(data) + 2, context, control) + data


def _request(sop_class: str, command_field: int, study: str, destination: str = "") -> bytes:
    elements = [(0x0002, even(sop_class)), (0x0100, struct.pack("<H", command_field)), (0x0110, b"\x01\0")]
    if destination:
        elements.append((0x0600, destination.encode() + b" " * (len(destination) % 2)))
    elements += [(0x0700, b"\0\0"), (0x0800, b"\x01\0")]
    return p_data(1, 3, command_set(elements)) + p_data(1, 2, _identifier(study))


def c_get(target: Target, study: str) -> tuple[float, int, int]:
    """Fetch a study over its own association; return seconds, objects and bytes of their data sets."""
    role = item(0x54, struct.pack(">H", len(CT)) + CT.encode() + b"\0\x01")
    start = time.perf_counter()
    connection, _ = connect(target, [(1, STUDY_ROOT_GET), (3, CT)], max_pdu=MAX_PDU_BYTES, extra=role)
    connection.settimeout(None)
    connection.sendall(_request(STUDY_ROOT_GET, 0x0010, study))
    stream, count, data_bytes = Stream(connection, discards=True), 0, 0
    while (message := stream.message()) is not None:
        context, size, command = message
        if is_store(command):
            connection.sendall(store_response(context, command))
            count += 1
            data_bytes += size
        elif fields(command)[0x0900] not in (b"\0\xff", b"\x01\xff"):
            break
    release(connection)
    return time.perf_counter() - start, count, data_bytes


def c_move(target: Target, study: str, sink: Sink) -> tuple[float, int, int]:
    """Have a study sent to ``sink``, known to the server as SINK; return seconds, objects and bytes."""
    objects, data_bytes = sink.objects, sink.data_bytes
    start = time.perf_counter()
    connection, _ = connect(target, [(1, STUDY_ROOT_MOVE)])
    connection.settimeout(None)
    connection.sendall(_request(STUDY_ROOT_MOVE, 0x0021, study, "SINK"))
    stream = Stream(connection)
    while (message := stream.message()) is not None:
        if fields(message[2])[0x0900] not in (b"\0\xff", b"\x01\xff"):
            break
    release(connection)
    return time.perf_counter() - start, sink.objects - objects, sink.data_bytes - data_bytes


def wado(port: int, root: str, study: str) -> tuple[float, int]:
    """Fetch a study by WADO-RS as stored; return seconds and bytes."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    connection.request("GET", f"{root}/studies/{study}", headers={"Accept": accept})
    response = connection.getresponse()
    if response.status != 200:
        raise ConnectionError(f"WADO-RS answered {response.status}: {response.read(300)!r}")
    buffer, total = memoryview(bytearray(1 << 20)), 0
    while got := response.readinto(buffer):
        total += got
    connection.close()
    return time.perf_counter() - start, total
