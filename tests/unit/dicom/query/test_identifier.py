from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import DataElement, Dataset
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from calotype.dicom.datasets import Element, encode
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.query.attributes import BY_KEYWORD
from calotype.dicom.query.header import HeaderAttributes
from calotype.dicom.query.identifier import FindRequest, Model, encode_match, parse_identifier, selection
from calotype.dicom.query.keys import InvalidKey
from calotype.dicom.query.matching import holds
from calotype.dicom.query.model import AnyOf, Exact, InSequence, Range, UidList, Wildcard
from calotype.dicom.query.negotiated import Negotiated
from calotype.errors import InvalidRequest

IMPLICIT = UID("1.2.840.10008.1.2")
EXPLICIT = UID("1.2.840.10008.1.2.1")
BIG_ENDIAN = UID("1.2.840.10008.1.2.2")
SYNTAXES = (IMPLICIT, EXPLICIT, BIG_ENDIAN)


def encoded(dataset: Dataset, syntax: UID = IMPLICIT) -> bytes:
    """Write an identifier as a foreign peer does."""
    out = DicomBytesIO()
    out.is_implicit_VR = syntax == IMPLICIT
    out.is_little_endian = syntax != BIG_ENDIAN
    write_dataset(out, dataset)
    return out.getvalue()


def decoded(data: bytes, syntax: UID = IMPLICIT) -> Dataset:
    return read_dataset(BytesIO(data), syntax == IMPLICIT, syntax != BIG_ENDIAN)


def identifier(level: str | None = "STUDY", **keys: object) -> Dataset:
    """Return an identifier; keys may hold what their VR could not."""
    dataset = Dataset()
    for keyword, value in ({"QueryRetrieveLevel": level} | keys).items():
        if value is None and keyword == "QueryRetrieveLevel":
            continue
        dataset.add(DataElement(tag_for_keyword(keyword), dictionary_VR(keyword), value, validation_mode=IGNORE))
    return dataset


def parsed(
    level: str | None = "STUDY", model: Model = Model.STUDY_ROOT, negotiated: Negotiated | None = None, **keys: object
) -> FindRequest:
    return parse_identifier(
        encoded(identifier(level, **keys)), IMPLICIT, model=model, negotiated=negotiated or Negotiated()
    )


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_keys_become_conditions_and_fields(syntax: UID) -> None:
    data = encoded(
        identifier(
            PatientName="DOE*",
            PatientID="",
            StudyDate="20240101-20240131",
            ModalitiesInStudy=["CT", "MR"],
            StudyInstanceUID=["1.2", "1.3"],
        ),
        syntax,
    )
    request = parse_identifier(data, syntax, model=Model.STUDY_ROOT)
    assert request.level is request.query.level is Level.STUDY
    assert request.query.conditions == (
        Range("StudyDate", "20240101", "20240131"),
        AnyOf((Exact("ModalitiesInStudy", "CT"), Exact("ModalitiesInStudy", "MR"))),
        Wildcard("PatientName", "DOE*"),
        UidList("StudyInstanceUID", (UID("1.2"), UID("1.3"))),
    )
    assert request.query.fields == {
        "PatientName",
        "PatientID",
        "StudyDate",
        "ModalitiesInStudy",
        "StudyInstanceUID",
    }
    assert not request.has_unsupported_keys


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_binary_numbers_are_read_and_written(syntax: UID) -> None:
    data = encoded(identifier("IMAGE", StudyInstanceUID="1", SeriesInstanceUID="2", Rows=512, Columns=None), syntax)
    request = parse_identifier(data, syntax, model=Model.STUDY_ROOT)
    assert Exact("Rows", "512") in request.query.conditions
    match = {"Rows": "512", "Columns": "70000", "StudyInstanceUID": "1", "SeriesInstanceUID": "2"}
    answer = decoded(encode_match(match, request, syntax, retrieve_ae_title="A"), syntax)
    assert (answer.Rows, answer["Columns"].value) == (512, None)


@pytest.mark.parametrize(
    ("level", "model"),
    [
        (level, model)
        for model in Model
        for level in ("PATIENT", "STUDY", "SERIES", "IMAGE", "study ", "INSTANCE", "", None)
    ],
)
def test_level_has_to_be_one_of_the_model(level: str | None, model: Model) -> None:
    known = (level or "").strip().upper()
    uids = {"PatientID": "P", "StudyInstanceUID": "1", "SeriesInstanceUID": "2"}
    if known in list(Level):
        uids = {
            keyword: uid for keyword, uid in uids.items() if BY_KEYWORD[keyword].level.depth <= Level(known).depth
        }
    if known in model.levels:
        assert parsed(level, model, **uids).level == known
    else:
        with pytest.raises(InvalidRequest, match=r"\(0008,0052\) QueryRetrieveLevel is .*model has .*STUDY"):
            parsed(level, model, **uids)


