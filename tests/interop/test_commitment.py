"""Storage commitment with pynetdicom on the other side, in both roles and on both kinds of association."""

import threading
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.dimse_messages import N_ACTION_RSP
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

from calotype.app.compose import House
from calotype.app.opening import open_stores
from calotype.app.settings import Http, Listener, Settings, Storage
from calotype.app.settings import Node as NodeSection
from calotype.cli import calotype
from calotype.dicom.commitment import Reference
from calotype.dicom.hierarchy import UID
from calotype.scu.files import gather, send_files
from calotype.scu.sender import DimseCourier
from calotype.services.routing.commitment.model import State
from calotype.services.routing.nodes import Node
from support import dcmtk
from support.bundled import CALLER, OPEN_TO_ALL, named

pytestmark = pytest.mark.interop

PATIENCE_S = 60
CT, UNKNOWN = named("CT_small.dcm"), "1.2.3.4"


@pytest.fixture
def peer_port():
    return dcmtk.free_port()


@pytest.fixture
def house(tmp_path, peer_port):
    settings = Settings(
        storage=Storage(path=tmp_path / "archive", min_free_mib=1),
        listeners=(Listener(name="test", bind="127.0.0.1", port=0),),
        http=Http(enabled=False),
        access=OPEN_TO_ALL,
        nodes=(NodeSection("MODALITY", "127.0.0.1", peer_port),),
    )
    with open_stores(settings) as opened, House(settings, opened) as house:
        list(send_files(DimseCourier(CALLER), archive(house), gather([CT.path])))
        yield house


def archive(house):
    return Node("CALOTYPE", "127.0.0.1", house.listeners[0].port)


def request(*pairs):
    asked = Dataset()
    asked.TransactionUID = generate_uid()
    asked.ReferencedSOPSequence = [Dataset() for _ in pairs]
    for item, (sop_class, sop_instance) in zip(asked.ReferencedSOPSequence, pairs, strict=True):
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
    return asked


class Heard:
    """The N-EVENT-REPORTs that a pynetdicom application entity gets."""

    def __init__(self):
        self.reports, self.came = [], threading.Event()

    def __call__(self, event):
        self.reports.append((event.event_type, event.event_information))
        return 0x0000, None

    def sent(self, event):
        # The answer is on its way: whoever ends the association before makes pynetdicom trip over it.
        if self.reports and isinstance(event.pdu, P_DATA_TF):
            self.came.set()

    @property
    def handlers(self):
        return [(evt.EVT_N_EVENT_REPORT, self), (evt.EVT_PDU_SENT, self.sent)]

    def the_one(self):
        assert self.came.wait(PATIENCE_S)
        [report] = self.reports
        return report


def ask(house, asked, heard, *, wait):
    modality = AE("MODALITY")
    modality.add_requested_context(StorageCommitmentPushModel)
    handlers = heard.handlers if wait else []
    node = archive(house)
    association = modality.associate(node.host, node.port, ae_title=node.ae_title, evt_handlers=handlers)
    assert association.is_established
    try:
        status, _reply = association.send_n_action(
            asked, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        assert status.Status == 0x0000
        if wait:
            heard.the_one()
    finally:
        association.release() if wait else association.abort()


def told(report):
    """Return event type, transaction, committed instances, and failed ones with their reasons."""
    event_type, data = report
    committed = [item.ReferencedSOPInstanceUID for item in data.get("ReferencedSOPSequence", [])]
    failed = [(item.ReferencedSOPInstanceUID, item.FailureReason) for item in data.get("FailedSOPSequence", [])]
    return event_type, data.TransactionUID, committed, failed


def test_pynetdicom_asks_and_waits(house):
    asked, heard = request((CT.sop_class, CT.sop_instance)), Heard()
    ask(house, asked, heard, wait=True)
    assert told(heard.the_one()) == (1, asked.TransactionUID, [CT.sop_instance], [])


def test_pynetdicom_asks_leaves_and_is_called(house, peer_port):
    asked, heard = request((CT.sop_class, CT.sop_instance), (CT.sop_class, UNKNOWN)), Heard()
    modality = AE("MODALITY")
    modality.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
    server = modality.start_server(("127.0.0.1", peer_port), block=False, evt_handlers=heard.handlers)
    try:
        ask(house, asked, heard, wait=False)
        report = heard.the_one()
    finally:
        server.shutdown()
    assert told(report) == (2, asked.TransactionUID, [CT.sop_instance], [(UNKNOWN, 0x0112)])


@contextmanager
def providing(port, report):
    """Serve storage commitment by pynetdicom; ``report`` is called with each N-ACTION event."""
    provider = AE("PROVIDER")
    provider.add_supported_context(StorageCommitmentPushModel)

    def act(event):
        report(event, event.action_information)
        return 0x0000, None

    server = provider.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_N_ACTION, act)])
    try:
        yield Node("PROVIDER", "127.0.0.1", port)
    finally:
        server.shutdown()


