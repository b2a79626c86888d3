"""What a value becomes: dates that move, texts that are cleaned, UIDs that are mapped, dummies.

One value at a time, as bytes; which action falls to which element is for ``plan``, how elements lie for ``writing``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from calotype.dicom import text
from calotype.dicom.deidentify import dummies
from calotype.dicom.deidentify.known import Known
from calotype.dicom.deidentify.options import Option
from calotype.dicom.deidentify.pseudonyms import Pseudonyms, known_by_id, shifted_date, shifted_datetime
from calotype.dicom.deidentify.table import Action

_PATIENT_ID, _DOCUMENT, _TIME_ZONE = 0x00100020, 0x00420011, 0x00080201
_OFFSET: Final = re.compile(rb"[+-][0-9]{4}")
_LINES: Final = frozenset({"AE", "CS", "LO", "SH", "UC"})
"""VRs of one line, whose words can be weighed; what people write at length (LT, ST, UT) is not kept at all."""
_MOVED: Final[dict[str, Callable[[str, int], str | None]]] = {"DA": shifted_date, "DT": shifted_datetime}


@dataclass(frozen=True, slots=True)
class Values:
    """Makes new values. ``shift_days`` is how far the dates of this patient move."""

    options: frozenset[Option]
    pseudonyms: Pseudonyms
    known: Known
    shift_days: int

    def new(
        self, tag: int, vr: str, old: bytes, charsets: Sequence[str], actions: tuple[Action, Action]
    ) -> bytes | None:
        """Return what a value becomes, padded; ``None``: its element goes. It is not asked for what is kept."""
        action, fallback = actions
        if action is Action.CLEAN:
            cleaned = self._cleaned(tag, vr, old, charsets)
            if cleaned is not None:
                return cleaned
            action = fallback
        if action is Action.REMOVE:
            return None
        if action is Action.EMPTY:
            return b""
        if vr == "UI":
            return self._mapped(old)
        return self._dummy(tag, vr, old, charsets)

    def _mapped(self, old: bytes) -> bytes:
        uids = (self.pseudonyms.uid(each.strip(" \0")) for each in old.decode("latin-1").split("\\"))
        return _padded("\\".join(uids).encode("latin-1"), b"\0")

    def _dummy(self, tag: int, vr: str, old: bytes, charsets: Sequence[str]) -> bytes:
        if tag == _PATIENT_ID and old.strip(b" \0"):
            known_by = known_by_id(text.decode(old, charsets, vr))
            return _padded(self.pseudonyms.patient_id(known_by).encode("ascii"), b" ")
        if tag == _DOCUMENT:
            return _padded(dummies.PDF, b"\0")
        return dummies.value_of(vr)

    def _cleaned(self, tag: int, vr: str, old: bytes, charsets: Sequence[str]) -> bytes | None:
        """Return a value that tells the same and identifies nobody, ``None`` when there is no such value."""
        if Option.RETAIN_MODIFIED_DATES in self.options and vr in {"DA", "DT", "TM"}:
            return self._moved(vr, old)
        if tag == _TIME_ZONE:
            return old if _OFFSET.fullmatch(old.strip(b" \0")) else None
        if vr not in _LINES:
            return None
        values = (self.known.cleaned(each) for each in text.decode(old, charsets, vr).split("\\"))
        cleaned = "\\".join(values)
        if not cleaned.strip("\\") or not text.can_encode(cleaned, charsets, vr):
            return None
        return _padded(text.encode(cleaned, charsets, vr), b" ")

    def _moved(self, vr: str, old: bytes) -> bytes | None:
        if vr == "TM" or not old.strip(b" \0"):
            return old
        values = [_MOVED[vr](each, self.shift_days) for each in old.decode("latin-1").split("\\")]
        if None in values:
            return None
        found = [each for each in values if each is not None]
        for each in found:
            self.known.forget_date(each)
        return _padded("\\".join(found).encode("latin-1"), b" ")


def _padded(value: bytes, pad: bytes) -> bytes:
    return value + pad * (len(value) % 2)
