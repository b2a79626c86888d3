"""C-FIND, C-MOVE and C-GET identifiers (PS3.4 C.4.1.1.3, C.4.2.1.4, C.4.3.1.3): bytes -> ``Query``, match -> bytes.

What a key's text means is in ``keys``. Nothing here knows an association, a status or the archive.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from calotype.dicom import datasets, dictionary, text
from calotype.dicom.datasets import NUMBER_CODES, Element, Limits
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.query import zones
from calotype.dicom.query.answers import Answered, as_elements, from_header, from_text
from calotype.dicom.query.attributes import UNIQUE_KEYS, Attribute, KeyType, Matching, attribute_of, is_indexed
from calotype.dicom.query.keys import Key, at_level, build_query, conditions
from calotype.dicom.query.model import Condition, Exact, Match, Query, UidList
from calotype.dicom.query.negotiated import BASELINE, Negotiated
from calotype.dicom.replies import Reply
from calotype.errors import InvalidRequest

SPECIFIC_CHARACTER_SET: Final = 0x00080005
QUERY_RETRIEVE_LEVEL: Final = 0x00080052
RETRIEVE_AE_TITLE: Final = 0x00080054
INSTANCE_AVAILABILITY: Final = 0x00080056
TIMEZONE_OFFSET: Final = 0x00080201

_CONTROL: Final = frozenset({SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL, RETRIEVE_AE_TITLE, INSTANCE_AVAILABILITY})
"""What stands in an identifier without being a key (PS3.4 C.4.1.1.3)."""

_TAG: Final = struct.Struct("<HH")
_LIMITS: Final = Limits(max_bytes=4 * 1024 * 1024, max_elements=2000, max_depth=8)


class InvalidIdentifier(InvalidRequest):
    """An identifier does not fit its information model; ``offending_tag`` is the attribute that does not."""

    def __init__(self, offending_tag: int, problem: str) -> None:
        super().__init__(problem)
        self.offending_tag = offending_tag


class Model(Enum):
    """An information model of PS3.4 C.6: the levels that a question may be asked at, top first."""

    PATIENT_ROOT = ("Patient Root", tuple(Level))
    STUDY_ROOT = ("Study Root", (Level.STUDY, Level.SERIES, Level.IMAGE))

    def __init__(self, title: str, levels: tuple[Level, ...]) -> None:
        self.title = title
        self.levels = levels

    def above(self, level: Level) -> tuple[Level, ...]:
        """Return the model's levels above ``level``."""
        return tuple(each for each in self.levels if each.depth < level.depth)


@dataclass(frozen=True, slots=True)
class Requested:
    """One key of the request that the response has to hold.

    ``keyword`` is its name in the match, empty where we have nothing for it. What comes ``in_header`` stands there
    as DICOM JSON. ``inner`` are the keys that were asked for inside a sequence; none: all of them.
    """

    tag: int
    vr: str
    keyword: str = ""
    in_header: bool = False
    inner: tuple[Requested, ...] = ()


