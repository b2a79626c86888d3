from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.query.attributes import BY_KEYWORD, INDEXED
from calotype.dicom.query.header import WHOLE_HEADER
from calotype.dicom.query.model import (
    AnyOf,
    Condition,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    Page,
    PartBegins,
    Range,
    UidList,
    Wildcard,
)
from calotype.dicom.query.qido import (
    RETURNED,
    InvalidParameter,
    QidoRequest,
    parse_qido,
)
from calotype.dicom.query.qido_json import json_attribute, match_to_json, retrieve_url
from calotype.errors import InvalidRequest

STUDY, SERIES, INSTANCE = UID("1.2"), UID("1.2.3"), UID("1.2.3.4")


def asked(*params: tuple[str, str], level: Level = Level.STUDY) -> tuple[Condition, ...]:
    return parse_qido(level, params).query.conditions


def keywords(request: QidoRequest) -> list[str]:
    return [attribute.keyword for attribute in request.returned]


# Keys


@pytest.mark.parametrize("name", ["PatientID", "patientid", "00100020", "0010,0020", "(0010,0020)"])
def test_attribute_is_named_by_keyword_or_tag(name: str) -> None:
    assert asked((name, "Ab1")) == (Exact("PatientID", "Ab1"),)


@pytest.mark.parametrize(
    ("params", "conditions"),
    [
        ([("StudyDate", "20240101-20240131")], (Range("StudyDate", "20240101", "20240131"),)),
        ([("PatientName", "Müller*")], (Wildcard("PatientName", "Müller*"),)),
        ([("Modality", "CT")], (Exact("ModalitiesInStudy", "CT"),)),
        (
            [("Modality", "CT\\MR")],
            (AnyOf((Exact("ModalitiesInStudy", "CT"), Exact("ModalitiesInStudy", "MR"))),),
        ),
        (
            [("ModalitiesInStudy", "CT,MR")],
            (AnyOf((Exact("ModalitiesInStudy", "CT"), Exact("ModalitiesInStudy", "MR"))),),
        ),
        (
            [("ModalitiesInStudy", "CT"), ("00080061", "mr")],
            (AnyOf((Exact("ModalitiesInStudy", "CT"), Exact("ModalitiesInStudy", "MR"))),),
        ),
        (
            [("ModalitiesInStudy", "CT\\MR"), ("multiplevaluematching", "true")],
            (Exact("ModalitiesInStudy", "CT"), Exact("ModalitiesInStudy", "MR")),
        ),
        ([("StudyInstanceUID", "1.2,1.3")], (UidList("StudyInstanceUID", (UID("1.2"), UID("1.3"))),)),
        (
            [("StudyInstanceUID", "1.2"), ("StudyInstanceUID", "1.3\\1.4")],
            (UidList("StudyInstanceUID", (UID("1.2"), UID("1.3"), UID("1.4"))),),
        ),
        ([("AccessionNumber", '""'), ("emptyvaluematching", "true")], (Empty("AccessionNumber"),)),
        ([("AccessionNumber", ""), ("PatientID", "*")], ()),
        ([("PatientID", "a,b")], (Exact("PatientID", "a,b"),)),
        (
            [("StudyTime", "10-18"), ("StudyDate", "20240105")],
            (DateTimeRange("StudyDate", "StudyTime", "20240105100000.000000", "20240105185959.999999"),),
        ),
    ],
)
def test_parameters_become_conditions(params: list[tuple[str, str]], conditions: tuple[Condition, ...]) -> None:
    assert asked(*params) == conditions


@pytest.mark.parametrize("name", ["fuzzymatching", "fuzzy", "FuzzyMatching"])
def test_fuzzy_matching_applies_to_names_only(name: str) -> None:
    params = (("PatientName", "doe"), ("StudyDescription", "doe"))
    description, names = asked(*params, (name, "true"))
    assert names == PartBegins("PatientName", "doe")
    assert description == Exact("StudyDescription", "doe")
    assert asked(*params, (name, "false"))[1] == Exact("PatientName", "doe")


