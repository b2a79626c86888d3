"""QIDO-RS (PS3.18 8.3.4, 10.6): query parameters -> ``Query``. How a match is written is in ``qido_json``.

Parameters come decoded, as the web framework has them. What a key's text means is in ``keys``. Nothing here knows
HTTP, a status or the archive.

Beyond the Standard, because people type these: keywords in any case, ``fuzzy`` for ``fuzzymatching``, comma lists for
code strings as for UIDs, *Modality* at study level for *ModalitiesInStudy*; and an accession number as ``00200010``,
which is *StudyID*: where no study has that ID, studies of that accession number are what is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, TypeAlias

from calotype.dicom import dictionary
from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.attributes import (
    BY_KEYWORD,
    INDEXED,
    UNIQUE_KEYS,
    Attribute,
    KeyType,
    Matching,
    attribute_of,
    is_indexed,
)
from calotype.dicom.query.header import WHOLE_HEADER
from calotype.dicom.query.keys import EMPTY_VALUE, InvalidKey, Key, at_level, build_query
from calotype.dicom.query.model import Page, Query
from calotype.dicom.query.negotiated import Negotiated
from calotype.dicom.query.switch import switch
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
        "RequestAttributesSequence",
    ),
    # PS3.18 Table 10.6.3-5
    Level.IMAGE: (
        "SOPClassUID",
        "SOPInstanceUID",
        "AvailableTransferSyntaxUID",
        "TimezoneOffsetFromUTC",
        "InstanceNumber",
        "Rows",
        "Columns",
        "BitsAllocated",
        "NumberOfFrames",
    ),
}
"""What is returned at each level unasked; what is the same in every answer is added by ``qido_json``."""

_DEMANDED: Final = {
    keyword: BY_KEYWORD.get(keyword) or attribute_of(tag, level)
    for level, keywords in RETURNED.items()
    for keyword in keywords
    if (tag := dictionary.tag_of(keyword)) is not None
}

_ALWAYS_WRITTEN: Final = frozenset({0x00080005, 0x00080056, 0x00081190})
"""*SpecificCharacterSet*, *InstanceAvailability* and *RetrieveURL* are ours to say, whatever a header holds."""

_RESOURCES: Final = {
    Level.PATIENT: "patients",
    Level.STUDY: "studies",
    Level.SERIES: "series",
    Level.IMAGE: "instances",
}
_TAG: Final = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?", re.ASCII)
_BY_LOWER_KEYWORD: Final = {attribute.keyword.lower(): attribute for attribute in INDEXED}

_Path: TypeAlias = tuple[Attribute, ...]


class InvalidParameter(InvalidRequest):
    """A query parameter cannot be understood; ``parameter`` is its name as it was sent."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"query parameter {parameter[:80]!r}: {problem}")
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class QidoRequest:
    """A QIDO search, understood.

    ``returned`` are the attributes of each answer in the order of their tags, ``whole_header`` whether all of the
    object's stored header is among them; ``warnings`` say in words what of the request was passed over. Where nothing
    answers ``query``, ``otherwise`` may have been meant.
    """

    level: Level
    query: Query
    returned: tuple[Attribute, ...]
    warnings: tuple[str, ...] = ()
    whole_header: bool = False
    otherwise: Query | None = None
    within: Mapping[str, frozenset[tuple[str, ...]]] = field(default_factory=dict)
    """Keyword of a sequence -> tags, from outside to inside, of what is wanted of its items; others are whole."""


