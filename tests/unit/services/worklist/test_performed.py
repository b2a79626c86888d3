"""Performed steps: what they must hold, when they are closed, and what they do to the worklist."""

from __future__ import annotations

import pytest

from calotype.dicom import dictionary, keywords
from calotype.dicom.datasets import Element
from calotype.dicom.hierarchy import UID
from calotype.dicom.query.model import Page
from calotype.dicom.query.worklist import STEPS
from calotype.dicom.text import encode as encode_text
from calotype.errors import Conflict, InvalidRequest, NotFound
from calotype.services.worklist.performed import PerformedSteps, StepClosed
from calotype.services.worklist.performed_rules import (
    INSIDE,
    PERFORMED_SERIES,
    SCHEDULED_STEPS,
    FixedAttribute,
    MissingAttribute,
    Strictness,
)
from calotype.services.worklist.performed_rules import (
    STEP as RULES,
)
from calotype.services.worklist.worklist import Worklist
from calotype.stores.index.memory_worklist import MemoryWorklist
from support.archives import Clock
from support.worklists import given

STEP = UID("1.2.3.4")
SCHEDULED = {
    "StudyInstanceUID": given()["StudyInstanceUID"],
    "AccessionNumber": "A1",
    "RequestedProcedureID": "R1",
    "ScheduledProcedureStepID": "S1",
}
BEGUN = {
    "ScheduledStepAttributesSequence": [SCHEDULED],
    "PerformedProcedureStepID": "PPS1",
    "PerformedStationAETitle": "CT1",
    "PerformedProcedureStepStartDate": "20240131",
    "PerformedProcedureStepStartTime": "0905",
    "PerformedProcedureStepStatus": "IN PROGRESS",
    "Modality": "CT",
    "PatientName": "Doe^John",
}
REASONS = "PerformedProcedureStepDiscontinuationReasonCodeSequence"


def elements(keys):
    return list(keywords.to_elements(keys, lambda value, vr: encode_text(value, ("ISO_IR 192",), vr)))


@pytest.fixture
def store():
    return MemoryWorklist()


@pytest.fixture
def worklist(store):
    return Worklist(store, clock=Clock())


@pytest.fixture
def performed(store):
    return PerformedSteps(store, store, Clock())


def begin(performed, instance=STEP, **changes):
    performed.create(instance, elements({**BEGUN, **changes}), "CT1")


def end(performed, state, instance=STEP, **changes):
    performed.set(instance, elements({"PerformedProcedureStepStatus": state, **changes}))


def statuses(worklist, item):
    return [step.status.value for step in worklist.item(item.item_id).steps]


@pytest.mark.parametrize(
    ("state", "status"), [("COMPLETED", "completed"), ("DISCONTINUED", "discontinued"), ("IN PROGRESS", "started")]
)
def test_a_performed_step_moves_the_scheduled_one_along(worklist, performed, state, status):
    item = worklist.schedule(given())
    begin(performed)
    assert statuses(worklist, item) == ["started"]
    end(performed, state)
    assert statuses(worklist, item) == [status]


def test_only_the_steps_that_are_named_move(worklist, performed):
    steps = [{**given()[STEPS][0], "ScheduledProcedureStepID": each} for each in ("S1", "S2")]
    item = worklist.schedule({**given(), STEPS: steps})
    begin(performed)
    assert statuses(worklist, item) == ["started", "scheduled"]


def test_a_step_without_an_id_means_the_whole_procedure(worklist, performed):
    steps = [{**given()[STEPS][0], "ScheduledProcedureStepID": each} for each in ("S1", "S2")]
    item = worklist.schedule({**given(), STEPS: steps})
    begin(performed, ScheduledStepAttributesSequence=[{**SCHEDULED, "ScheduledProcedureStepID": ""}])
    assert statuses(worklist, item) == ["started", "started"]


def test_one_performed_step_may_be_of_several_scheduled_ones(worklist, performed):
    items = [worklist.schedule(given(number)) for number in (1, 2)]
    named = [
        {"StudyInstanceUID": item.study, "ScheduledProcedureStepID": f"S{number}"}
        for number, item in enumerate(items, 1)
    ]
    begin(performed, ScheduledStepAttributesSequence=named)
    assert [statuses(worklist, item) for item in items] == [["started"], ["started"]]


