"""In which character set text leaves (PS3.18 8.8): UTF-8, or what a client that knows it not asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from calotype.errors import InvalidRequest

UTF_8: Final = "utf-8"

CHARSETS: Final[Mapping[str, str]] = {
    UTF_8: "utf-8", "us-ascii": "ascii", "gb18030": "gb18030", "gbk": "gbk", "gb2312": "gb2312", "big5": "big5",
    "shift_jis": "shift_jis", "euc-jp": "euc_jp", "iso-2022-jp": "iso2022_jp_2", "euc-kr": "euc_kr",
    "iso-2022-kr": "iso2022_kr", "tis-620": "tis_620", "windows-1251": "cp1251", "windows-1252": "cp1252",
    **{f"iso-8859-{part}": f"iso8859_{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}  # fmt: skip
"""IANA's names (PS3.18 Annex D has them beside DICOM's) with Python's."""

_MAX_CHARS: Final = 500


def chosen_charset(parameter: str | None, header: str) -> str:
    """Return the set that a client wants most: by its ``charset`` parameter, else by ``Accept-Charset``, else UTF-8.

    InvalidRequest when the parameter names one that is not known (PS3.18 8.3.3.2).
    """
    if parameter is not None:
        wanted = list(_listed(parameter))
        unknown = [name for name, _ in wanted if name not in CHARSETS]
        if unknown or not wanted:
            raise InvalidRequest(f"charset: {' '.join(unknown)[:60] or 'nothing'!r} is not known; utf-8 always is")
    else:
        wanted = [(UTF_8 if name == "*" else name, quality) for name, quality in _listed(header)]
    known = [(quality, -place, name) for place, (name, quality) in enumerate(wanted) if name in CHARSETS and quality]
    return max(known)[2] if known else UTF_8


def encoded(text: str, charset: str, *, is_html: bool) -> tuple[bytes, str]:
    """Return text in ``charset`` and the name of the set it is in then: UTF-8 where the other cannot carry it.

    HTML can say every character in any set.
    """
    try:
        return text.encode(CHARSETS[charset], "xmlcharrefreplace" if is_html else "strict"), charset
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace"), UTF_8


def _listed(text: str) -> Iterator[tuple[str, float]]:
    for element in text[:_MAX_CHARS].split(","):
        name, _, weight = element.partition(";")
        key, _, value = weight.replace(" ", "").partition("=")
        quality = 1.0
        if key == "q":
            quality = min(1.0, float(value)) if value.replace(".", "", 1).isdecimal() and value.isascii() else 0.0
        if name.strip():
            yield name.strip().lower(), quality
