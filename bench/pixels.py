"""Codecs beside DCMTK's and GDCM's tools, and C-MOVE in another transfer syntax beside Orthanc with its GDCM plugin.

A tool is timed by the slope between a short and a long multi-frame file, so that its start and the rest of the
header cost nothing; ours converts objects of one frame out of open files, with everything that belongs to that. All
on one core, but for a second figure of ours: there objects go through a fleet of two processes, as in a server with
two cores, which these and the one that asks have to share. What is asked for and what comes back is the same.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from bench import query
from bench.fill import part_ten
from bench.objects import CT, EXPLICIT_LE, MULTIFRAME, ROOT, Kind, header
from bench.receiver import c_move
from bench.report import Report, Sample
from bench.servers import ARCHIVES, Running, Server
from bench.sink import Sink

if TYPE_CHECKING:
    from calotype.dicom.hierarchy import UID
    from calotype.services.archive.forms import Form
    from calotype.services.archive.ports import ObjectReader

BASE = "1.2.840.10008.1.2"
LOSSLESS, JPEG_LS, JPEG_2000, HTJ2K, RLE = (f"{BASE}.{row}" for row in ("4.70", "4.80", "4.90", "4.201", "5"))
COUNT = 1000
DISTINCT = 16
SHORT_FRAMES, LONG_FRAMES = 10, 110
MOVED = 200
AHEAD = 8


def slices(count: int) -> list[bytes]:
    """Return slices as a CT makes them, 12 bits in 16: smooth anatomy, sharp edges, noise of 12 units."""
    chance = np.random.default_rng(7)
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    made = []
    for number in range(count):
        body = (x / 0.8) ** 2 + (y / 0.6) ** 2 < 1
        pixels = np.where(body, 1064 + 60 * np.sin(5 * x + number) * np.cos(4 * y), 24)
        for bone in range(6):
            angle = bone + number / 10
            pixels[(x - 0.5 * np.cos(angle)) ** 2 + (y - 0.4 * np.sin(angle)) ** 2 < 0.006] = 1900
        pixels = pixels + chance.normal(0, np.where(body, 12, 3))
        made.append(np.clip(pixels, 0, 4095).astype("<u2").tobytes())
    return made


def _data_set(pixels: bytes, number: int, frames: int = 1) -> bytes:
    study = f"{ROOT}.77.{os.getpid()}"
    return (
        header(Kind(512, 512, frames), study, f"{study}.1", f"{study}.1.{number + 1}", number, len(pixels)) + pixels
    )


def _convert_all(stored: str, to: str, cores: int, count: int, results: multiprocessing.Queue[float]) -> None:
    """Convert ``count`` objects as a server with so many cores does; put the seconds by the clock for each."""
    from calotype.dicom.hierarchy import UID
    from calotype.dicom.pixels.transcode import convert

    if cores == 1:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    made: list[bytes] = []
    for number, pixels in enumerate(slices(DISTINCT)):
        native = _data_set(pixels, number)
        with convert(memoryview(native), UID(EXPLICIT_LE), UID(stored)) as new:
            made.append(b"".join(new.chunks()))
    results.put(_seconds_each(made, UID(stored), UID(to), count, cores))


def _seconds_each(made: Sequence[bytes], stored: UID, to: UID, count: int, cores: int) -> float:
    from calotype.dicom.hierarchy import UID
    from calotype.services.archive.fleet import Fleet, FleetSettings
    from calotype.services.archive.forms import Forms, Original

    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in made]
        for file, data in zip(files, made, strict=True):
            file.write(data)
            file.flush()
        # With one core there are no processes but this one.
        fleet = stack.enter_context(Fleet(FleetSettings(processes=cores))) if cores > 1 else None
        forms = Forms(fleet=fleet)
        ahead = AHEAD if fleet is not None else 0

        def convert(count: int) -> None:
            """Keep some objects ahead of the one that is read, as a C-MOVE does."""
            begun: deque[tuple[AbstractContextManager[Form], Form]] = deque()
            making: AbstractContextManager[Form]
            for number in range(count + ahead):
                if number < count:
                    at = number % DISTINCT
                    original = Original(UID(f"1.{number}"), stored, slice(0, len(made[at])))
                    making = forms.converted(cast("ObjectReader", files[at]), original, to, ahead=True)
                    begun.append((making, making.__enter__()))
                if number >= ahead:
                    making, form = begun.popleft()
                    for _ in form.chunks():
                        pass
                    making.__exit__(None, None, None)

        if fleet is not None and not fleet.warm():
            raise RuntimeError("no process to convert in")
        while fleet is not None and len(fleet.pids) < cores:
            convert(4 * AHEAD)
        convert(2 * DISTINCT)
        start = time.perf_counter()
        convert(count)
        return (time.perf_counter() - start) / count


def ours(stored: str, to: str, *, cores: int = 1, count: int = COUNT) -> float:
    """Return the seconds that an object takes in a fresh process."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[float] = context.Queue()
    process = context.Process(target=_convert_all, args=(stored, to, cores, count, results))
    process.start()
    seconds = results.get(timeout=600)
    process.join()
    return seconds