@pytest.mark.parametrize(
    ("model", "level", "keys", "missing"),
    [
        (Model.STUDY_ROOT, "SERIES", {}, "StudyInstanceUID"),
        (Model.STUDY_ROOT, "SERIES", {"StudyInstanceUID": ""}, "StudyInstanceUID"),
        (Model.STUDY_ROOT, "SERIES", {"StudyInstanceUID": "*"}, "StudyInstanceUID"),
        (Model.STUDY_ROOT, "IMAGE", {"StudyInstanceUID": "1"}, "SeriesInstanceUID"),
        (Model.PATIENT_ROOT, "STUDY", {}, "PatientID"),
        (Model.PATIENT_ROOT, "STUDY", {"PatientID": "A*"}, "PatientID"),
        (Model.PATIENT_ROOT, "SERIES", {"PatientID": "A"}, "StudyInstanceUID"),
    ],
)
def test_unique_keys_above_the_level_have_to_be_there(
    model: Model, level: str, keys: dict[str, str], missing: str
) -> None:
    with pytest.raises(
        InvalidRequest, match=rf"{missing} (is missing|must be one value): a {level} level question in the"
    ):
        parsed(level, model, **keys)
    assert parsed(level, model, Negotiated(relational_queries=True), **keys).level == level


def test_every_attribute_is_a_key_and_comes_out_of_the_header() -> None:
    dataset = identifier(PatientID="1", SliceThickness="1.50", ContentLabel="LA*", SeriesDescription="")
    dataset.add_new(0x00091001, "LO", "private")
    request = parse_identifier(encoded(dataset, EXPLICIT), EXPLICIT, model=Model.STUDY_ROOT)
    assert request.query.conditions == (
        Exact("00091001", "private"),
        Exact("PatientID", "1"),
        Exact("SliceThickness", "1.5"),
        Wildcard("ContentLabel", "LA*"),
    )
    assert request.query.fields == {"PatientID", "00091001", "SliceThickness", "ContentLabel", "SeriesDescription"}
    assert not request.has_unsupported_keys
    match = {
        "PatientID": "1",
        "00091001": '{"vr":"SH","Value":["private","two"]}',
        "SliceThickness": '{"vr":"DS","Value":[1.5]}',
        "SeriesDescription": '{"vr":"LO","Value":["Thorax"]}',
    }
    answer = decoded(encode_match(match, request, EXPLICIT, retrieve_ae_title="A"), EXPLICIT)
    assert (answer.SeriesDescription, answer.SliceThickness, answer.ContentLabel) == ("Thorax", 1.5, "")
    assert (answer[0x00091001].VR, list(answer[0x00091001].value)) == ("SH", ["private", "two"])


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_tag_is_a_key_as_headers_have_it(syntax: UID) -> None:
    dataset = identifier()
    dataset.add_new(0x00720026, "AT", [0x00100020, 0x7FE00010])
    dataset.add_new(0x00280009, "AT", None)
    request = parse_identifier(encoded(dataset, syntax), syntax, model=Model.STUDY_ROOT)
    (condition,) = request.query.conditions
    assert condition == AnyOf((Exact("SelectorAttribute", "00100020"), Exact("SelectorAttribute", "7FE00010")))
    header = HeaderAttributes({"00720026": {"vr": "AT", "Value": ["7FE00010"]}})
    assert holds(condition, header)


def test_bytes_are_no_key_and_are_told() -> None:
    dataset = identifier(PatientID="1")
    dataset.add_new(0x00282000, "OB", b"\1\2")
    request = parse_identifier(encoded(dataset, EXPLICIT), EXPLICIT, model=Model.STUDY_ROOT)
    assert request.query.conditions == (Exact("PatientID", "1"),)
    assert request.unsupported == (0x00282000,)


