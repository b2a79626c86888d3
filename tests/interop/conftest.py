"""What holds for every test with foreign peers."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest
from pynetdicom import fsm, transport


def close_in_any_case(peer: transport.AssociationSocket) -> None:
    """Close a peer's socket, whether or not the other side has gone already."""
    if peer.socket is None:
        return
    with suppress(OSError):
        peer.socket.shutdown(socket.SHUT_RDWR)
    peer.socket.close()


@pytest.fixture(scope="session", autouse=True)
def pynetdicom_closes_its_sockets():
    """Let pynetdicom close what it drops.

    It leaves a socket open whose peer was the first to go: ``shutdown`` fails then, and ``close`` is passed over.
    The collector would find that one during some later test, which fails for it: every warning is an error here.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport.AssociationSocket, "_shutdown_socket", close_in_any_case)
        yield


@pytest.fixture(scope="session", autouse=True)
def pynetdicom_survives_late_words():
    """Let pynetdicom pass over what it still wants to say on an association that it has ended itself.

    One of its threads ends the association while another answers what just came in. In Sta13, which only waits for
    the connection to close, and in Sta1 after it, Table 9-10 has no such request, and pynetdicom's thread ends by it.
    """
    do_action = fsm.StateMachine.do_action

    def unless_late(machine: fsm.StateMachine, event: str) -> None:
        if machine.current_state in {"Sta1", "Sta13"} and (event, machine.current_state) not in fsm.TRANSITION_TABLE:
            return
        do_action(machine, event)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fsm.StateMachine, "do_action", unless_late)
        yield
