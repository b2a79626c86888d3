"""The worklist's information model: what an identifier asks for, and what an answer holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calotype.dicom import keywords
from calotype.dicom.datasets import Element, decode, encode
from calotype.dicom.dictionary import lookup, tag_of, vr_of
from calotype.dicom.query.model import (
    AnyOf,
    DateTimeRange,
    Empty,
    Exact,
    InSequence,
    Range,
    Romanised,
    UidList,
    Wildcard,
)
from calotype.dicom.query.worklist import MODEL, STEPS, encode_match, parse, table
from calotype.dicom.text import encode as encode_text
from calotype.dicom.uids import EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import InvalidRequest

SYNTAX = EXPLICIT_VR_LITTLE_ENDIAN


def elements(keys, charsets=("ISO_IR 192",)):
    return keywords.to_elements(keys, lambda value, vr: encode_text(value, charsets, vr))


def identifier(keys, charset="", syntax=SYNTAX):
    charsets = tuple(charset.split("\\")) if charset else ("ISO_IR 6",)
    found = list(elements(keys, charsets))
    # A key that asks for a whole sequence has no item, or an empty one.
    if charset:
        found.append(Element(keywords.SPECIFIC_CHARACTER_SET, "CS", charset.encode()))
    return encode(found, syntax)


def step(**keys):
    return {STEPS: [keys]}


def parsed(keys, charset=""):
    return parse(identifier(keys, charset), SYNTAX)


def in_step(*conditions):
    return (InSequence(STEPS, conditions),)


@pytest.mark.parametrize(
    ("keys", "conditions"),
    [
        ({"PatientID": "4711"}, (Exact("PatientID", "4711"),)),
        ({"PatientName": "zhang*"}, (Wildcard("PatientName", "zhang*"),)),
        ({"PatientName": ""}, ()),
        ({"PatientName": "*"}, ()),
        ({"AccessionNumber": '""'}, (Empty("AccessionNumber"),)),
        ({"AdmissionID": "A1"}, (Exact("AdmissionID", "A1"),)),
        ({"StudyInstanceUID": "1.2\\1.3"}, (UidList("StudyInstanceUID", ("1.2", "1.3")),)),
        (step(Modality="ct"), in_step(Exact("Modality", "CT"))),
        (
            step(ScheduledStationAETitle="CT1", ScheduledProcedureStepStartDate="20240131"),
            in_step(Exact("ScheduledStationAETitle", "CT1"), Exact("ScheduledProcedureStepStartDate", "20240131")),
        ),
        (
            step(ScheduledProcedureStepStartDate="20240131-", ScheduledPerformingPhysicianName="wang*"),
            in_step(
                Range("ScheduledProcedureStepStartDate", "20240131", None),
                Wildcard("ScheduledPerformingPhysicianName", "wang*"),
            ),
        ),
        (
            step(ScheduledProcedureStepStartTime="0800-1200"),
            in_step(Range("ScheduledProcedureStepStartTime", "080000", "120059.999999")),
        ),
        # PS3.4 Table K.6-1: the two ranges are one period
        (
            step(ScheduledProcedureStepStartDate="20240705-20240707", ScheduledProcedureStepStartTime="1000-1800"),
            in_step(
                DateTimeRange(
                    "ScheduledProcedureStepStartDate",
                    "ScheduledProcedureStepStartTime",
                    "20240705100000.000000",
                    "20240707180059.999999",
                )
            ),
        ),
        # ... and a single time is that time on each of the days
        (
            step(ScheduledProcedureStepStartDate="20240705-20240707", ScheduledProcedureStepStartTime="1000"),
            in_step(
                Range("ScheduledProcedureStepStartDate", "20240705", "20240707"),
                Range("ScheduledProcedureStepStartTime", "100000", "100059.999999"),
            ),
        ),
        (
            step(ScheduledProtocolCodeSequence=[{"CodeValue": "P1"}]),
            in_step(InSequence("ScheduledProtocolCodeSequence", (Exact("CodeValue", "P1"),))),
        ),
        ({"RequestedProcedureCodeSequence": [{"CodeValue": "X"}]},
         (InSequence("RequestedProcedureCodeSequence", (Exact("CodeValue", "X"),)),)),
        ({"PatientWeight": "70.50"}, (Exact("PatientWeight", "70.5"),)),
        (
            step(ScheduledProcedureStepStartDateTime="2024013109-"),
            in_step(Range("ScheduledProcedureStepStartDateTime", "20240131090000", None)),
        ),
        ({"QueryRetrieveLevel": "WORKLIST", "PatientID": "1"}, (Exact("PatientID", "1"),)),
    ],
)  # fmt: skip
def test_an_identifier_is_understood(keys, conditions):
    assert parsed(keys, "ISO_IR 192").conditions == conditions


@pytest.mark.parametrize("charset", ["", "ISO_IR 100", "\\ISO 2022 IR 149"])
def test_a_device_that_reads_pinyin_may_ask_for_it(charset):
    found = parsed({"PatientName": "Zhang^Sanf*", **step(ScheduledPerformingPhysicianName="Wang^Wu\\Li*")}, charset)
    surname, other = Exact("x", "Wang^Wu"), Wildcard("x", "Li*")
    doctor = "ScheduledPerformingPhysicianName"
    assert found.conditions == (
        Romanised("PatientName", Wildcard("PatientName", "Zhang^Sanf*")),
        *in_step(
            AnyOf(tuple(Romanised(doctor, replace(each, keyword=doctor)) for each in (surname, other))),
        ),
    )


@pytest.mark.parametrize(
    ("charset", "key"),
    [("GB18030", "zhang*"), ("GBK", "zhang*"), ("ISO_IR 192", "zhang*"), ("\\ISO 2022 IR 58", "zhang*"),
     ("ISO_IR 100", "M\u00fcller*"), ("", "=zhang*"), ("", "?*"), ("", "*1*")],
)  # fmt: skip
def test_a_device_that_shows_hanzi_or_asks_for_no_letters_means_the_name_as_it_is(charset, key):
    assert parsed({"PatientName": key}, charset).conditions == (Wildcard("PatientName", key),)


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN])
def test_an_identifier_is_understood_in_every_syntax(syntax):
    found = parse(
        identifier({"PatientID": "1", "PregnancyStatus": "4", **step(Modality="CT")}, syntax=syntax), syntax
    )
    assert found.conditions == (
        Exact("PatientID", "1"),
        Exact("PregnancyStatus", "4"),
        *in_step(Exact("Modality", "CT")),
    )


def test_a_request_that_states_no_character_set_is_in_the_one_it_is_known_to_speak():
    question = parse(encode(elements({"PatientName": "张^三"}, ("GB18030",)), SYNTAX), SYNTAX, ("GB18030",))
    assert question.conditions == (Exact("PatientName", "张^三"),)
    assert question.charsets == ("GB18030",)
    # What it states goes before.
    stated = parse(identifier({"PatientName": "张^三"}, "ISO_IR 192"), SYNTAX, ("GB18030",))
    assert stated.conditions == (Exact("PatientName", "张^三"),)
    assert stated.charsets == ("ISO_IR 192",)


def test_a_surname_of_one_hanzi_is_understood_where_no_set_is_declared():
    found = parse(encode(elements({"PatientName": "王*"}, ("GBK",)), SYNTAX), SYNTAX)
    assert found.conditions == (Wildcard("PatientName", "王*"),)


@pytest.mark.parametrize("charset", ["ISO_IR 192", "GB18030", "\\ISO 2022 IR 58"])
def test_names_are_read_in_the_character_set_of_the_request(charset):
    assert parsed({"PatientName": "*三"}, charset).conditions == (Wildcard("PatientName", "*三"),)


@pytest.mark.parametrize(("key", "asks"), [("", False), ("*", False), ("ARRIVED", True), ('""', True), ("S*", True)])
def test_only_a_key_with_a_value_asks_for_a_status(key, asks):
    assert parsed(step(ScheduledProcedureStepStatus=key)).asks_status is asks


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (identifier(step(ScheduledProcedureStepStartDate="tomorrow")), "ScheduledProcedureStepStartDate: 'tomorrow'"),
        (identifier(step(ScheduledProcedureStepStartDate="20240202-20240101")), "ends before it begins"),
        (identifier(step(ScheduledProcedureStepStartTime="2200-0600")), "ends before it begins"),
        (identifier({STEPS: [{"Modality": "CT"}, {"Modality": "MR"}]}), "has 2 items"),
        (encode([Element(0x00100020, "LO", b"1")], SYNTAX) * 2, r"\(0010,0020\) PatientID twice"),
        (b"\x10\0\x20\0LO\xff\0ab", "truncated"),
        (identifier({"PatientID": "a\x01b"}), "control characters"),
    ],
)
def test_an_identifier_that_cannot_be_understood_is_refused(data, words):
    with pytest.raises(InvalidRequest, match=words):
        parse(data, SYNTAX)


MATCH = {
    "PatientName": "Zhang^San=张^三",
    "PatientID": "4711",
    "PatientWeight": "70.5",
    "PregnancyStatus": "4",
    "RequestedProcedureCodeSequence": [
        {"CodeValue": "A", "CodingSchemeDesignator": "99X", "CodeMeaning": "头部"},
        {"CodeValue": "B"},
    ],
    STEPS: [{"Modality": "CT", "ScheduledStationAETitle": "CT1\\CT2", "ScheduledProcedureStepStatus": "SCHEDULED"}],
}


def answered(keys, charset="ISO_IR 192"):
    request = parsed(keys, charset)
    return keywords.from_elements(decode(encode_match(MATCH, request, SYNTAX), SYNTAX))


def tags(keys, match=MATCH):
    return [element.tag for element in decode(encode_match(match, parsed(keys), SYNTAX), SYNTAX)]


def test_an_answer_holds_what_was_asked_for_and_nothing_else():
    assert answered({"PatientID": "", "AccessionNumber": ""}) == {"PatientID": "4711"}
    assert tags({"PatientID": "", "AccessionNumber": ""}) == [0x00080050, 0x00100020]


def test_inside_a_sequence_only_what_was_asked_for_is_answered():
    assert answered(step(Modality="", ScheduledProcedureStepLocation="")) == {STEPS: [{"Modality": "CT"}]}
    assert answered({"RequestedProcedureCodeSequence": [{"CodeValue": ""}]}) == {
        "RequestedProcedureCodeSequence": [{"CodeValue": "A"}, {"CodeValue": "B"}]
    }
    [sequence] = decode(encode_match(MATCH, parsed(step(Modality="", PreMedication="")), SYNTAX), SYNTAX)
    assert [[element.tag for element in item] for item in sequence.items] == [[0x00080060, 0x00400012]]


@pytest.mark.parametrize("empty", [[], [{}]])
def test_a_sequence_without_keys_is_answered_whole(empty):
    request = parse(encode([Element(0x00400100, "SQ", tuple(() for _ in empty))], SYNTAX), SYNTAX)
    assert keywords.from_elements(decode(encode_match(MATCH, request, SYNTAX), SYNTAX)) == {STEPS: MATCH[STEPS]}


def test_a_sequence_that_a_match_has_not_comes_back_empty():
    [sequence] = decode(encode_match({}, parsed(step(Modality="CT")), SYNTAX), SYNTAX)
    assert (sequence.tag, sequence.items) == (0x00400100, ())


def test_numbers_are_answered_in_their_vr():
    found = {
        e.tag: e.raw
        for e in decode(encode_match(MATCH, parsed({"PregnancyStatus": "", "PatientWeight": ""}), SYNTAX), SYNTAX)
    }
    assert found == {0x001021C0: b"\4\0", 0x00101030: b"70.5"}


def test_private_and_unreadable_keys_come_back_empty_and_are_told():
    data = encode(
        [Element(0x00091001, "LO", b"x"), Element(0x7FE00010, "OW", b""), Element(0x00100020, "LO", b"")], SYNTAX
    )
    request = parse(data, SYNTAX)
    assert request.unsupported == (0x00091001, 0x7FE00010)
    found = {each.tag: each.raw for each in decode(encode_match(MATCH, request, SYNTAX), SYNTAX)}
    assert found == {0x00091001: b"", 0x00100020: b"4711", 0x7FE00010: b""}


@pytest.mark.parametrize(
    ("charset", "name", "meaning", "stated"),
    [
        ("", "Zhang^San", "toubu", ""),
        ("ISO_IR 100", "Zhang^San", "toubu", "ISO_IR 100"),
        ("GB18030", "Zhang^San=张^三", "头部", "GB18030"),
        ("ISO_IR 192", "Zhang^San=张^三", "头部", "ISO_IR 192"),
        ("\\ISO 2022 IR 58", "Zhang^San=张^三", "头部", "\\ISO 2022 IR 58"),
    ],
)
def test_answers_are_in_the_set_that_was_asked_for_and_romanised_where_it_cannot(charset, name, meaning, stated):
    keys = {"PatientName": "", "RequestedProcedureCodeSequence": [{"CodeMeaning": ""}]}
    read = decode(encode_match(MATCH, parsed(keys, charset), SYNTAX), SYNTAX)
    said = next((each.raw for each in read if each.tag == 0x00080005), b"")
    found = keywords.from_elements(read)
    assert said.decode().strip() == stated
    assert found["PatientName"] == name
    assert found["RequestedProcedureCodeSequence"][0]["CodeMeaning"].lower() == meaning.lower()


def test_the_model_names_attributes_that_there_are():
    assert all(tag_of(row.keyword) for row in MODEL)
    assert len({row.keyword for row in MODEL}) == len(MODEL)
    first = next(table())
    assert first == ("Scheduled Procedure Step", "ScheduledStationAETitle", "(0040,0001)", "R", "1")


def test_every_attribute_of_the_model_can_be_asked_for_and_is_answered():
    for row in MODEL:
        tag = tag_of(row.keyword)
        request = parse(encode([Element(tag, lookup(tag).vr, () if vr_of(tag) == "SQ" else b"")], SYNTAX), SYNTAX)
        assert request.unsupported == ()
        assert [each.tag for each in decode(encode_match({}, request, SYNTAX), SYNTAX)] == [tag]
