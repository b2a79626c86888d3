"""Retrieval that is hindered: peers that cancel, take long, never answer, stop reading or vanish."""

import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, StoragePresentationContexts, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    MRImageStorage,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from calotype.dicom import uids
from calotype.dicom.datasets import Element, encode
from calotype.dicom.hierarchy import UID
from calotype.dicom.wire.messages import CGetRQ, CMoveRQ, CStoreRQ
from calotype.dicom.wire.negotiation import AcceptancePolicy, negotiate
from calotype.dicom.wire.pdu import AssociateAC
from calotype.dicom.wire.pdu_items import PresentationContextProposed, RoleSelection
from calotype.scp import suboperations
from support import dcmtk, raw_peers
from support.bundled import archive_of, first_of_each
from support.calling import associated
from support.raw_peers import RawPeer

pytestmark = pytest.mark.interop

GET, MOVE = StudyRootQueryRetrieveInformationModelGet, StudyRootQueryRetrieveInformationModelMove
EXPLICIT = uids.EXPLICIT_VR_LITTLE_ENDIAN
LONG_S = 60
PATIENCE_S = 3
"""What our impatient archive has for its viewer."""


@pytest.fixture(scope="module")
def biggest():
    """The study of most objects among pydicom's, all of them of one class."""
    [(study, count)] = Counter(each.study for each in first_of_each()).most_common(1)
    files = [each for each in first_of_each() if each.study == study]
    assert count == len(files) > 20
    return files


@pytest.fixture(scope="module")
def viewer_port():
    return dcmtk.free_port()


@pytest.fixture(scope="module")
def archive(tmp_path_factory, viewer_port, biggest):
    folder = tmp_path_factory.mktemp("archive")
    with archive_of(folder, [each.path for each in biggest], viewer_port=viewer_port) as node:
        yield node


@pytest.fixture(scope="module")
def impatient_archive(tmp_path_factory, viewer_port, biggest):
    """One for viewers that never answer: those that do may need longer on a busy machine."""
    folder = tmp_path_factory.mktemp("impatient")
    how = {"dimse_s": PATIENCE_S, "network_s": PATIENCE_S}
    with archive_of(folder, [each.path for each in biggest], viewer_port=viewer_port, **how) as node:
        yield node


@pytest.fixture
def peer():
    ae = AE("PYNETDICOM")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = LONG_S
    return ae


def keys_of(study):
    keys = Dataset()
    keys.QueryRetrieveLevel = "STUDY"
    keys.StudyInstanceUID = study
    return keys


def identifier_of(study):
    elements = [Element(0x00080052, "CS", b"STUDY"), Element(0x0020000D, "UI", study.encode())]
    return encode(elements, EXPLICIT)


@contextmanager
def viewer(port, keep):
    """A viewer of pynetdicom's that answers each object by what ``keep`` says of the event."""
    ae = AE("VIEWER")
    for context in StoragePresentationContexts:
        ae.add_supported_context(context.abstract_syntax, uids.STORABLE_TRANSFER_SYNTAXES[:16])
    server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])
    try:
        yield
    finally:
        server.shutdown()


def is_served(archive):
    """Tell whether another peer is answered."""
    ae = AE("OTHER")
    ae.add_requested_context(Verification)
    with associated(ae, archive) as association:
        return association.send_c_echo().Status == 0x0000


# C-CANCEL


def test_a_get_is_cancelled_and_told_what_remains(archive, peer, biggest):
    got = []

    def keep(event):
        got.append(event.request.AffectedSOPInstanceUID)
        if len(got) == 3:
            event.assoc.send_c_cancel(5, query_model=GET)
        return 0x0000

    peer.add_requested_context(GET)
    classes = sorted({each.sop_class for each in biggest})
    for sop_class in classes:
        peer.add_requested_context(sop_class, biggest[0].transfer_syntax)
    roles = [build_role(sop_class, scp_role=True) for sop_class in classes]
    with associated(peer, archive, ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, keep)]) as association:
        answers = [status for status, _ in association.send_c_get(keys_of(biggest[0].study), GET, msg_id=5)]
    final = answers[-1]
    assert final.Status == 0xFE00
    assert 3 <= len(got) < len(biggest)
    assert final.NumberOfCompletedSuboperations == len(got)
    assert final.NumberOfRemainingSuboperations == len(biggest) - len(got)
    assert (final.NumberOfFailedSuboperations, final.NumberOfWarningSuboperations) == (0, 0)


