"""DICOM JSON (PS3.18 Annex F) to the Native DICOM Model (PS3.19 Annex A.1): ``application/dicom+xml``.

Both say the same of a data set, so that one is made from the other and no object is opened. One document holds one
data set. Reading XML is not done here.

What the document says on purpose: numbers are written as their JSON has them; bulk data keep the address that the
JSON has; a private element stands as ``gggg00ee`` with its creator, one whose creator the data set does not name as
``ggggeeee`` (the number alone would be another element). XML 1.0 has no place for most control characters: they
become U+FFFD. Text that ends in CR LF keeps it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from calotype.dicom import dictionary
from calotype.dicom.walk import MAX_DEPTH

NAMESPACE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
JsonDataSet: TypeAlias = Mapping[str, Any]

_PROLOGUE: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">'
)
_EPILOGUE: Final = "</NativeDicomModel>"

_TAG: Final = re.compile("[0-9A-F]{8}", re.ASCII)
_VR: Final = re.compile("[A-Z]{2}", re.ASCII)

# Table 10.2-1: the components of a name group in the order of PS3.5 6.2.1.1.
_COMPONENTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")

# XML 1.0 2.2 (Char) and 2.11: a parser turns CR LF into LF unless the CR is written as a reference.
_SPECIAL: Final = re.compile('[&<>"\r\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}


def native_model(header: JsonDataSet | bytes | str) -> bytes:
    """Return one data set as an XML document in UTF-8: well-formed whatever its text says.

    ``header`` is DICOM JSON, as text or read; as text, numbers keep the digits they have. ValueError for text that
    is no JSON object. Members that are no attributes are left out, and so are items deeper than walks go.
    """
    return "".join((_PROLOGUE, *_attributes(_read(header), 0), _EPILOGUE)).encode()


def _read(header: JsonDataSet | bytes | str) -> JsonDataSet:
    if isinstance(header, Mapping):
        return header
    # Numbers stay as they are written: 1.50 is what the object says.
    found = json.loads(header, parse_float=str, parse_int=str)
    if not isinstance(found, dict):
        raise ValueError("a data set in DICOM JSON is an object")  # noqa: TRY004 - of text, not of a type
    return found


def _attributes(data_set: JsonDataSet, depth: int) -> Iterator[str]:
    for name, attribute in data_set.items():
        if not _TAG.fullmatch(name) or not isinstance(attribute, Mapping):
            continue
        vr = str(attribute.get("vr", ""))
        if not _VR.fullmatch(vr):
            vr = "UN"
        head = _private_head(name, vr, data_set) if int(name[3], 16) & 1 else _head(name, vr)
        content = _content(attribute, vr, depth)
        yield f"{head}>{content}</DicomAttribute>" if content else f"{head}/>"


@lru_cache(maxsize=4096)
def _head(name: str, vr: str) -> str:
    keyword = dictionary.keyword_of(int(name, 16))
    return f'<DicomAttribute tag="{name}" vr="{vr}"' + (f' keyword="{keyword}"' if keyword else "")


def _private_head(name: str, vr: str, data_set: JsonDataSet) -> str:
    # PS3.5 7.8.1: (gggg,00bb) says whose (gggg,bbee) are.
    found = data_set.get(f"{name[:4]}00{name[4:6]}") if name[4:6] >= "10" else None
    values = found.get("Value") if isinstance(found, Mapping) else None
    creator = values[0] if isinstance(values, list) and values else None
    if not isinstance(creator, str) or not creator:
        return f'<DicomAttribute tag="{name}" vr="{vr}"'
    return f'<DicomAttribute tag="{name[:4]}00{name[6:]}" vr="{vr}" privateCreator="{_quoted(creator)}"'


def _content(attribute: Mapping[str, Any], vr: str, depth: int) -> str:
    values = attribute.get("Value")
    if isinstance(values, list):
        write = _WRITERS.get(vr, _value)
        return "".join([write(value, number, depth) for number, value in enumerate(values, 1)])
    if "InlineBinary" in attribute:
        return f"<InlineBinary>{escape(str(attribute['InlineBinary']))}</InlineBinary>"
    if "BulkDataURI" in attribute:
        return f'<BulkData uri="{_quoted(str(attribute["BulkDataURI"]))}"/>'
    return ""


def _value(value: Any, number: int, _depth: int) -> str:
    return f'<Value number="{number}">{"" if value is None else escape(str(value))}</Value>'


def _item(value: Any, number: int, depth: int) -> str:
    inner = "".join(_attributes(value, depth + 1)) if isinstance(value, Mapping) and depth < MAX_DEPTH else ""
    return f'<Item number="{number}">{inner}</Item>'


def _person_name(value: Any, number: int, _depth: int) -> str:
    groups = ""
    if isinstance(value, Mapping):
        for group in _GROUPS:
            if name := value.get(group):
                groups += f"<{group}>{_components(str(name))}</{group}>"
    return f'<PersonName number="{number}">{groups}</PersonName>'


def _components(group: str) -> str:
    # What a name has too many of stays in the last component, so that nothing is lost.
    parts = zip(_COMPONENTS, group.split("^", len(_COMPONENTS) - 1), strict=False)
    return "".join([f"<{component}>{escape(part)}</{component}>" for component, part in parts if part])


_WRITERS: Final[Mapping[str, Callable[[Any, int, int], str]]] = {"PN": _person_name, "SQ": _item}


def escape(text: str) -> str:
    """Return text as it stands in an element of XML 1.0."""
    return _SPECIAL.sub(_escaped, text)


def _quoted(text: str) -> str:
    """Return text as it stands between the quotes of an attribute.

    There a parser makes spaces of line ends and tabs that are not written as references (XML 1.0 3.3.3).
    """
    return escape(text).replace("\n", "&#10;").replace("\t", "&#9;")


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], "\ufffd")