@dataclass(slots=True)
class _Asked:
    """What the parameters said, while they are read."""

    level: Level
    texts: dict[_Path, list[tuple[str, str]]] = field(default_factory=dict)
    """Path -> (parameter name, text) for each time it was given."""
    include: dict[str, Attribute] = field(default_factory=dict)
    within: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    """Keyword of a sequence -> what of its items was asked for; all of it where one of the paths is empty."""
    whole_header: bool = False
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
    InvalidParameter, which names the parameter: unknown, given twice, of a level below, or not readable.
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
        empty_values=asked.switches.get("emptyvaluematching", False),
        multiple_values=asked.switches.get("multiplevaluematching", False),
    )
    _warn_of_literal_quotes(asked, agreed)
    in_path = [Key((UNIQUE_KEYS[Level.STUDY],), study)] if study else []
    in_path += [Key((UNIQUE_KEYS[Level.SERIES],), series)] if series else []
    returned = _returned(asked, study, series)
    fields = (*(attribute.keyword for attribute in returned), *((WHOLE_HEADER,) if asked.whole_header else ()))
    page = Page(limit, asked.numbers.get("offset", 0))
    keys = [*in_path, *_keys(asked)]
    try:
        query = build_query(level, keys, fields, agreed=agreed, page=page)
    except InvalidKey as error:
        raise InvalidParameter(_name_of(asked, error.keyword), error.problem) from error
    otherwise = None
    if _means_accession(asked):
        others = [Key((_ACCESSION,), key.text) if key.path == (_STUDY_ID,) else key for key in keys]
        otherwise = build_query(level, others, fields, agreed=agreed, page=page)
    within = {
        keyword: frozenset(paths)
        for keyword, paths in asked.within.items()
        if () not in paths and keyword not in RETURNED[level]
    }
    return QidoRequest(level, query, returned, tuple(asked.warnings), asked.whole_header, otherwise, within)


_STUDY_ID: Final = BY_KEYWORD["StudyID"]
_ACCESSION: Final = BY_KEYWORD["AccessionNumber"]


def _means_accession(asked: _Asked) -> bool:
    """Tell whether *StudyID* was asked for by its tag, which some clients take for that of *AccessionNumber*."""
    (name, text) = asked.texts.get((_STUDY_ID,), [("", "")])[-1]
    is_by_tag = _TAG.fullmatch(name) is not None
    return is_by_tag and bool(text.strip(" *")) and text.strip() != EMPTY_VALUE and (_ACCESSION,) not in asked.texts


def _warn_of_literal_quotes(asked: _Asked, agreed: Negotiated) -> None:
    # PS3.18 8.3.4.5: without the parameter the search is performed without Empty Value Matching.
    texts = (text for given in asked.texts.values() for _, text in given)
    if not agreed.empty_values and any(text.strip() == EMPTY_VALUE for text in texts):
        asked.warnings.append("Two quotes mean empty values only with emptyvaluematching=true")


def _resolve(name: str, level: Level) -> Attribute | None:
    """Return the attribute that a keyword (of an indexed one: in any case) or tag means."""
    found = _TAG.fullmatch(name)
    if found:
        tag = int(found[1] + found[2], 16)
        # Groups 0000 and 0002 are of messages and files, element 0000 counts bytes: no header keeps them.
        return attribute_of(tag, level) if tag >> 16 > 0x0002 and tag & 0xFFFF else None
    indexed = _BY_LOWER_KEYWORD.get(name.lower())
    named = None if indexed else dictionary.tag_of(name)
    return attribute_of(named, level) if named is not None else indexed


def _resolve_path(asked: _Asked, name: str) -> _Path:
    """Return the attributes of a dotted path."""
    path: list[Attribute] = []
    for step in name.split("."):
        attribute = _resolve(step, asked.level)
        if attribute is None:
            near = get_close_matches(name, [*BY_KEYWORD, *_RESERVED], n=1)
            raise InvalidParameter(name, "no such attribute" + (f"; did you mean {near[0]}?" if near else ""))
        if path and path[-1].matching is not Matching.SEQUENCE:
            raise InvalidParameter(name, f"{path[-1].keyword} is no sequence, there is nothing inside it")
        path.append(attribute)
    return tuple(path)


