"""Who a patient is, and when two objects disagree about it: the one rule of every index.

A patient is (Patient ID, Issuer of Patient ID). Objects without a Patient ID are never merged over studies: each
such study has a patient of its own. What is known already is never overwritten by what arrives later; a
contradiction is put into words and recorded. Nothing here stores anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from calotype.dicom.hierarchy import UID
from calotype.dicom.query.values import name_groups
from calotype.stores.index.keys import clean


class Face(NamedTuple):
    """What an object says of its patient, as far as it tells one patient from another."""

    patient_id: str
    issuer: str
    name: str
    birth_date: str
    sex: str

    @classmethod
    def of(cls, attributes: Mapping[str, str]) -> Face:
        """Read the face out of an object's attributes; empty where they say nothing."""
        get = attributes.get
        return cls(
            # As they are kept: an ID of spaces is none, or two rows would claim to be the same patient.
            clean(get("PatientID", ""), "LO"),
            clean(get("IssuerOfPatientID", ""), "LO"),
            get("PatientName", ""),
            get("PatientBirthDate", ""),
            get("PatientSex", ""),
        )

    def identity(self, study: UID) -> tuple[str, str, str]:
        """Return what is unique about the patient: ID, issuer and, only without an ID, the study."""
        return self.patient_id, self.issuer, "" if self.patient_id else study


_FEATURES: Final = (("PatientBirthDate", "birth_date"), ("PatientSex", "sex"))


def disagreement(known: Face, given: Face) -> str | None:
    """Say in words where ``given`` contradicts the patient that its study belongs to, or return ``None``.

    An empty value contradicts nothing: an object that lacks its Patient ID is flagged for that already.
    """
    if given.patient_id and (given.patient_id, given.issuer) != (known.patient_id, known.issuer):
        return f"the study belongs to patient {_identified(known)}, this object names patient {_identified(given)}"
    parts = []
    if _names_differ(known.name, given.name):
        parts.append(f"PatientName is {known.name!r} there and {given.name!r} here")
    for keyword, field in _FEATURES:
        there, here = getattr(known, field), getattr(given, field)
        if there and here and there != here:
            parts.append(f"{keyword} is {there!r} there and {here!r} here")
    return f"patient {_identified(known)}: " + "; ".join(parts) if parts else None


def _identified(face: Face) -> str:
    if not face.patient_id:
        return "without ID"
    return f"{face.patient_id!r} of {face.issuer!r}" if face.issuer else repr(face.patient_id)


def _names_differ(there: str, here: str) -> bool:
    """Compare the component groups that both give, as questions compare them."""
    if there == here:
        return False
    return any(a and b and a != b for a, b in zip(name_groups(there), name_groups(here), strict=True))
