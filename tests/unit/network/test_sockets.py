"""One stream, with and without the fast paths."""

import select
import socket
import sys
import threading
from dataclasses import replace

import pytest

from calotype.network.sockets import PLAIN, SERVED, Stream, detect
from support.raw_peers import PATIENCE_S


def test_the_fast_paths_are_linux_only_and_plain_has_none():
    assert (detect().quickack is not None) == (sys.platform == "linux")
    assert (PLAIN.quickack, PLAIN.sendmsg) == (None, False)


def test_nagle_is_off_on_every_stream(stream_pair, socket_pair):
    assert socket_pair[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_quickack_is_armed_again_after_each_receive(socket_pair):
    ours, theirs = socket_pair
    armed = []

    class Watched(Stream):
        def _acknowledge_at_once(self):
            super()._acknowledge_at_once()
            armed.append(self.capabilities.quickack)

    stream = Watched(ours, detect())
    for _ in range(3):
        theirs.send(b"x")
        stream.recv_into(memoryview(bytearray(10)), 5)
    assert armed == [detect().quickack] * 3


class Scripted(socket.socket):
    """A socket on which something comes at the given look, or sleep (``None`` stands for one); notes the flags."""

    def __init__(self, *comes):
        super().__init__()
        self.comes, self.asked = list(comes), []

    def recv_into(self, _buffer, _size=0, flags=0):
        self.asked.append(flags)
        if flags and not self.comes.pop(0):
            raise BlockingIOError
        return 1


LOOK, SLEEP = getattr(socket, "MSG_DONTWAIT", 1), 0
needs_eagerness = pytest.mark.skipif(sys.platform != "linux", reason="the fast path of Linux")


@needs_eagerness
def test_a_thread_looks_again_before_it_sleeps_as_long_as_its_peer_is_quick():
    with Scripted(False, False, True, True) as peer:
        stream = Stream(peer, replace(detect(), quickack=None, eager_s=PATIENCE_S))
        for _ in range(2):
            stream.recv_into(memoryview(bytearray(10)), 5)
        assert peer.asked == [LOOK] * 4


@needs_eagerness
def test_a_thread_whose_peer_is_slow_sleeps_at_once_until_it_is_quick_again(monkeypatch):
    # Seconds at: start, a look in vain, awake; start, awake soon; start.
    times = iter([0, 1, 9, 10, 10.5, 30])
    with Scripted(False, True) as peer:
        stream = Stream(peer, replace(detect(), quickack=None, eager_s=1.0))
        monkeypatch.setattr("calotype.network.sockets.time.perf_counter", lambda: next(times))
        asked = []
        for _ in range(3):
            stream.recv_into(memoryview(bytearray(10)), 5)
            asked.append(peer.asked)
            peer.asked = []
        assert asked == [[LOOK, SLEEP], [SLEEP], [LOOK]]


@needs_eagerness
def test_a_thread_among_several_sleeps_at_once():
    with Scripted(True, True) as peer:
        stream = Stream(peer, replace(detect(), quickack=None, eager_s=PATIENCE_S))
        with SERVED, SERVED:
            stream.recv_into(memoryview(bytearray(10)), 5)
        with SERVED:
            stream.recv_into(memoryview(bytearray(10)), 5)
        assert peer.asked == [SLEEP, LOOK]


def test_receive_returns_what_came_and_zero_at_the_end(stream_pair):
    stream, peer = stream_pair
    buffer = memoryview(bytearray(100))
    peer.send(b"hello")
    assert stream.recv_into(buffer, 5) == 5
    assert bytes(buffer[:5]) == b"hello"
    peer.close()
    assert stream.recv_into(buffer, 5) == 0


def test_receive_gives_up_after_its_timeout(stream_pair):
    stream, _peer = stream_pair
    with pytest.raises(TimeoutError):
        stream.recv_into(memoryview(bytearray(10)), 0.05)


def test_try_receive_does_not_wait(stream_pair, socket_pair):
    stream, peer = stream_pair
    buffer = memoryview(bytearray(10))
    assert stream.try_recv_into(buffer) is None
    peer.close()
    assert select.select([socket_pair[0]], [], [], PATIENCE_S)[0]
    assert stream.try_recv_into(buffer) == 0


@pytest.mark.parametrize("count", [1, 3, 2000])
def test_parts_leave_as_one_stream_of_bytes(stream_pair, collect, count):
    stream, peer = stream_pair
    parts = [bytes([i % 256]) * (i % 1000 + 1) for i in range(count)]
    whole = b"".join(parts)
    sender = threading.Thread(target=stream.send_parts, args=(parts, 10))
    sender.start()
    assert collect(peer, len(whole)) == whole
    sender.join()


def test_a_send_larger_than_the_socket_buffer_is_finished(stream_pair, collect):
    stream, peer = stream_pair
    whole = bytes(range(256)) * 40_000
    sender = threading.Thread(target=stream.send, args=(whole, 10))
    sender.start()
    assert collect(peer, len(whole)) == whole
    sender.join()


def test_a_peer_that_takes_nothing_times_the_send_out(stream_pair):
    stream, _peer = stream_pair
    with pytest.raises(TimeoutError):
        stream.send(bytes(64 << 20), 0.1)


def test_shut_wakes_a_waiting_receive(stream_pair):
    stream, _peer = stream_pair
    threading.Timer(0.05, stream.shut).start()
    assert stream.recv_into(memoryview(bytearray(10)), 10) == 0


def test_a_closed_stream_is_shut_and_sent_to_in_silence(stream_pair):
    stream, _peer = stream_pair
    stream.close()
    stream.shut()
    stream.try_send(b"too late")
    with pytest.raises(OSError, match="descriptor"):
        stream.send(b"x", 1)


def test_a_receive_that_nothing_answers_ends_in_time_whoever_keeps_it(stream_pair):
    stream, _theirs = stream_pair
    with pytest.raises(TimeoutError):
        stream.recv_into(memoryview(bytearray(10)), 0.01)


def test_a_send_that_nobody_takes_ends_in_time_whoever_keeps_it(stream_pair):
    stream, _theirs = stream_pair

    def fill():
        while True:
            stream.send(bytes(1_000_000), 0.05)

    with pytest.raises(TimeoutError):
        fill()


def test_looking_for_data_never_waits_after_a_receive_that_did(stream_pair):
    stream, theirs = stream_pair
    buffer = memoryview(bytearray(10))
    theirs.send(b"one")
    assert stream.recv_into(buffer, 600) == 3
    assert stream.try_recv_into(buffer) is None
    theirs.send(b"more")
    assert stream.recv_into(buffer, 600) == 4
