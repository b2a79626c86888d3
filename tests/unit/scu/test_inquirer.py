"""What services ask in their words, as a node is asked it."""

import pytest

from calotype.dicom.datasets import Element, decode, encode
from calotype.dicom.hierarchy import UID, Level, Selection
from calotype.dicom.uids import MODALITY_WORKLIST_FIND, PATIENT_ROOT_MOVE, STUDY_ROOT_MOVE
from calotype.dicom.wire.messages import CFindRQ, CFindRSP, CMoveRQ, CMoveRSP
from calotype.errors import InvalidRequest, Unsupported
from calotype.scu.inquirer import DimseInquirer, keys_of
from calotype.scu.keys import decode_nested
from calotype.scu.worklist import RETURN_KEYS, STEP_RETURN_KEYS, STEPS, question
from support.peers import CALLER, NATIVE, serving

INQUIRER = DimseInquirer(CALLER)


def test_a_selection_is_named_by_its_unique_keys():
    assert keys_of(Selection(Level.STUDY, (UID("1"), UID("2")), patient_id="P1")) == {
        "PatientID": "P1",
        "StudyInstanceUID": "1\\2",
    }
    assert keys_of(Selection(Level.IMAGE, (UID("1"),), (UID("2"),), (UID("3"),))) == {
        "StudyInstanceUID": "1",
        "SeriesInstanceUID": "2",
        "SOPInstanceUID": "3",
    }


@pytest.mark.parametrize(
    ("wanted", "model"),
    [
        (Selection(Level.PATIENT, patient_id="P1"), PATIENT_ROOT_MOVE),
        (Selection(Level.STUDY, (UID("1"),)), STUDY_ROOT_MOVE),
    ],
)
def test_a_move_goes_by_the_model_that_has_the_level(wanted, model):
    asked = []

    def answer(association, received):
        elements = decode(association.read_identifier(), received.context.transfer_syntax)
        asked.append((received.message.affected_sop_class_uid, {e.tag: e.raw.strip(b" \0") for e in elements}))
        response = CMoveRSP(message_id_being_responded_to=received.message.message_id, status=0xFE00)
        association.send(received.context.context_id, response)

    with serving({CMoveRQ: answer}, {model: NATIVE}) as node:
        [report] = INQUIRER.move(node, "US", wanted)
    assert report.is_final
    assert report.is_cancelled
    assert asked[0][0] == model
    assert asked[0][1][0x00080052] == wanted.level.value.encode()


def test_a_worklist_is_asked_by_nested_keys_and_answers_nested():
    asked = []

    def answer(association, received):
        syntax = received.context.transfer_syntax
        asked.append(decode_nested(association.read_identifier(), syntax))
        step = (Element(0x00080060, "CS", b"CT"), Element(0x00400010, "SH", b"\xd6\xd0 "))
        match = [
            Element(0x00080005, "CS", b"GB18030 "),
            Element(0x00100010, "PN", "王^小东".encode("gb18030")),
            Element(0x00400100, "SQ", (step,)),
        ]
        for status, data in ((0xFF00, encode(match, syntax)), (0x0000, None)):
            response = CFindRSP(
                message_id_being_responded_to=received.message.message_id,
                status=status,
                has_data_set=data is not None,
            )
            association.send(received.context.context_id, response, data)

    with serving({CFindRQ: answer}, {MODALITY_WORKLIST_FIND: NATIVE}) as node:
        [item] = INQUIRER.worklist(node, {"Modality": "CT", "PatientName": "王*"})
    assert item["PatientName"] == "王^小东"
    # A sequence's text is in the character set of the data set around it (PS3.3 C.12.1.1.2).
    assert item[STEPS] == [{"Modality": "CT", "ScheduledStationName": "中"}]
    [identifier] = asked
    assert identifier["PatientName"] == "王*"
    assert identifier[STEPS][0]["Modality"] == "CT"
    assert set(RETURN_KEYS) <= set(identifier)
    assert set(STEP_RETURN_KEYS) <= set(identifier[STEPS][0])
    assert "QueryRetrieveLevel" not in identifier


def test_a_key_of_the_step_may_stand_beside_its_sequence_or_in_it():
    assert question({"Modality": "CT"}) == question({STEPS: [{"Modality": "CT"}]})
    assert question({STEPS: "odd"})[STEPS] == "odd"


def test_a_node_without_a_worklist_is_told():
    with serving({}, {STUDY_ROOT_MOVE: NATIVE}) as node, pytest.raises(Unsupported, match="the modality worklist"):
        list(INQUIRER.worklist(node, {}))


def test_a_find_takes_no_nested_keys():
    with serving({}, {STUDY_ROOT_MOVE: NATIVE}) as node, pytest.raises(InvalidRequest, match="must be text"):
        INQUIRER.find(node, Level.STUDY, {STEPS: [{}]})