@dataclass(frozen=True, slots=True)
class FindRequest:
    """A C-FIND identifier, understood.

    ``unsupported`` are the tags of optional keys that have a value which we do not match on; each pending response
    says FF01 instead of FF00 then (PS3.4 Table C.4-1).
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
    otherwise: tuple[str, ...] = text.DEFAULT_CHARSETS,
) -> FindRequest:
    """Understand the identifier of a C-FIND-RQ; ``otherwise`` are the character sets of one that states none.

    Any attribute may be a key, and is returned. Raises InvalidRequest: not a data set; no level, or one that
    ``model`` does not have; a unique key above the level is missing (PS3.4 C.4.1.2.1, unless relational queries were
    negotiated); a key of a level below has a value; a key cannot be read (InvalidKey).
    """
    elements = _decode(data, transfer_syntax)
    level, charsets = _level(elements, model), _charsets(elements, otherwise)
    zone = elements.get(TIMEZONE_OFFSET) if negotiated.timezone_adjustment else None
    reader = _Reader(level, charsets)
    for element in elements.values():
        if element.tag not in _CONTROL and element.tag & 0xFFFF:
            reader.read(element)
    if not negotiated.relational_queries:
        for above in model.above(level):
            _require(UNIQUE_KEYS[above], elements, charsets, f"a {level} level question in the {model.title} model")
    query = build_query(
        level,
        reader.keys,
        {each.keyword for each in reader.requested if each.keyword},
        # Who sends two quotes without having negotiated (PS3.4 C.2.2.2.7) means it, too: no value looks like that.
        agreed=replace(negotiated, empty_values=True),
        zone_minutes=zones.required_offset(zone.raw.decode("latin-1")) if zone and zone.raw.strip(b" \0") else None,
    )
    return FindRequest(level, query, tuple(reader.requested), charsets, tuple(reader.unsupported))


class _Reader:
    """Gathers the keys of an identifier, and what it wants returned."""

    def __init__(self, level: Level, charsets: Sequence[str]) -> None:
        self._level = level
        self._charsets = charsets
        self.keys: list[Key] = []
        self.requested: list[Requested] = []
        self.unsupported: list[int] = []

    def read(self, element: Element) -> None:
        """Read one key of the data set itself."""
        attribute = attribute_of(element.tag, self._level)
        here = at_level(attribute, self._level)
        if (here is not None and here is not attribute) or (here is None and attribute.key is KeyType.UNIQUE):
            # What is matched under another name, or names one of many below, has no value of its own here.
            self.requested.append(Requested(attribute.tag, attribute.vr))
        else:
            self.requested.append(_requested(element, attribute, self._level))
        if here is None:
            self._check_below(element, attribute)
        else:
            self._keys(element, (here,))

    def _check_below(self, element: Element, attribute: Attribute) -> None:
        """Refuse a value below the level: passing it over would answer with what was not asked for.

        PS3.4 C.4.1.2.1: the keys of a question stand at its level or above it.
        """
        value = _text_of(element, attribute.vr, self._charsets)
        if value.strip(" *"):
            raise InvalidIdentifier(
                element.tag,
                f"{dictionary.describe(element.tag)} is a key of the {attribute.level} level,"
                f" below this {self._level} level question",
            )

    def _keys(self, element: Element, path: tuple[Attribute, ...]) -> None:
        """Gather the keys that an element holds: itself, or those in its item (PS3.4 C.2.2.2.6)."""
        attribute = path[-1]
        if attribute.matching is Matching.SEQUENCE:
            if len(element.items) > 1:
                raise InvalidIdentifier(
                    element.tag,
                    f"{dictionary.describe(element.tag)} has {len(element.items)} items;"
                    " a key has one (PS3.4 C.2.2.2.6)",
                )
            for inner in (each for item in element.items for each in item):
                self._keys(inner, (*path, attribute_of(inner.tag, self._level)))
            return
        vr = element.vr if attribute.vr == "UN" and not element.items else attribute.vr
        value = _text_of(element, vr, self._charsets)
        if attribute.matching is not Matching.NONE:
            self.keys.append(Key(path, value))
        elif value.strip(" *\0") and element.tag != TIMEZONE_OFFSET:
            self.unsupported.append(element.tag)


def _requested(element: Element, attribute: Attribute, level: Level) -> Requested:
    is_kept = is_indexed(attribute.keyword, level)
    inner = tuple(
        _requested(each, attribute_of(each.tag, level), level) for item in element.items[:1] for each in item
    )
    # The sender's word counts for what no dictionary knows.
    vr = element.vr if attribute.vr == "UN" else attribute.vr
    return Requested(element.tag, vr, attribute.keyword, not is_kept, inner)


def selection(data: bytes, transfer_syntax: UID, model: Model, *, negotiated: Negotiated = BASELINE) -> Selection:
    """Understand the identifier of a C-MOVE-RQ or C-GET-RQ; keys that are not unique keys of ``model`` are ignored.

    Raises InvalidRequest: as :func:`parse_identifier`, and when the unique key of the level itself is missing, or
    one is no single value or list of UID (PS3.4 C.4.2.2.1).
    """
    elements = _decode(data, transfer_syntax)
    level, charsets = _level(elements, model), _charsets(elements, text.DEFAULT_CHARSETS)
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
    found = [_answered(each, match) for each in request.requested]
    reply = Reply.to_query(request.charsets, (value for each in found for value in each.texts()))
    elements = [
        Element(QUERY_RETRIEVE_LEVEL, "CS", request.level.value.encode("ascii")),
        Element(RETRIEVE_AE_TITLE, "AE", retrieve_ae_title.encode("ascii", "replace")),
        # PS3.4 C.4.1.1.3.2: everything that a question finds can be had at once.
        Element(INSTANCE_AVAILABILITY, "CS", b"ONLINE"),
        *as_elements(found, reply),
    ]
    if reply.stated:
        elements.append(Element(SPECIFIC_CHARACTER_SET, "CS", reply.stated))
    return datasets.encode(elements, transfer_syntax)


def _answered(asked: Requested, match: Match) -> Answered:
    found = match.get(asked.keyword, "") if asked.keyword else ""
    return from_header(asked, found) if asked.in_header else from_text(asked.tag, asked.vr, found)


def _decode(data: bytes, transfer_syntax: UID) -> dict[int, Element]:
    elements: dict[int, Element] = {}
    for element in datasets.decode(data, transfer_syntax, _LIMITS):
        if element.tag in elements:
            raise InvalidIdentifier(element.tag, f"the identifier holds {dictionary.describe(element.tag)} twice")
        elements[element.tag] = element
    return elements


def _level(elements: Mapping[int, Element], model: Model) -> Level:
    element = elements.get(QUERY_RETRIEVE_LEVEL)
    asked = element.raw.decode("latin-1").strip(" \0") if element else ""
    have = ", ".join(model.levels)
    name = dictionary.describe(QUERY_RETRIEVE_LEVEL)
    if not asked:
        raise InvalidIdentifier(QUERY_RETRIEVE_LEVEL, f"{name} is missing; the {model.title} model has {have}")
    for level in model.levels:
        if asked.upper() == level:
            return level
    raise InvalidIdentifier(QUERY_RETRIEVE_LEVEL, f"{name} is {asked!r}; the {model.title} model has {have}")


def _charsets(elements: Mapping[int, Element], otherwise: tuple[str, ...]) -> tuple[str, ...]:
    element = elements.get(SPECIFIC_CHARACTER_SET)
    return text.charsets_of(element.raw)[0] if element and element.raw else otherwise


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
            problem = "must be one value" if found else "is missing"
            # A response has room for 64 characters of this (PS3.7 C.4).
            raise InvalidIdentifier(key.tag, f"{dictionary.describe(key.tag)} {problem}: {what} needs it")


def _text_of(element: Element, vr: str, charsets: Sequence[str]) -> str:
    if vr == "AT":
        # As DICOM JSON has it, and so the stored headers.
        whole = len(element.raw) - len(element.raw) % 4
        return "\\".join(f"{group:04X}{number:04X}" for group, number in _TAG.iter_unpack(element.raw[:whole]))
    if vr in NUMBER_CODES:
        word = struct.Struct("<" + NUMBER_CODES[vr])
        whole = len(element.raw) - len(element.raw) % word.size
        return "\\".join(str(number) for (number,) in word.iter_unpack(element.raw[:whole]))
    return text.decode_key(element.raw, charsets, vr).strip(" \0")
