"""What whoever asks may choose of a de-identification: the options of PS3.15 Annex E, and who the patient becomes.

Words only; what each option does to which attribute is in ``table``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from calotype.errors import InvalidRequest


class Option(StrEnum):
    """The options of the Basic Application Level Confidentiality Profile (PS3.15 E.3), by the names of settings."""

    CLEAN_PIXEL_DATA = "clean-pixel-data"
    CLEAN_VISUAL_FEATURES = "clean-visual-features"
    CLEAN_GRAPHICS = "clean-graphics"
    CLEAN_STRUCTURED_CONTENT = "clean-structured-content"
    CLEAN_DESCRIPTORS = "clean-descriptors"
    RETAIN_FULL_DATES = "retain-full-dates"
    RETAIN_MODIFIED_DATES = "retain-modified-dates"
    RETAIN_PATIENT_CHARACTERISTICS = "retain-patient-characteristics"
    RETAIN_DEVICE_IDENTITY = "retain-device-identity"
    RETAIN_INSTITUTION_IDENTITY = "retain-institution-identity"
    RETAIN_UIDS = "retain-uids"
    RETAIN_SAFE_PRIVATE = "retain-safe-private"


_MAX_CHARACTERS: Final = 64
"""PS3.5 Table 6.2-1: of an LO, and of a component group of a PN."""

BASIC: Final[frozenset[Option]] = frozenset()
"""The Basic Profile alone."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of one de-identification. Without anything: the Basic Profile, and a pseudonym made by key.

    ``patient_id`` and ``patient_name`` are given to the patient in the place of the pseudonym.
    """

    options: frozenset[Option] = BASIC
    patient_id: str = ""
    patient_name: str = ""

    def __post_init__(self) -> None:
        """Check what contradicts itself: InvalidRequest."""
        if {Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES} <= self.options:
            raise InvalidRequest("retain-full-dates and retain-modified-dates exclude each other: choose one")
        for given in (self.patient_id, self.patient_name):
            if len(given) > _MAX_CHARACTERS or "\\" in given or not (given.isprintable()):
                raise InvalidRequest(f"{given[:64]!r} is no name and no ID: up to 64 characters, no backslash")


def options_of(names: str) -> frozenset[Option]:
    """Return the options that a list of names says, commas or blanks between; InvalidRequest for one that is none."""
    found = set()
    for name in names.replace(",", " ").split():
        try:
            found.add(Option(name.lower().replace("_", "-")))
        except ValueError:
            raise InvalidRequest(
                f"{name[:64]!r} is no option of de-identification; there are: {', '.join(Option)}"
            ) from None
    return frozenset(found)
