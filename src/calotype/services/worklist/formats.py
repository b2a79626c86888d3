"""The form of one value by its VR (PS3.5 Table 6.2-1): what is wrong with it, and how it is written normally.

For what people and programs enter. What devices send is not judged here: it is kept.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from typing import Final

from calotype.dicom.keywords import NUMBERS
from calotype.dicom.query import values
from calotype.dicom.uids import is_valid_uid

MAX_CHARACTERS: Final = {
    "AE": 16, "CS": 16, "DS": 16, "DT": 26, "IS": 12, "LO": 64, "LT": 10_240, "SH": 16, "ST": 1024, "UC": 10_240,
    "UR": 2048, "UT": 65_536,
}  # fmt: skip
"""PS3.5 Table 6.2-1, per value; where that has no bound, ours."""
MAX_NAME_GROUP: Final = 64
"""Characters of one component group of a person name."""

_CODE: Final = re.compile(r"[A-Z0-9 _]*", re.ASCII)
_AGE: Final = re.compile(r"\d{3}[DWMY]", re.ASCII)
_DATE_TIME: Final = re.compile(r"\d{4}(\d\d){0,5}(\.\d{1,6})?([+-]\d{4})?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_PROSE: Final = frozenset({"LT", "ST", "UT"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_CONTROL_IN_PROSE: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


def checked(text: str, vr: str) -> tuple[str, str]:
    """Return what is wrong with one value in words (nothing: empty), and the value in its normal form."""
    if (_CONTROL_IN_PROSE if vr in _PROSE else _CONTROL).search(text):
        return "holds control characters", text
    most = MAX_CHARACTERS.get(vr)
    if most is not None and len(text) > most:
        return f"has {len(text)} characters, {vr} takes {most}", text
    check = _CHECKS.get(vr)
    return check(text) if check is not None else ("", text)


def _date(text: str) -> tuple[str, str]:
    key = values.date_key(text)
    return ("", key) if key else ("is no date, write YYYYMMDD", text)


def _time(text: str) -> tuple[str, str]:
    return "" if values.time_span(text) else "is no time, write HHMMSS", text.replace(":", "")


def _code(text: str) -> tuple[str, str]:
    code = values.code_key(text)
    return "" if _CODE.fullmatch(code) else "is no code: capitals, digits, spaces and underscores only", code


def _name(text: str) -> tuple[str, str]:
    groups = text.split("=")
    if len(groups) > 3:
        return "has more than three component groups", text
    if any(len(group) > MAX_NAME_GROUP for group in groups):
        return f"has a component group of more than {MAX_NAME_GROUP} characters", text
    return "", text


def _must(holds: Callable[[str], object], problem: str) -> Callable[[str], tuple[str, str]]:
    return lambda text: ("" if holds(text) else problem, text)


def _packs(vr: str) -> Callable[[str], tuple[str, str]]:
    code = NUMBERS[vr]

    def fits(text: str) -> bool:
        if not _NUMBER.fullmatch(text):
            return False
        try:
            struct.pack("<" + code, float(text) if code in "fd" else int(text))
        except (ValueError, OverflowError, struct.error):
            return False
        return True

    return _must(fits, f"is no number that {vr} can hold")


_CHECKS: Final[Mapping[str, Callable[[str], tuple[str, str]]]] = {
    "AE": _must(str.isascii, "is no AE title: ASCII only"),
    "AS": _must(_AGE.fullmatch, "is no age, write 045Y"),
    "CS": _code,
    "DA": _date,
    "DS": _must(_NUMBER.fullmatch, "is no number"),
    "DT": _must(_DATE_TIME.fullmatch, "is no date-time, write YYYYMMDDHHMMSS"),
    "IS": _must(lambda text: values.integer_key(text) is not None, "is no whole number"),
    "PN": _name,
    "TM": _time,
    "UI": _must(is_valid_uid, "is no UID: digits and dots, at most 64"),
    **{vr: _packs(vr) for vr in NUMBERS},
}
"""VR -> check; the other VRs take any text."""
