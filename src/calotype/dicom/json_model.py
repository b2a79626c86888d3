"""Elements to DICOM JSON (PS3.18 Annex F), straight from the bytes that :mod:`walk` has passed over.

No data set is built: each element becomes a fragment of text. Most elements of a series say the same in every object,
so fragments are remembered, in bounded memory, by the element's very bytes.

What the document says on purpose: Specific Character Set is always ISO_IR 192, as the document is UTF-8. Group
lengths, Data Set Trailing Padding and groups 0000 and 0002 are left out. Values of BULK_VRS above 1 KiB, any value
above 1 MiB, every Pixel Data and every value in fragments stand as ``BulkDataURI``, a path of tags and item numbers
(``7FE00010``, ``00081115/1/00091001``) to which a door adds its base. DS and IS are numbers where the text is one,
otherwise strings (F.2.3.1 allows both); numbers that JSON has not (not finite) are strings too.
"""

from __future__ import annotations

import math
import re
import struct
from base64 import b64encode
from collections.abc import Callable, Iterable
from json.encoder import encode_basestring
from typing import Final

from calotype.dicom import text
from calotype.dicom.datasets import NUMBER_CODES, WORD_BYTES, swap
from calotype.dicom.layout import SEQUENCES
from calotype.dicom.memory import Memory
from calotype.dicom.repair import Reading
from calotype.dicom.walk import BULK_BYTES, BULK_VRS, FRAGMENTS, PIXEL_DATA, Token, Walk

_SPECIFIC_CHARACTER_SET: Final = 0x00080005
_PIXEL_REPRESENTATION: Final = 0x00280103
_TRAILING_PADDING: Final = 0xFFFCFFFC

_CHARACTER_SET_IN_JSON: Final = '"00080005":{"vr":"CS","Value":["ISO_IR 192"]}'

_SPECIAL: Final = PIXEL_DATA | {_SPECIFIC_CHARACTER_SET, _TRAILING_PADDING}
"""Elements whose place in the document is not that of their VR."""

_MAX_INLINE_BYTES: Final = 1024 * 1024

_REMEMBERED_BYTES: Final = 512
"""Elements up to this size are remembered: longer ones repeat less and would push out many short ones."""
_fragments: Final[Memory[str]] = Memory(budget_bytes=16 * 1024 * 1024)

# What json would do: quotes, backslash and control characters escaped, everything else kept.
quote: Final[Callable[[str], str]] = encode_basestring


class Context:
    """What the values of one data set or item depend on: byte order, character sets, sign of pixels.

    ``reading`` says which sets are true where others are declared; ``charsets`` are the true ones.
    """

    __slots__ = ("charsets", "little", "reading", "signed")

    def __init__(
        self, charsets: tuple[str, ...], *, little: bool, signed: bool, reading: Reading | None = None
    ) -> None:
        self.charsets = charsets
        self.little = little
        self.signed = signed
        self.reading = reading

    @classmethod
    def around(cls, reading: Reading | None, *, little: bool) -> Context:
        """Return the context that a data set itself stands in: nothing is declared yet."""
        declared = text.DEFAULT_CHARSETS
        return cls(
            declared if reading is None else reading.of(declared), little=little, signed=False, reading=reading
        )

    @property
    def key(self) -> tuple[bool, bool, tuple[str, ...], Reading | None]:
        """What two contexts have in common in which the same bytes say the same."""
        return self.little, self.signed, self.charsets, self.reading

    def within(self, walk: Walk, tokens: Iterable[Token]) -> Context:
        """Return the context of an item: what it says itself overrides what stands around it (PS3.5 7.5.3)."""
        charsets, signed = self.charsets, self.signed
        for tag, vr, _, start, end in tokens:
            if tag == _SPECIFIC_CHARACTER_SET and vr not in SEQUENCES:
                charsets, _ = text.charsets_of(bytes(walk.data[start : min(end, start + 256)]))
                if self.reading is not None:
                    charsets = self.reading.of(charsets)
            elif tag == _PIXEL_REPRESENTATION and end - start == 2:
                signed = bytes(walk.data[start:end]) in {b"\1\0", b"\0\1"}
            elif tag > _PIXEL_REPRESENTATION:
                break
        if charsets == self.charsets and signed == self.signed:
            return self
        return Context(charsets, little=self.little, signed=signed, reading=self.reading)


def resolve(vr: str, context: Context) -> str:
    """Return the one VR that an ambiguous one of implicit VR means (PS3.5 Annex A.1)."""
    if vr == "US/SS":
        return "SS" if context.signed else "US"
    if vr == FRAGMENTS:
        return "OB"
    return "OW" if "/" in vr else vr


