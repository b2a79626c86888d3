"""Performed steps as a dialogue: N-CREATE, N-SET, N-GET and their statuses."""

from __future__ import annotations

import pytest

from calotype.dicom import keywords
from calotype.dicom.datasets import decode, encode
from calotype.dicom.text import encode as encode_text
from calotype.dicom.uids import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    is_valid_uid,
)
from calotype.dicom.uids import MODALITY_PERFORMED_PROCEDURE_STEP as MPPS
from calotype.dicom.uids import MODALITY_PERFORMED_PROCEDURE_STEP_RETRIEVE as MPPS_RETRIEVE
from calotype.dicom.wire.messages import NCreateRQ, NGetRQ, NSetRQ
from calotype.scp.mpps import MppsScp
from calotype.services.worklist.performed import PerformedSteps
from calotype.services.worklist.performed_rules import Strictness
from calotype.services.worklist.worklist import Worklist
from calotype.stores.index.memory_worklist import MemoryWorklist
from support.peers import NATIVE, call, serving
from support.worklists import given

BEGUN = {
    "ScheduledStepAttributesSequence": [
        {"StudyInstanceUID": given()["StudyInstanceUID"], "ScheduledProcedureStepID": "S1"}
    ],
    "PerformedProcedureStepID": "PPS1",
    "PerformedStationAETitle": "CT1",
    "PerformedProcedureStepStartDate": "20240131",
    "PerformedProcedureStepStartTime": "0905",
    "PerformedProcedureStepStatus": "IN PROGRESS",
    "Modality": "CT",
    "PatientName": "",
}
UID = "1.2.3.4"


@pytest.fixture
def store():
    return MemoryWorklist()


@pytest.fixture
def node(store):
    scp = MppsScp(PerformedSteps(store, store))
    handlers = {NCreateRQ: scp.create, NSetRQ: scp.set, NGetRQ: scp.get}
    with serving(handlers, {MPPS: NATIVE, MPPS_RETRIEVE: NATIVE}) as node:
        yield node


@pytest.fixture
def association(node):
    with call(node, (MPPS, NATIVE)) as association:
        yield association


def data_set(keys, syntax=EXPLICIT_VR_LITTLE_ENDIAN):
    return encode(keywords.to_elements(keys, lambda value, vr: encode_text(value, ("ISO_IR 6",), vr)), syntax)


def exchange(association, request, keys=None):
    [context] = association.contexts.values()
    data = None if keys is None else data_set(keys, context.transfer_syntax)
    association.send(context.context_id, request, data)
    response = association.receive().message
    found = {}
    if response.has_data_set:
        found = keywords.from_elements(decode(association.read_identifier(), context.transfer_syntax))
    return response, found


def create(association, keys=BEGUN, uid=UID):
    has_data_set = keys is not None
    request = NCreateRQ(
        message_id=1, affected_sop_class_uid=MPPS, affected_sop_instance_uid=uid, has_data_set=has_data_set
    )
    return exchange(association, request, keys)[0]


def change(association, state, uid=UID, **keys):
    request = NSetRQ(message_id=2, requested_sop_class_uid=MPPS, requested_sop_instance_uid=uid)
    return exchange(association, request, {"PerformedProcedureStepStatus": state, **keys})[0]


def get(association, *tags, uid=UID):
    request = NGetRQ(
        message_id=3,
        requested_sop_class_uid=MPPS_RETRIEVE,
        requested_sop_instance_uid=uid,
        attribute_identifiers=tags,
    )
    return exchange(association, request)


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN])
def test_a_step_begins_goes_on_and_ends(node, store, syntax):
    item = Worklist(store).schedule(given())
    with call(node, (MPPS, [syntax])) as association:
        begun = create(association)
        assert (begun.status, begun.affected_sop_class_uid, begun.affected_sop_instance_uid) == (0x0000, MPPS, UID)
        assert store.item(item.item_id).steps[0].status == "started"
        assert change(association, "IN PROGRESS", PerformedProcedureStepDescription="x").status == 0x0000
        assert change(association, "COMPLETED").status == 0x0000
    assert store.item(item.item_id).steps[0].status == "completed"
    assert store.performed(UID).state == "COMPLETED"


