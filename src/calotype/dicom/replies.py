"""In which character set an answer is written, and what becomes of the text that this set cannot carry.

Two rules, one for each kind of asker (PS3.4 C.4.1.1.3.2, K.4.1.1.3.2):

* A query is answered in the set that the request names, or in the default repertoire where it names none; a match
  with any character beyond that is answered in UTF-8 (``ISO_IR 192``), without loss: :meth:`Reply.to_query`.
* A worklist is shown by devices that may know no other set than the one they ask in. What that cannot carry is
  romanised or written in plain letters (``romanise``). What has no Latin form that we know (kana, hangul, Cyrillic
  without its set) makes it UTF-8 after all: a question mark in the place of a name would be worse:
  :meth:`Reply.to_worklist`.

How to use a reply: make one for each match from its texts, write :attr:`Reply.stated` as Specific Character Set
(0008,0005) unless it is empty, and every value through :meth:`Reply.encode`. An item of a sequence needs no set of
its own: it has its data set's (PS3.3 C.12.1.1.2).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from calotype.dicom import charsets as sets
from calotype.dicom import text
from calotype.dicom.romanise import has_hanzi, is_japanese_or_korean, romanise_name, romanise_text

_PLAIN: Final = str.maketrans(
    {
        "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2026": "...", "\u2022": "*", "\u00b7": " ",
        "\u3001": ",", "\u3002": ".", "\u300a": "<", "\u300b": ">", "\u300c": '"', "\u300d": '"',
        "\u3010": "[", "\u3011": "]", "\u00d7": "x", "\u00b1": "+-", "\u00b5": "u", "\u03bc": "u", "\u00b0": " deg",
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
        "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "\u0131": "i", "\u2103": " C", "\u2109": " F",
    }
)  # fmt: skip
"""Signs and letters with a plain form that no normalization gives."""

_MAX_CHARACTERS: Final = {"SH": 16, "LO": 64, "PN": 64, "ST": 1024, "LT": 10240}
"""PS3.5 Table 6.2-1; a name's are of each component group. Latin letters are more than the hanzi were."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The sets that one answer is written in, by their defined terms."""

    charsets: tuple[str, ...]
    romanises: bool = False

    @classmethod
    def to_query(cls, asked: Sequence[str], texts: Iterable[str]) -> Self:
        """Return how to answer a query that was asked in ``asked`` with ``texts``, without loss."""
        usable = _usable(tuple(asked))
        return cls(text.charsets_for(texts, usable))

    @classmethod
    def to_worklist(cls, asked: Sequence[str], texts: Iterable[tuple[str, str]]) -> Self:
        """Return how to answer a worklist query that was asked in ``asked`` with ``texts``: pairs of VR and value."""
        usable = _usable(tuple(asked))
        if any(not value.isascii() and _carried(value, vr, usable) is None for vr, value in texts):
            return cls(text.UTF_8_CHARSETS)
        return cls(usable, romanises=True)

    @staticmethod
    def shows_hanzi(asked: Sequence[str]) -> bool:
        """Tell whether whoever asks in ``asked`` is answered with Chinese names as they are written."""
        return text.can_encode("\u5f20\u4e30\u4eec", _usable(tuple(asked)))

    @property
    def stated(self) -> bytes:
        """The value of Specific Character Set (0008,0005); empty where the element is to be left out."""
        if self.charsets == text.DEFAULT_CHARSETS:
            return b""
        # PS3.3 C.12.1.1.2: the default repertoire alone has no defined term; before others it is an empty value.
        return "\\".join("" if term in text.DEFAULT_CHARSETS else term for term in self.charsets).encode("ascii")

    def encode(self, value: str, vr: str) -> bytes:
        """Return one value (several joined by a backslash), not padded."""
        if self.romanises and not value.isascii():
            carried = _carried(value, vr, self.charsets)
            value = value if carried is None else carried
        return text.encode(value, self.charsets, vr)


@lru_cache(maxsize=256)
def _usable(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sets of a request as an answer may name them.

    PS3.3 C.12.1.1.2: without code extensions there is one value, and UTF-8, GB 18030 and GBK stand alone.
    """
    if not asked:
        return text.DEFAULT_CHARSETS
    alone = next((term for term in asked if term in sets.BY_TERM and not sets.BY_TERM[term].graphic), None)
    if alone is not None:
        return (alone,)
    return asked if sets.uses_escapes(asked) else asked[:1]


@lru_cache(maxsize=4096)
def _carried(value: str, vr: str, charsets: tuple[str, ...]) -> str | None:
    """Return ``value`` as ``charsets`` can carry it, romanised only as far as needed; ``None`` when they cannot."""
    if text.can_encode(value, charsets, vr):
        return value
    if vr == "PN":
        people = [_person(person, charsets) for person in value.split("\\")]
        return None if None in people else "\\".join(filter(None, people))
    latin = _plain(romanise_text(value), charsets)
    if not text.can_encode(latin, charsets, vr):
        return None
    if vr in text.SINGLE_VALUED_VRS:
        return latin[: _MAX_CHARACTERS.get(vr)]
    return "\\".join(part[: _MAX_CHARACTERS.get(vr)].rstrip() for part in latin.split("\\"))


def _person(name: str, charsets: tuple[str, ...]) -> str | None:
    """Return one person's name: a Latin group, and those of the other two that the sets can carry (PS3.5 6.2.1.1)."""
    if text.can_encode(name, charsets):
        return name
    groups = [*name.split("=", 2), "", ""][:3]
    alphabetic = romanise_name(name)
    if not text.can_encode(alphabetic, charsets):
        alphabetic = _plain(alphabetic, charsets)
    if has_hanzi(alphabetic) or is_japanese_or_korean(alphabetic) or not text.can_encode(alphabetic, charsets):
        return None
    # Hanzi that stood in the place of the alphabetic group go where they belong.
    ideographic = groups[1] or (groups[0] if has_hanzi(groups[0]) else "")
    kept = [
        alphabetic[: _MAX_CHARACTERS["PN"]],
        *(group if text.can_encode(group, charsets) else "" for group in (ideographic, groups[2])),
    ]
    return "=".join(kept).rstrip("=")


def _plain(value: str, charsets: tuple[str, ...]) -> str:
    """Return ``value`` with plain letters in the place of those that the sets cannot carry, where there are any."""
    return "".join(char if char.isascii() or text.can_encode(char, charsets) else _plain_char(char) for char in value)


def _plain_char(char: str) -> str:
    if is_japanese_or_korean(char):
        return char
    plain = unicodedata.normalize("NFKD", char.translate(_PLAIN)).translate(_PLAIN)
    kept = "".join(each for each in plain if not unicodedata.combining(each))
    return kept if kept.isascii() else char
