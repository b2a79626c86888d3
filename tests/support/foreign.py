"""pynetdicom in tests: it loses no answer, trips over nothing, and its threads and sockets end with their test.

Fixtures for whoever imports them: in force for all tests of that module, or of the folder of that ``conftest``.
"""

from __future__ import annotations

import queue
import socket
import threading
from contextlib import suppress

import pytest
from pynetdicom import association, dul, fsm, transport

PATIENCE_S = 60
FROM_THE_USER = {"Evt1", "Evt2", "Evt7", "Evt8", "Evt9", "Evt11", "Evt14", "Evt15"}
"""Events of primitives, which wait in a queue until an action takes them."""


class Checkpoint(threading.Event):
    """Where pynetdicom's reactor stands still while others use its association; it knows whether it does.

    The reactor reads the same queue as ``send_c_store`` and its like. These tell it to stand still by one flag, and
    it says that it does by another; between the two it may take an answer that comes at once for a request that
    nobody made, and the caller waits for it until its timeout. A thread that serves an N-EVENT-REPORT writes the
    other flag as well, and then the caller waits for ever.
    """

    def __init__(self) -> None:
        super().__init__()
        self._change = threading.Condition()
        self.holds = False
        self.set()

    def wait(self, timeout: float | None = None) -> bool:
        with self._change:
            self.holds = True
            is_set = self._change.wait_for(self.is_set, timeout)
            self.holds = False
            return is_set

    def set(self) -> None:
        with self._change:
            super().set()
            self._change.notify_all()

    def clear(self) -> None:
        with self._change:
            super().clear()


def is_paused(made: association.Association) -> bool:
    """Tell whether the reactor stands still, or is who asks, or is no more."""
    return made._reactor_checkpoint.holds or threading.current_thread() is made or made._kill or not made.is_alive()


@pytest.fixture(scope="session", autouse=True)
def pynetdicom_stands_still_when_it_says_so():
    """Let pynetdicom lose no answer to its own reactor."""
    make = association.Association.__init__

    def with_checkpoint(made: association.Association, *arguments, **keywords) -> None:
        make(made, *arguments, **keywords)
        made._reactor_checkpoint = Checkpoint()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(association.Association, "__init__", with_checkpoint)
        # What is written to it is passed over.
        said = property(is_paused, lambda _made, _value: None)
        patch.setattr(association.Association, "_is_paused", said, raising=False)
        yield


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
    What is not said is taken from those that wait as well: it would be tried again and again, until ARTIM expires.
    """
    do_action = fsm.StateMachine.do_action

    def unless_late(machine: fsm.StateMachine, event: str) -> None:
        if machine.current_state in {"Sta1", "Sta13"} and (event, machine.current_state) not in fsm.TRANSITION_TABLE:
            if event in FROM_THE_USER:
                with suppress(queue.Empty):
                    machine.dul.to_provider_queue.get(block=False)
            return
        do_action(machine, event)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fsm.StateMachine, "do_action", unless_late)
        yield


@pytest.fixture(autouse=True)
def pynetdicom_is_done():
    """Wait until the threads of pynetdicom's associations have ended, with their sockets.

    They outlive the test by a moment, and whatever went wrong in them would be told of another one.
    """
    yield
    threads = (association.Association, dul.DULServiceProvider)
    left = [thread for thread in threading.enumerate() if isinstance(thread, threads)]
    for thread in left:
        thread.join(PATIENCE_S)
    assert [thread for thread in left if thread.is_alive()] == []
