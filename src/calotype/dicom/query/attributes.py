"""The table of attributes that the archive indexes, matches on and returns.

One row per attribute feeds the index schema, C-FIND, QIDO, the user interface's columns and the documents. A new
indexed attribute is one row here and a migration. What an attribute *means* for matching is in ``matching``.

Every other attribute stands in the stored headers alone; :func:`attribute_of` describes it by its tag and VR.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, lru_cache
from typing import Final

from calotype.dicom import dictionary
from calotype.dicom.hierarchy import Level


class KeyType(Enum):
    """How the Standard obliges us to support a key (PS3.4 C.2.2.1)."""

    UNIQUE = "U"
    REQUIRED = "R"
    OPTIONAL = "O"


class Matching(Enum):
    """Which rule of PS3.4 C.2.2.2 compares this attribute."""

    UID = auto()
    """Exact or list of UID."""
    ID = auto()
    """Case-sensitive text; wild cards allowed."""
    CODE = auto()
    """CS: upper case by definition; wild cards allowed; may be multi-valued."""
    TEXT = auto()
    """Text; wild cards allowed; case, accents and width are ignored."""
    NAME = auto()
    """PN: text matched per component group; case, accents and width are ignored."""
    DATE = auto()
    """Exact or range."""
    TIME = auto()
    """Exact or range."""
    DATETIME = auto()
    """Exact or range; an offset from UTC is left aside."""
    INTEGER = auto()
    """Compared as a whole number, however padded."""
    DECIMAL = auto()
    """Compared as a number, however written."""
    SEQUENCE = auto()
    """One item satisfies all keys given (PS3.4 C.2.2.2.6); the attribute's ``items`` say which may be."""
    NONE = auto()
    """Returned only: numbers computed by the archive, bulky text."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One indexed attribute.

    ``computed`` attributes stand in no file; the archive keeps them (counters, modalities in study). ``items``
    are the keys inside a sequence.
    """

    keyword: str
    tag: int
    vr: str
    level: Level
    key: KeyType
    matching: Matching
    computed: bool = False
    items: tuple[Attribute, ...] = ()

    @property
    def column(self) -> str:
        """The attribute's name in snake_case: ``StudyInstanceUID`` -> ``study_instance_uid``."""
        return _snake(self.keyword)


# A word starts where a capital follows a small letter, and at the last capital of a run that a word goes on from
# ("UTC|Offset"); a run in the plural ("UIDs", "IDs") is one word.
_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?:[A-Z]|$))[a-z])")


@cache
def _snake(keyword: str) -> str:
    return _WORD_START.sub("_", keyword).lower()


_U, _R, _O = KeyType.UNIQUE, KeyType.REQUIRED, KeyType.OPTIONAL
_M = Matching

