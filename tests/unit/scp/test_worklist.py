"""The worklist as a dialogue: what a modality asks, what it is answered."""

from __future__ import annotations

import pytest

from calotype.dicom import keywords
from calotype.dicom.datasets import Element, decode, encode
from calotype.dicom.query.worklist import STEPS
from calotype.dicom.text import encode as encode_text
from calotype.dicom.uids import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    MODALITY_WORKLIST_FIND,
    STUDY_ROOT_FIND,
)
from calotype.dicom.wire.messages import CCancelRQ, CFindRQ
from calotype.scp.by_context import by_context
from calotype.scp.worklist import WorklistScp
from calotype.services.worklist.worklist import Worklist
from calotype.stores.index.memory_worklist import MemoryWorklist
from support.peers import NATIVE, call, serving
from support.worklists import Endless, given


@pytest.fixture
def worklist():
    return Worklist(MemoryWorklist())


@pytest.fixture
def node(worklist):
    def archive(_association, _received):
        raise AssertionError("the archive was asked")

    handlers = by_context(
        [
            ((STUDY_ROOT_FIND,), {CFindRQ: archive}),
            ((MODALITY_WORKLIST_FIND,), {CFindRQ: WorklistScp(worklist)}),
        ]
    )
    with serving(
        handlers, {MODALITY_WORKLIST_FIND: NATIVE, STUDY_ROOT_FIND: NATIVE, "1.2.840.10008.1.1": NATIVE}
    ) as node:
        yield node


def identifier(keys, syntax=EXPLICIT_VR_LITTLE_ENDIAN):
    return encode(keywords.to_elements(keys, lambda value, vr: encode_text(value, ("ISO_IR 6",), vr)), syntax)


def ask(association, data, *, cancel_after=None):
    [context] = association.contexts.values()
    association.send(context.context_id, CFindRQ(message_id=7, affected_sop_class_uid=MODALITY_WORKLIST_FIND), data)
    count = 0
    while True:
        response = association.receive().message
        found = {}
        if response.has_data_set:
            found = keywords.from_elements(decode(association.read_identifier(), context.transfer_syntax))
            count += 1
            if count == cancel_after:
                association.send(context.context_id, CCancelRQ(message_id_being_responded_to=7))
        yield response, found
        if response.status not in {0xFF00, 0xFF01}:
            return


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN])
def test_a_modality_gets_its_steps_and_then_success(node, worklist, syntax):
    for number, station in enumerate(["CT1", "MR1", "CT1"]):
        worklist.schedule(given(number, ScheduledStationAETitle=station))
    keys = identifier({"PatientID": "", STEPS: [{"ScheduledStationAETitle": "CT1", "Modality": ""}]}, syntax)
    with call(node, (MODALITY_WORKLIST_FIND, [syntax])) as association:
        answers = [(response.status, found) for response, found in ask(association, keys)]
    assert answers == [
        (0xFF00, {"PatientID": "P0", STEPS: [{"ScheduledStationAETitle": "CT1", "Modality": "CT"}]}),
        (0xFF00, {"PatientID": "P2", STEPS: [{"ScheduledStationAETitle": "CT1", "Modality": "CT"}]}),
        (0x0000, {}),
    ]
    [asker] = worklist.askers.recent()
    assert (asker.answers, asker.keys) == (2, {"ScheduledStationAETitle": "CT1"})


def test_nothing_scheduled_is_success(node):
    with call(node, (MODALITY_WORKLIST_FIND, NATIVE)) as association:
        assert [response.status for response, _ in ask(association, identifier({"PatientID": ""}))] == [0x0000]


def test_keys_that_are_not_supported_are_told(node, worklist):
    worklist.schedule(given())
    keys = encode([Element(0x00091001, "LO", b""), Element(0x00100020, "LO", b"")], EXPLICIT_VR_LITTLE_ENDIAN)
    with call(node, (MODALITY_WORKLIST_FIND, NATIVE)) as association:
        assert [response.status for response, _ in ask(association, keys)] == [0xFF01, 0x0000]


@pytest.mark.parametrize(
    ("data", "comment"),
    [
        (identifier({STEPS: [{"ScheduledProcedureStepStartDate": "someday"}]}), "ScheduledProcedureStepStartDate"),
        (b"\x10\0\x20\0LO\xff\0ab", "truncated"),
    ],
)
def test_a_question_that_cannot_be_understood_is_refused_and_the_association_goes_on(node, data, comment):
    with call(node, (MODALITY_WORKLIST_FIND, NATIVE)) as association:
        [(response, _)] = ask(association, data)
        assert response.status == 0xA900
        assert comment in response.error_comment
        assert [response.status for response, _ in ask(association, identifier({"PatientID": ""}))] == [0x0000]


def test_a_cancel_ends_the_answers():
    store = MemoryWorklist()
    Endless(store).schedule(given())
    with (
        serving({CFindRQ: WorklistScp(Endless(store))}, {MODALITY_WORKLIST_FIND: NATIVE}) as node,
        call(node, (MODALITY_WORKLIST_FIND, NATIVE)) as association,
    ):
        statuses = [
            response.status for response, _ in ask(association, identifier({"PatientID": ""}), cancel_after=1)
        ]
    assert statuses[-1] == 0xFE00
    assert set(statuses[:-1]) == {0xFF00}


def test_c_find_on_a_context_of_another_class_is_not_supported(node):
    with call(node, ("1.2.840.10008.1.1", NATIVE)) as association:
        [(response, _)] = ask(association, identifier({"PatientID": ""}))
    assert response.status == 0x0122
