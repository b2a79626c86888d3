"""C-ECHO SCU: an answer, or words that say what to look at."""

import socket
import threading
from dataclasses import replace

import pytest

from calotype.dicom.uids import CT_IMAGE_STORAGE, VERIFICATION
from calotype.dicom.wire.messages import CEchoRQ, CEchoRSP
from calotype.errors import OutOfResources, Refused, Unavailable, Unsupported
from calotype.network.failures import AssociationAborted, AssociationRejected
from calotype.network.settings import DialSettings
from calotype.scu.calling import Caller
from calotype.scu.echo import echo
from calotype.services.routing.nodes import Node
from support.peers import CALLER, NATIVE, TIMEOUTS, serving
from support.raw_peers import closed_port

IMPATIENT = Caller(
    "TESTER", DialSettings(timeouts=replace(TIMEOUTS, connect_s=1, artim_s=0.2, dimse_s=0.2, network_s=0.2))
)


def test_echo_reports_times_and_the_longest_pdu():
    with serving({}, {VERIFICATION: NATIVE}) as node:
        report = echo(CALLER, node)
    assert report.associate_s > 0
    assert report.echo_s > 0
    assert report.max_pdu_bytes == 256 * 1024


def test_echo_names_a_port_that_nobody_listens_on():
    with closed_port() as port, pytest.raises(Unavailable, match=f"NODE .*127.0.0.1:{port}"):
        echo(CALLER, Node("NODE", "127.0.0.1", port))


def test_echo_names_a_host_that_does_not_exist():
    with pytest.raises(Unavailable, match=r"nowhere\.invalid"):
        echo(CALLER, Node("NODE", "nowhere.invalid", 104))


def test_echo_says_that_the_called_ae_title_is_not_known_there():
    with (
        serving({}, {VERIFICATION: NATIVE}, ae_title="OTHER") as node,
        pytest.raises(AssociationRejected, match="called AE title not recognized") as caught,
    ):
        echo(CALLER, replace(node, ae_title="NODE"))
    assert isinstance(caught.value, Refused)


def test_echo_says_that_our_ae_title_is_not_known_there():
    with (
        serving({}, {VERIFICATION: NATIVE}, calling_ae_titles=frozenset({"FRIEND"})) as node,
        pytest.raises(AssociationRejected, match="calling AE title not recognized"),
    ):
        echo(CALLER, node)


def test_echo_says_that_there_is_no_verification():
    with (
        serving({}, {CT_IMAGE_STORAGE: NATIVE}) as node,
        pytest.raises(Unsupported, match="does not offer verification"),
    ):
        echo(CALLER, node)


def test_echo_does_not_wait_forever():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable):
        echo(IMPATIENT, Node("NODE", *silent.getsockname()))


def test_echo_says_when_whoever_listens_speaks_no_dicom():
    with socket.create_server(("127.0.0.1", 0)) as web_server:

        def answer():
            connection, _ = web_server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        # Whoever is impatient may be gone before the answer, and then the answer fails.
        with pytest.raises(Unavailable):
            echo(CALLER, Node("NODE", *web_server.getsockname()))
        thread.join()


def test_echo_tells_a_failure_status_in_words():
    def out_of_order(association, received):
        response = CEchoRSP(message_id_being_responded_to=received.message.message_id, status=0xA700)
        association.send(received.context.context_id, response)

    with (
        serving({CEchoRQ: out_of_order}, {VERIFICATION: NATIVE}) as node,
        pytest.raises(OutOfResources, match="answered C-ECHO with A700 Out of resources"),
    ):
        echo(CALLER, node)


def test_echo_aborts_on_an_answer_to_something_else():
    def confused(association, received):
        response = CEchoRSP(message_id_being_responded_to=received.message.message_id + 1, status=0)
        association.send(received.context.context_id, response)

    with (
        serving({CEchoRQ: confused}, {VERIFICATION: NATIVE}) as node,
        pytest.raises(AssociationAborted, match="sent a CEchoRSP where none may come"),
    ):
        echo(CALLER, node)
