r"""What a scheduled step is found by: which attributes have key columns, and what stands in them.

A key is the form of a value that ``dicom.query.matching`` compares; a person name has one per component group.
Several values stand as ``\first\second``, with a leading backslash that no other key has, and only where the Standard
allows several. Nothing here knows SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from calotype.dicom.keywords import Attributes
from calotype.dicom.query import values
from calotype.dicom.query.attributes import Matching
from calotype.dicom.query.matching import comparable, kind_of, lacks_letters
from calotype.dicom.romanise import romanise_name
from calotype.stores.index.keys import SEVERAL


@dataclass(frozen=True, slots=True)
class Keyed:
    """An attribute with a key column; ``takes_several`` when its value multiplicity is more than one."""

    keyword: str
    name: str
    takes_several: bool = False

    @property
    def is_name(self) -> bool:
        """Whether it is a person name, which has three columns."""
        return kind_of(self.keyword) is Matching.NAME

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns."""
        return (self.name, f"{self.name}_ideographic", f"{self.name}_phonetic") if self.is_name else (self.name,)

    def keys(self, text: str) -> tuple[str, ...]:
        """Return what stands in its columns for an attribute's text."""
        vr = "PN" if self.is_name else "LO"
        found = [self.key(value) for value in values.split_values(text, vr)]
        if not found:
            return ("",) * len(self.columns)
        if len(found) == 1 or not self.takes_several:
            return found[0]
        return tuple(SEVERAL + SEVERAL.join(column) for column in zip(*found, strict=True))

    def key(self, value: str) -> tuple[str, ...]:
        """Return the keys of one value; the same for what is kept and for what is asked."""
        if self.is_name:
            return values.name_groups(value)
        return (str(comparable(self.keyword, value) or ""),)


OF_ITEM: Final[Mapping[str, Keyed]] = {
    keyword: Keyed(keyword, name)
    for keyword, name in {
        "PatientID": "patient_id",
        "PatientName": "patient_name",
        "AccessionNumber": "accession_number",
        "RequestedProcedureID": "requested_procedure_id",
        "StudyInstanceUID": "study_instance_uid",
        "AdmissionID": "admission_id",
        "ReferringPhysicianName": "referring_physician",
    }.items()
}
OF_STEP: Final[Mapping[str, Keyed]] = {
    keyword: Keyed(keyword, name, takes_several=name in {"station_ae_title", "station_name"})
    for keyword, name in {
        "ScheduledStationAETitle": "station_ae_title",
        "ScheduledStationName": "station_name",
        "Modality": "modality",
        "ScheduledProcedureStepStartDate": "start_date",
        "ScheduledProcedureStepStartTime": "start_time",
        "ScheduledPerformingPhysicianName": "performing_physician",
        "ScheduledProcedureStepID": "step_id",
    }.items()
}
COLUMNS: Final = tuple(column for keyed in (*OF_ITEM.values(), *OF_STEP.values()) for column in keyed.columns)
"""Every key column, in the order of :func:`step_keys`."""


READ: Final = "PatientName"
"""The name whose pinyin is kept. A hospital's physicians are few: looking through their names is fast enough."""
READING: Final = f"{OF_ITEM[READ].name}_romanised"
"""The column of it: empty where there is none, NULL until it has been read (``worklist_readings``)."""


def reading(item: Attributes) -> str:
    """Return the key of a patient's name in pinyin, for devices that cannot show hanzi; empty where it has letters.

    The first hanzi loads the readings of all, which takes longer than anybody should wait for a transaction.
    """
    name = item.get(READ, "")
    if not isinstance(name, str) or not lacks_letters(name):
        return ""
    return values.name_groups(romanise_name(name))[0]


def step_keys(item: Attributes, step: Attributes) -> list[str]:
    """Return what stands in a step's key columns."""
    found: list[str] = []
    for keyed, attributes in (
        *((each, item) for each in OF_ITEM.values()),
        *((each, step) for each in OF_STEP.values()),
    ):
        value: str | Sequence[Attributes] = attributes.get(keyed.keyword, "")
        found += keyed.keys(value if isinstance(value, str) else "")
    return found
