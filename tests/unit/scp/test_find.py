"""C-FIND as a dialogue: what a peer sends, what it is answered."""

from contextlib import closing
from dataclasses import dataclass, field

import pytest

from calotype.dicom.datasets import Element, decode, encode
from calotype.dicom.hierarchy import Level
from calotype.dicom.uids import (
    CT_IMAGE_STORAGE,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    PATIENT_ROOT_FIND,
    STUDY_ROOT_FIND,
)
from calotype.dicom.wire.messages import CCancelRQ, CFindRQ
from calotype.errors import Unavailable
from calotype.scp.find import FindScp
from support.peers import NATIVE, call, serving

LEVEL = 0x00080052
STUDY_UID = 0x0020000D
PATIENT_ID = 0x00100020
PATIENT_NAME = 0x00100010
ICC_PROFILE = 0x00282000


@dataclass
class Answers:
    """The search service's twin: answers every question with the same matches."""

    matches: list = field(default_factory=list)
    queries: list = field(default_factory=list)
    closed: int = 0
    fail_at: int | None = None

    def find(self, query, checkpoint):
        self.queries.append(query)
        try:
            for number, match in enumerate(self.matches):
                if number == self.fail_at:
                    raise Unavailable("the index does not answer")
                yield match
        finally:
            self.closed += 1


@pytest.fixture
def search():
    return Answers([{"StudyInstanceUID": f"1.2.{i}", "PatientID": f"P{i}"} for i in range(3)])


@pytest.fixture
def node(search):
    contexts = {STUDY_ROOT_FIND: NATIVE, PATIENT_ROOT_FIND: NATIVE, CT_IMAGE_STORAGE: NATIVE}
    with serving({CFindRQ: FindScp(search)}, contexts) as node:
        yield node


def identifier(level, *keys, syntax=EXPLICIT_VR_LITTLE_ENDIAN):
    elements = [Element(LEVEL, "CS", level.encode())]
    elements += [Element(tag, vr, value) for tag, vr, value in keys]
    return encode(elements, syntax)


def ask(association, data, *, sop_class=STUDY_ROOT_FIND, message_id=7):
    """Send a question; yield (status, identifier as tag -> bytes, response) up to the final response."""
    context = next(iter(association.contexts.values()))
    association.send(context.context_id, CFindRQ(message_id=message_id, affected_sop_class_uid=sop_class), data)
    while True:
        response = association.receive().message
        assert response.message_id_being_responded_to == message_id
        found = {}
        if response.has_data_set:
            found = {e.tag: e.raw for e in decode(association.read_identifier(), context.transfer_syntax)}
        yield response.status, found, response
        if response.status not in {0xFF00, 0xFF01}:
            return


STUDIES = identifier("STUDY", (STUDY_UID, "UI", b""), (PATIENT_ID, "LO", b""))


def test_find_answers_each_match_and_then_success(node, search):
    with call(node, (STUDY_ROOT_FIND, NATIVE)) as association:
        answers = [(status, found.get(PATIENT_ID)) for status, found, _ in ask(association, STUDIES)]
    assert answers == [(0xFF00, b"P0"), (0xFF00, b"P1"), (0xFF00, b"P2"), (0x0000, None)]
    assert [query.level for query in search.queries] == [Level.STUDY]
    assert search.closed == 1


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN])
def test_find_answers_in_the_syntax_of_the_context(node, syntax):
    question = identifier("STUDY", (STUDY_UID, "UI", b""), (PATIENT_ID, "LO", b""), syntax=syntax)
    with call(node, (STUDY_ROOT_FIND, [syntax])) as association:
        first, *_ = [found for _, found, _ in ask(association, question)]
    assert first[STUDY_UID] == b"1.2.0\0"
    assert first[LEVEL] == b"STUDY "


def test_find_without_matches_is_success(node, search):
    search.matches = []
    with call(node, (STUDY_ROOT_FIND, NATIVE)) as association:
        assert [status for status, _, _ in ask(association, STUDIES)] == [0x0000]


def test_find_warns_of_optional_keys_it_does_not_support(node):
    question = identifier("STUDY", (STUDY_UID, "UI", b""), (ICC_PROFILE, "OB", b"\1\2"))
    with call(node, (STUDY_ROOT_FIND, NATIVE)) as association:
        answers = list(ask(association, question))
    assert [status for status, _, _ in answers] == [0xFF01, 0xFF01, 0xFF01, 0x0000]
    assert answers[0][1][ICC_PROFILE] == b""


def test_find_asks_at_each_level_of_the_patient_root(node, search):
    uid = b"1.2.3"
    keys = [(PATIENT_ID, "LO", b"P1"), (STUDY_UID, "UI", uid), (0x0020000E, "UI", uid), (0x00080018, "UI", b"")]
    with call(node, (PATIENT_ROOT_FIND, NATIVE)) as association:
        for depth, level in enumerate(Level):
            question = identifier(level, *keys[: depth + 1])
            assert [s for s, _, _ in ask(association, question, sop_class=PATIENT_ROOT_FIND)][-1] == 0x0000
    assert [query.level for query in search.queries] == list(Level)


