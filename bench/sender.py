"""The load: a storage SCU of its own, in a process of its own, shown against a discarding sink not to be the limit.

Objects are windows on memory; each message leaves in one ``sendmsg``. Time runs from connect to release.
"""

from __future__ import annotations

import multiprocessing
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.objects import CT, EXPLICIT_LE, MULTIFRAME, Kind, Object, Pool, objects

VERIFICATION = "1.2.840.10008.1.1"
_APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
_IOV_MAX = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """Who is sent to."""

    host: str
    port: int
    ae_title: str


def item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def associate_rq(
    target: Target, contexts: Iterable[tuple[int, str]], *, max_pdu: int, extra: bytes = b"", calling: str = "BENCH"
) -> bytes:
    body = struct.pack(">HH16s16s32x", 1, 0, target.ae_title.ljust(16).encode(), calling.ljust(16).encode())
    body += item(0x10, _APPLICATION_CONTEXT)
    for context_id, abstract in contexts:
        inner = (
            struct.pack(">BBBB", context_id, 0, 0, 0)
            + item(0x30, abstract.encode())
            + item(0x40, EXPLICIT_LE.encode())
        )
        body += item(0x20, inner)
    user = item(0x51, struct.pack(">I", max_pdu)) + item(0x52, b"1.2.826.0.1.3680043.10.9999.1") + extra
    body += item(0x50, user)
    return struct.pack(">BBI", 1, 0, len(body)) + body


def receive_pdu(stream: socket.socket) -> tuple[int, bytes]:
    head = _exactly(stream, 6)
    kind, size = struct.unpack(">BxI", head)
    return kind, _exactly(stream, size)


