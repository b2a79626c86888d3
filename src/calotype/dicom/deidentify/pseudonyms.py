"""Who and what an original becomes, by a secret key: the same original the same way, whoever asks and when.

Nothing is kept: everything is computed from the key (HMAC, RFC 2104), so without the key nobody finds a way back, and
with it a lost table is no loss. Where the key lives is not for this room.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from datetime import date, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import uid_of_uuid

KEY_BYTES: Final = 32

_STANDARD: Final = "1.2.840.10008."
"""The root of the UIDs that the Standard itself gives; they name no patient."""

_LEAST_SHIFT_DAYS: Final = 366
_SHIFTS: Final = 3650
"""So many different shifts there are: dates move back by more than a year, and never into the future."""


class Pseudonyms:
    """Computes pseudonyms. Thread-safe.

    ``audience`` separates what is given to different people: under another one the same original becomes another
    pseudonym, so that two recipients cannot put their halves together.
    """

    def __init__(self, key: bytes, audience: str = "") -> None:
        self._key = key
        self._audience = audience.encode("utf-8", "surrogatepass")
        # A study's UIDs come again in each of its objects.
        self.uid = lru_cache(maxsize=4096)(self._uid)
        """Return what a UID becomes: one of UUID kind (PS3.5 B.2); those of the Standard and no UID stay."""

    def patient_id(self, patient: str) -> str:
        """Return the patient ID of ``patient``, whatever text stands for them."""
        return f"ANON-{b32encode(self._digest('patient', patient)[:10]).decode('ascii')[:12]}"

    def shift_days(self, patient: str) -> int:
        """Return by how many days the dates of ``patient`` move; they move back."""
        number = int.from_bytes(self._digest("shift", patient)[:8], "big")
        return -(_LEAST_SHIFT_DAYS + number % _SHIFTS)

    def _uid(self, uid: str) -> UID:
        if not uid or uid.startswith(_STANDARD):
            return UID(uid)
        return uid_of_uuid(UUID(bytes=self._digest("uid", uid)[:16], version=4))

    def _digest(self, purpose: str, text: str) -> bytes:
        parts = (purpose.encode("ascii"), self._audience, text.encode("utf-8", "surrogatepass"))
        return hmac.digest(self._key, b"".join(len(part).to_bytes(4, "big") + part for part in parts), "sha256")


def known_by_id(patient_id: str) -> str:
    """Return the text that stands for a patient who has an ID."""
    return f"id {patient_id.strip()}"


def shifted_date(text: str, days: int) -> str | None:
    """Return a DA value moved by ``days``, ``None`` when it is no date (PS3.5 6.2; ``2024.01.31`` of old, too)."""
    digits = text.strip(" \0").replace(".", "")
    if len(digits) != 8 or not digits.isdecimal():
        return None
    try:
        moved = date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) + timedelta(days)
    except (ValueError, OverflowError):
        return None
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"


def shifted_datetime(text: str, days: int) -> str | None:
    """Return a DT value moved by ``days``, its time of day and zone as they are, ``None`` when it is none.

    One that names a year or month alone keeps its precision.
    """
    value = text.strip(" \0")
    digits = value[: next((at for at, char in enumerate(value) if not char.isdecimal()), len(value))]
    if len(digits) >= 8:
        moved = shifted_date(digits[:8], days)
        return None if moved is None else moved + value[8:]
    if len(digits) in {4, 6}:
        moved = shifted_date((digits + "0101")[:8], days)
        return None if moved is None else moved[: len(digits)] + value[len(digits) :]
    return None
