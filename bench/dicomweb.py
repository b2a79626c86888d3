"""WADO-RS beside Orthanc's DICOMweb plugin, and beside what nginx does with one file; the same client for all.

The client reads a socket and forgets. It counts what comes, chunks' frames included, so that taking an answer apart
costs nobody anything. "discarded" is read without even being copied out of the system (``MSG_TRUNC``), so that what
is measured is who sends. "(floor)" is one ``sendfile`` after the other of the same file, to whoever connects, without
HTTP being read or anything decided: what the system's loopback takes, in seconds and in processor seconds. "client's
own" are the processor seconds of the client. On a machine of few processors no server can be much faster than those
two, and Orthanc's seconds divided by them are the largest ratio that there can be.
"""

from __future__ import annotations

import http.client
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from bench import fill, query
from bench.objects import CT_512, EXPLICIT_LE, Kind, Pool, header
from bench.report import Report, Sample
from bench.sender import Workload, run_workload
from bench.servers import Running, Server, free_port, persistently, wait_for

STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
ALONE = "application/dicom; transfer-syntax=*"
FILE_BYTES = 500_000_000
LONG = Kind(512, 512, 2000)
CLIENTS = 20
WARM = 10

_NGINX = """
daemon off; worker_processes 1; pid {base}/pid; error_log {base}/errors;
events {{ worker_connections 64; }}
http {{
    access_log off; sendfile on; tcp_nopush on;
    client_body_temp_path {base}/body; proxy_temp_path {base}/proxy; fastcgi_temp_path {base}/fastcgi;
    uwsgi_temp_path {base}/uwsgi; scgi_temp_path {base}/scgi;
    server {{ listen 127.0.0.1:{port}; root {base}/files; }}
}}
"""


def fetch(port: int, path: str, accept: str, *, discards: bool = False) -> tuple[float, int]:
    """GET ``path`` over a connection of its own; return seconds and bytes."""
    buffer, total = bytearray(1 << 20), 0
    flags = getattr(socket, "MSG_TRUNC", 0) if discards else 0
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as stream:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
        stream.sendall(request.encode("ascii"))
        first = stream.recv(64 * 1024)
        if not first.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(f"{path} answered {first[:300]!r}")
        total = len(first)
        while got := stream.recv_into(buffer, len(buffer), flags):
            total += got
    return time.perf_counter() - start, total


def measure(report: Report, base: Path, servers: list[Server], runs: int) -> None:
    """Measure whole studies, metadata, frames of a long object, and many clients at once."""
    folder = Path(tempfile.mkdtemp(prefix="dicomweb-", dir=base))
    fetched: dict[str, Callable[[bool], tuple[float, int]]] = {}
    senders: dict[str, Callable[[], float]] = {}
    started: list[Running] = []
    noise = _noise(folder)
    floor = _Floor(noise)
    fetched["(floor)"] = lambda discards: fetch(floor.port, "/file", "*/*", discards=discards)
    senders["(floor)"] = lambda: _cpu_s(floor.pid)
    nginx = _nginx(folder)
    if nginx is not None:
        process, port = nginx
        senders["nginx"] = lambda: _cpu_s(process.pid)
        fetched["nginx"] = lambda discards: fetch(port, "/file", "*/*", discards=discards)
    for server in servers:
        if not server.speaks_http:
            continue
        running = server.start(folder)
        started.append(running)
        senders[server.name] = running.cpu_s
        run_workload(running.target, Workload("W1", CT_512, 1000), 1)
        root = "/dicomweb" if server.name == "calotype" else "/dicom-web"
        place = f"{root}/studies/{query.only_study(running.http_port, root)}"
        fetched[server.name] = lambda discards, at=running.http_port, path=place: fetch(  # type: ignore[misc]
            at, path, STORED, discards=discards
        )
        _metadata(report, running, f"{place}/metadata")
    for _ in range(runs):
        for name, once in fetched.items():
            for discards in (False, True):
                cpu, own = senders[name](), time.process_time()
                wall, size = once(discards)
                cpu, own = senders[name]() - cpu, time.process_time() - own
                what = "wado-rs 1000 CT, discarded" if discards else "wado-rs 1000 CT"
                # Per 500 MB, as nginx's file is.
                share = FILE_BYTES / size
                report.add(Sample(what, name, wall * share, cpu * share))
                report.add(Sample(what, "client's own", own * share))
    for running in started:
        try:
            _long(report, running)
        except (OSError, http.client.HTTPException) as error:
            report.note(f"{running.name}: an object of 1 GB: {error}")
        running.stop()
    if nginx is not None:
        nginx[0].terminate()
        nginx[0].wait()
    floor.close()
    _limits(report)
    shutil.rmtree(folder)


def _metadata(report: Report, running: Running, path: str) -> None:
    cold, size = fetch(running.http_port, path, "application/dicom+json")
    report.add(Sample("metadata 1000 CT, cold", running.name, cold))
    warm = [fetch(running.http_port, path, "application/dicom+json")[0] for _ in range(WARM)]
    report.add(Sample("metadata 1000 CT, warm", running.name, statistics.median(warm)))
    report.note(f"{running.name}: metadata are {size / 1e6:.1f} MB")