@pytest.mark.parametrize("state", ["COMPLETED", "DISCONTINUED"])
def test_a_closed_step_is_not_changed_and_the_error_says_so(association, state):
    create(association)
    change(association, state)
    refused = change(association, "IN PROGRESS")
    assert (refused.status, refused.error_id) == (0x0110, 0xA710)
    assert refused.error_comment == "Performed Procedure Step Object may no longer be updated"
    assert refused.affected_sop_instance_uid == UID


def test_a_step_that_is_here_already_is_a_duplicate(association):
    create(association)
    assert create(association).status == 0x0111


def test_a_missing_attribute_is_named(association, store):
    keys = {key: value for key, value in BEGUN.items() if key != "Modality"}
    refused = create(association, keys)
    assert (refused.status, refused.offending_elements) == (0x0120, (0x00080060,))
    assert "Modality" in refused.error_comment
    refused = create(association, {**BEGUN, "Modality": ""})
    assert (refused.status, refused.offending_elements) == (0x0121, (0x00080060,))
    assert create(association, None).status == 0x0120
    assert create(association).status == 0x0000


def test_values_that_there_are_not_are_refused(association):
    assert create(association, {**BEGUN, "PerformedProcedureStepStatus": "COMPLETED"}).status == 0x0106
    create(association)
    assert change(association, "PAUSED").status == 0x0106


def test_a_step_that_nobody_began_is_not_there(association):
    assert change(association, "COMPLETED").status == 0x0112


def test_a_step_without_a_uid_gets_one(association, store):
    begun = create(association, uid="")
    assert begun.status == 0x0000
    assert is_valid_uid(begun.affected_sop_instance_uid)
    assert store.performed(begun.affected_sop_instance_uid).state == "IN PROGRESS"


def test_steps_can_be_looked_at(node, association):
    create(association)
    with call(node, (MPPS_RETRIEVE, NATIVE)) as other:
        response, found = get(other, 0x00080060)
        assert (response.status, found) == (0x0000, {"Modality": "CT"})
        assert get(other)[1]["ScheduledStepAttributesSequence"] == BEGUN["ScheduledStepAttributesSequence"]
        assert get(other, uid="9.9")[0].status == 0x0112


def test_each_class_has_its_own_operations(node, association):
    assert get(association)[0].status == 0x0118
    with call(node, (MPPS_RETRIEVE, NATIVE)) as other:
        assert create(other).status == 0x0118
        assert change(other, "COMPLETED").status == 0x0118


def test_strictly_an_incomplete_or_contradicting_change_is_refused(store):
    scp = MppsScp(PerformedSteps(store, store, strictness=Strictness.STRICT))
    tolerant = MppsScp(PerformedSteps(store, store))
    handlers = {NCreateRQ: tolerant.create, NSetRQ: scp.set}
    with serving(handlers, {MPPS: NATIVE}) as node, call(node, (MPPS, NATIVE)) as association:
        assert create(association).status == 0x0000
        refused = change(association, "IN PROGRESS", Modality="MR")
        assert (refused.status, refused.offending_elements) == (0x0106, (0x00080060,))
        refused = change(association, "COMPLETED", PerformedProcedureStepEndDate="20240131")
        assert (refused.status, refused.offending_elements) == (0x0120, (0x00400251, 0x00400340))
        ended = {"PerformedProcedureStepEndTime": "", "PerformedSeriesSequence": []}
        refused = change(association, "COMPLETED", PerformedProcedureStepEndDate="20240131", **ended)
        assert (refused.status, refused.offending_elements) == (0x0121, (0x00400251, 0x00400340))
        assert store.performed(UID).state == "IN PROGRESS"