def _read_match(asked: _Asked, name: str, text: str) -> None:
    is_universal = text.strip(" *") == ""
    first, *inner = _resolve_path(asked, name)
    here = at_level(first, asked.level)
    if here is None:
        if not is_universal:
            raise InvalidParameter(
                name, f"{first.keyword} is an attribute of {_RESOURCES[first.level]}; search those by it"
            )
        return
    path = (here, *inner)
    if here.tag in _ALWAYS_WRITTEN and is_universal:
        return
    is_matched_on = path[-1].matching not in (Matching.NONE, Matching.SEQUENCE) and here.tag not in _ALWAYS_WRITTEN
    if not is_matched_on and not is_universal:
        # Passing it over would answer with what was not asked for.
        raise InvalidParameter(name, "the archive does not match on this attribute")
    asked.include.setdefault(here.keyword, here)
    asked.within.setdefault(here.keyword, set()).add(())
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
    returned = {keyword: _DEMANDED[keyword] for keyword in keywords} | asked.include
    return tuple(sorted(returned.values(), key=lambda attribute: attribute.tag))


def _read_include(asked: _Asked, name: str, text: str) -> None:
    for step in (part.strip() for part in text.split(",")):
        if step == "all":
            # An instance is one header; a series or study has as many as instances, and says what the index keeps.
            asked.whole_header = asked.level is Level.IMAGE
            asked.include |= {a.keyword: a for a in INDEXED if is_indexed(a.keyword, asked.level)}
        elif step:
            attribute = _resolve(step.partition(".")[0], asked.level)
            if attribute is None:
                near = get_close_matches(step, BY_KEYWORD, n=1)
                raise InvalidParameter(
                    name, f"no attribute is called {step[:80]!r}" + (f"; did you mean {near[0]}?" if near else "")
                )
            here = at_level(attribute, asked.level)
            if attribute.tag in _ALWAYS_WRITTEN:
                continue
            if here is not None and here is not attribute:
                # What goes by another name at this level is returned under that.
                asked.include.setdefault(here.keyword, here)
            elif here is None and attribute.key is KeyType.UNIQUE:
                # PS3.18 10.6.3.3: it would name one of many below.
                asked.warnings.append(f"{step} is a unique key of a level below and not returned")
            else:
                asked.include.setdefault(attribute.keyword, attribute)
                asked.within.setdefault(attribute.keyword, set()).add(_inner(asked, name, step))


def _inner(asked: _Asked, name: str, dotted: str) -> tuple[str, ...]:
    """Return the tags of a path behind its first step; none when that is all of it."""
    try:
        _, *inner = _resolve_path(asked, dotted)
    except InvalidParameter as error:
        raise InvalidParameter(name, str(error).partition("query parameter ")[2]) from error
    return tuple(f"{attribute.tag:08X}" for attribute in inner)


def _read_number(asked: _Asked, name: str, text: str) -> None:
    key = name.lower()
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_OFFSET)):
        raise InvalidParameter(name, f"{text[:80]!r} is no whole number from 0 to {MAX_OFFSET}")
    if key in asked.numbers:
        raise InvalidParameter(name, "given more than once")
    asked.numbers[key] = min(int(text), MAX_OFFSET)


def _read_switch(asked: _Asked, name: str, text: str) -> None:
    value = switch(text)
    if value is None:
        raise InvalidParameter(name, f"{text[:80]!r} is neither true nor false")
    asked.switches["fuzzymatching" if name.lower() == "fuzzy" else name.lower()] = value


_RESERVED: Final[Mapping[str, Callable[[_Asked, str, str], None]]] = {
    "includefield": _read_include,
    "limit": _read_number,
    "offset": _read_number,
    "fuzzymatching": _read_switch,
    "fuzzy": _read_switch,
    "emptyvaluematching": _read_switch,
    "multiplevaluematching": _read_switch,
}
"""The parameters that are no attributes (PS3.18 Table 8.3.4-1)."""
