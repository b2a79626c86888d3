"""The indexed attributes of a data set as text, and what is odd about them.

Which attributes those are stands in ``query.attributes``. Values come out as ``query.model`` wants them: decoded,
trimmed, dates ``YYYYMMDD``, names without trailing delimiters, several values joined by a backslash. Odd ones come
out as near to that as they can be read, and are told; nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Final

from calotype.dicom import text
from calotype.dicom.json_model import Context, resolve, unpack
from calotype.dicom.layout import SEQUENCES
from calotype.dicom.memory import Memory
from calotype.dicom.query.attributes import INDEXED, Attribute
from calotype.dicom.uids import is_valid_uid
from calotype.dicom.walk import Token, Walk


class Oddity(StrEnum):
    """What is not as the Standard wants it, yet does not stop an object from being read and kept."""

    NO_PATIENT_ID = "no-patient-id"
    BAD_DATE = "bad-date"
    BAD_TIME = "bad-time"
    BAD_UID = "bad-uid"
    BAD_TEXT = "bad-text"
    BAD_NUMBER = "bad-number"
    ODD_LENGTH = "odd-length"
    HEADER_DAMAGED = "header-damaged"


_WANTED: Final = {row.tag: row for row in INDEXED if not row.computed}
_PATIENT_ID: Final = "PatientID"
_CHARACTER_SET: Final = 0x00080005

MAX_VALUE_BYTES: Final = 64 * 1024
"""Longer values are cut for the index (the file keeps them): no attribute that is searched may have as much."""

_Found = tuple[str, str, tuple[Oddity, ...]]
"""Keyword, text, and what is odd."""
_REMEMBERED_BYTES: Final = 256
_memory: Final[Memory[_Found]] = Memory(budget_bytes=8 * 1024 * 1024)


def collect(walk: Walk, tokens: list[Token], context: Context) -> tuple[dict[str, str], set[Oddity]]:
    """Return the indexed attributes that have a value, by keyword, and what is odd about any of them."""
    remembered = _memory.of((walk.explicit, context.key))
    data = walk.data
    attributes: dict[str, str] = {}
    oddities: set[Oddity] = set()
    for token in tokens:
        tag = token[0]
        if tag not in _WANTED:
            continue
        head, end = token[2], token[4]
        if end - head > _REMEMBERED_BYTES:
            found = _read(walk, token, context)
        else:
            raw = data[head:end]
            if not isinstance(raw, bytes):
                raw = bytes(raw)
            known = remembered.get(raw)
            if known is None:
                known = _read(walk, token, context)
                _memory.keep(remembered, raw, known, len(raw) + len(known[1]))
            found = known
        keyword, value, odd = found
        if value:
            attributes[keyword] = value
        if odd:
            oddities.update(odd)
    check_patient_id(attributes, oddities)
    if not _charset_in_order(walk, tokens):
        oddities.add(Oddity.BAD_TEXT)
    return attributes, oddities


def add(walk: Walk, tokens: list[Token], context: Context, attributes: dict[str, str], oddities: set[Oddity]) -> None:
    """Add what single elements say, each seen for the first time: nothing is remembered."""
    for token in tokens:
        if token[0] in _WANTED:
            keyword, value, odd = _read(walk, token, context)
            if value:
                attributes[keyword] = value
            if odd:
                oddities.update(odd)


def check_patient_id(attributes: dict[str, str], oddities: set[Oddity]) -> None:
    """Add what is to be told of a data set whose attributes are all there."""
    if _PATIENT_ID not in attributes:
        oddities.add(Oddity.NO_PATIENT_ID)


def _charset_in_order(walk: Walk, tokens: list[Token]) -> bool:
    for tag, _, _, start, end in tokens:
        if tag == _CHARACTER_SET:
            return text.charsets_of(bytes(walk.data[start : min(end, start + 256)]))[1]
        if tag > _CHARACTER_SET:
            break
    return True


def _read(walk: Walk, token: Token, context: Context) -> _Found:
    tag, vr, _, start, end = token
    wanted = _WANTED[tag]
    raw = bytes(walk.data[start : min(end, start + MAX_VALUE_BYTES)])
    if vr in _TEXTS and text.is_plain(stripped := raw.rstrip(b" \0")) and end - start <= MAX_VALUE_BYTES:
        # What nearly every value is; all the rest is worked out below.
        return _plain(wanted, stripped.decode("ascii"))
    if vr in SEQUENCES:
        return wanted.keyword, "", (Oddity.HEADER_DAMAGED,)
    odd: tuple[Oddity, ...] = ()
    if vr not in _TEXTS:
        vr = resolve(vr, context)
        if vr not in _NUMBERS:
            # Bytes where text or a number should be: read as the Standard's VR.
            odd, vr = (Oddity.HEADER_DAMAGED,), wanted.vr
        if vr in _NUMBERS:
            value, bad = _numbers(raw, vr, context)
            return wanted.keyword, value, odd + bad
    value, good = text.decode_declared(raw, context.charsets, vr)
    if "\0" in value:
        # No index can keep NULL, and no VR allows it inside a value. A UID ends there: what follows was left over in
        # a device's buffer, and the UID in its commands is read so, too.
        value, good = value.partition("\0")[0] if vr == "UI" else value.replace("\0", ""), False
    if not good or end - start > MAX_VALUE_BYTES:
        odd += (Oddity.BAD_TEXT,)
    if vr not in text.SINGLE_VALUED_VRS:
        value = "\\".join([part.strip(" ") for part in value.split("\\")]) if "\\" in value else value.strip(" ")
    check = _CHECKS.get(wanted.vr)
    if check is not None and value:
        value, oddity = check(value)
        odd += (oddity,) if oddity else ()
    return wanted.keyword, value if value.strip("\\") else "", odd


def _plain(wanted: Attribute, value: str) -> _Found:
    check = _CHECKS.get(wanted.vr)
    if check is None:
        return wanted.keyword, value, ()
    value, oddity = check(value)
    return wanted.keyword, value, (oddity,) if oddity else ()


_NUMBERS: Final = frozenset({"FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"})
_TEXTS: Final = text.TEXT_VRS | frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"})


def _numbers(raw: bytes, vr: str, context: Context) -> tuple[str, tuple[Oddity, ...]]:
    numbers = unpack(raw, vr, context)
    value = "\\".join(str(number) for number in numbers)
    return value, () if numbers or not raw else (Oddity.BAD_NUMBER,)


_Checked = tuple[str, Oddity | None]
_DATE: Final = re.compile(r"([0-9]{4})([.\-/]?)([0-9]{2})\2([0-9]{2})", re.ASCII)
_TIME: Final = re.compile(r"([01][0-9]|2[0-3])(?:(:?)([0-5][0-9])(?:\2([0-5][0-9]|60)(\.[0-9]{1,6})?)?)?", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)


def _date(value: str) -> _Checked:
    match = _DATE.fullmatch(value)
    if match is None:
        return value, Oddity.BAD_DATE
    year, separator, month, day = match.groups()
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return value, Oddity.BAD_DATE
    # PS3.5 6.2: ACR-NEMA wrote 2024.01.15; old devices and converters still do.
    return year + month + day, Oddity.BAD_DATE if separator else None


def _time(value: str) -> _Checked:
    match = _TIME.fullmatch(value)
    if match is None:
        return value, Oddity.BAD_TIME
    hour, separator, minute, second, fraction = match.groups()
    # PS3.5 6.2: ACR-NEMA wrote 10:15:00; old devices and converters still do.
    return f"{hour}{minute or ''}{second or ''}{fraction or ''}", Oddity.BAD_TIME if separator else None


def _names(value: str) -> _Checked:
    # PS3.5 6.2.1: delimiters that nothing follows may be left out, so "Doe^John^^^=" is "Doe^John".
    names = ("=".join([group.rstrip("^ ") for group in name.split("=")]).rstrip("=") for name in value.split("\\"))
    return "\\".join(names), None


def _uids(value: str) -> _Checked:
    good = all(map(is_valid_uid, value.split("\\")))
    return value, None if good else Oddity.BAD_UID


def _decimal(value: str) -> _Checked:
    good = all(map(_NUMBER.fullmatch, filter(None, value.split("\\"))))
    return value, None if good else Oddity.BAD_NUMBER


def _integer(value: str) -> _Checked:
    good = all(map(_INTEGER.fullmatch, filter(None, value.split("\\"))))
    return value, None if good else Oddity.BAD_NUMBER


_CHECKS: Final[dict[str, Callable[[str], _Checked]]] = {
    "DA": _date,
    "DS": _decimal,
    "IS": _integer,
    "PN": _names,
    "TM": _time,
    "UI": _uids,
}