def _long(report: Report, running: Running) -> None:
    """Frames out of an object of 1 GB, then that object by many clients at once."""
    root = "/dicomweb" if running.name == "calotype" else "/dicom-web"
    place = _store_long(running, root)
    times = []
    for number in range(1, LONG.frames, 97):
        frames = 'multipart/related; type="application/octet-stream"'
        wall, size = fetch(running.http_port, f"{place}/frames/{number}", frames)
        if size < LONG.rows * LONG.columns * 2:
            raise ConnectionError(f"a frame of {size} bytes")
        times.append(wall)
    report.add(Sample("frame of 1 GB, first", running.name, times[0]))
    report.add(Sample("frame of 1 GB", running.name, statistics.median(times[1:])))
    if running.name != "calotype":
        # Orthanc holds the whole object for each client: memory ends before the measurement does.
        return
    before = running.peak_rss_mib()
    clients = [
        threading.Thread(target=fetch, args=(running.http_port, place, ALONE), kwargs={"discards": True})
        for _ in range(CLIENTS)
    ]
    start, cpu = time.perf_counter(), running.cpu_s()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    wall = time.perf_counter() - start
    rss = running.peak_rss_mib()
    report.add(Sample(f"{CLIENTS} clients, 1 GB each", running.name, wall, running.cpu_s() - cpu, rss))
    report.note(f"{running.name}: peak RSS {before:.0f} MiB before {CLIENTS} clients, {rss:.0f} MiB after")


def _store_long(running: Running, root: str) -> str:
    """Store an object of 1 GB by STOW-RS; return where it is."""
    study, series = "1.2.826.0.1.3680043.10.9999.7", "1.2.826.0.1.3680043.10.9999.7.1"
    instance = f"{series}.1"
    data = header(LONG, study, series, instance, 1, LONG.pixel_bytes)
    head = fill.part_ten(data, "1.2.840.10008.5.1.4.1.1.7.3", instance, EXPLICIT_LE)
    pixels = Pool().window(0, 64 * 1024 * 1024)

    def body() -> Iterator[bytes]:
        yield b"--b\r\nContent-Type: application/dicom\r\n\r\n" + head
        left = LONG.pixel_bytes
        while left:
            piece = pixels[: min(left, len(pixels))]
            left -= len(piece)
            yield bytes(piece)
        yield b"\r\n--b--\r\n"

    connection = http.client.HTTPConnection("127.0.0.1", running.http_port, timeout=120)
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    size = len(b"--b\r\nContent-Type: application/dicom\r\n\r\n") + len(head) + LONG.pixel_bytes + 9
    headers = {"Content-Type": kind, "Content-Length": str(size), "Accept": "application/dicom+json"}
    connection.request("POST", f"{root}/studies", body=body(), headers=headers)
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    if answer.status != 200:
        raise ConnectionError(f"storing 1 GB answered {answer.status}: {told[:300]!r}")
    return f"{root}/studies/{study}/series/{series}/instances/{instance}"


def _limits(report: Report) -> None:
    """Say how many times as fast as Orthanc each is, and with that the most that any server could be here."""
    for workload in ("wado-rs 1000 CT", "wado-rs 1000 CT, discarded"):
        runs: dict[str, list[Sample]] = {}
        for sample in report.samples:
            if sample.workload == workload:
                runs.setdefault(sample.server, []).append(sample)
        wall = {server: statistics.median(each.wall_s for each in found) for server, found in runs.items()}
        cpu = {server: statistics.median(each.cpu_s for each in found) for server, found in runs.items()}
        if "orthanc" not in wall:
            continue
        for what, found in (("seconds", wall), ("processor seconds", cpu)):
            orthanc = found.pop("orthanc")
            told = ", ".join(f"{orthanc / each:.2f} of {server}" for server, each in found.items() if each)
            report.note(f"{workload}: Orthanc takes {orthanc:.3f} {what}, times those {told}")


def _cpu_s(pid: int) -> float:
    """User and system seconds of a process and its children."""
    root = psutil.Process(pid)
    times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
    return sum(each.user + each.system for each in times)


class _Floor:
    """Sends a file to whoever connects, by ``sendfile`` and nothing else."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        # A process of its own, as the servers are: the client's interpreter would take turns with it.
        self._process = multiprocessing.get_context("fork").Process(target=self._serve, daemon=True)
        self._process.start()
        self.pid = self._process.pid or 0

    def _serve(self) -> None:
        size = self._file.stat().st_size
        with self._file.open("rb") as file:
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.recv(64 * 1024)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                    at = 0
                    while at < size:
                        at += os.sendfile(connection.fileno(), file.fileno(), at, size - at)

    def close(self) -> None:
        self._process.terminate()
        self._process.join()
        self._listener.close()


def _noise(folder: Path) -> Path:
    """Write a file of 500 MB."""
    base = folder / "nginx" / "files"
    base.mkdir(parents=True)
    noise = Pool().window(0, 50_000_000)
    with (base / "file").open("wb") as file:
        for _ in range(FILE_BYTES // len(noise)):
            file.write(noise)
    return base / "file"


def _nginx(folder: Path) -> tuple[subprocess.Popen[bytes], int] | None:
    """Start nginx over the file of noise, where it is installed."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        return None
    base = folder / "nginx"
    # Started by root, it serves as another user.
    for each in (folder, base, base / "files"):
        each.chmod(0o755)
    config = base / "config"

    def start() -> tuple[subprocess.Popen[bytes], int]:
        port = free_port()
        config.write_text(_NGINX.format(base=base, port=port))
        process = subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(port, process)
        return process, port

    return persistently(start)