def to_json(walk: Walk, tokens: list[Token], context: Context) -> bytes:
    """Return the data set as a JSON object in UTF-8; ``tokens`` and ``context`` are those of the data set itself."""
    members = _members(walk, tokens, context, "", _fragments.of((walk.explicit, context.key)))
    body = ",".join(members)
    if not body.isascii() and not any(token[0] == _SPECIFIC_CHARACTER_SET for token in tokens):
        at = sum(token[0] < _SPECIFIC_CHARACTER_SET for token in tokens)
        members.insert(min(at, len(members)), _CHARACTER_SET_IN_JSON)
        body = ",".join(members)
    return f"{{{body}}}".encode("utf-8", "replace")


def member(walk: Walk, token: Token, context: Context) -> str:
    """Return ``"GGGGEEEE":{...}`` for one element of the data set itself, empty when it has no place there."""
    return _member(walk, token, context, "")


class Brief:
    """Writes the member of one element, again and again, where its value is as plain as most are."""

    __slots__ = ("_begin", "_is_plain", "_tag", "_vr")

    def __init__(self, tag: int, vr: str) -> None:
        self._tag = tag
        self._vr = vr
        self._is_plain = _PLAIN.get(vr) if tag & 0xFFFF and tag not in _SPECIAL else None
        self._begin = f'"{tag:08X}":{{"vr":"{vr}","Value":['.encode()

    def member(self, walk: Walk, token: Token, context: Context) -> bytes:
        """Return what :func:`member` does, as bytes."""
        if self._is_plain is not None:
            raw = bytes(walk.data[token[3] : token[4]]).rstrip(b" \0")
            if self._is_plain(raw):
                if self._vr in _NUMBERS:
                    return b"%b%b]}" % (self._begin, raw.replace(b"\\", b","))
                return b'%b"%b"]}' % (self._begin, raw)
        return member(walk, token, context).encode("utf-8", "replace")


def _members(
    walk: Walk, tokens: list[Token], context: Context, path: str, remembered: dict[bytes, str] | None
) -> list[str]:
    """Return one fragment per element; ``remembered`` only where ``path`` is empty, since fragments may hold it."""
    data = walk.data
    out: list[str] = []
    append = out.append
    if remembered is None:
        for token in tokens:
            fragment = _member(walk, token, context, path)
            if fragment:
                append(fragment)
        return out
    for token in tokens:
        head, end = token[2], token[4]
        if end - head > _REMEMBERED_BYTES:
            fragment = _member(walk, token, context, path)
        else:
            raw = data[head:end]
            if not isinstance(raw, bytes):
                raw = bytes(raw)
            known = remembered.get(raw)
            if known is None:
                known = _member(walk, token, context, path)
                _fragments.keep(remembered, raw, known, len(raw) + len(known))
            fragment = known
        if fragment:
            append(fragment)
    return out


def _member(walk: Walk, token: Token, context: Context, path: str) -> str:
    """Return ``"GGGGEEEE":{...}`` for one element, empty for one that has no place in the document."""
    tag, vr, _, start, end = token
    convert = _CONVERTERS.get(vr)
    if convert is not None and 0 < end - start <= BULK_BYTES and tag & 0xFFFF and tag not in _SPECIAL:
        # What nearly every element is; all the rest is worked out below.
        return f'"{tag:08X}":{{"vr":"{vr}"{convert(bytes(walk.data[start:end]), vr, context)}}}'
    name = f"{tag:08X}"
    if vr in SEQUENCES:
        return f'"{name}":{_sequence(walk, token, context, f"{path}{name}")}'
    if tag & 0xFFFF == 0 or tag == _TRAILING_PADDING:
        return ""
    if tag == _SPECIFIC_CHARACTER_SET:
        return _CHARACTER_SET_IN_JSON
    bulk = tag in PIXEL_DATA or vr == FRAGMENTS or end - start > (BULK_BYTES if vr in BULK_VRS else _MAX_INLINE_BYTES)
    vr = resolve(vr, context)
    if end == start:
        value = ""
    elif bulk:
        value = f',"BulkDataURI":"{path}{name}"'
    else:
        value = _CONVERTERS[vr](bytes(walk.data[start:end]), vr, context)
    return f'"{name}":{{"vr":"{vr}"{value}}}'


def _sequence(walk: Walk, token: Token, context: Context, path: str) -> str:
    items: list[str] = []
    for number, tokens in enumerate(walk.items(token), 1):
        inner = context.within(walk, tokens)
        items.append(f"{{{','.join(_members(walk, tokens, inner, f'{path}/{number}/', None))}}}")
    return f'{{"vr":"SQ","Value":[{",".join(items)}]}}' if items else '{"vr":"SQ"}'


def _values(values: Iterable[str]) -> str:
    """Return the member ``Value`` for values that are JSON already; empty ones are null (F.2.5)."""
    listed = [value or "null" for value in values]
    return f',"Value":[{",".join(listed)}]' if listed.count("null") < len(listed) else ""


_PLAIN_STRING: Final = re.compile(rb"[!#-\[\]-~](?:[ !#-\[\]-~]*[!#-\[\]-~])?")
"""One value, printable ASCII, nothing to be escaped."""


