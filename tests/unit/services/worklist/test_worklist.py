"""The worklist service: what modalities get, and what people may change."""

from __future__ import annotations

import json

import pytest

from calotype.dicom import keywords
from calotype.dicom.datasets import Element, encode
from calotype.dicom.part10 import write_file_meta
from calotype.dicom.query.model import Exact, InSequence
from calotype.dicom.query.worklist import STATUS, STEPS, WorklistRequest
from calotype.dicom.text import encode as encode_text
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from calotype.errors import Conflict, InvalidRequest, NotFound
from calotype.services.worklist.importing import import_document, read_document
from calotype.services.worklist.items import StepStatus
from calotype.services.worklist.worklist import Worklist, WorklistSettings
from calotype.stores.index.memory_worklist import MemoryWorklist
from support.archives import Clock
from support.worklists import given


@pytest.fixture
def worklist():
    return Worklist(MemoryWorklist(), clock=Clock())


def asked(worklist, *conditions, asks_status=False):
    request = WorklistRequest(conditions, (), ("ISO_IR 6",), asks_status)
    return [entry.step_id for entry in worklist.ask(request)]


def test_a_question_without_a_status_finds_what_is_still_to_be_done(worklist):
    for number, status in enumerate(StepStatus):
        worklist.schedule(given(number, ScheduledProcedureStepStatus=status))
    assert asked(worklist) == ["S0", "S1"]
    departed = InSequence(STEPS, (Exact(STATUS, "DEPARTED"),))
    assert asked(worklist, departed, asks_status=True) == ["S3", "S4"]


def test_a_setting_says_what_is_found_without_a_status():
    worklist = Worklist(MemoryWorklist(), WorklistSettings(frozenset(StepStatus)))
    for number, status in enumerate(StepStatus):
        worklist.schedule(given(number, ScheduledProcedureStepStatus=status))
    assert len(asked(worklist)) == 5


def test_an_item_is_scheduled_once_and_stamped(worklist):
    item = worklist.schedule(given())
    assert item.created_us == item.updated_us > 0
    assert worklist.item(item.item_id) == item
    with pytest.raises(Conflict):
        worklist.schedule(given())


def test_an_item_is_replaced_and_keeps_what_it_is(worklist):
    item = worklist.schedule(given())
    fresh = {key: value for key, value in given(1, PatientID="NEW").items() if key != "StudyInstanceUID"}
    new = worklist.replace(item.item_id, fresh)
    assert (new.item_id, new.study, new.created_us) == (item.item_id, item.study, item.created_us)
    assert new.updated_us > item.updated_us
    assert worklist.item(item.item_id).attributes["PatientID"] == "NEW"
    with pytest.raises(InvalidRequest):
        worklist.replace(item.item_id, {})
    with pytest.raises(NotFound):
        worklist.replace("nobody", given())


def test_steps_are_moved_one_or_all(worklist):
    steps = [{**given()[STEPS][0], "ScheduledProcedureStepID": each} for each in "ab"]
    item = worklist.schedule({**given(), STEPS: steps})
    moved = worklist.move(item.item_id, StepStatus.ARRIVED, ["b"])
    assert [each.status for each in moved.steps] == [StepStatus.SCHEDULED, StepStatus.ARRIVED]
    assert {each.status for each in worklist.move(item.item_id, StepStatus.STARTED).steps} == {StepStatus.STARTED}
    with pytest.raises(InvalidRequest, match="no step c"):
        worklist.move(item.item_id, StepStatus.STARTED, ["c"])


def test_what_is_removed_is_gone(worklist):
    item = worklist.schedule(given())
    worklist.remove(item.item_id)
    with pytest.raises(NotFound):
        worklist.item(item.item_id)


def wl_file(keys, *, charset="ISO_IR 192", syntax=EXPLICIT_VR_LITTLE_ENDIAN, meta=True):
    codec = tuple(charset.split("\\"))
    elements = list(keywords.to_elements(keys, lambda value, vr: encode_text(value, codec, vr)))
    elements.append(Element(keywords.SPECIFIC_CHARACTER_SET, "CS", charset.encode()))
    elements.append(Element(0x00091001, "LO", b"private"))
    data = encode(elements, syntax)
    return (write_file_meta("1.2.276.0.7230010.3.1.0.1", "1.2.3", syntax) if meta else b"") + data