def moved(association, study, cancel_after=None):
    """Send a C-MOVE; return the final status and those before."""
    answers = []
    for status, _ in association.send_c_move(keys_of(study), "VIEWER", MOVE, msg_id=9):
        answers.append(status)
        if len(answers) == cancel_after:
            association.send_c_cancel(9, query_model=MOVE)
    return answers[-1], answers[:-1]


def test_a_move_lives_and_is_cancelled_while_its_viewer_thinks_about_one_object(tmp_path, peer, biggest, monkeypatch):
    # A second is how often it is looked; the rest is told faster than people would have it.
    monkeypatch.setattr(suboperations, "SIGN_OF_LIFE_S", 0.5)
    monkeypatch.setattr(suboperations, "GRACE_S", 0.5)
    go_on = threading.Event()

    def keep(_event):
        go_on.wait(LONG_S)
        return 0x0000

    peer.add_requested_context(MOVE)
    port = dcmtk.free_port()
    files = [each.path for each in biggest[:5]]
    try:
        with (
            archive_of(tmp_path, files, viewer_port=port) as archive,
            viewer(port, keep),
            associated(peer, archive) as association,
        ):
            final, pending = moved(association, biggest[0].study, cancel_after=2)
            assert is_served(archive)
            go_on.set()
    finally:
        go_on.set()
    total = len(files)
    assert [status.Status for status in pending[:2]] == [0xFF00, 0xFF00]
    assert [status.NumberOfRemainingSuboperations for status in pending[:2]] == [total, total]
    assert final.Status == 0xFE00
    assert (final.NumberOfRemainingSuboperations, final.NumberOfCompletedSuboperations) == (total, 0)
    assert final.NumberOfFailedSuboperations == 0


# Roles


@pytest.mark.parametrize(
    ("roles", "completed"),
    [
        ([], 0),
        ([(CTImageStorage, True, False)], 0),
        ([(CTImageStorage, False, True)], 1),
        ([(CTImageStorage, True, True)], 1),
        ([(MRImageStorage, False, True)], 0),
    ],
)
def test_a_get_uses_the_contexts_whose_scp_the_peer_is(tmp_path, peer, roles, completed):
    ct = next(each for each in first_of_each() if each.path.name == "CT_small.dcm")
    got = []

    def keep(event):
        got.append(event.request.AffectedSOPInstanceUID)
        return 0x0000

    peer.add_requested_context(GET)
    peer.add_requested_context(CTImageStorage, EXPLICIT)
    peer.add_requested_context(MRImageStorage, EXPLICIT)
    proposed = [build_role(sop_class, scu_role=scu, scp_role=scp) for sop_class, scu, scp in roles]
    with (
        archive_of(tmp_path, [ct.path], viewer_port=dcmtk.free_port()) as archive,
        associated(peer, archive, ext_neg=proposed, evt_handlers=[(evt.EVT_C_STORE, keep)]) as association,
    ):
        *_, (final, identifier) = association.send_c_get(keys_of(ct.study), GET)
    assert len(got) == final.NumberOfCompletedSuboperations == completed
    assert final.Status == (0x0000 if completed else 0xA702)
    assert completed or identifier.FailedSOPInstanceUIDList == ct.sop_instance


# Destinations


def test_a_viewer_that_never_answers_costs_its_own_objects_and_nobody_else(
    impatient_archive, peer, viewer_port, biggest
):
    stuck = threading.Event()

    def keep(_event):
        stuck.wait(LONG_S)
        return 0x0000

    peer.add_requested_context(MOVE)
    try:
        with viewer(viewer_port, keep), associated(peer, impatient_archive) as association:
            began_s = time.monotonic()
            final, _ = moved(association, biggest[0].study)
            assert is_served(impatient_archive)
            stuck.set()
    finally:
        stuck.set()
    # Three times in a row it took one and said nothing: then the rest is given up.
    assert time.monotonic() - began_s >= 3 * PATIENCE_S
    assert final.Status == 0xA702
    assert final.NumberOfFailedSuboperations == len(biggest)


