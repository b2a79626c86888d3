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
    attribute_of,
    is_indexed,
    name_of,
    table,
    tag_of,
)
from calotype.dicom.query.matching import kind_of


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
        assert (kind_of(date), kind_of(time)) == (Matching.DATE, Matching.TIME)
        assert is_indexed(date, Level.STUDY) is is_indexed(time, Level.STUDY)


def test_document_table_has_a_row_per_attribute_and_words_for_every_kind() -> None:
    rows = list(table())
    assert rows[0] == Row("PATIENT", "(0010,0020)", "PatientID", "LO", "U", MATCHING_WORDS[Matching.ID])
    assert [row.keyword for row in rows] == [a.keyword for a in INDEXED]
    assert set(MATCHING_WORDS) == set(Matching)


@pytest.mark.parametrize(
    ("tag", "name", "vr", "matching"),
    [
        (0x00100010, "PatientName", "PN", Matching.NAME),
        (0x00180050, "SliceThickness", "DS", Matching.DECIMAL),
        (0x0008002A, "AcquisitionDateTime", "DT", Matching.DATETIME),
        (0x00400275, "RequestAttributesSequence", "SQ", Matching.SEQUENCE),
        (0x00280106, "SmallestImagePixelValue", "US", Matching.INTEGER),
        # private, and repeating over groups: no keyword is theirs alone
        (0x00091001, "00091001", "UN", Matching.ID),
        (0x60020010, "60020010", "US", Matching.INTEGER),
    ],
)
def test_any_attribute_has_a_name_and_a_way_to_be_compared(tag: int, name: str, vr: str, matching: Matching) -> None:
    assert name_of(tag) == name
    assert tag_of(name) == tag
    found = attribute_of(tag, Level.SERIES)
    assert (found.keyword, found.vr, found.matching) == (name, vr, matching)
    assert kind_of(name) is matching


def test_what_is_no_attribute_has_no_tag() -> None:
    assert tag_of("NoSuchAttribute") is None
    assert tag_of("0009100") is None