def _exactly(stream: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = stream.recv(size - len(data))
        if not chunk:
            raise ConnectionError("the server closed the connection")
        data += chunk
    return bytes(data)


def peer_max_pdu(body: bytes) -> int:
    """Find the Maximum Length sub-item in an A-ASSOCIATE-AC body; 0 (no limit) becomes 128 KiB."""
    at = body.rindex(b"\x51\x00\x00\x04")
    return struct.unpack(">I", body[at + 4 : at + 8])[0] or 131_072


def command_set(elements: Iterable[tuple[int, bytes]]) -> bytes:
    body = b"".join(struct.pack("<HHI", 0, number, len(value)) + value for number, value in elements)
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def even(uid: str) -> bytes:
    raw = uid.encode()
    return raw + b"\0" * (len(raw) % 2)


def find_request(sop_class: str, message_id: int) -> bytes:
    """Return the command set of a C-FIND-RQ whose identifier follows."""
    return command_set(
        [
            (0x0002, even(sop_class)),
            (0x0100, b"\x20\0"),
            (0x0110, struct.pack("<H", message_id)),
            (0x0700, b"\0\0"),
            (0x0800, b"\x01\0"),
        ]
    )


def store_message(obj: Object, context_id: int, message_id: int, max_pdu: int) -> list[bytes | memoryview]:
    """Return the buffers of one C-STORE-RQ with its data set."""
    command = command_set(
        [
            (0x0002, even(obj.sop_class)),
            (0x0100, struct.pack("<H", 1)),
            (0x0110, struct.pack("<H", message_id)),
            (0x0700, struct.pack("<H", 0)),
            (0x0800, struct.pack("<H", 1)),
            (0x1000, even(obj.instance)),
        ]
    )
    parts: list[bytes | memoryview] = [
        struct.pack(">BxIIBB", 4, len(command) + 6, len(command) + 2, context_id, 3) + command
    ]
    room = max_pdu - 6
    left, at, total = obj.data_bytes, 0, len(obj.header)
    while left:
        size = min(room, left)
        left -= size
        parts.append(struct.pack(">BxIIBB", 4, size + 6, size + 2, context_id, 0 if left else 2))
        if at < total:
            parts.append(obj.header[at : at + size])
        if at + size > total:
            start = max(at - total, 0)
            parts.append(obj.pixels[start : at + size - total])
        at += size
    return parts


def send_all(stream: socket.socket, parts: list[bytes | memoryview]) -> None:
    """Send all buffers in as few calls as the kernel takes."""
    queue = [memoryview(part) for part in parts]
    while queue:
        sent = stream.sendmsg(queue[:_IOV_MAX])
        done = 0
        while done < len(queue) and sent >= len(queue[done]):
            sent -= len(queue[done])
            done += 1
        queue = queue[done:]
        if sent:
            queue[0] = queue[0][sent:]


def connect(
    target: Target, contexts: Iterable[tuple[int, str]], *, max_pdu: int = 131_072, extra: bytes = b""
) -> tuple[socket.socket, int]:
    stream = socket.create_connection((target.host, target.port), timeout=120)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.sendall(associate_rq(target, contexts, max_pdu=max_pdu, extra=extra))
    kind, body = receive_pdu(stream)
    if kind != 2:
        raise ConnectionError(f"association not accepted: PDU type {kind} {body.hex()}")
    return stream, peer_max_pdu(body)


def release(stream: socket.socket) -> None:
    stream.sendall(struct.pack(">BxII", 5, 4, 0))
    receive_pdu(stream)
    stream.close()


def status_of(command: bytes) -> int:
    """Return Status (0000,0900) of a command set that is one PDV of one PDU."""
    at = 6
    while at < len(command):
        number, size = struct.unpack_from("<2xHI", command, at)
        if number == 0x0900:
            return int(struct.unpack_from("<H", command, at + 8)[0])
        at += 8 + size
    raise ConnectionError("a response without status")


def store(target: Target, items: Iterator[Object], *, max_pdu_cap: int = 131_072) -> int:
    """Send ``items`` in one association; return how many were answered Success."""
    stream, peer = connect(target, [(1, CT), (3, MULTIFRAME)])
    max_pdu = min(peer, max_pdu_cap)
    succeeded = 0
    for number, obj in enumerate(items, 1):
        send_all(stream, store_message(obj, 1 if obj.sop_class == CT else 3, number & 0xFFFF, max_pdu))
        kind, body = receive_pdu(stream)
        if kind != 4:
            raise ConnectionError(f"aborted by the server after {succeeded} objects")
        succeeded += status_of(body) == 0
    release(stream)
    return succeeded


@dataclass(frozen=True, slots=True)
class Workload:
    """What is sent: ``parallel`` processes, each ``associations`` in turn with ``count`` objects each."""

    name: str
    kind: Kind
    count: int
    associations: int = 1
    parallel: int = 1

    @property
    def total(self) -> int:
        return self.count * self.associations * self.parallel


def _worker(target: Target, load: Workload, run: int, number: int, gate: object, results: object) -> None:
    pool = Pool()
    batches = [
        list(objects(load.kind, load.count, pool, run=run, association=number * 1000 + i))
        for i in range(load.associations)
    ]
    gate.wait()  # type: ignore[attr-defined]
    start = time.perf_counter()
    succeeded = sum(store(target, iter(batch)) for batch in batches)
    end = time.perf_counter()
    results.put((start, end, succeeded))  # type: ignore[attr-defined]


def run_workload(target: Target, load: Workload, run: int) -> float:
    """Send a workload; return the seconds from the first connect to the last release. Raises if any was refused."""
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(load.parallel)
    results = context.SimpleQueue()
    workers = [
        context.Process(target=_worker, args=(target, load, run, i, gate, results)) for i in range(load.parallel)
    ]
    for worker in workers:
        worker.start()
    times = []
    for worker in workers:
        worker.join(600)
        if worker.exitcode != 0:
            raise ConnectionError(f"a sender of {load.name} failed")
    while not results.empty():
        times.append(results.get())
    succeeded = sum(count for _, _, count in times)
    if succeeded != load.total:
        raise ConnectionError(f"{load.name}: {succeeded} of {load.total} objects were answered Success")
    return max(end for _, end, _ in times) - min(start for start, _, _ in times)