@pytest.mark.parametrize("charset", ["ISO_IR 192", "GB18030", "\\ISO 2022 IR 58"])
@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN])
@pytest.mark.parametrize("meta", [True, False])
def test_worklist_files_are_taken(worklist, charset, syntax, meta):
    data = wl_file(given(1, PatientName="Zhang^San=张^三"), charset=charset, syntax=syntax, meta=meta)
    [taken] = import_document(worklist, "a.wl", data)
    assert (taken.problem, taken.is_new) == ("", True)
    assert worklist.item(taken.item_id).attributes["PatientName"] == "Zhang^San=张^三"


def test_a_file_that_comes_again_changes_its_item(worklist):
    [first] = import_document(worklist, "a.wl", wl_file(given()))
    [again] = import_document(worklist, "a.wl", wl_file(given(1, PatientSex="F")))
    assert (again.item_id, again.is_new) == (first.item_id, False)
    assert worklist.item(first.item_id).attributes["PatientSex"] == "F"


def test_files_of_one_procedure_are_steps_of_one_item(worklist):
    for step_id in ("a", "b", "a"):
        [taken] = import_document(worklist, "a.wl", wl_file(given(1, ScheduledProcedureStepID=step_id)))
    assert [step.step_id for step in worklist.item(taken.item_id).steps] == ["a", "b"]


def test_a_file_without_identifiers_is_the_same_item_whenever_it_comes(worklist):
    keys = {key: value for key, value in given().items() if key not in {"StudyInstanceUID", "RequestedProcedureID"}}
    ids = {taken.item_id for _ in range(2) for taken in import_document(worklist, "a.wl", wl_file(keys))}
    assert len(ids) == 1


def test_json_is_taken_one_item_or_many_and_each_problem_is_told(worklist):
    [one] = import_document(worklist, "a.json", json.dumps(given(1)).encode())
    assert one.is_new
    several = json.dumps([given(2), {"PatientID": "x"}, given(3)]).encode("utf-8-sig")
    taken = list(import_document(worklist, "b.json", several))
    assert [each.is_new for each in taken] == [True, False, True]
    assert taken[1].source == "b.json item 2"
    assert "PatientName is missing" in taken[1].problem


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no worklist file"),
        (b"hello, this is no worklist", "neither JSON nor a DICOM worklist file"),
        (b"{]", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'["text"]', "an item is an object of keywords"),
        (b"{\xff}", "no JSON"),
        (
            encode([Element(0x00100020, "LO", b"1")], EXPLICIT_VR_LITTLE_ENDIAN),
            "it has no ScheduledProcedureStepSequence",
        ),
    ],
)
def test_other_files_are_refused(data, problem):
    with pytest.raises(InvalidRequest, match=problem):
        read_document(data)


def test_json_without_identifiers_is_imported_once_however_often_it_comes():
    worklist = Worklist(MemoryWorklist(), clock=Clock())

    def appointment(time, **more):
        step = {
            "Modality": "CT",
            "ScheduledStationAETitle": "CT1",
            "ScheduledProcedureStepStartDate": "20240131",
            "ScheduledProcedureStepStartTime": time,
        }
        return {"PatientName": "Doe^John", "PatientID": "P1", STEPS: [step], **more}

    document = json.dumps(
        [appointment("08"), appointment("09"), appointment("10", AccessionNumber="A1"), {STEPS: 7}, {STEPS: [7]}]
    ).encode()
    first, again = (list(import_document(worklist, "", document)) for _ in range(2))
    assert [each.is_new for each in first] == [True, True, True, False, False]
    assert [(each.item_id, each.is_new) for each in again[:3]] == [(each.item_id, False) for each in first[:3]]
    assert all(each.problem for each in (*first[3:], *again[3:]))
    # An order that is put off is still the same.
    [later] = import_document(worklist, "", json.dumps(appointment("11", AccessionNumber="A1")).encode())
    assert (later.item_id, later.is_new) == (first[2].item_id, False)
