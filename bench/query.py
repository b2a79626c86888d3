"""QIDO-RS and C-FIND against an index filled with generated studies: pages of 100, median and 95th percentile."""

from __future__ import annotations

import json
import random
import shutil
import statistics
import struct
import time
from http.client import HTTPConnection
from pathlib import Path

from bench import fill
from bench.receiver import p_data
from bench.report import Report, Sample
from bench.sender import Target, connect, find_request, release, store
from bench.servers import ARCHIVES, CALOTYPE
from bench.sink import Stream, fields

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
ORTHANC = next(server for server in ARCHIVES if server.name == "orthanc")
PAGE = 100
ROUNDS = 100


def only_study(port: int, root: str) -> str:
    """Return the Study Instance UID of the one study a server holds."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"{root}/studies", headers={"Accept": "application/dicom+json"})
    found = json.loads(connection.getresponse().read())
    connection.close()
    if len(found) != 1:
        raise RuntimeError(f"{len(found)} studies where one was stored")
    return str(found[0]["0020000D"]["Value"][0])


def measure(report: Report, base: Path, studies: int) -> None:
    """Fill an index, start a server over it, ask."""
    folder = fill.filled_archive(base, studies, instances_per_study=1)
    running = CALOTYPE.start(base, data=folder)
    try:
        chance = random.Random(1)
        for name, question in QUESTIONS.items():
            _report(report, f"qido {studies} {name}", _qido(running.http_port, question, chance, studies))
        for name, keys in FIND_QUESTIONS.items():
            _report(report, f"c-find {studies} {name}", _c_find(running.target, keys, chance, studies))
        report.note(f"peak RSS at {studies} studies: {running.peak_rss_mib():.0f} MiB")
    finally:
        running.stop()
        shutil.rmtree(folder)


def beside_orthanc(report: Report, base: Path, studies: int) -> None:
    """Ask us and Orthanc's DICOMweb plugin the same, over archives that say the same."""
    folder = fill.filled_archive(base, studies, instances_per_study=1)
    ours, theirs = CALOTYPE.start(base, data=folder), ORTHANC.start(base)
    try:
        kept = store(theirs.target, fill.data_sets(studies))
        if kept != studies:
            raise RuntimeError(f"Orthanc kept {kept} of {studies} objects")
        for name, question in QUESTIONS.items():
            if name in OURS_ALONE:
                continue
            for running, root in ((ours, "/dicomweb"), (theirs, "/dicom-web")):
                times = _qido(running.http_port, question, random.Random(1), studies, root=root, rounds=ROUNDS // 4)
                _report(report, f"qido {studies} {name}", times, running.name)
    finally:
        ours.stop()
        theirs.stop()
        shutil.rmtree(folder)


def _report(report: Report, name: str, times: list[float], server: str = "calotype") -> None:
    ordered = sorted(times)
    report.add(Sample(name, server, statistics.median(times)))
    report.note(f"{name}, {server}: median {_ms(ordered, 0.5)}, p95 {_ms(ordered, 0.95)}")


def _ms(ordered: list[float], part: float) -> str:
    return f"{ordered[int(len(ordered) * part)] * 1e3:.2f} ms"


QUESTIONS = {
    "newest": lambda _c, _n: "",
    "patient id": lambda c, n: f"&PatientID={fill.patient_id(c.randrange(n))}",
    "one day": lambda c, _n: f"&StudyDate={fill.day(c.randrange(3650))}",
    "month+modality": lambda c, _n: f"&StudyDate={fill.month(c.randrange(120))}&ModalitiesInStudy=CT",
    "name prefix": lambda c, _n: f"&PatientName={fill.surname(c.randrange(100))}*",
    "accession": lambda c, n: f"&AccessionNumber={fill.accession(c.randrange(n))}",
    "name within": lambda c, _n: f"&PatientName=*{fill.GIVEN[c.randrange(10)]}{c.randrange(100)}*",
    "series of a day": lambda c, _n: f"&StudyDate={fill.day(c.randrange(3650))}",
    "fuzzy, two words": lambda c, _n: (
        f"&fuzzymatching=true&PatientName={fill.GIVEN[c.randrange(10)]}{c.randrange(100)}%20{fill.surname(c.randrange(100))}"
    ),
    "fuzzy, one word": lambda c, _n: f"&fuzzymatching=true&PatientName={fill.GIVEN[c.randrange(10)]}",
}
OURS_ALONE = frozenset({"fuzzy, two words", "fuzzy, one word"})
"""Orthanc takes the parameter and matches as without it."""
FIND_QUESTIONS = {
    "patient id": lambda c, n: {0x00100020: fill.patient_id(c.randrange(n))},
    "one day": lambda c, _n: {0x00080020: fill.day(c.randrange(3650))},
    "name prefix": lambda c, _n: {0x00100010: f"{fill.surname(c.randrange(100))}*"},
}


def _qido(
    port: int,
    question: object,
    chance: random.Random,
    studies: int,
    *,
    root: str = "/dicomweb",
    rounds: int = ROUNDS,
) -> list[float]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    level = "series" if question is QUESTIONS["series of a day"] else "studies"
    for _ in range(rounds):
        path = f"{root}/{level}?limit={PAGE}{question(chance, studies)}"  # type: ignore[operator]
        start = time.perf_counter()
        connection.request("GET", path, headers={"Accept": "application/dicom+json"})
        response = connection.getresponse()
        body = response.read()
        times.append(time.perf_counter() - start)
        if response.status != 200:
            raise ConnectionError(f"{path} answered {response.status}: {body[:300]!r}")
    connection.close()
    return times


def _c_find(target: Target, keys: object, chance: random.Random, studies: int) -> list[float]:
    """Time from the request to the hundredth pending response (or the last, when there are fewer)."""
    connection, _ = connect(target, [(1, STUDY_ROOT_FIND)])
    stream, times = Stream(connection), []
    for number in range(1, ROUNDS + 1):
        wanted = {0x00080020: "", 0x00080052: "STUDY", 0x00100010: "", 0x00100020: "", 0x0020000D: ""}
        wanted |= keys(chance, studies)  # type: ignore[operator]
        identifier = b"".join(_text(tag, wanted[tag]) for tag in sorted(wanted))
        command = find_request(STUDY_ROOT_FIND, number)
        start = time.perf_counter()
        connection.sendall(p_data(1, 3, command) + p_data(1, 2, identifier))
        pending = 0
        while (message := stream.message()) is not None and fields(message[2])[0x0900] in (b"\0\xff", b"\x01\xff"):
            pending += 1
            if pending == PAGE:
                times.append(time.perf_counter() - start)
        if pending < PAGE:
            times.append(time.perf_counter() - start)
    release(connection)
    return times


_VRS = {0x00080020: b"DA", 0x00080052: b"CS", 0x00100010: b"PN", 0x00100020: b"LO", 0x0020000D: b"UI"}


def _text(tag: int, value: str) -> bytes:
    raw = value.encode()
    raw += b" " * (len(raw) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, _VRS[tag], len(raw)) + raw
