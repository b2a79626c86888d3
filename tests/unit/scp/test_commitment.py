"""Storage commitment over associations, both sides ours: reports here, there, later; and what is refused."""

import threading
from contextlib import contextmanager

import pytest

from calotype.dicom import statuses
from calotype.dicom.commitment import Reference, Report, Request, decode_report, encode_report, encode_request
from calotype.dicom.hierarchy import UID
from calotype.dicom.uids import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    STORAGE_COMMITMENT_PUSH,
    STORAGE_COMMITMENT_PUSH_INSTANCE,
    VERIFICATION,
)
from calotype.dicom.wire.messages import CEchoRQ, CEchoRSP, NActionRQ, NActionRSP, NEventReportRQ, NEventReportRSP
from calotype.dicom.wire.pdu_items import RoleSelection
from calotype.errors import InvalidRequest, NotFound, Unavailable, Unsupported
from calotype.scp.commitment import CommitmentScp, ReportTaker
from calotype.scp.server import Server
from calotype.scu.commitment import DimseMessenger
from calotype.services.routing.commitment.model import Direction, Parties, State
from calotype.services.routing.commitment.service import Commitments
from calotype.services.routing.nodes import FixedAddressBook, Node
from calotype.stores.index.memory import MemoryIndex
from calotype.stores.index.memory_commitments import MemoryCommitments
from calotype.stores.objects.memory import MemoryObjectStore
from support import peers, samples
from support.archives import House
from support.peers import CALLER, NATIVE, call

CT = UID(samples.CT)
TRANSACTION = UID("1.2.9")
CONTEXT = (STORAGE_COMMITMENT_PUSH, [EXPLICIT_VR_LITTLE_ENDIAN])
CONTEXTS = {STORAGE_COMMITMENT_PUSH: NATIVE, VERIFICATION: NATIVE}
AS_SCP = {STORAGE_COMMITMENT_PUSH: NATIVE}


class Book(FixedAddressBook):
    """An address book that learns of neighbours while it is used."""

    def learn(self, node):
        self._nodes[node.ae_title] = node


class Archive:
    """One of two archives that ask each other."""

    def __init__(self, wait_s=60.0):
        self.house = House(MemoryObjectStore(), MemoryIndex())
        self.book = Book()
        self.commitments = Commitments.over(
            MemoryCommitments(),
            self.house.archive.custody,
            self.book,
            DimseMessenger(CALLER, wait_s),
            our_ae_title="TESTER",
        )

    def keep(self, seed=1):
        data = samples.ct(seed=seed)
        self.house.store(data)
        return Reference(CT, UID(samples.value_of(data, 0x00080018)))

    @contextmanager
    def listening(self, ae_title):
        handlers = {
            NActionRQ: CommitmentScp(self.commitments.promises, Server({}).answer),
            NEventReportRQ: ReportTaker(self.commitments.requests.answered),
        }
        with peers.serving(handlers, CONTEXTS, ae_title=ae_title, scp_contexts=AS_SCP) as node:
            yield node

    @contextmanager
    def working(self):
        self.commitments.promises.start()
        try:
            yield
        finally:
            self.commitments.promises.stop(30)


@pytest.fixture
def archive():
    return Archive()


@pytest.fixture
def node(archive):
    with archive.listening("NODE") as node:
        yield node


def action(association, *references, action_type_id=1, data=None):
    context = association.find_context(STORAGE_COMMITMENT_PUSH)
    request = NActionRQ(
        message_id=association.next_message_id(),
        has_data_set=True,
        requested_sop_class_uid=STORAGE_COMMITMENT_PUSH,
        requested_sop_instance_uid=STORAGE_COMMITMENT_PUSH_INSTANCE,
        action_type_id=action_type_id,
    )
    wanted = encode_request(Request(TRANSACTION, references), context.transfer_syntax)
    association.send(context.context_id, request, wanted if data is None else data)
    response = association.receive().message
    assert isinstance(response, NActionRSP)
    return response


def next_report(association, status=statuses.SUCCESS):
    received = association.receive()
    event = received.message
    assert isinstance(event, NEventReportRQ)
    report = decode_report(association.read_identifier(), received.context.transfer_syntax)
    assert event.event_type_id == report.event_type
    response = NEventReportRSP(message_id_being_responded_to=event.message_id, status=status)
    association.send(received.context.context_id, response)
    return report


def until_done(archive, number=1):
    """Wait until a transaction is done, by asking: nobody tells."""
    waiting = threading.Event()
    for _ in range(1500):
        found = archive.commitments.store.get(number)
        if found.state is State.DONE:
            return found
        waiting.wait(0.02)
    raise AssertionError(found)


def test_the_report_comes_on_the_association_that_waits_for_it(archive, node):
    kept, unknown = archive.keep(), Reference(CT, UID("1.2.3"))
    with call(node, CONTEXT) as association:
        assert action(association, kept, unknown).status == statuses.SUCCESS
        assert next_report(association) == Report(TRANSACTION, (kept,), ((unknown, 0x0112),))
    assert until_done(archive).parties == Parties("TESTER", "NODE", "127.0.0.1")