@pytest.mark.parametrize(
    ("level", "key", "below"),
    [
        ("STUDY", {"SeriesDescription": "Thorax"}, "SERIES"),
        ("STUDY", {"SOPInstanceUID": "1.2"}, "IMAGE"),
        ("PATIENT", {"StudyDate": "20240101"}, "STUDY"),
        ("SERIES", {"InstanceNumber": "1", "StudyInstanceUID": "1", "PatientID": "1"}, "IMAGE"),
    ],
)
def test_a_key_below_the_level_may_not_have_a_value(level: str, key: dict[str, str], below: str) -> None:
    with pytest.raises(InvalidRequest, match=f"is a key of the {below} level, below this {level} level question"):
        parsed(level, Model.PATIENT_ROOT, Negotiated(relational_queries=True), **key)
    assert parsed("PATIENT", Model.PATIENT_ROOT, StudyDate="*", SOPInstanceUID="").query.conditions == ()


def test_a_unique_key_below_the_level_has_no_one_value() -> None:
    request = parsed(SeriesInstanceUID="", SeriesDescription="")
    assert request.query.fields == {"SeriesDescription"}
    assert "SeriesInstanceUID" in decoded(encode_match({}, request, IMPLICIT, retrieve_ae_title="A"))


def test_the_zone_of_a_request_is_no_key() -> None:
    keys = {"TimezoneOffsetFromUTC": "+0800", "StudyDate": "20240101"}
    assert parsed(**keys).query.zone_minutes is None
    agreed = parsed(negotiated=Negotiated(timezone_adjustment=True), **keys)
    assert agreed.query.zone_minutes == 480
    assert agreed.query.conditions == (Exact("StudyDate", "20240101"),)
    assert "TimezoneOffsetFromUTC" in agreed.query.fields
    with pytest.raises(InvalidRequest, match=r"is 'CET'; write it as \+0100"):
        parsed(negotiated=Negotiated(timezone_adjustment=True), TimezoneOffsetFromUTC="CET")


def test_modality_of_a_study_means_its_modalities() -> None:
    request = parsed(Modality="CT", ModalitiesInStudy="")
    assert request.query.conditions == (Exact("ModalitiesInStudy", "CT"),)
    answer = decoded(encode_match({"ModalitiesInStudy": "CT\\SR"}, request, IMPLICIT, retrieve_ae_title="A"))
    assert (list(answer.ModalitiesInStudy), answer.Modality) == (["CT", "SR"], "")


def test_dates_and_times_are_joined_when_negotiated() -> None:
    keys = {"StudyDate": "20240105", "StudyTime": "10"}
    assert len(parsed(**keys).query.conditions) == 2
    assert len(parsed(negotiated=Negotiated(date_time_matching=True), **keys).query.conditions) == 1


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_sequence_keys_stand_in_one_item_at_any_depth(syntax: UID) -> None:
    code = Dataset()
    code.CodeValue = "71020"
    code.CodeMeaning = ""
    item = Dataset()
    item.ScheduledProcedureStepID = "S*"
    item.RequestedProcedureCodeSequence = [code]
    data = encoded(identifier("SERIES", StudyInstanceUID="1", RequestAttributesSequence=[item]), syntax)
    request = parse_identifier(data, syntax, model=Model.STUDY_ROOT)
    assert request.query.conditions == (
        Exact("StudyInstanceUID", "1"),
        InSequence(
            "RequestAttributesSequence",
            (
                InSequence("RequestedProcedureCodeSequence", (Exact("CodeValue", "71020"),)),
                Wildcard("ScheduledProcedureStepID", "S*"),
            ),
        ),
    )
    stored = (
        '{"vr":"SQ","Value":[{"00400009":{"vr":"SH","Value":["S1"]},"00401001":{"vr":"SH","Value":["not asked"]},'
        '"00321064":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["71020"]},'
        '"00080104":{"vr":"LO","Value":["胸部"]},"00080102":{"vr":"SH","Value":["not asked"]}}]}}]}'
    )
    match = {"RequestAttributesSequence": stored}
    answer = decoded(encode_match(match, request, syntax, retrieve_ae_title="A"), syntax)
    assert answer.SpecificCharacterSet == "ISO_IR 192"
    [found] = answer.RequestAttributesSequence
    assert [element.keyword for element in found] == ["RequestedProcedureCodeSequence", "ScheduledProcedureStepID"]
    [code] = found.RequestedProcedureCodeSequence
    assert (code.CodeValue, code.CodeMeaning, len(code)) == ("71020", "胸部", 2)


