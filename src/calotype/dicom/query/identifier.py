"""C-FIND, C-MOVE and C-GET identifiers (PS3.4 C.4.1.1.3, C.4.2.1.4, C.4.3.1.3): bytes -> ``Query``, match -> bytes.

What a key's text means is in ``keys``. Nothing here knows an association, a status or the archive.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from calotype.dicom import datasets, dictionary, text
from calotype.dicom.datasets import Element, Limits
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.query.attributes import BY_TAG, UNIQUE_KEYS, Attribute, Matching
from calotype.dicom.query.keys import BASELINE, Key, Negotiated, at_level, build_query, conditions
from calotype.dicom.query.model import Condition, Exact, Match, Query, UidList
from calotype.dicom.query.values import integer_key
from calotype.errors import InvalidRequest

SPECIFIC_CHARACTER_SET: Final = 0x00080005
QUERY_RETRIEVE_LEVEL: Final = 0x00080052
RETRIEVE_AE_TITLE: Final = 0x00080054
INSTANCE_AVAILABILITY: Final = 0x00080056

_CONTROL: Final = frozenset({SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL, RETRIEVE_AE_TITLE, INSTANCE_AVAILABILITY})
"""What stands in an identifier without being a key (PS3.4 C.4.1.1.3)."""

_LIMITS: Final = Limits(max_bytes=4 * 1024 * 1024, max_elements=2000, max_depth=8)
_WORDS: Final = {"US": "H", "SS": "h", "UL": "L", "SL": "l"}


class Model(Enum):
    """An information model of PS3.4 C.6: the levels that a question may be asked at, top first."""

    PATIENT_ROOT = ("Patient Root", tuple(Level))
    STUDY_ROOT = ("Study Root", (Level.STUDY, Level.SERIES, Level.IMAGE))
    PATIENT_STUDY_ONLY = ("Patient/Study Only", (Level.PATIENT, Level.STUDY))

    def __init__(self, title: str, levels: tuple[Level, ...]) -> None:
        self.title = title
        self.levels = levels

    def above(self, level: Level) -> tuple[Level, ...]:
        """Return the model's levels above ``level``."""
        return tuple(each for each in self.levels if each.depth < level.depth)


@dataclass(frozen=True, slots=True)
class Requested:
    """One key of the request that the response has to hold; ``keyword`` is empty where we have nothing for it."""

    tag: int
    vr: str
    keyword: str = ""


@dataclass(frozen=True, slots=True)
class FindRequest:
    """A C-FIND identifier, understood.

    ``unsupported`` are the tags of optional keys that we neither match nor return: they come back empty, and each
    pending response says FF01 instead of FF00 (PS3.4 Table C.4-1).
    """

    level: Level
    query: Query
    requested: tuple[Requested, ...]
    charsets: tuple[str, ...]
    unsupported: tuple[int, ...] = ()

    @property
    def has_unsupported_keys(self) -> bool:
        """Whether any optional key was not supported for existence or matching."""
        return bool(self.unsupported)


def parse_identifier(
    data: bytes,
    transfer_syntax: UID,
    *,
    model: Model,
    negotiated: Negotiated = BASELINE,
    attributes: Mapping[int, Attribute] = BY_TAG,
) -> FindRequest:
    """Understand the identifier of a C-FIND-RQ.

    Raises InvalidRequest: not a data set; no level, or one that ``model`` does not have; a unique key above the
    level is missing (PS3.4 C.4.1.2.1, unless relational queries were negotiated); a key cannot be read (InvalidKey).
    """
    elements = _decode(data, transfer_syntax)
    level, charsets = _level(elements, model), _charsets(elements)
    keys: list[Key] = []
    requested: list[Requested] = []
    unsupported: list[int] = []
    for element in elements.values():
        if element.tag in _CONTROL or element.tag & 0xFFFF == 0:
            continue
        known = attributes.get(element.tag)
        attribute = at_level(known, level) if known else None
        if known is None or attribute is None:
            unsupported.append(element.tag)
            requested.append(Requested(element.tag, element.vr))
            continue
        # What is matched under another name has no value of its own here.
        requested.append(Requested(known.tag, known.vr, known.keyword if attribute is known else ""))
        keys.extend(_keys(element, (attribute,), charsets))
    if not negotiated.relational_queries:
        for above in model.above(level):
            _require(UNIQUE_KEYS[above], elements, charsets, f"a {level} level question in the {model.title} model")
    returned = {each.keyword for each in requested if each.keyword}
    query = build_query(level, keys, returned, agreed=negotiated)
    return FindRequest(level, query, tuple(requested), charsets, tuple(unsupported))


def selection(data: bytes, transfer_syntax: UID, model: Model, *, negotiated: Negotiated = BASELINE) -> Selection:
    """Understand the identifier of a C-MOVE-RQ or C-GET-RQ; keys that are not unique keys of ``model`` are ignored.

    Raises InvalidRequest: as :func:`parse_identifier`, and when the unique key of the level itself is missing, or
    one is no single value or list of UID (PS3.4 C.4.2.2.1).
    """
    elements = _decode(data, transfer_syntax)
    level, charsets = _level(elements, model), _charsets(elements)
    what = f"a {level} level retrieve in the {model.title} model"
    chosen: dict[Level, tuple[UID, ...]] = {}
    for each in (*model.above(level), level):
        key = UNIQUE_KEYS[each]
        if each is level or not negotiated.relational_queries or key.tag in elements:
            chosen[each] = _require(key, elements, charsets, what)
    return Selection(
        level,
        studies=chosen.get(Level.STUDY, ()),
        series=chosen.get(Level.SERIES, ()),
        instances=chosen.get(Level.IMAGE, ()),
        patient_id=next(iter(chosen.get(Level.PATIENT, ())), None),
    )