def _strings(raw: bytes, vr: str, context: Context) -> str:
    value = text.decode_declared(raw, context.charsets, vr)[0]
    if "\\" in value:
        return _values([quote(part) if part else "" for part in [part.strip(" \0") for part in value.split("\\")]])
    # PS3.5 6.2: leading spaces mean nothing, except in UC.
    value = value if vr == "UC" else value.lstrip(" ")
    return f',"Value":[{quote(value)}]' if value else ""


def _one_string(raw: bytes, vr: str, context: Context) -> str:
    value = text.decode_declared(raw, context.charsets, vr)[0]
    return f',"Value":[{quote(value)}]' if value else ""


_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")


def _name(value: str) -> str:
    groups = [
        f'"{label}":{quote(group)}'
        for label, group in zip(_GROUPS, (part.strip(" \0") for part in value.split("=", 2)), strict=False)
        if group
    ]
    return f"{{{','.join(groups)}}}" if groups else ""


def _names(raw: bytes, vr: str, context: Context) -> str:
    value = text.decode_declared(raw, context.charsets, vr)[0]
    return _values(_name(part) for part in value.split("\\"))


_JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,16})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_JSON_NUMBERS: Final = re.compile(rf"(?:{_JSON_NUMBER.pattern})(?:\\(?:{_JSON_NUMBER.pattern}))*".encode())
_OUR_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)


def _number(value: str, vr: str) -> str:
    """Return DS or IS text as a JSON number where it is one, as it stands where JSON writes it so, else a string."""
    if not value:
        return ""
    if _JSON_NUMBER.fullmatch(value):
        return value
    if len(value) > 64 or not _OUR_NUMBER.fullmatch(value):
        return quote(value)
    if vr == "IS" and value.lstrip("+-").isdigit():
        return str(int(value))
    number = float(value)
    return repr(number) if math.isfinite(number) else quote(value)


def _numbers(raw: bytes, vr: str, context: Context) -> str:
    value = text.decode_declared(raw, context.charsets, vr)[0]
    if "\\" not in value:
        number = _number(value.strip(), vr)
        return f',"Value":[{number}]' if number else ""
    return _values([_number(part.strip(" \0"), vr) for part in value.split("\\")])


def unpack(raw: bytes, vr: str, context: Context) -> tuple[int | float, ...]:
    """Return the numbers of a binary value; bytes that are too few for a whole one are left out."""
    count = len(raw) // WORD_BYTES[vr]
    return struct.unpack_from(f"{'<' if context.little else '>'}{count}{NUMBER_CODES[vr]}", raw)


def _integers(raw: bytes, vr: str, context: Context) -> str:
    return _values([str(number) for number in unpack(raw, vr, context)])


def _long_integers(raw: bytes, vr: str, context: Context) -> str:
    # F.2.3.1: 64 bits are more than a JSON number safely holds (RFC 8259 6); beyond that they are strings.
    return _values(str(number) if abs(number) < 2**53 else quote(str(number)) for number in unpack(raw, vr, context))


def _float(number: float) -> str:
    if math.isfinite(number):
        return repr(number)
    return '"NaN"' if math.isnan(number) else '"inf"' if number > 0 else '"-inf"'


def _floats(raw: bytes, vr: str, context: Context) -> str:
    return _values(_float(number) for number in unpack(raw, vr, context))


def _tags(raw: bytes, _vr: str, context: Context) -> str:
    order = "<" if context.little else ">"
    count = len(raw) // 4
    pairs = struct.unpack_from(f"{order}{2 * count}H", raw)
    return _values(f'"{group:04X}{number:04X}"' for group, number in zip(pairs[::2], pairs[1::2], strict=True))


def _binary(raw: bytes, vr: str, context: Context) -> str:
    # F.2.7: InlineBinary is little endian, whatever the data set was.
    value = raw if context.little else swap(vr, raw)
    return f',"InlineBinary":"{b64encode(value).decode("ascii")}"'


_STRINGS: Final = ("AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UC", "UI")
_NUMBERS: Final = ("DS", "IS")

_PLAIN: Final[dict[str, Callable[[bytes], object]]] = {
    **dict.fromkeys(_STRINGS, _PLAIN_STRING.fullmatch),
    **dict.fromkeys(_NUMBERS, _JSON_NUMBERS.fullmatch),
}
"""What tells of a value, without its padding, that it stands in JSON as it is."""

_Converter = Callable[[bytes, str, Context], str]
_CONVERTERS: Final[dict[str, _Converter]] = {
    **dict.fromkeys(_STRINGS, _strings),
    **dict.fromkeys(("LT", "ST", "UR", "UT"), _one_string),
    **dict.fromkeys(_NUMBERS, _numbers),
    **dict.fromkeys(("SL", "SS", "UL", "US"), _integers),
    **dict.fromkeys(("SV", "UV"), _long_integers),
    **dict.fromkeys(("FD", "FL"), _floats),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW", "UN"), _binary),
    "AT": _tags,
    "PN": _names,
}