def test_uids_of_the_path_are_keys() -> None:
    request = parse_qido(Level.IMAGE, [("StudyInstanceUID", "9"), ("Modality", "CT")], study=STUDY, series=SERIES)
    assert request.query.conditions == (
        Exact("Modality", "CT"),
        Exact("StudyInstanceUID", "1.2"),
        Exact("StudyInstanceUID", "9"),
        Exact("SeriesInstanceUID", "1.2.3"),
    )


def test_search_over_all_series_may_ask_for_the_study_s_attributes() -> None:
    assert asked(("PatientID", "1"), ("Modality", "CT"), level=Level.SERIES) == (
        Exact("Modality", "CT"),
        Exact("PatientID", "1"),
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([("PatientNam", "x")], "query parameter 'PatientNam': no such attribute; did you mean PatientName?"),
        ([("limti", "1")], "query parameter 'limti': no such attribute; did you mean limit?"),
        ([("zzz", "1")], "query parameter 'zzz': no such attribute"),
        ([("StudyDate", "yesterday")], "query parameter 'StudyDate': 'yesterday' is no date; write YYYYMMDD, or a"),
        ([("00080020", "yesterday")], "query parameter '00080020': 'yesterday' is no date"),
        ([("Modality", "x\0y")], r"query parameter 'Modality': 'x\x00y' holds control characters"),
        ([("StudyDate", "20240131-20240101")], "query parameter 'StudyDate': a range from 20240131 to 20240101 ends"),
        (
            [("SeriesDescription", "x")],
            "query parameter 'SeriesDescription': SeriesDescription is an attribute of series; search those by it",
        ),
        ([("ICCProfile", "x")], "query parameter 'ICCProfile': the archive does not match on this attribute"),
        ([("NumberOfStudyRelatedSeries", "2")], "'NumberOfStudyRelatedSeries': the archive does not match on this"),
        ([("RequestAttributesSequence", "x")], "'RequestAttributesSequence': the archive does not match on"),
        ([("PatientWeight", "heavy")], "query parameter 'PatientWeight': 'heavy' is no number"),
        ([("PatientID.PatientName", "x")], "'PatientID.PatientName': PatientID is no sequence"),
        ([("00020010", "x")], "query parameter '00020010': no such attribute"),
        ([("00400275.zzz", "x")], "query parameter '00400275.zzz': no such attribute"),
        ([("PatientID", "1"), ("00100020", "2")], "query parameter '00100020': given more than once"),
        ([("limit", "-1")], "query parameter 'limit': '-1' is no whole number from 0 to 2147483647"),
        ([("limit", "9" * 4500)], "is no whole number from 0 to 2147483647"),
        ([("offset", "²")], "query parameter 'offset': '²' is no whole number"),
        ([("limit", "1"), ("limit", "2")], "query parameter 'limit': given more than once"),
        ([("fuzzymatching", "maybe")], "query parameter 'fuzzymatching': 'maybe' is neither true nor false"),
        ([("includefield", "PatientNam")], "no attribute is called 'PatientNam'; did you mean PatientName?"),
        ([("includefield", "all,zzz")], "query parameter 'includefield': no attribute is called 'zzz'"),
    ],
)
def test_bad_parameter_is_named(params: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        parse_qido(Level.STUDY, params)
    assert message in str(caught.value)
    assert caught.value.parameter in dict(params)


def test_more_parameters_than_anyone_needs_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="1001 query parameters"):
        parse_qido(Level.STUDY, [("includefield", "all")] * 1001)


@given(
    st.sampled_from(Level),
    st.lists(
        st.tuples(
            st.sampled_from([*BY_KEYWORD, "limit", "offset", "includefield", "fuzzy", "00400275.00400009"])
            | st.text(max_size=12),
            st.text(max_size=12) | st.sampled_from(["*", "", "true", "all", "1", "20240101-", "PatientID,Rows"]),
        ),
        max_size=5,
    ),
)
def test_any_parameters_are_understood_or_refused(level: Level, params: list[tuple[str, str]]) -> None:
    try:
        request = parse_qido(level, params, study=STUDY, max_limit=100)
    except InvalidRequest as error:
        outcome = str(error)
    else:
        outcome = orjson.dumps(match_to_json({"StudyInstanceUID": "1"}, request, "http://a")).decode()
    assert outcome


