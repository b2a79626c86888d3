"""Worklist items to test with: people of many scripts, a few days, rooms and steps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import repeat
from typing import Any

from calotype.dicom.query.worklist import WorklistRequest
from calotype.services.worklist.items import Entry
from calotype.services.worklist.worklist import Worklist

PEOPLE = (
    "Zhang^San=张^三",
    "张^三丰",
    "欧阳^修",
    "=王^芳",
    "王^芳==Wang^Fang",
    "Wang^Fang=王^芳=wang^fang",
    "吕^布",
    "Lü^Bu=吕^布",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "Hong^Gildong=洪^吉洞=홍^길동",
    "Müller^Jörg",
    "MULLER^Jorg",
    "O'Brien^Seán",
    "Buc^Jérôme",
    "Doe^John^^Dr.",
    "Doe^Jane",
    "Иванов^Пётр",
)
STATIONS = ("CT1", "CT2", "MR1", "CR_EAST", "CT1\\CT2")
MODALITIES = ("CT", "MR", "CR", "US")
DAYS = ("20240130", "20240131", "20240201", "20240202")
TIMES = ("0800", "091500", "1000", "10", "235959.5", "1330")
DOCTORS = ("Wang^Wu=王^五", "House^Gregory", "Grey^Meredith", "")
STATUSES = ("scheduled", "arrived", "started", "completed", "discontinued")


class Endless(Worklist):
    """A worklist of one step that answers without end, so that nothing but a cancel can stop it."""

    def ask(self, request: WorklistRequest) -> Iterator[Entry]:
        """Give the one answer for ever."""
        [entry] = super().ask(request)
        return repeat(entry)


def given(number: int = 1, **attributes: Any) -> dict[str, Any]:
    """Return a whole item as keywords; those of its one step among the others."""
    step = {
        "ScheduledStationAETitle": "CT1",
        "ScheduledStationName": "Room 1",
        "Modality": "CT",
        "ScheduledProcedureStepStartDate": "20240131",
        "ScheduledProcedureStepStartTime": "0900",
        "ScheduledPerformingPhysicianName": "House^Gregory",
        "ScheduledProcedureStepDescription": "CT Thorax",
        "ScheduledProcedureStepID": f"S{number}",
        "ScheduledProtocolCodeSequence": [
            {"CodeValue": "P1", "CodingSchemeDesignator": "99CT", "CodeMeaning": "Thorax native"}
        ],
    }
    item: dict[str, Any] = {
        "PatientName": "Doe^John",
        "PatientID": f"P{number}",
        "PatientBirthDate": "19700102",
        "PatientSex": "M",
        "AccessionNumber": f"A{number}",
        "StudyInstanceUID": f"1.2.826.0.1.3680043.10.1839.7.{number}",
        "RequestedProcedureID": f"R{number}",
        "RequestedProcedureDescription": "CT of the chest",
        "RequestedProcedureCodeSequence": [
            {"CodeValue": "CTTH", "CodingSchemeDesignator": "99RIS", "CodeMeaning": "CT Thorax"}
        ],
        "ReferringPhysicianName": "Grey^Meredith",
        "AdmissionID": f"ADM{number % 7}",
    }
    for keyword, value in attributes.items():
        (step if keyword in step or keyword.startswith("Scheduled") else item)[keyword] = value
    steps = item.pop("ScheduledProcedureStepSequence", None) or step.pop("ScheduledProcedureStepSequence", None)
    return {**item, "ScheduledProcedureStepSequence": steps or [step]}


def various(number: int, chance: random.Random) -> dict[str, Any]:
    """Return one of many different items; some have several steps, or leave out what may be left out."""
    item = given(
        number,
        PatientName=chance.choice(PEOPLE),
        PatientID=chance.choice((f"P{number}", f"p{number % 5}", "A%_[1]")),
        AccessionNumber=chance.choice((f"A{number}", "")),
        ReferringPhysicianName=chance.choice(DOCTORS),
        PatientSex=chance.choice("MF"),
    )
    item["ScheduledProcedureStepSequence"] = [
        {
            **item["ScheduledProcedureStepSequence"][0],
            "ScheduledProcedureStepID": f"S{number}.{position}",
            "ScheduledStationAETitle": chance.choice(STATIONS),
            "ScheduledStationName": chance.choice(("Room 1", "Room 2\\Room 3", "")),
            "Modality": chance.choice(MODALITIES),
            "ScheduledProcedureStepStartDate": chance.choice(DAYS),
            "ScheduledProcedureStepStartTime": chance.choice(TIMES),
            "ScheduledPerformingPhysicianName": chance.choice(DOCTORS),
            "ScheduledProcedureStepStatus": chance.choice(STATUSES),
        }
        for position in range(chance.choice((1, 1, 1, 2, 3)))
    ]
    return item
