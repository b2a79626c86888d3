"""Character sets by their defined terms (PS3.3 C.12.1.1.2) and the code extensions of ISO 2022 (PS3.5 6.1.2.5).

What a value *is* (which VR, which characters delimit it, what to do when it lies about its set) is in ``text``; here
stand the sets themselves, how bytes become characters in each, and the escape sequences between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final


class Coding(Enum):
    """How the bytes of a graphic set become characters."""

    SINGLE = auto()
    """One byte a character, in the upper half, by a codec."""
    ASCII = auto()
    ROMAJI = auto()
    """JIS X 0201: ASCII with an overline in the place of the tilde.

    It also has a yen sign where ASCII has the backslash; as 05/12 delimits values in every set, we read a backslash.
    """
    KATAKANA = auto()
    """JIS X 0201: half-width katakana in the upper half."""
    DOUBLE = auto()
    """Two bytes a character, in the upper half, by an EUC codec."""
    DOUBLE_LOW = auto()
    """Two bytes a character, in the lower half, by an EUC codec once their high bits are set."""


@dataclass(frozen=True, slots=True)
class GraphicSet:
    """A set that an escape sequence designates to G0 (bytes below 80H) or G1 (bytes from 80H)."""

    escape: bytes
    plane: int
    coding: Coding
    codec: str
    prefix: bytes = b""
    """What the codec wants before each character: SS3 selects JIS X 0212 in EUC-JP."""

    def decode(self, run: bytes) -> str:
        """Return the characters of a run of bytes in this set; raises UnicodeDecodeError."""
        match self.coding:
            case Coding.ROMAJI:
                return run.decode("ascii").replace("~", "\N{OVERLINE}")
            case Coding.KATAKANA:
                return run.decode("shift_jis")
            case Coding.DOUBLE_LOW:
                high = bytes(byte | 0x80 for byte in run)
                if self.prefix:
                    high = b"".join(self.prefix + high[i : i + 2] for i in range(0, len(high), 2))
                return high.decode(self.codec)
            case _:
                return run.decode(self.codec)

    def encode(self, char: str) -> bytes | None:
        """Return the bytes of one character, ``None`` when it is not in this set."""
        if self.coding is Coding.ROMAJI and char == "\N{OVERLINE}":
            return b"~"
        if self.coding in {Coding.ASCII, Coding.ROMAJI}:
            return char.encode("ascii") if char.isascii() and not (char == "~" and self.codec == "romaji") else None
        try:
            raw = char.encode(self.codec)
        except UnicodeEncodeError:
            return None
        if self.prefix:
            return bytes(b & 0x7F for b in raw[1:]) if raw[:1] == self.prefix and len(raw) == 3 else None
        wanted = 1 if self.coding in {Coding.SINGLE, Coding.KATAKANA} else 2
        # Half-width katakana are two bytes in EUC-JP too (SS2 first); only a full pair is a character of the set.
        if len(raw) != wanted or raw[0] < 0xA0:
            return None
        return bytes(b & 0x7F for b in raw) if self.coding is Coding.DOUBLE_LOW else raw


def _single(final: bytes, codec: str) -> GraphicSet:
    return GraphicSet(b"\x1b-" + final, 1, Coding.SINGLE, codec)


ASCII: Final = GraphicSet(b"\x1b(B", 0, Coding.ASCII, "ascii")
ROMAJI: Final = GraphicSet(b"\x1b(J", 0, Coding.ROMAJI, "romaji")
KATAKANA: Final = GraphicSet(b"\x1b)I", 1, Coding.KATAKANA, "shift_jis")


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """One row of PS3.3 Tables C.12-2 to C.12-5.

    ``codec`` reads a value that uses this set alone and no escape sequences; ``graphic`` lists what its terms with
    ``ISO 2022`` designate, G0 before G1.
    """

    term: str
    codec: str
    graphic: tuple[GraphicSet, ...] = ()


_TABLE: Final = (
    CharacterSet("ISO_IR 6", "ascii", (ASCII,)),
    CharacterSet("ISO_IR 100", "iso8859_1", (ASCII, _single(b"A", "iso8859_1"))),
    CharacterSet("ISO_IR 101", "iso8859_2", (ASCII, _single(b"B", "iso8859_2"))),
    CharacterSet("ISO_IR 109", "iso8859_3", (ASCII, _single(b"C", "iso8859_3"))),
    CharacterSet("ISO_IR 110", "iso8859_4", (ASCII, _single(b"D", "iso8859_4"))),
    CharacterSet("ISO_IR 144", "iso8859_5", (ASCII, _single(b"L", "iso8859_5"))),
    CharacterSet("ISO_IR 127", "iso8859_6", (ASCII, _single(b"G", "iso8859_6"))),
    CharacterSet("ISO_IR 126", "iso8859_7", (ASCII, _single(b"F", "iso8859_7"))),
    CharacterSet("ISO_IR 138", "iso8859_8", (ASCII, _single(b"H", "iso8859_8"))),
    CharacterSet("ISO_IR 148", "iso8859_9", (ASCII, _single(b"M", "iso8859_9"))),
    CharacterSet("ISO_IR 203", "iso8859_15", (ASCII, _single(b"b", "iso8859_15"))),
    CharacterSet("ISO_IR 166", "iso8859_11", (ASCII, _single(b"T", "iso8859_11"))),
    CharacterSet("ISO_IR 13", "shift_jis", (ROMAJI, KATAKANA)),
    CharacterSet("ISO 2022 IR 87", "euc_jp", (GraphicSet(b"\x1b$B", 0, Coding.DOUBLE_LOW, "euc_jp"),)),
    CharacterSet("ISO 2022 IR 159", "euc_jp", (GraphicSet(b"\x1b$(D", 0, Coding.DOUBLE_LOW, "euc_jp", b"\x8f"),)),
    CharacterSet("ISO 2022 IR 149", "cp949", (GraphicSet(b"\x1b$)C", 1, Coding.DOUBLE, "euc_kr"),)),
    CharacterSet("ISO 2022 IR 58", "gb18030", (GraphicSet(b"\x1b$)A", 1, Coding.DOUBLE, "gb2312"),)),
    CharacterSet("ISO_IR 192", "utf-8"),
    CharacterSet("GB18030", "gb18030"),
    CharacterSet("GBK", "gbk"),
)
BY_TERM: Final = {row.term: row for row in _TABLE} | {
    row.term.replace("ISO_IR", "ISO 2022 IR"): row for row in _TABLE if row.graphic
}
"""Every character set by each of its defined terms."""

DEFAULT: Final = BY_TERM["ISO_IR 6"]
UTF_8: Final = "ISO_IR 192"

_BY_ESCAPE: Final = {graphic.escape: graphic for row in _TABLE for graphic in row.graphic} | {
    # The escape sequence of the 1978 edition, which old Japanese devices send; the sets agree in what names use.
    b"\x1b$@": BY_TERM["ISO 2022 IR 87"].graphic[0],
}

_SPELLED: Final = re.compile(r"(ISO)?[ _-]*(2022)?[ _-]*IR[ _-]*([0-9]+)")
_OTHERWISE_SPELLED: Final = {
    "UTF8": UTF_8,
    "UNICODE11UTF8": UTF_8,
    "ISO10646": UTF_8,
    # Written by Chinese devices, none a defined term; all are read by the superset.
    "GB2312": "GB18030",
    "GB231280": "GB18030",
    "ISO2022GBK": "GBK",
    "ISO2022GB18030": "GB18030",
    "LATIN1": "ISO_IR 100",
    "ISO88591": "ISO_IR 100",
}


@lru_cache(maxsize=512)
def terms(value: str) -> tuple[tuple[str, ...], bool]:
    """Return the defined terms that a value of Specific Character Set (0008,0005) means, and whether it is in order.

    Spellings that devices are known to send (``ISO IR 100``, ``ISO_IR_192``, ``UTF-8``, ``GB2312``) are understood;
    what is not becomes the default repertoire. An empty first value is the default repertoire too.
    """
    found: list[str] = []
    in_order = True
    # No set has more than a handful of values; a hostile list must not cost more.
    for part in value.split("\\")[:16]:
        term = part.strip(" \0")
        if term in BY_TERM or not term:
            found.append(term or "ISO_IR 6")
            continue
        in_order = False
        spelled = _SPELLED.fullmatch(term.upper())
        if spelled:
            number = str(int(spelled[3][:6]))
            candidates = (f"ISO 2022 IR {number}", f"ISO_IR {number}")
            term = next((name for name in candidates[:: 1 if spelled[2] else -1] if name in BY_TERM), "ISO_IR 6")
        else:
            term = _OTHERWISE_SPELLED.get(re.sub(r"[^A-Z0-9]", "", term.upper()), "ISO_IR 6")
        found.append(term)
    return tuple(found) or ("ISO_IR 6",), in_order


def uses_escapes(charsets: Sequence[str]) -> bool:
    """Tell whether values under ``charsets`` may hold escape sequences: the terms say ISO 2022."""
    return any(term.startswith("ISO 2022") for term in charsets)


def _initial(charsets: Sequence[str]) -> tuple[GraphicSet, GraphicSet | None]:
    """Return what G0 and G1 hold at the start of a value and after each delimiter.

    PS3.3 C.12.1.1.2: value 1 is a single-byte set. Korean and Chinese devices name their multi-byte set there, alone;
    then G1 holds it, as no other reading of upper bytes is left.
    """
    first = BY_TERM.get(charsets[0], DEFAULT) if charsets else DEFAULT
    g0 = next((g for g in first.graphic if g.plane == 0 and g.coding is not Coding.DOUBLE_LOW), ASCII)
    return g0, next((g for g in first.graphic if g.plane == 1), None)


_ESCAPE: Final = rb"\x1b[\x20-\x2f]+[\x30-\x7e]"


@lru_cache(maxsize=8)
def _tokens(delimiters: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return the patterns of one token while G0 holds a one-byte and a two-byte set.

    A token is an escape sequence, a delimiter or control character, or a run in one half. While G0 holds a two-byte
    set, bytes such as 5CH and 5EH are halves of characters and delimit nothing.
    """
    controls = rb"[\x00-\x1a\x1c-\x1f]"
    stops = rb"[\x00-\x1a\x1c-\x1f" + re.escape(delimiters) + rb"]"
    lower = rb"(?:(?!" + stops + rb")[\x20-\x7f])+"
    single = rb"(%b)|(%b)|([\x80-\xff]+)|(%b)|\x1b" % (_ESCAPE, stops, lower)
    double = rb"(%b)|(%b|\x20)|([\x80-\xff]+)|([\x21-\x7f]+)|\x1b" % (_ESCAPE, controls)
    return re.compile(single), re.compile(double)


