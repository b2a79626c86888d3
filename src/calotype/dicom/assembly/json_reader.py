"""DICOM JSON (PS3.18 Annex F) to the nodes of a data set: strict about types, lenient where one thing can be meant.

All text becomes UTF-8, whatever Specific Character Set the document has: JSON is UTF-8 (RFC 8259 8.1), and what is
written says so (ISO_IR 192). Numbers may stand as numbers or as strings (F.2.3.1). What is refused names its place.
"""

from __future__ import annotations

import binascii
import re
import struct
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Sequence as Listed
from typing import Any, Final, TypeAlias

import orjson

from calotype.dicom import dictionary
from calotype.dicom.assembly.nodes import Node, Reference, Sequence
from calotype.dicom.datasets import LONG_FORM, NUMBER_CODES, SHORT_FORM
from calotype.dicom.text import TEXT_VRS
from calotype.errors import InvalidRequest

JsonDataSet: TypeAlias = Mapping[str, Any]

MAX_DEPTH: Final = 64
"""Items inside each other."""
MAX_NODES: Final = 500_000
"""Elements of one data set, those of items counted."""

_MAX_CONTAINERS: Final = 600_000
"""Objects and arrays of one document: some 2,000 headers of CT. Each takes up to 250 bytes of memory."""
_MAX_COMMAS: Final = 2_000_000
"""Of one document; what they part takes up to 60 bytes of memory each."""

TRANSFER_SYNTAX_UID: Final = 0x00020010
SPECIFIC_CHARACTER_SET: Final = 0x00080005
_IN_UTF_8: Final = Node(SPECIFIC_CHARACTER_SET, "CS", b"ISO_IR 192")

_TAG: Final = re.compile("[0-9A-Fa-f]{8}", re.ASCII)
_VRS: Final = SHORT_FORM | LONG_FORM
_HELD: Final = ("Value", "InlineBinary", "BulkDataURI")
_NAME_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")

_ASCII_VRS: Final = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"})
"""PS3.5 6.1.2.2: text that is never in another character set."""
_LINES: Final = frozenset({"LT", "ST", "UT"})
"""PS3.5 6.1.3: text that may hold ends of lines and pages, and tabs; no other may hold a control character."""
_CONTROL: Final = re.compile("[\0-\x1f\x7f]")
_CONTROL_BUT_LAYOUT: Final = re.compile("[\0-\x08\x0b\x0e-\x1f\x7f]")

_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_MAX_DS_CHARACTERS: Final = 16
_IS_RANGE: Final = range(-(2**31), 2**31)
_NOT_FINITE: Final = frozenset({"nan", "inf", "-inf", "infinity", "-infinity"})


def data_sets(document: bytes) -> list[JsonDataSet]:
    """Return the data sets of a JSON document: an array of them (PS3.18 10.5.1.4), or one alone.

    InvalidRequest when it is none, or so many that reading it would take much memory: that is known before.
    """
    if document.count(b"{") + document.count(b"[") > _MAX_CONTAINERS or document.count(b",") > _MAX_COMMAS:
        raise InvalidRequest(
            f"the metadata hold more than {_MAX_CONTAINERS} objects and arrays, or {_MAX_COMMAS} values; send the"
            " instances in several requests, and long values as bulk data"
        )
    try:
        found = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the metadata are no JSON: {error}") from None
    listed = found if isinstance(found, list) else [found]
    if not listed or not all(isinstance(each, dict) for each in listed):
        raise InvalidRequest("the metadata are no array of DICOM JSON objects (PS3.18 F.2)")
    return listed


def nodes_of(data_set: JsonDataSet) -> dict[int, Node]:
    """Return the elements of a data set by tag.

    Of group 0002 only the Transfer Syntax UID is kept; group lengths are left out. Raises InvalidRequest: an
    attribute has no value representation, its value is of another kind, or there are too many.
    """
    nodes = _Reading().elements(data_set, "", 0)
    declare_utf_8(nodes)
    return nodes


def declare_utf_8(nodes: dict[int, Node]) -> None:
    """Let Specific Character Set say what the text of a data set is in, if any of it needs one."""
    if _needs_utf_8(nodes.values()):
        nodes[SPECIFIC_CHARACTER_SET] = _IN_UTF_8


def _needs_utf_8(nodes: Iterable[Node]) -> bool:
    for node in nodes:
        value = node.value
        if isinstance(value, Sequence):
            if any(_needs_utf_8(item) for item in value.items):
                return True
        elif node.vr in TEXT_VRS and isinstance(value, bytes) and not value.isascii():
            return True
    return False