# Pages


@pytest.mark.parametrize(
    ("params", "max_limit", "page"),
    [
        ([], None, Page()),
        ([], 100, Page(100)),
        ([("limit", "10"), ("offset", "20")], 100, Page(10, 20)),
        ([("limit", "1000")], 100, Page(100)),
        ([("limit", "1000")], None, Page(1000)),
        ([("limit", "0")], 100, Page(0)),
        ([("offset", "9999999999")], 100, Page(100, 2**31 - 1)),
    ],
)
def test_page(params: list[tuple[str, str]], max_limit: int | None, page: Page) -> None:
    assert parse_qido(Level.STUDY, params, max_limit=max_limit).query.page == page


# Attributes of the answer


def test_studies_return_what_the_standard_requires() -> None:
    # PS3.18 Table 10.6.3-3, in the order of its tags.
    assert keywords(parse_qido(Level.STUDY, [])) == [
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
    ]


def test_series_of_a_study_return_the_series_attributes_and_the_study_s_name() -> None:
    # PS3.18 Table 10.6.3-4
    assert keywords(parse_qido(Level.SERIES, [], study=STUDY)) == [
        "Modality",
        "TimezoneOffsetFromUTC",
        "SeriesDescription",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SeriesNumber",
        "NumberOfSeriesRelatedInstances",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
        "RequestAttributesSequence",
    ]


def test_instances_of_a_series_return_the_instance_attributes_and_the_names_above() -> None:
    # PS3.18 Table 10.6.3-5
    assert keywords(parse_qido(Level.IMAGE, [], study=STUDY, series=SERIES)) == [
        "SOPClassUID",
        "SOPInstanceUID",
        "TimezoneOffsetFromUTC",
        "AvailableTransferSyntaxUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "InstanceNumber",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "BitsAllocated",
    ]


@pytest.mark.parametrize(
    ("level", "study", "levels"),
    [
        (Level.SERIES, None, (Level.STUDY, Level.SERIES)),
        (Level.IMAGE, STUDY, (Level.SERIES, Level.IMAGE)),
        (Level.IMAGE, None, (Level.STUDY, Level.SERIES, Level.IMAGE)),
    ],
)
def test_what_the_path_leaves_open_is_returned_too(
    level: Level, study: UID | None, levels: tuple[Level, ...]
) -> None:
    returned = set(keywords(parse_qido(level, [], study=study)))
    assert returned == {"StudyInstanceUID"}.union(*(RETURNED[each] for each in levels))


def test_matched_and_included_attributes_are_returned() -> None:
    params = [
        ("StudyDescription", "x"),
        ("PatientAge", ""),
        ("includefield", "00102180, PatientSize"),
        ("includefield", "SeriesDescription,Modality,ContentLabel,00091001,RequestAttributesSequence.00400009"),
    ]
    request = parse_qido(Level.STUDY, params)
    extra = set(keywords(request)) - set(RETURNED[Level.STUDY])
    assert extra == {
        *("StudyDescription", "PatientAge", "Occupation", "PatientSize"),
        *("SeriesDescription", "ContentLabel", "00091001", "RequestAttributesSequence"),
    }
    assert request.query.fields == set(keywords(request))
    assert request.warnings == ()


SEQUENCE = (
    '{"vr":"SQ","Value":[{"00400007":{"vr":"LO","Value":["Thorax"]},"00400009":{"vr":"SH","Value":["S1"]},'
    '"00400008":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["C"]},"00080104":{"vr":"LO","Value":["M"]}}]}},'
    '{"00321060":{"vr":"LO","Value":["CT"]}}]}'
)