def decode_escaped(raw: bytes, charsets: Sequence[str], delimiters: bytes) -> tuple[str, bool]:
    """Read a value with escape sequences; return it with False when something in it had to be guessed or replaced.

    PS3.5 6.1.2.5.3: before each delimiter, control character and end of value the sets of value 1 are active again.
    """
    start = _initial(charsets)
    g0, g1 = start
    single, double = _tokens(delimiters)
    out: list[str] = []
    good = True
    spare = next((g for term in charsets for g in BY_TERM.get(term, DEFAULT).graphic if g.plane == 1), None)
    pos = 0
    while pos < len(raw):
        token = (double if g0.coding is Coding.DOUBLE_LOW else single).match(raw, pos)
        if token is None:  # pragma: no cover - the patterns cover every byte
            break
        pos = token.end()
        escape, stop, upper, lower = token.groups()
        if escape is not None:
            graphic = _BY_ESCAPE.get(escape)
            if graphic is None:
                good = False
            elif graphic.plane == 0:
                g0 = graphic
            else:
                g1 = spare = graphic
        elif stop is not None:
            out.append(stop.decode("ascii"))
            if stop != b" ":
                g0, g1 = start
        elif upper is not None:
            # Senders that forget to designate again after a delimiter are common; the last set is what they mean.
            pos = _wide_end(raw, token.start(), pos, g1 or spare)
            piece, fine = _run(raw[token.start() : pos], g1 or spare)
            out.append(piece)
            good = good and fine and g1 is not None
        elif lower is not None:
            piece, fine = _run(lower, g0)
            out.append(piece)
            good = good and fine
        else:
            good = False
    return "".join(out), good