class _Reading:
    """Reads one data set; counts its elements."""

    def __init__(self) -> None:
        self._left = MAX_NODES

    def elements(self, data_set: JsonDataSet, path: str, depth: int) -> dict[int, Node]:
        self._left -= len(data_set)
        if self._left < 0:
            raise InvalidRequest(f"the metadata of an instance have more than {MAX_NODES} attributes")
        found: dict[int, Node] = {}
        for name, attribute in data_set.items():
            where = f"{path}{name[:16]}"
            tag = _tag_of(name, where, depth)
            if tag is None:
                continue
            if tag in found:
                raise InvalidRequest(f"{where}: stands there twice")
            if not isinstance(attribute, dict):
                raise InvalidRequest(f"{where}: an attribute is an object with vr and Value")
            found[tag] = self._node(tag, attribute, where, depth)
        if SPECIFIC_CHARACTER_SET in found:
            found[SPECIFIC_CHARACTER_SET] = _IN_UTF_8
        return found

    def _node(self, tag: int, attribute: JsonDataSet, where: str, depth: int) -> Node:
        vr = _vr_of(tag, attribute, where)
        held = [name for name in _HELD if attribute.get(name) is not None]
        if len(held) > 1:
            raise InvalidRequest(f"{where}: {' and '.join(held)} exclude each other (PS3.18 F.2.2)")
        if not held:
            return Node(tag, vr, Sequence(()) if vr == "SQ" else b"")
        value = attribute[held[0]]
        if held == ["BulkDataURI"]:
            if vr == "SQ" or not isinstance(value, str) or not value:
                raise InvalidRequest(f"{where}: BulkDataURI is the address of a value, and no sequence has one")
            return Node(tag, vr, Reference(value))
        if held == ["InlineBinary"]:
            return Node(tag, vr, _binary(value, vr, where))
        if not isinstance(value, list):
            raise InvalidRequest(f"{where}: Value is an array")
        if vr == "SQ":
            return Node(tag, vr, Sequence(tuple(self._item(item, where, at, depth) for at, item in enumerate(value))))
        return Node(tag, vr, _CONVERTERS[vr](value, vr, where))

    def _item(self, item: Any, where: str, at: int, depth: int) -> tuple[Node, ...]:
        if item is None:
            return ()
        if not isinstance(item, dict):
            raise InvalidRequest(f"{where}: item {at + 1} is no object")
        if depth >= MAX_DEPTH:
            raise InvalidRequest(f"{where}: sequences are nested deeper than {MAX_DEPTH} levels")
        return tuple(self.elements(item, f"{where}/{at + 1}/", depth + 1).values())


def _tag_of(name: str, where: str, depth: int) -> int | None:
    """Return the tag that a member is named by, ``None`` for one that has no place in a data set."""
    if not _TAG.fullmatch(name):
        raise InvalidRequest(f"{where}: attributes are named by their tag, eight hexadecimal digits (PS3.18 F.2.2)")
    tag = int(name, 16)
    if tag >> 16 == 2 and not depth:
        return tag if tag == TRANSFER_SYNTAX_UID else None
    if tag >> 16 in {0, 2, 0xFFFE}:
        raise InvalidRequest(f"{where}: this group has no place in a data set (PS3.5 7.1)")
    return tag if tag & 0xFFFF else None


def _vr_of(tag: int, attribute: JsonDataSet, where: str) -> str:
    vr = attribute.get("vr")
    if vr is None:
        # Some clients leave it out; where the dictionary knows one thing only, that is meant.
        vr = dictionary.vr_of(tag)
    if vr not in _VRS or (vr == "UN" and "vr" not in attribute):
        raise InvalidRequest(f"{where}: vr is missing, or none that PS3.5 6.2 knows")
    return str(vr)


def text(value: bytes, vr: str, where: str) -> bytes:
    """Return a value in text as it may stand in a data set. InvalidRequest when it is no text of its VR."""
    if vr in _ASCII_VRS and not value.isascii():
        raise InvalidRequest(f"{where}: VR {vr} holds ASCII only (PS3.5 6.1.2.2)")
    try:
        characters = value.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest(f"{where}: text is sent in UTF-8") from None
    if (_CONTROL_BUT_LAYOUT if vr in _LINES else _CONTROL).search(characters):
        raise InvalidRequest(f"{where}: VR {vr} holds no such control character (PS3.5 6.1.3)")
    return value


