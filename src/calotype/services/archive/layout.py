"""Where an object goes: the template over tags from which its key is made.

A key is safe by construction. Literals are checked once, at start; of a value nothing but known-safe characters ever
becomes part of a path: UIDs of digits and dots as they are, any other UID as a digest, dates as digits, text with
everything else replaced. Verbatim values live in the file and in the index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from string import Formatter
from typing import Final

from blake3 import blake3

from calotype.clock import SECOND_US
from calotype.dicom.query.attributes import BY_KEYWORD
from calotype.errors import InvalidRequest

DEFAULT_LAYOUT: Final = (
    "{StudyDate:%Y}/{StudyDate:%m}/{StudyDate:%d}/{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm"
)

_MAX_TEXT_CHARS: Final = 64
_MAX_COMPONENT_BYTES: Final = 240
"""File systems allow 255; the difference is room for the ``.1`` of a further version."""

_MAX_STEMS: Final = 1024

_SAFE_UID: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_SAFE_LITERAL: Final = re.compile(r"[A-Za-z0-9._-]*", re.ASCII)
_UNSAFE_RUN: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{8}", re.ASCII)
_DEVICE_NAME: Final = re.compile(r"(?i)(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\..*)?", re.ASCII)
"""Names that Windows reserves in every folder; an archive should survive being copied there."""

_DATE_PARTS: Final = {"%Y": slice(0, 4), "%m": slice(4, 6), "%d": slice(6, 8)}
_DATE_SPEC: Final = re.compile(r"(?:%[Ymd]|[-_.])+", re.ASCII)

_Field = Callable[[Mapping[str, str], int], str]
"""Makes the safe text of one field from (attributes, time received)."""


def safe_uid(uid: str) -> str:
    """Return ``uid`` when it is digits, dots, at most 64 characters; else ``x`` and 32 hex digits of its digest."""
    if len(uid) <= 64 and _SAFE_UID.fullmatch(uid):
        return uid
    return "x" + blake3(uid.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def safe_text(text: str) -> str:
    """Return ``text`` with each run of characters that are unsafe in a path as ``_``; never empty, no leading dot."""
    safe = _UNSAFE_RUN.sub("_", text)[:_MAX_TEXT_CHARS].rstrip(".")
    if not safe or safe.startswith(".") or _DEVICE_NAME.fullmatch(safe):
        safe = "_" + safe
    return safe


def day_of(received_us: int) -> str:
    """Return the UTC day of a time in microseconds since 1970, as ``YYYYMMDD``."""
    return datetime.fromtimestamp(received_us / SECOND_US, UTC).strftime("%Y%m%d")


@lru_cache(maxsize=256)  # the objects of a study come together, and ask for their date three times each
def is_date(text: str) -> bool:
    """Tell whether ``text`` is a calendar date as ``YYYYMMDD`` (PS3.5 6.2, DA)."""
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=UTC)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Part:
    literal: str
    field: _Field | None
    max_field_chars: int


def _filled(parts: tuple[_Part, ...], attributes: Mapping[str, str], received_us: int) -> str:
    out: list[str] = []
    for part in parts:
        out.append(part.literal)
        if part.field is not None:
            out.append(part.field(attributes, received_us))
    return "".join(out)


class Layout:
    """A checked template, such as :data:`DEFAULT_LAYOUT`.

    Fields are keywords of indexed attributes. A date takes a form made of ``%Y``, ``%m``, ``%d``, ``-``, ``_`` and
    ``.``; a date that is missing or is none becomes the day received (UTC), any other missing value ``_``.
    """

    def __init__(self, template: str = DEFAULT_LAYOUT) -> None:
        self._template = template
        try:
            fields = list(Formatter().parse(template))
        except ValueError as error:
            raise self._wrong(f"{error}; write fields as {{Keyword}}") from None
        self._parts = tuple(self._part(*field) for field in fields)
        self._stem, self._rest, self._stem_keywords = self._split(fields)
        self._stems: dict[tuple[str, ...], str] = {}
        self._check_components()

    def key(self, attributes: Mapping[str, str], received_us: int) -> str:
        """Return the key for an object with these indexed attributes."""
        # The objects of a series share what stands before their own name; it is made once for each series.
        values = tuple([attributes.get(keyword, "") for keyword in self._stem_keywords])
        stem = self._stems.get(values)
        if stem is None:
            stem = _filled(self._stem, attributes, received_us)
            if all(is_date(value) for value, date in zip(values, self._stem_dates, strict=True) if date):
                if len(self._stems) >= _MAX_STEMS:
                    self._stems.clear()
                self._stems[values] = stem
        return stem + _filled(self._rest, attributes, received_us)

    @property
    def _stem_dates(self) -> list[bool]:
        """Which of the stem's keywords are dates: a missing one becomes the day received, which does not last."""
        return [BY_KEYWORD[keyword].vr == "DA" for keyword in self._stem_keywords]

    def _split(
        self, fields: list[tuple[str, str | None, str | None, str | None]]
    ) -> tuple[tuple[_Part, ...], tuple[_Part, ...], tuple[str, ...]]:
        """Part the template before the object's own UID: (stem, rest, keywords of the stem)."""
        keywords = [keyword for _, keyword, _, _ in fields]
        own = keywords.index("SOPInstanceUID") if "SOPInstanceUID" in keywords else len(keywords)
        stem_keywords = tuple(dict.fromkeys(keyword for keyword in keywords[:own] if keyword))
        return self._parts[:own], self._parts[own:], stem_keywords

    def _wrong(self, why: str) -> InvalidRequest:
        return InvalidRequest(f"the layout {self._template!r} cannot be used: {why}")

    def _part(self, literal: str, keyword: str | None, form: str | None, conversion: str | None) -> _Part:
        if not all(_SAFE_LITERAL.fullmatch(piece) for piece in literal.split("/")):
            raise self._wrong(f"{literal!r} has characters other than letters, digits, '.', '_', '-' and '/'")
        if keyword is None:
            return _Part(literal, None, 0)
        attribute = BY_KEYWORD.get(keyword)
        if attribute is None or attribute.computed:
            raise self._wrong(f"{{{keyword}}} is not the keyword of an indexed attribute")
        if conversion:
            raise self._wrong(f"{{{keyword}!{conversion}}}: conversions are not used here")
        if attribute.vr == "DA":
            return _Part(literal, *self._date_field(keyword, form or "%Y%m%d"))
        if form:
            raise self._wrong(f"{{{keyword}:{form}}}: only dates take a form")
        if attribute.vr == "UI":
            return _Part(literal, lambda attributes, _: safe_uid(attributes.get(keyword, "")), 64)
        return _Part(literal, lambda attributes, _: safe_text(attributes.get(keyword, "")), _MAX_TEXT_CHARS + 1)

    def _date_field(self, keyword: str, form: str) -> tuple[_Field, int]:
        if not _DATE_SPEC.fullmatch(form):
            raise self._wrong(f"{{{keyword}:{form}}}: a date's form is made of %Y, %m, %d, '-', '_' and '.'")
        pieces = re.findall(r"%[Ymd]|[-_.]", form)
        slices = [_DATE_PARTS.get(piece, piece) for piece in pieces]

        def field(attributes: Mapping[str, str], received_us: int) -> str:
            value = attributes.get(keyword, "")
            date = value if is_date(value) else day_of(received_us)
            return "".join(piece if isinstance(piece, str) else date[piece] for piece in slices)

        return field, sum(4 if piece == "%Y" else 2 for piece in pieces)

    def _check_components(self) -> None:
        """Check what the template makes of the longest and of the emptiest values, component by component."""
        named = [keyword for _, keyword, _, _ in Formatter().parse(self._template) if keyword]
        if "SOPInstanceUID" not in named:
            raise self._wrong("it must hold {SOPInstanceUID}, or all objects would share a name")
        longest = "".join(part.literal + "x" * part.max_field_chars for part in self._parts)
        shortest = self.key({}, 0)
        for component in longest.split("/"):
            if len(component) > _MAX_COMPONENT_BYTES:
                raise self._wrong(f"a folder or file name could reach {len(component)} bytes; split it with '/'")
        for component in shortest.split("/"):
            if not component or component.startswith(".") or component.endswith("."):
                raise self._wrong("it must be relative, and no name may be empty, or begin or end with '.'")
            if _DEVICE_NAME.fullmatch(component):
                raise self._wrong(f"{component!r} is a name that some systems reserve")
