from __future__ import annotations

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword

from calotype.dicom.hierarchy import Level
from calotype.dicom.query.attributes import (
    BY_KEYWORD,
    DATE_TIME_PAIRS,
    INDEXED,
    MATCHING_WORDS,
    UNIQUE_KEYS,
    Attribute,
    KeyType,
    Matching,
    Row,
    table,
)


def named(keyword: str) -> Attribute:
    return Attribute(keyword, 0, "LO", Level.STUDY, KeyType.OPTIONAL, Matching.TEXT)


@pytest.mark.parametrize(
    ("keyword", "column"),
    [
        ("PatientID", "patient_id"),
        ("IssuerOfPatientID", "issuer_of_patient_id"),
        ("OtherPatientIDs", "other_patient_ids"),
        ("StudyInstanceUID", "study_instance_uid"),
        ("SOPInstanceUID", "sop_instance_uid"),
        ("SOPClassesInStudy", "sop_classes_in_study"),
        ("TimezoneOffsetFromUTC", "timezone_offset_from_utc"),
        ("ReferencedSOPInstanceUIDsInFile", "referenced_sop_instance_uids_in_file"),
        ("Rows", "rows"),
        ("NumberOfStudyRelatedInstances", "number_of_study_related_instances"),
        ("KVP", "kvp"),
    ],
)
def test_column_is_the_keyword_in_snake_case(keyword: str, column: str) -> None:
    assert named(keyword).column == column


def test_table_agrees_with_the_data_dictionary() -> None:
    ours = [(a.keyword, a.tag, a.vr) for a in INDEXED]
    assert ours == [(a.keyword, tag_for_keyword(a.keyword), dictionary_VR(a.tag)) for a in INDEXED]


def test_names_and_columns_are_given_once() -> None:
    assert len({a.column for a in INDEXED}) == len({a.tag for a in INDEXED}) == len(BY_KEYWORD) == len(INDEXED)


def test_every_level_has_one_unique_key() -> None:
    assert {level: a.keyword for level, a in UNIQUE_KEYS.items()} == {
        Level.PATIENT: "PatientID",
        Level.STUDY: "StudyInstanceUID",
        Level.SERIES: "SeriesInstanceUID",
        Level.IMAGE: "SOPInstanceUID",
    }


def test_date_time_pairs_stand_on_one_level() -> None:
    for date, time in DATE_TIME_PAIRS.items():
        assert (BY_KEYWORD[date].matching, BY_KEYWORD[time].matching) == (Matching.DATE, Matching.TIME)
        assert BY_KEYWORD[date].level is BY_KEYWORD[time].level


def test_document_table_has_a_row_per_attribute_and_words_for_every_kind() -> None:
    rows = list(table())
    assert rows[0] == Row("PATIENT", "(0010,0020)", "PatientID", "LO", "U", MATCHING_WORDS[Matching.ID])
    assert [row.keyword for row in rows] == [a.keyword for a in INDEXED]
    assert set(MATCHING_WORDS) == set(Matching)