INDEXED: Final[tuple[Attribute, ...]] = (
    # PS3.4 Table C.6-1 and C.6-5: the patient, as each study's own objects name them
    Attribute("PatientID", 0x00100020, "LO", Level.PATIENT, _U, _M.ID),
    Attribute("IssuerOfPatientID", 0x00100021, "LO", Level.PATIENT, _O, _M.ID),
    Attribute("PatientName", 0x00100010, "PN", Level.PATIENT, _R, _M.NAME),
    Attribute("PatientBirthDate", 0x00100030, "DA", Level.PATIENT, _O, _M.DATE),
    Attribute("PatientBirthTime", 0x00100032, "TM", Level.PATIENT, _O, _M.TIME),
    Attribute("PatientSex", 0x00100040, "CS", Level.PATIENT, _O, _M.CODE),
    Attribute("OtherPatientIDs", 0x00101000, "LO", Level.PATIENT, _O, _M.ID),
    Attribute("EthnicGroup", 0x00102160, "SH", Level.PATIENT, _O, _M.TEXT),
    Attribute("PatientComments", 0x00104000, "LT", Level.PATIENT, _O, _M.TEXT),
    Attribute("NumberOfPatientRelatedStudies", 0x00201200, "IS", Level.PATIENT, _O, _M.NONE, computed=True),
    Attribute("NumberOfPatientRelatedSeries", 0x00201202, "IS", Level.PATIENT, _O, _M.NONE, computed=True),
    Attribute("NumberOfPatientRelatedInstances", 0x00201204, "IS", Level.PATIENT, _O, _M.NONE, computed=True),
    # PS3.4 Table C.6-2
    Attribute("StudyInstanceUID", 0x0020000D, "UI", Level.STUDY, _U, _M.UID),
    Attribute("StudyDate", 0x00080020, "DA", Level.STUDY, _R, _M.DATE),
    Attribute("StudyTime", 0x00080030, "TM", Level.STUDY, _R, _M.TIME),
    Attribute("AccessionNumber", 0x00080050, "SH", Level.STUDY, _R, _M.ID),
    Attribute("StudyID", 0x00200010, "SH", Level.STUDY, _R, _M.ID),
    Attribute("StudyDescription", 0x00081030, "LO", Level.STUDY, _O, _M.TEXT),
    Attribute("ReferringPhysicianName", 0x00080090, "PN", Level.STUDY, _O, _M.NAME),
    Attribute("NameOfPhysiciansReadingStudy", 0x00081060, "PN", Level.STUDY, _O, _M.NAME),
    Attribute("AdmittingDiagnosesDescription", 0x00081080, "LO", Level.STUDY, _O, _M.TEXT),
    Attribute("PatientAge", 0x00101010, "AS", Level.STUDY, _O, _M.ID),
    Attribute("PatientSize", 0x00101020, "DS", Level.STUDY, _O, _M.DECIMAL),
    Attribute("PatientWeight", 0x00101030, "DS", Level.STUDY, _O, _M.DECIMAL),
    Attribute("Occupation", 0x00102180, "SH", Level.STUDY, _O, _M.TEXT),
    Attribute("AdditionalPatientHistory", 0x001021B0, "LT", Level.STUDY, _O, _M.TEXT),
    Attribute("TimezoneOffsetFromUTC", 0x00080201, "SH", Level.STUDY, _O, _M.NONE),
    Attribute("ModalitiesInStudy", 0x00080061, "CS", Level.STUDY, _R, _M.CODE, computed=True),
    Attribute("SOPClassesInStudy", 0x00080062, "UI", Level.STUDY, _O, _M.UID, computed=True),
    Attribute("NumberOfStudyRelatedSeries", 0x00201206, "IS", Level.STUDY, _O, _M.NONE, computed=True),
    Attribute("NumberOfStudyRelatedInstances", 0x00201208, "IS", Level.STUDY, _O, _M.NONE, computed=True),
    # PS3.4 Table C.6-3
    Attribute("SeriesInstanceUID", 0x0020000E, "UI", Level.SERIES, _U, _M.UID),
    Attribute("Modality", 0x00080060, "CS", Level.SERIES, _R, _M.CODE),
    Attribute("SeriesNumber", 0x00200011, "IS", Level.SERIES, _R, _M.INTEGER),
    Attribute("SeriesDescription", 0x0008103E, "LO", Level.SERIES, _O, _M.TEXT),
    Attribute("SeriesDate", 0x00080021, "DA", Level.SERIES, _O, _M.DATE),
    Attribute("SeriesTime", 0x00080031, "TM", Level.SERIES, _O, _M.TIME),
    Attribute("BodyPartExamined", 0x00180015, "CS", Level.SERIES, _O, _M.CODE),
    Attribute("Laterality", 0x00200060, "CS", Level.SERIES, _O, _M.CODE),
    Attribute("ProtocolName", 0x00181030, "LO", Level.SERIES, _O, _M.TEXT),
    Attribute("OperatorsName", 0x00081070, "PN", Level.SERIES, _O, _M.NAME),
    Attribute("PerformingPhysicianName", 0x00081050, "PN", Level.SERIES, _O, _M.NAME),
    Attribute("Manufacturer", 0x00080070, "LO", Level.SERIES, _O, _M.TEXT),
    Attribute("ManufacturerModelName", 0x00081090, "LO", Level.SERIES, _O, _M.TEXT),
    Attribute("InstitutionName", 0x00080080, "LO", Level.SERIES, _O, _M.TEXT),
    Attribute("InstitutionalDepartmentName", 0x00081040, "LO", Level.SERIES, _O, _M.TEXT),
    Attribute("StationName", 0x00081010, "SH", Level.SERIES, _O, _M.TEXT),
    Attribute("PerformedProcedureStepStartDate", 0x00400244, "DA", Level.SERIES, _O, _M.DATE),
    Attribute("PerformedProcedureStepStartTime", 0x00400245, "TM", Level.SERIES, _O, _M.TIME),
    Attribute("NumberOfSeriesRelatedInstances", 0x00201209, "IS", Level.SERIES, _O, _M.NONE, computed=True),
    # PS3.4 Table C.6-4
    Attribute("SOPInstanceUID", 0x00080018, "UI", Level.IMAGE, _U, _M.UID),
    Attribute("SOPClassUID", 0x00080016, "UI", Level.IMAGE, _O, _M.UID),
    Attribute("InstanceNumber", 0x00200013, "IS", Level.IMAGE, _R, _M.INTEGER),
    Attribute("ContentDate", 0x00080023, "DA", Level.IMAGE, _O, _M.DATE),
    Attribute("ContentTime", 0x00080033, "TM", Level.IMAGE, _O, _M.TIME),
    Attribute("AcquisitionDate", 0x00080022, "DA", Level.IMAGE, _O, _M.DATE),
    Attribute("AcquisitionTime", 0x00080032, "TM", Level.IMAGE, _O, _M.TIME),
    Attribute("ImageType", 0x00080008, "CS", Level.IMAGE, _O, _M.CODE),
    Attribute("Rows", 0x00280010, "US", Level.IMAGE, _O, _M.INTEGER),
    Attribute("Columns", 0x00280011, "US", Level.IMAGE, _O, _M.INTEGER),
    Attribute("BitsAllocated", 0x00280100, "US", Level.IMAGE, _O, _M.INTEGER),
    Attribute("NumberOfFrames", 0x00280008, "IS", Level.IMAGE, _O, _M.INTEGER),
    Attribute("AvailableTransferSyntaxUID", 0x00083002, "UI", Level.IMAGE, _O, _M.UID, computed=True),
)
"""Every indexed attribute, top level first, in the order of the Standard's tables."""

