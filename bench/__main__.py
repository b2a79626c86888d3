"""``python -m bench``: store, retrieve and query, ours and the peers installed in turn, medians and ratios."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import dicomweb, fill, pixels, query, stow, worklist
from bench.objects import CT_512, MULTI_50MB, SMALL
from bench.receiver import c_get, c_move, wado
from bench.report import Report, Sample
from bench.sender import Target, Workload, run_workload
from bench.servers import ARCHIVES, CALOTYPE, RETRIEVED, SERVERS, Running, Server, free_port, persistently, wait_for
from bench.sink import Sink

WORKLOADS = {
    "W1": Workload("W1", CT_512, 1000),
    "W2": Workload("W2", CT_512, 250, parallel=4),
    "W3": Workload("W3", SMALL, 2000),
    "W4": Workload("W4", MULTI_50MB, 20),
    "W5": Workload("W5", CT_512, 1, associations=200),
}


def _start_sink() -> tuple[subprocess.Popen[bytes], int]:
    """Start what takes everything and keeps nothing."""
    port = free_port()
    sink = subprocess.Popen([sys.executable, "-m", "bench.sink", str(port)])
    wait_for(port, sink)
    return sink, port


def store(report: Report, base: Path, where: str, servers: list[Server], names: list[str], runs: int) -> None:
    """Send each workload to a discarding sink and to each server, freshly started, in turn."""
    base = Path(tempfile.mkdtemp(prefix="store-", dir=base))
    # On tmpfs the memory is needed again at once; on a disk removing files would slow down who makes the next ones.
    keep = where == "disk"
    for run in range(1, runs + 1):
        for name in names:
            load = WORKLOADS[name]
            sink, port = persistently(_start_sink)
            report.add(
                Sample(f"store {name} {where}", "(sink)", run_workload(Target("127.0.0.1", port, "SINK"), load, run))
            )
            sink.terminate()
            sink.wait()
            for server in servers:
                running = server.start(base)
                try:
                    before = running.cpu_s()
                    wall = run_workload(running.target, load, run)
                    cpu = running.cpu_s() - before
                    report.add(Sample(f"store {name} {where}", server.name, wall, cpu, running.peak_rss_mib()))
                finally:
                    running.stop(keep=keep)
    shutil.rmtree(base)


def default_senders(report: Report, base: Path, servers: list[Server], runs: int) -> None:
    """Time DCMTK's senders as shipped, 25 objects of 20 KB, the tool's start included."""
    folder = Path(tempfile.mkdtemp(prefix="objects-", dir=base))
    count = 25
    for run in range(1, runs + 1):
        for tool in ("storescu", "dcmsend"):
            files = fill.write_files(folder / f"{run}-{tool}", SMALL, count, run=1000 + run)
            for server in [s for s in servers if s.name not in {"pynetdicom", "(floor)", "(committed)"}]:
                running = server.start(base)
                environment = {key: value for key, value in os.environ.items() if key != "TCP_NODELAY"}
                command = [
                    tool,
                    "-aec",
                    running.target.ae_title,
                    "127.0.0.1",
                    str(running.target.port),
                    *map(str, files),
                ]
                try:
                    start = time.perf_counter()
                    subprocess.run(command, env=environment, check=True, capture_output=True)
                    wall = (time.perf_counter() - start) / count
                    report.add(Sample(f"default {tool} /object", server.name, wall))
                finally:
                    running.stop()
    shutil.rmtree(folder)


def retrieve(report: Report, base: Path, servers: list[Server], runs: int) -> None:
    """C-GET, C-MOVE and WADO-RS of one study of 1,000 CT."""
    load = WORKLOADS["W1"]
    with ExitStack() as end:
        sink = Sink()
        end.callback(sink.close)
        os.environ["BENCH_SINK_PORT"] = str(sink.port)
        started = []
        for server in servers:
            running = server.start(base)
            end.callback(running.stop)
            started.append(running)
            run_workload(running.target, load, 1)
        _fetch_in_turn(report, started, sink, load, runs)


def _fetch_in_turn(report: Report, started: list[Running], sink: Sink, load: Workload, runs: int) -> None:
    studies = {running.name: _study_of(running) for running in started}
    clients: dict[str, list[float]] = {}
    for _ in range(runs):
        for running in started:
            study = studies[running.name]
            for verb, fetch in (
                ("c-get", lambda: _whole(load, *c_get(running.target, study))),  # noqa: B023 - called at once
                ("c-move", lambda: _whole(load, *c_move(running.target, study, sink))),  # noqa: B023
                ("wado-rs", lambda: wado(running.http_port, _web_root(running.name), study)[0]),  # noqa: B023
            ):
                if verb == "wado-rs" and running.name in {"dcmqrscp", "(floor)"}:
                    continue
                before = running.cpu_s()
                client_before = time.process_time()
                wall = fetch()
                client = time.process_time() - client_before
                cpu, rss = running.cpu_s() - before, running.peak_rss_mib()
                report.add(Sample(f"retrieve {verb}", running.name, wall, cpu, rss))
                if verb != "wado-rs":
                    clients.setdefault(running.name, []).append(client)
    for name, times in clients.items():
        report.note(f"the receiving client took {min(times):.3f} s of processor time for what {name} sent")


def _whole(load: Workload, wall_s: float, count: int, data_bytes: int) -> float:
    """Return the seconds; RuntimeError when not every object came, with all of its pixels at least."""
    if count != load.total or data_bytes < load.total * load.kind.pixel_bytes:
        raise RuntimeError(f"{count} of {load.total} objects came, with {data_bytes} bytes")
    return wall_s


def _study_of(running: Running) -> str:
    """Return the Study Instance UID of the one study a server holds, by HTTP or findscu; the floor takes any."""
    if running.name == "(floor)":
        return "1.2.3"
    if running.name != "dcmqrscp":
        return query.only_study(running.http_port, _web_root(running.name))
    where = ["-aec", running.target.ae_title, running.target.host, str(running.target.port)]
    command = ["findscu", "-S", "-k", "0008,0052=STUDY", "-k", "0020,000D", *where]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    [study] = set(re.findall(r"\(0020,000d\) UI \[([0-9.]+)", found.stdout + found.stderr))
    return study


def _web_root(name: str) -> str:
    return "/dicomweb" if name == "calotype" else "/dicom-web"


def _store(report: Report, options: argparse.Namespace) -> None:
    servers, names = _chosen(SERVERS, options), options.workloads.split(",")
    if options.only != "disk":
        store(report, options.tmpfs, "tmpfs", servers, names, options.runs)
    if options.only != "tmpfs":
        durable = [s for s in servers if s.name in ("calotype", "orthanc")]
        store(report, options.disk, "disk", durable, [n for n in names if n != "W5"], options.runs)


def _query(report: Report, options: argparse.Namespace) -> None:
    for size in options.studies.split(","):
        query.measure(report, options.tmpfs, int(size))


Part = Callable[[Report, argparse.Namespace], None]

PARTS: dict[str, Part] = {
    "store": _store,
    "default": lambda report, options: default_senders(
        report, options.tmpfs, _chosen(SERVERS, options), options.runs
    ),
    "retrieve": lambda report, options: retrieve(report, options.tmpfs, _chosen(RETRIEVED, options), options.runs),
    "stow": lambda report, options: stow.measure(report, options.tmpfs, _chosen(ARCHIVES, options), options.runs),
    "dicomweb": lambda report, options: dicomweb.measure(
        report, options.tmpfs, _chosen(ARCHIVES, options), options.runs
    ),
    "query": _query,
    "qido": lambda report, options: query.beside_orthanc(
        report, options.tmpfs, max(map(int, options.studies.split(",")))
    ),
    "worklist": lambda report, options: worklist.measure(report, options.tmpfs),
    "pixels": lambda report, options: pixels.measure(report, options.tmpfs, options.runs),
    "million": lambda report, options: fill.rate_at_a_million(
        report, options.tmpfs, CALOTYPE, WORKLOADS["W3"], options.runs
    ),
}
USUAL = ["store", "default", "retrieve", "query"]


def _chosen(servers: Sequence[Server], options: argparse.Namespace) -> list[Server]:
    wanted = options.servers.split(",") if options.servers else [server.name for server in servers]
    return [server for server in servers if server.name in wanted and server.installed]


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", default=USUAL, choices=list(PARTS), metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--workloads", default="W1,W2,W3,W4,W5")
    parser.add_argument("--servers", default="", help="comma list; default: all that are installed")
    parser.add_argument("--tmpfs", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--only", choices=["tmpfs", "disk"], default=None)
    parser.add_argument("--studies", default="10000,100000", help="sizes of the query bench")
    parser.add_argument("--json", type=Path, default=Path("bench/results/latest.json"))
    options = parser.parse_args()
    report = Report()
    for part in options.parts:
        PARTS[part](report, options)
    print()
    print(report.table())
    report.write(options.json)


if __name__ == "__main__":
    main()