def _cpu_s(command: Sequence[str], folder: Path) -> float:
    before = os.times()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


@dataclass(frozen=True, slots=True)
class Tool:
    """A foreign program that does what we do; ``source`` names its input by syntax, ``None`` for uncompressed."""

    label: str
    name: str
    command: tuple[str, ...]
    source: str = "native"


TOOLS = (
    Tool(".70 encode", "dcmtk", ("dcmcjpeg", "+e1", "{in}", "{out}")),
    Tool(".70 encode", "gdcm", ("gdcmconv", "--jpeg", "{in}", "{out}")),
    Tool(".70 decode", "dcmtk", ("dcmdjpeg", "{in}", "{out}"), ".70"),
    Tool(".80 encode", "dcmtk", ("dcmcjpls", "+el", "{in}", "{out}")),
    Tool(".80 decode", "dcmtk", ("dcmdjpls", "{in}", "{out}"), ".80"),
    Tool(".5 decode", "dcmtk", ("dcmdrle", "{in}", "{out}"), ".5"),
)
_MAKERS = {".70": ("dcmcjpeg", "+e1"), ".80": ("dcmcjpls", "+el"), ".5": ("dcmcrle",)}
OURS = {
    ".70 encode": (EXPLICIT_LE, LOSSLESS),
    ".70 decode": (LOSSLESS, EXPLICIT_LE),
    ".80 encode": (EXPLICIT_LE, JPEG_LS),
    ".80 decode": (JPEG_LS, EXPLICIT_LE),
    ".5 decode": (RLE, EXPLICIT_LE),
    ".5 encode": (EXPLICIT_LE, RLE),
    ".201 encode": (EXPLICIT_LE, HTJ2K),
    ".201 decode": (HTJ2K, EXPLICIT_LE),
}


def codecs(report: Report, base: Path, runs: int) -> None:
    """Time an object each way, ours and the tools', in turn; then ours on two cores."""
    folder = Path(tempfile.mkdtemp(prefix="pixels-", dir=base))
    frames = slices(DISTINCT)
    for count in (SHORT_FRAMES, LONG_FRAMES):
        pixels = b"".join(frames[i % DISTINCT] for i in range(count))
        native = folder / f"native-{count}.dcm"
        native.write_bytes(part_ten(_data_set(pixels, 0, count), MULTIFRAME, f"{ROOT}.77.1", EXPLICIT_LE))
        for source, maker in _MAKERS.items():
            if shutil.which(maker[0]):
                subprocess.run([*maker, str(native), str(folder / f"{source}-{count}.dcm")], check=True)
    for _ in range(runs):
        for label, (stored, to) in OURS.items():
            one, two = ours(stored, to), ours(stored, to, cores=2)
            report.add(Sample(f"pixels {label}", "calotype", one))
            report.add(Sample(f"pixels {label}", "two cores", two))
            report.note(f"{label}: two cores {one / two:.2f}x one")
            for tool in (each for each in TOOLS if each.label == label and shutil.which(each.command[0])):
                spent = [_run(tool, folder, count) for count in (SHORT_FRAMES, LONG_FRAMES)]
                report.add(Sample(f"pixels {label}", tool.name, (spent[1] - spent[0]) / (LONG_FRAMES - SHORT_FRAMES)))
    shutil.rmtree(folder)


