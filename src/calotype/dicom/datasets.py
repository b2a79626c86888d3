"""A small generic codec for data sets: identifiers, attribute lists, anything that is read whole.

Values are bytes as in little endian, whatever the syntax: ``decode`` and ``encode`` swap for big endian, so that
users see one form. Objects of any size are not for this room: ``part10`` scans them, ``json_model`` converts them.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from calotype.dicom import dictionary
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import TransferSyntax, transfer_syntax
from calotype.errors import InvalidRequest

ReadableBuffer = bytes | bytearray | memoryview

UNDEFINED_LENGTH: Final = 0xFFFFFFFF
LONG_FORM: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
"""VRs whose length takes 32 bits after two reserved bytes (PS3.5 Table 7.1-1)."""
SHORT_FORM: Final = frozenset(
    "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()  # noqa: SIM905 - reads as PS3.5 does
)
"""VRs whose length takes 16 bits (PS3.5 Table 7.1-2)."""
WORD_BYTES: Final = {
    "AT": 2, "SS": 2, "US": 2, "OW": 2,
    "SL": 4, "UL": 4, "FL": 4, "OF": 4, "OL": 4,
    "FD": 8, "OD": 8, "OV": 8, "SV": 8, "UV": 8,
}  # fmt: skip
"""Size of what is swapped in big endian, for VRs that are not bytes or text (PS3.5 7.3)."""
NUMBER_CODES: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
"""Binary numbers by VR, as ``struct`` packs them behind a byte order (PS3.5 Table 6.2-1)."""
_WORD_CODES: Final = {2: "H", 4: "I", 8: "Q"}

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

Items: TypeAlias = "tuple[tuple[Element, ...], ...]"


@dataclass(frozen=True, slots=True)
class Element:
    """One data element: ``value`` is bytes in little endian with its padding, or the items of a sequence."""

    tag: int
    vr: str
    value: bytes | Items

    @property
    def items(self) -> Items:
        """The items of a sequence, none for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def raw(self) -> bytes:
        """The value's bytes, empty for a sequence."""
        return self.value if isinstance(self.value, bytes) else b""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a data set that is read whole may come to; more is refused."""

    max_bytes: int = 16 * 1024 * 1024
    max_elements: int = 100_000
    max_depth: int = 32


DEFAULT_LIMITS: Final = Limits()


def decode(data: ReadableBuffer, syntax: UID, limits: Limits = DEFAULT_LIMITS) -> list[Element]:
    """Read a whole data set; ambiguous VRs of implicit VR come out as the dictionary's first choice.

    Raises InvalidRequest: an element is cut short, a limit is passed, an item stands where an element should, or the
    syntax is deflated (inflate first).
    """
    how = transfer_syntax(syntax)
    if how.deflated:
        raise InvalidRequest(f"a data set in {how.name} must be inflated before its elements can be read")
    raw = bytes(data)
    if len(raw) > limits.max_bytes:
        raise InvalidRequest(f"the data set has {len(raw)} bytes, more than the {limits.max_bytes} allowed here")
    return list(_Reader(raw, how, limits).elements(0, len(raw), depth=0)[0])


def encode(elements: Iterable[Element], syntax: UID) -> bytes:
    """Write a data set: elements in the order of their tags, values padded to even length, sequences delimited.

    Raises InvalidRequest when a value is too long for its VR's length field (PS3.5 7.1.2) or the syntax is deflated.
    """
    how = transfer_syntax(syntax)
    if how.deflated:
        raise InvalidRequest(f"a data set in {how.name} must be written before it is deflated")
    out: list[bytes] = []
    _write(out, elements, how)
    return b"".join(out)


def swap(vr: str, value: bytes) -> bytes:
    """Return a binary value in the other byte order, by the words of its VR."""
    return swap_words(value, WORD_BYTES.get(vr, 1))


def swap_words(value: bytes, word_bytes: int) -> bytes:
    """Return words of 1, 2, 4 or 8 bytes in the other byte order; a rest shorter than one stays as it is."""
    if word_bytes == 1:
        return value
    whole = len(value) - len(value) % word_bytes
    words = array(_WORD_CODES[word_bytes])
    words.frombytes(value[:whole])
    words.byteswap()
    return words.tobytes() + value[whole:]


class _Reader:
    """Walks one data set; counts elements against the limits."""

    def __init__(self, raw: bytes, how: TransferSyntax, limits: Limits) -> None:
        self._raw = raw
        self._how = how
        self._limits = limits
        self._left = limits.max_elements
        order = "<" if how.little_endian else ">"
        self._head = struct.Struct(order + "HHL").unpack_from
        self._u16 = struct.Struct(order + "H").unpack_from
        self._u32 = struct.Struct(order + "L").unpack_from

    def elements(
        self, pos: int, end: int, *, depth: int, delimited: bool = False, implicit: bool = False
    ) -> tuple[tuple[Element, ...], int]:
        """Read elements until ``end``, or until an item delimiter when ``delimited``."""
        found: list[Element] = []
        while pos < end:
            tag, vr, length, pos = self._header(pos, end, implicit=implicit)
            if tag == _ITEM_END and delimited:
                return tuple(found), pos
            if tag >> 16 == 0xFFFE:
                raise InvalidRequest(f"{dictionary.describe(tag)} at byte {pos - 8} belongs inside a sequence only")
            self._count()
            if vr == "SQ" or length == UNDEFINED_LENGTH:
                # PS3.5 6.2.2 Note 4: the items of an UN of undefined length are in implicit VR little endian.
                items, pos = self._items(pos, length, end, depth=depth + 1, implicit=implicit or vr == "UN")
                found.append(Element(tag, "SQ", items))
                continue
            if length > end - pos:
                raise InvalidRequest(
                    f"truncated: element {dictionary.describe(tag)} needs {length} bytes, {end - pos} are left"
                )
            value = self._raw[pos : pos + length]
            found.append(Element(tag, vr, value if self._how.little_endian else swap(vr, value)))
            pos += length
        if delimited:
            raise InvalidRequest("truncated: the data set ends inside an item")
        return tuple(found), pos

    def _header(self, pos: int, end: int, *, implicit: bool) -> tuple[int, str, int, int]:
        """Read tag, VR and length; return them with the position of the value."""
        if end - pos < 8:
            raise InvalidRequest(f"truncated: an element header needs 8 bytes, {end - pos} are left")
        group, number, length = self._head(self._raw, pos)
        tag = group << 16 | number
        if group == 0xFFFE:
            return tag, "", length, pos + 8
        if implicit or not self._how.explicit_vr:
            return tag, dictionary.vr_of(tag).split("/")[0], length, pos + 8
        vr = self._raw[pos + 4 : pos + 6].decode("latin-1")
        if vr in SHORT_FORM:
            return tag, vr, self._u16(self._raw, pos + 6)[0], pos + 8
        if end - pos < 12:
            raise InvalidRequest(f"truncated: an element header needs 12 bytes, {end - pos} are left")
        return tag, vr if vr in LONG_FORM else "UN", self._u32(self._raw, pos + 8)[0], pos + 12

    def _items(self, pos: int, length: int, end: int, *, depth: int, implicit: bool) -> tuple[Items, int]:
        """Read the items of a sequence of defined or undefined length."""
        if depth > self._limits.max_depth:
            raise InvalidRequest(f"sequences are nested deeper than the {self._limits.max_depth} levels allowed")
        delimited = length == UNDEFINED_LENGTH
        if not delimited:
            if length > end - pos:
                raise InvalidRequest(f"truncated: a sequence needs {length} bytes, {end - pos} are left")
            end = pos + length
        items: list[tuple[Element, ...]] = []
        while pos < end:
            tag, _, item_length, pos = self._header(pos, end, implicit=True)
            if tag == _SEQUENCE_END and delimited:
                return tuple(items), pos
            if tag != _ITEM:
                raise InvalidRequest(
                    f"{dictionary.describe(tag)} at byte {pos - 8} stands where an item should start"
                )
            item, pos = self._item(pos, item_length, end, depth=depth, implicit=implicit)
            items.append(item)
        if delimited:
            raise InvalidRequest("truncated: the data set ends inside a sequence")
        return tuple(items), pos

    def _item(
        self, pos: int, length: int, end: int, *, depth: int, implicit: bool
    ) -> tuple[tuple[Element, ...], int]:
        self._count()
        if length == UNDEFINED_LENGTH:
            return self.elements(pos, end, depth=depth, delimited=True, implicit=implicit)
        if length > end - pos:
            raise InvalidRequest(f"truncated: an item needs {length} bytes, {end - pos} are left")
        return self.elements(pos, pos + length, depth=depth, implicit=implicit)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise InvalidRequest(f"the data set has more than the {self._limits.max_elements} elements allowed")


def padding_of(vr: str) -> bytes:
    """Return the byte that pads a value of odd length."""
    # PS3.5 6.2: text is padded with a space, UI and bytes with NULL.
    return b"\0" if vr in {"UI", "OB", "UN"} else b" "


def _write(out: list[bytes], elements: Iterable[Element], how: TransferSyntax) -> None:
    order = "<" if how.little_endian else ">"
    tag_struct, u16, u32 = struct.Struct(order + "HH"), struct.Struct(order + "H"), struct.Struct(order + "L")
    for element in sorted(elements, key=lambda each: each.tag):
        tag, vr, value = element.tag, element.vr, element.value
        head = tag_struct.pack(tag >> 16, tag & 0xFFFF)
        if isinstance(value, tuple):
            body: list[bytes] = []
            for item in value:
                inner: list[bytes] = []
                _write(inner, item, how)
                content = b"".join(inner)
                body += (tag_struct.pack(0xFFFE, 0xE000), u32.pack(len(content)), content)
            raw, vr = b"".join(body), "SQ"
        else:
            raw = value if how.little_endian else swap(vr, value)
            if len(raw) % 2:
                raw += padding_of(vr)
        if not how.explicit_vr:
            out += (head, u32.pack(len(raw)), raw)
        elif vr in SHORT_FORM:
            if len(raw) > 0xFFFE:
                raise InvalidRequest(
                    f"{dictionary.describe(tag)} has {len(raw)} bytes; VR {vr} carries at most 65534"
                )
            out += (head, vr.encode("ascii"), u16.pack(len(raw)), raw)
        else:
            out += (head, vr.encode("ascii"), b"\0\0", u32.pack(len(raw)), raw)
