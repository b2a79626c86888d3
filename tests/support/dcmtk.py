"""DCMTK's command line tools, and some others, as foreign peers.

What is missing is said by :func:`lack`, and nowhere else: a failure in CI, where every peer must be there, and a skip
with the way to bring it elsewhere.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

TOOL_S = 60
PACKAGES = {
    "gdcmconv": "libgdcm-tools",
    "dciodvfy": "dicom3tools",
    "djxl": "libjxl-tools",
    "ffmpeg": "ffmpeg",
    "Orthanc": "orthanc",
    "chromium": "chromium",
}
"""Debian's packages of tools that are not DCMTK's."""
WORKERS = 8
"""That a run has at the most, each with ports of its own."""
_given: set[int] = set()


def need(tool: str) -> str:
    """Return where a tool is; end the test that needs it when it is nowhere."""
    path = shutil.which(tool)
    if path is None:
        lack(f"{tool} is not here; on Debian and Ubuntu: sudo apt-get install {PACKAGES.get(tool, 'dcmtk')}")
    return path


def lack(told: str) -> NoReturn:
    """End the test, which needs what is not here; ``told`` says what, and how to bring it."""
    end = pytest.fail if os.environ.get("CI", "").lower() in {"true", "1"} else pytest.skip
    end(told)


def free_port() -> int:
    """Return a port that nobody listens on right now.

    It is none of those that systems give to outgoing connections (from 32768 on Linux, from 49152 elsewhere): one of
    these may be taken between now and the moment at which a peer opens it. Nor is it one that was given before, or
    that another worker of this run is given.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS
    while True:
        port = random.randrange(20_000 + worker, 32_768, WORKERS)
        if port in _given:
            continue
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            _given.add(port)
            return port


def run(tool: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end in ``folder``; stderr goes into stdout, where DCMTK logs."""
    return subprocess.run(
        [need(tool), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "TCP_NODELAY": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=TOOL_S,
        check=False,
    )


@contextmanager
def serving(tool: str, port: int, *arguments: object, folder: Path) -> Iterator[None]:
    """Run a tool that listens on ``port`` until the block ends."""
    program = need(tool)
    log = folder / f"{tool}.log"
    with log.open("w") as output:
        process = subprocess.Popen([program, *map(str, arguments)], cwd=folder, stdout=output, stderr=output)
        try:
            wait_for(port, process, log)
            yield
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a peer; one that does not heed it is killed, or it would be found, and fail, during another test."""
    process.terminate()
    try:
        process.wait(TOOL_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when somebody listens on ``port``; AssertionError with the log when the process ends before."""
    deadline = time.monotonic() + TOOL_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"it did not start:\n{log.read_text()}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"nobody listens on port {port}:\n{log.read_text()}")
