"""C-FIND and C-MOVE SCU against scripted nodes."""

from contextlib import closing

import pytest

from calotype.dicom.datasets import Element, decode, encode
from calotype.dicom.hierarchy import Level
from calotype.dicom.uids import (
    IMPLICIT_VR_LITTLE_ENDIAN,
    PATIENT_ROOT_FIND,
    STUDY_ROOT_FIND,
    STUDY_ROOT_MOVE,
    VERIFICATION,
)
from calotype.dicom.wire.messages import CFindRQ, CFindRSP, CMoveRQ, CMoveRSP
from calotype.errors import InvalidRequest, NotFound, OutOfResources, Unsupported
from calotype.scu.query import Root, find, move
from support.peers import CALLER, NATIVE, serving


class Finder:
    """Answers a C-FIND with so many matches, looking for a cancel between them."""

    def __init__(self, count=3, final=0x0000, comment=""):
        self.count, self.final, self.comment = count, final, comment
        self.asked = []
        self.sent = 0
        self.was_cancelled = False

    def __call__(self, association, received):
        request, context = received.message, received.context
        elements = decode(association.read_identifier(), context.transfer_syntax)
        self.asked.append({element.tag: element.raw.decode() for element in elements})

        def respond(status, data=None, comment=""):
            response = CFindRSP(
                message_id_being_responded_to=request.message_id,
                status=status,
                has_data_set=data is not None,
                error_comment=comment,
            )
            association.send(context.context_id, response, data)

        for number in range(self.count):
            if association.cancel_requested(request.message_id):
                self.was_cancelled = True
                respond(0xFE00)
                return
            name = "Müller^Jörg".encode()
            match = [
                Element(0x00080005, "CS", b"ISO_IR 192"),
                Element(0x00100010, "PN", name),
                Element(0x00201208, "IS", b"%d" % number),
            ]
            respond(0xFF00, encode(match, context.transfer_syntax))
            self.sent += 1
        respond(self.final, comment=self.comment)


def asking(finder, sop_class=STUDY_ROOT_FIND):
    return serving({CFindRQ: finder}, {sop_class: NATIVE})


