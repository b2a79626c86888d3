"""The threads of a port: who serves, how many there are, and what happens when there are none to be had."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from calotype.network import door as module
from calotype.network.door import Door
from support.raw_peers import PATIENCE_S


class Echoing:
    """A port that sends back what it is sent, until its peer closes."""

    def __init__(self, capabilities):
        listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = listening.getsockname()
        self.served_by = []
        self.turned_away = []
        self.lets_in = True
        self.door = Door("echo", listening, self.take_in, self.turn_away, wakes_one=capabilities.wakes_one)
        self.door.open()

    def take_in(self, connection, address):
        if not self.lets_in:
            connection.close()
            return None
        threading.current_thread().name = "echo-serving"
        return lambda: self.serve(connection)

    def turn_away(self, connection, address, why_not):
        self.turned_away.append(why_not)
        connection.close()

    def serve(self, connection):
        self.served_by.append(threading.current_thread())
        with connection:
            connection.settimeout(PATIENCE_S)
            while data := connection.recv(100):
                if data == b"fail":
                    raise ValueError(data)
                connection.sendall(data)

    def connect(self):
        return socket.create_connection(self.address, timeout=PATIENCE_S)

    def answers(self, data=b"hello"):
        """Say something on a connection of its own; tell whether it comes back."""
        with self.connect() as peer:
            peer.sendall(data)
            try:
                return peer.recv(100) == data
            except ConnectionError:
                return False


@pytest.fixture
def echoing(capabilities):
    port = Echoing(capabilities)
    yield port
    port.door.close()


def waiting():
    """The threads that wait at the door now."""
    return [thread for thread in threading.enumerate() if thread.name == "echo-door"]


def until(holds):
    deadline = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert holds()


def test_one_after_the_other_needs_no_new_threads(echoing):
    for _ in range(30):
        assert echoing.answers()
        until(lambda: len(waiting()) > 1)
    # Whoever served may still be about to wait when the next one comes.
    assert len(set(echoing.served_by)) <= module._MOST_WAITING + 1


def test_as_many_as_come_are_served_at_once(echoing):
    with ExitStack() as open_ones:
        peers = [open_ones.enter_context(echoing.connect()) for _ in range(20)]
        for peer in reversed(peers):
            peer.sendall(b"hello")
            assert peer.recv(100) == b"hello"
        assert len(set(echoing.served_by)) == len(peers)
    until(lambda: 1 <= len(waiting()) <= module._MOST_WAITING)
    assert echoing.answers()


def test_who_is_not_let_in_costs_nobody_a_place(echoing):
    echoing.lets_in = False
    for _ in range(20):
        assert not echoing.answers()
    echoing.lets_in = True
    assert echoing.answers()
    until(lambda: len(waiting()) <= module._MOST_WAITING)


def test_what_fails_is_logged_and_the_next_one_served(echoing, caplog):
    for _ in range(3):
        assert not echoing.answers(b"fail")
    assert echoing.answers()
    until(lambda: caplog.text.count("a connection from 127.0.0.1 failed") == 3)


def test_without_a_thread_to_follow_a_connection_is_turned_away(echoing, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", start)
        assert not echoing.answers()
        assert not echoing.answers()
    assert echoing.turned_away == ["can't start new thread"] * 2
    assert echoing.answers()


def test_closing_leaves_what_is_served(echoing):
    with echoing.connect() as peer:
        peer.sendall(b"hello")
        assert peer.recv(100) == b"hello"
        echoing.door.close()
        until(lambda: not waiting())
        with pytest.raises(ConnectionError):
            echoing.connect()
        peer.sendall(b"still there")
        assert peer.recv(100) == b"still there"
    echoing.door.close()


@pytest.mark.parametrize("_", range(10))
def test_closing_in_the_middle_of_a_crowd_ends_and_forgets_nobody(capabilities, _):
    port = Echoing(capabilities)

    def ask():
        try:
            return [port.answers() for _ in range(20)]
        except ConnectionError:
            return []

    with ThreadPoolExecutor(8) as crowd:
        asked = [crowd.submit(ask) for _ in range(8)]
        until(lambda: len(port.served_by) > 10)
        port.door.close()
        for each in asked:
            each.result(PATIENCE_S)
    # Whoever has left the door may be about to end.
    until(lambda: not waiting())
