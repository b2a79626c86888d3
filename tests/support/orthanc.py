"""Orthanc as a foreign peer, with an archive and a memory of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from calotype.services.routing.nodes import Node
from support import dcmtk


@dataclass(frozen=True)
class Orthanc:
    """A running one: its DICOM node, and its own interface."""

    node: Node
    api: httpx.Client


@contextmanager
def running(folder: Path, port: int, neighbour: Node) -> Iterator[Orthanc]:
    """Run one on ``port`` that knows ``neighbour``, until the block ends."""
    program = dcmtk.need("Orthanc")
    http_port = dcmtk.free_port()
    folder.mkdir()
    settings = {
        "Name": "peer",
        "StorageDirectory": str(folder / "data"),
        "IndexDirectory": str(folder / "data"),
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [],
        "DicomModalities": {neighbour.title: [neighbour.title, neighbour.host, neighbour.port]},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=output, stderr=output)
        try:
            for each in (port, http_port):
                dcmtk.wait_for(each, process, log)
            with httpx.Client(base_url=f"http://127.0.0.1:{http_port}", timeout=dcmtk.TOOL_S) as api:
                yield Orthanc(Node("ORTHANC", "127.0.0.1", port), api)
        finally:
            dcmtk.end(process)