def encode_match(match: Match, request: FindRequest, transfer_syntax: UID, *, retrieve_ae_title: str) -> bytes:
    """Write one match as the identifier of a C-FIND-RSP: what was requested, empty where there is nothing.

    In the request's character set if that can carry all values, else in UTF-8 (PS3.4 C.4.1.1.3.2).
    """
    found = [(each, match.get(each.keyword, "") if each.keyword else "") for each in request.requested]
    charsets = text.charsets_for((value for _, value in found), request.charsets)
    elements = [
        Element(QUERY_RETRIEVE_LEVEL, "CS", request.level.value.encode("ascii")),
        Element(RETRIEVE_AE_TITLE, "AE", retrieve_ae_title.encode("ascii", "replace")),
        # PS3.4 C.4.1.1.3.2: everything that a question finds can be had at once.
        Element(INSTANCE_AVAILABILITY, "CS", b"ONLINE"),
    ]
    if charsets != text.DEFAULT_CHARSETS:
        # PS3.3 C.12.1.1.2: the default repertoire has no defined term; before others it is an empty value.
        stated = "\\".join("" if term in text.DEFAULT_CHARSETS else term for term in charsets)
        elements.append(Element(SPECIFIC_CHARACTER_SET, "CS", stated.encode("ascii")))
    elements += (
        Element(each.tag, each.vr, () if each.vr == "SQ" else _raw_of(value, each.vr, charsets))
        for each, value in found
    )
    return datasets.encode(elements, transfer_syntax)


def _decode(data: bytes, transfer_syntax: UID) -> dict[int, Element]:
    elements: dict[int, Element] = {}
    for element in datasets.decode(data, transfer_syntax, _LIMITS):
        if element.tag in elements:
            raise InvalidRequest(f"the identifier holds {dictionary.describe(element.tag)} twice")
        elements[element.tag] = element
    return elements


def _level(elements: Mapping[int, Element], model: Model) -> Level:
    element = elements.get(QUERY_RETRIEVE_LEVEL)
    asked = element.raw.decode("latin-1").strip(" \0") if element else ""
    have = ", ".join(model.levels)
    name = dictionary.describe(QUERY_RETRIEVE_LEVEL)
    if not asked:
        raise InvalidRequest(f"{name} is missing; the {model.title} model has {have}")
    for level in model.levels:
        if asked.upper() == level:
            return level
    raise InvalidRequest(f"{name} is {asked!r}; the {model.title} model has {have}")


def _charsets(elements: Mapping[int, Element]) -> tuple[str, ...]:
    element = elements.get(SPECIFIC_CHARACTER_SET)
    return text.charsets_of(element.raw)[0] if element and element.raw else text.DEFAULT_CHARSETS


def _keys(element: Element, path: tuple[Attribute, ...], charsets: Sequence[str]) -> Iterator[Key]:
    """Return the keys that an element holds: itself, or those in its item (PS3.4 C.2.2.2.6)."""
    attribute = path[-1]
    if attribute.matching is not Matching.SEQUENCE:
        yield Key(path, _text_of(element, attribute.vr, charsets))
        return
    if len(element.items) > 1:
        raise InvalidRequest(
            f"{dictionary.describe(element.tag)} has {len(element.items)} items; a key has one (PS3.4 C.2.2.2.6)"
        )
    known = {each.tag: each for each in attribute.items}
    for inner in (each for item in element.items for each in item):
        if inner.tag in known:
            yield from _keys(inner, (*path, known[inner.tag]), charsets)


def _require(key: Attribute, elements: Mapping[int, Element], charsets: Sequence[str], what: str) -> tuple[UID, ...]:
    """Return the values of a unique key that has to be there, by single value or list of UID."""
    element = elements.get(key.tag)
    found: tuple[Condition, ...] = conditions(key, _text_of(element, key.vr, charsets)) if element else ()
    match found:
        case (Exact(value=value),):
            return (UID(value),)
        case (UidList(values=uids),):
            return uids
        case _:
            raise InvalidRequest(
                f"{what} must name one {dictionary.describe(key.tag)}"
                + ("; it is missing" if not found else ", without wild cards")
            )


def _text_of(element: Element, vr: str, charsets: Sequence[str]) -> str:
    if vr in _WORDS:
        word = struct.Struct("<" + _WORDS[vr])
        whole = len(element.raw) - len(element.raw) % word.size
        return "\\".join(str(number) for (number,) in word.iter_unpack(element.raw[:whole]))
    return text.decode(element.raw, charsets, vr).strip(" \0")


def _raw_of(value: str, vr: str, charsets: tuple[str, ...]) -> bytes:
    if vr in _WORDS:
        numbers = [integer_key(part) for part in value.split("\\")]
        try:
            return b"".join(struct.pack("<" + _WORDS[vr], number) for number in numbers if number is not None)
        except struct.error:
            # A number that its VR cannot hold came from a damaged file; the rest of the match is worth sending.
            return b""
    return text.encode(value, charsets, vr)