def test_a_request_that_crosses_the_report_is_served(archive, node):
    kept = archive.keep()
    with call(node, CONTEXT, (VERIFICATION, NATIVE)) as association:
        assert action(association, kept).status == statuses.SUCCESS
        event = association.receive()
        report = decode_report(association.read_identifier(), event.context.transfer_syntax)
        echo = association.find_context(VERIFICATION)
        association.send(echo.context_id, CEchoRQ(message_id=77))
        assert isinstance(association.receive().message, CEchoRSP)
        answer = NEventReportRSP(message_id_being_responded_to=event.message.message_id, status=0)
        association.send(event.context.context_id, answer)
    assert report.committed == (kept,)
    until_done(archive)


def test_one_that_leaves_is_called_back(archive, node):
    kept = archive.keep()
    modality = Archive()
    with modality.listening("TESTER") as there, archive.working():
        asked = modality.commitments.store.add(
            Direction.ASKED, TRANSACTION, Parties("NODE", "TESTER"), [kept], state=State.WAITING, now_us=1
        )
        archive.book.learn(there)
        association = call(node, CONTEXT)
        assert action(association, kept).status == statuses.SUCCESS
        association.abort()
        assert until_done(archive).attempts == 1
        done = modality.commitments.store.get(asked.id)
        assert (done.state, done.committed) == (State.DONE, 1)


def test_a_report_that_is_not_taken_stays_due(archive, node):
    with call(node, CONTEXT) as association:
        action(association, archive.keep())
        next_report(association, statuses.PROCESSING_FAILURE)
    [waiting] = archive.commitments.store.unfinished()
    assert waiting.state is State.REPORTING


def test_we_ask_and_hear_on_the_same_association(archive, node):
    kept, unknown = archive.keep(), Reference(CT, UID("1.2.3"))
    ours = Archive()
    done = ours.commitments.requests.ask(node, [kept, unknown])
    assert (done.state, done.committed, done.failed) == (State.DONE, 1, 1)


def test_we_ask_and_are_called_back(archive, node):
    ours = Archive(wait_s=0.0)
    kept = archive.keep()
    with ours.listening("TESTER") as us, archive.working():
        archive.book.learn(us)
        number = ours.commitments.requests.ask(node, [kept]).id
        assert until_done(ours, number).committed == 1


def test_a_node_without_the_service_is_said_to_be(archive):
    with (
        peers.serving({}, {VERIFICATION: NATIVE}) as node,
        pytest.raises(Unsupported, match="does not offer storage commitment"),
    ):
        archive.commitments.requests.ask(node, [archive.keep()])


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"action_type_id": 2}, statuses.NO_SUCH_ACTION),
        ({"data": b"\x08\x00\x95\x11UI\xff\xff"}, statuses.INVALID_ATTRIBUTE_VALUE),
        ({}, statuses.INVALID_ATTRIBUTE_VALUE),
    ],
)
def test_requests_that_are_wrong_are_refused(archive, node, how, status):
    with call(node, CONTEXT) as association:
        assert action(association, **how).status == status
    assert archive.commitments.recent(9) == []


def event(association, report, event_type_id):
    context = association.find_context(STORAGE_COMMITMENT_PUSH, as_scp=True)
    request = NEventReportRQ(
        message_id=1,
        has_data_set=True,
        affected_sop_class_uid=STORAGE_COMMITMENT_PUSH,
        affected_sop_instance_uid=STORAGE_COMMITMENT_PUSH_INSTANCE,
        event_type_id=event_type_id,
    )
    association.send(context.context_id, request, encode_report(report, context.transfer_syntax))
    return association.receive().message


def test_reports_on_what_nobody_asked_are_refused(archive, node):
    as_scp = [RoleSelection(STORAGE_COMMITMENT_PUSH, scu=False, scp=True)]
    report = Report(TRANSACTION, (Reference(CT, UID("1.2.3")),))
    with call(node, CONTEXT, roles=as_scp) as association:
        assert event(association, report, 1).status == statuses.NO_SUCH_SOP_INSTANCE
        assert event(association, report, 9).status == statuses.NO_SUCH_EVENT_TYPE


def test_a_peer_that_takes_no_reports_keeps_us_trying(archive):
    report = Report(TRANSACTION, ())
    with (
        peers.serving({}, CONTEXTS, scp_contexts=AS_SCP) as node,
        pytest.raises(Unavailable, match="0211 Unrecognized operation"),
    ):
        DimseMessenger(CALLER).report(node, "CALOTYPE", report)
    with pytest.raises(NotFound):
        archive.book.find("NODE")
    with pytest.raises(InvalidRequest):
        archive.commitments.requests.ask(Node("NODE", "127.0.0.1", 1), [])
