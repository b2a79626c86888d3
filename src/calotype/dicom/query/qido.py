"""QIDO-RS (PS3.18 8.3.4, 10.6): query parameters -> ``Query``, match -> DICOM JSON (Annex F).

Parameters come decoded, as the web framework has them. What a key's text means is in ``keys``. Nothing here knows
HTTP, a status or the archive.

Beyond the Standard, because people type these: keywords in any case, ``fuzzy`` for ``fuzzymatching``, comma lists for
code strings as for UIDs, *Modality* at study level for *ModalitiesInStudy*.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import inf, isfinite
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from calotype.dicom import dictionary
from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.attributes import BY_KEYWORD, BY_TAG, INDEXED, UNIQUE_KEYS, Attribute, Matching
from calotype.dicom.query.keys import InvalidKey, Key, Negotiated, at_level, build_query
from calotype.dicom.query.model import Match, Page, Query
from calotype.dicom.query.values import integer_key
from calotype.dicom.text import SINGLE_VALUED_VRS
from calotype.errors import InvalidRequest

MAX_PARAMETERS: Final = 1000
MAX_OFFSET: Final = 2**31 - 1

RETURNED: Final[Mapping[Level, tuple[str, ...]]] = {
    Level.PATIENT: ("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    # PS3.18 Table 10.6.3-3
    Level.STUDY: (
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ModalitiesInStudy",
        "ReferringPhysicianName",
        "TimezoneOffsetFromUTC",
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyInstanceUID",
        "StudyID",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
    ),
    # PS3.18 Table 10.6.3-4
    Level.SERIES: (
        "Modality",
        "TimezoneOffsetFromUTC",
        "SeriesDescription",
        "SeriesInstanceUID",
        "SeriesNumber",
        "NumberOfSeriesRelatedInstances",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
    ),
    # PS3.18 Table 10.6.3-5
    Level.IMAGE: (
        "SOPClassUID",
        "SOPInstanceUID",
        "TimezoneOffsetFromUTC",
        "InstanceNumber",
        "Rows",
        "Columns",
        "BitsAllocated",
        "NumberOfFrames",
    ),
}
"""What is returned at each level unasked; the attributes that no index keeps are added by :func:`match_to_json`."""

_RESOURCES: Final = {
    Level.PATIENT: "patients",
    Level.STUDY: "studies",
    Level.SERIES: "series",
    Level.IMAGE: "instances",
}
_TAG: Final = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?", re.ASCII)
_BY_LOWER_KEYWORD: Final = {attribute.keyword.lower(): attribute for attribute in INDEXED}

JsonAttribute: TypeAlias = dict[str, Any]
_Path: TypeAlias = tuple[Attribute, ...]


class InvalidParameter(InvalidRequest):
    """A query parameter cannot be understood; ``parameter`` is its name as it was sent."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"query parameter {parameter[:80]!r}: {problem}")
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class QidoRequest:
    """A QIDO search, understood.

    ``returned`` are the attributes of each answer in the order of their tags; ``warnings`` say in words what of the
    request was passed over.
    """

    level: Level
    query: Query
    returned: tuple[Attribute, ...]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Asked:
    """What the parameters said, while they are read."""

    level: Level
    texts: dict[_Path, list[tuple[str, str]]] = field(default_factory=dict)
    """Path -> (parameter name, text) for each time it was given."""
    include: dict[str, None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    switches: dict[str, bool] = field(default_factory=dict)


def parse_qido(
    level: Level,
    params: Sequence[tuple[str, str]],
    study: UID | None = None,
    series: UID | None = None,
    *,
    max_limit: int | None = None,
) -> QidoRequest:
    """Understand a search at ``level``, inside a study and series where the path names them.

    ``max_limit`` is the most matches that one answer may have, and how many it has when no limit is given. Raises
    InvalidParameter, which names the parameter: unknown, given twice, not kept in the index, or not readable.
    """
    if len(params) > MAX_PARAMETERS:
        raise InvalidRequest(f"{len(params)} query parameters, at most {MAX_PARAMETERS} are taken")
    asked = _Asked(level)
    for name, text in params:
        reserved = _RESERVED.get(name.lower())
        if reserved is None:
            _read_match(asked, name, text)
        else:
            reserved(asked, name, text)
    limit = asked.numbers.get("limit", max_limit)
    if limit is not None and max_limit is not None:
        limit = min(limit, max_limit)
    agreed = Negotiated(
        relational_queries=True,
        # PS3.18 8.3.4.1: combined date-time matching is what a search does.
        date_time_matching=True,
        fuzzy_names=asked.switches.get("fuzzymatching", False),
        multiple_values=asked.switches.get("multiplevaluematching", False),
    )
    in_path = [Key((UNIQUE_KEYS[Level.STUDY],), study)] if study else []
    in_path += [Key((UNIQUE_KEYS[Level.SERIES],), series)] if series else []
    returned = _returned(asked, study, series)
    try:
        query = build_query(
            level,
            [*in_path, *_keys(asked)],
            (attribute.keyword for attribute in returned),
            agreed=agreed,
            page=Page(limit, asked.numbers.get("offset", 0)),
        )
    except InvalidKey as error:
        raise InvalidParameter(_name_of(asked, error.keyword), error.problem) from error
    return QidoRequest(level, query, returned, tuple(asked.warnings))


def retrieve_url(service_url: str, match: Match) -> str:
    """Return where a match is retrieved, as deep as its unique keys go: study, series or instance (PS3.18 10.4)."""
    url = service_url.rstrip("/")
    for segment, keyword in _RETRIEVED:
        uid = match.get(keyword)
        if not uid:
            break
        url += f"/{segment}/{quote(uid, safe='')}"
    return url


_RETRIEVED: Final = (
    ("studies", "StudyInstanceUID"),
    ("series", "SeriesInstanceUID"),
    ("instances", "SOPInstanceUID"),
)


def match_to_json(match: Match, request: QidoRequest, service_url: str) -> dict[str, JsonAttribute]:
    """Write one match as a DICOM JSON object (PS3.18 F.2), attributes in the order of their tags.

    ``service_url`` is the base of *RetrieveURL*. Attributes without a value have none in JSON either (F.2.5).
    """
    out: dict[str, JsonAttribute] = {"00080005": {"vr": "CS", "Value": ["ISO_IR 192"]}}
    if request.level is not Level.PATIENT:
        out["00080056"] = {"vr": "CS", "Value": ["ONLINE"]}
        out["00081190"] = {"vr": "UR", "Value": [retrieve_url(service_url, _named(match, request.level))]}
    for attribute in request.returned:
        out[f"{attribute.tag:08X}"] = json_attribute(attribute.vr, match.get(attribute.keyword, ""))
    return dict(sorted(out.items()))


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


_DECIMAL: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


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


def _resolve(name: str) -> Attribute | None:
    """Return the indexed attribute that a keyword (in any case) or tag means."""
    found = _TAG.fullmatch(name)
    return BY_TAG.get(int(found[1] + found[2], 16)) if found else _BY_LOWER_KEYWORD.get(name.lower())


def _is_dicom(name: str) -> bool:
    """Tell whether a name is an attribute at all, indexed or not."""
    return _TAG.fullmatch(name) is not None or dictionary.tag_of(name) is not None


def _resolve_path(asked: _Asked, name: str) -> _Path | None:
    """Return the attributes of a dotted path; ``None`` when it is DICOM but not kept in the index."""
    steps = name.split(".")
    if not all(_is_dicom(step) or _resolve(step) for step in steps):
        near = get_close_matches(name, [*BY_KEYWORD, *_RESERVED], n=1)
        raise InvalidParameter(name, "no such attribute" + (f"; did you mean {near[0]}?" if near else ""))
    attribute = _resolve(steps[0])
    if attribute is None:
        return None
    path = [attribute]
    for step in steps[1:]:
        inner = next((i for i in path[-1].items if step.lower() in (i.keyword.lower(), f"{i.tag:08x}")), None)
        if inner is None:
            return None
        path.append(inner)
    here = at_level(attribute, asked.level)
    if here is None:
        raise InvalidParameter(
            name, f"{attribute.keyword} is an attribute of {_RESOURCES[attribute.level]}; search those by it"
        )
    return (here, *path[1:])


def _read_match(asked: _Asked, name: str, text: str) -> None:
    is_universal = text.strip(" *") == ""
    path = _resolve_path(asked, name)
    if path is None or (path[-1].matching is Matching.NONE and not is_universal):
        if not is_universal:
            # Passing it over would answer with what was not asked for.
            raise InvalidParameter(name, "the archive does not match on this attribute")
        if path is None:
            asked.warnings.append(f"{name} is not kept in the index and not returned")
            return
    asked.include.setdefault(path[0].keyword)
    asked.texts.setdefault(path, []).append((name, text))


def _keys(asked: _Asked) -> Iterable[Key]:
    for path, given in asked.texts.items():
        attribute, (name, text) = path[-1], given[-1]
        takes_list = attribute.matching in (Matching.UID, Matching.CODE)
        # PS3.18 8.3.4.1: a name is given once, unless it is a list of UID.
        if len(given) > 1 and not takes_list:
            raise InvalidParameter(name, "given more than once")
        if takes_list:
            # Neither UIDs nor code strings can hold a comma (PS3.5 6.2).
            text = "\\".join(text for _, text in given).replace(",", "\\")
        yield Key(path, text)


def _name_of(asked: _Asked, keyword: str) -> str:
    """Return how the request spelled an attribute; its keyword when the path did."""
    names = (given[0][0] for path, given in asked.texts.items() if path[-1].keyword == keyword)
    return next(names, keyword)


def _returned(asked: _Asked, study: UID | None, series: UID | None) -> tuple[Attribute, ...]:
    """Return the attributes of an answer: the level's own, those above it unless the path names them, those asked."""
    named = {Level.STUDY: study is not None, Level.SERIES: series is not None}
    keywords = dict.fromkeys(RETURNED[asked.level])
    for above in (Level.STUDY, Level.SERIES):
        if above.depth < asked.level.depth:
            # PS3.18 Tables 10.6.3-4 and 10.6.3-5: with the attributes of what the path leaves open.
            keywords |= dict.fromkeys((UNIQUE_KEYS[above].keyword,) if named[above] else RETURNED[above])
    keywords |= asked.include
    return tuple(sorted((BY_KEYWORD[keyword] for keyword in keywords), key=lambda attribute: attribute.tag))


def _read_include(asked: _Asked, name: str, text: str) -> None:
    for step in (part.strip() for part in text.split(",")):
        if step == "all":
            asked.include |= dict.fromkeys(a.keyword for a in INDEXED if a.level.depth <= asked.level.depth)
        elif step:
            attribute = _resolve(step.partition(".")[0])
            if attribute is None and not all(_is_dicom(part) for part in step.split(".")):
                near = get_close_matches(step, BY_KEYWORD, n=1)
                raise InvalidParameter(
                    name, f"no attribute is called {step[:80]!r}" + (f"; did you mean {near[0]}?" if near else "")
                )
            # PS3.18 10.6.3.3: attributes of levels below are not returned; those not supported need not be.
            if attribute is None:
                asked.warnings.append(f"{step} is not kept in the index and not returned")
            elif at_level(attribute, asked.level) is attribute:
                asked.include.setdefault(attribute.keyword)


def _read_number(asked: _Asked, name: str, text: str) -> None:
    key = name.lower()
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_OFFSET)):
        raise InvalidParameter(name, f"{text[:80]!r} is no whole number from 0 to {MAX_OFFSET}")
    if key in asked.numbers:
        raise InvalidParameter(name, "given more than once")
    asked.numbers[key] = min(int(text), MAX_OFFSET)


_SWITCHES: Final = {"true": True, "1": True, "false": False, "0": False}


def _read_switch(asked: _Asked, name: str, text: str) -> None:
    value = _SWITCHES.get(text.strip().lower())
    if value is None:
        raise InvalidParameter(name, f"{text[:80]!r} is neither true nor false")
    asked.switches["fuzzymatching" if name.lower() == "fuzzy" else name.lower()] = value


_RESERVED: Final[Mapping[str, Callable[[_Asked, str, str], None]]] = {
    "includefield": _read_include,
    "limit": _read_number,
    "offset": _read_number,
    "fuzzymatching": _read_switch,
    "fuzzy": _read_switch,
    # Empty values are matched by `""` in any case (PS3.18 8.3.4.5).
    "emptyvaluematching": _read_switch,
    "multiplevaluematching": _read_switch,
}
"""The parameters that are no attributes (PS3.18 Table 8.3.4-1)."""
