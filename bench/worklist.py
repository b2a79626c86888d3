"""The worklist at 100,000 items: C-FIND by what consoles ask by, median and 95th percentile to the last response."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import fill
from bench.query import ROUNDS, _report
from bench.receiver import p_data
from bench.report import Report
from bench.sender import connect, find_request, release
from bench.servers import CALOTYPE
from bench.sink import Stream, fields
from calotype.dicom import keywords
from calotype.dicom.datasets import encode
from calotype.dicom.query.worklist import STEPS
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN
from calotype.services.worklist.items import Item, Step, StepStatus
from calotype.stores.index import worklist, worklist_keys
from calotype.stores.index.connections import SqliteSettings
from calotype.stores.index.sqlite import SqliteIndex

MODALITY_WORKLIST_FIND = "1.2.840.10008.5.1.4.31"
HANZI = {
    "Zhang": "张", "Zhao": "赵", "Zhu": "朱", "Zhou": "周", "Chang": "常", "Chen": "陈", "Wang": "王", "Wen": "文",
    "Wu": "吴", "Wei": "魏", "Lu": "卢", "Lei": "雷", "Lan": "兰", "Long": "龙", "Li": "李", "Lin": "林", "He": "何",
}  # fmt: skip
"""Surnames that every second patient of that name writes in hanzi, with no letters beside them."""
STATIONS, MODALITIES, DAYS = 20, ("CT", "MR", "CR", "DX", "US"), 365


def station(number: int) -> str:
    """Return the AE title of one of the rooms."""
    return f"ROOM{number % STATIONS}"


def item(number: int) -> Item:
    """Return one item; most of a year is over, the last days are still to be done."""
    day = number % DAYS
    over = StepStatus.COMPLETED if day < DAYS - 60 else StepStatus.SCHEDULED
    step = {
        "ScheduledStationAETitle": station(number // DAYS),
        "Modality": MODALITIES[number // DAYS % len(MODALITIES)],
        "ScheduledProcedureStepStartDate": fill.day(day),
        "ScheduledProcedureStepStartTime": f"{8 + number % 10:02}{number % 60:02}00",
        "ScheduledProcedureStepID": f"S{number}",
        "ScheduledProcedureStepDescription": "CT Thorax",
    }
    surname = fill.surname(number % 100)
    if number // 100 % 2:
        surname = HANZI.get(surname, surname)
    attributes = {
        "PatientName": f"{surname}^Given{number}",
        "PatientID": fill.patient_id(number),
        "PatientBirthDate": "19700101",
        "AccessionNumber": f"A{number}",
        "StudyInstanceUID": f"1.2.826.0.1.3680043.10.1839.6.{number}",
        "RequestedProcedureID": f"R{number}",
    }
    return Item(f"{number:016x}", attributes, (Step(step, over),))


QUESTIONS: dict[str, Callable[[random.Random, int], dict[str, str]]] = {
    "station+day": lambda c, _n: {
        "ScheduledStationAETitle": station(c.randrange(STATIONS)),
        "ScheduledProcedureStepStartDate": fill.day(DAYS - 1 - c.randrange(60)),
    },
    "day+modality": lambda c, _n: {
        "Modality": c.choice(MODALITIES),
        "ScheduledProcedureStepStartDate": fill.day(DAYS - 1 - c.randrange(60)),
    },
    "patient id": lambda c, n: {"PatientID": fill.patient_id(c.randrange(n))},
    "surname": lambda c, _n: {"PatientName": f"{fill.surname(c.randrange(100))}*"},
    "surname in hanzi": lambda c, _n: {
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientName": f"{c.choice([*HANZI.values()])}*",
    },
    "name within": lambda c, n: {"PatientName": f"*Given{c.randrange(n)}"},
    "name prefix": lambda c, n: {"PatientName": f"{fill.surname(c.randrange(100))}^Given{c.randrange(n) // 100}*"},
}


def measure(report: Report, base: Path, items: int = 100_000) -> None:
    """Fill a worklist, start a server over it, ask."""
    folder = Path(tempfile.mkdtemp(prefix="worklist-", dir=base))
    _fill(folder, items)
    running = CALOTYPE.start(base, data=folder)
    try:
        chance = random.Random(1)
        for name, question in QUESTIONS.items():
            _report(report, f"worklist {items} {name}", _ask(running.target, question, chance, items))
    finally:
        running.stop()
        shutil.rmtree(folder)


def _fill(folder: Path, items: int) -> None:
    index = SqliteIndex(SqliteSettings(folder / "index.sqlite", durable=False))

    def work(connection: sqlite3.Connection) -> None:
        for number in range(items):
            each = item(number)
            row = connection.execute(worklist.ADD_ITEM, worklist.item_values(each)).lastrowid
            steps = worklist.step_values(each, worklist_keys.reading(each.attributes))
            connection.executemany(worklist.ADD_STEP, [(row, *step) for step in steps])

    index.write(work)
    index.close()


def _ask(
    target: object, question: Callable[[random.Random, int], dict[str, str]], chance: random.Random, items: int
) -> list[float]:
    connection, _ = connect(target, [(1, MODALITY_WORKLIST_FIND)])
    stream, times = Stream(connection), []
    for number in range(1, ROUNDS + 1):
        keys = question(chance, items)
        step = dict.fromkeys(("Modality", "ScheduledStationAETitle", "ScheduledProcedureStepStartDate"), "")
        step |= {key: value for key, value in keys.items() if not key.startswith(("Patient", "Spec"))}
        patient = {"PatientName": "", "PatientID": "", "StudyInstanceUID": "", "AccessionNumber": ""}
        patient |= {key: value for key, value in keys.items() if key.startswith(("Patient", "Spec"))}
        elements = keywords.to_elements({**patient, STEPS: [step]}, lambda value, _vr: value.encode())
        identifier = encode(elements, EXPLICIT_VR_LITTLE_ENDIAN)
        command = find_request(MODALITY_WORKLIST_FIND, number)
        start = time.perf_counter()
        connection.sendall(p_data(1, 3, command) + p_data(1, 2, identifier))
        while (message := stream.message()) is not None and fields(message[2])[0x0900] == b"\0\xff":
            pass
        times.append(time.perf_counter() - start)
        if message is None or fields(message[2])[0x0900] != b"\0\0":
            raise ConnectionError(f"the worklist answered {message and fields(message[2])}")
    release(connection)
    return times