@pytest.mark.parametrize(
    ("include", "items"),
    [
        ("00400275.00400009", [{"00400009": {"vr": "SH", "Value": ["S1"]}}, {}]),
        (
            "RequestAttributesSequence.ScheduledProtocolCodeSequence.00080100,00400275.00321060",
            [
                {"00400008": {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["C"]}}]}},
                {"00321060": {"vr": "LO", "Value": ["CT"]}},
            ],
        ),
        ("00400275.00400009,00400275", orjson.loads(SEQUENCE)["Value"]),
        ("00400275,00400275.00400009", orjson.loads(SEQUENCE)["Value"]),
    ],
)
def test_of_a_sequence_that_is_included_by_path_the_path_is_returned(include: str, items: list[object]) -> None:
    request = parse_qido(Level.STUDY, [("includefield", include)])
    found = match_to_json({"StudyInstanceUID": "1", "RequestAttributesSequence": SEQUENCE}, request, "http://a")
    assert found["00400275"] == {"vr": "SQ", "Value": items}


def test_what_is_demanded_or_matched_on_is_returned_whole_whatever_is_included() -> None:
    match = {"StudyInstanceUID": "1", "SeriesInstanceUID": "2", "RequestAttributesSequence": SEQUENCE}
    path = ("includefield", "00400275.00400009")
    demanded = parse_qido(Level.SERIES, [path])
    matched = parse_qido(Level.STUDY, [path, ("00400275.00400007", "Thorax")])
    for request in (demanded, matched):
        assert match_to_json(match, request, "http://a")["00400275"] == orjson.loads(SEQUENCE)


def test_a_path_that_is_included_without_a_sequence_to_go_into_is_refused() -> None:
    with pytest.raises(InvalidParameter, match=r"includefield.*PatientName is no sequence"):
        parse_qido(Level.STUDY, [("includefield", "PatientName.00400009")])
    with pytest.raises(InvalidParameter, match=r"includefield.*no such attribute"):
        parse_qido(Level.STUDY, [("includefield", "00400275.Nonsense")])


@pytest.mark.parametrize("params", [[], [("emptyvaluematching", "false")]])
def test_without_empty_value_matching_two_quotes_are_a_value_and_that_is_said(params: list[tuple[str, str]]) -> None:
    request = parse_qido(Level.STUDY, [("AccessionNumber", '""'), *params])
    assert request.query.conditions == (Exact("AccessionNumber", '""'),)
    assert request.warnings == ("Two quotes mean empty values only with emptyvaluematching=true",)
    with pytest.raises(InvalidParameter, match="StudyDate"):
        parse_qido(Level.STUDY, [("StudyDate", '""'), *params])


def test_what_every_answer_says_may_be_asked_for_by_name() -> None:
    params = [("includefield", "00081190,InstanceAvailability,SpecificCharacterSet"), ("RetrieveURL", "")]
    request = parse_qido(Level.SERIES, params, study=STUDY)
    assert request == parse_qido(Level.SERIES, [], study=STUDY)
    found = match_to_json({"StudyInstanceUID": "1", "SeriesInstanceUID": "2"}, request, "http://a")
    assert found["00081190"] == {"vr": "UR", "Value": ["http://a/studies/1/series/2"]}
    with pytest.raises(InvalidParameter, match="does not match on this attribute"):
        parse_qido(Level.SERIES, [("InstanceAvailability", "ONLINE")])


def test_a_unique_key_of_a_level_below_is_not_returned_and_told() -> None:
    request = parse_qido(Level.STUDY, [("includefield", "SeriesInstanceUID")])
    assert request.query == parse_qido(Level.STUDY, []).query
    assert request.warnings == ("SeriesInstanceUID is a unique key of a level below and not returned",)


