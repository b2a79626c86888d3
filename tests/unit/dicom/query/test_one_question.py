"""One question, however it is asked, gives one ``Query``.

A console asks by C-FIND, a viewer by QIDO. Each row below is written once as keys and sent both ways, through a
foreign writer of data sets and through URL encoding; what comes out must be equal, down to its hash.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import DataElement, Dataset
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.attributes import INDEXED, UNIQUE_KEYS, Matching
from calotype.dicom.query.identifier import Model, parse_identifier
from calotype.dicom.query.model import Query
from calotype.dicom.query.negotiated import Negotiated
from calotype.dicom.query.qido import parse_qido
from calotype.dicom.text import TEXT_VRS
from calotype.errors import InvalidRequest

IMPLICIT = UID("1.2.840.10008.1.2")

PATHS = {Level.STUDY: (), Level.SERIES: ("1.2",), Level.IMAGE: ("1.2", "1.2.3")}
"""The study and series that a question at each level is asked inside."""


def by_c_find(level: Level, keys: dict[str, str], returned: frozenset[str], **agreed: bool) -> Query:
    """Ask as a console does: return keys empty, the entities above by their unique keys, everything in UTF-8."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.QueryRetrieveLevel = level.value
    above = zip((Level.STUDY, Level.SERIES), PATHS[level], strict=False)
    named = {UNIQUE_KEYS[each].keyword: uid for each, uid in above}
    for keyword, text in (dict.fromkeys(returned, "") | keys | named).items():
        vr = dictionary_VR(keyword)
        value: object = int(text or 0) if vr == "US" else text
        element = DataElement(tag_for_keyword(keyword), vr, None if text == "" else value, validation_mode=IGNORE)
        dataset.add(element)
    out = DicomBytesIO()
    out.is_implicit_VR, out.is_little_endian = True, True
    write_dataset(out, dataset)
    negotiated = Negotiated(date_time_matching=True, **agreed)
    return parse_identifier(out.getvalue(), IMPLICIT, model=Model.STUDY_ROOT, negotiated=negotiated).query


def by_qido(level: Level, keys: dict[str, str], **switches: str) -> Query:
    """Ask as a viewer does: the entities above in the path, the keys in a query string."""
    # A console need not negotiate what two quotes mean; a viewer says so.
    switches = {"emptyvaluematching": "true"} | switches
    sent = parse_qsl(urlencode(keys | switches), keep_blank_values=True)
    return parse_qido(level, sent, *map(UID, PATHS[level])).query


QUESTIONS = [
    (Level.STUDY, {}),
    (Level.STUDY, {"PatientID": "4711"}),
    (Level.STUDY, {"PatientName": "MÜLLER^J*", "PatientBirthDate": "19700101-19791231"}),
    (Level.STUDY, {"PatientName": "Yamada*=山田*"}),
    (Level.STUDY, {"StudyDate": "20240101-20240131", "ModalitiesInStudy": "CT\\MR"}),
    (Level.STUDY, {"StudyDate": "2024.01.31", "Modality": "CT"}),
    (Level.STUDY, {"StudyDate": "20240101-20240102", "StudyTime": "2200-06"}),
    (Level.STUDY, {"StudyInstanceUID": "1.2\\1.3\\1.4"}),
    (Level.STUDY, {"AccessionNumber": '""', "StudyDescription": "100%_?*"}),
    (Level.SERIES, {"Modality": "ct", "SeriesNumber": "007"}),
    (Level.SERIES, {"PerformedProcedureStepStartDate": "-20240131"}),
    (Level.SERIES, {"SeriesInstanceUID": "1.2.3", "PatientID": "4711"}),
    (Level.IMAGE, {"SOPInstanceUID": "1.2.3.4\\1.2.3.5"}),
    (Level.IMAGE, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Rows": "512", "ImageType": "ORIGINAL*"}),
]


@pytest.mark.parametrize(("level", "keys"), QUESTIONS)
def test_one_question_asked_twice_is_one_query(level: Level, keys: dict[str, str]) -> None:
    viewer = by_qido(level, keys)
    console = by_c_find(level, keys, viewer.fields)
    assert console == viewer
    assert hash(console) == hash(viewer)


def test_fuzzy_and_all_values_are_the_same_agreement() -> None:
    keys = {"PatientName": "jo smi", "ModalitiesInStudy": "CT\\PT"}
    viewer = by_qido(Level.STUDY, keys, fuzzymatching="true", multiplevaluematching="true")
    assert by_c_find(Level.STUDY, keys, viewer.fields, fuzzy_names=True, multiple_values=True) == viewer


TEXT_KEYS = [a for a in INDEXED if a.matching in (Matching.ID, Matching.TEXT, Matching.NAME, Matching.CODE)]


@st.composite
def text_keys(draw: st.DrawFn) -> dict[str, str]:
    """Return one key of any text its VR can carry.

    Lists are left out, which the two spell differently, and the escape character, which belongs to an encoding.
    """
    attribute = draw(st.sampled_from(TEXT_KEYS))
    codec = "utf-8" if attribute.vr in TEXT_VRS else "ascii"
    anything = st.characters(codec=codec, exclude_characters="\\,\x1b")
    return {attribute.keyword: draw(st.text(anything | st.sampled_from('*?"=^- \0'), max_size=20))}


def outcome(ask: Callable[[], Query]) -> Query | str:
    try:
        return ask()
    except InvalidRequest:
        return "refused"


@given(text_keys())
def test_any_text_means_the_same_both_ways(keys: dict[str, str]) -> None:
    fields = by_qido(Level.IMAGE, dict.fromkeys(keys, "")).fields
    assert outcome(lambda: by_c_find(Level.IMAGE, keys, fields)) == outcome(lambda: by_qido(Level.IMAGE, keys))