def _run(tool: Tool, folder: Path, count: int) -> float:
    places = {"in": f"{tool.source}-{count}.dcm", "out": "out.dcm"}
    return _cpu_s([word.format(**places) for word in tool.command], folder)


MOVES = (
    (EXPLICIT_LE, LOSSLESS),
    (EXPLICIT_LE, JPEG_LS),
    (JPEG_LS, EXPLICIT_LE),
    (EXPLICIT_LE, JPEG_2000),
)


def moves(report: Report, base: Path, runs: int, servers: Sequence[Server] = ARCHIVES) -> None:
    """Move a study to a receiver that takes one transfer syntax only, which is not the one it is stored in."""
    able = [server for server in servers if server.name in ("calotype", "orthanc") and server.installed]
    for stored, to in MOVES:
        sink = Sink(syntaxes=(to,))
        os.environ |= {"BENCH_SINK_PORT": str(sink.port), "BENCH_SINK_SYNTAX": to}
        started = [server.start(base) for server in able]
        folder = _objects_in(base, stored)
        for running in started:
            _send(folder, running)
        shutil.rmtree(folder)
        able_to = list(started)
        for _ in range(runs):
            for running in list(able_to):
                label = f"move {stored.removeprefix(BASE)} as {to.removeprefix(BASE)}"
                try:
                    _move(report, running, sink, label)
                except (ConnectionError, RuntimeError) as error:
                    if running.name == "calotype":
                        raise
                    report.note(f"{label}: {running.name} gave up: {error or 'it closed the connection'}")
                    able_to.remove(running)
        for running in started:
            running.stop()
        sink.close()


def _move(report: Report, running: Running, sink: Sink, label: str) -> None:
    root = "/dicomweb" if running.name == "calotype" else "/dicom-web"
    study = query.only_study(running.http_port, root)
    before = running.cpu_s()
    wall, count, _ = c_move(running.target, study, sink)
    if count != MOVED:
        raise RuntimeError(f"{label}: {running.name} sent {count} of {MOVED} objects")
    report.add(Sample(label, running.name, wall, running.cpu_s() - before, running.peak_rss_mib()))


def _objects_in(base: Path, stored: str) -> Path:
    from calotype.dicom.hierarchy import UID
    from calotype.dicom.pixels.transcode import convert

    folder = Path(tempfile.mkdtemp(prefix="objects-", dir=base))
    frames = slices(DISTINCT)
    for number in range(MOVED):
        native = _data_set(frames[number % DISTINCT], number)
        with convert(memoryview(native), UID(EXPLICIT_LE), UID(stored)) as new:
            data = b"".join(new.chunks())
        instance = f"{ROOT}.77.{os.getpid()}.1.{number + 1}"
        (folder / f"{number:04d}.dcm").write_bytes(part_ten(data, CT, instance, stored))
    return folder


def _send(folder: Path, running: Running) -> None:
    target = running.target
    command = [
        "dcmsend",
        "--decompress-never",
        "-aec",
        target.ae_title,
        "+sd",
        target.host,
        str(target.port),
        str(folder),
    ]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "TCP_NODELAY": "1"})


def measure(report: Report, base: Path, runs: int) -> None:
    """Run both parts."""
    codecs(report, base, runs)
    moves(report, base, runs)