def test_a_viewer_that_aborts_now_and_then_gets_all_but_what_broke(archive, peer, viewer_port, biggest):
    seen = []

    def keep(event):
        seen.append(event.request.AffectedSOPInstanceUID)
        if len(seen) in {2, 5}:
            event.assoc.abort()
        return 0x0000

    peer.add_requested_context(MOVE)
    with viewer(viewer_port, keep), associated(peer, archive) as association:
        *_, (final, identifier) = association.send_c_move(keys_of(biggest[0].study), "VIEWER", MOVE)
    assert sorted(seen) == sorted(each.sop_instance for each in biggest)
    assert final.Status == 0xB000
    assert (final.NumberOfCompletedSuboperations, final.NumberOfFailedSuboperations) == (len(biggest) - 2, 2)
    assert list(identifier.FailedSOPInstanceUIDList) == [seen[1], seen[4]]


class Deaf:
    """A viewer that agrees to everything, and then reads nothing more."""

    def __init__(self, port):
        self._listener = socket.create_server(("127.0.0.1", port))
        self._connections = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        # A listener that is closed while a thread accepts from it would go on accepting.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(LONG_S)
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self._connections.append(connection)
            peer = RawPeer(connection)
            peer.send(_everything(peer.receive()))


def _everything(request):
    policy = AcceptancePolicy(
        called_ae_titles=None,
        abstract_syntaxes={each.abstract_syntax: each.transfer_syntaxes for each in request.presentation_contexts},
    )
    answer = negotiate(request, policy)
    assert isinstance(answer, AssociateAC)
    return answer


def test_a_viewer_that_stops_reading_costs_its_own_objects_and_nobody_else(
    impatient_archive, peer, viewer_port, biggest
):
    peer.add_requested_context(MOVE)
    with Deaf(viewer_port), associated(peer, impatient_archive) as association:
        final, _ = moved(association, biggest[0].study)
        assert is_served(impatient_archive)
    assert final.Status == 0xA702
    assert final.NumberOfFailedSuboperations == len(biggest)


# Whoever asked


def test_who_asked_for_a_move_and_vanishes_ends_it(archive, viewer_port, biggest):
    stores, ended, go_on = [], threading.Event(), threading.Event()

    def keep(event):
        stores.append(event.request.AffectedSOPInstanceUID)
        go_on.wait(LONG_S)
        return 0x0000

    ae = AE("VIEWER")
    for context in StoragePresentationContexts:
        ae.add_supported_context(context.abstract_syntax, uids.STORABLE_TRANSFER_SYNTAXES[:16])
    handlers = [
        (evt.EVT_C_STORE, keep),
        (evt.EVT_ABORTED, lambda _: ended.set()),
        (evt.EVT_CONN_CLOSE, lambda _: ended.set()),
    ]
    server = ae.start_server(("127.0.0.1", viewer_port), block=False, evt_handlers=handlers)
    contexts = (PresentationContextProposed(1, uids.STUDY_ROOT_MOVE, (EXPLICIT,)),)
    try:
        with RawPeer.connect(archive.port) as raw:
            raw.send(raw_peers.request(called=archive.ae_title, contexts=contexts))
            assert isinstance(raw.receive(), AssociateAC)
            asked = CMoveRQ(message_id=1, affected_sop_class_uid=uids.STUDY_ROOT_MOVE, move_destination="VIEWER")
            raw.send(raw_peers.command(asked), raw_peers.data(identifier_of(biggest[0].study), 1))
            assert raw.receive_message().status == 0xFF00
        # It was there for a moment only. The object under way may end, no other may begin.
        go_on.set()
        assert ended.wait(LONG_S)
    finally:
        go_on.set()
        server.shutdown()
    assert len(stores) < len(biggest)
    assert is_served(archive)


def test_who_asked_for_a_get_and_vanishes_hurts_nobody(archive, biggest):
    sop_class = UID(biggest[0].sop_class)
    contexts = (
        PresentationContextProposed(1, uids.STUDY_ROOT_GET, (EXPLICIT,)),
        PresentationContextProposed(3, sop_class, (UID(biggest[0].transfer_syntax),)),
    )
    roles = (RoleSelection(sop_class, scu=False, scp=True),)
    for _ in range(3):
        with RawPeer.connect(archive.port) as raw:
            raw.send(raw_peers.request(called=archive.ae_title, contexts=contexts, roles=roles))
            assert isinstance(raw.receive(), AssociateAC)
            asked = CGetRQ(message_id=1, affected_sop_class_uid=uids.STUDY_ROOT_GET)
            raw.send(raw_peers.command(asked), raw_peers.data(identifier_of(biggest[0].study), 1))
            assert raw.receive_message().status == 0xFF00
            assert isinstance(raw.receive_message(), CStoreRQ)
    assert is_served(archive)