def test_any_attribute_is_a_parameter_at_any_depth() -> None:
    params = [
        ("SliceThickness", "1.50"),
        ("00091001", "private"),
        ("RequestAttributesSequence.ScheduledProcedureStepID", "S*"),
        ("00400275.00321064.00080100", "71020"),
        ("ContentLabel", "*"),
    ]
    request = parse_qido(Level.SERIES, params)
    assert request.query.conditions == (
        Exact("00091001", "private"),
        Exact("SliceThickness", "1.5"),
        InSequence(
            "RequestAttributesSequence",
            (
                InSequence("RequestedProcedureCodeSequence", (Exact("CodeValue", "71020"),)),
                Wildcard("ScheduledProcedureStepID", "S*"),
            ),
        ),
    )
    asked = {"SliceThickness", "00091001", "RequestAttributesSequence", "ContentLabel"}
    assert asked <= request.query.fields
    assert asked <= set(keywords(request))


def test_attributes_of_the_header_are_written_as_they_stand_there() -> None:
    request = parse_qido(Level.IMAGE, [("includefield", "SliceThickness,PixelData,ContentLabel")])
    match = {
        "StudyInstanceUID": "1",
        "SeriesInstanceUID": "2",
        "SOPInstanceUID": "3",
        "SliceThickness": '{"vr":"DS","Value":[1.5]}',
        "PixelData": '{"vr":"OW","BulkDataURI":"7FE00010"}',
    }
    found = match_to_json(match, request, "http://a/dicomweb")
    assert found["00180050"] == {"vr": "DS", "Value": [1.5]}
    assert found["00700080"] == {"vr": "CS"}
    bulk_data = "http://a/dicomweb/studies/1/series/2/instances/3/bulkdata/7FE00010"
    assert found["7FE00010"] == {"vr": "OW", "BulkDataURI": bulk_data}


def test_includefield_all_of_an_instance_is_its_whole_header() -> None:
    request = parse_qido(Level.IMAGE, [("includefield", "all")])
    assert WHOLE_HEADER in request.query.fields
    match = {"SOPInstanceUID": "3", WHOLE_HEADER: '{"00091001":{"vr":"LO","Value":["x"]},"00080018":{"vr":"UI"}}'}
    found = match_to_json(match, request, "http://a")
    assert found["00091001"] == {"vr": "LO", "Value": ["x"]}
    assert found["00080018"] == {"vr": "UI", "Value": ["3"]}
    assert list(found) == sorted(found)
    assert WHOLE_HEADER not in parse_qido(Level.SERIES, [("includefield", "all")]).query.fields


@pytest.mark.parametrize("level", Level)
def test_includefield_all_is_every_attribute_of_the_level_and_above(level: Level) -> None:
    found = set(keywords(parse_qido(level, [("includefield", "all")])))
    assert found - {"RequestAttributesSequence"} == {a.keyword for a in INDEXED if a.level.depth <= level.depth}


@pytest.mark.parametrize("name", ["00200010", "(0020,0010)"])
def test_a_study_id_by_its_tag_may_have_been_meant_for_an_accession_number(name: str) -> None:
    request = parse_qido(Level.STUDY, [(name, "A7*"), ("PatientID", "1")], max_limit=5)
    assert request.query.conditions == (Exact("PatientID", "1"), Wildcard("StudyID", "A7*"))
    assert request.otherwise is not None
    assert request.otherwise.conditions == (Wildcard("AccessionNumber", "A7*"), Exact("PatientID", "1"))
    assert (request.otherwise.page, request.otherwise.fields) == (request.query.page, request.query.fields)


@pytest.mark.parametrize(
    "params",
    [
        [("StudyID", "A7")],
        [("00200010", "")],
        [("00200010", "*")],
        [("00200010", '""')],
        [("00200010", "A7"), ("AccessionNumber", "A8")],
        [("00080050", "A7")],
    ],
)
def test_otherwise_nothing_else_is_meant(params: list[tuple[str, str]]) -> None:
    assert parse_qido(Level.STUDY, params).otherwise is None


# DICOM JSON