def _string(value: Any, vr: str, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidRequest(f"{where}: VR {vr} is sent as strings")
    return value


def _strings(values: Listed[Any], vr: str, where: str) -> bytes:
    return text("\\".join([_string(value, vr, where) for value in values]).encode(), vr, where)


def _one_string(values: Listed[Any], vr: str, where: str) -> bytes:
    if len(values) > 1:
        raise InvalidRequest(f"{where}: VR {vr} has one value only (PS3.5 6.4)")
    return text("".join([_string(value, vr, where) for value in values]).encode(), vr, where)


def _name(value: Any, where: str) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if not isinstance(value, dict):
        raise InvalidRequest(f"{where}: a name is an object with Alphabetic, Ideographic, Phonetic (PS3.18 F.2.2)")
    groups = [_string(value.get(group), "PN", where) for group in _NAME_GROUPS]
    if any("=" in group or "\\" in group for group in groups):
        raise InvalidRequest(f"{where}: '=' and backslash stand between the groups and values of names, not in them")
    return "=".join(groups).rstrip("=")


def _names(values: Listed[Any], vr: str, where: str) -> bytes:
    return text("\\".join([_name(value, where) for value in values]).encode(), vr, where)


def _decimal(value: Any, where: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        if value and not _DECIMAL.fullmatch(value.strip(" ")):
            raise InvalidRequest(f"{where}: a DS is a decimal number")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidRequest(f"{where}: a DS is a decimal number")
    return decimal_string(value)


def decimal_string(number: float) -> str:
    """Return a finite number in at most 16 characters (PS3.5 6.2, DS), as exactly as they can say it."""
    shortest = repr(number)
    if len(shortest) <= _MAX_DS_CHARACTERS:
        return shortest
    return next(
        rounded
        for digits in range(_MAX_DS_CHARACTERS, 0, -1)
        if len(rounded := f"{number:.{digits}g}") <= _MAX_DS_CHARACTERS
    )


def _integer_string(value: Any, where: str) -> str:
    if value is None or value == "":
        return ""
    number = _integer(value, where)
    if number not in _IS_RANGE:
        raise InvalidRequest(f"{where}: an IS is from -2147483648 to 2147483647")
    return value if isinstance(value, str) else str(number)


def _decimals(values: Listed[Any], vr: str, where: str) -> bytes:
    convert = _decimal if vr == "DS" else _integer_string
    return text("\\".join([convert(value, where) for value in values]).encode(), vr, where)


def _integer(value: Any, where: str) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip(" ")):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequest(f"{where}: a whole number is needed")
    return value


def _float(value: Any, where: str) -> float:
    if isinstance(value, str) and (_DECIMAL.fullmatch(value.strip(" ")) or value.lower() in _NOT_FINITE):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidRequest(f"{where}: a number is needed")
    return float(value)


def _packed(values: Listed[Any], vr: str, where: str) -> bytes:
    code = NUMBER_CODES[vr]
    number = _float if vr in {"FD", "FL"} else _integer
    try:
        return struct.pack(f"<{len(values)}{code}", *[number(value, where) for value in values])
    except (struct.error, OverflowError):
        raise InvalidRequest(f"{where}: the number is beyond what VR {vr} can hold") from None


def _tags(values: Listed[Any], vr: str, where: str) -> bytes:
    found = bytearray()
    for value in values:
        name = _string(value, vr, where)
        if not _TAG.fullmatch(name):
            raise InvalidRequest(f"{where}: an AT is eight hexadecimal digits")
        found += struct.pack("<HH", int(name[:4], 16), int(name[4:], 16))
    return bytes(found)


def _binary(value: Any, vr: str, where: str) -> bytes:
    """Return what InlineBinary holds: little endian, as everything here is (PS3.18 F.2.7)."""
    if not isinstance(value, str) or vr not in _BINARY:
        raise InvalidRequest(f"{where}: InlineBinary is base64, of OB, OD, OF, OL, OV, OW and UN")
    try:
        return b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(f"{where}: InlineBinary is no base64") from None


def _no_values(values: Listed[Any], vr: str, where: str) -> bytes:
    if values:
        raise InvalidRequest(f"{where}: VR {vr} is sent as InlineBinary or BulkDataURI")
    return b""


_BINARY: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_Converter: TypeAlias = Callable[[Listed[Any], str, str], bytes]
_CONVERTERS: Final[Mapping[str, _Converter]] = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UC", "UI"), _strings),
    **dict.fromkeys(("LT", "ST", "UR", "UT"), _one_string),
    **dict.fromkeys(("DS", "IS"), _decimals),
    **dict.fromkeys(NUMBER_CODES, _packed),
    **dict.fromkeys(_BINARY, _no_values),
    "AT": _tags,
    "PN": _names,
}


def is_text(vr: str) -> bool:
    """Tell whether a value of ``vr`` is text."""
    return vr in TEXT_VRS or vr in _ASCII_VRS