def outcome_of(asked):
    """Commit to the first instance, not to the others."""
    first, *others = asked.ReferencedSOPSequence
    answer = Dataset()
    answer.TransactionUID, answer.ReferencedSOPSequence = asked.TransactionUID, [first]
    answer.FailedSOPSequence = others
    for item in others:
        item.FailureReason = 0x0213
    return answer


REFERENCES = [Reference(UID(CT.sop_class), UID(CT.sop_instance)), Reference(UID(CT.sop_class), UID(UNKNOWN))]


def until(house, number, state):
    waiting = threading.Event()
    for _ in range(PATIENCE_S * 50):
        found = house.commitments.one(number)[0]
        if found.state is state:
            return found
        waiting.wait(0.02)
    raise AssertionError(found)


def test_we_ask_pynetdicom_and_are_called(house, peer_port):
    calls = []

    def call_later(_event, asked):
        def call():
            provider = AE("PROVIDER")
            provider.add_requested_context(StorageCommitmentPushModel)
            role = build_role(StorageCommitmentPushModel, scp_role=True)
            node = archive(house)
            association = provider.associate(node.host, node.port, ae_title=node.ae_title, ext_neg=[role])
            assert association.is_established
            status, _reply = association.send_n_event_report(
                outcome_of(asked), 2, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
            )
            calls.append(status.Status)
            association.release()

        caller = threading.Thread(target=call)
        caller.start()
        threads.append(caller)

    threads = []
    with providing(peer_port, call_later) as node:
        asked = house.commitments.requests.ask(node, REFERENCES)
        done = until(house, asked.id, State.DONE)
        for thread in threads:
            thread.join(PATIENCE_S)
    assert calls == [0x0000]
    assert (done.committed, done.failed) == (1, 1)
    assert [item.outcome for item in house.commitments.one(asked.id)[1]] == [0, 0x0213]


def test_we_ask_pynetdicom_and_hear_on_the_same_association(house, peer_port):
    """It reports when its answer to the N-ACTION is out, over the association that asked."""
    provider = AE("PROVIDER")
    provider.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
    asked, answers, threads = [], [], []

    def act(event):
        asked.append(event.action_information)
        return 0x0000, None

    def report(association):
        status, _reply = association.send_n_event_report(
            outcome_of(asked[0]), 2, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        answers.append(status.Status)

    def sent(event):
        if isinstance(event.message, N_ACTION_RSP):
            threads.append(threading.Thread(target=report, args=(event.assoc,)))
            threads[-1].start()

    handlers = [(evt.EVT_N_ACTION, act), (evt.EVT_DIMSE_SENT, sent)]
    server = provider.start_server(("127.0.0.1", peer_port), block=False, evt_handlers=handlers)
    try:
        done = house.commitments.requests.ask(Node("PROVIDER", "127.0.0.1", peer_port), REFERENCES)
        for thread in threads:
            thread.join(PATIENCE_S)
    finally:
        server.shutdown()
    assert answers == [0x0000]
    assert (done.state, done.committed, done.failed) == (State.DONE, 1, 1)


def test_the_command_sends_and_asks(house, tmp_path):
    files = [str(named(name).path) for name in ("CT_small.dcm", "MR_small.dcm")]
    node = f"CALOTYPE@127.0.0.1:{archive(house).port}"
    done = CliRunner().invoke(calotype, ["send", node, *files, "--commit"])
    assert (done.exit_code, done.output.splitlines()[-2:]) == (
        0,
        ["2 sent, 0 failed, 0 skipped", "CALOTYPE commits to 2 of 2"],
    )


def test_the_command_asks_and_hears(house, tmp_path):
    port = archive(house).port
    run, node = CliRunner(), f"CALOTYPE@127.0.0.1:{port}"
    done = run.invoke(calotype, ["commit", node, str(CT.path)])
    assert (done.exit_code, done.output) == (0, "CALOTYPE commits to 1 of 1\n")
    other = named("MR_small.dcm").path
    done = run.invoke(calotype, ["commit", node, str(CT.path), str(other)])
    assert done.exit_code == 1
    assert "MR_small.dcm: not committed: 0112 No such object instance" in done.stderr


def test_the_command_is_called_back(peer_port):
    ours = dcmtk.free_port()

    def call_later(_event, asked):
        def call():
            provider = AE("PROVIDER")
            provider.add_requested_context(StorageCommitmentPushModel)
            role = build_role(StorageCommitmentPushModel, scp_role=True)
            association = provider.associate("127.0.0.1", ours, ae_title="CALOTYPE", ext_neg=[role])
            assert association.is_established
            association.send_n_event_report(
                outcome_of(asked), 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
            )
            association.release()

        threads.append(threading.Thread(target=call))
        threads[-1].start()

    threads = []
    with providing(peer_port, call_later) as node:
        arguments = ["commit", f"PROVIDER@127.0.0.1:{node.port}", str(CT.path), "--listen", str(ours)]
        done = CliRunner().invoke(calotype, arguments)
        for thread in threads:
            thread.join(PATIENCE_S)
    assert (done.exit_code, done.output) == (0, "PROVIDER commits to 1 of 1\n")