@pytest.mark.parametrize(
    ("match", "level", "url"),
    [
        ({"StudyInstanceUID": "1.2"}, Level.STUDY, "https://a/dicomweb/studies/1.2"),
        (
            {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.3", "SOPInstanceUID": "1.4"},
            Level.SERIES,
            "https://a/dicomweb/studies/1.2/series/1.3",
        ),
        (
            {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.3", "SOPInstanceUID": "../x y"},
            Level.IMAGE,
            "https://a/dicomweb/studies/1.2/series/1.3/instances/..%2Fx%20y",
        ),
    ],
)
def test_retrieve_url_is_as_deep_as_the_question(match: dict[str, str], level: Level, url: str) -> None:
    found = match_to_json(match, parse_qido(level, []), "https://a/dicomweb/")
    assert found["00081190"] == {"vr": "UR", "Value": [url]}


def test_retrieve_url_of_unique_keys() -> None:
    assert retrieve_url("/d", {"StudyInstanceUID": "1", "SeriesInstanceUID": "2"}) == "/d/studies/1/series/2"


@pytest.mark.parametrize(
    ("vr", "text", "attribute"),
    [
        ("LO", "", {"vr": "LO"}),
        ("CS", "CT\\MR", {"vr": "CS", "Value": ["CT", "MR"]}),
        ("CS", "ORIGINAL\\\\AXIAL", {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}),
        ("LT", "a\\b", {"vr": "LT", "Value": ["a\\b"]}),
        ("PN", "Doe^John", {"vr": "PN", "Value": [{"Alphabetic": "Doe^John"}]}),
        ("PN", "=王^小東", {"vr": "PN", "Value": [{"Ideographic": "王^小東"}]}),
        (
            "PN",
            "A=B=C\\D",
            {"vr": "PN", "Value": [{"Alphabetic": "A", "Ideographic": "B", "Phonetic": "C"}, {"Alphabetic": "D"}]},
        ),
        ("IS", "007", {"vr": "IS", "Value": [7]}),
        ("IS", "seven", {"vr": "IS", "Value": ["seven"]}),
        ("US", "512", {"vr": "US", "Value": [512]}),
        ("DS", "1.50", {"vr": "DS", "Value": [1.5]}),
        ("DS", "2", {"vr": "DS", "Value": [2]}),
        ("DS", "1e400", {"vr": "DS", "Value": ["1e400"]}),
        ("DS", "nan", {"vr": "DS", "Value": ["nan"]}),
        ("IS", "9" * 30, {"vr": "IS", "Value": ["9" * 30]}),
    ],
)
def test_json_attribute(vr: str, text: str, attribute: dict[str, object]) -> None:
    assert json_attribute(vr, text) == attribute


def test_match_is_dicom_json_that_others_read() -> None:
    match = {
        "StudyInstanceUID": "1.2",
        "PatientName": "Yamada^Tarou=山田^太郎",
        "PatientID": "Ä 1",
        "StudyDate": "20240131",
        "ModalitiesInStudy": "CT\\SR",
        "NumberOfStudyRelatedSeries": "2",
        "PatientWeight": "70.5",
    }
    request = parse_qido(Level.STUDY, [("includefield", "PatientWeight")])
    found = match_to_json(match, request, "http://a")
    assert list(found) == sorted(found)
    read = Dataset.from_json(orjson.dumps(found).decode())
    assert {element.keyword: element.value for element in read if not element.is_empty} == {
        "SpecificCharacterSet": "ISO_IR 192",
        "StudyDate": "20240131",
        "InstanceAvailability": "ONLINE",
        "ModalitiesInStudy": ["CT", "SR"],
        "RetrieveURL": "http://a/studies/1.2",
        "PatientName": "Yamada^Tarou=山田^太郎",
        "PatientID": "Ä 1",
        "PatientWeight": 70.5,
        "StudyInstanceUID": "1.2",
        "NumberOfStudyRelatedSeries": 2,
    }
    assert found["00100040"] == {"vr": "CS"}


def test_patients_have_no_retrieve_url() -> None:
    found = match_to_json({"PatientID": "1"}, parse_qido(Level.PATIENT, []), "http://a")
    assert found["00100020"] == {"vr": "LO", "Value": ["1"]}
    assert "00081190" not in found