def test_of_two_procedures_of_a_study_the_one_that_is_named_moves(worklist, performed):
    first = worklist.schedule(given())
    second = worklist.schedule(given(1, RequestedProcedureID="R2"))
    begin(performed, ScheduledStepAttributesSequence=[{**SCHEDULED, "RequestedProcedureID": "R2"}])
    assert (statuses(worklist, first), statuses(worklist, second)) == (["scheduled"], ["started"])


def test_a_modality_with_its_own_study_uid_is_understood_by_order_and_step(worklist, performed):
    item = worklist.schedule(given())
    begin(performed, ScheduledStepAttributesSequence=[{**SCHEDULED, "StudyInstanceUID": "9.9.9"}])
    assert statuses(worklist, item) == ["started"]


def test_an_unscheduled_step_is_kept_and_moves_nothing(worklist, performed):
    item = worklist.schedule(given())
    begin(performed, ScheduledStepAttributesSequence=[{"StudyInstanceUID": "9.9.9"}])
    assert statuses(worklist, item) == ["scheduled"]
    assert performed.one(STEP).state == "IN PROGRESS"


def test_the_wrong_worklist_entry_is_still_to_be_done(worklist, performed):
    item = worklist.schedule(given())
    begin(performed)
    end(performed, "DISCONTINUED", **{REASONS: [{"CodeValue": "110514", "CodingSchemeDesignator": "DCM"}]})
    assert statuses(worklist, item) == ["scheduled"]


def test_changes_are_put_over_what_was_sent_before(worklist, performed):
    begin(performed)
    series = [{"SeriesInstanceUID": "1.2.3.5", "ProtocolName": "胸部"}]
    performed.set(STEP, elements({"PerformedSeriesSequence": series, "PatientName": "Someone^Else"}))
    end(performed, "COMPLETED", PerformedProcedureStepEndDate="20240131")
    shown = performed.one(STEP)
    assert (shown.state, shown.calling_ae_title) == ("COMPLETED", "CT1")
    assert shown.updated_us > shown.created_us
    assert shown.attributes["PatientName"] == "Doe^John"
    assert shown.attributes["PerformedProcedureStepEndDate"] == "20240131"
    assert [each["SeriesInstanceUID"] for each in shown.attributes["PerformedSeriesSequence"]] == ["1.2.3.5"]


@pytest.mark.parametrize("state", ["COMPLETED", "DISCONTINUED"])
def test_a_step_that_has_ended_is_closed(worklist, performed, state):
    item = worklist.schedule(given())
    begin(performed)
    end(performed, state)
    before = performed.one(STEP)
    for again in ("IN PROGRESS", "COMPLETED", "DISCONTINUED"):
        with pytest.raises(StepClosed, match="may no longer be updated"):
            end(performed, again)
    with pytest.raises(StepClosed):
        performed.set(STEP, elements({"PerformedProcedureStepDescription": "x"}))
    assert performed.one(STEP) == before
    assert statuses(worklist, item) == [state.lower()]


@pytest.mark.parametrize("keyword", [key for key in BEGUN if key != "PatientName"])
def test_what_a_step_must_say_is_asked_for(performed, keyword):
    missing = {key: value for key, value in BEGUN.items() if key != keyword}
    with pytest.raises(MissingAttribute, match=keyword) as raised:
        performed.create(STEP, elements(missing), "CT1")
    assert not raised.value.has_no_value
    empty = [] if keyword == "ScheduledStepAttributesSequence" else ""
    with pytest.raises(MissingAttribute, match=keyword) as raised:
        performed.create(STEP, elements({**BEGUN, keyword: empty}), "CT1")
    assert raised.value.has_no_value


def test_every_scheduled_step_names_its_study(performed):
    with pytest.raises(MissingAttribute, match="StudyInstanceUID"):
        begin(performed, ScheduledStepAttributesSequence=[SCHEDULED, {"AccessionNumber": "A1"}])


def test_a_step_begins_in_progress_and_has_no_other_states(worklist, performed):
    item = worklist.schedule(given())
    with pytest.raises(InvalidRequest, match="begins IN PROGRESS"):
        begin(performed, PerformedProcedureStepStatus="COMPLETED")
    assert statuses(worklist, item) == ["scheduled"]
    begin(performed)
    with pytest.raises(InvalidRequest, match="one of IN PROGRESS, COMPLETED, DISCONTINUED"):
        end(performed, "PAUSED")
    with pytest.raises(InvalidRequest, match="one of"):
        end(performed, "")


