"""The forms in which values are compared: one function per kind of matching, shared by keys and by stored text.

A form is what two spellings of the same thing have in common: ``2024.01.31`` and ``20240131``, ``7`` and ``007``,
``MÜLLER^JÖRG^^`` and ``Muller^Jorg``. Functions for dates, times and numbers return ``None`` for text that is none;
nothing here raises. What a question does with these forms is in ``matching``; reading a key's text is in ``keys``.
"""

from __future__ import annotations

import re
from decimal import Decimal, DecimalException
from typing import Final

from calotype.dicom.text import SINGLE_VALUED_VRS, fold

_UPPER: Final = str.maketrans({chr(code): chr(code - 32) for code in range(ord("a"), ord("z") + 1)})

_DATE: Final = re.compile(r"(\d{4})(\.?)(\d{2})\2(\d{2})", re.ASCII)
_TIME: Final = re.compile(r"(\d{2})(?:(:?)(\d{2})(?:\2(\d{2})(?:\.(\d{1,6}))?)?)?", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
"""IS has 12 characters at most (PS3.5 6.2); what is longer fits no 64 bits and is no number to us."""

_DATE_TIME: Final = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?", re.ASCII
)
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MAX_DECIMAL_CHARACTERS: Final = 64

_FRACTION_DIGITS: Final = 6


def split_values(text: str, vr: str) -> list[str]:
    """Return the non-empty values of an attribute's text, without padding."""
    parts = (text,) if vr in SINGLE_VALUED_VRS else text.split("\\")
    return [value for part in parts if (value := part.strip(" \0"))]


def date_key(text: str) -> str | None:
    """Return ``YYYYMMDD`` of a date, also of the form that came before DICOM 3 (``YYYY.MM.DD``, PS3.5 6.2).

    The day is checked against 31 only: ``20240231`` is how people and programs write the end of a month.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, _, month, day = found.groups()
    if not ("01" <= month <= "12" and "01" <= day <= "31"):
        return None
    return f"{year}{month}{day}"


def time_span(text: str) -> tuple[str, str] | None:
    """Return the first and last moment that a time stands for, as ``HHMMSS.FFFFFF``.

    PS3.5 6.2: components may be left out from the right; ``10`` is all of that hour. A fraction is a moment. The
    form that came before DICOM 3, ``HH:MM:SS``, is read too.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hour, _, minute, second, fraction = found.groups()
    # PS3.5 6.2 TM: SS has the range "00" to "60", 60 being a leap second.
    if hour > "23" or (minute or "00") > "59" or (second or "00") > "60":
        return None
    first = f"{hour}{minute or '00'}{second or '00'}.{(fraction or '').ljust(_FRACTION_DIGITS, '0')}"
    if fraction is not None:
        return first, first
    return first, f"{hour}{minute or '59'}{second or '59'}.{'9' * _FRACTION_DIGITS}"


def time_key(text: str) -> str | None:
    """Return the first moment that a time stands for, as ``HHMMSS.FFFFFF``."""
    span = time_span(text)
    return span[0] if span else None


def date_time_span(text: str) -> tuple[str, str] | None:
    """Return the first and last moment that a date-time stands for, as ``YYYYMMDDHHMMSS.FFFFFF``.

    PS3.5 6.2 DT: components may be left out from the right. Its offset from UTC is left aside.
    """
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _ = found.groups()
    if date_key(f"{year}{month or '01'}{day or '01'}") is None:
        return None
    last_day = f"{year}{month or '12'}{day or '31'}"
    if hour is None:
        return f"{year}{month or '01'}{day or '01'}000000.000000", f"{last_day}235960.999999"
    time = time_span(f"{hour}{minute or ''}{second or ''}" + (f".{fraction}" if fraction else ""))
    return (last_day + time[0], last_day + time[1]) if time else None


def date_time_key(text: str) -> str | None:
    """Return the first moment that a date-time stands for, as ``YYYYMMDDHHMMSS.FFFFFF``."""
    span = date_time_span(text)
    return span[0] if span else None


def decimal_key(text: str) -> str | None:
    """Return a DS, FL or FD value in one spelling: ``1.50`` and ``15E-1`` are ``1.5``."""
    text = text.strip()
    if len(text) > _MAX_DECIMAL_CHARACTERS or not _DECIMAL.fullmatch(text):
        return None
    try:
        number = Decimal(text).normalize()
    except DecimalException:
        return None
    return str(number) if number else "0"


def integer_key(text: str) -> int | None:
    """Return the whole number of an IS, US, SS, UL or SL value, however padded."""
    text = text.strip()
    return int(text) if _INTEGER.fullmatch(text) else None


def number_or_text(text: str) -> int | str:
    """Return a whole number where ``text`` is one: counters are sorted as numbers."""
    number = integer_key(text)
    return text if number is None else number


def code_key(text: str) -> str:
    """Return a code string in capitals; CS has no others (PS3.5 6.2), devices and people do."""
    return text.translate(_UPPER)


def text_key(text: str) -> str:
    """Return text as it is compared where case, accents and width do not count."""
    return fold(text)


def name_groups(text: str) -> tuple[str, str, str]:
    """Return the folded component groups of one person name: alphabetic, ideographic, phonetic (PS3.5 6.2.1.2)."""
    alphabetic, ideographic, phonetic, *_ = [name_group(group) for group in text.split("=", 2)] + ["", ""]
    return alphabetic, ideographic, phonetic


def name_group(group: str) -> str:
    """Return one component group folded; components are trimmed, empty ones at the end dropped: ``Doe^John^^``."""
    components = [component.strip() for component in group.split("^")]
    return fold("^".join(components).rstrip("^"))


def name_key(text: str) -> str:
    """Return a person name's folded groups in one string: for sorting, and for comparing as a whole."""
    return "=".join(name_groups(text)).rstrip("=")
