"""Text values: bytes to characters and back, under the character sets that a data set declares.

``decode_declared`` reads a value as its declaration says; ``decode`` also repairs one that is plainly declared wrong,
as far as a value alone can tell (whole studies are judged by ``repair``). Neither raises: what cannot be read is
replaced, and the forms with ``checked`` tell. ``encode`` writes; ``charsets_for`` chooses sets that can carry a text.
``fold`` makes the key by which text is compared. The sets themselves are in ``charsets``; padding and values of other
VRs are not text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from calotype.dicom import charsets as sets
from calotype.dicom import repair

TEXT_VRS: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""VRs to which Specific Character Set applies (PS3.5 6.1.2.3); the other text VRs are ISO 646."""
SINGLE_VALUED_VRS: Final = frozenset({"LT", "ST", "UT", "UR"})
"""VRs in which a backslash is a character like any other."""

is_plain: Final = re.compile(rb"[!-\[\]-~](?:[ -\[\]-~]*[!-\[\]-~])?").fullmatch
"""Tells whether bytes are one value of printable ASCII without padding: it reads the same in every character set."""

DEFAULT_CHARSETS: Final = ("ISO_IR 6",)
UTF_8_CHARSETS: Final = (sets.UTF_8,)


def charsets_of(value: bytes) -> tuple[tuple[str, ...], bool]:
    """Return the defined terms in the value of Specific Character Set, and whether it is in order."""
    return sets.terms(value.decode("latin-1"))


def _delimiters(vr: str) -> str:
    if vr == "PN":
        return "\\^="
    return "" if vr in SINGLE_VALUED_VRS else "\\"


def decode(raw: bytes, charsets: Sequence[str], vr: str) -> str:
    """Return a value as text without its trailing padding; several values stay joined by a backslash."""
    return decode_checked(raw, charsets, vr)[0]


def decode_key(raw: bytes, charsets: Sequence[str], vr: str) -> str:
    """Return what is asked for, as :func:`decode` does a value: a single hanzi may stand in the wrong set, too."""
    declared = tuple(charsets) or DEFAULT_CHARSETS
    return decode_declared(raw, repair.judge_key(declared, raw.rstrip(b" \0")).charsets, vr)[0]


def decode_checked(raw: bytes, charsets: Sequence[str], vr: str) -> tuple[str, bool]:
    """Return what :func:`decode` does, with False when something was repaired or replaced."""
    if raw.isascii():
        return decode_declared(raw, charsets, vr)
    declared = tuple(charsets) or DEFAULT_CHARSETS
    true = repair.judge(declared, [raw.rstrip(b" \0")]).charsets
    text, good = decode_declared(raw, true, vr)
    return text, good and true == declared


def decode_declared(raw: bytes, charsets: Sequence[str], vr: str) -> tuple[str, bool]:
    """Return a value as ``charsets`` have it, with False when something in it cannot be right.

    High bytes where none are declared are Latin-1; what is in no declared set is replaced.
    """
    raw = raw.rstrip(b" \0")
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii"), True
    text, good = _decode(raw, charsets, vr)
    return text.rstrip(" \0"), good and (vr in TEXT_VRS or raw.isascii())


def _decode(raw: bytes, charsets: Sequence[str], vr: str) -> tuple[str, bool]:
    if sets.uses_escapes(charsets):
        return sets.decode_escaped(raw, charsets, _delimiters(vr).encode("ascii"))
    first = sets.BY_TERM.get(charsets[0], sets.DEFAULT) if charsets else sets.DEFAULT
    if b"\x1b" in raw and first.graphic and any(escape in raw for escape in (b"\x1b$", b"\x1b(", b"\x1b)", b"\x1b-")):
        # Escape sequences though no term says ISO 2022: Japanese and Korean devices that declare nothing.
        text, _ = sets.decode_escaped(raw, charsets, _delimiters(vr).encode("ascii"))
        return text, False
    if first is sets.DEFAULT:
        return raw.decode("iso8859_1"), raw.isascii()
    try:
        return raw.decode(first.codec), True
    except UnicodeDecodeError:
        # The others are supersets, if they are anything: GB 18030 of GBK.
        return raw.decode("gb18030" if first.codec == "gbk" else first.codec, "replace"), False


def encode(text: str, charsets: Sequence[str], vr: str) -> bytes:
    """Return text as bytes, not padded; a character that no set carries becomes ``?`` (see :func:`charsets_for`)."""
    return _encode(text, charsets, vr)[0]


def can_encode(text: str, charsets: Sequence[str], vr: str = "PN") -> bool:
    """Tell whether :func:`encode` keeps every character."""
    return _encode(text, charsets, vr)[1]


def charsets_for(texts: Iterable[str], preferred: Sequence[str]) -> tuple[str, ...]:
    """Return ``preferred`` when it carries every text, otherwise UTF-8, which carries all (PS3.5 6.1.2.5)."""
    if all(can_encode(text, preferred) for text in texts):
        return tuple(preferred)
    return UTF_8_CHARSETS


def _encode(text: str, charsets: Sequence[str], vr: str) -> tuple[bytes, bool]:
    if text.isascii() and "\x1b" not in text:
        return text.encode("ascii"), True
    if vr not in TEXT_VRS and vr != "UN":
        charsets = DEFAULT_CHARSETS
    if sets.uses_escapes(charsets):
        return sets.encode_escaped(text, charsets, _delimiters(vr))
    codec = (sets.BY_TERM.get(charsets[0], sets.DEFAULT) if charsets else sets.DEFAULT).codec
    if codec == "shift_jis":
        # ISO_IR 13 alone is JIS X 0201, not what Shift JIS adds to it.
        return sets.encode_escaped(text, ("ISO_IR 13",), _delimiters(vr))
    try:
        return text.encode(codec), True
    except UnicodeEncodeError:
        return text.encode(codec, "replace"), False


# Letters with a stroke or of two letters, which no normalization form takes apart.
_PLAIN_LETTERS: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŧ": "t"}
)
_KANA_MARKS: Final = "\u3099\u309a"
"""Voicing marks decide which syllable is meant; they are no accents."""


@lru_cache(maxsize=16_384)
def _fold_short(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN_LETTERS)
    kept = "".join(char for char in plain if char in _KANA_MARKS or not unicodedata.combining(char))
    return " ".join(unicodedata.normalize("NFKC", kept).split())


def fold(text: str) -> str:
    """Return the key by which text is compared: without case, accents, width, and runs of white space."""
    if text.isascii():
        return " ".join(text.lower().split())
    # The memory is for names, which repeat; a comment of some kilobytes would only push them out.
    return _fold_short(text) if len(text) <= 256 else _fold_short.__wrapped__(text)