def test_find_gives_answers_as_text():
    with asking(Finder(2)) as node:
        answers = list(find(CALLER, node, Level.STUDY, {"PatientName": "M*"}))
    assert answers == [
        {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Müller^Jörg", "NumberOfStudyRelatedInstances": "0"},
        {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Müller^Jörg", "NumberOfStudyRelatedInstances": "1"},
    ]


def test_find_asks_for_the_usual_keys_when_none_is_asked_for():
    finder = Finder(0)
    with asking(finder) as node:
        assert list(find(CALLER, node, Level.SERIES, {"StudyInstanceUID": "1.2.3"})) == []
    assert finder.asked == [
        {
            0x00080052: "SERIES",
            0x00080060: "",
            0x0008103E: "",
            0x0020000D: "1.2.3\0",
            0x0020000E: "",
            0x00200011: "",
            0x00201209: "",
        }
    ]


def test_find_asks_only_for_what_is_named():
    finder = Finder(0)
    with asking(finder) as node:
        list(find(CALLER, node, Level.STUDY, {"PatientID": "4711", "0020,0010": ""}))
    assert finder.asked == [{0x00080052: "STUDY ", 0x00100020: "4711", 0x00200010: ""}]


def test_find_works_where_only_implicit_vr_is_spoken():
    with serving({CFindRQ: Finder(1)}, {STUDY_ROOT_FIND: [IMPLICIT_VR_LITTLE_ENDIAN]}) as node:
        [answer] = find(CALLER, node, Level.STUDY, {})
    assert answer["PatientName"] == "Müller^Jörg"


def test_find_uses_the_patient_root_when_told():
    with asking(Finder(1), PATIENT_ROOT_FIND) as node:
        assert len(list(find(CALLER, node, Level.PATIENT, {}, root=Root.PATIENT))) == 1


def test_find_cancels_at_the_limit():
    finder = Finder(100_000)
    with asking(finder) as node:
        assert len(list(find(CALLER, node, Level.STUDY, {}, limit=5))) == 5
    assert finder.was_cancelled
    assert finder.sent < 100_000


def test_find_takes_a_limit_that_is_just_met():
    with asking(Finder(5)) as node:
        assert len(list(find(CALLER, node, Level.STUDY, {}, limit=5))) == 5


def test_find_cancels_when_nobody_wants_more():
    finder = Finder(100_000)
    with asking(finder) as node, closing(find(CALLER, node, Level.STUDY, {})) as answers:
        next(answers)
    assert finder.was_cancelled


def test_find_tells_a_failure_after_the_answers_before_it():
    with asking(Finder(2, final=0xA700, comment="index is down")) as node:
        answers = find(CALLER, node, Level.STUDY, {})
        assert len([next(answers), next(answers)]) == 2
        with pytest.raises(OutOfResources, match="A700 Out of resources: index is down"):
            next(answers)


def test_find_says_when_the_node_does_not_do_it():
    with (
        serving({}, {VERIFICATION: NATIVE}) as node,
        pytest.raises(Unsupported, match="does not offer C-FIND by study root"),
    ):
        list(find(CALLER, node, Level.STUDY, {}))


@pytest.mark.parametrize(
    ("level", "keys", "complaint"),
    [
        (Level.PATIENT, {}, "study root has no PATIENT level"),
        (Level.STUDY, {"PatientNme": "x"}, "'PatientNme' is no attribute"),
        (Level.STUDY, {"ReferencedStudySequence": "x"}, "is a sequence"),
        (Level.IMAGE, {"Rows": "many"}, "'many' is no value of VR US"),
    ],
)
def test_find_refuses_a_wrong_question_in_words(level, keys, complaint):
    with asking(Finder()) as node, pytest.raises(InvalidRequest, match=complaint):
        list(find(CALLER, node, level, keys))


class Mover:
    """Answers a C-MOVE with counters, looking for a cancel between them."""

    def __init__(self, count=3, *, final=0x0000, failed=(), counters=True):
        self.count, self.final, self.failed, self.counters = count, final, failed, counters
        self.destinations = []
        self.was_cancelled = False

    def __call__(self, association, received):
        request, context = received.message, received.context
        association.read_identifier()
        self.destinations.append(request.move_destination)

        def respond(status, done, data=None):
            counts = {}
            if self.counters:
                counts = {
                    "number_of_remaining_suboperations": self.count - done if status in {0xFF00, 0xFE00} else None,
                    "number_of_completed_suboperations": max(0, done - len(self.failed)),
                    "number_of_failed_suboperations": len(self.failed),
                    "number_of_warning_suboperations": 0,
                }
            response = CMoveRSP(
                message_id_being_responded_to=request.message_id,
                status=status,
                has_data_set=data is not None,
                error_comment="as scripted" if status not in {0, 0xFF00} else "",
                **counts,
            )
            association.send(context.context_id, response, data)

        if self.final != 0xA801:
            for done in range(self.count):
                if association.cancel_requested(request.message_id):
                    self.was_cancelled = True
                    respond(0xFE00, done)
                    return
                respond(0xFF00, done)
        data = encode([Element(0x00080058, "UI", "\\".join(self.failed).encode())], context.transfer_syntax)
        respond(self.final, self.count, data if self.failed else None)


STUDY = {"StudyInstanceUID": "1.2.3"}


def moving(mover):
    return serving({CMoveRQ: mover}, {STUDY_ROOT_MOVE: NATIVE})


def test_move_reports_progress_and_how_it_ended():
    mover = Mover(2)
    with moving(mover) as node:
        reports = list(move(CALLER, node, "VIEWER", Level.STUDY, STUDY))
    assert [(r.remaining, r.completed, r.failed, r.warning, r.is_final) for r in reports] == [
        (2, 0, 0, 0, False),
        (1, 1, 0, 0, False),
        (None, 2, 0, 0, True),
    ]
    assert mover.destinations == ["VIEWER"]


def test_move_names_what_failed():
    with moving(Mover(2, final=0xB000, failed=("1.2.3.4", "1.2.3.5"))) as node:
        *_, last = move(CALLER, node, "VIEWER", Level.STUDY, STUDY)
    assert last.failed_sop_instances == ("1.2.3.4", "1.2.3.5")
    assert last.in_words.endswith(": as scripted")


def test_move_of_which_all_failed_is_a_report_not_an_error():
    with moving(Mover(1, final=0xA702, failed=("1.2.3.4",))) as node:
        *_, last = move(CALLER, node, "VIEWER", Level.STUDY, STUDY)
    assert (last.status, last.failed) == (0xA702, 1)


def test_move_raises_when_the_node_refuses_the_whole():
    with (
        moving(Mover(final=0xA801, counters=False)) as node,
        pytest.raises(NotFound, match="A801 Move destination unknown: as scripted"),
    ):
        list(move(CALLER, node, "NOBODY", Level.STUDY, STUDY))


def test_move_cancels_when_nobody_wants_more():
    mover = Mover(100_000)
    with moving(mover) as node, closing(move(CALLER, node, "VIEWER", Level.STUDY, STUDY)) as reports:
        next(reports)
    assert mover.was_cancelled


def test_move_wants_to_know_what():
    with moving(Mover()) as node, pytest.raises(InvalidRequest, match="StudyInstanceUID must have a value"):
        list(move(CALLER, node, "VIEWER", Level.STUDY, {"PatientID": "4711"}))
