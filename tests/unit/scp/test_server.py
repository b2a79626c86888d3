"""The serving loop: which errors become which answers, and which end the association."""

from dataclasses import MISSING, fields

import pytest

from calotype.dicom import uids
from calotype.dicom.statuses import Service, status_for
from calotype.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from calotype.dicom.wire import messages
from calotype.dicom.wire.messages import CEchoRQ, CEchoRSP, CFindRQ, CFindRSP, CStoreRQ, CStoreRSP, NSetRQ, NSetRSP
from calotype.dicom.wire.negotiation import AcceptedContext
from calotype.dicom.wire.pdu import Abort, ReleaseRP, ReleaseRQ
from calotype.errors import CalotypeError, ClassMismatch, NotFound, OutOfResources, Reason
from calotype.network.association import Received
from calotype.scp.server import _OPERATIONS, Server, right_of
from calotype.services.access.access import Access, AccessSettings
from calotype.services.access.permissions import Right
from support.peers import serving
from support.raw_peers import CT, RawPeer, command, data, request

STORE = CStoreRQ(message_id=7, affected_sop_class_uid=CT, affected_sop_instance_uid="1.2.3")
CONTEXTS = {VERIFICATION: (EXPLICIT_VR_LITTLE_ENDIAN,), CT: (EXPLICIT_VR_LITTLE_ENDIAN,)}


class Failing:
    """A service that raises what it was made with, its data set unread."""

    def __init__(self, error):
        self.error = error

    def __call__(self, association, received):
        raise self.error


@pytest.fixture
def dialogue():
    """Return a function that connects a raw peer to a server with these handlers."""
    opened = []

    def connect(handlers):
        context = serving(handlers, CONTEXTS)
        node = context.__enter__()
        peer = RawPeer.connect(node.port)
        opened.append((context, peer))
        peer.send(request())
        peer.receive()
        return peer

    yield connect
    for context, peer in opened:
        peer.close()
        context.__exit__(None, None, None)


def test_echo_is_served_without_being_asked_for(dialogue):
    peer = dialogue({})
    peer.send(command(CEchoRQ(message_id=3)))
    answer = CEchoRSP(message_id_being_responded_to=3, affected_sop_class_uid=VERIFICATION, status=0)
    assert peer.receive_message() == answer
    peer.send(ReleaseRQ())
    assert peer.receive() == ReleaseRP()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("gone"), status_for(Reason.NOT_FOUND, Service.STORE)),
        (OutOfResources("no space"), 0xA700),
        (ClassMismatch("another class"), 0xA900),
    ],
)
def test_an_error_becomes_its_status_and_the_association_goes_on(dialogue, error, status):
    peer = dialogue({CStoreRQ: Failing(error)})
    peer.send(command(STORE, 3), data(b"unread", is_last=False), data(b"unread"))
    assert peer.receive_message() == CStoreRSP(
        message_id_being_responded_to=7,
        affected_sop_class_uid=CT,
        affected_sop_instance_uid="1.2.3",
        status=status,
        error_comment=str(error),
    )
    peer.send(command(CEchoRQ(message_id=8)))
    assert peer.receive_message().status == 0


def test_our_own_mistakes_tell_the_peer_nothing_of_them(dialogue, caplog):
    peer = dialogue({CStoreRQ: Failing(KeyError("a secret")), CFindRQ: Failing(KeyError("a secret"))})
    peer.send(command(STORE, 3), data(b""))
    stored = peer.receive_message()
    peer.send(command(CFindRQ(message_id=9, affected_sop_class_uid=CT), 3), data(b""))
    found = peer.receive_message()
    assert (stored.status, found.status) == (0x0110, 0xC000)
    assert {stored.error_comment, found.error_comment} == {"internal error, see the log of the server"}
    assert "a secret" in caplog.text


def test_an_operation_that_nobody_serves_is_unrecognized(dialogue):
    peer = dialogue({})
    asked = NSetRQ(message_id=4, requested_sop_class_uid=CT, requested_sop_instance_uid="1.2.9")
    peer.send(command(asked, 3), data(b"unread"))
    assert peer.receive_message() == NSetRSP(
        message_id_being_responded_to=4,
        affected_sop_class_uid=CT,
        affected_sop_instance_uid="1.2.9",
        status=0x0211,
        error_comment="this operation is not served here",
    )


