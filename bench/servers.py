"""The servers that are measured: ours and the peers installed, each started fresh in a folder of its own.

Peers get ``TCP_NODELAY=1``, without which DCMTK and Orthanc would only show the Nagle stall of 45 ms an object.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil

from bench.sender import Target

STARTUP_S = 60
TRIES = 5

Command = tuple[list[str], dict[str, str]]
"""What starts a server, and the environment variables it gets."""


Started = TypeVar("Started")


class NotStarted(RuntimeError):
    """A process does not listen where it should."""


def free_port() -> int:
    """Return a port that nobody listens on right now, and that no system gives to an outgoing connection."""
    while True:
        port = random.randrange(20_000, 32_768)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def persistently(start: Callable[[], Started]) -> Started:
    """Return what ``start`` does; where its ports were taken before it opened them, it is asked again for others."""
    for _ in range(TRIES - 1):
        try:
            return start()
        except NotStarted as error:
            print(f"once more, on other ports: {str(error).splitlines()[0]}", file=sys.stderr)
    return start()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when ``process`` listens on ``port``; end it with NotStarted when it does not, or takes too long."""
    deadline = time.monotonic() + STARTUP_S
    while not _listens(port, process):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise NotStarted(f"nobody answers on port {port}")
        time.sleep(0.02)


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Tell whether this process has the port: another program's would answer just as well."""
    with suppress(psutil.Error):
        opened = psutil.Process(process.pid).net_connections("tcp")
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in opened)
    return False


@dataclass(slots=True)
class Running:
    """A started server: its process tree is measured as one."""

    name: str
    target: Target
    http_port: int
    folder: Path
    process: subprocess.Popen[bytes]
    _cpu_at_start: float = 0.0
    _gone: dict[int, float] = field(default_factory=dict)

    def tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def cpu_s(self) -> float:
        """User and system seconds of the tree, finished children included."""
        times = [process.cpu_times() for process in self.tree()]
        return sum(t.user + t.system for t in times) + times[0].children_user + times[0].children_system

    def peak_rss_mib(self) -> float:
        total = 0
        for process in self.tree():
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    total += int(line.split()[1])
        return total / 1024

    def stop(self, *, keep: bool = False) -> None:
        """End the server and remove its folder, unless ``keep``: ext4 is slow to make files where many just went."""
        for process in reversed(self.tree()):
            process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Server:
    """A kind of server: how to start it, and which programs it needs."""

    name: str
    needs: tuple[str, ...]
    command: Callable[[Path, int, int], Command]
    ae_title: str = "ANY"
    speaks_http: bool = False

    @property
    def installed(self) -> bool:
        return all(shutil.which(program) for program in self.needs)

    def start(self, base: Path, data: Path | None = None) -> Running:
        """Start in a new folder below ``base``, over ``data`` if given (ours only); wait until its ports answer."""
        return persistently(lambda: self._start(base, data))

    def _start(self, base: Path, data: Path | None) -> Running:
        folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=base))
        if data is not None:
            (folder / "data").symlink_to(data)
        port, http_port = free_port(), free_port()
        command, environment = self.command(folder, port, http_port)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log)
        try:
            for waited in [port, http_port] if self.speaks_http else [port]:
                wait_for(waited, process)
        except NotStarted as error:
            raise NotStarted(f"{self.name}: {error}: {(folder / 'log').read_text()[-2000:]}") from error
        return Running(self.name, Target("127.0.0.1", port, self.ae_title), http_port, folder, process)


def _calotype(folder: Path, port: int, http_port: int) -> Command:
    others = [free_port() for _ in range(3)]
    ports = {f"CALOTYPE__LISTENERS__{i}__PORT": str(p) for i, p in enumerate([port, *others])}
    return [sys.executable, "-m", "calotype", "serve"], ports | {
        "CALOTYPE__STORAGE__PATH": str(folder / "data"),
        "CALOTYPE__STORAGE__MIN_FREE_MIB": "16",
        "CALOTYPE__HTTP__PORT": str(http_port),
        "CALOTYPE__HTTP__ACCESS__LOGIN": "off",
        "CALOTYPE__LOGGING__LEVEL": "WARNING",
        **dict.fromkeys((f"CALOTYPE__ACCESS__{name}" for name in ("FIND", "MOVE", "GET", "WORKLIST")), "all"),
        "CALOTYPE__NODES__0__AE_TITLE": "SINK",
        "CALOTYPE__NODES__0__HOST": "127.0.0.1",
        "CALOTYPE__NODES__0__PORT": os.environ.get("BENCH_SINK_PORT", "1"),
    }