@pytest.mark.parametrize("state", ["COMPLETED", "DISCONTINUED", "wrong entry"])
def test_what_was_completed_stays_so_whatever_is_appended(worklist, performed, state):
    item = worklist.schedule(given())
    begin(performed)
    end(performed, "COMPLETED")
    appended = UID("1.2.3.5")
    begin(performed, appended)
    assert statuses(worklist, item) == ["completed"]
    reason = {REASONS: [{"CodeValue": "110514", "CodingSchemeDesignator": "DCM"}]} if state == "wrong entry" else {}
    ended = "DISCONTINUED" if reason else state
    performed.set(appended, elements({"PerformedProcedureStepStatus": ended, **reason}))
    assert statuses(worklist, item) == ["completed"]


def test_a_uid_is_taken_once_and_moves_nothing_again(worklist, performed):
    item = worklist.schedule(given())
    begin(performed)
    end(performed, "COMPLETED")
    with pytest.raises(Conflict):
        begin(performed)
    assert statuses(worklist, item) == ["completed"]


def test_what_is_not_there_is_not_found(performed):
    for ask in (lambda: end(performed, "COMPLETED"), lambda: performed.get(STEP), lambda: performed.one(STEP)):
        with pytest.raises(NotFound, match=STEP.replace(".", r"\.")):
            ask()


def test_attributes_are_got_all_or_some(performed):
    begin(performed)
    assert len(performed.get(STEP)) == len(BEGUN)
    assert [each.tag for each in performed.get(STEP, (0x00400252, 0x00080060))] == [0x00080060, 0x00400252]


def test_what_is_looked_at_says_in_which_character_set_it_is(performed):
    name = encode_text("王^小东", ("GB18030",), "PN")
    told = [Element(0x00080005, "CS", b"GB18030"), *(each for each in elements(BEGUN) if each.tag != 0x00100010)]
    performed.create(STEP, [*told, Element(0x00100010, "PN", name)], "CT1")
    found = performed.get(STEP, (0x00100010,))
    assert keywords.from_elements(found) == {"PatientName": "王^小东"}


@pytest.mark.parametrize(("first", "then"), [("GB18030", "ISO_IR 192"), ("\\ISO 2022 IR 58", "GB18030"), ("", "GBK")])
def test_what_changes_in_another_character_set_spoils_nothing(performed, first, then):
    def told(keys, charset):
        charsets = tuple(charset.split("\\")) if charset else ("ISO_IR 192",)
        stated = [Element(0x00080005, "CS", charset.encode())] if charset else []
        return [*stated, *keywords.to_elements(keys, lambda value, vr: encode_text(value, charsets, vr))]

    name = "王^小东" if first else "Wang^Xiaodong"
    scheduled = {**SCHEDULED, "ScheduledProcedureStepDescription": "胸部" if first else "Chest"}
    begun = {**BEGUN, "PatientName": name, "ScheduledStepAttributesSequence": [scheduled]}
    performed.create(STEP, told(begun, first), "CT1")
    performed.set(STEP, told({"PerformedProcedureStepDescription": "平扫"}, then))
    performed.set(STEP, told({"PerformedStationName": "", "PerformedProcedureTypeDescription": "CT"}, ""))
    found = performed.one(STEP).attributes
    assert (found["PatientName"], found["PerformedProcedureStepDescription"]) == (name, "平扫")
    assert found["ScheduledStepAttributesSequence"] == [scheduled]
    assert found["PerformedProcedureTypeDescription"] == "CT"


def test_the_newest_steps_are_shown_first(performed):
    for number in range(3):
        begin(performed, UID(f"1.2.{number}"))
    assert [each.sop_instance for each in performed.newest(Page(2))] == ["1.2.2", "1.2.1"]


# Where rules are strict


def _full(rules, **values):
    """Return what a table asks for, empty where it may be."""
    named = {dictionary.lookup(rule.tag).keyword: rule for rule in rules if rule.create < 3}
    empty = {key: [] if dictionary.lookup(rule.tag).vr == "SQ" else "" for key, rule in named.items()}
    return {**empty, **values}