def test_a_long_reason_is_cut_for_the_peer_only(dialogue, caplog):
    peer = dialogue({CStoreRQ: Failing(OutOfResources("no space " * 20))})
    peer.send(command(STORE, 3), data(b""))
    assert peer.receive_message().error_comment == ("no space " * 20)[:64].strip()
    assert "no space " * 20 in caplog.text


def test_an_answer_to_nothing_we_asked_aborts(dialogue):
    peer = dialogue({})
    peer.send(command(CFindRSP(message_id_being_responded_to=1, status=0)))
    assert isinstance(peer.receive(), Abort)


def test_every_request_but_cancel_has_an_answer():
    requests = {
        kind
        for kind in vars(messages).values()
        if isinstance(kind, type) and issubclass(kind, messages.Request) and hasattr(kind, "command_field")
    }
    assert set(_OPERATIONS) == requests
    for kind, operation in _OPERATIONS.items():
        assert operation.response.command_field == kind.command_field | 0x8000


def test_every_reason_has_an_answer_in_every_service():
    assert {
        status_for(kind.reason, operation.service) >= 0x0100
        for kind in CalotypeError.__subclasses__()
        for operation in _OPERATIONS.values()
    } == {True}


def test_handlers_may_replace_echo():
    served = []
    server = Server({CEchoRQ: lambda *_: served.append(1)})
    server._handlers[CEchoRQ](None, None)
    assert served == [1]


def served(message, abstract_syntax=VERIFICATION):
    return Received(AcceptedContext(1, abstract_syntax, EXPLICIT_VR_LITTLE_ENDIAN), message)


@pytest.mark.parametrize(
    ("request_type", "abstract_syntax", "right"),
    [
        (messages.CEchoRQ, VERIFICATION, None),
        (messages.NEventReportRQ, uids.STORAGE_COMMITMENT_PUSH, None),
        (messages.CStoreRQ, CT, Right.STORE),
        (messages.CFindRQ, uids.STUDY_ROOT_FIND, Right.FIND),
        (messages.CFindRQ, uids.MODALITY_WORKLIST_FIND, Right.WORKLIST),
        (messages.CMoveRQ, uids.PATIENT_ROOT_MOVE, Right.MOVE),
        (messages.CGetRQ, uids.STUDY_ROOT_GET, Right.GET),
        (messages.NCreateRQ, uids.MODALITY_PERFORMED_PROCEDURE_STEP, Right.MPPS),
        (messages.NSetRQ, uids.MODALITY_PERFORMED_PROCEDURE_STEP, Right.MPPS),
        (messages.NActionRQ, uids.STORAGE_COMMITMENT_PUSH, Right.COMMITMENT),
        (messages.NCreateRQ, uids.BASIC_GRAYSCALE_PRINT_META, Right.PRINT),
        (messages.NDeleteRQ, uids.BASIC_COLOR_PRINT_META, Right.PRINT),
        (messages.NGetRQ, uids.PRINTER, Right.PRINT),
    ],
)
def test_each_request_needs_the_right_of_its_service(request_type, abstract_syntax, right):
    needed = {field.name: field for field in fields(request_type) if field.default is MISSING}
    given = {name: 1 if name == "message_id" or name.endswith("type_id") else "1.2.3" for name in needed}
    assert right_of(served(request_type(**given), abstract_syntax)) is right


def test_a_request_is_refused_before_its_service_hears_of_it():
    heard = []

    class Nobody:
        def permissions_of(self, _ae_title, _address):
            return None

    access = Access(AccessSettings(frozenset()), Nobody())
    with serving({CStoreRQ: lambda *_: heard.append(1)}, CONTEXTS, access=access) as node:
        peer = RawPeer.connect(node.port)
        peer.send(request())
        peer.receive()
        peer.send(command(STORE, 3), data(b"unread"))
        answer = peer.receive_message()
        peer.send(command(CEchoRQ(message_id=8)))
        echoed = peer.receive_message()
        peer.close()
    assert (answer.status, answer.message_id_being_responded_to) == (0x0124, 7)
    assert answer.error_comment.endswith("is not admitted to store: have it admitted")
    assert (echoed.status, heard) == (0, [])
