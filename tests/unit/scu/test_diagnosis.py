"""Why does it not work? One test for each way in which a node may not answer."""

import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from calotype.dicom.uids import CT_IMAGE_STORAGE, VERIFICATION
from calotype.dicom.wire.messages import CEchoRQ
from calotype.errors import OutOfResources
from calotype.network.failures import Hindrance
from calotype.network.settings import DialSettings
from calotype.scu.calling import Caller
from calotype.scu.diagnosis import _HINDRANCES, EchoProber
from calotype.services.routing.diagnosis import Verdict
from calotype.services.routing.nodes import Node, NodeTls
from support.peers import CALLER, NATIVE, TIMEOUTS, serving
from support.raw_peers import closed_port

PATIENT = EchoProber(CALLER)
IMPATIENT = EchoProber(Caller("TESTER", DialSettings(timeouts=replace(TIMEOUTS, artim_s=0.2, dimse_s=0.2))))


@contextmanager
def mute(*, leaves):
    """Listen, take one connection, and say nothing: hang up at once, or when the test is over."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def take():
            connection, _ = listening.accept()
            with connection:
                if not leaves:
                    over.wait()

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield Node("MUTE", "127.0.0.1", listening.getsockname()[1])
        finally:
            over.set()
            thread.join()


def test_a_node_that_answers_is_measured():
    with serving({}, {VERIFICATION: NATIVE}) as node:
        told = PATIENT.diagnose(node)
    assert (told.verdict, told.detail, told.max_pdu_bytes) == (Verdict.ANSWERS, f"{node} answers", 256 * 1024)
    assert 0 < told.associate_ms + told.echo_ms <= told.total_ms


def test_a_name_that_nobody_knows():
    told = PATIENT.diagnose(Node("NODE", "nowhere.invalid", 104))
    assert told.verdict is Verdict.NAME_UNKNOWN
    assert told.associate_ms is None


def test_a_port_that_nobody_listens_on():
    with closed_port() as port:
        assert PATIENT.diagnose(Node("NODE", "127.0.0.1", port)).verdict is Verdict.CONNECTION_REFUSED


def test_a_node_that_takes_the_connection_and_says_nothing():
    with mute(leaves=False) as node:
        told = IMPATIENT.diagnose(node)
    assert told.verdict is Verdict.TIMEOUT
    assert told.total_ms >= 200


def test_a_node_that_hangs_up():
    with mute(leaves=True) as node:
        assert PATIENT.diagnose(node).verdict is Verdict.ABORTED


def test_a_node_that_does_not_know_the_called_ae_title():
    with serving({}, {VERIFICATION: NATIVE}, ae_title="OTHER") as node:
        told = PATIENT.diagnose(replace(node, ae_title="NODE"))
    assert told.verdict is Verdict.CALLED_AE_TITLE_REJECTED
    assert told.detail.endswith("give its own AE title in the address book")


def test_a_node_that_does_not_know_us():
    with serving({}, {VERIFICATION: NATIVE}, calling_ae_titles=frozenset({"FRIEND"})) as node:
        told = PATIENT.diagnose(node)
    assert told.verdict is Verdict.CALLING_AE_TITLE_REJECTED
    assert told.detail.endswith("have TESTER added to the AE titles that it knows")


def test_a_node_without_verification():
    with serving({}, {CT_IMAGE_STORAGE: NATIVE}) as node:
        assert PATIENT.diagnose(node).verdict is Verdict.NO_CONTEXT


def test_a_node_that_fails():
    def full(_association, _received):
        raise OutOfResources("no space")

    with serving({CEchoRQ: full}, {VERIFICATION: NATIVE}) as node:
        assert PATIENT.diagnose(node).verdict is Verdict.FAILED


def test_a_node_that_aborts():
    def aborting(association, _received):
        association.abort()

    with serving({CEchoRQ: aborting}, {VERIFICATION: NATIVE}) as node:
        assert PATIENT.diagnose(node).verdict is Verdict.ABORTED


def test_tls_towards_a_node_that_does_not_speak_it():
    with mute(leaves=True) as node:
        assert PATIENT.diagnose(replace(node, tls=NodeTls(verify=False))).verdict is Verdict.TLS_FAILED


def test_an_entry_that_cannot_be_used(tmp_path):
    tls = NodeTls(ca=Path(tmp_path / "nothing.pem"))
    told = PATIENT.diagnose(Node("NODE", "127.0.0.1", 104, tls=tls))
    assert told.verdict is Verdict.MISCONFIGURED


@pytest.mark.parametrize("hindrance", Hindrance)
def test_every_hindrance_has_a_verdict(hindrance):
    assert hindrance in _HINDRANCES
