"""Samples to medians and ratios, printed as a table and written as JSON."""

from __future__ import annotations

import json
import platform
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one server on one workload."""

    workload: str
    server: str
    wall_s: float
    cpu_s: float = 0.0
    peak_rss_mib: float = 0.0


@dataclass(slots=True)
class Report:
    """All samples of a run; ours is the server called calotype."""

    samples: list[Sample] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        self.samples.append(sample)
        print(
            f"  {sample.workload:24} {sample.server:12} {sample.wall_s:8.3f} s  cpu {sample.cpu_s:7.2f} s", flush=True
        )

    def note(self, text: str) -> None:
        self.notes.append(text)
        print(f"  {text}", flush=True)

    def rows(self) -> list[dict[str, object]]:
        grouped: dict[tuple[str, str], list[Sample]] = defaultdict(list)
        for sample in self.samples:
            grouped[sample.workload, sample.server].append(sample)
        rows = []
        for (workload, server), found in grouped.items():
            ours = grouped.get((workload, "calotype"))
            wall = statistics.median(s.wall_s for s in found)
            cpu = statistics.median(s.cpu_s for s in found)
            row: dict[str, object] = {
                "workload": workload,
                "server": server,
                "runs": len(found),
                "wall_s": wall,
                "wall_min_s": min(s.wall_s for s in found),
                "wall_max_s": max(s.wall_s for s in found),
                "cpu_s": cpu,
                "peak_rss_mib": max(s.peak_rss_mib for s in found),
            }
            if ours and server != "calotype":
                row["wall_ratio"] = wall / statistics.median(s.wall_s for s in ours)
                own_cpu = statistics.median(s.cpu_s for s in ours)
                row["cpu_ratio"] = cpu / own_cpu if own_cpu and cpu else None
            rows.append(row)
        return rows

    def table(self) -> str:
        head = f"{'workload':28} {'server':12} {'wall s':>8} {'min':>8} {'max':>8} {'CPU s':>7} {'RSS MiB':>8}"
        lines = [f"{head} {'wall x':>7} {'CPU x':>6}"]
        for row in sorted(self.rows(), key=lambda r: str(r["workload"])):
            ratio, cpu_ratio = row.get("wall_ratio"), row.get("cpu_ratio")
            lines.append(
                f"{row['workload']:28} {row['server']:12} {row['wall_s']:8.3f} {row['wall_min_s']:8.3f}"
                f" {row['wall_max_s']:8.3f}"
                f" {row['cpu_s']:7.2f} {row['peak_rss_mib']:8.0f}"
                f" {f'{ratio:.2f}' if ratio else '':>7} {f'{cpu_ratio:.2f}' if cpu_ratio else '':>6}"
            )
        return "\n".join(
            [
                *lines,
                "",
                "wall x, CPU x: the server's median over calotype's; above 1, calotype is better.",
                *self.notes,
            ]
        )

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        machine = {"python": platform.python_version(), "system": platform.platform()}
        path.write_text(json.dumps({"machine": machine, "rows": self.rows(), "notes": self.notes}, indent=1))