_DCMRECV_PROFILE = """
[[TransferSyntaxes]]
[Plain]
TransferSyntax1 = LittleEndianExplicit
[[PresentationContexts]]
[Storage]
PresentationContext1 = CTImageStorage\\Plain
PresentationContext2 = MultiframeGrayscaleWordSecondaryCaptureImageStorage\\Plain
[[Profiles]]
[Bench]
PresentationContexts = Storage
"""


def _storescp(folder: Path, port: int, _http: int) -> Command:
    (folder / "out").mkdir()
    options = ["--fork", "--max-pdu", "131072", "--output-directory", str(folder / "out")]
    return ["storescp", *options, str(port)], {"TCP_NODELAY": "1"}


def _dcmrecv(folder: Path, port: int, _http: int) -> Command:
    (folder / "out").mkdir()
    profile = folder / "profile.cfg"
    profile.write_text(_DCMRECV_PROFILE)
    options = ["+B", "--max-pdu", "131072", "-xf", str(profile), "Bench", "--output-directory", str(folder / "out")]
    return ["dcmrecv", *options, str(port)], {"TCP_NODELAY": "1"}


def _orthanc(folder: Path, port: int, http_port: int) -> Command:
    folder_of_plugins = Path("/usr/share/orthanc/plugins")
    plugins = [str(p) for name in ("DicomWeb", "Gdcm") for p in folder_of_plugins.glob(f"libOrthanc{name}.so")]
    settings = {
        "Name": "bench",
        "StorageDirectory": str(folder / "data"),
        "IndexDirectory": str(folder / "data"),
        "DicomPort": port,
        "HttpPort": http_port,
        "DicomAet": "ANY",
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "DicomAlwaysAllowFind": True,
        "RemoteAccessAllowed": True,
        "AuthenticationEnabled": False,
        "DicomModalities": {"sink": ["SINK", "127.0.0.1", int(os.environ.get("BENCH_SINK_PORT", "1"))]},
        "Plugins": plugins,
        # Without this it proposes what it has, and no compressed form of it.
        "DicomScuPreferredTransferSyntax": os.environ.get("BENCH_SINK_SYNTAX", "1.2.840.10008.1.2.1"),
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    return ["Orthanc", str(folder / "orthanc.json")], {"TCP_NODELAY": "1"}


_DCMQRSCP_CONFIG = """
NetworkTCPPort = {port}
MaxPDUSize = 131072
MaxAssociations = 16
HostTable BEGIN
sink = (SINK, 127.0.0.1, {sink})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
ANY {data} RW (100, 10240mb) ANY
AETable END
"""


def _dcmqrscp(folder: Path, port: int, _http: int) -> Command:
    data, config = folder / "data", folder / "dcmqrscp.cfg"
    data.mkdir()
    sink = os.environ.get("BENCH_SINK_PORT", "1")
    config.write_text(_DCMQRSCP_CONFIG.format(port=port, sink=sink, data=data))
    return ["dcmqrscp", "-c", str(config)], {"TCP_NODELAY": "1"}


def _pynetdicom(folder: Path, port: int, _http: int) -> Command:
    (folder / "out").mkdir()
    return [sys.executable, "-m", "bench.pynetdicom_scp", str(port), str(folder / "out")], {
        "PYTHONPATH": str(Path(__file__).parent.parent)
    }


def _floor(folder: Path, port: int, _http: int, *, how: str = "") -> Command:
    (folder / "out").mkdir()
    return [sys.executable, "-m", "bench.floor", str(port), str(folder / "out"), how], {
        "PYTHONPATH": str(Path(__file__).parent.parent)
    }


CALOTYPE = Server("calotype", (), _calotype, ae_title="CALOTYPE", speaks_http=True)
SERVERS = (
    CALOTYPE,
    Server("storescp", ("storescp",), _storescp),
    Server("dcmrecv", ("dcmrecv",), _dcmrecv),
    Server("orthanc", ("Orthanc",), _orthanc, speaks_http=True),
    Server("pynetdicom", (), _pynetdicom),
    Server("(floor)", (), _floor),
    Server("(committed)", (), partial(_floor, how="committed")),
)
ARCHIVES = (
    *(server for server in SERVERS if server.name in ("calotype", "orthanc")),
    Server("dcmqrscp", ("dcmqrscp",), _dcmqrscp),
)
"""What gives back what it was sent."""
RETRIEVED = (*ARCHIVES, *(server for server in SERVERS if server.name == "(floor)"))
"""The same, and what the client and the machine take when there is next to no server."""