def _wide_end(raw: bytes, start: int, end: int, graphic: GraphicSet | None) -> int:
    """Return where a run of upper bytes ends: GBK and CP949, which Windows has, use letters as second bytes too."""
    if graphic is None or graphic.coding is not Coding.DOUBLE or (end - start) % 2 == 0:
        return end
    return end + 1 if raw[end : end + 1].isalnum() else end


_WIDER: Final = {"euc_kr": "cp949", "gb2312": "gb18030"}


def _run(run: bytes, graphic: GraphicSet | None) -> tuple[str, bool]:
    """Decode a run of bytes; what is not in the set is looked for in the wider one that devices use, or replaced."""
    if graphic is None:
        return run.decode("ascii", "replace"), False
    try:
        return graphic.decode(run), True
    except UnicodeDecodeError:
        codec = _WIDER.get(graphic.codec, graphic.codec)
        if graphic.coding in {Coding.ROMAJI, Coding.DOUBLE_LOW}:
            return "\N{REPLACEMENT CHARACTER}" * ((len(run) + 1) // 2), False
        return run.decode(codec, "replace"), False


class _Writer:
    """Writes one value; knows what G0 and G1 hold, as the reader will."""

    def __init__(self, charsets: Sequence[str]) -> None:
        g0, g1 = _initial(charsets)
        self._choices = [g for g in (g0, g1) if g is not None]
        self._choices += [
            g for term in charsets for g in BY_TERM.get(term, DEFAULT).graphic if g not in self._choices
        ]
        # A multi-byte set named as value 1 is no initial set by the Standard: we read so, and always designate it.
        self._start = (g0, None if g1 is not None and g1.coding is Coding.DOUBLE else g1)
        self._active: list[GraphicSet | None] = [*self._start]
        self.out: list[bytes] = []

    def _designate(self, graphic: GraphicSet) -> None:
        if self._active[graphic.plane] is not graphic:
            self.out.append(graphic.escape)
            self._active[graphic.plane] = graphic

    def restore(self) -> None:
        """Make the sets of value 1 active again, as PS3.5 6.1.2.5.3 wants before a delimiter and at the end."""
        for graphic in self._start:
            if graphic is not None:
                self._designate(graphic)

    def delimiter(self, char: str) -> None:
        """Write a character that ends a stretch, after which the reader is back at the start."""
        self.restore()
        self._active = [*self._start]
        self.out.append(char.encode("ascii"))

    def character(self, char: str) -> bool:
        """Write a character in the active sets, else in the first that has it; ``?`` and False when none has."""
        if char == " ":
            self._designate(self._start[0])
        for graphic in (*(g for g in self._active if g is not None), *self._choices):
            raw = graphic.encode(char)
            if raw is not None:
                self._designate(graphic)
                self.out.append(raw)
                return True
        self._designate(self._start[0])
        self.out.append(b"?")
        return False


def encode_escaped(text: str, charsets: Sequence[str], delimiters: str) -> tuple[bytes, bool]:
    """Write a value with escape sequences; return it with False when a character is in none of the sets (``?``)."""
    writer = _Writer(charsets)
    good = True
    for char in text:
        if char in delimiters or char < " ":
            writer.delimiter(char)
        else:
            good = writer.character(char) and good
    writer.restore()
    return b"".join(writer.out), good