def test_a_sequence_without_an_item_comes_back_whole() -> None:
    request = parsed("SERIES", StudyInstanceUID="1", RequestAttributesSequence=[])
    assert request.query.fields == {"StudyInstanceUID", "RequestAttributesSequence"}
    match = {"RequestAttributesSequence": '{"vr":"SQ","Value":[{"00400009":{"vr":"SH","Value":["S1"]}},{}]}'}
    answer = decoded(encode_match(match, request, IMPLICIT, retrieve_ae_title="A"))
    assert [[element.value for element in item] for item in answer.RequestAttributesSequence] == [["S1"], []]


def test_sequence_key_of_two_items_is_refused() -> None:
    data = encoded(identifier("SERIES", StudyInstanceUID="1", RequestAttributesSequence=[Dataset(), Dataset()]))
    with pytest.raises(InvalidRequest, match="has 2 items; a key has one"):
        parse_identifier(data, IMPLICIT, model=Model.STUDY_ROOT)


# Character sets


def test_keys_are_read_in_the_character_set_of_the_request() -> None:
    assert parsed(SpecificCharacterSet="ISO_IR 100", PatientName="MÜLLER").query.conditions == (
        Exact("PatientName", "MÜLLER"),
    )
    japanese = parsed(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName="Yamada=山田")
    assert japanese.query.conditions == (Exact("PatientName", "Yamada=山田"),)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("asked_in", "name", "answered_in"),
    [
        (None, "Doe^John", None),
        (None, "Müller^Jörg", "ISO_IR 192"),
        ("ISO_IR 100", "Doe^John", "ISO_IR 100"),
        ("ISO_IR 100", "Müller^Jörg", "ISO_IR 100"),
        ("ISO_IR 100", "Wang=王", "ISO_IR 192"),
        ("GB18030", "Wang=王", "GB18030"),
        (["", "ISO 2022 IR 87"], "Yamada=山田", ["", "ISO 2022 IR 87"]),
        (["", "ISO 2022 IR 87"], "Müller", "ISO_IR 192"),
        ("ISO_IR 192", "Wang=王", "ISO_IR 192"),
    ],
)
def test_matches_are_written_in_the_set_of_the_request_if_it_carries_them(
    syntax: UID, asked_in: str | list[str] | None, name: str, answered_in: str | list[str] | None
) -> None:
    dataset = identifier(PatientName="", StudyDescription="")
    if asked_in is not None:
        dataset.SpecificCharacterSet = asked_in
    data = encoded(dataset, syntax)
    request = parse_identifier(data, syntax, model=Model.STUDY_ROOT)
    answer = decoded(encode_match({"PatientName": name}, request, syntax, retrieve_ae_title="A"), syntax)
    assert answer.get("SpecificCharacterSet") == answered_in
    assert str(answer.PatientName) == name


@pytest.mark.parametrize("stated", ["", "ISO_IR 100"])
def test_a_surname_of_one_hanzi_is_understood_in_the_wrong_set(stated: str) -> None:
    # Consoles exist that declare Latin-1, or nothing, and write GBK: 王* as Íõ*.
    name = encode([Element(0x00100010, "PN", "王*".encode("gbk"))], EXPLICIT)
    level = encode([Element(0x00080052, "CS", b"STUDY")], EXPLICIT)
    charset = encode([Element(0x00080005, "CS", stated.encode())], EXPLICIT) if stated else b""
    request = parse_identifier(charset + level + name, EXPLICIT, model=Model.STUDY_ROOT)
    assert request.query.conditions == (Wildcard("PatientName", "王*"),)


def test_unknown_character_set_is_the_default_repertoire() -> None:
    stated = b"\x08\x00\x05\x00\x0c\x00\x00\x00no such set " + encoded(identifier(PatientName="Doe"))
    request = parse_identifier(stated, IMPLICIT, model=Model.STUDY_ROOT)
    answer = decoded(encode_match({"PatientName": "Doe"}, request, IMPLICIT, retrieve_ae_title="A"))
    assert ("SpecificCharacterSet" in answer, answer.PatientName) == (False, "Doe")


def test_match_has_level_retrieve_title_and_availability() -> None:
    request = parsed("SERIES", StudyInstanceUID="1.2", SeriesNumber=None, RetrieveAETitle="", InstanceAvailability="")
    match = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.3", "SeriesNumber": "7"}
    answer = decoded(encode_match(match, request, IMPLICIT, retrieve_ae_title="CALOTYPE"))
    assert {element.keyword: element.value for element in answer} == {
        "QueryRetrieveLevel": "SERIES",
        "RetrieveAETitle": "CALOTYPE",
        "InstanceAvailability": "ONLINE",
        "StudyInstanceUID": "1.2",
        "SeriesNumber": 7,
    }


