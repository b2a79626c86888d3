"""Fills an archive with generated rows, and writes generated files."""

from __future__ import annotations

import datetime as dt
import random
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from bench.objects import CT, EXPLICIT_LE, ROOT, Kind, Object, Pool, element, objects
from bench.report import Report, Sample
from bench.sender import Workload, run_workload
from bench.servers import Server
from calotype.dicom import dictionary
from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.services.archive.ports import Channel, InstanceRecord, ObjectLocation, Origin
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.sqlite import SqliteIndex


def part_ten(data_set: bytes, sop_class: str, instance: str, transfer_syntax: str) -> bytes:
    """Return a Part 10 file of a data set."""
    meta = b"".join(
        [
            element(0x00020001, b"OB", b"\0\1"),
            element(0x00020002, b"UI", sop_class),
            element(0x00020003, b"UI", instance),
            element(0x00020010, b"UI", transfer_syntax),
            element(0x00020012, b"UI", "1.2.826.0.1.3680043.10.9999.1"),
        ]
    )
    return bytes(128) + b"DICM" + element(0x00020000, b"UL", struct.pack("<I", len(meta))) + meta + data_set


def write_files(folder: Path, kind: Kind, count: int, *, run: int) -> list[Path]:
    """Write ``count`` Part 10 files of one study; return their paths."""
    folder.mkdir(parents=True)
    paths = []
    for number, obj in enumerate(objects(kind, count, Pool(), run=run)):
        path = folder / f"{number:06d}.dcm"
        path.write_bytes(part_ten(obj.header + bytes(obj.pixels), obj.sop_class, obj.instance, EXPLICIT_LE))
        paths.append(path)
    return paths


SURNAMES = [
    f"{a}{b}"
    for a in ("Zh", "Ch", "W", "L", "H", "Y", "X", "Sh", "G", "M")
    for b in ("ang", "en", "ao", "u", "ei", "an", "ong", "i", "ou", "in")
]
GIVEN = ("Wei", "Fang", "Min", "Jing", "Lei", "Yan", "Jun", "Ping", "Hua", "Na")
MODALITIES = ("CT", "MR", "CR", "US", "DX", "CT", "CT", "MR")
FIRST_DAY = dt.date(2016, 1, 1)


def patient_id(number: int) -> str:
    return f"P{number // 3:08d}"


def accession(number: int) -> str:
    return f"A{number:09d}"


def surname(number: int) -> str:
    return SURNAMES[number % len(SURNAMES)]


def day(number: int) -> str:
    return (FIRST_DAY + dt.timedelta(days=number % 3650)).strftime("%Y%m%d")


def month(number: int) -> str:
    first = dt.date(2016 + number // 12 % 10, number % 12 + 1, 1)
    return f"{first:%Y%m}01-{first:%Y%m}28"


def records(studies: int, instances_per_study: int) -> Iterator[InstanceRecord]:
    """Make the rows of an archive: one series a study, dates over ten years, a hundred surnames."""
    chance = random.Random(42)
    header = zlib.compress(b'{"00080005":{"vr":"CS","Value":["ISO_IR 192"]}}' * 60, 1)
    origin = Origin(Channel.DIMSE, "FILL", "CALOTYPE", "127.0.0.1")
    for number in range(studies):
        study = UID(f"{ROOT}.7.{chance.randrange(10**12)}.{number}")
        series = UID(f"{study}.1")
        attributes = {
            "PatientID": patient_id(number),
            "PatientName": f"{surname(number // 3)}^{GIVEN[number // 3 % 10]}{number // 300}",
            "PatientSex": "FM"[number // 3 % 2],
            "PatientBirthDate": day(number // 3 * 7),
            "StudyInstanceUID": study,
            "StudyDate": day(chance.randrange(3650)),
            "StudyTime": f"{chance.randrange(24):02d}{chance.randrange(60):02d}00",
            "AccessionNumber": accession(number),
            "StudyDescription": "Routine examination",
            "SeriesInstanceUID": series,
            "Modality": MODALITIES[number % 8],
            "SeriesNumber": "1",
        }
        for i in range(instances_per_study):
            instance = UID(f"{series}.{i + 1}")
            key = f"generated/{number}/{i}.dcm"
            location = ObjectLocation(key, 21_000, 400, 20_600, instance.encode().ljust(32)[:32], UID(EXPLICIT_LE))
            yield InstanceRecord(
                ref=InstanceRef(study, series, instance),
                sop_class=UID(CT),
                attributes=attributes | {"SOPInstanceUID": instance, "SOPClassUID": CT, "InstanceNumber": str(i + 1)},
                location=location,
                header=header,
                origin=origin,
                received_us=1_760_000_000_000_000 + number,
            )


def data_sets(studies: int) -> Iterator[Object]:
    """Make objects without pixels that say what the rows of :func:`records` say: for servers that we cannot fill."""
    for record in records(studies, 1):
        named = record.attributes | {"SpecificCharacterSet": "ISO_IR 192"}
        tags = sorted((dictionary.tag_of(keyword) or 0, text) for keyword, text in named.items())
        header = b"".join(element(tag, dictionary.vr_of(tag).encode(), text) for tag, text in tags)
        yield Object(record.sop_class, record.ref.instance, header, memoryview(b""))


def filled_archive(base: Path, studies: int, instances_per_study: int) -> Path:
    """Return a data folder whose index holds generated rows (there are no objects behind them)."""
    folder = Path(tempfile.mkdtemp(prefix="filled-", dir=base))
    (folder / "objects").mkdir()
    index = SqliteIndex(SqliteSettings(folder / "index.sqlite", durable=False))
    rebuild = index.rebuild()
    for record in records(studies, instances_per_study):
        rebuild.add(record)
    rebuild.swap()
    index.key_all_names()
    index.close()
    return folder


def rate_at_a_million(report: Report, base: Path, server: Server, load: Workload, runs: int) -> None:
    """Send real objects to an empty archive and to one of 1,000,000 rows in 10,000 studies, in turn."""
    full = filled_archive(base, 10_000, 100)
    try:
        for run in range(1, runs + 1):
            for name, data in ((f"{load.name} empty", None), (f"{load.name} at a million", full)):
                running = server.start(base, data=data)
                try:
                    before = running.cpu_s()
                    wall = run_workload(running.target, load, 5000 + run * 2 + (data is None))
                    cpu = running.cpu_s() - before
                    report.add(Sample(name, running.name, wall, cpu, running.peak_rss_mib()))
                finally:
                    running.stop()
    finally:
        shutil.rmtree(full)
