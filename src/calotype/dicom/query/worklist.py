"""The Modality Worklist information model (PS3.4 K.6.1): identifier -> conditions, match -> identifier.

An answer is one scheduled procedure step with all that stands above it, as keywords (``dicom.keywords``); its
*ScheduledProcedureStepSequence* has that one item (PS3.4 Table K.6-1). Any attribute of the Standard that is text or
a number may be a key and may be asked for; :data:`MODEL` lists what the Standard itself names. What conditions mean
is ``matching``'s; which steps there are, and what their status is, is ``services.worklist``'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from calotype.dicom import datasets, dictionary, keywords
from calotype.dicom.datasets import Element, Limits
from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.keywords import Attributes
from calotype.dicom.query.attributes import Attribute, KeyType, Matching
from calotype.dicom.query.keys import Key, build_query
from calotype.dicom.query.matching import kind_of
from calotype.dicom.query.model import AnyOf, Condition, Exact, InSequence, Romanised, Wildcard
from calotype.dicom.query.negotiated import Negotiated
from calotype.dicom.replies import Reply
from calotype.dicom.text import DEFAULT_CHARSETS, TEXT_VRS, decode_key
from calotype.errors import InvalidRequest

STEPS: Final = "ScheduledProcedureStepSequence"
STATUS: Final = "ScheduledProcedureStepStatus"
_START_TIME: Final = "ScheduledProcedureStepStartTime"
_QUERY_RETRIEVE_LEVEL: Final = 0x00080052
_LIMITS: Final = Limits(max_bytes=1024 * 1024, max_elements=2000, max_depth=8)

_R, _O = KeyType.REQUIRED, KeyType.OPTIONAL


@dataclass(frozen=True, slots=True)
class Row:
    """One line of PS3.4 Table K.6-1: an attribute by its module, its key type, and its return type."""

    module: str
    keyword: str
    key: KeyType = _O
    returned: str = "2"


_STEP, _PROCEDURE, _REQUEST, _VISIT, _PATIENT = (
    "Scheduled Procedure Step", "Requested Procedure", "Imaging Service Request", "Visit", "Patient",
)  # fmt: skip

MODEL: Final = (
    Row(_STEP, "ScheduledStationAETitle", _R, "1"),
    Row(_STEP, "ScheduledProcedureStepStartDate", _R, "1"),
    Row(_STEP, "ScheduledProcedureStepStartTime", _R, "1"),
    Row(_STEP, "Modality", _R, "1"),
    Row(_STEP, "ScheduledPerformingPhysicianName", _R),
    Row(_STEP, "ScheduledProcedureStepDescription", returned="1C"),
    Row(_STEP, "ScheduledStationName"),
    Row(_STEP, "ScheduledProcedureStepLocation"),
    Row(_STEP, "ScheduledProtocolCodeSequence", returned="1C"),
    Row(_STEP, "PreMedication", returned="2C"),
    Row(_STEP, "ScheduledProcedureStepID", returned="1"),
    Row(_STEP, "RequestedContrastAgent", returned="2C"),
    Row(_STEP, "ScheduledProcedureStepStatus", returned="3"),
    Row(_STEP, "CommentsOnTheScheduledProcedureStep", returned="3"),
    Row(_PROCEDURE, "RequestedProcedureID", returned="1"),
    Row(_PROCEDURE, "RequestedProcedureDescription", returned="1C"),
    Row(_PROCEDURE, "RequestedProcedureCodeSequence", returned="1C"),
    Row(_PROCEDURE, "StudyInstanceUID", returned="1"),
    Row(_PROCEDURE, "StudyDate", returned="3"),
    Row(_PROCEDURE, "StudyTime", returned="3"),
    Row(_PROCEDURE, "ReferencedStudySequence"),
    Row(_PROCEDURE, "RequestedProcedurePriority"),
    Row(_PROCEDURE, "PatientTransportArrangements"),
    Row(_PROCEDURE, "ReasonForTheRequestedProcedure", returned="3"),
    Row(_PROCEDURE, "RequestedProcedureComments", returned="3"),
    Row(_PROCEDURE, "RequestedProcedureLocation", returned="3"),
    Row(_PROCEDURE, "NamesOfIntendedRecipientsOfResults", returned="3"),
    Row(_REQUEST, "AccessionNumber"),
    Row(_REQUEST, "RequestingPhysician"),
    Row(_REQUEST, "ReferringPhysicianName"),
    Row(_REQUEST, "RequestingService", returned="3"),
    Row(_REQUEST, "IssueDateOfImagingServiceRequest", returned="3"),
    Row(_REQUEST, "IssueTimeOfImagingServiceRequest", returned="3"),
    Row(_REQUEST, "PlacerOrderNumberImagingServiceRequest", returned="3"),
    Row(_REQUEST, "FillerOrderNumberImagingServiceRequest", returned="3"),
    Row(_REQUEST, "ImagingServiceRequestComments", returned="3"),
    Row(_VISIT, "AdmissionID"),
    Row(_VISIT, "CurrentPatientLocation"),
    Row(_VISIT, "InstitutionName", returned="3"),
    Row(_VISIT, "AdmittingDiagnosesDescription", returned="3"),
    Row(_VISIT, "ReferencedPatientSequence"),
    Row(_PATIENT, "PatientName", _R, "1"),
    Row(_PATIENT, "PatientID", _R, "1"),
    Row(_PATIENT, "IssuerOfPatientID", returned="3"),
    Row(_PATIENT, "OtherPatientIDs", returned="3"),
    Row(_PATIENT, "PatientBirthDate"),
    Row(_PATIENT, "PatientSex"),
    Row(_PATIENT, "PatientWeight"),
    Row(_PATIENT, "PatientSize", returned="3"),
    Row(_PATIENT, "ConfidentialityConstraintOnPatientDataDescription"),
    Row(_PATIENT, "PatientState"),
    Row(_PATIENT, "PregnancyStatus"),
    Row(_PATIENT, "MedicalAlerts"),
    Row(_PATIENT, "Allergies"),
    Row(_PATIENT, "SpecialNeeds"),
    Row(_PATIENT, "PatientComments", returned="3"),
)
"""PS3.4 Table K.6-1, without the optional attributes that it does not name one by one."""


OF_STEP: Final = frozenset(row.keyword for row in MODEL if row.module == _STEP)
"""What stands in the item of Scheduled Procedure Step Sequence."""


def table() -> Iterator[tuple[str, str, str, str, str]]:
    """Return the model for documents: module, keyword, (gggg,eeee), key type R / O, return type."""
    for row in MODEL:
        tag = dictionary.tag_of(row.keyword) or 0
        yield row.module, row.keyword, f"({tag >> 16:04X},{tag & 0xFFFF:04X})", row.key.value, row.returned


@dataclass(frozen=True, slots=True)
class Asked:
    """One attribute that an answer has to hold; of a sequence ``items`` (none: all that its items have)."""

    tag: int
    vr: str
    keyword: str
    items: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True)
class WorklistRequest:
    """A worklist identifier, understood.

    ``asks_status``: whether it is a key on the step's status. ``unsupported`` are tags that no dictionary has or
    whose values are no text: they come back empty, with FF01 (PS3.4 K.4.1.1.4).
    """

    conditions: tuple[Condition, ...]
    asked: tuple[Asked, ...]
    charsets: tuple[str, ...]
    asks_status: bool = False
    unsupported: tuple[int, ...] = ()


def parse(data: bytes, transfer_syntax: UID, otherwise: Sequence[str] = DEFAULT_CHARSETS) -> WorklistRequest:
    """Understand the identifier of a worklist C-FIND-RQ; ``otherwise`` are the sets of one that states none.

    Raises InvalidRequest: it is no data set, a key stands in it twice, a sequence has several items, a key cannot
    be read (InvalidKey names it).
    """
    elements = datasets.decode(data, transfer_syntax, _LIMITS)
    reader = _Reader(keywords.charsets_of(elements, otherwise))
    asked = reader.read(elements, ())
    found = build_query(
        # A worklist has no levels; what is built of the keys is their conditions alone.
        Level.STUDY,
        reader.keys,
        (),
        agreed=Negotiated(date_time_matching=reader.has_time_range, empty_values=True),
    )
    asks_status = any(key.path[-1].keyword == STATUS and key.text.strip(" *") for key in reader.keys)
    conditions = found.conditions
    if not Reply.shows_hanzi(reader.charsets):
        conditions = tuple(map(_as_read, conditions))
    return WorklistRequest(conditions, asked, tuple(reader.charsets), asks_status, tuple(reader.unsupported))


def _as_read(condition: Condition) -> Condition:
    """Return what a device means that reads Chinese names in pinyin: what it was shown, it may ask for."""
    match condition:
        case AnyOf(alternatives):
            return AnyOf(tuple(map(_as_read, alternatives)))
        case InSequence(keyword, inner):
            return InSequence(keyword, tuple(map(_as_read, inner)))
        case Exact(keyword, text) | Wildcard(keyword, text) if kind_of(keyword) is Matching.NAME:
            return Romanised(keyword, condition) if _LETTERS.fullmatch(text) else condition
        case _:
            return condition


_LETTERS: Final = re.compile("[ -<>-~]*[A-Za-z][ -<>-~]*")
"""Latin letters in one component group."""


def conditions_of(keys: Mapping[str, str]) -> tuple[Condition, ...]:
    """Return the conditions of a question that people ask: keyword -> key, as a modality would send it.

    Keywords of a scheduled step are matched in its sequence. Raises InvalidRequest for a keyword that is none, and
    InvalidKey, as :func:`parse`.
    """
    found: list[Key] = []
    for keyword, text in keys.items():
        attribute = attribute_of(dictionary.tag_of(keyword) or 0)
        if attribute is None or attribute.vr == "SQ":
            raise InvalidRequest(f"{keyword} is no attribute to ask by")
        found.append(Key((_STEPS, attribute) if keyword in OF_STEP else (attribute,), text))
    ranges = "-" in keys.get(_START_TIME, "")
    agreed = Negotiated(date_time_matching=ranges, empty_values=True)
    return build_query(Level.STUDY, found, (), agreed=agreed).conditions


def encode_match(match: Attributes, request: WorklistRequest, transfer_syntax: UID) -> bytes:
    """Write one step as the identifier of a C-FIND-RSP: what was asked for, empty where there is nothing.

    In the character set of the request; what that cannot carry is romanised where it can be (``dicom.replies``).
    """
    chosen = [(each, _chosen(match, each)) for each in request.asked]
    reply = Reply.to_worklist(
        request.charsets, [pair for each, value in chosen for pair in keywords.texts_in(each.vr, value)]
    )
    elements = [_element(each, value, reply) for each, value in chosen]
    if reply.stated:
        elements.append(Element(keywords.SPECIFIC_CHARACTER_SET, "CS", reply.stated))
    return datasets.encode(elements, transfer_syntax)


@cache
def attribute_of(tag: int) -> Attribute | None:
    """Return an attribute as a key; ``None`` for what has no keyword of its own, or is neither text nor number."""
    entry = dictionary.lookup(tag)
    if entry is None or entry.vr not in keywords.TEXTS | keywords.NUMBERS.keys() | {"SQ"}:
        return None
    if dictionary.tag_of(entry.keyword) != tag:
        return None
    kind = Matching.SEQUENCE if entry.vr == "SQ" else kind_of(entry.keyword)
    return Attribute(entry.keyword, tag, entry.vr, Level.STUDY, KeyType.OPTIONAL, kind)


_STEPS: Final = Attribute(STEPS, 0x00400100, "SQ", Level.STUDY, _R, Matching.SEQUENCE)


class _Reader:
    """Walks an identifier, gathering its keys and what it asks for."""

    def __init__(self, charsets: Sequence[str]) -> None:
        self.charsets = charsets
        self.keys: list[Key] = []
        self.unsupported: list[int] = []
        self.has_time_range = False

    def read(self, elements: Sequence[Element], path: tuple[Attribute, ...]) -> tuple[Asked, ...]:
        asked: dict[int, Asked] = {}
        for element in elements:
            tag = element.tag
            if tag in {keywords.SPECIFIC_CHARACTER_SET, _QUERY_RETRIEVE_LEVEL} or tag & 0xFFFF == 0:
                continue
            if tag in asked:
                raise InvalidRequest(f"the identifier holds {dictionary.describe(tag)} twice")
            attribute = attribute_of(tag)
            if attribute is None:
                self.unsupported.append(tag)
                asked[tag] = Asked(tag, element.vr, "")
            elif attribute.vr == "SQ":
                asked[tag] = Asked(tag, "SQ", attribute.keyword, self._sequence(element, (*path, attribute)))
            else:
                self._key(element, (*path, attribute))
                asked[tag] = Asked(tag, attribute.vr, attribute.keyword)
        return tuple(asked.values())

    def _sequence(self, element: Element, path: tuple[Attribute, ...]) -> tuple[Asked, ...]:
        # PS3.4 C.2.2.2.6: one item holds the keys; without any, or without an item, the whole sequence is asked for.
        match element.items:
            case ():
                return ()
            case (item,):
                return self.read(item, path)
            case items:
                raise InvalidRequest(
                    f"{dictionary.describe(element.tag)} has {len(items)} items; a key has one (PS3.4 C.2.2.2.6)"
                )

    def _key(self, element: Element, path: tuple[Attribute, ...]) -> None:
        attribute = path[-1]
        if attribute.vr in TEXT_VRS:
            text = decode_key(element.raw, self.charsets, attribute.vr).strip(" \0")
        else:
            text = keywords.text_of(Element(element.tag, attribute.vr, element.value), self.charsets)
        if attribute.keyword == _START_TIME and "-" in text:
            # PS3.4 Table K.6-1: date and time are one period "if both Attributes are specified for Range Matching".
            self.has_time_range = True
        self.keys.append(Key(path, text))


def _chosen(match: Attributes, asked: Asked) -> str | list[Attributes]:
    """Return what a match has of one attribute: of a sequence's items only what was asked for."""
    value = match.get(asked.keyword, "") if asked.keyword else ""
    if isinstance(value, str):
        return [] if asked.vr == "SQ" else value
    if not asked.items:
        return list(value)
    return [{each.keyword: _chosen(item, each) for each in asked.items if each.keyword} for item in value]


def _element(asked: Asked, value: str | Sequence[Attributes], reply: Reply) -> Element:
    if isinstance(value, str) or not asked.items:
        return keywords.element_of(asked.tag, asked.vr, value, reply.encode)
    items = tuple(
        tuple(_element(each, item.get(each.keyword, "") if each.keyword else "", reply) for each in asked.items)
        for item in value
    )
    return Element(asked.tag, "SQ", items)


def flattened(match: Attributes) -> Mapping[str, str | Sequence[Attributes]]:
    """Return a match with its step's attributes beside all others: for sorting and for people."""
    steps = match.get(STEPS, ())
    return {**match, **(steps[0] if steps and not isinstance(steps, str) else {})}
