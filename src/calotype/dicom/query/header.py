"""A stored header (DICOM JSON, PS3.18 Annex F) as attributes: what no index keeps is matched on and answered from it.

:class:`HeaderAttributes` is what ``matching`` looks at; values become text as they are asked for. Reading never
raises for anything that a header may hold: it was made from a file that anybody may have sent.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import orjson

from calotype.dicom.query.attributes import name_of, tag_of
from calotype.dicom.query.matching import Attributes

JsonAttribute: TypeAlias = Mapping[str, Any]
"""``{"vr": ..., "Value": [...]}``, or with ``InlineBinary`` or ``BulkDataURI`` in the place of ``Value``."""
JsonDataSet: TypeAlias = Mapping[str, JsonAttribute]
"""Attributes by tag, ``GGGGEEEE``."""

WHOLE_HEADER: Final = "*"
"""As a field of a ``Query``: all that the header holds, as one DICOM JSON object."""

NAME_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")

_MAX_INLINE_TEXT: Final = 4096
_TAG: Final = re.compile("[0-9A-F]{8}", re.ASCII)


def read(json: bytes | str) -> JsonDataSet:
    """Return a JSON object of attributes; empty for what is none."""
    try:
        found = orjson.loads(json or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def attribute_in(data_set: JsonDataSet, name: str) -> JsonAttribute | None:
    """Return the attribute that a ``Query`` calls ``name``."""
    tag = tag_of(name)
    found = data_set.get(f"{tag:08X}") if tag is not None else None
    return found if isinstance(found, dict) else None


def values_of(attribute: JsonAttribute) -> Sequence[Any]:
    """Return the values, ``None`` for those that are empty."""
    values = attribute.get("Value")
    return values if isinstance(values, list) else ()


def items_of(attribute: JsonAttribute) -> Sequence[JsonDataSet]:
    """Return the items of a sequence."""
    return [
        {tag: value for tag, value in item.items() if isinstance(value, dict) and _TAG.fullmatch(tag)}
        for item in values_of(attribute)
        if isinstance(item, dict)
    ]


def bytes_of(attribute: JsonAttribute) -> bytes:
    """Return a value that stands in the header as bytes, empty when it does not."""
    try:
        return b64decode(str(attribute.get("InlineBinary", "")))
    except ValueError:
        return b""


def text_of(attribute: JsonAttribute) -> str:
    """Return the DICOM text of an attribute that is no sequence, several values joined by a backslash.

    Bytes of an unknown VR are text where they read as ASCII: private attributes of objects in implicit VR.
    """
    if "InlineBinary" in attribute:
        raw = bytes_of(attribute)[:_MAX_INLINE_TEXT].rstrip(b" \0") if attribute.get("vr") == "UN" else b""
        return raw.decode("ascii") if raw.isascii() else ""
    return "\\".join(_text(value) for value in values_of(attribute))


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case dict():
            return "=".join(str(value.get(group, "")) for group in NAME_GROUPS).rstrip("=")
        case _:
            return str(value)


class HeaderAttributes(Mapping[str, "str | Sequence[Attributes]"]):
    """A data set or item by the names that a ``Query`` uses, in the form that ``matching`` wants."""

    __slots__ = ("_data_set",)

    def __init__(self, data_set: JsonDataSet) -> None:
        self._data_set = data_set

    def __getitem__(self, name: str) -> str | Sequence[Attributes]:
        attribute = attribute_in(self._data_set, name)
        if attribute is None:
            raise KeyError(name)
        if attribute.get("vr") == "SQ":
            return [HeaderAttributes(item) for item in items_of(attribute)]
        return text_of(attribute)

    def __iter__(self) -> Iterator[str]:
        return (name_of(int(tag, 16)) for tag in self._data_set)

    def __len__(self) -> int:
        return len(self._data_set)
