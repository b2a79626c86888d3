"""What may stand in a worklist item, and what is said of what may not."""

from __future__ import annotations

import pytest

from calotype.dicom.query.worklist import STATUS, STEPS
from calotype.dicom.uids import is_valid_uid
from calotype.errors import InvalidRequest
from calotype.services.worklist.items import StepStatus, to_json
from calotype.services.worklist.validation import MAX_ATTRIBUTES, read_item, uid_of
from support.worklists import given


def step(**changes):
    return {**given()[STEPS][0], **changes}


def without(keyword):
    return {key: value for key, value in given().items() if key != keyword}


def test_an_item_is_read_as_given():
    item = read_item(given())
    assert to_json(item) == {**given(), STEPS: [step(ScheduledProcedureStepStatus="scheduled")]}
    assert (item.study, item.procedure_id) == (given()["StudyInstanceUID"], "R1")


def test_identifiers_that_are_missing_are_made():
    first, second = (
        read_item(
            {
                **without("StudyInstanceUID"),
                "RequestedProcedureID": "",
                STEPS: [step(ScheduledProcedureStepID="")] * 2,
            }
        )
        for _ in range(2)
    )
    assert is_valid_uid(first.study)
    assert first.study != second.study
    assert first.procedure_id.startswith("RP")
    assert [each.step_id for each in first.steps] == ["SPS1", "SPS2"]
    assert first.item_id != second.item_id


def test_step_ids_that_are_made_are_free():
    item = read_item({**given(), STEPS: [step(ScheduledProcedureStepID=each) for each in ("SPS2", "", "")]})
    assert [each.step_id for each in item.steps] == ["SPS2", "SPS3", "SPS4"]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        (None, StepStatus.SCHEDULED),
        ("", StepStatus.SCHEDULED),
        ("arrived", StepStatus.ARRIVED),
        ("READY", StepStatus.ARRIVED),
        ("Started", StepStatus.STARTED),
        ("DEPARTED", StepStatus.COMPLETED),
        ("cancelled", StepStatus.DISCONTINUED),
    ],
)
def test_statuses_are_our_words_or_defined_terms(word, status):
    assert read_item({**given(), STEPS: [step(**{STATUS: word})]}).steps[0].status is status


@pytest.mark.parametrize(
    ("keyword", "value", "kept"),
    [
        ("PatientBirthDate", "1970.01.02", "19700102"),
        ("PatientSex", "m", "M"),
        ("PatientWeight", 70.5, "70.5"),
        ("PregnancyStatus", 4, "4"),
        ("OtherPatientIDs", ["A", "B"], "A\\B"),
        ("PatientName", "  Doe^John ", "Doe^John"),
        ("PatientComments", "two\r\nlines \\ one value", "two\r\nlines \\ one value"),
        ("AccessionNumber", None, None),
        ("ReferencedStudySequence", [], None),
        ("ReferencedStudySequence", {"ReferencedSOPInstanceUID": "1.2"}, [{"ReferencedSOPInstanceUID": "1.2"}]),
        ("PatientName", "张^三=张^三", "张^三=张^三"),
    ],
)
def test_values_are_kept_in_their_normal_form(keyword, value, kept):
    assert read_item({**given(), keyword: value}).attributes.get(keyword) == kept


def test_times_with_colons_are_taken():
    item = read_item({**given(), STEPS: [step(ScheduledProcedureStepStartTime="09:30")]})
    assert item.steps[0].attributes["ScheduledProcedureStepStartTime"] == "0930"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"PatientName": ""}, "PatientName is missing"),
        ({"PatientID": None}, "PatientID is missing"),
        ({STEPS: []}, "ScheduledProcedureStepSequence is missing: give a list of at least one step"),
        ({STEPS: "CT"}, "ScheduledProcedureStepSequence is missing: give a list of at least one step"),
        ({STEPS: [step(Modality="")]}, "step 1: Modality is missing"),
        ({STEPS: [step(ScheduledStationAETitle="")]}, "step 1: ScheduledStationAETitle is missing"),
        ({STEPS: [step(), step()]}, "ScheduledProcedureStepID 'S1' stands in two steps"),
        ({STEPS: [step(**{STATUS: "lost"})]}, "step 1: ScheduledProcedureStepStatus 'lost' is none of scheduled, ar"),
        ({"PatientBirthDate": "1970-13-45"}, "PatientBirthDate: '1970-13-45' is no date, write YYYYMMDD"),
        ({STEPS: [step(ScheduledProcedureStepStartTime="25")]}, "StartTime: '25' is no time"),
        ({"PatientsName": "x"}, "PatientsName is no attribute; did you mean PatientName?"),
        ({"Quux": "x"}, "Quux is no attribute"),
        ({"AccessionNumber": "x" * 17}, "has 17 characters, SH takes 16"),
        ({"PatientName": "a=b=c=d"}, "more than three component groups"),
        ({"PatientName": "x" * 65}, "a component group of more than 64 characters"),
        ({"PatientID": "a\\b"}, "PatientID has 2 values and takes one"),
        ({"PatientID": ["a", "b"]}, "PatientID has 2 values and takes one"),
        ({"PatientID": {"a": "b"}}, "PatientID must be text or a number"),
        ({"PatientID": True}, "PatientID must be text or a number"),
        ({"PatientID": "a\0b"}, "holds control characters"),
        ({"PatientID": "\ud800"}, "holds control characters"),
        ({"StudyInstanceUID": "1..2"}, "is no UID"),
        ({"PatientSex": "männlich"}, "is no code"),
        ({"PatientAge": "45"}, "is no age, write 045Y"),
        ({"PatientWeight": "heavy"}, "is no number"),
        ({"PregnancyStatus": "70000"}, "is no number that US can hold"),
        ({"PixelData": "x"}, "PixelData has no place in a worklist item"),
        ({"SpecificCharacterSet": "GBK"}, "SpecificCharacterSet has no place in a worklist item"),
        ({"RequestedProcedureCodeSequence": "CT"}, "RequestedProcedureCodeSequence is a sequence: give a list"),
        ({"RequestedProcedureCodeSequence": [{"CodeValu": "CT"}]}, "CodeSequence 1: CodeValu is no attribute"),
        ({STEPS: [step(ScheduledStationAETitle="ÖST")]}, "is no AE title"),
    ],
)  # fmt: skip
def test_what_may_not_stand_in_an_item_is_told(change, problem):
    with pytest.raises(InvalidRequest) as raised:
        read_item({**given(), **change})
    assert problem in str(raised.value)


def test_everything_that_is_wrong_is_told_at_once():
    with pytest.raises(InvalidRequest) as raised:
        read_item({"PatientSex": "?", STEPS: [{}]})
    assert str(raised.value).count(";") == 6


def test_hostile_items_are_refused_in_good_time():
    deep: dict = {"CodeValue": "x"}
    for _ in range(50):
        deep = {"RequestedProcedureCodeSequence": [deep]}
    with pytest.raises(InvalidRequest, match="nested deeper"):
        read_item({**given(), **deep})
    wide = [{"CodeValue": "x"}] * (MAX_ATTRIBUTES + 1)
    with pytest.raises(InvalidRequest, match="more than the 1000 attributes"):
        read_item({**given(), "RequestedProcedureCodeSequence": wide})
    with pytest.raises(InvalidRequest, match=r"and 9\d more"):
        read_item({**given(), **{f"Nothing{number}": "x" for number in range(100)}})


def test_the_same_text_gives_the_same_uid():
    assert uid_of("a", "b") == uid_of("a", "b") != uid_of("ab", "")
    assert is_valid_uid(uid_of("a"))