@pytest.mark.parametrize(
    ("data", "comment", "offending"),
    [
        (identifier("PATIENT", (PATIENT_ID, "LO", b"")), "PATIENT", (LEVEL,)),
        (identifier("GALAXY", (PATIENT_ID, "LO", b"")), "GALAXY", (LEVEL,)),
        (identifier("SERIES", (0x0020000E, "UI", b"")), "StudyInstanceUID is missing: a SERIES level", (STUDY_UID,)),
        (identifier("STUDY", (0x0020000E, "UI", b"1.2")), "(0020,000E) SeriesInstanceUID is a key of", (0x0020000E,)),
        (identifier("STUDY", (0x00080020, "DA", b"20240201-20240101 ")), "StudyDate: a range", (0x00080020,)),
        (identifier("STUDY", (0x00080020, "DA", b"banana")), "'banana' is no date", (0x00080020,)),
        (b"\x08\x00\x52\x00CS\xff\x00STUDY ", "(0008,0052)", ()),
        (b"", "(0008,0052)", (LEVEL,)),
    ],
)
def test_find_refuses_an_identifier_that_does_not_fit_the_model(node, search, data, comment, offending):
    with call(node, (STUDY_ROOT_FIND, NATIVE)) as association:
        [(status, _, response)] = list(ask(association, data))
        assert status == 0xA900
        assert comment in response.error_comment
        assert response.offending_elements == offending
        assert [s for s, _, _ in ask(association, STUDIES)][-1] == 0x0000  # the association goes on
    assert len(search.queries) == 1


def test_find_on_a_context_of_another_service_is_not_supported(node):
    with call(node, (CT_IMAGE_STORAGE, NATIVE)) as association:
        [(status, _, response)] = list(ask(association, STUDIES))
    assert status == 0x0122
    assert response.error_comment == "C-FIND came on a context of SOP class 1.2.840.10008.5.1.4.1.1.2"[:64]


def test_find_that_breaks_half_way_ends_in_a_failure(node, search):
    search.fail_at = 2
    with call(node, (STUDY_ROOT_FIND, NATIVE)) as association:
        answers = [status for status, _, _ in ask(association, STUDIES)]
    assert answers == [0xFF00, 0xFF00, 0xA700]
    assert search.closed == 1


def test_find_stops_at_a_cancel(node, search):
    search.matches = [{"StudyInstanceUID": f"1.2.{i}", "PatientID": "P" * 60} for i in range(100_000)]
    with call(node, (STUDY_ROOT_FIND, NATIVE)) as association:
        stream = ask(association, STUDIES)
        assert [next(stream)[0] for _ in range(3)] == [0xFF00] * 3
        association.send(1, CCancelRQ(message_id_being_responded_to=7))
        rest = [status for status, _, _ in stream]
    assert rest[-1] == 0xFE00
    assert len(rest) < 100_000 - 3
    assert search.closed == 1


def test_find_stops_at_a_cancel_while_it_finds_nothing():
    class Looking:
        """Looks for what is not there until it is told to stop."""

        def find(self, _query, checkpoint):
            while True:
                checkpoint()
            yield

    with (
        serving({CFindRQ: FindScp(Looking())}, {STUDY_ROOT_FIND: NATIVE}) as node,
        call(node, (STUDY_ROOT_FIND, NATIVE)) as association,
    ):
        association.send(1, CFindRQ(message_id=7, affected_sop_class_uid=STUDY_ROOT_FIND), STUDIES)
        association.send(1, CCancelRQ(message_id_being_responded_to=7))
        assert association.receive().message.status == 0xFE00


def test_a_peer_that_stops_reading_keeps_nobody_waiting(search):
    search.matches = [{"StudyInstanceUID": f"1.2.{i}", "PatientID": "P" * 60} for i in range(100_000)]
    with serving({CFindRQ: FindScp(search)}, {STUDY_ROOT_FIND: NATIVE}) as node:
        deaf = call(node, (STUDY_ROOT_FIND, NATIVE))
        deaf.send(1, CFindRQ(message_id=7, affected_sop_class_uid=STUDY_ROOT_FIND), STUDIES)
        assert deaf.receive().message.status == 0xFF00
        with call(node, (STUDY_ROOT_FIND, NATIVE)) as other, closing(ask(other, STUDIES)) as answers:
            assert [next(answers)[0] for _ in range(1000)] == [0xFF00] * 1000
            other.abort()
        deaf.abort()
    assert search.closed == 2


def test_find_takes_no_cancel_meant_for_another_request(node):
    with call(node, (STUDY_ROOT_FIND, NATIVE)) as association:
        association.send(1, CCancelRQ(message_id_being_responded_to=6))
        assert [status for status, _, _ in ask(association, STUDIES)][-1] == 0x0000


def test_find_frees_the_index_when_the_peer_is_gone(search):
    search.matches = [{"StudyInstanceUID": f"1.2.{i}", "PatientID": "P" * 60} for i in range(100_000)]
    with serving({CFindRQ: FindScp(search)}, {STUDY_ROOT_FIND: NATIVE}) as node:
        association = call(node, (STUDY_ROOT_FIND, NATIVE))
        with closing(ask(association, STUDIES)) as answers:
            next(answers)
        association.abort()
    assert search.closed == 1
