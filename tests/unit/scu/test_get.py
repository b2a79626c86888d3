"""C-GET SCU against our own SCP, and against scripted nodes."""

from contextlib import closing, contextmanager

import pytest

from calotype.dicom.hierarchy import UID, Level
from calotype.dicom.uids import (
    CT_IMAGE_STORAGE,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_BASELINE,
    STUDY_ROOT_FIND,
    STUDY_ROOT_GET,
    VERIFICATION,
)
from calotype.dicom.wire.messages import CFindRQ, CGetRQ
from calotype.errors import InvalidRequest, OutOfResources, Unsupported
from calotype.scp.find import FindScp
from calotype.scp.get import GetScp
from calotype.scu.get import get, sop_classes_of
from calotype.scu.query import Root
from calotype.scu.sender import AssociationDelivery
from support.peers import CALLER, NATIVE, STORAGE, Shelf, serving

STUDY = {"StudyInstanceUID": "1.2.3"}


class Pocket:
    """A receiver in memory."""

    def __init__(self, full_after=None):
        self.objects = []
        self.full_after = full_after

    @contextmanager
    def begin(self, sop_class, sop_instance, transfer_syntax, source_ae_title):
        if self.full_after is not None and len(self.objects) >= self.full_after:
            raise OutOfResources("the pocket is full")
        yield _Incoming(self, (sop_class, sop_instance, transfer_syntax, source_ae_title))


class _Incoming:
    def __init__(self, pocket, what):
        self._pocket, self._what, self._data = pocket, what, bytearray()

    def write(self, parts):
        for part in parts:
            self._data += part

    def commit(self):
        self._pocket.objects.append((*self._what, bytes(self._data)))


@contextmanager
def node_with(shelf, *, find=None):
    contexts = {STUDY_ROOT_GET: NATIVE, **STORAGE}
    handlers = {CGetRQ: GetScp(shelf, AssociationDelivery)}
    if find is not None:
        handlers[CFindRQ] = FindScp(find)
        contexts[STUDY_ROOT_FIND] = NATIVE
    with serving(handlers, contexts, scp_contexts=STORAGE) as node:
        yield node


class Classes:
    """A search service that knows the SOP classes of a study."""

    def __init__(self, *sop_classes):
        self.sop_classes = sop_classes

    def find(self, _query, _checkpoint=None):
        yield {"StudyInstanceUID": "1.2.3", "SOPClassesInStudy": "\\".join(self.sop_classes)}


@pytest.fixture
def shelf():
    return Shelf()


def test_get_brings_each_object_in_its_stored_syntax(shelf):
    kinds = [(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN), (CT_IMAGE_STORAGE, IMPLICIT_VR_LITTLE_ENDIAN)]
    uids = [shelf.add(*kind, b"%d" % i * 100_002) for i, kind in enumerate(kinds)]
    pocket = Pocket()
    with node_with(shelf) as node:
        *_, last = get(CALLER, node, Level.STUDY, STUDY, pocket, sop_classes=[CT_IMAGE_STORAGE])
    assert pocket.objects == [
        (CT_IMAGE_STORAGE, uids[0], EXPLICIT_VR_LITTLE_ENDIAN, "NODE", b"0" * 100_002),
        (CT_IMAGE_STORAGE, uids[1], IMPLICIT_VR_LITTLE_ENDIAN, "NODE", b"1" * 100_002),
    ]
    assert (last.completed, last.failed, last.status) == (2, 0, 0x0000)


def test_get_asks_first_which_classes_there_are(shelf):
    private = UID("1.3.6.1.4.1.5962.301.9")
    shelf.add(private, JPEG_BASELINE, b"data")
    pocket = Pocket()
    contexts = {STUDY_ROOT_GET: NATIVE, STUDY_ROOT_FIND: NATIVE}
    both = {private: (JPEG_BASELINE,)}
    handlers = {CGetRQ: GetScp(shelf, AssociationDelivery), CFindRQ: FindScp(Classes(private))}
    with serving(handlers, contexts, scp_contexts=both) as node:
        *_, last = get(CALLER, node, Level.STUDY, STUDY, pocket)
    assert last.completed == 1


def test_get_takes_the_usual_classes_when_the_node_does_not_say(shelf):
    shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"data")
    pocket = Pocket()
    with node_with(shelf) as node:
        *_, last = get(CALLER, node, Level.STUDY, STUDY, pocket)
    assert last.completed == 1


def test_sop_classes_of_a_node_without_find_are_not_known(shelf):
    with node_with(shelf) as node:
        assert sop_classes_of(CALLER, node, STUDY, Root.STUDY) == ()


def test_get_refuses_what_cannot_be_kept_and_says_why(shelf):
    uids = [shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"x" * 400_000) for _ in range(3)]
    pocket = Pocket(full_after=1)
    with node_with(shelf) as node:
        *_, last = get(CALLER, node, Level.STUDY, STUDY, pocket, sop_classes=[CT_IMAGE_STORAGE])
    assert (last.completed, last.failed, last.status) == (1, 2, 0xB000)
    assert last.failed_sop_instances == tuple(uids[1:])
    assert last.comment == "the pocket is full"


def test_get_cancels_when_nobody_wants_more(shelf):
    for _ in range(3000):
        shelf.add(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, b"data")
    pocket = Pocket()
    with (
        node_with(shelf) as node,
        closing(get(CALLER, node, Level.STUDY, STUDY, pocket, sop_classes=[CT_IMAGE_STORAGE])) as reports,
    ):
        assert next(reports).remaining == 3000
    assert len(pocket.objects) < 3000


def test_get_says_when_the_node_does_not_do_it():
    with (
        serving({}, {VERIFICATION: NATIVE}) as node,
        pytest.raises(Unsupported, match="does not offer C-GET by study root"),
    ):
        list(get(CALLER, node, Level.STUDY, STUDY, Pocket(), sop_classes=[CT_IMAGE_STORAGE]))


def test_get_wants_to_know_what(shelf):
    with node_with(shelf) as node, pytest.raises(InvalidRequest, match="SeriesInstanceUID must have a value"):
        list(get(CALLER, node, Level.SERIES, STUDY, Pocket()))
