"""Answers of QIDO-RS: match -> DICOM JSON (PS3.18 Annex F, 10.6.3). Which attributes are in it, ``qido`` says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from math import inf, isfinite
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from calotype.dicom.hierarchy import Level
from calotype.dicom.query import header
from calotype.dicom.query.attributes import UNIQUE_KEYS, is_indexed
from calotype.dicom.query.header import WHOLE_HEADER
from calotype.dicom.query.model import Match
from calotype.dicom.query.qido import QidoRequest
from calotype.dicom.query.values import integer_key
from calotype.dicom.text import SINGLE_VALUED_VRS

JsonAttribute: TypeAlias = dict[str, Any]

_RETRIEVED: Final = (
    ("studies", "StudyInstanceUID"),
    ("series", "SeriesInstanceUID"),
    ("instances", "SOPInstanceUID"),
)
_BULK_DATA: Final = '"BulkDataURI":"'
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


def retrieve_url(service_url: str, match: Match) -> str:
    """Return where a match is retrieved, as deep as its unique keys go: study, series or instance (PS3.18 10.4)."""
    url = service_url.rstrip("/")
    for segment, keyword in _RETRIEVED:
        uid = match.get(keyword)
        if not uid:
            break
        url += f"/{segment}/{quote(uid, safe='')}"
    return url


def match_to_json(match: Match, request: QidoRequest, service_url: str) -> dict[str, JsonAttribute]:
    """Write one match as a DICOM JSON object (PS3.18 F.2), attributes in the order of their tags.

    ``service_url`` is the base of *RetrieveURL*. Attributes without a value have none in JSON either (F.2.5).
    """
    out: dict[str, JsonAttribute] = {"00080005": {"vr": "CS", "Value": ["ISO_IR 192"]}}
    if request.level is not Level.PATIENT:
        out["00080056"] = {"vr": "CS", "Value": ["ONLINE"]}
        out["00081190"] = {"vr": "UR", "Value": [retrieve_url(service_url, _named(match, request.level))]}
        bulk_data = f"{out['00081190']['Value'][0]}/bulkdata/" if request.level is Level.IMAGE else ""
    else:
        bulk_data = ""
    if request.whole_header:
        out = dict(_stored(match.get(WHOLE_HEADER, ""), bulk_data)) | out
    for attribute in request.returned:
        found = match.get(attribute.keyword, "")
        if is_indexed(attribute.keyword, request.level):
            out[f"{attribute.tag:08X}"] = json_attribute(attribute.vr, found)
        else:
            value = dict(_stored(found, bulk_data)) or {"vr": attribute.vr}
            if (paths := request.within.get(attribute.keyword)) is not None:
                value = _pruned(value, paths)
            out[f"{attribute.tag:08X}"] = value
    return dict(sorted(out.items()))


def _pruned(sequence: Mapping[str, Any], paths: Iterable[tuple[str, ...]]) -> JsonAttribute:
    """Return a sequence with what was asked for of its items (PS3.18 8.3.4.3); none of them is left out."""
    wanted: dict[str, set[tuple[str, ...]]] = {}
    for tag, *inner in paths:
        wanted.setdefault(tag, set()).add(tuple(inner))
    items = [
        {
            tag: value if () in wanted[tag] else _pruned(value, wanted[tag])
            for tag, value in item.items()
            if tag in wanted
        }
        for item in sequence.get("Value", ())
        if isinstance(item, dict)
    ]
    return dict(sequence) | {"Value": items} if items else dict(sequence)


def _stored(json: str, bulk_data: str) -> Mapping[str, Any]:
    """Return what stands in a stored header, addresses of bulk data made absolute.

    At a level above the instances there is no one instance whose bulk data it would be: the address stays what it is
    in the header, a path of tags that tells no more than that there is something.
    """
    return header.read(json.replace(_BULK_DATA, _BULK_DATA + bulk_data) if bulk_data else json)


def json_attribute(vr: str, text: str) -> JsonAttribute:
    """Write one attribute's text as DICOM JSON: numbers as numbers where they are, names by component group."""
    if not text:
        return {"vr": vr}
    parts = [text] if vr in SINGLE_VALUED_VRS else text.split("\\")
    convert = _JSON_VALUES.get(vr)
    return {"vr": vr, "Value": [(convert(part) if convert else part) if part else None for part in parts]}


def _named(match: Match, level: Level) -> Match:
    """Leave out unique keys below ``level``, so that an address never goes deeper than the question."""
    return {key.keyword: match.get(key.keyword, "") for at, key in UNIQUE_KEYS.items() if at.depth <= level.depth}


def _json_name(text: str) -> dict[str, str]:
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("=", 2), strict=False)
    return {group: name for group, name in groups if name}


def _json_integer(text: str) -> int | str:
    number = integer_key(text)
    return text if number is None else number


def _json_decimal(text: str) -> float | int | str:
    number = integer_key(text)
    if number is not None:
        return number
    decimal = float(text) if _DECIMAL.fullmatch(text.strip()) else inf
    return decimal if isfinite(decimal) else text


_JSON_VALUES: Final[Mapping[str, Callable[[str], Any]]] = {
    "DS": _json_decimal,
    "IS": _json_integer,
    "PN": _json_name,
    "US": _json_integer,
}
