"""The Native DICOM Model (PS3.19 Annex A.1) to DICOM JSON, which ``json_reader`` takes from there.

Made for strangers: a document type, and with it all entities, is refused where it is declared, so that nothing
expands, includes or calls home. Depth and number of elements are bounded while parsing, size by whoever holds the
document. Numbers stay the text that they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn
from xml.parsers import expat

from calotype.dicom.assembly.json_reader import MAX_DEPTH, JsonDataSet
from calotype.dicom.xml_model import NAMESPACE
from calotype.errors import InvalidRequest

_SEPARATOR: Final = " "
MAX_ELEMENTS: Final = 500_000
"""XML elements of one document: each takes some 200 bytes while it is read."""
_MAX_XML_DEPTH: Final = 2 * MAX_DEPTH + 8
"""A sequence is two elements deep, a name five."""
_TAG: Final = re.compile("[0-9A-Fa-f]{8}", re.ASCII)
_FREE_BLOCKS: Final = range(0x10, 0x100)

_TEXTS: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""VRs in which blanks around a value may be a part of it; around others they come from indenting."""
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_COMPONENTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")


class _Element:
    """One XML element while it is open; attributes without namespace."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[_Element] = []
        self.text = ""


def data_set(document: bytes) -> JsonDataSet:
    """Return the one data set of a document, as DICOM JSON.

    Raises InvalidRequest: it is no XML, declares a document type, is nested too deep, or is no Native DICOM Model.
    """
    root = _Parser().parse(document)
    if root.name != "NativeDicomModel":
        raise InvalidRequest(f"the XML is a {root.name[:64]}, not a NativeDicomModel (PS3.19 A.1)")
    return _data_set(root)


class _Parser:
    """Builds the tree of one document."""

    def __init__(self) -> None:
        self._open: list[_Element] = []
        self._root: _Element | None = None
        self._texts: list[str] = []
        self._left = MAX_ELEMENTS

    def parse(self, document: bytes) -> _Element:
        parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.UnparsedEntityDeclHandler = self._refuse
        parser.ExternalEntityRefHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._texts.append
        try:
            parser.Parse(document, True)
        except expat.ExpatError as error:
            raise InvalidRequest(f"the metadata are no XML: {error}") from None
        except (LookupError, ValueError, UnicodeError) as error:
            raise InvalidRequest(f"the metadata are XML in no encoding that is read here: {error}") from None
        assert self._root is not None  # noqa: S101 - a document without root is an ExpatError
        return self._root

    def _refuse(self, *_: object) -> NoReturn:
        raise InvalidRequest("the XML declares a document type or entities; metadata need neither, and none is read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _MAX_XML_DEPTH:
            raise InvalidRequest(f"the XML is nested deeper than {_MAX_XML_DEPTH} elements")
        self._left -= 1
        if self._left < 0:
            raise InvalidRequest(f"the XML has more than {MAX_ELEMENTS} elements")
        namespace, separator, local = name.rpartition(_SEPARATOR)
        if separator and namespace != NAMESPACE:
            raise InvalidRequest(f"the XML element {local[:64]} is of no Native DICOM Model")
        self._texts.clear()
        element = _Element(local, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        # Text between elements is layout: it counts only where an element holds nothing else.
        element = self._open.pop()
        element.text = "" if element.children else "".join(self._texts)
        self._texts.clear()


def _data_set(parent: _Element) -> JsonDataSet:
    found: dict[str, Any] = {}
    private: list[tuple[str, str, dict[str, Any]]] = []
    for element in parent.children:
        if element.name != "DicomAttribute":
            raise InvalidRequest(f"{element.name[:64]} stands where a DicomAttribute should")
        tag = element.attributes.get("tag", "").upper()
        if not _TAG.fullmatch(tag):
            raise InvalidRequest("a DicomAttribute has no tag of eight hexadecimal digits")
        attribute = _attribute(element, tag)
        creator = element.attributes.get("privateCreator", "")
        if creator and int(tag[3], 16) & 1 and tag[4:6] == "00":
            private.append((tag, creator, attribute))
        elif tag in found:
            raise InvalidRequest(f"{tag}: stands there twice")
        else:
            found[tag] = attribute
    for tag, creator, attribute in private:
        name = f"{tag[:4]}{_block(found, tag[:4], creator):02X}{tag[6:]}"
        if name in found:
            raise InvalidRequest(f"{name}: stands there twice")
        found[name] = attribute
    return found


def _block(data_set: dict[str, Any], group: str, creator: str) -> int:
    """Return the block of a private creator (PS3.5 7.8.1); reserve the first free one when it has none."""
    free = 0
    for block in _FREE_BLOCKS:
        known = data_set.get(f"{group}00{block:02X}")
        if known is None:
            taken = any(name.startswith(f"{group}{block:02X}") for name in data_set) if not free else True
            free = free if taken else block
        elif (known.get("Value") or [""])[0] == creator:
            return block
    if not free:
        raise InvalidRequest(f"group {group} has no block left for the private elements of {creator[:64]}")
    data_set[f"{group}00{free:02X}"] = {"vr": "LO", "Value": [creator]}
    return free


def _attribute(element: _Element, tag: str) -> dict[str, Any]:
    attribute: dict[str, Any] = {}
    if vr := element.attributes.get("vr"):
        attribute["vr"] = vr
    if not element.children:
        return attribute
    names = {child.name for child in element.children}
    name = next(iter(names))
    if len(names) > 1 or name not in _CONTENTS:
        raise InvalidRequest(f"{tag}: holds elements that do not belong together, or none that are known")
    attribute |= _CONTENTS[name](element.children, vr or "", tag)
    return attribute


def _numbered(children: list[_Element], tag: str) -> list[_Element]:
    """Return values in the order of their numbers, which are from 1 without a gap."""
    numbers = [child.attributes.get("number", "") for child in children]
    order = sorted(
        (int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0, at)
        for at, number in enumerate(numbers)
    )
    if [number for number, _ in order] != list(range(1, len(children) + 1)):
        raise InvalidRequest(f"{tag}: values are numbered from 1, each once (PS3.19 A.1.5)")
    return [children[at] for _, at in order]


def _values(children: list[_Element], vr: str, tag: str) -> dict[str, Any]:
    texts = [child.text if vr in _TEXTS else child.text.strip() for child in _numbered(children, tag)]
    return {"Value": [text or None for text in texts]}


def _names(children: list[_Element], _vr: str, tag: str) -> dict[str, Any]:
    return {"Value": [_person_name(child, tag) for child in _numbered(children, tag)]}


def _person_name(element: _Element, tag: str) -> dict[str, str] | None:
    groups: dict[str, str] = {}
    for group in element.children:
        if group.name not in _GROUPS or group.name in groups:
            raise InvalidRequest(f"{tag}: {group.name[:64]} is no group of a person's name, or there twice")
        parts = {part.name: part.text for part in group.children}
        if len(parts) != len(group.children) or not parts.keys() <= set(_COMPONENTS):
            raise InvalidRequest(f"{tag}: the components of a name are {', '.join(_COMPONENTS)}, each once")
        groups[group.name] = "^".join(parts.get(component, "") for component in _COMPONENTS).rstrip("^")
    return groups or None


def _items(children: list[_Element], _vr: str, tag: str) -> dict[str, Any]:
    return {"Value": [_data_set(child) for child in _numbered(children, tag)]}


def _inline(children: list[_Element], _vr: str, tag: str) -> dict[str, Any]:
    return {"InlineBinary": _only(children, tag).text}


def _bulk(children: list[_Element], _vr: str, tag: str) -> dict[str, Any]:
    attributes = _only(children, tag).attributes
    return {"BulkDataURI": attributes.get("uri") or attributes.get("uuid") or ""}


def _only(children: list[_Element], tag: str) -> _Element:
    if len(children) > 1:
        raise InvalidRequest(f"{tag}: has one {children[0].name} at most")
    return children[0]


_CONTENTS: Final[Mapping[str, Callable[[list[_Element], str, str], dict[str, Any]]]] = {
    "Value": _values,
    "PersonName": _names,
    "Item": _items,
    "InlineBinary": _inline,
    "BulkData": _bulk,
}
