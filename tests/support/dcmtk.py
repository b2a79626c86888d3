"""DCMTK's command line tools as foreign peers; one that is missing is a failure of the test that needs it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOOL_S = 60


def free_port() -> int:
    """Return a port that nobody listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def run(tool: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end in ``folder``; stderr goes into stdout, where DCMTK logs."""
    return subprocess.run(
        [tool, *map(str, arguments)],
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
    log = folder / f"{tool}.log"
    with log.open("w") as output:
        process = subprocess.Popen([tool, *map(str, arguments)], cwd=folder, stdout=output, stderr=output)
        try:
            _wait_for(port, process, log)
            yield
        finally:
            process.terminate()
            process.wait(TOOL_S)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
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