# Retrieval


@pytest.mark.parametrize(
    ("model", "dataset", "wanted"),
    [
        (
            Model.STUDY_ROOT,
            identifier("STUDY", StudyInstanceUID=["1", "2"], PatientID="ignored"),
            Selection(Level.STUDY, (UID("1"), UID("2"))),
        ),
        (
            Model.STUDY_ROOT,
            identifier("IMAGE", StudyInstanceUID="1", SeriesInstanceUID="2", SOPInstanceUID=["3", "4"]),
            Selection(Level.IMAGE, (UID("1"),), (UID("2"),), (UID("3"), UID("4"))),
        ),
        (Model.PATIENT_ROOT, identifier("PATIENT", PatientID="P 1"), Selection(Level.PATIENT, patient_id="P 1")),
        (
            Model.PATIENT_ROOT,
            identifier("SERIES", PatientID="P", StudyInstanceUID="1", SeriesInstanceUID="2"),
            Selection(Level.SERIES, (UID("1"),), (UID("2"),), patient_id="P"),
        ),
    ],
)
def test_selection_has_the_unique_keys(model: Model, dataset: Dataset, wanted: Selection) -> None:
    assert selection(encoded(dataset), IMPLICIT, model) == wanted


@pytest.mark.parametrize(
    ("model", "dataset", "missing"),
    [
        (Model.STUDY_ROOT, identifier("STUDY"), "StudyInstanceUID is missing"),
        (Model.STUDY_ROOT, identifier("STUDY", StudyInstanceUID="*"), "StudyInstanceUID is missing"),
        (Model.STUDY_ROOT, identifier("STUDY", StudyInstanceUID='""'), "StudyInstanceUID must be one value"),
        (Model.STUDY_ROOT, identifier("IMAGE", SOPInstanceUID="3"), "StudyInstanceUID is missing"),
        (Model.PATIENT_ROOT, identifier("PATIENT", PatientID="A*"), "PatientID must be one value"),
        (Model.PATIENT_ROOT, identifier("PATIENT", PatientID="A\\B"), "PatientID must be one value"),
    ],
)
def test_selection_without_a_unique_key_is_refused(model: Model, dataset: Dataset, missing: str) -> None:
    with pytest.raises(InvalidRequest, match=missing):
        selection(encoded(dataset), IMPLICIT, model)


def test_relational_selection_needs_the_level_s_own_key_only() -> None:
    data = encoded(identifier("IMAGE", SOPInstanceUID="3"))
    relational = Negotiated(relational_queries=True)
    assert selection(data, IMPLICIT, Model.STUDY_ROOT, negotiated=relational) == Selection(
        Level.IMAGE, instances=(UID("3"),)
    )


# Hostile input


def test_key_given_twice_is_refused() -> None:
    once = encoded(identifier(PatientID="1"))
    with pytest.raises(InvalidRequest, match=r"holds \(0008,0052\) QueryRetrieveLevel twice"):
        parse_identifier(once + once, IMPLICIT, model=Model.STUDY_ROOT)


def test_key_that_cannot_be_read_is_refused_by_name() -> None:
    with pytest.raises(InvalidKey, match="StudyDate: 'yesterday' is no date"):
        parsed(StudyDate="yesterday")


def test_more_keys_than_anyone_needs_are_refused() -> None:
    dataset = identifier()
    for element in range(0x1000, 0x1000 + 2001):
        dataset.add_new(0x00090000 + element, "LO", "")
    with pytest.raises(InvalidRequest, match="more than the 2000 elements"):
        parse_identifier(encoded(dataset, EXPLICIT), EXPLICIT, model=Model.STUDY_ROOT)


@given(st.binary(max_size=60), st.sampled_from(SYNTAXES), st.sampled_from(Model))
def test_any_bytes_are_understood_or_refused(noise: bytes, syntax: UID, model: Model) -> None:
    data = encoded(identifier(StudyInstanceUID="1", PatientID="1"), syntax)
    for hostile in (noise, data + noise, data[: len(noise)]):
        for read in (
            lambda data: parse_identifier(data, syntax, model=model).level,
            lambda data: selection(data, syntax, model).level,
        ):
            try:
                outcome = read(hostile)
            except InvalidRequest as error:
                outcome = str(error)
            assert outcome
