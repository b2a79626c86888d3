"""A real ``calotype serve`` in a process of its own, on free ports and in a temporary folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from calotype.services.access.permissions import Right


@dataclass
class Running:
    """One server process over one data folder; a context manager that stops it in good order."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    ports: dict[str, int] = field(default_factory=dict)
    http_port: int = 0

    def start(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        listeners = {f"CALOTYPE__LISTENERS__{i}__PORT": "0" for i in range(4)}
        loopback = {f"CALOTYPE__LISTENERS__{i}__BIND": "127.0.0.1" for i in range(4)}
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CALOTYPE")},
            **listeners,
            **loopback,
            "CALOTYPE__HTTP__PORT": "0",
            "CALOTYPE__HTTP__ACCESS__LOGIN": "off",
            "CALOTYPE__STORAGE__PATH": str(self.folder / "data"),
            "CALOTYPE__STORAGE__MIN_FREE_MIB": "1",
            # Peers of every name ask for everything; what strangers may do is a test of its own.
            **{f"CALOTYPE__ACCESS__{right.name}": "all" for right in Right},
            **self.environment,
        }
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-m", "calotype", "serve"],
                cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                if found := re.match(r"  DICOM  \S+?:(\d+)  (\w+)", line):
                    self.ports[found[2]] = int(found[1])
                if found := re.match(r"  HTTP   http://\S+?:(\d+)", line):
                    self.http_port = int(found[1])
                    return self
        except BaseException:
            # A test that is out of time: a process left behind would be found, and fail, during another one.
            self.kill()
            raise
        self._reap()
        raise AssertionError(f"calotype did not start:\n{self.log()}")

    @property
    def port(self) -> int:
        """The listener that serves everything."""
        return self.ports["CALOTYPE"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}/dicomweb"

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can tell."""
        assert self.process is not None
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """End it as an administrator would; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        try:
            return self.process.wait(60)
        finally:
            # One that does not end by itself fails its own test, and no other one.
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