SERIES = _full(INSIDE[PERFORMED_SERIES], ProtocolName="Thorax", SeriesInstanceUID="1.2.3.5")
WHOLE = _full(RULES, **{**BEGUN, "ScheduledStepAttributesSequence": [_full(INSIDE[SCHEDULED_STEPS], **SCHEDULED)]})
ENDED = {
    "PerformedProcedureStepEndDate": "20240131",
    "PerformedProcedureStepEndTime": "0930",
    "PerformedSeriesSequence": [SERIES],
}


@pytest.fixture
def strict(store):
    return PerformedSteps(store, store, Clock(), Strictness.STRICT)


def test_strictly_a_whole_step_begins_and_ends(worklist, strict):
    item = worklist.schedule(given())
    strict.create(STEP, elements(WHOLE), "CT1")
    end(strict, "COMPLETED", **ENDED)
    assert statuses(worklist, item) == ["completed"]


@pytest.mark.parametrize("keyword", sorted(WHOLE))
def test_strictly_a_step_begins_with_all_of_the_table(worklist, strict, keyword):
    item = worklist.schedule(given())
    with pytest.raises(MissingAttribute, match=keyword):
        strict.create(STEP, elements({key: value for key, value in WHOLE.items() if key != keyword}), "CT1")
    assert statuses(worklist, item) == ["scheduled"]


@pytest.mark.parametrize("keyword", sorted(WHOLE["ScheduledStepAttributesSequence"][0]))
def test_strictly_a_scheduled_step_is_named_in_full(strict, keyword):
    [whole] = WHOLE["ScheduledStepAttributesSequence"]
    partly = {key: value for key, value in whole.items() if key != keyword}
    with pytest.raises(MissingAttribute, match=keyword):
        strict.create(STEP, elements({**WHOLE, "ScheduledStepAttributesSequence": [partly]}), "CT1")


@pytest.mark.parametrize("state", ["COMPLETED", "DISCONTINUED"])
@pytest.mark.parametrize("keyword", sorted(ENDED))
def test_strictly_a_step_ends_with_what_was_done(worklist, strict, state, keyword):
    item = worklist.schedule(given())
    strict.create(STEP, elements(WHOLE), "CT1")
    with pytest.raises(MissingAttribute, match=keyword) as raised:
        end(strict, state, **{key: value for key, value in ENDED.items() if key != keyword})
    assert raised.value.has_no_value
    assert (statuses(worklist, item), strict.one(STEP).state) == (["started"], "IN PROGRESS")
    end(strict, state, **ENDED)
    assert statuses(worklist, item) == [state.lower()]


@pytest.mark.parametrize("keyword", sorted(SERIES))
def test_strictly_a_series_is_told_in_full(strict, keyword):
    strict.create(STEP, elements(WHOLE), "CT1")
    partly = {key: value for key, value in SERIES.items() if key != keyword}
    with pytest.raises(MissingAttribute, match=keyword):
        end(strict, "COMPLETED", **{**ENDED, "PerformedSeriesSequence": [partly]})


def test_strictly_what_is_said_once_is_said_again_alike_or_refused(strict):
    strict.create(STEP, elements(WHOLE), "CT1")
    again = {key: value for key, value in WHOLE.items() if key not in ENDED}
    strict.set(STEP, elements(again))
    for keyword, value in (("PatientName", "Someone^Else"), ("Modality", "MR"), ("StudyID", "7")):
        with pytest.raises(FixedAttribute, match=keyword):
            strict.set(STEP, elements({keyword: value}))
    assert strict.one(STEP).attributes["PatientName"] == "Doe^John"


def test_a_step_that_was_closed_meanwhile_moves_nothing(store, worklist):
    """Two N-SETs at one time: the second looks at the step before the first has closed it."""
    item = worklist.schedule(given())
    steps = PerformedSteps(store, store, Clock())
    begin(steps)

    class Slow(MemoryWorklist):
        def performed(self, sop_instance):
            found = store.performed(sop_instance)
            end(steps, "COMPLETED")
            return found

        def update(self, sop_instance, change, moves=()):
            return store.update(sop_instance, change, moves)

    with pytest.raises(StepClosed):
        end(PerformedSteps(Slow(), store, Clock()), "DISCONTINUED")
    assert (statuses(worklist, item), steps.one(STEP).state) == (["completed"], "COMPLETED")
