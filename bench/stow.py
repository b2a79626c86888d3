"""STOW-RS: one request with many objects, sent from memory as fast as the server takes it."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPResponse
from pathlib import Path

from bench.fill import part_ten
from bench.objects import CT_512, EXPLICIT_LE, Kind, Object, Pool, objects
from bench.report import Report, Sample
from bench.servers import Running, Server

COUNT = 1000
BOUNDARY = "bench-frontier-between-two-parts"
_IOV = 64


def _beginning(obj: Object) -> bytes:
    """Return what stands before an object's data set: the delimiter, the part's headers, the file meta."""
    delimiter = f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return delimiter + part_ten(b"", obj.sop_class, obj.instance, EXPLICIT_LE)


def _pieces(kind: Kind, count: int, run: int) -> list[bytes | memoryview]:
    pieces: list[bytes | memoryview] = []
    for obj in objects(kind, count, Pool(), run=run):
        pieces += (_beginning(obj), obj.header, obj.pixels)
    pieces.append(f"\r\n--{BOUNDARY}--\r\n".encode())
    return pieces


def _post(running: Running, root: str, pieces: Sequence[bytes | memoryview]) -> tuple[float, dict[str, object]]:
    """Send a request; return seconds and the answer."""
    size = sum(map(len, pieces))
    head = (
        f"POST {root}/studies HTTP/1.1\r\nHost: 127.0.0.1:{running.http_port}\r\nContent-Length: {size}\r\n"
        f'Content-Type: multipart/related; type="application/dicom"; boundary={BOUNDARY}\r\n'
        "Accept: application/dicom+json\r\n\r\n"
    ).encode()
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", running.http_port), timeout=600) as connection:
        for batch in _batches([head, *pieces]):
            _send(connection, batch)
        response = HTTPResponse(connection, method="POST")
        response.begin()
        body = response.read()
    wall = time.perf_counter() - start
    if response.status != 200:
        raise ConnectionError(f"{running.name} answered {response.status}: {body[:300]!r}")
    return wall, json.loads(body)


def _batches(pieces: Sequence[bytes | memoryview]) -> Iterator[Sequence[bytes | memoryview]]:
    for at in range(0, len(pieces), _IOV):
        yield pieces[at : at + _IOV]


def _send(connection: socket.socket, batch: Sequence[bytes | memoryview]) -> None:
    left = [memoryview(piece) for piece in batch]
    while left:
        sent = connection.sendmsg(left)
        while left and sent >= len(left[0]):
            sent -= len(left.pop(0))
        if left:
            left[0] = left[0][sent:]


def store(running: Running, count: int, run: int) -> float:
    """Store ``count`` CT slices in one request; return seconds."""
    root = "/dicomweb" if running.name == "calotype" else "/dicom-web"
    wall, answer = _post(running, root, _pieces(CT_512, count, run))
    stored = answer["00081199"]["Value"]  # type: ignore[index]
    if len(stored) != count:
        raise RuntimeError(f"{running.name} stored {len(stored)} of {count} objects")
    return wall


def measure(report: Report, base: Path, servers: Sequence[Server], runs: int) -> None:
    """Store 1,000 CT slices of 0.5 MB by one request, in each server freshly started, in turn."""
    base = Path(tempfile.mkdtemp(prefix="stow-", dir=base))
    for run in range(1, runs + 1):
        for server in servers:
            running = server.start(base)
            try:
                before = running.cpu_s()
                wall = store(running, COUNT, run)
                cpu = running.cpu_s() - before
                report.add(Sample("stow-rs 1000 CT", server.name, wall, cpu, running.peak_rss_mib()))
            finally:
                running.stop()
    shutil.rmtree(base)