BY_KEYWORD: Final = {attribute.keyword: attribute for attribute in INDEXED}
BY_TAG: Final = {attribute.tag: attribute for attribute in INDEXED}

UNIQUE_KEYS: Final = {attribute.level: attribute for attribute in INDEXED if attribute.key is KeyType.UNIQUE}
"""The one attribute of each level that names an entity of it (PS3.4 C.2.2.1.1)."""

DATE_TIME_PAIRS: Final = {
    "PatientBirthDate": "PatientBirthTime",
    "StudyDate": "StudyTime",
    "SeriesDate": "SeriesTime",
    "PerformedProcedureStepStartDate": "PerformedProcedureStepStartTime",
    "ScheduledProcedureStepStartDate": "ScheduledProcedureStepStartTime",
    "ContentDate": "ContentTime",
    "AcquisitionDate": "AcquisitionTime",
}
"""Which time belongs to which date where both are matched as one (PS3.4 C.2.2.2.5.4)."""

MATCHING_WORDS: Final = {
    Matching.UID: "single value, list of UID",
    Matching.ID: "single value, wild card; case-sensitive",
    Matching.CODE: "single value, wild card; any case",
    Matching.TEXT: "single value, wild card; case, accents and width ignored",
    Matching.NAME: "single value, wild card, fuzzy; per component group, case, accents and width ignored",
    Matching.DATE: "single value, range",
    Matching.TIME: "single value, range",
    Matching.DATETIME: "single value, range",
    Matching.INTEGER: "single value, compared as a number",
    Matching.DECIMAL: "single value, compared as a number",
    Matching.SEQUENCE: "sequence",
    Matching.NONE: "returned only",
}
"""Each matching kind in the words of a conformance statement; universal and empty value matching apply to all."""


