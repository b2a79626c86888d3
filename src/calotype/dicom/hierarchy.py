"""The four levels of the information model and the names of what stands on them (PS3.4 C.6).

Nothing here knows how an object is stored or asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

UID = NewType("UID", str)
"""A DICOM unique identifier without padding; possibly not valid (PS3.5 9), since devices send such."""


class Level(StrEnum):
    """The Query/Retrieve Level (0008,0052), top first."""

    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"

    @property
    def depth(self) -> int:
        """0 for PATIENT to 3 for IMAGE."""
        return _DEPTH[self]

    def __str__(self) -> str:
        return self.value


_DEPTH = {level: depth for depth, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class StudyRef:
    """Names one study."""

    study: UID


@dataclass(frozen=True, slots=True)
class SeriesRef:
    """Names one series of a study."""

    study: UID
    series: UID


@dataclass(frozen=True, slots=True)
class InstanceRef:
    """Names one instance of a series."""

    study: UID
    series: UID
    instance: UID


@dataclass(frozen=True, slots=True)
class Selection:
    """What a retrieve asks for: the unique keys of PS3.4 C.4.2.2.1, each a list (empty: not a key).

    Every key that is given restricts: studies AND series AND instances AND patient. A selection without any key
    selects nothing; doors refuse it before it comes here.
    """

    level: Level
    studies: tuple[UID, ...] = ()
    series: tuple[UID, ...] = ()
    instances: tuple[UID, ...] = ()
    patient_id: str | None = None

    @classmethod
    def of(cls, ref: StudyRef | SeriesRef | InstanceRef) -> Selection:
        """Select exactly what ``ref`` names."""
        match ref:
            case StudyRef(study):
                return cls(Level.STUDY, (study,))
            case SeriesRef(study, series):
                return cls(Level.SERIES, (study,), (series,))
            case InstanceRef(study, series, instance):
                return cls(Level.IMAGE, (study,), (series,), (instance,))