KIND_OF_VR: Final = {
    "AE": Matching.ID,
    "AS": Matching.ID,
    "AT": Matching.CODE,
    "CS": Matching.CODE,
    "DA": Matching.DATE,
    "DS": Matching.DECIMAL,
    "DT": Matching.DATETIME,
    "FD": Matching.DECIMAL,
    "FL": Matching.DECIMAL,
    "IS": Matching.INTEGER,
    "LO": Matching.TEXT,
    "LT": Matching.TEXT,
    "PN": Matching.NAME,
    "SH": Matching.ID,
    "SL": Matching.INTEGER,
    "SQ": Matching.SEQUENCE,
    "SS": Matching.INTEGER,
    "ST": Matching.TEXT,
    "SV": Matching.INTEGER,
    "TM": Matching.TIME,
    "UC": Matching.TEXT,
    "UI": Matching.UID,
    "UL": Matching.INTEGER,
    "UN": Matching.ID,
    "UR": Matching.ID,
    "US": Matching.INTEGER,
    "US/SS": Matching.INTEGER,
    "US/SS/OW": Matching.INTEGER,
    "UT": Matching.TEXT,
    "UV": Matching.INTEGER,
}
"""How an attribute that the table does not list is compared; a VR that is not here holds bytes, which are not."""


def name_of(tag: int) -> str:
    """Return what a ``Query`` calls an attribute: its keyword, else (private, repeating groups) its tag in hex."""
    keyword = dictionary.keyword_of(tag)
    return keyword if keyword and dictionary.tag_of(keyword) == tag else f"{tag:08X}"


def tag_of(name: str) -> int | None:
    """Return the tag that :func:`name_of` has named; ``None`` for what is no name of an attribute."""
    tag = dictionary.tag_of(name)
    if tag is None and _HEX.fullmatch(name):
        return int(name, 16)
    return tag


_HEX: Final = re.compile("[0-9A-F]{8}", re.ASCII)


def attribute_of(tag: int, level: Level) -> Attribute:
    """Describe any attribute for a question at ``level``: from the table, else by what the dictionary says of it.

    A private attribute is compared as text, case-sensitive; its VR is whatever each object gives it.
    """
    return BY_TAG.get(tag) or _unlisted(tag, level)


@lru_cache(maxsize=1024)
def _unlisted(tag: int, level: Level) -> Attribute:
    vr = dictionary.vr_of(tag)
    kind = KIND_OF_VR.get(vr, Matching.NONE)
    return Attribute(name_of(tag), tag, vr.partition("/")[0], level, KeyType.OPTIONAL, kind)


def is_searched(keyword: str, level: Level) -> bool:
    """Tell whether an index compares this attribute, too: it keeps numbers with a fraction as they were written."""
    return is_indexed(keyword, level) and BY_KEYWORD[keyword].matching is not Matching.DECIMAL


def is_indexed(keyword: str, level: Level) -> bool:
    """Tell whether an index keeps this attribute for the entities of ``level``; else their headers may have it."""
    attribute = BY_KEYWORD.get(keyword)
    return attribute is not None and attribute.level.depth <= level.depth


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of attributes as documents print it."""

    level: str
    tag: str
    keyword: str
    vr: str
    key: str
    matching: str


def table() -> Iterator[Row]:
    """Return the table of attributes for documents: level, (gggg,eeee), keyword, VR, U / R / O, matching in words."""
    for a in INDEXED:
        tag = f"({a.tag >> 16:04X},{a.tag & 0xFFFF:04X})"
        yield Row(a.level.value, tag, a.keyword, a.vr, a.key.value, MATCHING_WORDS[a.matching])
